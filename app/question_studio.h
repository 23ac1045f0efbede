#pragma once
#include <QDialog>
#include <functional>
#include <memory>

#include "app/experiment_runner.h"
#include "app/file_reader.h"
#include "core/tasks/qa_book.h"
#include "core/tasks/qa_check.h"
#include "views/prompt.h"

class QComboBox;
class QLineEdit;
class QProgressBar;
class QPushButton;
class QTableView;

namespace qkscope {

class QuestionDetails;
class QuestionFilter;
class QuestionModel;
class StyledLabel;

/// A file of knowledge questions, sorted out by a person: which to keep, what the open model answers, what is
/// asked twice, how often each answer comes. All of it is kept at once beside the file; closing loses
/// nothing.
class QuestionStudio : public QDialog {
  Q_OBJECT
 public:
  QuestionStudio(Session& session, QWidget* parent);

  /// Reads a file beside all else; asks for its columns where their names do not tell. Says what is wrong.
  void openFile(const QString& path);
  /// The same with columns that are chosen.
  void openFile(const QString& path, const QaColumns& columns);
  bool isReading() const { return reader_.isReading(); }
  ExperimentRunner& runner() { return runner_; }

  /// Of the questions that are selected; the next one is selected then.
  void decide(QaState state);
  /// Rejects what is asked again with the same answer.
  void rejectRepeated();
  void balance(QaBalance by, std::uint64_t seed);
  /// Writes those that are not rejected, or the accepted alone, as the ending and the words of a filter of
  /// the file dialog say. Throws Error.
  enum class Format { Published, Lines, Task };
  void write(const QString& path, Format format, bool accepted) const;

 Q_SIGNALS:
  /// To ask this in the window; the arm has no edits.
  void openRequested(const qkscope::Prompt& prompt, const qkscope::EditArm& arm);

 protected:
  void showEvent(QShowEvent* event) override;
  void dragEnterEvent(QDragEnterEvent* event) override;
  void dropEvent(QDropEvent* event) override;

 private:
  QWidget* makeHead();
  QWidget* makeMiddle();
  QWidget* makeFoot();
  void addKeys();
  QPushButton* addButton(const char* name, const QString& words, const QString& tip);
  void takeBook(std::shared_ptr<QaBook> book);
  void askColumns();
  void browse();
  void exportDialog(bool accepted);
  void balanceDialog();
  void checkOrStop();
  QaAsking asking() const;
  Experiment check() const;
  /// What an earlier check left, and how long the rest takes.
  void readKept();
  void takeState();
  void changeBook(const std::function<void()>& change);
  /// Undo or redo; what it changed is selected.
  void step(std::vector<std::size_t> (QaBook::*way)());
  void openQuestion();
  void showCurrent();
  void showCounts();
  void showState();
  int currentRow() const;
  void say(const QString& sentence, bool problem);

  Session& session_;
  ExperimentRunner runner_;
  FileReader reader_;
  QString path_;         // of the file that was read last
  QStringList columns_;  // that it has
  QaColumns chosen_;     // those that were read, or as far as they are known
  std::shared_ptr<QaBook> book_;
  ExperimentState state_;

  QuestionModel* model_;
  QuestionFilter* filter_;
  QComboBox* kind_ = nullptr;
  QLineEdit *words_ = nullptr, *system_ = nullptr;
  StyledLabel *file_ = nullptr, *counts_ = nullptr, *message_ = nullptr, *progress_text_ = nullptr;
  QProgressBar* progress_ = nullptr;
  QPushButton *choose_ = nullptr, *check_ = nullptr, *accept_ = nullptr, *reject_ = nullptr,
              *undecide_ = nullptr, *undo_ = nullptr, *redo_ = nullptr, *repeated_ = nullptr,
              *balance_ = nullptr, *export_ = nullptr, *open_ = nullptr;
  QTableView* table_ = nullptr;
  QuestionDetails* details_ = nullptr;
};

}  // namespace qkscope

#pragma once
#include <QStringList>
#include <QWidget>

#include "core/tasks/corpus_study.h"

class QCheckBox;
class QHBoxLayout;
class QLineEdit;
class QPushButton;
class QSpinBox;

namespace qkscope {

class StyledLabel;

/// Which texts a study of massive activations reads, and how much of them. Remembers its entries.
class CorpusForm : public QWidget {
  Q_OBJECT
 public:
  explicit CorpusForm(QWidget* parent);

  void setCorpus(const QString& path);
  /// What perplexities are of; none: the corpus.
  void setTests(const QStringList& paths);
  bool hasCorpus() const;
  /// By the usual rule.
  CorpusStudy study() const;
  /// For the next start.
  void remember() const;

 Q_SIGNALS:
  void changed();

 private:
  QHBoxLayout* makeFiles();
  QHBoxLayout* makeNumbers();
  QPushButton* button(QHBoxLayout* row, const QString& words, const char* name);
  QSpinBox* box(QHBoxLayout* row, const QString& words, const char* name, int low, int high, int value);
  void label(QHBoxLayout* row, const QString& words, QWidget* field);
  void recall();

  QStringList tests_;
  QLineEdit *corpus_ = nullptr, *column_ = nullptr;
  QSpinBox *length_ = nullptr, *sequences_ = nullptr, *seed_ = nullptr;
  QCheckBox *bos_ = nullptr, *half_ = nullptr;
  StyledLabel* tests_words_ = nullptr;
};

}  // namespace qkscope

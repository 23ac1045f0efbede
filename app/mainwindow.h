#pragma once
#include <QMainWindow>
#include <functional>
#include <vector>

#include "app/command_table.h"
#include "app/document_history.h"
#include "app/options.h"
#include "app/property.h"
#include "app/session.h"
#include "app/session_file.h"
#include "app/settings.h"
#include "views/view_registry.h"

class QDockWidget;
class QMenu;
class QStackedWidget;

namespace qkscope {

class CorpusWindow;
class DockSizes;
class ElidedButton;
class ElidedLabel;
class EffectWindow;
class ExperimentsWindow;
class MessageBar;
class NameButton;
class PresetSearch;
class QuestionStudio;
class RecordingSaver;
class ProgressWidget;
class VerdictsWindow;
struct Lesson;

/// The window: every registered view in its place, the toolbar, menus, status bar. Views and session know
/// nothing of each other; they meet here.
class MainWindow : public QMainWindow {
  Q_OBJECT
 public:
  explicit MainWindow(QWidget* parent = nullptr);
  ~MainWindow() override;

  Session& session() { return session_; }
  ViewState& state() { return state_; }
  const CommandTable& commands() const { return commands_; }
  /// What a .qkscope file would hold now.
  Document document() const;
  /// A new beginning: nothing to undo, nothing modified.
  void setDocument(const Document& document);
  /// The same, of a document that belongs to a file, in which it may stand otherwise.
  void resume(const SessionFile::Kept& kept);
  const QString& documentPath() const { return path_; }
  /// From here on every change is on disk within half a second.
  void keepIn(std::unique_ptr<SessionFile> file);
  /// Window position and docks as they were when the window was last closed; `size`, where it is given, wins.
  void restoreLayout(std::optional<QSize> size = {});

 public Q_SLOTS:
  /// A model (its card is shown first, if `ask`), or a document. Anything else gives one sentence in the
  /// window.
  void openPath(const QString& path, bool ask);
  void loadModel(const QString& path, const qkscope::LoadOptions& options);
  /// Files of activations; where the shapes leave their layout open, it is asked for, if `ask`.
  void openDump(const qkscope::DumpSource& source, bool ask);
  /// A document with its recorded runs; `runs_alone`: the document of now stays, as a later state of it.
  void openRecorded(const QString& path, bool runs_alone);
  void showError(const QString& sentence);
  /// In front of the others of its place; nothing for an id that is no panel's.
  void showPanel(const QString& id);

 protected:
  void closeEvent(QCloseEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;
  void keyReleaseEvent(QKeyEvent* event) override;
  void changeEvent(QEvent* event) override;
  void dragEnterEvent(QDragEnterEvent* event) override;
  void dropEvent(QDropEvent* event) override;

 private:
  struct Placed {
    const ViewEntry* entry;
    View* view;
    QDockWidget* dock;  // null in the middle
  };

  void makeViews();
  QDockWidget* makeDock(const ViewEntry& entry, View* view);
  void arrangeDocks();
  /// Shows a panel, in front of the others of its place, or closes it.
  void togglePanel(const Placed& placed);
  /// What has the focus fills the window, the picture where no panel has it; or all are where they were.
  void enlargePanel();
  /// For restoreLayout() at the next start.
  void keepLayout();
  void connectSession();
  void updateNeeds();
  void showBusy();
  void showData();
  void showArms();
  void showHistory();
  void showLook();
  void showTitle();
  void showFailure(const QString& sentence);
  void settleMessage();
  /// These edits in the shown arm, to be seen at once.
  void requestEdits(const Edits& edits);
  void measure(const Prompt& prompt, const PromptSizeTaker& take);

  // mainwindow_bars.cpp
  void makeToolBar();
  void makeStatusBar();

  // mainwindow_commands.cpp
  void addCommands();
  void addFileCommands();
  void addEditCommands();
  void addModelCommands();
  void addDisruptCommands();
  void addPointingCommands();
  void addFigureCommands();
  void addHelpCommands();
  void fillRecent();
  void showPalette();
  static QString disruptMenu() { return tr("&Disrupt"); }
  static QString figureMenu() { return tr("Fi&gure"); }

  // mainwindow_look_commands.cpp
  void addPictureCommands();
  void addColorCommands();
  void addWindowCommands();
  Sight sight() const { return {state_.selection(), state_.look()}; }
  /// A command for each value of a property, and a line; `choose` in place of setting it.
  std::vector<Command> choices(const QString& name, std::function<void(const QString& text)> choose = {});
  void changeLook(const std::function<void(Look&)>& change);
  void moveSelection(int layers, int heads);
  void chooseSite(Site site);
  /// Switches the disruption on where there is nothing else to show.
  void showRun(Shown which);
  void leaveOut(int position);
  void askForPercentile();
  void askForColorLimits();
  void setUiScale(double scale);

  // mainwindow_pointing.cpp
  void point(const Selection& at, Reach reach, Pointing pointing);
  void takeColumns(const std::vector<ColumnEntry>& entries, Pointing pointing);
  std::vector<Command> stopCommands(const std::function<Selection()>& at);
  void stopRotating(const RotationEdit& edit);
  void showPointingMenu(const Selection& at, const QPoint& global);

  // mainwindow_arms.cpp
  void addArmCommands();
  void nameArm();
  void copyEdits();
  void pasteEdits();
  void savePreset();
  void offerPreset(const QString& name);
  void fillPresets();
  static QString armsMenu() { return tr("&Arms"); }
  /// While Space is held down: the baseline, then what was shown before.
  void peek(bool at_baseline);

  // mainwindow_documents.cpp
  Held held() const;
  DumpSource dumpSource() const;
  void hold(const Held& held);
  /// A step that can be undone.
  void replaceDocument(const QString& words, const Document& document, const QString& path);
  /// Whether closing would lose what the document's file does not hold.
  bool isModified() const;
  void noteChange();
  void askBeforeClosing();
  QString modelPath() const;
  void newDocument();
  /// Its document on the model of now, and its panels; a step that can be undone.
  void openLesson(const Lesson& lesson);
  void openDocumentDialog();
  void openDocumentFile(const QString& path);
  void save();
  void saveAs();
  void saveTo(const QString& path);
  QString askForDocumentPath(const QString& title);
  /// The document stands in `path` now.
  void noteSaved(const Document& document, const QString& path);

  // mainwindow_recorded.cpp
  void takeRecorded(const std::filesystem::path& file, const RecordedDocument& recorded);
  void saveRecordedAs();
  void saveRecorded(const QString& path);

  // mainwindow_experiments.cpp
  void showExperiments();
  void showEffects();
  void showCorpora();
  /// A layer, and where the prompt has it a position, in the residual stream.
  void showActivation(int layer, int position);
  QuestionStudio& showQuestions();
  void showVerdicts();
  /// A question of an experiment as a prompt, with the edits of its arm shown and on; no edits: switched off.
  void askFromExperiment(const Prompt& prompt, const EditArm& arm);

  // mainwindow_dumps.cpp
  void takeDump(const std::shared_ptr<const ActivationDump>& dump);
  void askAboutDump(const std::shared_ptr<const ActivationDump>& dump);
  void showDump(const std::shared_ptr<const ActivationDump>& dump);
  void disrupt(bool on);
  /// With a sentence where they are to be run and there is no model.
  void takeArms(Arms arms);
  /// Of the model or of the files that are shown; null where there is nothing.
  const ModelSpec* shownSpec() const { return session_.data().spec(); }

  // mainwindow_models.cpp
  void showInspected(const FoundModel& found);
  /// That the session shows now.
  void takeModel();
  void showModel();
  void showCard();
  void addOpenModelCommands();
  void addModelShareCommands();
  void fillModels();
  /// 0 where there is no other one.
  static ModelId nextModel(const ModelStore& store);
  void showNextModel();

  // mainwindow_files.cpp
  void openDialog();
  bool nothingToCopy();
  void openModelDialog(bool folder);
  void exportDialog();
  void copyImage();
  void copyValues();
  void copyCommandLine();
  View* shownView() const;
  View* shownFigure() const;
  QString shownFigureId() const;

  Settings settings_;
  ViewState state_;
  Session session_;
  LoadOptions load_options_;
  DocumentHistory history_{[this] { return held(); }, [this](const Held& held) { hold(held); }};
  PresetSearch* search_ = nullptr;
  RecordingSaver* saver_ = nullptr;  // made when it is first asked for
  PromptReader measurer_;            // for the editor of prompts
  PromptSizeTaker measured_;
  std::unique_ptr<SessionFile> session_file_;
  DumpSource asked_dump_;          // files that were asked for last, since the last model
  bool runs_alone_ = false;        // of the document with recorded runs that is being read
  bool ask_dump_ = false;          // where the layout of the dump that is being read is open
  QString asked_model_;            // path of the model that was asked for last
  QString path_;                   // of the document's file; empty = none
  std::optional<Document> saved_;  // what stands there, or the beginning of a document without a file
  bool close_unasked_ = false, close_when_saved_ = false;
  QString run_error_;                     // the sentence of a failed question, while the window shows it
  Shown wanted_shown_ = Shown::Baseline;  // to be shown once the disrupted run is there
  bool was_on_ = false;                   // the arms, when they were last looked at
  std::optional<Shown> peeking_;          // what is shown again once Space is let go

  DockSizes* docks_;
  QByteArray layout_before_;  // while one panel fills the window
  std::vector<Placed> views_;
  QStackedWidget* centre_ = nullptr;
  MessageBar* message_ = nullptr;
  NameButton* model_button_ = nullptr;
  ElidedButton* arm_button_ = nullptr;
  ElidedLabel *device_label_ = nullptr, *times_label_ = nullptr, *hover_label_ = nullptr;
  ProgressWidget* progress_ = nullptr;
  // Made when they are first asked for.
  ExperimentsWindow* experiments_ = nullptr;
  EffectWindow* effects_ = nullptr;
  CorpusWindow* corpora_ = nullptr;
  QuestionStudio* questions_ = nullptr;
  VerdictsWindow* verdicts_ = nullptr;

  CommandTable commands_{this};
  QMenu *recent_menu_ = nullptr, *models_menu_ = nullptr, *presets_menu_ = nullptr;
};

}  // namespace qkscope

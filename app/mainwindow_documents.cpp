#include <QDir>
#include <QFileDialog>
#include <QFileInfo>
#include <QMessageBox>
#include <QPushButton>

#include "app/lessons.h"
#include "app/mainwindow.h"
#include "app/message_bar.h"
#include "core/base/error.h"
#include "views/shown.h"

namespace qkscope {

QString MainWindow::modelPath() const {
  if (session_.isLoading() || !session_.model()) return asked_model_;
  return QString::fromStdString(session_.model()->card().path.string());
}

DumpSource MainWindow::dumpSource() const {
  if (session_.dump()) return session_.dump()->source;
  return session_.model() || session_.isLoading() ? DumpSource() : asked_dump_;
}

Document MainWindow::document() const {
  Document document = held().document;
  for (Prompt& prompt : document.prompts) prompt.id = 0;
  for (EditArm& arm : document.arms.list) arm.id = 0;
  return document;
}

Held MainWindow::held() const {
  Document document;
  document.model = modelPath();
  document.dump = dumpSource();
  document.prompts = session_.prompts();
  document.selected_prompt = session_.selectedPrompt();
  document.arms = session_.arms();
  document.selection = state_.selection();
  document.look = state_.look();
  return {document, path_, saved_};
}

void MainWindow::hold(const Held& held) {
  const Document& document = held.document;
  path_ = held.path;
  saved_ = held.saved;
  if (document.prompts != session_.prompts() || document.selected_prompt != session_.selectedPrompt())
    session_.setPrompts(document.prompts, document.selected_prompt);
  session_.setArms(document.arms);
  Selection selection = document.selection;
  if (const ModelSpec* spec = shownSpec())
    selection = clamped(selection, *spec, spec->max_position_embeddings);
  state_.setSelection(selection);
  const bool disrupted = !appliedEdits(document.arms).empty();
  wanted_shown_ = disrupted ? document.look.shown : Shown::Baseline;
  Look look = document.look;
  if (!disrupted) look.shown = Shown::Baseline;
  state_.setLook(look);
  showTitle();
}

void MainWindow::setDocument(const Document& document) {
  history_.begin([&] { hold({document, QString(), document}); });
}

void MainWindow::resume(const SessionFile::Kept& kept) {
  std::optional<Document> saved = kept.document;
  if (!kept.path.isEmpty()) {
    try {
      saved = openDocument(kept.path);
    } catch (const Error&) {
      saved.reset();  // the file is gone, so all of it is to be saved
    }
  }
  history_.begin([&] { hold({kept.document, kept.path, saved}); });
}

void MainWindow::keepIn(std::unique_ptr<SessionFile> file) {
  session_file_ = std::move(file);
  session_file_->keep([this] { return SessionFile::Kept{document(), path_}; });
  connect(session_file_.get(), &SessionFile::failed, this, &MainWindow::showError);
  session_file_->change();
}

void MainWindow::replaceDocument(const QString& words, const Document& document, const QString& path) {
  history_.replace(words, [&] { hold({document, path, document}); });
}

bool MainWindow::isModified() const {
  if (!saved_) return true;
  Document now = workOf(document()), saved = workOf(*saved_);
  if (session_.isLoading() || now.model.isEmpty()) now.model = saved.model;
  return now != saved;
}

void MainWindow::noteChange() {
  history_.note();
  setWindowModified(isModified());
  if (session_file_) session_file_->change();
}

void MainWindow::askBeforeClosing() {
  auto* box = new QMessageBox(QMessageBox::Question, tr("Close"), QString(),
                              QMessageBox::Save | QMessageBox::Discard | QMessageBox::Cancel, this);
  box->setObjectName(QStringLiteral("closeQuestion"));
  box->setAttribute(Qt::WA_DeleteOnClose);
  box->setTextFormat(Qt::PlainText);
  box->setText(tr("%1 has changed. Save it before closing?").arg(QFileInfo(path_).fileName()));
  box->setDefaultButton(QMessageBox::Save);
  connect(box, &QMessageBox::finished, this, [this](int answer) {
    close_when_saved_ = answer == QMessageBox::Save;
    if (answer == QMessageBox::Save) save();
    close_unasked_ = answer == QMessageBox::Discard;
    if (close_unasked_) close();
    close_unasked_ = false;
  });
  box->open();
}

void MainWindow::newDocument() {
  Document document = defaultDocument();
  document.model = modelPath();
  document.dump = dumpSource();
  replaceDocument(tr("new document"), document, QString());
}

void MainWindow::openLesson(const Lesson& lesson) {
  Document document = lesson.document;
  document.model = modelPath();
  replaceDocument(lesson.title, document, QString());
  for (const QString& panel : lesson.panels) showPanel(panel);
  message_->showOffer(lesson.about, tr("Undo"), [this] { history_.undo(); });
}

void MainWindow::openDocumentDialog() {
  const QString path =
      QFileDialog::getOpenFileName(this, tr("Document"), settings_.folder(QStringLiteral("document")),
                                   tr("QKScope documents (*.qkscope)"));
  if (!path.isEmpty()) openPath(path, true);
}

void MainWindow::openDocumentFile(const QString& path) {
  if (begins_like_zip(path.toStdString())) return openRecorded(path, false);
  try {
    const Document document = openDocument(path);
    replaceDocument(tr("open %1").arg(QFileInfo(path).fileName()), document, path);
    settings_.addRecent(path);
    fillRecent();
    if (!document.dump.files.empty()) return openDump(document.dump, false);
    if (document.model.isEmpty() || document.model == modelPath()) return;
    // The document may come from anyone, so its model's card is shown first.
    openPath(QString::fromStdString(find_model(document.model.toStdString()).string()), true);
  } catch (const Error& error) {
    showError(QString::fromUtf8(error.what()));
  }
}

void MainWindow::save() {
  if (path_.isEmpty()) {
    saveAs();
  } else {
    saveTo(path_);
  }
}

QString MainWindow::askForDocumentPath(const QString& title) {
  const QDir folder(settings_.folder(QStringLiteral("document")));
  const QString path = QFileDialog::getSaveFileName(
      this, title, folder.filePath(QStringLiteral("untitled.qkscope")), tr("QKScope documents (*.qkscope)"));
  if (path.isEmpty() || !QFileInfo(path).suffix().isEmpty()) return path;
  return path + QStringLiteral(".qkscope");
}

void MainWindow::saveAs() {
  const QString path = askForDocumentPath(tr("Save the document"));
  if (!path.isEmpty()) saveTo(path);
}

void MainWindow::saveTo(const QString& path) {
  // What has runs keeps them.
  if (session_.recording() || (path == path_ && session_.model() && begins_like_zip(path.toStdString())))
    return saveRecorded(path);
  try {
    const Document document = this->document();
    saveDocument(document, path);
    noteSaved(document, path);
  } catch (const Error& error) {
    close_when_saved_ = false;
    showError(QString::fromUtf8(error.what()));
  }
}

void MainWindow::noteSaved(const Document& document, const QString& path) {
  path_ = path;
  saved_ = document;
  settings_.setFolder(QStringLiteral("document"), QFileInfo(path).absolutePath());
  settings_.addRecent(path);
  fillRecent();
  showTitle();
  noteChange();
  message_->showNote(tr("Saved %1.").arg(path));
  if (std::exchange(close_when_saved_, false) && !isModified()) close();
}

}  // namespace qkscope

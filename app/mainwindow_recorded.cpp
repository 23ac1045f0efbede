#include <QDir>
#include <QFileDialog>
#include <QFileInfo>

#include "app/mainwindow.h"
#include "app/message_bar.h"
#include "app/recording_saver.h"
#include "core/base/error.h"
#include "views/shown.h"

// The part of MainWindow that opens and saves documents with their recorded runs.

namespace qkscope {

void MainWindow::openRecorded(const QString& path, bool runs_alone) {
  runs_alone_ = runs_alone;
  session_.readRecorded(path.toStdString());
}

void MainWindow::takeRecorded(const std::filesystem::path& file, const RecordedDocument& recorded) {
  const QString path = QString::fromStdString(file.string());
  try {
    const Document document = documentFromJson(QByteArray::fromStdString(recorded.document), path);
    asked_model_ = document.model;
    session_.showRecording(recorded.recording);
    if (!runs_alone_) {
      replaceDocument(tr("open %1").arg(QFileInfo(path).fileName()), document, path);
      settings_.addRecent(path);
      fillRecent();
    }
  } catch (const Error& error) {
    return showError(QString::fromUtf8(error.what()));
  }
  const ModelSpec& spec = recorded.recording->card.spec;
  state_.setSelection(clamped(state_.selection(), spec, spec.max_position_embeddings));
  showTitle();
  message_->showNote(
      tr("Recorded on %1: new edits and prompts need the model (Ctrl+O).").arg(session_.data().recorded));
}

void MainWindow::saveRecordedAs() {
  const QString path = askForDocumentPath(tr("Save with recorded runs"));
  if (!path.isEmpty()) saveRecorded(path);
}

void MainWindow::saveRecorded(const QString& path) {
  if (!saver_) {
    saver_ = new RecordingSaver(session_, this);
    connect(saver_, &RecordingSaver::failed, this, &MainWindow::showError);
    connect(saver_, &RecordingSaver::failed, this, [this] { close_when_saved_ = false; });
    connect(saver_, &RecordingSaver::saved, this, &MainWindow::noteSaved);
    connect(saver_, &RecordingSaver::runningChanged, this, &MainWindow::showBusy);
    connect(saver_, &RecordingSaver::progress, this, [this](int done, int of) {
      progress_->setProgress(tr("recording runs"), static_cast<quint64>(done), static_cast<quint64>(of));
    });
    connect(progress_, &ProgressWidget::cancelled, saver_, [this] {
      close_when_saved_ = false;
      saver_->stop();
    });
  }
  saver_->start(document(), path);
}

}  // namespace qkscope

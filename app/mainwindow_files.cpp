#include <QApplication>
#include <QClipboard>
#include <QDir>
#include <QFileDialog>
#include <QFileInfo>
#include <QStackedWidget>

#include "app/export.h"
#include "app/export_dialog.h"
#include "app/figure_file.h"
#include "app/mainwindow.h"
#include "app/message_bar.h"
#include "app/open_dialog.h"
#include "app/question_studio.h"
#include "core/base/error.h"
#include "core/checkpoint/checkpoint.h"
#include "core/io/dump_file.h"
#include "views/shown.h"

namespace qkscope {

namespace {

/// "M of Q, K and V, layer 17, baseline" -> "M-of-Q-K-and-V-layer-17-baseline"
QString fileName(const QString& title) {
  QString name;
  for (const QChar letter : title) {
    if (letter.isLetterOrNumber()) {
      name += letter;
    } else if (!name.endsWith(u'-')) {
      name += u'-';
    }
  }
  return name;
}

/// A table as of read_table(), where it is no part of a checkpoint.
bool isQuestionFile(const QFileInfo& info) {
  QString name = info.fileName().toLower();
  if (name.endsWith(QStringLiteral(".gz"))) name.chop(3);
  const bool is_json = name.endsWith(QStringLiteral(".json"));
  return info.isFile() &&
         (name.endsWith(QStringLiteral(".csv")) || name.endsWith(QStringLiteral(".jsonl")) ||
          (is_json && !QFileInfo::exists(info.absolutePath() + QStringLiteral("/config.json"))));
}

}  // namespace

void MainWindow::openPath(const QString& path, bool ask) {
  const QFileInfo info(path);
  const QString suffix = info.suffix().toLower();
  if (!info.exists()) {
    showError(tr("There is no file or folder %1.").arg(path));
  } else if (suffix == QStringLiteral("qkscope") && info.isFile()) {
    openDocumentFile(path);
  } else if (info.isFile() && info.size() == 0) {
    showError(tr("%1 is empty.").arg(info.fileName()));
  } else if (info.isFile() && is_dump_file(path.toStdString())) {
    openDump({{info.absoluteFilePath().toStdString()}, {}, {}}, ask);
  } else if (isQuestionFile(info)) {
    showQuestions().openFile(path);
  } else if (info.isFile() && suffix != QStringLiteral("gguf") && suffix != QStringLiteral("safetensors") &&
             !begins_like_gguf(path.toStdString())) {
    showError(
        tr("%1 is neither a model nor a document: QKScope opens Hugging Face folders, .gguf, "
           ".safetensors and .qkscope files, activations in .npy, .npz, .pt and .safetensors files, and "
           "questions in .csv, .json and .jsonl files.")
            .arg(info.fileName()));
  } else {
    // A single .safetensors file is read together with the config.json beside it.
    const QString model = suffix == QStringLiteral("safetensors") && info.isFile() ? info.absolutePath()
                                                                                   : info.absoluteFilePath();
    if (ask) {
      session_.inspect(model.toStdString(), load_options_);
    } else {
      loadModel(model, load_options_);
    }
  }
}

void MainWindow::openModelDialog(bool folder) {
  const QString start = settings_.folder(QStringLiteral("model"));
  const QString path = folder
                           ? QFileDialog::getExistingDirectory(this, tr("Model folder"), start)
                           : QFileDialog::getOpenFileName(
                                 this, tr("Model file"), start,
                                 tr("Models and activations (*.gguf *.safetensors *.npy *.npz *.pt *.pth);;"
                                    "All files (*)"));
  if (path.isEmpty()) return;
  settings_.setFolder(QStringLiteral("model"), folder ? path : QFileInfo(path).absolutePath());
  openPath(path, true);
}

void MainWindow::openDialog() {
  auto* dialog = new OpenDialog(this);
  dialog->setAttribute(Qt::WA_DeleteOnClose);
  connect(dialog, &OpenDialog::chosen, this, [this](const QString& path) { openPath(path, true); });
  connect(dialog, &OpenDialog::browse, this, &MainWindow::openModelDialog);
  dialog->open();
}

View* MainWindow::shownView() const {
  return qobject_cast<View*>(centre_->currentWidget());
}

View* MainWindow::shownFigure() const {
  View* view = shownView();
  return view && view->isFigure() ? view : nullptr;
}

QString MainWindow::shownFigureId() const {
  return shownFigure() ? shownFigure()->objectName() : QString();
}

void MainWindow::exportDialog() {
  const bool has_runs = session_.data().comparison != nullptr;
  std::vector<ExportDialog::Figure> figures;
  for (const Placed& placed : views_) {
    if (!placed.view->isFigure()) continue;
    if (!has_runs && (placed.view->showsRuns() || !placed.view->isVisible())) continue;
    const QString title = placed.view->figureTitle();
    figures.insert(placed.view == shownFigure() ? figures.begin() : figures.end(),
                   {placed.entry->id, title, fileName(title)});
  }
  if (figures.empty()) {
    showError(tr("There is nothing to export yet: open a model and run a prompt first."));
    return;
  }
  const QString folder = settings_.folder(QStringLiteral("figure"));
  const auto save = [this](const QString& id, const FigureOptions& options) {
    const auto placed = std::ranges::find_if(views_, [&](const Placed& p) { return p.entry->id == id; });
    if (placed->view->showsRuns() && !session_.showsWhatIsAsked()) {
      throw Error(tr("The picture is still that of an earlier question: save it again once the new one is "
                     "there (F5 computes it where it was stopped).")
                      .toStdString());
    }
    const QStringList files = exportFigure(*placed->view, id, document(), load_options_, options);
    settings_.setFolder(QStringLiteral("figure"), QFileInfo(options.path).absolutePath());
    message_->showNote(tr("Written: %1").arg(files.join(QStringLiteral(", "))));
  };
  auto* dialog = new ExportDialog(figures, folder.isEmpty() ? QDir::homePath() : folder, save, this);
  dialog->setAttribute(Qt::WA_DeleteOnClose);
  dialog->open();
}

bool MainWindow::nothingToCopy() {
  if (session_.data().comparison) return false;
  showError(tr("There is nothing to copy yet: open a model and run a prompt first."));
  return true;
}

void MainWindow::copyImage() {
  if (nothingToCopy()) return;
  if (const View* view = shownFigure()) {
    QApplication::clipboard()->setImage(figureImage(*view, FigureOptions()));
    message_->showNote(tr("The picture is on the clipboard."));
  }
}

void MainWindow::copyValues() {
  if (nothingToCopy()) return;
  if (const View* view = shownFigure()) {
    QApplication::clipboard()->setText(QString::fromUtf8(figureCsv(view->figureArrays())));
    message_->showNote(tr("The values of the picture are on the clipboard, as comma-separated text."));
  }
}

void MainWindow::copyCommandLine() {
  if (nothingToCopy()) return;
  FigureOptions options;
  if (const View* view = shownFigure()) {
    options.path = fileName(view->figureTitle()) + QStringLiteral(".pdf");
    options.zoom = view->figureZoom();
  }
  QApplication::clipboard()->setText(
      shellLine(figureArguments(document(), shownFigureId(), options, load_options_)));
  message_->showNote(tr("The command line that makes this figure is on the clipboard."));
}

}  // namespace qkscope

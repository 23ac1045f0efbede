#include <QFileInfo>

#include "app/dump_dialog.h"
#include "app/mainwindow.h"
#include "app/message_bar.h"
#include "core/base/wording.h"
#include "views/shown.h"

// The part of MainWindow that shows files of activations, which have no model.

namespace qkscope {

namespace {

// What is remembered: a layout for each shape that was asked for, and the last theta.
QString memory() {
  return QStringLiteral("dumpDialog");
}
QString shapeKey(const ActivationDump& dump) {
  return QString::fromStdString(shape_text(dump.shape));
}
QString thetaKey() {
  return QStringLiteral("rope_theta");
}

}  // namespace

void MainWindow::openDump(const DumpSource& source, bool ask) {
  ask_dump_ = ask;
  asked_dump_ = source;
  session_.readDump(source);
}

void MainWindow::takeDump(const std::shared_ptr<const ActivationDump>& dump) {
  const bool open = !dump->source.layout && !dump->guess.certain && dump->guess.layouts.size() > 1;
  if (!open || !ask_dump_) return showDump(dump);
  const QString known = settings_.dialog(memory()).value(shapeKey(*dump)).toString();
  if (const auto layout = parse_layout(known.toStdString())) {
    DumpSource source = dump->source;
    source.layout = layout;
    return openDump(source, true);
  }
  askAboutDump(dump);
}

void MainWindow::askAboutDump(const std::shared_ptr<const ActivationDump>& dump) {
  auto* dialog = new DumpDialog(dump, settings_.dialog(memory()).value(thetaKey()).toDouble(), this);
  dialog->setAttribute(Qt::WA_DeleteOnClose);
  connect(dialog, &QDialog::accepted, this, [this, dialog, dump] {
    const DumpSource source = dialog->source();
    QVariantMap entries = settings_.dialog(memory());
    entries[shapeKey(*dump)] = dumpLayoutName(source);
    if (source.rope_theta) entries[thetaKey()] = *source.rope_theta;
    settings_.setDialog(memory(), entries);
    openDump(source, false);
  });
  dialog->open();
}

void MainWindow::showDump(const std::shared_ptr<const ActivationDump>& dump) {
  asked_model_.clear();
  disrupt(false);
  session_.showDump(dump);
  showTitle();
  state_.setSelection(clamped(state_.selection(), dump->spec, dump->capture.positions));
  if (dump->source.files.size() == 1) {
    settings_.addRecent(
        QFileInfo(QString::fromStdString(dump->source.files.front().string())).absoluteFilePath());
    fillRecent();
  }
  QString words = QString::fromStdString(dump->notes.front());
  if (!dump->spec.rope()) words += tr("; no RoPE is known: Ctrl+I sets its theta");
  message_->showNote(words + u'.');
}

void MainWindow::disrupt(bool on) {
  Arms arms = session_.arms();
  arms.on = on;
  takeArms(arms);
}

void MainWindow::takeArms(Arms arms) {
  if (arms.on && session_.dump()) {
    showError(tr("These are activations from a file: there is no model to disrupt."));
    arms.on = false;
    showArms();  // the button that was pressed is up again
  }
  session_.setArms(std::move(arms));
}

}  // namespace qkscope

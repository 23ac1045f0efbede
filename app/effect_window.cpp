#include "app/effect_window.h"

#include <QCheckBox>
#include <QDialogButtonBox>
#include <QHBoxLayout>
#include <QProgressBar>
#include <QPushButton>
#include <QVBoxLayout>
#include <algorithm>

#include "app/session.h"
#include "app/table_file.h"
#include "views/disruption_words.h"
#include "views/effect_canvas.h"
#include "views/styled_label.h"

namespace qkscope {

EffectWindow::EffectWindow(Session& session, QWidget* parent)
    : QDialog(parent),
      session_(session),
      runner_(session),
      about_(StyledLabel::reading(Type::Normal, Tone::Text, this)),
      progress_text_(new StyledLabel(Type::Small, Tone::Text, this)),
      message_(StyledLabel::reading(Type::Normal, Tone::Disrupted, this)),
      hover_(StyledLabel::reading(Type::Small, Tone::Muted, this)),
      heads_(new QCheckBox(tr("Each &head"), this)),
      start_(new QPushButton(this)),
      progress_(new QProgressBar(this)),
      canvas_(new EffectCanvas(this)) {
  setObjectName(QStringLiteral("effectWindow"));
  setWindowTitle(tr("Effect map"));
  start_->setObjectName(QStringLiteral("effectStart"));
  start_->setAutoDefault(false);
  heads_->setToolTip(tr("Every query head with the KV head that serves it, in place of whole layers"));
  progress_->setTextVisible(false);
  progress_->setFixedWidth(220);
  message_->hide();

  auto* top = new QHBoxLayout;
  top->addWidget(about_, 1);
  top->addWidget(heads_);
  top->addWidget(start_);
  auto* state = new QHBoxLayout;
  state->addWidget(progress_);
  state->addWidget(progress_text_, 1);
  auto* buttons = new QDialogButtonBox(QDialogButtonBox::Close, this);
  save_ = buttons->addButton(tr("Save table …"), QDialogButtonBox::ActionRole);
  save_->setAutoDefault(false);
  auto* column = new QVBoxLayout(this);
  column->addLayout(top);
  column->addLayout(state);
  column->addWidget(message_);
  column->addWidget(canvas_, 1);
  column->addWidget(hover_);
  column->addWidget(buttons);
  resize(1000, 620);

  connect(start_, &QPushButton::clicked, this, &EffectWindow::startOrStop);
  connect(save_, &QPushButton::clicked, this, &EffectWindow::exportTable);
  connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
  connect(heads_, &QCheckBox::toggled, this, &EffectWindow::showProgress);
  connect(&runner_, &EffectRunner::changed, this, &EffectWindow::showMap);
  connect(&runner_, &EffectRunner::runningChanged, this, &EffectWindow::showMap);
  connect(&runner_, &EffectRunner::failed, this, [this](const QString& sentence) { say(sentence, true); });
  for (const auto signal : {&Session::modelChanged, &Session::promptsChanged, &Session::busyChanged})
    connect(&session_, signal, this, &EffectWindow::showProgress);
  connect(canvas_, &EffectCanvas::hovered, hover_, [this](const QString& words) {
    hover_->setText(words.isEmpty() ? tr("A click on a cell makes it the window's edit. A dot: in as many "
                                         "words as the expected answer has, the model answers otherwise.")
                                    : words);
  });
  connect(canvas_, &EffectCanvas::cellChosen, this,
          [this](const EffectCell& cell) { Q_EMIT editChosen(runner_.map().edit(cell)); });
  Q_EMIT canvas_->hovered({});
  showMap();
}

void EffectWindow::setDisruption(const Disruption& disruption) {
  disruption_ = disruption;
  // A map goes from place to place by a rule.
  disruption_.entries.clear();
  disruption_.instead_of_entries = false;
  showProgress();
}

void EffectWindow::startOrStop() {
  if (runner_.isRunning()) return runner_.stop();
  message_->hide();
  runner_.start({disruption_, heads_->isChecked(), 0, {}});
}

void EffectWindow::showMap() {
  const auto& model = session_.model();
  const EffectMap& map = runner_.map();
  if (model && !map.cells.empty()) {
    const int heads = runner_.settings().per_head ? model->spec().num_heads() : 1;
    canvas_->setCells(model->spec().num_layers(), heads, map.cells);
  }
  save_->setEnabled(!map.cells.empty());
  showProgress();
}

void EffectWindow::showProgress() {
  const bool running = runner_.isRunning(), there = session_.plainQuestion().has_value();
  const std::size_t done = runner_.map().cells.size(), total = runner_.total();
  Disruption shared = disruption_;
  shared.query = shared.key = true;
  shared.layers.clear();
  shared.heads.clear();
  about_->setText(
      tr("The selected prompt, one place of it disrupted at a time. %1").arg(longWords(Edit(shared))));
  start_->setText(running ? tr("Pause") : runner_.isOfNow() && done < total ? tr("Go on") : tr("Start"));
  start_->setEnabled(running || there);
  heads_->setEnabled(!running);
  progress_->setMaximum(static_cast<int>(std::max<std::size_t>(1, total)));
  progress_->setValue(static_cast<int>(done));
  QString words = total == 0 ? QString() : tr("%1 of %2 cells").arg(done).arg(total);
  if (!session_.model()) {
    words = tr("Open a model to see what its layers do.");
  } else if (running && session_.isBusy()) {
    words = tr("%1; waits while the window is at work").arg(words.isEmpty() ? tr("Begins") : words);
  } else if (running && total == 0) {
    words = tr("Answering without any edit …");
  } else if (done > 0 && !runner_.isOfNow()) {
    words += tr(" · of another prompt or model than is shown now");
  }
  progress_text_->setText(words);
}

void EffectWindow::exportTable() {
  saveTable(this, tr("Save table"), QStringLiteral("effect-map"),
            {{tr("Table of values"), QStringLiteral("csv"), [this] { return to_csv(runner_.map()); }}},
            [this](const QString& sentence, bool problem) { say(sentence, problem); });
}

void EffectWindow::say(const QString& sentence, bool problem) {
  message_->setTone(problem ? Tone::Disrupted : Tone::Memory);
  message_->setText(sentence);
  message_->show();
}

}  // namespace qkscope

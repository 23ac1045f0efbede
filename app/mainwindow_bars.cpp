#include <QHBoxLayout>
#include <QStatusBar>
#include <QToolBar>
#include <QToolButton>

#include "app/labels.h"
#include "app/mainwindow.h"
#include "app/message_bar.h"
#include "app/segmented.h"

namespace qkscope {

namespace {

/// As high with progress and its button as without, or every run would move all that stands above.
class StatusRow : public QWidget {
 public:
  explicit StatusRow(const ProgressWidget* progress) : progress_(progress) {}
  QSize minimumSizeHint() const override {
    return QWidget::minimumSizeHint().expandedTo({0, progress_->sizeHint().height() + 2});
  }
  QSize sizeHint() const override { return QWidget::sizeHint().expandedTo(minimumSizeHint()); }

 private:
  const ProgressWidget* progress_;
};

}  // namespace

void MainWindow::makeToolBar() {
  auto* bar = new QToolBar(tr("Tools"), this);
  bar->setObjectName(QStringLiteral("toolBar"));
  bar->setMovable(false);
  bar->toggleViewAction()->setVisible(false);
  addToolBar(bar);
  // One row of our own: a tool bar would hide what does not fit; here names give way and choices fold.
  auto* row = new ToolRow(bar);
  QHBoxLayout* layout = row->row();
  model_button_ = new NameButton(row);
  model_button_->setObjectName(QStringLiteral("modelButton"));
  connect(model_button_, &QAbstractButton::clicked, this, &MainWindow::showCard);
  model_button_->setContextMenuPolicy(Qt::CustomContextMenu);
  connect(model_button_, &QWidget::customContextMenuRequested, this,
          [this](const QPoint& at) { models_menu_->popup(model_button_->mapToGlobal(at)); });
  layout->addWidget(model_button_);
  for (const auto& [name, group] :
       {std::pair(tr("Picture"), QStringLiteral("picture")),
        std::pair(tr("RoPE"), QStringLiteral("after_rope")), std::pair(tr("Run"), QStringLiteral("shown"))})
    row->addSegmented(new Segmented(commands_.group(group), name, row));
  layout->addStretch(1);

  arm_button_ = new ElidedButton(row);
  arm_button_->setObjectName(QStringLiteral("disruptionButton"));
  arm_button_->setMenu(commands_.menu({disruptMenu()}));
  arm_button_->setPopupMode(QToolButton::InstantPopup);
  arm_button_->setToolTip(tr("What is disrupted"));
  arm_button_->setFocusPolicy(Qt::TabFocus);
  row->addWords(arm_button_);
  auto* disrupt = new QToolButton(row);
  disrupt->setObjectName(QStringLiteral("disruptButton"));
  disrupt->setProperty("role", QStringLiteral("disrupt"));
  disrupt->setDefaultAction(commands_.action(QStringLiteral("disrupt")));
  disrupt->setFocusPolicy(Qt::TabFocus);
  layout->addWidget(disrupt);
  auto* figure = new QToolButton(row);
  figure->setObjectName(QStringLiteral("exportButton"));
  figure->setText(tr("Export ▾"));
  figure->setMenu(commands_.menu({figureMenu()}));
  figure->setPopupMode(QToolButton::InstantPopup);
  figure->setFocusPolicy(Qt::TabFocus);
  layout->addWidget(figure);
  bar->addWidget(row);
}

void MainWindow::makeStatusBar() {
  progress_ = new ProgressWidget(this);
  auto* row = new StatusRow(progress_);
  auto* layout = new QHBoxLayout(row);
  layout->setContentsMargins(10, 1, 4, 1);
  layout->setSpacing(18);
  device_label_ = new ElidedLabel(Qt::AlignLeft, row);
  times_label_ = new ElidedLabel(Qt::AlignLeft, row);
  times_label_->setObjectName(QStringLiteral("timesWords"));
  times_label_->setForegroundRole(QPalette::PlaceholderText);
  hover_label_ = new ElidedLabel(Qt::AlignRight, row);
  hover_label_->setObjectName(QStringLiteral("hoverWords"));
  layout->addWidget(device_label_);
  layout->addWidget(times_label_);
  layout->addWidget(progress_);
  layout->addWidget(hover_label_, 1);
  hover_label_->setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
  statusBar()->setSizeGripEnabled(false);
  statusBar()->addWidget(row, 1);
}

}  // namespace qkscope

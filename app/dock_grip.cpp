#include "app/dock_grip.h"

#include <QBoxLayout>
#include <QDockWidget>
#include <QPainter>
#include <QToolButton>

namespace qkscope {

namespace {

/// As small as its sign.
class GripButton : public QToolButton {
 public:
  using QToolButton::QToolButton;
  QSize sizeHint() const override { return {fontMetrics().height(), fontMetrics().ascent()}; }
  QSize minimumSizeHint() const override { return sizeHint(); }
};

}  // namespace

DockGrip::DockGrip(QDockWidget* dock)
    : QWidget(dock), upright_(dock->features() & QDockWidget::DockWidgetVerticalTitleBar) {
  setObjectName(QStringLiteral("dockGrip"));
  auto* layout = new QBoxLayout(upright_ ? QBoxLayout::TopToBottom : QBoxLayout::RightToLeft, this);
  layout->setContentsMargins(2, 2, 2, 0);
  layout->setSpacing(0);
  const auto button = [&](const QString& sign, const QString& about) {
    auto* tool = new GripButton(this);
    tool->setText(sign);
    tool->setToolTip(about);
    tool->setAccessibleName(about);
    tool->setFocusPolicy(Qt::NoFocus);
    layout->addWidget(tool);
    return tool;
  };
  connect(button(QStringLiteral("×"), tr("Close this panel (View > Panels brings it back)")),
          &QToolButton::clicked, dock, &QWidget::hide);
  connect(button(QStringLiteral("↗"), tr("Float or dock this panel")), &QToolButton::clicked, dock,
          [dock] { dock->setFloating(!dock->isFloating()); });
  layout->addStretch(1);
}

void DockGrip::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  painter.setBrush(palette().color(QPalette::Mid));
  painter.setPen(Qt::NoPen);
  for (int i = -3; i <= 3; ++i) {
    const QPointF step = upright_ ? QPointF(0, 5.0 * i) : QPointF(5.0 * i, 0);
    painter.drawEllipse(QPointF(rect().center()) + step, 1.1, 1.1);
  }
}

}  // namespace qkscope

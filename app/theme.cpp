#include "app/theme.h"

#include <QApplication>
#include <QFontDatabase>
#include <QPalette>
#include <QPointer>
#include <QStyle>

#include "app/style.h"

namespace qkscope {

namespace {

struct Colors {
  QColor ground, raised, inset, line, text, muted, disabled, accent, on_accent, disrupted, on_disrupted, row;
};

const Colors& colors(Theme theme, bool system_dark) {
  static const Colors light{0xf6f7f9, 0xffffff, 0xeef1f5, 0xd9dde3, 0x1b1e23, 0x5d6470,
                            0xa4abb6, 0x2457d6, 0xffffff, 0xc8321e, 0xffffff, 0xdce4f8};
  static const Colors darkness{0x16181c, 0x1e2126, 0x2a2e35, 0x343941, 0xe6e9ee, 0x9aa2ae,
                               0x666d78, 0x7aa2ff, 0x0f1115, 0xff7a66, 0x0f1115, 0x2d3548};
  static const Colors contrast{Qt::black, Qt::black, 0x1c1c1c,  0x8a8a8a, Qt::white, 0xd8d8d8,
                               0x9c9c9c,  0xffd84a,  Qt::black, 0xff8f7d, Qt::black, 0x0a3a5e};
  switch (theme) {
    case Theme::Light:
      return light;
    case Theme::Dark:
      return darkness;
    case Theme::HighContrast:
      return contrast;
    case Theme::System:
      break;
  }
  return system_dark ? darkness : light;
}

QPalette palette(const Colors& c) {
  QPalette p;
  p.setColor(QPalette::Window, c.ground);
  p.setColor(QPalette::WindowText, c.text);
  p.setColor(QPalette::Base, c.raised);
  p.setColor(QPalette::AlternateBase, c.inset);
  p.setColor(QPalette::Text, c.text);
  p.setColor(QPalette::PlaceholderText, c.muted);
  p.setColor(QPalette::Button, c.inset);
  p.setColor(QPalette::ButtonText, c.text);
  p.setColor(QPalette::BrightText, c.disrupted);
  p.setColor(QPalette::Highlight, c.accent);
  p.setColor(QPalette::HighlightedText, c.on_accent);
  p.setColor(QPalette::Link, c.accent);
  p.setColor(QPalette::ToolTipBase, c.inset);
  p.setColor(QPalette::ToolTipText, c.text);
  p.setColor(QPalette::Light, c.raised);
  p.setColor(QPalette::Midlight, c.inset);
  p.setColor(QPalette::Mid, c.line);
  p.setColor(QPalette::Dark, c.muted);
  p.setColor(QPalette::Shadow, c.line);
  for (const QPalette::ColorRole role : {QPalette::WindowText, QPalette::Text, QPalette::ButtonText}) {
    p.setColor(QPalette::Disabled, role, c.disabled);
  }
  p.setColor(QPalette::Disabled, QPalette::Highlight, c.line);
  return p;
}

/// {name} stands for a colour.
QString styleSheet(const Colors& c) {
  QString sheet = QStringLiteral(R"(
QMainWindow, QMenuBar, QStatusBar, QToolBar { background: {raised}; color: {text}; }
QMenuBar { border-bottom: 1px solid {line}; padding: 1px 4px; }
QMenuBar::item { padding: 4px 9px; border-radius: 4px; background: transparent; }
QMenuBar::item:selected { background: {inset}; }
QMenu { background: {raised}; border: 1px solid {line}; padding: 4px 0; }
QMenu::item { padding: 4px 26px 4px 24px; }
QMenu::item:selected { background: {row}; color: {text}; }
QMenu::item:disabled { color: {disabled}; }
QMenu::separator { height: 1px; background: {line}; margin: 4px 0; }
QToolBar { border: none; border-bottom: 1px solid {line}; padding: 5px 8px; spacing: 8px; }
QStatusBar { border-top: 1px solid {line}; }
QStatusBar::item { border: none; }
QMainWindow::separator { background: {line}; width: 1px; height: 1px; }
QMainWindow::separator:hover { background: {accent}; }
QSplitter::handle { background: {line}; }
QDockWidget > QWidget { background: {raised}; }
#dockPrompts > QWidget { background: {ground}; }
#dockGrip QToolButton { border: none; border-radius: 3px; padding: 0; background: transparent; color: {muted}; }
#dockGrip QToolButton:hover { background: {inset}; color: {text}; }
QTabBar::tab { background: transparent; color: {muted}; padding: 4px 10px; border: none; border-bottom: 2px solid transparent; }
QTabBar::tab:selected { color: {text}; border-bottom-color: {accent}; }
QTabBar::tab:hover { color: {text}; }
QToolTip { background: {inset}; color: {text}; border: 1px solid {line}; padding: 3px; }
QScrollBar:vertical { background: transparent; width: 9px; margin: 0; }
QScrollBar:horizontal { background: transparent; height: 9px; margin: 0; }
QScrollBar::handle { background: {line}; border-radius: 4px; margin: 1px; }
QScrollBar::handle:vertical { min-height: 24px; }
QScrollBar::handle:horizontal { min-width: 24px; }
QScrollBar::handle:hover { background: {muted}; }
QScrollBar::add-line, QScrollBar::sub-line, QScrollBar::add-page, QScrollBar::sub-page { background: none; border: none; width: 0; height: 0; }
QToolButton, QPushButton {
  background: {inset}; color: {text}; border: 1px solid transparent; border-radius: 5px; padding: 4px 9px; }
QToolButton:hover, QPushButton:hover { border-color: {muted}; }
QToolButton:checked, QPushButton:checked { background: {accent}; color: {on_accent}; }
QToolButton:disabled, QPushButton:disabled { color: {disabled}; }
QToolButton::menu-indicator { image: none; }
QPushButton:default { background: {accent}; color: {on_accent}; }
QPushButton:default:disabled { background: {inset}; color: {disabled}; }
QAbstractButton[segment] { background: {raised}; border: 1px solid {line}; border-radius: 0; padding: 4px 8px; }
QAbstractButton[segment="first"] { border-top-left-radius: 5px; border-bottom-left-radius: 5px; }
QAbstractButton[segment="last"] { border-top-right-radius: 5px; border-bottom-right-radius: 5px; }
QAbstractButton[segment="middle"], QAbstractButton[segment="last"] { border-left: none; }
QAbstractButton[segment]:checked { background: {accent}; color: {on_accent}; border-color: {accent}; }
QAbstractButton[role="disrupt"] { border: 1px solid {disrupted}; color: {disrupted}; background: {raised};
  font-weight: 600; padding: 4px 12px; }
QAbstractButton[role="disrupt"]:checked { background: {disrupted}; color: {on_disrupted}; }
QAbstractButton[role="quiet"] { background: transparent; padding: 0 6px; }
QFileDialog QToolButton, QTabBar QToolButton, QLineEdit QToolButton { padding: 1px; }
QDialogButtonBox { dialogbuttonbox-buttons-have-icons: 0; }
QLineEdit, QPlainTextEdit {
  background: {raised}; color: {text}; border: 1px solid {line}; border-radius: 4px; padding: 2px 5px;
  selection-background-color: {accent}; selection-color: {on_accent}; }
QLineEdit:disabled { color: {disabled}; background: {ground}; }
QTableView { background: {raised}; border: none; gridline-color: {line}; selection-background-color: {row};
  selection-color: {text}; alternate-background-color: {ground}; }
QHeaderView::section { background: {raised}; color: {muted}; border: none; border-bottom: 1px solid {line}; padding: 5px 2px; }
QHeaderView::up-arrow, QHeaderView::down-arrow {
  subcontrol-origin: padding; subcontrol-position: bottom right; right: 3px; width: 8px; height: 5px; }
#messageBar { background: {disrupted}; }
#messageBar[kind="note"] { background: {row}; }
#messageBar QLabel { color: {on_disrupted}; }
#messageBar[kind="note"] QLabel { color: {text}; }
#messageBar QToolButton { background: transparent; color: {on_disrupted}; }
#messageBar[kind="note"] QToolButton { color: {text}; }
QProgressBar { border: none; background: {inset}; border-radius: 3px; max-height: 8px; color: transparent; }
QProgressBar::chunk { background: {accent}; border-radius: 3px; }
#statusWords { color: {muted}; }
)");
  const std::pair<const char*, QColor> named[] = {{"{ground}", c.ground},
                                                  {"{raised}", c.raised},
                                                  {"{inset}", c.inset},
                                                  {"{line}", c.line},
                                                  {"{text}", c.text},
                                                  {"{muted}", c.muted},
                                                  {"{disabled}", c.disabled},
                                                  {"{accent}", c.accent},
                                                  {"{on_accent}", c.on_accent},
                                                  {"{disrupted}", c.disrupted},
                                                  {"{on_disrupted}", c.on_disrupted},
                                                  {"{row}", c.row}};
  for (const auto& [name, color] : named) sheet.replace(QLatin1String(name), color.name());
  return sheet;
}

/// The desktop's own choice, as far as Qt tells: its palette before ours was put over it.
bool systemIsDark() {
  static const bool dark =
      QApplication::style()->standardPalette().color(QPalette::Window).lightnessF() < 0.5 ||
      QGuiApplication::palette().color(QPalette::Window).lightnessF() < 0.5;
  return dark;
}

/// Inter at the size of the system's font times `scale`.
QFont interfaceFont(double scale) {
  static const QFont system = QApplication::font();
  QFont font = system;
  if (QFontDatabase::hasFamily(QStringLiteral("Inter"))) font.setFamily(QStringLiteral("Inter"));
  constexpr double kPoints = 9.25;
  font.setPointSizeF(kPoints * scale);
  font.setHintingPreference(QFont::PreferNoHinting);
  return font;
}

}  // namespace

void applyTheme(Theme theme, double ui_scale) {
  const bool system_dark = systemIsDark();  // asked before anything is changed
  const Colors& c = colors(theme, system_dark);
  static QPointer<Style> style;
  if (!style) QApplication::setStyle(style = new Style);
  QApplication::setFont(interfaceFont(ui_scale));
  QApplication::setPalette(palette(c));
  qApp->setStyleSheet(styleSheet(c));
  style->showFocus(QApplication::focusWidget());
}

}  // namespace qkscope

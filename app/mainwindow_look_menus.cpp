#include <QActionGroup>
#include <QDockWidget>
#include <QInputDialog>
#include <QMenu>
#include <QStackedWidget>

#include "app/color_limits.h"
#include "app/mainwindow.h"
#include "app/theme.h"
#include "views/colormap.h"
#include "views/picture_view.h"

namespace qkscope {

void MainWindow::makeColorMenu(QMenu* view_menu) {
  QMenu* maps = view_menu->addMenu(tr("&Colors"));
  auto* map_group = new QActionGroup(this);
  for (const ColorMap& map : colorMaps()) {
    addChoice(maps, map_group, {map.name, u"colors_" + map.name, {}}, &Look::color_map, map.name);
  }
  QMenu* scales = view_menu->addMenu(tr("Color &scale"));
  auto* scale_group = new QActionGroup(this);
  addChoice(scales, scale_group, {tr("linear"), QStringLiteral("scaleLinear"), {}}, &Look::scale,
            ColorScale::Linear);
  addChoice(scales, scale_group, {tr("logarithmic"), QStringLiteral("scaleLog"), {}}, &Look::scale,
            ColorScale::Log);
  addChoice(scales, scale_group, {tr("symmetric logarithmic"), QStringLiteral("scaleSymLog"), {}},
            &Look::scale, ColorScale::SymLog);
  QMenu* ranges = view_menu->addMenu(tr("Color &limits"));
  auto* range_group = new QActionGroup(this);
  addChoice(ranges, range_group, {tr("all values"), QStringLiteral("rangeFull"), {}}, &Look::range,
            ColorRange::Full);
  addChoice(ranges, range_group, {tr("percentile"), QStringLiteral("rangePercentile"), {}}, &Look::range,
            ColorRange::Percentile);
  addChoice(ranges, range_group, {tr("exact"), QStringLiteral("rangeExact"), {}}, &Look::range,
            ColorRange::Exact);
  ranges->addSeparator();
  add(ranges, {tr("Set the percentile …"), QStringLiteral("setPercentile"), {}}, [this] {
    auto* dialog = new QInputDialog(this);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setInputMode(QInputDialog::DoubleInput);
    dialog->setDoubleRange(50, 100);
    dialog->setDoubleDecimals(2);
    dialog->setDoubleValue(state_.look().percentile);
    dialog->setLabelText(tr("Colors run from the (100 − p)th to the pth percentile, p ="));
    connect(dialog, &QInputDialog::doubleValueSelected, this, [this](double value) {
      changeLook([value](Look& look) { look.percentile = value, look.range = ColorRange::Percentile; });
    });
    dialog->open();
  });
  add(ranges, {tr("Set exact limits …"), QStringLiteral("setLimits"), {}}, [this] {
    auto* dialog = new QInputDialog(this);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setLabelText(tr("Lowest and highest value of the colors, e.g. 0, 50"));
    // From the limits of what is seen, which are then moved a little.
    const auto* picture = qobject_cast<PictureView*>(centre_->currentWidget());
    const auto shown = picture ? shownLimits(picture->model()) : std::nullopt;
    const Look& now = state_.look();
    dialog->setTextValue(colorLimitsText(
        shown && now.range != ColorRange::Exact ? *shown : ColorLimits{now.exact_low, now.exact_high}));
    connect(dialog, &QInputDialog::textValueSelected, this, [this](const QString& text) {
      const auto limits = readColorLimits(text);
      if (!limits) {
        showError(tr("\"%1\" are no color limits: two numbers were expected, the lower one first, such as "
                     "0, 50.")
                      .arg(text));
        return;
      }
      changeLook([&limits](Look& look) {
        look.exact_low = limits->low, look.exact_high = limits->high, look.range = ColorRange::Exact;
      });
    });
    dialog->open();
  });
  QAction* lock = addCheck(
      view_menu, {tr("&One color scale for Q, K and V"), QStringLiteral("oneScale"), {key(Qt::Key_L)}},
      [this](bool on) { changeLook([on](Look& look) { look.one_scale = on; }); });
  look_actions_.emplace_back(lock, [](const Look& look) { return look.one_scale; });
  add(view_menu, {tr("Reset the colors"), QStringLiteral("resetColors"), {key(Qt::Key_0)}}, [this] {
    changeLook([](Look& look) {
      const Look standard;
      look.color_map = standard.color_map;
      look.scale = standard.scale;
      look.range = standard.range;
      look.percentile = standard.percentile;
      look.one_scale = standard.one_scale;
    });
  });
}

void MainWindow::makeWindowMenu(QMenu* view_menu) {
  panels_menu_ = view_menu->addMenu(tr("&Panels"));
  for (const Placed& placed : views_) {
    if (!placed.dock) continue;
    QAction* action = placed.dock->toggleViewAction();
    action->setObjectName(u"panel_" + placed.entry->id);
    if (!placed.entry->shortcut.isEmpty()) action->setShortcut(placed.entry->shortcut);
    panels_menu_->addAction(action);
    addAction(action);  // so that its keys work while the menu bar is hidden
  }
  panels_menu_->addSeparator();
  add(panels_menu_, {tr("Reset the layout"), QStringLiteral("resetLayout"), {}}, [this] {
    settings_.clearWindow();
    arrangeDocks();
  });

  QMenu* themes = view_menu->addMenu(tr("&Theme"));
  auto* group = new QActionGroup(this);
  const auto theme = [&](const QString& text, const QString& name, Theme which) {
    QAction* action = addCheck(themes, {text, name, {}}, [this, which](bool) {
      settings_.setTheme(which);
      applyTheme(which, settings_.uiScale());
    });
    group->addAction(action);
    action->setChecked(settings_.theme() == which);
  };
  theme(tr("as the system"), QStringLiteral("themeSystem"), Theme::System);
  theme(tr("light"), QStringLiteral("themeLight"), Theme::Light);
  theme(tr("dark"), QStringLiteral("themeDark"), Theme::Dark);
  add(view_menu,
      {tr("Larger type"),
       QStringLiteral("larger"),
       {key(Qt::CTRL | Qt::Key_Plus), key(Qt::CTRL | Qt::Key_Equal)}},
      [this] { setUiScale(settings_.uiScale() * 1.1); });
  add(view_menu, {tr("Smaller type"), QStringLiteral("smaller"), {key(Qt::CTRL | Qt::Key_Minus)}},
      [this] { setUiScale(settings_.uiScale() / 1.1); });
  add(view_menu, {tr("Normal type"), QStringLiteral("normalType"), {key(Qt::CTRL | Qt::Key_0)}},
      [this] { setUiScale(1.0); });
  addCheck(
      view_menu, {tr("&Full screen"), QStringLiteral("fullScreen"), {key(Qt::Key_F11)}}, [this](bool on) {
        setWindowState(on ? windowState() | Qt::WindowFullScreen : windowState() & ~Qt::WindowFullScreen);
      });
}

void MainWindow::setUiScale(double scale) {
  settings_.setUiScale(scale);
  applyTheme(settings_.theme(), settings_.uiScale());
}

}  // namespace qkscope

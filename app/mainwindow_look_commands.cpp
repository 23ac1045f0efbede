#include <QApplication>
#include <QDockWidget>
#include <QInputDialog>
#include <QMenu>
#include <algorithm>

#include "app/color_limits.h"
#include "app/mainwindow.h"
#include "app/property.h"
#include "app/theme.h"
#include "views/shown.h"

// The rows of the table of commands that choose what is seen and how.

namespace qkscope {

namespace {

QKeySequence key(QKeyCombination combination) {
  return QKeySequence(combination);
}

}  // namespace

void MainWindow::changeLook(const std::function<void(Look&)>& change) {
  Look look = state_.look();
  change(look);
  state_.setLook(look);
}

void MainWindow::moveSelection(int layers, int heads) {
  if (!shownSpec()) return;
  Selection selection = state_.selection();
  selection.layer += layers;
  selection.head += heads;
  const ModelSpec& spec = *shownSpec();
  selection.layer = std::clamp(selection.layer, 0, spec.num_layers() - 1);
  selection.head = std::clamp(selection.head, 0, siteHeads(spec, selection.site) - 1);
  state_.setSelection(selection);
}

void MainWindow::chooseSite(Site site) {
  Selection selection = state_.selection();
  if (shownSpec()) {
    const ModelSpec& spec = *shownSpec();
    // The KV head that serves the query head, and back to the first it serves.
    const int before = siteHeads(spec, selection.site), after = siteHeads(spec, site);
    selection.head = std::min(after - 1, selection.head * after / std::max(1, before));
  }
  selection.site = site;
  state_.setSelection(selection);
}

void MainWindow::showRun(Shown which) {
  wanted_shown_ = which;
  const auto& comparison = session_.data().comparison;
  if (which == Shown::Baseline || (comparison && comparison->disrupted)) {
    changeLook([which](Look& look) { look.shown = which; });
  } else {
    disrupt(true);  // shown once it is there
  }
}

std::vector<Command> MainWindow::choices(const QString& name, std::function<void(const QString&)> choose) {
  const Property& row = *propertyNamed(name);
  if (!choose) {
    choose = [this, &row](const QString& text) {
      Sight sight = this->sight();
      row.set(sight, text);
      state_.setLook(sight.look);
    };
  }
  std::vector<Command> commands;
  for (const Property::Value& value : row.values) {
    commands.push_back({.id = name + u'_' + value.text,
                        .text = value.words,
                        .keys = value.keys,
                        .run = [choose, text = value.text] { choose(text); },
                        .checked = [this, &row, text = value.text] { return row.text(sight()) == text; },
                        .group = name});
  }
  commands.emplace_back();
  return commands;
}

void MainWindow::addPictureCommands() {
  const QStringList menu{tr("&View")};
  const auto move = [this](const QString& id, const QString& text, Qt::Key by, int layers, int heads) {
    return Command{.id = id, .text = text, .keys = {key(by)}, .run = [this, layers, heads] {
                     moveSelection(layers, heads);
                   }};
  };
  const auto site = [this](const QString& id, const QString& text, Qt::Key by, Site which) {
    return Command{.id = id, .text = text, .keys = {key(by)}, .run = [this, which] { chooseSite(which); }};
  };
  commands_.add(menu, choices(QStringLiteral("picture")));
  commands_.add(menu, choices(QStringLiteral("after_rope")));
  commands_.add(menu,
                {{.id = QStringLiteral("toggleRope"),
                  .text = tr("Before or after RoPE"),
                  .keys = {key(Qt::Key_R)},
                  .run = [this] { changeLook([](Look& look) { look.after_rope = !look.after_rope; }); }},
                 {}});
  commands_.add(menu, choices(QStringLiteral("shown"),
                              [this](const QString& text) { showRun(*fromName<Shown>(text)); }));
  commands_.add(
      menu,
      {{.id = QStringLiteral("toggleShown"),
        .text = tr("Baseline or disrupted"),
        .keys = {key(Qt::Key_B)},
        .run =
            [this] { showRun(state_.look().shown == Shown::Baseline ? Shown::Disrupted : Shown::Baseline); }},
       {},
       move(QStringLiteral("layerBefore"), tr("Layer before"), Qt::Key_PageUp, -1, 0),
       move(QStringLiteral("layerAfter"), tr("Layer after"), Qt::Key_PageDown, 1, 0),
       move(QStringLiteral("headBefore"), tr("Head before"), Qt::Key_BracketLeft, 0, -1),
       move(QStringLiteral("headAfter"), tr("Head after"), Qt::Key_BracketRight, 0, 1),
       site(QStringLiteral("siteQuery"), tr("Look at Q"), Qt::Key_Q, Site::Query),
       site(QStringLiteral("siteKey"), tr("Look at K"), Qt::Key_K, Site::Key),
       site(QStringLiteral("siteValue"), tr("Look at V"), Qt::Key_V, Site::Value),
       {}});
}

void MainWindow::addColorCommands() {
  const QString view = tr("&View");
  std::vector<Command> left_out = choices(QStringLiteral("left_out"));
  left_out.push_back({.id = QStringLiteral("leaveOutSelected"),
                      .text = tr("Leave out the selected position, or take it back"),
                      .keys = {key(Qt::Key_O)},
                      .run = [this] { leaveOut(state_.selection().position); },
                      .enabled = [this] { return state_.selection().position >= 0; }});
  commands_.add({view, tr("M &without")}, std::move(left_out));
  commands_.add({view, tr("&Colors")}, choices(QStringLiteral("color_map")));
  commands_.add({view, tr("Color &scale")}, choices(QStringLiteral("scale")));
  std::vector<Command> tokens = choices(QStringLiteral("token_colors"));
  tokens.push_back({.id = QStringLiteral("nextTokenColors"),
                    .text = tr("Next colors of tokens"),
                    .keys = {key(Qt::Key_T)},
                    .run = [this] {
                      changeLook([](Look& look) {
                        look.token_colors =
                            static_cast<TokenColors>((static_cast<int>(look.token_colors) + 1) % 4);
                      });
                    }});
  commands_.add({view, tr("&Token colors")}, std::move(tokens));
  const auto range = [this](const QString& id, const QString& text, ColorRange which) {
    return Command{.id = id,
                   .text = text,
                   .run = [this, which] { changeLook([which](Look& look) { look.range = which; }); },
                   .checked = [this, which] { return state_.look().range == which; },
                   .group = QStringLiteral("range")};
  };
  commands_.add({view, tr("Color &limits")},
                {range(QStringLiteral("rangeFull"), tr("all values"), ColorRange::Full),
                 range(QStringLiteral("rangePercentile"), tr("percentile"), ColorRange::Percentile),
                 range(QStringLiteral("rangeExact"), tr("exact"), ColorRange::Exact),
                 {},
                 {.id = QStringLiteral("setPercentile"),
                  .text = tr("Set the percentile …"),
                  .run = [this] { askForPercentile(); }},
                 {.id = QStringLiteral("setLimits"), .text = tr("Set exact limits …"), .run = [this] {
                    askForColorLimits();
                  }}});
  commands_.add({view},
                {{.id = QStringLiteral("oneScale"),
                  .text = tr("&One color scale for Q, K and V"),
                  .keys = {key(Qt::Key_L)},
                  .run = [this] { changeLook([](Look& look) { look.one_scale = !look.one_scale; }); },
                  .checked = [this] { return state_.look().one_scale; }},
                 {.id = QStringLiteral("headMean"),
                  .text = tr("Attention meaned over &heads"),
                  .run = [this] { changeLook([](Look& look) { look.head_mean = !look.head_mean; }); },
                  .checked = [this] { return state_.look().head_mean; }},
                 {.id = QStringLiteral("timesValue"),
                  .text = tr("Attention times the length of the &value"),
                  .run = [this] { changeLook([](Look& look) { look.times_value = !look.times_value; }); },
                  .checked = [this] { return state_.look().times_value; },
                  .about = tr("What a key really adds: a sink takes much attention and gives little")},
                 {.id = QStringLiteral("resetColors"),
                  .text = tr("Reset the colors"),
                  .keys = {key(Qt::Key_0)},
                  .run =
                      [this] {
                        changeLook([](Look& look) {
                          const Look standard;
                          look.color_map = standard.color_map;
                          look.scale = standard.scale;
                          look.range = standard.range;
                          look.percentile = standard.percentile;
                          look.one_scale = standard.one_scale;
                          look.token_colors = standard.token_colors;
                        });
                      }},
                 {}});
}

/// A position that M is without comes back; another joins those it is without.
void MainWindow::leaveOut(int position) {
  changeLook([this, position](Look& look) {
    std::vector<int> positions = shownLeftOut(session_.data(), look);
    if (look.left_out.which == LeftOut::Which::Chosen) positions = look.left_out.positions;
    const auto at = std::ranges::lower_bound(positions, position);
    if (at != positions.end() && *at == position) {
      positions.erase(at);
    } else {
      positions.insert(at, position);
    }
    look.left_out = {};
    if (!positions.empty()) look.left_out = {LeftOut::Which::Chosen, std::move(positions), {}};
  });
}

void MainWindow::askForPercentile() {
  auto* dialog = new QInputDialog(this);
  dialog->setAttribute(Qt::WA_DeleteOnClose);
  dialog->setInputMode(QInputDialog::DoubleInput);
  dialog->setDoubleRange(percentile_limits.low, percentile_limits.high);
  dialog->setDoubleDecimals(2);
  dialog->setDoubleValue(state_.look().percentile);
  dialog->setLabelText(tr("Colors run from the (100 − p)th to the pth percentile, p ="));
  connect(dialog, &QInputDialog::doubleValueSelected, this, [this](double value) {
    changeLook([value](Look& look) { look.percentile = value, look.range = ColorRange::Percentile; });
  });
  dialog->open();
}

void MainWindow::askForColorLimits() {
  auto* dialog = new QInputDialog(this);
  dialog->setAttribute(Qt::WA_DeleteOnClose);
  dialog->setLabelText(tr("Lowest and highest value of the colors, e.g. 0, 50"));
  // From the limits of what is seen, which are then moved a little.
  const auto shown = shownView() ? shownView()->colorLimits() : std::nullopt;
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
}

void MainWindow::addWindowCommands() {
  const QString view = tr("&View");
  std::vector<Command> panels;
  for (const Placed& placed : views_) {
    if (!placed.dock) continue;
    const QAction* shows = placed.dock->toggleViewAction();
    panels.push_back({.id = u"panel_" + placed.entry->id,
                      .text = placed.entry->title,
                      .keys = {},
                      .run = [this, &placed] { togglePanel(placed); },
                      .checked = [shows] { return shows->isChecked(); }});
    if (!placed.entry->shortcut.isEmpty()) panels.back().keys = {placed.entry->shortcut};
    connect(shows, &QAction::toggled, &commands_, &CommandTable::refresh);
  }
  panels.emplace_back();
  panels.push_back({.id = QStringLiteral("resetLayout"), .text = tr("Reset the layout"), .run = [this] {
                      settings_.clearWindow();
                      arrangeDocks();
                    }});
  commands_.add({view, tr("&Panels")}, std::move(panels));

  const auto theme = [this](const QString& id, const QString& text, Theme which) {
    return Command{.id = id,
                   .text = text,
                   .run =
                       [this, which] {
                         settings_.setTheme(which);
                         applyTheme(which, settings_.uiScale());
                       },
                   .checked = [this, which] { return settings_.theme() == which; },
                   .group = QStringLiteral("theme")};
  };
  commands_.add({view, tr("&Theme")},
                {theme(QStringLiteral("themeSystem"), tr("as the system"), Theme::System),
                 theme(QStringLiteral("themeLight"), tr("light"), Theme::Light),
                 theme(QStringLiteral("themeDark"), tr("dark"), Theme::Dark),
                 theme(QStringLiteral("themeHighContrast"), tr("high contrast"), Theme::HighContrast)});
  commands_.add({view}, {{.id = QStringLiteral("larger"),
                          .text = tr("Larger type"),
                          .keys = {key(Qt::CTRL | Qt::Key_Plus), key(Qt::CTRL | Qt::Key_Equal)},
                          .run = [this] { setUiScale(settings_.uiScale() * 1.1); }},
                         {.id = QStringLiteral("smaller"),
                          .text = tr("Smaller type"),
                          .keys = {key(Qt::CTRL | Qt::Key_Minus)},
                          .run = [this] { setUiScale(settings_.uiScale() / 1.1); }},
                         {.id = QStringLiteral("normalType"),
                          .text = tr("Normal type"),
                          .keys = {key(Qt::CTRL | Qt::Key_0)},
                          .run = [this] { setUiScale(1.0); }},
                         {.id = QStringLiteral("enlargePanel"),
                          .text = tr("This panel alone"),
                          .keys = {key(Qt::SHIFT | Qt::Key_F11)},
                          .run = [this] { enlargePanel(); },
                          .checked = [this] { return !layout_before_.isEmpty(); },
                          .about = tr("What has the focus fills the window, until this is chosen again.")},
                         {.id = QStringLiteral("fullScreen"),
                          .text = tr("&Full screen"),
                          .keys = {key(Qt::Key_F11)},
                          .run = [this] { setWindowState(windowState() ^ Qt::WindowFullScreen); },
                          .checked = [this] { return isFullScreen(); }}});
}

void MainWindow::setUiScale(double scale) {
  settings_.setUiScale(scale);
  applyTheme(settings_.theme(), settings_.uiScale());
}

}  // namespace qkscope

#include "views/picture_view.h"

#include <QAccessible>
#include <QHelpEvent>
#include <QPaintEngine>
#include <QPainter>
#include <QToolTip>
#include <algorithm>
#include <cmath>

#include "views/token_text.h"
#include "views/view_registry.h"

namespace qkscope {

namespace {

const ViewRegistration registration({QStringLiteral("picture"),
                                     QStringLiteral(QT_TRANSLATE_NOOP("Views", "Picture")), Place::Centre, 0,
                                     QKeySequence(), [](ViewState& state, QWidget* parent) -> View* {
                                       return new PictureView(state, parent);
                                     }});

/// What is to come in a picture that needs more than M, and of which nothing is there.
QString missingValues(const MapModel& model) {
  const auto missing = [](const MapPanel& panel) { return panel.map.empty(); };
  const bool nothing = model.rows == MapRows::Positions && !model.panels.empty() &&
                       std::all_of(model.panels.begin(), model.panels.end(), missing);
  return nothing ? model.panels.front().missing : QString();
}

}  // namespace

PictureView::PictureView(ViewState& state, QWidget* parent) : View(state, parent) {
  setMouseTracking(true);
  setFocusPolicy(Qt::StrongFocus);
  setAttribute(Qt::WA_OpaquePaintEvent);
  setAccessibleName(tr("Picture of queries, keys and values"));
  connect(&state, &ViewState::lookChanged, this, [this] { scheduleRefresh(); });
  connect(&state, &ViewState::selectionChanged, this, &PictureView::selectionMoved);
  connect(&state, &ViewState::hoverPositionChanged, this, [this] { update(); });
}

Needs PictureView::needs() const {
  return mapNeeds(data(), state().selection(), state().look());
}

void PictureView::selectionMoved() {
  const Selection& selection = state().selection();
  // Within the maps that are there only the marks move.
  const auto cell = model_.find(selection);
  const bool same_picture = awaited_.isEmpty() && cell && model_.at(*cell).layer == selection.layer &&
                            model_.at(*cell).head == selection.head;
  if (same_picture) {
    sayCell();
    update();
  } else {
    scheduleRefresh();
  }
}

void PictureView::refresh() {
  // Another model or prompt may have fewer heads, layers or positions.
  if (data().spec() && data().comparison) {
    // A selected token may lie in a longer prompt that is yet to run.
    const int positions = data().prompt_tokens > 0 ? data().prompt_tokens : shownPositions(data());
    state().setSelection(clamped(state().selection(), *data().spec(), positions));
  }
  MapModel next = mapModel(data(), state().selection(), state().look(), &model_);
  // What files do not have never comes.
  awaited_ = data().dump ? QString() : missingValues(next);
  const TokenIds prompt = data().comparison ? data().comparison->request.prompt : TokenIds();
  // Never a blank between two pictures of one prompt.
  const auto source = data().dump ? std::shared_ptr<const void>(data().dump) : data().card;
  const bool same_input = source == pictured_source_ && prompt == pictured_prompt_;
  if (awaited_.isEmpty() || !same_input || model_.panels.empty()) {
    awaited_.clear();
    pictured_source_ = source;
    pictured_prompt_ = prompt;
    take(std::move(next));
  }
  hovered_.reset();
  markEdited();
  layOut();
  if (pointer_) hover();  // other numbers may lie under it now
  sayCell();
  tellNeeds();
}

void PictureView::setArms(const Arms& arms) {
  if (arms == arms_) return;
  arms_ = arms;
  markEdited();
}

void PictureView::markEdited() {
  taken_ = TakenColumns(markedEntries(arms_, data()));
  edited_.assign(model_.panels.size(), {});
  for (std::size_t i = 0; i < model_.panels.size() && !taken_.empty(); ++i) {
    const int rows = model_.panels[i].map.rows();
    const bool one_head = model_.rows == MapRows::Positions;
    // Of rows of one head what is true of the first is true of all.
    for (int row = 0; row < (one_head ? std::min(rows, 1) : rows); ++row) {
      const Selection at = model_.at({i, row, 0});
      for (const int dim : taken_.of(at.site, at.layer, at.head, model_.head_dim)) {
        std::vector<QRect>& blocks = edited_[i];
        const bool goes_on =
            !blocks.empty() && blocks.back().top() == row && blocks.back().right() == dim - 1;
        if (goes_on) {
          blocks.back().setRight(dim);
        } else {
          blocks.emplace_back(dim, row, 1, one_head ? rows : 1);
        }
      }
    }
  }
  update();
}

void PictureView::take(MapModel model) {
  const bool other_shape =
      model.rows != model_.rows || (!model_.panels.empty() && model.panels.size() != model_.panels.size());
  // A map of the same numbers keeps what it has drawn: a rule moves outlines, not pixels.
  for (std::size_t i = 0; i < std::min(model.panels.size(), model_.panels.size()); ++i) {
    Heatmap &map = model.panels[i].map, &shown = model_.panels[i].map;
    if (map.hasColorsOf(shown) && map.hasNumbersOf(shown)) {
      map = std::move(shown);
    } else {
      map.drawInto(std::move(shown));
    }
  }
  model_ = std::move(model);
  if (!other_shape) return;
  zoom_ = whole_map;
  zoom_history_.clear();
}

void PictureView::layOut() {
  layout_ = layoutMap(model_, PlotStyle::of(*this), QRectF(rect()), zoom_, devicePixelRatioF());
  scene_due_ = true;
  update();
}

void PictureView::sayCell() {
  const Selection& selection = state().selection();
  const auto cell = selection.dim < 0 ? std::nullopt : model_.find(selection);
  setAccessibleDescription(cell ? cellWords(data(), state().look(), model_.at(*cell)) : model_.title);
  if (hasFocus()) {
    QAccessibleEvent event(this, QAccessible::DescriptionChanged);
    QAccessible::updateAccessibility(&event);
  }
}

void PictureView::paintEvent(QPaintEvent*) {
  const PlotStyle style = PlotStyle::of(*this);
  const double ratio = devicePixelRatioF();
  const bool other_scale = !scene_.isNull() && !qFuzzyCompare(scene_.devicePixelRatio(), ratio);
  if (scene_due_ || other_scale) {
    if (other_scale) layOut();  // moved to another screen
    const QSize size(static_cast<int>(std::ceil(width() * ratio)),
                     static_cast<int>(std::ceil(height() * ratio)));
    if (scene_.size() != size) {
      scene_ = QPixmap(size);
      scene_.fill(style.background);  // what is of the last pixels
    }
    scene_.setDevicePixelRatio(ratio);
    scene_due_ = false;
    QPainter painter(&scene_);
    paintMap(painter, style, model_, layout_);
  }
  QPainter painter(this);
  if (data().stale || !awaited_.isEmpty()) {
    painter.fillRect(rect(), style.background);
    painter.setOpacity(0.45);
  }
  painter.drawPixmap(0, 0, scene_);
  painter.setOpacity(1);
  if (awaited_.isEmpty()) paintEdited(painter, style, layout_, edited_);
  MapMarks marks;
  marks.hovered = hovered_;
  if (model_.rows == MapRows::Positions && awaited_.isEmpty()) {
    const int selected = state().selection().position, hovered = state().hoverPosition();
    marks.row = hovered >= 0 ? hovered : selected;
    marks.whole_row = state().selection().dim < 0 && marks.row == selected;
  }
  if (state().selection().dim >= 0 && awaited_.isEmpty()) marks.selected = model_.find(state().selection());
  paintMapMarks(painter, style, model_, layout_, marks);
  if (!awaited_.isEmpty()) {
    const QRectF words = style.metrics(style.normal)
                             .boundingRect(awaited_)
                             .adjusted(-12 * style.unit, -6 * style.unit, 12 * style.unit, 6 * style.unit);
    const QRectF box(QPointF(width() - words.width(), height() - words.height()) / 2, words.size());
    painter.fillRect(box, style.surface);
    paintMessage(painter, style, box, awaited_);
  }
  if (drag_ && drag_->kind != Drag::Pan && drag_->moved) {
    painter.setPen(QPen(style.accent, 1.5, Qt::DashLine));
    painter.drawRect(QRectF(drag_->from, drag_->to).normalized());
  }
  if (hasFocus()) {
    painter.setPen(QPen(style.accent, 1));
    painter.setBrush(Qt::NoBrush);
    painter.drawRect(rect().adjusted(0, 0, -1, -1));
  }
}

void PictureView::resizeEvent(QResizeEvent*) {
  layOut();
}

bool PictureView::event(QEvent* event) {
  if (event->type() != QEvent::ToolTip) return View::event(event);
  const auto* help = static_cast<QHelpEvent*>(event);
  const auto cell = layout_.cellAt(model_, help->pos());
  if (cell) {
    const QStringList lines = cellLines(data(), state().look(), model_.at(*cell));
    QToolTip::showText(help->globalPos(), toolTipText(lines.join(u'\n')), this,
                       layout_.cell(*cell).toAlignedRect());
  } else {
    QToolTip::hideText();
  }
  return true;
}

void PictureView::changeEvent(QEvent* event) {
  View::changeEvent(event);
  const auto type = event->type();
  if (type == QEvent::PaletteChange || type == QEvent::FontChange || type == QEvent::StyleChange) layOut();
}

void PictureView::paintFigure(QPainter& painter, const QRectF& area) const {
  const PlotStyle style = PlotStyle::paper(*painter.device(), area.size());
  const MapModel model = mapModel(data(), state().selection(), state().look());
  const QTransform device = painter.deviceTransform();
  const bool raster =
      painter.paintEngine()->type() == QPaintEngine::Raster && device.type() <= QTransform::TxScale;
  paintMap(painter, style, model, layoutMap(model, style, area, zoom_, raster ? device.m11() : 0));
}

std::vector<FigureArray> PictureView::figureArrays() const {
  return mapArrays(data(), state().selection(), state().look());
}

QString PictureView::figureTitle() const {
  const Look& look = state().look();
  const Selection& selection = state().selection();
  const QString what = shownWords(look.shown);
  switch (look.picture) {
    case Picture::HeadsDims:
      return tr("M of Q, K and V, layer %1, %2").arg(selection.layer + 1).arg(what);
    case Picture::PositionsDims:
      return tr("Q, K and V by position, layer %1, head %2, %3")
          .arg(selection.layer + 1)
          .arg(selection.head + 1)
          .arg(what);
    case Picture::AllLayers:
      break;
  }
  return tr("M of %1, all layers, %2").arg(siteLetter(selection.site), what);
}

}  // namespace qkscope

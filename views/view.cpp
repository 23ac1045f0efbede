#include "views/view.h"

#include <QShowEvent>
#include <QTimer>

#include "views/shown.h"

namespace qkscope {

View::View(ViewState& state, QWidget* parent) : QWidget(parent), state_(state) {}

bool ViewData::looksLike(const ViewData& other, const Look& look) const {
  return card == other.card && dump == other.dump && comparison == other.comparison &&
         pieces == other.pieces && prompt_tokens == other.prompt_tokens && stale == other.stale &&
         whyNothing(*this, look) == whyNothing(other, look);
}

void View::setData(const ViewData& data) {
  const bool same = data.looksLike(data_, state_.look());
  const bool other_model = was_given_ && data.card != data_.card;
  data_ = data;
  if (!same || !was_given_) scheduleRefresh();
  was_given_ = true;
  // A paint or a click before the refresh would meet pictures of a model that is gone.
  if (other_model && isVisible()) {
    refresh_pending_ = false;
    refresh();
  }
}

void View::refreshNow() {
  if (!refresh_pending_ || !isVisible()) return;
  refresh_pending_ = false;
  refresh();
  repaint();
}

void View::scheduleRefresh() {
  if (refresh_pending_) return;
  refresh_pending_ = true;
  QTimer::singleShot(0, this, [this] {
    // A hidden view stays due; showEvent asks again.
    if (!refresh_pending_ || !isVisible()) return;
    refresh_pending_ = false;
    refresh();
  });
}

void View::showEvent(QShowEvent* event) {
  QWidget::showEvent(event);
  // The first picture must be there with the first paint, so it is not put off.
  refresh_pending_ = false;
  refresh();
}

void View::paintFigure(QPainter&, const QRectF&) const {}

void View::tellNeeds() {
  Needs now = needs();
  if (now == told_needs_) return;
  told_needs_ = std::move(now);
  Q_EMIT needsChanged();
}

}  // namespace qkscope

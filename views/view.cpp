#include "views/view.h"

#include <QCoreApplication>
#include <QElapsedTimer>
#include <QPointer>
#include <QShowEvent>
#include <QTimer>
#include <algorithm>
#include <utility>

#include "views/shown.h"

namespace qkscope {

namespace {

/// The views that are to be shown anew, in turns of the event loop so short that the next key or move of the
/// mouse is answered between two of them: the largest, which is looked at, before the panels around it.
class DueViews : public QObject {
 public:
  static DueViews& instance() {
    static QPointer<DueViews> views;  // with the application, of which a test makes several
    if (!views) views = new DueViews;
    return *views;
  }
  void add(View* view) {
    due_.emplace_back(view);  // once: it asks again only when it has been shown
    timer_.start();
  }
  void showAll() {
    while (!due_.empty()) {
      const QPointer<View> view = due_.front();
      due_.erase(due_.begin());
      if (view) view->refreshNow();
    }
  }

 private:
  DueViews() : QObject(qApp) {
    timer_.setInterval(0);
    connect(&timer_, &QTimer::timeout, this, &DueViews::turn);
  }

  void turn() {
    constexpr qint64 longest_turn = 2;  // ms
    QElapsedTimer clock;
    clock.start();
    do {
      std::erase_if(due_, [](const QPointer<View>& view) { return !view; });
      if (due_.empty()) return rest();
      takeNext()->refreshNow();
    } while (clock.elapsed() < longest_turn);
  }
  void rest() {
    timer_.stop();
    by_size_ = true;
  }

  /// The largest and what waits longest in turns: nobody waits for a view that changes all the time.
  View* takeNext() {
    auto next = due_.begin();
    if (by_size_) {
      next = std::ranges::max_element(due_, {}, [](const QPointer<View>& view) {
        return view->isVisible() ? view->width() * view->height() : 0;
      });
    }
    by_size_ = !by_size_;
    View* view = *next;
    due_.erase(next);
    return view;
  }

  QTimer timer_;
  std::vector<QPointer<View>> due_;  // those that wait longest first
  bool by_size_ = true;
};

}  // namespace

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
    due_ = Due::All;
    showDue();
  }
}

void View::showDue() {
  if (std::exchange(due_, Due::Nothing) == Due::All) {
    refresh();
  } else {
    follow();
  }
}

void View::refreshNow() {
  if (due_ == Due::Nothing || !isVisible()) return;
  showDue();
  QCoreApplication::sendPostedEvents(window(), QEvent::UpdateRequest);
}

void View::refreshAllDue() {
  DueViews::instance().showAll();
}

void View::schedule(Due what) {
  const Due before = std::exchange(due_, std::max(due_, what));
  // A hidden view stays due; showEvent asks again.
  if (before == Due::Nothing) DueViews::instance().add(this);
}

void View::showEvent(QShowEvent* event) {
  QWidget::showEvent(event);
  setEnabled(true);  // its dock does so only now, and the colours of what is disabled are others
  // The first picture must be there with the first paint, so it is not put off.
  due_ = Due::All;
  showDue();
}

void View::paintFigure(QPainter&, const QRectF&) const {}

void View::tellNeeds() {
  Needs now = needs();
  if (now == told_needs_) return;
  told_needs_ = std::move(now);
  Q_EMIT needsChanged();
}

}  // namespace qkscope

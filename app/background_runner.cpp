#include "app/background_runner.h"

#include <utility>

#include "app/problem.h"
#include "app/session.h"

namespace qkscope {

BackgroundRunner::BackgroundRunner(Session& session, const QString& name, QObject* parent)
    : QObject(parent), session_(&session), name_(name) {
  connect(&session, &Session::modelChanged, this, &BackgroundRunner::takeModel);
}

BackgroundRunner::~BackgroundRunner() {
  if (isRunning() && session_) letGo();
}

Session& BackgroundRunner::session() const {
  return *session_;
}

bool BackgroundRunner::mayStart() {
  const QString& other = session_->background();
  if (other.isEmpty()) return true;
  Q_EMIT failed(tr("%1 is under way in the background: stop it, or let it end, first.").arg(other));
  return false;
}

void BackgroundRunner::begin(const QString& no_memory,
                             std::function<void(std::stop_token, const Post&)> turn) {
  model_ = session_->model();
  turns_ = std::make_shared<Turns>();
  const Post post = [receiver = session_.data(), self = QPointer(this),
                     turns = turns_](std::function<void()> take) {
    QMetaObject::invokeMethod(receiver, [self, turns, take = std::move(take)] {
      if (self && self->turns_ == turns) take();
    });
  };
  session_->setBackground(name_, [=, this, turns = turns_, gone = modelGoneWords(),
                                  turn = std::move(turn)](std::stop_token stop) {
    {
      const std::scoped_lock lock(turns->mutex);
      if (turns->over) return;
      turns->running = true;
    }
    const std::optional<QString> problem = problemOf(no_memory, [&] { turn(stop, post); });
    {
      const std::scoped_lock lock(turns->mutex);
      // What comes to its end runs until that has been told.
      turns->running = problem || turns->over;
      if (!turns->running) return;  // another turn goes on here
    }
    post([this, words = problem.value_or(gone)] { end(words); });
  });
  Q_EMIT runningChanged();
}

bool BackgroundRunner::letGo() {
  bool runs = false, was_over = false;
  {
    const std::scoped_lock lock(turns_->mutex);
    runs = turns_->running;
    was_over = std::exchange(turns_->over, true);
  }
  // What is the session's background after that is another's.
  if (!was_over) session_->setBackground({}, {});
  return runs;
}

void BackgroundRunner::takeModel() {
  if (!isRunning() || session_->model() == model_) return;
  const QString gone = modelGoneWords();
  if (gone.isEmpty()) return stop();
  // A turn that runs may come to its end all the same, and says which it was.
  if (!letGo()) end(gone);
}

void BackgroundRunner::stop() {
  if (!isRunning()) return;
  letGo();
  turns_.reset();
  model_.reset();
  Q_EMIT runningChanged();
}

void BackgroundRunner::end(const QString& problem) {
  stop();
  ended(problem);
}

void BackgroundRunner::ended(const QString& problem) {
  if (!problem.isEmpty()) Q_EMIT failed(problem);
}

}  // namespace qkscope

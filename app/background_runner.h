#pragma once
#include <QObject>
#include <QPointer>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>

namespace qkscope {

class LanguageModel;
class Session;

/// Something long that is done on a session's compute thread whenever nothing else is asked there, in one
/// turn or many. There is one such thing at a time, and it ends with the model that it was begun on. Lives on
/// the GUI thread.
class BackgroundRunner : public QObject {
  Q_OBJECT
 public:
  /// The session may be gone first.
  ~BackgroundRunner() override;

  bool isRunning() const { return turns_ != nullptr; }
  /// Nothing more is told of it.
  void stop();

 Q_SIGNALS:
  void runningChanged();
  /// One sentence for the user; it has stopped.
  void failed(const QString& sentence);

 protected:
  /// `name`: what it is, as the beginning of a sentence: "An experiment".
  BackgroundRunner(Session& session, const QString& name, QObject* parent);

  /// Runs what it is given on this object's thread, unless its work has been stopped or replaced by then.
  using Post = std::function<void(std::function<void()>)>;
  /// Whether nothing else is under way; else failed() says what is.
  bool mayStart();
  /// `turn` goes on where the turn before it was stopped, which it tells by throwing Cancelled; `no_memory`
  /// is said where it ends for want of it.
  void begin(const QString& no_memory, std::function<void(std::stop_token, const Post&)> turn);
  /// It is over: it has done all, or `problem` says why not. By itself tells failed() then.
  virtual void ended(const QString& problem);
  /// What is said of work that a change of the model ended before it was done; none: nothing is to be said.
  virtual QString modelGoneWords() const { return {}; }

  Session& session() const;

 private:
  struct Turns {  // of one piece of work
    std::mutex mutex;
    bool running = false, over = false;  // one of them runs; there is to be no other
  };
  /// There is to be no other turn; whether one runs.
  bool letGo();
  void takeModel();
  void end(const QString& problem);

  QPointer<Session> session_;
  const QString name_;
  std::shared_ptr<const LanguageModel> model_;  // on which it was begun; null: on recorded runs
  std::shared_ptr<Turns> turns_;                // null: nothing runs
};

}  // namespace qkscope

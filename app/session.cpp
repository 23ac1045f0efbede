#include "app/session.h"

#include <algorithm>
#include <set>
#include <utility>

namespace qkscope {

namespace {

using namespace std::chrono_literals;

// Told of the place of every scored token.
constexpr int kAlternatives = 5;

/// Gives every one of `now` an id of its own: that which it bears, or of `before` that of an equal one that
/// would go otherwise, or a new one after `last`. The ids that are taken.
template <class T, class Id>
std::set<Id> giveIds(std::vector<T>& now, const std::vector<T>& before, Id& last) {
  std::set<Id> taken;
  for (T& one : now) {
    // Of two that bear one id, an original and its copy, the second is new.
    if (one.id != 0 && !taken.insert(one.id).second) one.id = 0;
  }
  for (T& one : now) {
    if (one.id == 0) {
      const auto equal = std::ranges::find_if(
          before, [&](T old) { return !taken.contains(std::exchange(old.id, 0)) && old == one; });
      one.id = equal == before.end() ? ++last : equal->id;
      taken.insert(one.id);
    }
    last = std::max(last, one.id);
  }
  return taken;
}

}  // namespace

Session::Session(QObject* parent)
    : QObject(parent),
      reader_([this](const Prompt& prompt, const ReadPrompt& read) { takeRead(prompt, read); }) {
  data_.state = DataState::NoModel;
  stale_timer_.setSingleShot(true);
  stale_timer_.setInterval(200ms);
  connect(&stale_timer_, &QTimer::timeout, this, &Session::markStale);
  connectScheduler();
  connect(&files_, &FileReader::ended, this, &Session::busyChanged);
  arms_.shown() = {QString(), {parse_disruption("lambda 5 on Q")}, ++last_arm_};
}

Session::~Session() = default;

bool Session::isBusy() const {
  const auto unread = [this](const Prompt& prompt) { return !answers(prompt.id).read(); };
  return loading_ || files_.isReading() || runsWhatIsAsked() || is_to_plan_ ||
         (model_ && !paused_ && std::ranges::any_of(prompts_, unread));
}

bool Session::runsWhatIsAsked() const {
  const Job* running = scheduler_.running();
  return running && running->isWaitedFor();
}

// ---- what is asked

void Session::cancel() {
  stopWork();
  paused_ = true;
  endTrial({});
  showResults();
  showData();
  Q_EMIT busyChanged();
}

void Session::tryEdits(Edits edits) {
  if (edits.empty() && !trial_) return;
  trial_.reset();
  if (paused_) return;
  if (!edits.empty()) trial_ = Trial{std::move(edits), {}};
  schedule();
}

void Session::resume() {
  const bool was_paused = std::exchange(paused_, false);
  const auto open = [this](const PromptResult& result) {
    const auto waits = [](ArmState state) {
      return state != ArmState::Done && state != ArmState::Off && state != ArmState::Empty &&
             state != ArmState::NotRun;
    };
    return waits(result.baseline.status.state) ||
           std::ranges::any_of(result.arms, [&](const ArmResult& arm) { return waits(arm.status.state); });
  };
  const bool all = !was_paused && !unpictured_ && std::ranges::none_of(results_, open);
  unpictured_.reset();
  if (all && asksSomeone()) {
    // Nothing is left to do, so all of it is done once more, from the first layer on.
    std::erase_if(finished_, [this](const Finished& f) { return f.model == answering_; });
    pictured_.reset();
    scheduler_.forget();
  }
  for (const Prompt& prompt : prompts_) {
    Answers& mine = answers(prompt.id);
    const bool refused = mine.read() && mine.read()->ids.empty();
    if (refused) mine.setUnread();
    mine.forget(/*failures_only=*/!all);
  }
  schedule();
}

void Session::setPrompts(std::vector<Prompt> prompts, int selected) {
  const std::set<PromptId> taken = giveIds(prompts, prompts_, last_id_);
  for (const Prompt& prompt : prompts) {
    const auto before = std::ranges::find(prompts_, prompt.id, &Prompt::id);
    if (before != prompts_.end() && *before == prompt) continue;
    for (auto& [whose, answers] : answers_) {
      if (whose.second == prompt.id) answers.setUnread();
    }
  }
  std::erase_if(answers_, [&taken](const auto& entry) { return !taken.contains(entry.first.second); });
  prompts_ = std::move(prompts);
  selected_ = std::clamp(selected, 0, std::max(0, static_cast<int>(prompts_.size()) - 1));
  results_.assign(prompts_.size(), {});
  schedule();
  for (std::size_t i = 0; i < prompts_.size(); ++i) results_[i] = resultOf(prompts_[i].id);
  Q_EMIT promptsChanged();
}

void Session::setArms(Arms arms) {
  if (arms.list.empty()) arms.list.emplace_back();
  if (arms.count() > most_arms) arms.list.resize(most_arms);
  arms.chosen = std::clamp(arms.chosen, 0, arms.count() - 1);
  const std::set<ArmId> taken = giveIds(arms.list, arms_.list, last_arm_);
  if (arms == arms_) return;
  arms_ = std::move(arms);
  for (auto& [id, answers] : answers_) answers.keep({taken.begin(), taken.end()});
  schedule();
  Q_EMIT armsChanged();
  showResults();
}

void Session::selectPrompt(int index) {
  if (index == selected_ || index < 0 || index >= static_cast<int>(prompts_.size())) return;
  selected_ = index;
  Q_EMIT promptsChanged();
  schedule();
}

void Session::setNeeds(const Needs& needs) {
  if (needs == needs_) return;
  const bool other = needs_.left_out != needs.left_out;
  needs_ = needs;
  if (dump() && other) {
    showDumpRun();
    showData(/*changed=*/true);
  }
  schedule();
}

void Session::setMaxNewTokens(int count) {
  if (count == max_new_tokens_) return;
  max_new_tokens_ = count;
  schedule();
}

void Session::setPromptLoss(bool on) {
  if (on == prompt_loss_) return;
  prompt_loss_ = on;
  schedule();
}

// ---- what is to be done

PromptId Session::selectedId() const {
  return prompts_.empty() ? 0 : prompts_[static_cast<std::size_t>(selected_)].id;
}

ArmId Session::picturedArm() const {
  return appliedEdits(arms_).empty() ? 0 : arms_.shown().id;
}

Edits Session::editsOf(ArmId arm) const {
  const auto found = std::ranges::find(arms_.list, arm, &EditArm::id);
  return arm == 0 || found == arms_.list.end() ? Edits() : switched_on(found->edits);
}

const Answers& Session::answers(PromptId id) const {
  static const Answers none;
  const auto found = answers_.find({answering_, id});
  return found == answers_.end() ? none : found->second;
}

bool Session::hasTokens(PromptId id) const {
  const auto& read = answers(id).read();
  return asksSomeone() && read && !read->ids.empty();
}

RunRequest Session::request(PromptId id, Part part, ArmId arm) const {
  const ReadPrompt& read = *answers(id).read();
  RunRequest request;
  request.prompt = read.ids;
  if (model_) request.stop_tokens = model_->stop_tokens();
  if (part == Part::PromptLoss) {
    request.score_prompt = true;
    request.edits = editsOf(arm);
    request.top_scored_tokens = kAlternatives;
    return request;
  }
  if (part == Part::Trial) {
    request.edits = trial_->edits;
    request.max_new_tokens = max_new_tokens_;
    return request;
  }
  request.edits = editsOf(arm);
  // All arms of the selected prompt keep what its pictures need: stepping through them then runs nothing.
  if (id == selectedId()) request.needs = needs_;
  if (part == Part::Answer) {
    request.max_new_tokens = max_new_tokens_;
    request.expected = read.expected;
    request.score_continuation = true;
    request.top_scored_tokens = kAlternatives;
  }
  return request;
}

std::optional<RunRequest> Session::plainQuestion() const {
  if (!model_ || !hasTokens(selectedId())) return {};  // recorded runs cannot be asked anew
  RunRequest plain = request(selectedId(), Part::Answer, 0);
  plain.needs = {};
  return plain;
}

Question Session::question(PromptId id) const {
  using Progress = Question::Progress;
  Question question;
  question.disrupted = arms_.on;
  question.stopped = paused_;
  const bool asks = asksSomeone() || loading_;
  if (asks && hasTokens(id)) {
    if (max_new_tokens_ > 0) question.answer = request(id, Part::Answer, 0);
    if (prompt_loss_) question.loss = request(id, Part::PromptLoss, 0);
  }
  const Job* running = scheduler_.running();
  const bool mine =
      running && running->prompt == id && (running->part == Part::Answer || running->part == Part::Pictures);
  const auto progress = [&](bool is_running, bool is_pictured) {
    if (!asks) return Progress::None;
    if (mine && is_running) return Progress::Running;
    const bool comes = !paused_ && (max_new_tokens_ > 0 || (id == selectedId() && is_pictured));
    return comes ? Progress::Waiting : Progress::None;
  };
  question.progress = progress(true, true);
  for (const EditArm& arm : arms_.list) {
    question.arms.push_back(
        {arm.id, switched_on(arm.edits), progress(mine && running->arm == arm.id, arm.id == picturedArm())});
  }
  return question;
}

bool Session::picturesAreThere() const {
  if (!pictured_ || !hasTokens(selectedId())) return false;
  const RunRequest now = request(selectedId(), Part::Pictures, picturedArm());
  return pictured_->prompt == now.prompt && pictured_->edits == now.edits &&
         covers(pictured_->needs, now.needs);
}

std::vector<Job> Session::wanted() const {
  std::vector<Job> jobs;
  std::vector<PromptId> order;
  if (hasTokens(selectedId())) order.push_back(selectedId());
  for (const Prompt& prompt : prompts_) {
    if (prompt.id != selectedId() && max_new_tokens_ > 0 && hasTokens(prompt.id)) order.push_back(prompt.id);
  }
  std::set<PromptId> begun;  // whose baseline comes along with an arm
  const auto ask = [&](PromptId id, ArmId arm) {
    const RunRequest answer = request(id, Part::Answer, arm);
    if (max_new_tokens_ <= 0 || answers(id).isSettled(answer, arm)) return false;
    jobs.push_back({Part::Answer, id, arm, answer});
    begun.insert(id);
    return true;
  };
  const ArmId shown = picturedArm();
  for (const PromptId id : order) {
    if (id != selectedId() || picturesAreThere()) {
      ask(id, shown);
      continue;
    }
    Job pictures{Part::Pictures, id, shown, request(id, Part::Pictures, shown)};
    const bool known = finished(pictures);
    if (known) jobs.push_back(pictures);  // at once, before the answer is written
    if (ask(id, shown) || known || (unpictured_ && unpictured_->request == pictures.request)) continue;
    jobs.push_back(std::move(pictures));
  }
  for (const PromptId id : order) {
    if (!begun.contains(id)) ask(id, 0);
    for (const EditArm& arm : arms_.list) {
      if (arms_.on && arm.id != shown && !editsOf(arm.id).empty()) ask(id, arm.id);
    }
  }
  for (const PromptId id : order) {
    if (!prompt_loss_) break;
    for (const ArmId arm : {shown, ArmId{0}}) {  // the baseline's come along with an arm's
      const RunRequest loss = request(id, Part::PromptLoss, arm);
      if (loss.prompt.size() < 2 || answers(id).hasLosses(loss, arm)) continue;
      jobs.push_back({Part::PromptLoss, id, arm, loss});
      break;
    }
  }
  if (auto ahead = foreseen(); ahead && !finished(*ahead)) jobs.push_back(std::move(*ahead));
  for (const PromptId id : order) {
    if (trial_ && !trial_->answers.contains(id))
      jobs.push_back({Part::Trial, id, 0, request(id, Part::Trial, 0)});
  }
  return jobs;
}

std::optional<Job> Session::foreseen() const {
  // Nor does anybody wait for the end of a long pass that was not asked for.
  constexpr double longest_ms = 2000;
  const Edits edits = switched_on(arms_.shown().edits);
  if (!model_ || arms_.on || edits.empty() || !hasTokens(selectedId()) ||
      times_.baseline_ms.value_or(0) > longest_ms)
    return {};
  const ArmId arm = arms_.shown().id;
  return Job{Part::Ahead, selectedId(), arm, request(selectedId(), Part::Pictures, arm)};
}

const Session::Finished* Session::finished(const Job& job) const {
  const auto found = std::ranges::find_if(finished_, [&](const Finished& f) { return tells(f, job); });
  return found == finished_.end() ? nullptr : &*found;
}

bool Session::tells(const Finished& finished, const Job& job) const {
  if (finished.model != answering_) return false;
  const RunRequest &has = finished.request, &asked = job.request;
  if (job.part != Part::Pictures && job.part != Part::Ahead) return has == asked;
  return has.prompt == asked.prompt && has.edits == asked.edits && covers(has.needs, asked.needs);
}

void Session::schedule() {
  paused_ = false;
  if (loading_ || std::exchange(is_to_plan_, true)) return;
  // Before anything is painted: what is asked need not wait for that.
  QMetaObject::invokeMethod(this, &Session::plan, Qt::QueuedConnection);
  Q_EMIT busyChanged();
}

void Session::readPrompts() {
  std::vector<Prompt> unread;
  for (const Prompt& prompt : prompts_) {
    if (!answers(prompt.id).read()) unread.push_back(prompt);
  }
  // The selected one is waited for most.
  // Not the ranges' one, which clang 14 does not compile: the fuzz targets are built with it.
  std::stable_partition(unread.begin(), unread.end(),
                        [this](const Prompt& p) { return p.id == selectedId(); });
  reader_.read(model_, unread);
}

void Session::plan() {
  if (!std::exchange(is_to_plan_, false)) return;
  if (loading_ || paused_) return;
  if (model_) readPrompts();
  if (recording_) readRecordedPrompts();
  std::vector<Job> jobs;
  for (Job& job : wanted()) {
    if (recording_) {
      answerRecorded(job);
      continue;
    }
    if (const Finished* known = finished(job)) {
      accept(job, Comparison(known->comparison));
    } else {
      jobs.push_back(std::move(job));
    }
  }
  if (!scheduler_.replace(std::move(jobs))) prefilled_baseline_.reset();
  if (runsWhatIsAsked()) stale_timer_.start();
  showResults();
  showData();
  Q_EMIT busyChanged();
}

}  // namespace qkscope

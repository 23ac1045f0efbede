#include "app/preset_search.h"

#include <algorithm>
#include <utility>

#include "app/settings.h"
#include "core/run/disruption.h"
#include "core/tasks/words.h"

namespace qkscope {

namespace {

using namespace std::chrono_literals;

constexpr std::string_view kPublished = "published", kFor = "published for ";

bool isNoControl(std::string_view name) {
  return name.find("control") == name.npos;
}

/// "published for Gemma 2" is for every architecture whose name begins with Gemma2.
bool isFor(std::string_view preset, const std::string& architecture) {
  if (!preset.starts_with(kFor)) return false;
  std::string family = lower_case(preset.substr(kFor.size()));
  std::erase(family, ' ');
  return lower_case(architecture).starts_with(family);
}

bool isRight(const QString& answer, const QString& expected) {
  const std::vector<std::string> words = words_of(expected.toStdString());
  return !words.empty() && contains_words(lower_case(answer.toStdString()), words.back());
}

}  // namespace

std::vector<std::string> PresetSearch::candidates(const std::string& architecture) {
  std::vector<std::string> names{"lambda 5 on Q", "lambda 5 on K", "lambda 5 on Q and K"}, own, general;
  for (const DisruptionPreset& preset : presets()) {
    if (!isNoControl(preset.name)) continue;
    if (isFor(preset.name, architecture)) own.push_back(preset.name);
    if (preset.name.starts_with(kPublished) && !preset.name.starts_with(kFor)) general.push_back(preset.name);
  }
  const auto& published = own.empty() ? general : own;
  names.insert(names.end(), published.begin(), published.end());
  return names;
}

PresetSearch::PresetSearch(Session& session, Document standard, QObject* parent)
    : QObject(parent), session_(session), standard_(std::move(standard)) {
  idle_.setSingleShot(true);
  idle_.setInterval(1500ms);
  connect(&idle_, &QTimer::timeout, this, &PresetSearch::begin);
  connect(&session, &Session::modelChanged, this, [this] {
    stop();
    settled_ = !session_.model();
    consider();
  });
  for (const auto signal : {&Session::busyChanged, &Session::promptsChanged, &Session::armsChanged})
    connect(&session, signal, this, &PresetSearch::consider);
  connect(&session, &Session::tried, this, &PresetSearch::take);
}

bool PresetSearch::isAsked() const {
  const auto same = [](Prompt a, const Prompt& b) {
    a.id = b.id;
    return a == b;
  };
  const Arms& arms = session_.arms();
  return session_.model() && session_.maxNewTokens() > 0 && arms.count() == 1 &&
         arms.shown().edits == standard_.arms.shown().edits &&
         std::ranges::equal(session_.prompts(), standard_.prompts, same);
}

void PresetSearch::consider() {
  if (settled_ || !isAsked()) return stop();
  if (isRunning()) return;
  if (session_.isBusy()) {
    idle_.stop();
  } else if (!idle_.isActive()) {
    idle_.start();
  }
}

void PresetSearch::begin() {
  if (settled_ || !isAsked() || session_.isBusy()) return;
  const std::vector<Prompt>& prompts = session_.prompts();
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    const ArmResult& baseline = session_.results()[i].baseline;
    if (baseline.status != ArmStatus{ArmState::Done, false}) return;
    if (isRight(baseline.run->answer, prompts[i].expected)) continue;
    // It has nothing to lose, which says nothing of presets: there is nothing to tell or to remember.
    settled_ = true;
    return;
  }
  if (const auto known = Settings().presetThatWorks(key())) {
    settled_ = true;
    return Q_EMIT found(*known);
  }
  candidates_ = candidates(session_.model()->spec().architecture);
  tried_ = 0;
  Q_EMIT runningChanged();
  next();
}

void PresetSearch::next() {
  const auto at = static_cast<std::size_t>(tried_);
  Q_EMIT progress(tried_, static_cast<int>(candidates_.size()));
  if (at >= candidates_.size()) {
    stop();
    remember({});
    return Q_EMIT found({});
  }
  session_.tryEdits(Edits{parse_disruption(candidates_[at])});
}

void PresetSearch::take(const Edits&, const std::vector<QString>& answers) {
  if (!isRunning()) return;
  if (answers.empty()) return giveUp();
  const std::vector<Prompt>& prompts = session_.prompts();
  bool works = answers.size() == prompts.size();
  for (std::size_t i = 0; works && i < answers.size(); ++i)
    works = isRight(answers[i], prompts[i].expected) == (prompts[i].kind == PromptKind::Memory);
  if (!works) {
    ++tried_;
    return next();
  }
  const QString preset = QString::fromStdString(candidates_[static_cast<std::size_t>(tried_)]);
  stop();
  remember(preset);
  Q_EMIT found(preset);
}

void PresetSearch::stop() {
  idle_.stop();
  if (!isRunning()) return;
  tried_ = -1;
  session_.tryEdits({});
  Q_EMIT runningChanged();
}

void PresetSearch::giveUp() {
  settled_ = true;
  stop();
}

void PresetSearch::remember(const QString& preset) {
  settled_ = true;
  if (const QString model = key(); !model.isEmpty()) Settings().setPresetThatWorks(model, preset);
}

QString PresetSearch::key() const {
  const ModelStore& store = session_.store();
  const OpenModel* shown = store.find(store.shown());
  return shown ? QString::fromStdString(shown->source.stamp) : QString();
}

}  // namespace qkscope

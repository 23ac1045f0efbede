#include "app/recording_saver.h"

#include <new>

#include "app/prompt_text.h"
#include "app/session.h"
#include "core/base/error.h"

namespace qkscope {

RecordingPlan recordingPlan(const Document& document, int max_new_tokens) {
  RecordingPlan plan;
  for (const Prompt& prompt : document.prompts)
    plan.prompts.push_back({writtenPrompt(prompt), prompt.expected.toStdString()});
  for (const EditArm& arm : document.arms.list) plan.arms.push_back(arm.edits);
  plan.max_new_tokens = max_new_tokens;
  plan.rule = document.look.activations;
  return plan;
}

RecordingSaver::RecordingSaver(Session& session, QObject* parent) : QObject(parent), session_(session) {
  connect(&session, &Session::modelChanged, this, [this] {
    // It has taken the session's thread, and what there was to do with it.
    if (running_) end(tr("The runs were not saved: another model came before they were there."), {}, {});
  });
}

RecordingSaver::~RecordingSaver() {
  if (running_) session_.setBackground({});
}

void RecordingSaver::start(const Document& document, const QString& path) {
  stop();
  const auto model = session_.model();
  const auto shown = session_.recording();
  if (!model && !shown)
    return Q_EMIT failed(
        tr("There is nothing to record: open a model first (Ctrl+O), or save the document "
           "without runs."));
  if (document.prompts.empty())
    return Q_EMIT failed(tr("There is no prompt to record: add one with Ctrl+P."));
  if (session_.hasBackground())
    return Q_EMIT failed(tr("An experiment is running: stop it, or let it end, before runs are recorded."));
  running_ = true;
  const auto post = posts_.begin(&session_);
  const auto made = std::make_shared<Recording>();  // from one turn to the next
  const RecordingPlan plan = recordingPlan(document, session_.maxNewTokens());
  session_.setBackground([=](std::stop_token stop) {
    QString problem;
    try {
      if (!shown) {
        for (const Prompt& prompt : document.prompts) {
          // What is not asked is not recorded.
          const QString refusal = readPrompt(*model, prompt).described.problem;
          if (!refusal.isEmpty()) throw Error(refusal.toStdString());
        }
        record(
            model, plan, *made,
            [&post](int done, int of) { post([=](RecordingSaver& s) { Q_EMIT s.progress(done, of); }); },
            stop);
      }
      write_recorded(path.toStdString(), toJson(document).toStdString(), shown ? *shown : *made, stop);
    } catch (const Cancelled&) {
      return;  // another turn goes on here
    } catch (const std::bad_alloc&) {
      problem = tr("There is not enough memory to record these runs: record fewer or shorter prompts.");
    } catch (const std::exception& error) {
      problem = QString::fromUtf8(error.what());
    }
    post([=](RecordingSaver& saver) { saver.end(problem, document, path); });
  });
  Q_EMIT runningChanged();
}

void RecordingSaver::end(const QString& problem, const Document& document, const QString& path) {
  stop();
  if (problem.isEmpty()) {
    Q_EMIT saved(document, path);
  } else {
    Q_EMIT failed(problem);
  }
}

void RecordingSaver::stop() {
  if (!running_) return;
  running_ = false;
  posts_.forget();
  session_.setBackground({});
  Q_EMIT runningChanged();
}

}  // namespace qkscope

#include "app/recording_saver.h"

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

RecordingSaver::RecordingSaver(Session& session, QObject* parent)
    : BackgroundRunner(session, tr("A recording of runs"), parent) {}

void RecordingSaver::start(const Document& document, const QString& path) {
  stop();
  const auto model = session().model();
  const auto shown = session().recording();
  if (!model && !shown)
    return Q_EMIT failed(
        tr("There is nothing to record: open a model first (Ctrl+O), or save the document "
           "without runs."));
  if (document.prompts.empty())
    return Q_EMIT failed(tr("There is no prompt to record: add one with Ctrl+P."));
  if (!mayStart()) return;
  document_ = document;
  path_ = path;
  const auto made = std::make_shared<Recording>();  // from one turn to the next
  const RecordingPlan plan = recordingPlan(document, session().maxNewTokens());
  begin(tr("There is not enough memory to record these runs: record fewer or shorter prompts."),
        [=, this](std::stop_token stop, const Post& post) {
          if (!shown) {
            for (const Prompt& prompt : document.prompts) {
              // What is not asked is not recorded.
              const QString refusal = readPrompt(*model, prompt).described.problem;
              if (!refusal.isEmpty()) throw Error(refusal.toStdString());
            }
            const auto report = [&](int done, int of) { post([=, this] { Q_EMIT progress(done, of); }); };
            record(model, plan, *made, report, stop);
          }
          write_recorded(path.toStdString(), toJson(document).toStdString(), shown ? *shown : *made, stop);
        });
}

void RecordingSaver::ended(const QString& problem) {
  if (!problem.isEmpty()) return BackgroundRunner::ended(problem);
  // Copies: whoever is told may begin another one.
  Q_EMIT saved(Document(document_), QString(path_));
}

QString RecordingSaver::modelGoneWords() const {
  return tr("The runs were not saved: another model came before they were there.");
}

}  // namespace qkscope

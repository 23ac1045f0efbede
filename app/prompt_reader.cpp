#include "app/prompt_reader.h"

#include "app/problem.h"

namespace qkscope {

PromptReader::PromptReader(Taker take, QObject* parent) : QObject(parent), take_(std::move(take)) {}

void PromptReader::read(const std::shared_ptr<const LanguageModel>& model,
                        const std::vector<Prompt>& prompts) {
  if (prompts == asked_ && (prompts.empty() || model_.lock() == model)) return;
  asked_ = prompts;
  model_ = model;
  first_number_ = last_number_ + 1;
  std::vector<TaskThread::Task> tasks;
  for (const Prompt& prompt : prompts) {
    tasks.push_back({++last_number_, [this, number = last_number_, model, prompt](std::stop_token stop) {
                       if (stop.stop_requested()) return;
                       ReadPrompt read;
                       const auto problem =
                           problemOf(tr("There is not enough memory to read the prompt: shorten it with F2."),
                                     [&] { read = readPrompt(*model, prompt); });
                       if (!problem) return;
                       if (!problem->isEmpty()) read.described.problem = *problem;
                       QMetaObject::invokeMethod(this, [this, number, prompt, read = std::move(read)] {
                         if (number < first_number_) return;  // no longer asked
                         std::erase(asked_, prompt);
                         take_(prompt, read);
                       });
                     }});
  }
  thread_.replace(std::move(tasks));
}

}  // namespace qkscope

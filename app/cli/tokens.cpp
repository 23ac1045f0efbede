#include "app/cli/output.h"
#include "app/cli/prompt.h"

namespace qkscope::cli {

Document run_tokens(const Context& context) {
  const Inspection inspection = inspect_model(context);
  tell_notes(inspection.card);
  const PromptTokens prompt = prompt_of(inspection, context.options);
  Document pieces = Document::array();
  Table table({{"position"}, {"id"}, {"piece", false}});
  for (std::size_t i = 0; i < prompt.ids.size(); ++i) {
    pieces.push_back(inspection.tokenizer().piece_text(prompt.ids[i]));
    table.add({std::to_string(i), std::to_string(prompt.ids[i]),
               "|" + one_line(pieces.back().get<std::string>()) + "|"});
  }
  table.print(context.text);
  context.text << prompt.ids.size() << " tokens, " << prompt.format << "\n";
  return {{"ids", prompt.ids}, {"pieces", pieces}, {"rendered", prompt.rendered}, {"format", prompt.format}};
}

}  // namespace qkscope::cli

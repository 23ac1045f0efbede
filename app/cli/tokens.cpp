#include "app/cli/output.h"
#include "app/cli/prompt.h"

namespace qkscope::cli {

Document run_tokens(const Context& context) {
  const auto model = load_model(context);
  const PromptTokens prompt = prompt_of(*model, context.options);
  Document pieces = Document::array();
  Table table({{"position"}, {"id"}, {"piece", false}});
  for (std::size_t i = 0; i < prompt.ids.size(); ++i) {
    pieces.push_back(model->tokenizer().piece_text(prompt.ids[i]));
    table.add({std::to_string(i), std::to_string(prompt.ids[i]),
               "|" + one_line(pieces.back().get<std::string>()) + "|"});
  }
  table.print(context.text);
  context.text << prompt.ids.size() << " tokens, " << prompt.format << "\n";
  return {{"ids", prompt.ids}, {"pieces", pieces}, {"rendered", prompt.rendered}, {"format", prompt.format}};
}

}  // namespace qkscope::cli

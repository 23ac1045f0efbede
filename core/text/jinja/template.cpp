#include "core/text/jinja/template.h"

#include "core/text/jinja/interpreter.h"
#include "core/text/jinja/parser.h"

namespace qkscope::jinja {

Template::Template(std::string_view source, Budget& budget)
    : block_(std::make_shared<const Block>(parse(tokenize(source, budget), budget))) {}

std::string Template::render(const nlohmann::ordered_json& variables, Budget& budget) const {
  Heap heap(budget);
  return Interpreter(heap, variables).run(*block_);
}

}  // namespace qkscope::jinja

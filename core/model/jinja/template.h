#pragma once
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace qkscope::jinja {

/// What an expression is worth. Undefined is the JSON type "discarded".
using Value = nlohmann::ordered_json;

struct Block;

/// The part of Jinja that chat templates are written in (jinja.palletsprojects.com, "Template Designer
/// Documentation"), as Hugging Face sets it up: trim_blocks, lstrip_blocks, break and continue,
/// raise_exception, strftime_now. Left out, and refused: inheritance, includes, imports, blocks of the kinds
/// call, filter, with and raw, powers, formatting with %. A tuple is a list. Immutable, thread-safe.
class Template {
 public:
  /// Throws Error naming the line where the source cannot be understood.
  explicit Template(std::string_view source);

  /// The text for these variables, an object. Throws Error for what the template itself refuses
  /// (raise_exception), for what only a Python object could do, and where it would run without end.
  std::string render(const Value& variables) const;

 private:
  std::shared_ptr<const Block> block_;
};

}  // namespace qkscope::jinja

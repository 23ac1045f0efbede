#pragma once
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "core/base/budget.h"

namespace qkscope::jinja {

struct Block;

/// The Jinja that chat templates are written in (jinja.palletsprojects.com, "Template Designer
/// Documentation"), as transformers 5.23 sets it up: the immutable sandbox, trim_blocks, lstrip_blocks, break
/// and continue, generation, raise_exception, strftime_now, its own tojson, dict and namespace. Refused where
/// they are reached: extends, include, import and tags that are not known. Numbers have 64 bits. Immutable,
/// thread-safe.
class Template {
 public:
  /// Throws Error naming the line where the source cannot be understood.
  Template(std::string_view source, Budget& budget);

  /// The text for these variables, an object. Throws Error for what the template itself refuses
  /// (raise_exception) and for what Python would, also where that costs more than `budget` has.
  std::string render(const nlohmann::ordered_json& variables, Budget& budget) const;

 private:
  std::shared_ptr<const Block> block_;
};

}  // namespace qkscope::jinja

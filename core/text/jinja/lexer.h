#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/base/budget.h"

namespace qkscope::jinja {

struct Token {
  enum class Kind {
    Text,        // what stands between the tags
    BeginPrint,  // {{
    EndPrint,    // }}
    BeginTag,    // {%
    EndTag,      // %}
    Name,        // also keywords
    String,      // without quotes, escapes resolved
    Number,
    Operator,
    End
  };
  Kind kind = Kind::End;
  std::string text;
  int line = 1;

  bool is(Kind wanted, std::string_view what) const { return kind == wanted && text == what; }
};

/// The tokens of a template, white space around tags dealt with and comments gone; End comes last. Throws
/// Error.
std::vector<Token> tokenize(std::string_view source, Budget& budget);

}  // namespace qkscope::jinja

#pragma once
#include <vector>

#include "core/model/jinja/lexer.h"
#include "core/model/jinja/syntax.h"

namespace qkscope::jinja {

/// The statements of a template. Throws Error naming the line.
Block parse(const std::vector<Token>& tokens);

}  // namespace qkscope::jinja

#pragma once
#include <vector>

#include "core/text/jinja/lexer.h"
#include "core/text/jinja/syntax.h"

namespace qkscope::jinja {

/// The statements of a template. Throws Error naming the line. A tag that is not known is no mistake before
/// it is reached.
Block parse(const std::vector<Token>& tokens, Budget& budget);

}  // namespace qkscope::jinja

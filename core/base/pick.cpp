#include "core/base/pick.h"

namespace qkscope {

bool Pick::operator==(const Pick& other) const {
  if (kind != other.kind) return false;
  if (kind == PickKind::Lambda) return lambda == other.lambda;
  if (kind == PickKind::Random && seed != other.seed) return false;
  if (as_many_as_lambda != other.as_many_as_lambda) return false;
  return as_many_as_lambda ? lambda == other.lambda : n == other.n;
}

}  // namespace qkscope

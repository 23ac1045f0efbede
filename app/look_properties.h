#pragma once
#include <vector>

#include "app/property.h"

namespace qkscope {

/// How things are drawn: the rows of properties() that are of the look.
std::vector<Property> lookProperties();

}  // namespace qkscope

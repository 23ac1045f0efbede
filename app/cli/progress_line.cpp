#include "app/cli/progress_line.h"

#include "app/cli/output.h"
#include "core/base/wording.h"

namespace qkscope::cli {

std::function<void(const ExperimentProgress&)> progress_line() {
  return [](const ExperimentProgress& at) {
    if (at.done >= at.of) return tell_line({});
    std::string line = at.task + ", item " + std::to_string(at.item) + " of " + std::to_string(at.items) +
                       "; " + std::to_string(at.done) + " of " + std::to_string(at.of) + " results";
    if (at.remaining_ms >= 0) line += ", " + time_text(at.remaining_ms) + " left";
    tell_line(line);
  };
}

}  // namespace qkscope::cli

#pragma once
#include <QString>
#include <functional>
#include <optional>
#include <vector>

#include "views/view_state.h"

namespace qkscope {

/// One setting of a Look as the command line has it. Together the rows say all of a Look that a picture
/// depends on, so that a figure's command line makes the same picture again.
struct LookOption {
  QString name;   // without dashes
  QString about;  // for --help
  QString value;  // what stands for its value there; empty: a flag
  /// Throws Error naming the option, what was found and what is allowed. A flag is given no text.
  std::function<void(Look& look, const QString& text)> read;
  /// What read() takes back, to be given in a command line; nothing for a flag that does not hold.
  std::function<std::optional<QString>(const Look& look)> write;
};

std::vector<LookOption> lookOptions();

}  // namespace qkscope

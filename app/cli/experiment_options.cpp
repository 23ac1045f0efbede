#include "app/cli/experiment_options.h"

#include <charconv>

#include "app/cli/validators.h"
#include "core/base/wording.h"

namespace qkscope::cli {

void add_experiment(CLI::App& app, Options& o) {
  ExperimentOptions& e = o.experiment;
  app.add_option("ACTION", e.action, "run, status or merge")
      ->option_text(" ")
      ->required()
      ->check(CLI::IsMember({"run", "status", "merge"}));
  app.add_option(
         "WHAT", e.what,
         "run: FILE [MODEL], an experiment's file or the name of one that comes with the program, and the "
         "model where the file names none; status and merge: the folders that run wrote")
      ->option_text(" ")
      ->required()
      ->check(filled("a file or folder"));
  app.add_option("--shard", e.shard_text, "run: every N-th item alone, from the I-th on, such as 2/4")
      ->option_text("I/N")
      ->check(filled("two numbers such as 2/4"));
}

void settle_experiment(Options& o) {
  ExperimentOptions& e = o.experiment;
  if (e.action.empty()) return;
  if (e.action == "run") {
    if (e.what.size() > 2)
      throw UsageError("experiment run takes a file and a model, and there is " + in_quotes(e.what[2]) +
                       ", too");
    if (e.what.size() == 2) o.model = e.what[1];
    if (o.out.empty())
      throw UsageError("experiment run needs a folder for its results; give one with --out FOLDER");
  } else if (!e.shard_text.empty()) {
    throw UsageError("--shard has no part in experiment " + e.action);
  }
  if (e.shard_text.empty()) return;
  const char* end = e.shard_text.data() + e.shard_text.size();
  const auto slash = std::from_chars(e.shard_text.data(), end, e.shard);
  const bool two = slash.ec == std::errc() && slash.ptr != end && *slash.ptr == '/';
  const auto last = two ? std::from_chars(slash.ptr + 1, end, e.shards) : slash;
  if (!two || last.ec != std::errc() || last.ptr != end || e.shard < 1 || e.shards < e.shard ||
      e.shards > 100000)
    throw UsageError("--shard is " + in_quotes(e.shard_text) +
                     ", expected I/N with I from 1 to N, such as 2/4");
}

}  // namespace qkscope::cli

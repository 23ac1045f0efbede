#include "app/cli/experiment_options.h"

#include <charconv>

#include "app/cli/validators.h"
#include "core/base/wording.h"

namespace qkscope::cli {

void add_experiment(CLI::App& app, Options& o) {
  ExperimentOptions& e = o.experiment;
  app.add_option("ACTION", e.action, "run, status, merge, paper or slurm")
      ->option_text(" ")
      ->required()
      ->check(CLI::IsMember({"run", "status", "merge", "paper", "slurm"}));
  app.add_option("WHAT", e.what,
                 "run and slurm: FILE [MODEL], an experiment's file or the name of one that comes with the "
                 "program, and "
                 "the model where the file names none; status, merge and paper: the folders that run wrote")
      ->option_text(" ")
      ->required()
      ->check(filled("a file or folder"));
  app.add_option("--shard", e.shard_text, "run: every N-th item alone, from the I-th on, such as 2/4")
      ->option_text("I/N")
      ->check(filled("two numbers such as 2/4"));
  app.add_option("--data", e.data, "run and slurm: a folder where tasks find the files that they read, too")
      ->option_text("FOLDER")
      ->check(filled("a folder"));
  app.add_option("--nodes", e.nodes, "slurm: so many machines (1)")
      ->option_text("N")
      ->check(whole_number(1, 100000));
  app.add_option("--gpus", e.gpus, "slurm: so many GPUs of each, a shard on every one; 0 means CPUs (0)")
      ->option_text("N")
      ->check(whole_number(0, 64));
  app.add_flag("--dry-run", e.dry_run, "slurm: write the scripts and submit nothing")->option_text(" ");
}

void add_verdict(CLI::App& app, Options& o) {
  VerdictOptions& v = o.verdict;
  app.add_option("MODEL", v.models,
                 "Hugging Face folders, .gguf files, or names that qkscope-cli models lists")
      ->option_text(" ")
      ->check(filled("a folder, a file or the name of a model"));
  app.add_option("--tasks", v.tasks,
                 "Whose questions are the prompts: names or files (pass-keys,owners,facts,capitals,people)")
      ->option_text("LIST")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(filled("names of tasks"));
  app.add_option("--items", v.items, "So many questions of each task; 0 means all (4)")
      ->option_text("N")
      ->check(whole_number(0, 1 << 20));
}

void settle_experiment(Options& o) {
  ExperimentOptions& e = o.experiment;
  if (e.action.empty()) return;
  if (e.action == "run" || e.action == "slurm") {
    if (e.what.size() > 2)
      throw UsageError("experiment " + e.action + " takes a file and a model, and there is " +
                       in_quotes(e.what[2]) + ", too");
    if (e.what.size() == 2) o.model = e.what[1];
    if (o.out.empty())
      throw UsageError("experiment " + e.action +
                       " needs a folder for its results; give one with --out FOLDER");
  }
  if (e.action != "run" && !e.shard_text.empty())
    throw UsageError("--shard has no part in experiment " + e.action);
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

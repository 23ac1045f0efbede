#pragma once
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "app/usage_error.h"
#include "core/analysis/dump_layout.h"
#include "core/base/site.h"
#include "core/model/language_model.h"
#include "core/run/run.h"
#include "core/tasks/corpus_sequences.h"
#include "core/tasks/model_verdict.h"
#include "core/tasks/qa_decisions.h"
#include "core/tasks/qa_groups.h"
#include "core/text/bos.h"

namespace qkscope::cli {

/// What `activations` is told beside the model.
struct ActivationOptions {
  std::string experiment;
  std::string sentence = "Summer is warm. Winter is cold.";
  std::vector<std::string> corpora, tests;
  CorpusChoice drawn;
  ActivationRule rule;
  int top = 3;
  Site site = Site::ResidPost;
  bool as_float16 = false;
  std::string keep;     // a file of what is known of each sequence; empty: none
  bool folder = false;  // --out is a folder, for files of all kinds
};

/// What `verdict` looks at.
struct VerdictOptions {
  std::vector<std::string> models;  // none: the default one
  std::vector<std::string> tasks{verdict_tasks.begin(), verdict_tasks.end()};
  int items = 4;  // of each task
};

/// What `experiment` is told beside the model.
struct ExperimentOptions {
  std::string action;
  std::vector<std::string> what;
  std::string shard_text;
  int shard = 1, shards = 1;
  std::string data;  // a folder where tasks find their files; empty: beside them
  int nodes = 1, gpus = 0;
  bool dry_run = false;
};

/// What `dataset` is told beside the model.
struct DatasetOptions {
  std::string action;  // empty: tell what rows there are
  std::vector<std::string> what;
  std::string file, target;          // target: what export writes
  std::vector<std::string> columns;  // empty = all
  int items = 3;
  QaColumns qa_columns;
  std::string keep;  // the folder of decisions and answers; empty: beside the file
  std::string by_text = "answer", state_text;
  QaBalance by = QaBalance::Answer;
  std::uint64_t seed = 0;
  bool reject = false;
  std::string rows_text, reason;
  std::vector<int> rows;  // 0-based, sorted; empty = all
  QaState state = QaState::Undecided;
  std::optional<std::string> system;
  std::optional<int> max_new;
  std::string format = "published";
  bool accepted = false;
};

/// What `bench` is told beside the model.
struct BenchOptions {
  std::string synthetic;  // of random numbers, in place of a model
  std::vector<int> tokens = {37, 128, 300};
};

/// Everything the commands' options say. Each command has some of them only: see commands.cpp.
struct Options {
  std::string model;
  LoadOptions load;

  std::optional<std::string> prompt, prompt_file, text_file;
  bool raw = false, chat = false;
  Bos bos = Bos::Auto;
  int max_tokens = 0;  // 0 = all

  int max_new = 64;
  Sampling sampling;
  std::optional<std::string> expect;
  std::optional<PerplexityDefinition> definition;

  Edits edits;
  std::vector<int> layers;  // 0-based; empty = all
  std::set<Site> sites;
  LeftOut left_out;
  double lambda = 5.0;
  int top = 20;
  bool norms_only = false;
  const char* layers_name = "--layers";  // the option that `layers` come from
  bool all_values = false;               // of every layer, whatever they take
  bool per_head = false;

  std::string dump;
  std::optional<DumpLayout> layout;  // nothing: as the shapes tell
  std::optional<double> rope_theta;
  bool before_rope = false;

  ActivationOptions activations;
  ExperimentOptions experiment;
  DatasetOptions dataset;
  VerdictOptions verdict;
  BenchOptions bench;

  bool json = false;
  std::string out;
};

struct Command;

struct Invocation {
  const Command* command = nullptr;
  Options options;
};

/// Reads the command line. Nothing where it only asked for help or the version, which are then printed.
/// Throws UsageError.
std::optional<Invocation> parse(int argc, char** argv);

}  // namespace qkscope::cli

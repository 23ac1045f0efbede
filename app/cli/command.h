#pragma once
#include <nlohmann/json.hpp>
#include <ostream>
#include <stop_token>
#include <vector>

#include "app/cli/options.h"

namespace qkscope::cli {

using Document = nlohmann::ordered_json;
/// As --json and --out write it.
std::string json_text(const Document& document);

/// What a command is given to work with.
struct Context {
  const Options& options;
  std::ostream& text;    // for a person; goes nowhere with --json
  std::stop_token stop;  // asked by Ctrl+C
};

/// Options come in groups; a command has those whose bits are set.
enum Group : unsigned {
  Model = 1u << 0,         // MODEL, --device, --dtype, --weights, --threads
  Prompt = 1u << 1,        // --prompt, --prompt-file, --text-file, --raw, --chat, --bos, --max-tokens
  Answer = 1u << 2,        // --max-new, --temperature, --top-p, --top-k
  Score = 1u << 3,         // --expect, --definition
  Disrupt = 1u << 4,       // --disrupt, --seed
  Sites = 1u << 5,         // --sites, --layers
  Massive = 1u << 6,       // --lambda, --top
  Dump = 1u << 7,          // --dump, --layout, --rope-theta, --before-rope
  NormsOnly = 1u << 8,     // --norms-only
  Arrays = 1u << 9,        // --out may be a .safetensors file
  Activations = 1u << 10,  // EXPERIMENT, --sentence, --corpus, ... and --bos of its own
  Experiments = 1u << 11,  // ACTION, WHAT, --shard, ..., with the model among WHAT
  Folder = 1u << 12,       // --out is a folder that the command fills
  Dataset = 1u << 13,      // ACTION, FILE, --columns, ..., with the model behind them
  Bench = 1u << 14,        // --synthetic, --tokens
  PerHead = 1u << 15,      // --per-head
  Values = 1u << 16,       // --values
  Recorded = 1u << 17,     // --out is a document
  Verdicts = 1u << 18,     // MODEL..., --tasks, --items
};

struct Command {
  const char* name;
  const char* about;     // one sentence
  const char* examples;  // what --help ends with
  unsigned groups;
  const char* out;                          // what --out writes
  Document (*run)(const Context& context);  // prints, and returns what --json prints; keys in JSON.md
  /// The same as the rows of a table, for --out FILE.csv; null: --out writes JSON.
  std::string (*csv)(const Context& context, const Document& document) = nullptr;
};

const std::vector<Command>& commands();

Document run_info(const Context& context);
Document run_models(const Context& context);
Document run_tokens(const Context& context);
Document run_generate(const Context& context);
Document run_perplexity(const Context& context);
Document run_massive(const Context& context);
Document run_capture(const Context& context);
Document run_disrupt(const Context& context);
Document run_record(const Context& context);
Document run_effect_map(const Context& context);
Document run_activations(const Context& context);
std::string activations_csv(const Context& context, const Document& document);
Document run_experiment(const Context& context);
Document run_dataset(const Context& context);
Document run_questions(const Context& context);  // the actions of `dataset`
Document run_verdict(const Context& context);
Document run_bench(const Context& context);

}  // namespace qkscope::cli

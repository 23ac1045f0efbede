#include "app/cli/options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <limits>
#include <map>
#include <sstream>

#include "app/cli/activation_options.h"
#include "app/cli/command.h"
#include "app/cli/dataset_options.h"
#include "app/cli/experiment_options.h"
#include "app/cli/validators.h"
#include "core/base/blanks.h"
#include "core/base/wording.h"
#include "core/model/synthetic.h"

namespace qkscope::cli {

namespace {

/// Option texts whose meaning is worked out once all are there.
struct Texts {
  std::vector<std::string> disruptions;
  std::string layers = "all", sites = "query,key,value", definition, layout = "auto", bos = "auto",
              left_out = "none", values = "auto";
  std::uint64_t seed = 0;
};

const std::map<std::string, PerplexityDefinition> definitions = [] {
  std::map<std::string, PerplexityDefinition> names;
  for (const auto d :
       {PerplexityDefinition::Continuation, PerplexityDefinition::Text, PerplexityDefinition::AsPublished})
    names.emplace(definition_name(d), d);
  return names;
}();

void add_model(CLI::App& app, Options& o) {
  app.add_option("MODEL", o.model,
                 "Hugging Face folder, .gguf file, or a name that qkscope-cli models lists (" +
                     default_model_name() + ")")
      ->option_text(" ")
      ->check(filled("a folder, a file or the name of a model"));
}

void add_device(CLI::App& app, Options& o) {
  app.add_option("--device", o.load.device, "auto, cpu, cuda or cuda:N (auto)")
      ->option_text("NAME")
      ->check(device_name());
  app.add_option("--dtype", o.load.dtype, "auto, float32, bfloat16 or float16 (auto)")
      ->option_text("NAME")
      ->check(CLI::IsMember({"auto", "float32", "bfloat16", "float16"}));
  app.add_option("--weights", o.load.weights,
                 "How matrices are held on a CPU: float, stored (multiplied straight from the file's blocks) "
                 "or auto: both where memory is plenty, else stored (auto)")
      ->option_text("HOW")
      ->check(CLI::IsMember({"auto", "float", "stored"}));
  app.add_option("--threads", o.load.threads, "CPU threads; 0 means as many as there are cores (0)")
      ->option_text("N")
      ->check(whole_number(0, 1024));
}

void add_bench(CLI::App& app, Options& o) {
  std::string names;
  for (const std::string& name : synthetic_names()) names += (names.empty() ? "" : ", ") + name;
  auto* synthetic = app.add_option("--synthetic", o.bench.synthetic,
                                   "In place of a model, random numbers in the shape of one: " + names)
                        ->option_text("NAME")
                        ->check(CLI::IsMember(synthetic_names()));
  for (const char* other : {"MODEL", "--weights"}) synthetic->excludes(app.get_option(other));
  app.add_option("--tokens", o.bench.tokens, "Lengths of the prompts (37,128,300)")
      ->option_text("LIST")
      ->delimiter(',')
      ->check(whole_number(1, 1 << 20));
}

void add_prompt(CLI::App& app, Options& o, Texts& t) {
  auto* prompt = app.add_option("--prompt", o.prompt, "The prompt")
                     ->option_text("TEXT")
                     ->check(filled("the text that the model reads"));
  auto* prompt_file = app.add_option("--prompt-file", o.prompt_file,
                                     "Its file, - for standard input; a newline at the end is dropped")
                          ->option_text("FILE")
                          ->check(filled("a text file, or - for standard input"));
  auto* text_file =
      app.add_option("--text-file", o.text_file, "A file whose text is passed raw, to the last byte")
          ->option_text("FILE")
          ->check(filled("a text file, or - for standard input"));
  auto* raw = app.add_flag("--raw", o.raw, "Pass the prompt as it is")->option_text(" ");
  auto* chat =
      app.add_flag("--chat", o.chat, "Pass it in the model's chat format (the default where it has one)")
          ->option_text(" ");
  app.add_option("--bos", t.bos,
                 "Begin the prompt with the BOS token: auto (as the model's files say), on or off")
      ->option_text("NAME")
      ->check(CLI::IsMember({"auto", "on", "off"}));
  app.add_option("--max-tokens", o.max_tokens, "Use the first N tokens only")
      ->option_text("N")
      ->check(whole_number(1, 1 << 24));
  prompt->excludes(prompt_file)->excludes(text_file);
  prompt_file->excludes(text_file);
  chat->excludes(raw)->excludes(text_file);
  text_file->excludes(app.get_option("--bos"));
}

void add_answer(CLI::App& app, Options& o) {
  app.add_option("--max-new", o.max_new, "Longest answer in tokens (64)")
      ->option_text("N")
      ->check(whole_number(1, 1 << 20));
  app.add_option("--temperature", o.sampling.temperature,
                 "Draw with this temperature; 0 takes the most probable (0)")
      ->option_text("X")
      ->check(number(0, 100));
  app.add_option("--top-p", o.sampling.top_p, "Draw from the most probable tokens that make up P (1)")
      ->option_text("P")
      ->check(number(0, 1));
  app.add_option("--top-k", o.sampling.top_k, "Draw from the K most probable tokens; 0 means all (0)")
      ->option_text("K")
      ->check(whole_number(0, 1 << 24));
}

void add_score(CLI::App& app, Options& o, Texts& t) {
  app.add_option("--expect", o.expect, "The answer that is scored; else the baseline's own answer")
      ->option_text("TEXT")
      ->check(filled("the answer that is scored"));
  app.add_option("--definition", t.definition, "Which perplexity: continuation, text or as_published")
      ->option_text("NAME")
      ->check(CLI::IsMember(definitions));
}

void add_disrupt(CLI::App& app, Texts& t) {
  app.add_option("--disrupt", t.disruptions,
                 "A preset's name or settings such as site=q,pick=lambda:5: see qkscope-cli disrupt --help; "
                 "may be given "
                 "several times")
      ->option_text("WHAT")
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_option("--seed", t.seed, "Seed of what is drawn at random (0)")
      ->option_text("N")
      ->check(whole_number(0, std::numeric_limits<std::uint64_t>::max()));
}

void add_sites(CLI::App& app, Texts& t) {
  app.add_option("--sites", t.sites, "Which of query, key, value, query_pre, key_pre, ... (query,key,value)")
      ->option_text("LIST");
  app.add_option("--layers", t.layers, "Layers from 1, such as 1-4,7 (all)")->option_text("LIST");
  app.add_option(
         "--left-out", t.left_out,
         "Tell M without some positions: none, first, massive (where the residual stream has a massive "
         "activation) or positions from 0, such as 0,5-7 (none)")
      ->option_text("WHICH");
}

void add_values(CLI::App& app, Texts& t) {
  app.add_option("--values", t.values,
                 "Layers whose single values are kept, too: a list from 1 such as 1-4,7, all or none (auto: "
                 "all, where they take no more than 512 MiB)")
      ->option_text("LIST");
}

void add_massive(CLI::App& app, Options& o) {
  app.add_option("--lambda", o.lambda, "Massive is what exceeds this times the mean of its head (5)")
      ->option_text("X")
      ->check(number(0));
  app.add_option("--top", o.top, "Rows of the table for each site; 0 means all (20)")
      ->option_text("N")
      ->check(whole_number(0, 1 << 24));
}

void add_dump(CLI::App& app, Options& o, Texts& t) {
  auto* dump =
      app.add_option(
             "--dump", o.dump,
             "In place of a model, the tensors of a .npy, .npz, .pt or .safetensors file: Q, K or V of "
             "one layer")
          ->option_text("FILE")
          ->check(filled("a .npy, .npz, .pt or .safetensors file"));
  for (const char* other :
       {"MODEL", "--prompt", "--prompt-file", "--text-file", "--disrupt", "--sites", "--layers"})
    dump->excludes(app.get_option(other));
  app.add_option("--layout", t.layout,
                 "Its axes: bshd (batch, position, head, dim), bhsd, or flat:N (batch, position, heads of N "
                 "dims); a batch of 1 may be left out (auto: as the shape tells)")
      ->option_text("NAME")
      ->check(layout())
      ->needs(dump);
  auto* theta =
      app.add_option("--rope-theta", o.rope_theta, "The model's rope_theta, for wavelengths and frequencies")
          ->option_text("X")
          ->check(number(1))
          ->needs(dump);
  app.add_flag("--before-rope", o.before_rope, "Undo the rotation first (position 0 is the first row)")
      ->option_text(" ")
      ->needs(theta);
}

std::set<Site> parse_sites(const std::string& text) {
  std::set<Site> sites;
  std::istringstream names(text + ",");
  for (std::string name; std::getline(names, name, ',');) {
    name = without_blanks(name);
    const auto site = site_from_name(name);
    if (!site) {
      std::string known;
      for (int i = 0; i <= static_cast<int>(Site::Logits); ++i)
        known += (known.empty() ? "" : ", ") + std::string(site_name(static_cast<Site>(i)));
      throw UsageError("--sites is " + in_quotes(text) + " and names " + in_quotes(name) +
                       ", expected some of " + known);
    }
    sites.insert(*site);
  }
  return sites;
}

/// What the texts mean. `seed` also seeds random picks that name no seed of their own.
void settle(Options& o, const Texts& t) try {
  o.sampling.seed = t.seed;
  for (const auto& text : t.disruptions) {
    try {
      o.edits.push_back(parse_edit(text));
    } catch (const Error& error) {
      throw UsageError("--disrupt is " + in_quotes(text) + ": " + error.what());
    }
    seed_unless_named(o.edits.back(), text, t.seed);
  }
  o.layers = parse_ranges(t.layers, "--layers");
  if (t.values == "none") {
    o.norms_only = true;
  } else if (t.values != "auto") {
    o.layers = parse_ranges(t.values, o.layers_name = "--values");
    o.all_values = o.layers.empty();
  }
  o.sites = parse_sites(t.sites);
  o.left_out = parse_left_out(t.left_out, "--left-out");
  if (!t.definition.empty()) o.definition = definitions.at(t.definition);
  o.layout = parse_layout(t.layout);
  o.bos = bos_from_name(t.bos).value_or(Bos::Auto);
  const std::filesystem::path out = o.out;
  if (!o.activations.experiment.empty() && !out.empty()) {
    o.activations.folder =
        std::filesystem::is_directory(out) || (!out.has_extension() && !std::filesystem::exists(out));
  }
} catch (const UsageError&) {
  throw;
} catch (const Error& error) {
  throw UsageError(error.what());
}

/// What no single option can see.
void check(const Command& command, const Options& o) {
  const bool prompted = o.prompt || o.prompt_file || o.text_file || !o.dump.empty();
  if ((command.groups & Prompt) && !prompted)
    throw UsageError(
        "there is no prompt; give one with --prompt TEXT, --prompt-file FILE or --text-file FILE");
  const std::string& experiment = o.activations.experiment;
  const bool reads_corpus =
      experiment == "existence" || experiment == "tokens" || experiment == "intervention";
  const Site site = o.activations.site;
  const bool sets = experiment == "tokens" || experiment == "intervention";
  if (sets && site != Site::ResidPost && site != Site::AttnOut && site != Site::MlpOut) {
    throw UsageError("--site is " + std::string(site_name(site)) + ", but activations " + experiment +
                     " sets numbers of resid_post, attn_out or mlp_out");
  }
  if (reads_corpus && o.activations.corpora.empty())
    throw UsageError("activations " + experiment + " reads texts; give them with --corpus FILE");
  if (o.out.ends_with(".safetensors") && !(command.groups & (Arrays | Folder | Recorded)))
    throw UsageError("--out writes JSON here; give FILE another ending than .safetensors");
}

std::string command_names() {
  std::string names;
  for (const Command& command : commands()) names += (names.empty() ? "" : ", ") + std::string(command.name);
  return names;
}

/// The presets with what they do, and every setting: the disruption's part of a --help.
std::string disruption_help() {
  std::string text = "Presets:\n";
  const auto add = [&text](const std::string& name, const std::string& about) {
    text += "  " + name + std::string(35 - std::min<std::size_t>(34, name.size()), ' ') + about + "\n";
  };
  for (const auto& preset : presets()) add(preset.name, preset.about);
  for (const auto& preset : activation_presets()) add(preset.name, preset.about);
  return text +
         "\nSettings, joined by commas; those left out keep the value in brackets:\n"
         "  site=q|k|v|qk|...        what is disrupted, after RoPE (q)\n"
         "  pick=lambda:X            entries of M over X times the mean of their head (lambda:5)\n"
         "  pick=largest:N, smallest:N, random:N   so many in each head; N may be lambda:X, as many as that "
         "finds\n"
         "  seed=N                   of random picks (0)\n"
         "  replace=mean|zero|max|min              by what (mean)\n"
         "  pool=chosen|head|own     over which values: the chosen columns, the whole head, its own column "
         "(head)\n"
         "  mask=clean|live          picked in the undisturbed pass, or in the disrupted pass itself "
         "(clean)\n"
         "  mask=position            there, at each position for itself, in all heads at once, as published "
         "for Gemma 2\n"
         "  phase=prefill|every      the prompt alone, or every step (prefill)\n"
         "  cache=disrupted|clean    what later tokens read of the prompt's K and V (disrupted)\n"
         "  layers=1-4,7 heads=1,3   counted from 1 (all)\n"
         "Or, in the place of site, pick, mask, layers and heads, the columns themselves:\n"
         "  entries=q 3:1:17,18 k 4:*:7   layer:head:dims of each site, layers and (KV) heads from 1, dims "
         "from "
         "0;\n"
         "                           lists such as 1-4,7, and * for all\n"
         "  pick=smallest:entries    as many others of the same heads in their place; also largest and "
         "random\n"
         "Or numbers of the residual stream, while the prompt is read:\n"
         "  activations=first|each|published       the massive ones of the first layer that has any, or of "
         "each; "
         "all\n"
         "                           dims at the first's tokens\n"
         "  activations=0:507 *:3,7  these: position:dims, both from 0\n"
         "  site=resid_post|attn_out|mlp_out  layers=all  over=100  times=1000 (x median)  dims=247,507 (of "
         "published)\n"
         "  set=zero|mean|X          to what (zero); means=layer:dim:start:other of a mean that is stored\n"
         "  control=median           as many of median size in their place\n"
         "Or rotary pairs of Q and K that stand still, while the prompt is read and at every step:\n"
         "  rotation=off             of site=q|k|qk (qk), layers=1-4,7 (all)\n"
         "  pairs=24-31              counted from 0, the fastest (all); wavelengths=FROM:TO in positions "
         "(all)\n"
         "  instead=fastest|random   as many other pairs in their place; seed=N\n"
         "A text that begins with the word off is an edit that is kept and not made.\n\n";
}

}  // namespace

std::optional<Invocation> parse(int argc, char** argv) {
  Invocation invocation;
  Options& o = invocation.options;
  Texts t;
  CLI::App app(
      "What happens inside the attention of a language model: Q, K and V, their massive values, and what "
      "the\n"
      "model says when those are disrupted.");
  app.name("qkscope-cli");
  app.set_version_flag("--version", "qkscope-cli " QKSCOPE_VERSION);
  app.require_subcommand(1);
  app.footer(
      "qkscope-cli COMMAND --help tells a command's options, with examples. The keys of --json are "
      "documented in\n"
      "app/cli/JSON.md. Exit codes: 0 done, 1 failed, 2 wrong usage, 130 stopped by Ctrl+C.\n\n"
      "Try:\n"
      "  qkscope-cli disrupt --prompt \"My dog is called Rufus. What is my dog called?\"\n"
      "  qkscope-cli disrupt --prompt \"What is the capital of France?\"");
  for (const Command& command : commands()) {
    CLI::App& sub = *app.add_subcommand(command.name, command.about);
    const bool explains = std::string_view(command.name) == "disrupt";
    sub.footer((explains ? disruption_help() : "") + command.examples);
    sub.get_formatter()->column_width(28);
    const auto has = [&](Group group) { return (command.groups & group) != 0; };
    if (has(Activations)) add_activations(sub, o);
    if (has(Experiments)) add_experiment(sub, o);
    if (has(Dataset)) add_dataset(sub, o);
    if (has(Verdicts)) add_verdict(sub, o);
    if (has(Model) && !has(Experiments) && !has(Verdicts) && !has(Dataset)) add_model(sub, o);
    if (has(Model)) add_device(sub, o);
    if (has(Bench)) add_bench(sub, o);
    if (has(Prompt)) add_prompt(sub, o, t);
    if (has(Answer)) add_answer(sub, o);
    if (has(Score)) add_score(sub, o, t);
    if (has(Disrupt)) add_disrupt(sub, t);
    if (has(Sites)) add_sites(sub, t);
    if (has(Values)) add_values(sub, t);
    if (has(Massive)) add_massive(sub, o);
    if (has(Dump)) add_dump(sub, o, t);
    if (has(NormsOnly))
      sub.add_flag("--norms-only", o.norms_only, "Keep M alone, not every number")->option_text(" ");
    if (has(PerHead))
      sub.add_flag("--per-head", o.per_head, "Every query head of a layer by itself")->option_text(" ");
    sub.add_flag("--json", o.json, "Print JSON; app/cli/JSON.md tells its keys")->option_text(" ");
    sub.add_option("--out", o.out, command.out)
        ->option_text(has(Folder) ? "FOLDER" : "FILE")
        ->check(filled("where to write"));
    sub.callback([&invocation, &command] { invocation.command = &command; });
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {
    app.exit(success);  // prints the help or the version
    return std::nullopt;
  } catch (const CLI::ParseError& error) {
    const auto chosen = app.get_subcommands();
    if (chosen.empty())
      throw UsageError("expected one of the commands " + command_names() + "; see qkscope-cli --help");
    throw UsageError(std::string(error.what()) + "; see qkscope-cli " + chosen.front()->get_name() +
                     " --help");
  }
  settle(o, t);
  settle_experiment(o);
  settle_dataset(o);
  check(*invocation.command, o);
  return invocation;
}

}  // namespace qkscope::cli

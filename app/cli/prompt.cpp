#include "app/cli/prompt.h"

#include <fstream>
#include <iostream>
#include <iterator>

#include "app/cli/output.h"

namespace qkscope::cli {

namespace {

/// Throws UsageError where `indices` (0-based, sorted) name more than there are.
void check_within(const std::vector<int>& indices, int count, const char* what, const char* things) {
  if (indices.empty() || indices.back() < count) return;
  throw UsageError(std::string(what) + " names " + std::to_string(indices.back() + 1) +
                   ", but the model has " + std::to_string(count) + " " + things);
}

}  // namespace

namespace {

std::filesystem::path model_path(const Options& options) {
  return find_model(options.model.empty() ? default_model_name() : options.model);
}

}  // namespace

void tell_notes(const ModelCard& card) {
  for (const std::string& note : card.notes) std::cerr << "qkscope-cli: " << one_line(note) << "\n";
}

Inspection inspect_model(const Context& context) {
  Inspection inspection =
      LanguageModel::inspect(model_path(context.options), context.options.load, context.stop);
  if (!inspection.card.problem.empty()) throw Error(inspection.card.problem);
  return inspection;
}

std::shared_ptr<const LanguageModel> load_model(const Context& context) {
  const Options& options = context.options;
  Progress progress;
  progress.stop = context.stop;
  std::string shown;
  progress.report = [&shown](std::string_view stage, std::uint64_t done, std::uint64_t total) {
    std::string text = progress_text(stage, static_cast<double>(done), static_cast<double>(total));
    if (text == shown) return;
    shown = std::move(text);
    tell_line(shown);
  };
  const std::string& synthetic = options.bench.synthetic;
  auto model = synthetic.empty()
                   ? LanguageModel::load(model_path(options), options.load, progress)
                   : LanguageModel::load(
                         LanguageModel::inspect_synthetic(synthetic, options.load, context.stop), progress);
  if (!shown.empty()) tell_line({});
  tell_notes(model->card());
  return model;
}

namespace {

PromptTokens prompt_of(const Tokenizer& tokenizer, const ChatFormat& chat, const Options& options) {
  PromptTokens prompt;
  const std::string text = written_prompt(options).text;
  if (options.text_file) {
    prompt.rendered = text;
    prompt.format = "raw (a text file)";
    prompt.ids = tokenizer.encode_text(prompt.rendered);
  } else {
    if (options.chat && chat.is_raw()) throw UsageError("--chat is not possible: " + chat.reason());
    const bool raw = options.raw || chat.is_raw();
    prompt.rendered = raw ? text : chat.render(text);
    prompt.format = options.raw ? "raw (asked for)" : chat.is_raw() ? "raw: " + chat.reason() : chat.name();
    prompt.ids = encode_prompt(tokenizer, prompt.rendered, options.bos, !raw);
  }
  const auto most = static_cast<std::size_t>(options.max_tokens);
  if (most > 0 && prompt.ids.size() > most) {
    prompt.ids.resize(most);
    prompt.rendered = tokenizer.decode(prompt.ids);
  }
  if (prompt.ids.empty()) throw Error("The prompt is empty: there is not one token to run");
  return prompt;
}

}  // namespace

WrittenPrompt written_prompt(const Options& options) {
  if (options.text_file) return {read_text(*options.text_file), true, options.bos};
  std::string text = options.prompt ? *options.prompt : read_text(*options.prompt_file);
  if (options.prompt_file && text.ends_with('\n')) text.pop_back();
  return {std::move(text), options.raw, options.bos};
}

PromptTokens prompt_of(const LanguageModel& model, const Options& options) {
  return prompt_of(model.tokenizer(), model.chat_format(), options);
}

PromptTokens prompt_of(const Inspection& inspection, const Options& options) {
  return prompt_of(inspection.tokenizer(), inspection.chat_format(), options);
}

RunRequest request_of(const LanguageModel& model, const Options& options, const PromptTokens& prompt) {
  const ModelSpec& spec = model.spec();
  check_within(options.layers, spec.num_layers(), options.layers_name, "layers");
  try {
    for (const Edit& edit : options.edits) check_edit(edit, spec);
  } catch (const Error& error) {
    throw UsageError(std::string("--disrupt: ") + error.what());
  }
  RunRequest request;
  request.prompt = prompt.ids;
  request.edits = options.edits;
  request.sampling = options.sampling;
  request.stop_tokens = model.stop_tokens();
  return request;
}

TokenIds answer_ids(const LanguageModel& model, const std::string& text) {
  return model.tokenizer().encode(text, false);
}

std::string read_text(const std::string& path) {
  std::ifstream file;
  if (path != "-") {
    file.open(path, std::ios::binary);
    if (!file) throw Error("Cannot open '" + path + "'; give a text file that can be read");
  }
  std::istream& in = path == "-" ? std::cin : file;
  constexpr std::size_t most = std::size_t{256} << 20, step = std::size_t{1} << 20;
  std::string text;
  for (std::size_t got = step; got == step;) {
    const std::size_t before = text.size();
    if (before > most)
      throw Error("'" + path +
                  "' has more than 256 MiB, which no model reads as one text; give a part of it");
    text.resize(before + step);
    in.read(text.data() + before, static_cast<std::streamsize>(step));
    got = static_cast<std::size_t>(in.gcount());
    text.resize(before + got);
  }
  if (in.bad()) throw Error("Cannot read '" + path + "'; give a text file");
  return text;
}

}  // namespace qkscope::cli

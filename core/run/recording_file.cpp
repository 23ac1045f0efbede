#include "core/run/recording_file.h"

#include <algorithm>
#include <fstream>
#include <limits>

#include "core/base/budget.h"
#include "core/base/error.h"
#include "core/base/wording.h"
#include "core/io/atomic_file.h"
#include "core/io/json_fields.h"
#include "core/io/json_file.h"
#include "core/io/mapped_file.h"
#include "core/io/zip_archive.h"
#include "core/io/zip_writer.h"
#include "core/run/recorded_arrays.h"

namespace qkscope {
namespace {

using nlohmann::json;

constexpr const char *document_file = "document.json", *recording_file = "recording.json";
constexpr const char* format_name = "qkscope-recording";
constexpr int version = 1;
constexpr std::size_t most_document = std::size_t{64} << 20;  // as one that stands alone
constexpr std::int64_t most_int = std::numeric_limits<int>::max(),
                       most_wide = std::numeric_limits<std::int64_t>::max();

/// The texts of a card, by their keys.
constexpr std::pair<const char*, std::string ModelCard::*> card_texts[] = {
    {"name", &ModelCard::name},
    {"format", &ModelCard::format},
    {"stored_types", &ModelCard::stored_types},
    {"rope", &ModelCard::rope},
    {"tokenizer", &ModelCard::tokenizer},
    {"chat", &ModelCard::chat},
    {"device", &ModelCard::device},
    {"dtype", &ModelCard::dtype},
    {"weights", &ModelCard::weights}};

json card_json(const ModelCard& card) {
  json object = {{"path", card.path.string()},
                 {"parameters", card.parameters},
                 {"stored_bytes", card.stored_bytes},
                 {"needed_bytes", card.needed_bytes}};
  for (const auto& [key, text] : card_texts) object[key] = card.*text;
  return object;
}

ModelCard card_of(const json& object, const std::string& where) {
  JsonFields fields(object, where + ": \"model\"");
  ModelCard card;
  card.path = fields.text("path");
  card.parameters = fields.whole("parameters", 0, 0, most_wide);
  card.stored_bytes = static_cast<std::uint64_t>(fields.whole("stored_bytes", 0, 0, most_wide));
  card.needed_bytes = static_cast<std::uint64_t>(fields.whole("needed_bytes", 0, 0, most_wide));
  for (const auto& [key, text] : card_texts) card.*text = fields.text(key);
  return card;
}

std::string run_file(std::size_t prompt, std::size_t run) {
  return "prompt-" + std::to_string(prompt + 1) + "/" +
         (run == 0 ? "baseline" : "arm-" + std::to_string(run)) + ".safetensors";
}

json run_json(const RecordedRun& recorded, const std::string& file) {
  const Run& run = *recorded.run;
  return {{"edits", to_text(recorded.edits)}, {"file", file},
          {"answer", recorded.answer},        {"stopped", run.stopped},
          {"replaced", run.replaced},         {"first_layer", run.first_layer},
          {"prefill_ms", run.prefill_ms},     {"decode_ms", run.decode_ms}};
}

json prompt_json(const RecordedPrompt& prompt, std::size_t number) {
  json runs = json::array();
  for (std::size_t i = 0; i < prompt.runs.size(); ++i)
    runs.push_back(run_json(prompt.runs[i], run_file(number, i)));
  return {{"text", prompt.written.text},
          {"raw", prompt.written.raw},
          {"bos", bos_name(prompt.written.bos)},
          {"expected", prompt.expected},
          {"format", prompt.read.format},
          {"format_reason", prompt.read.format_reason},
          {"user_begin", prompt.read.user_begin},
          {"user_end", prompt.read.user_end},
          {"ids", prompt.read.ids},
          {"expected_ids", prompt.expected_ids},
          {"runs", std::move(runs)}};
}

json recording_json(const Recording& recording) {
  json pieces = json::object(), prompts = json::array();
  for (const auto& [id, text] : recording.pieces) pieces[std::to_string(id)] = text;
  for (std::size_t i = 0; i < recording.prompts.size(); ++i)
    prompts.push_back(prompt_json(recording.prompts[i], i));
  return {
      {"format", format_name},
      {"version", version},
      {"written_by", "QKScope " QKSCOPE_VERSION},
      {"recorded", recording.recorded},
      {"max_new_tokens", recording.max_new_tokens},
      {"activation_rule", {{"least", recording.rule.least}, {"times_median", recording.rule.times_median}}},
      {"model", card_json(recording.card)},
      {"config", recording.source.config},
      {"config_of_gguf", recording.source.is_gguf},
      {"freq_factors", recording.source.freq_factors},
      {"pieces", std::move(pieces)},
      {"prompts", std::move(prompts)}};
}

std::string in_text(const json& value) {
  return value.dump(1, ' ', false, json::error_handler_t::replace);
}

class RecordingReader {
 public:
  RecordingReader(const std::filesystem::path& path, Budget& budget)
      : where_(in_quotes(path.string())),
        budget_(budget),
        file_(path),
        members_(read_zip(file_.bytes(), where_, budget)) {}

  std::string document() {
    std::string document;
    with(document_file, [&](std::span<const std::byte> bytes) {
      if (bytes.size() > most_document)
        throw Error(in_quotes(document_file) + " of " + where_ + " has " +
                    std::to_string(bytes.size() >> 20) + " MB, expected at most " +
                    std::to_string(most_document >> 20) + " MB of a document");
      document = text(bytes);
    });
    return document;
  }

  RecordedDocument read() {
    RecordedDocument document{this->document(), nullptr};
    auto recording = std::make_shared<Recording>();
    with(recording_file, [&](std::span<const std::byte> bytes) {
      const std::string where = in_quotes(recording_file) + " of " + where_;
      read(parse_json(text(bytes), where, budget_), where, *recording);
    });
    document.recording = std::move(recording);
    return document;
  }

 private:
  static std::string text(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }

  /// Gives `take` the bytes of a file in the archive.
  void with(const std::string& name, const std::function<void(std::span<const std::byte>)>& take) {
    const auto found = members_.find(name);
    if (found == members_.end())
      throw Error(where_ + " has no file " + in_quotes(name) +
                  ": it is no QKScope document with recorded runs; open another file");
    const ZipMember& member = found->second;
    const std::string where = in_quotes(name) + " of " + where_;
    std::vector<std::byte> inflated;
    if (member.deflated) inflated = inflate(member, where, budget_);
    const std::span<const std::byte> bytes =
        member.deflated ? std::span<const std::byte>(inflated) : member.stored;
    check_checksum(member, bytes, where);
    take(bytes);
    if (member.deflated) budget_.refund(member.size);
  }

  void read(const json& root, const std::string& where, Recording& recording) {
    JsonFields fields(root, where);
    if (fields.text("format") != format_name) fields.fail("format", std::string("is not ") + format_name);
    const auto found = fields.whole("version", 0, 0, most_int);
    if (found != version)
      fields.fail("version", "is " + std::to_string(found) + ", expected " + std::to_string(version) +
                                 "; open it with a newer QKScope");
    recording.recorded = fields.text("recorded");
    recording.max_new_tokens = static_cast<int>(fields.whole("max_new_tokens", 0, 0, most_int));
    JsonFields rule(fields.object("activation_rule"), where + ": \"activation_rule\"");
    constexpr double most = std::numeric_limits<double>::max();
    recording.rule = {rule.number("least", 0, 0, most), rule.number("times_median", 0, 0, most)};
    recording.card = card_of(fields.object("model"), where);
    recording.source = {fields.object("config"), fields.flag("config_of_gguf", false), {}};
    for (const json& factor : fields.list("freq_factors")) {
      if (!factor.is_number()) fields.fail("freq_factors", "holds " + short_json(factor) + ", no number");
      recording.source.freq_factors.push_back(factor.get<float>());
    }
    recording.card.spec = make_spec(recording.source, where_);
    for (const auto& [id, piece] : fields.object("pieces").items()) {
      if (!piece.is_string()) fields.fail("pieces", "holds " + short_json(piece) + ", no text");
      const auto number = index_from(id);
      if (!number) fields.fail("pieces", "names " + in_quotes(id) + ", expected a token's number");
      recording.pieces[*number] = piece.get<std::string>();
    }
    for (const json& prompt : fields.list("prompts")) {
      const std::string number = std::to_string(recording.prompts.size() + 1);
      recording.prompts.push_back(read_prompt(JsonFields(prompt, where + ": prompt " + number), recording));
    }
  }

  static TokenIds ids(JsonFields& fields, const char* key) {
    TokenIds ids;
    for (const json& id : fields.list(key)) {
      if (!id.is_number_unsigned() || id.get<std::uint64_t>() > std::uint64_t{most_int})
        fields.fail(key, "holds " + short_json(id) + ", expected a token's number");
      ids.push_back(id.get<int>());
    }
    return ids;
  }

  RecordedPrompt read_prompt(JsonFields fields, const Recording& recording) {
    RecordedPrompt prompt;
    prompt.written.text = fields.text("text");
    prompt.written.raw = fields.flag("raw", false);
    const auto bos = bos_from_name(fields.text("bos"));
    if (!bos) fields.fail("bos", "is not auto, on or off");
    prompt.written.bos = *bos;
    prompt.expected = fields.text("expected");
    prompt.read.ids = ids(fields, "ids");
    if (prompt.read.ids.empty()) fields.fail("ids", "is empty, expected the tokens of the prompt");
    prompt.expected_ids = ids(fields, "expected_ids");
    prompt.read.format = fields.text("format");
    prompt.read.format_reason = fields.text("format_reason");
    const auto length = static_cast<std::int64_t>(prompt.read.ids.size());
    prompt.read.user_end = static_cast<int>(fields.whole("user_end", 0, 0, length));
    prompt.read.user_begin = static_cast<int>(fields.whole("user_begin", 0, 0, prompt.read.user_end));
    for (const json& run : fields.list("runs")) {
      const std::string where = fields.where() + ", run " + std::to_string(prompt.runs.size() + 1);
      prompt.runs.push_back(read_run(JsonFields(run, where), recording, prompt));
    }
    if (prompt.runs.empty()) fields.fail("runs", "is empty, expected the baseline first");
    return prompt;
  }

  RecordedRun read_run(JsonFields fields, const Recording& recording, const RecordedPrompt& prompt) {
    budget_.step(Budget::steps_between_looks);
    RecordedRun recorded;
    const ModelSpec& spec = recording.card.spec;
    try {
      recorded.edits = switched_on(parse_edits(fields.text("edits")));
      for (const Edit& edit : recorded.edits) check_edit(edit, spec);
    } catch (const Error& error) {
      throw Error(fields.where() + ": " + error.what());
    }
    const bool is_baseline = prompt.runs.empty();
    if (is_baseline != recorded.edits.empty())
      fields.fail("edits", is_baseline ? "is not empty, expected the baseline first"
                                       : "is empty, which only those of the baseline are");
    recorded.answer = fields.text("answer");
    auto run = std::make_shared<Run>();
    run->stopped = fields.flag("stopped", false);
    run->replaced = fields.whole("replaced", 0, 0, most_wide);
    run->first_layer = static_cast<int>(fields.whole("first_layer", 0, 0, spec.num_layers()));
    run->prefill_ms = fields.number("prefill_ms", 0, 0, 1e15);
    run->decode_ms = fields.number("decode_ms", 0, 0, 1e15);
    run->capture.positions = static_cast<int>(prompt.read.ids.size());
    const std::string file = fields.text("file");
    with(file, [&](std::span<const std::byte> bytes) {
      const std::string where = in_quotes(file) + " of " + where_;
      qkscope::read_run(read_safetensors(bytes, where, budget_), spec, recording.rule,
                        is_baseline ? nullptr : prompt.runs.front().run.get(), where, *run);
    });
    recorded.run = std::move(run);
    return recorded;
  }

  std::string where_;
  Budget& budget_;
  MappedFile file_;
  std::map<std::string, ZipMember> members_;
};

}  // namespace

bool begins_like_zip(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  char first[4] = {};
  return file.read(first, 4) && std::string_view(first, 4) == "PK\x03\x04";
}

RecordedDocument read_recorded(const std::filesystem::path& path, std::stop_token stop) {
  // Arrays take no more than the file does, and time with it.
  std::error_code none;
  const std::uintmax_t size = std::filesystem::file_size(path, none);
  const std::chrono::milliseconds for_arrays(none ? 0 : 20 * (size >> 20));
  Budget budget("Reading " + in_quotes(path.string()), stop, Budget::usual_bytes,
                Budget::usual_time + for_arrays);
  return RecordingReader(path, budget).read();
}

std::string document_in(const std::filesystem::path& path) {
  Budget budget("Reading " + in_quotes(path.string()));
  return RecordingReader(path, budget).document();
}

void write_recorded(const std::filesystem::path& path, const std::string& document,
                    const Recording& recording, std::stop_token stop) {
  AtomicFile file(path);
  ZipWriter zip(file);
  zip.add(document_file, document);
  zip.add(recording_file, in_text(recording_json(recording)));
  for (std::size_t p = 0; p < recording.prompts.size(); ++p) {
    const std::vector<RecordedRun>& runs = recording.prompts[p].runs;
    for (std::size_t r = 0; r < runs.size(); ++r) {
      if (stop.stop_requested()) throw Cancelled();
      const RunArrays arrays(*runs[r].run, r == 0 ? nullptr : runs.front().run.get());
      const SafetensorsWriter::Parts parts = arrays.parts();
      std::vector<std::span<const std::byte>> bytes{std::as_bytes(std::span(parts.head))};
      bytes.insert(bytes.end(), parts.arrays.begin(), parts.arrays.end());
      zip.add(run_file(p, r), bytes);
    }
  }
  zip.finish();
  file.commit();
}

std::string document_of(const RecordingPlan& plan, const std::string& model) {
  json prompts = json::array(), arms = json::array(), look = json::object();
  if (!plan.arms.empty()) look["shown"] = "disrupted";
  for (const auto& [written, expected] : plan.prompts) {
    prompts.push_back({{"kind", "free"},
                       {"text", written.text},
                       {"expected", expected},
                       {"raw", written.raw},
                       {"bos", bos_name(written.bos)}});
  }
  for (const Edits& arm : plan.arms) {
    json edits = json::array();
    for (const Edit& edit : arm) edits.push_back(to_text(edit));
    arms.push_back({{"name", ""}, {"edits", std::move(edits)}});
  }
  return in_text({{"format", "qkscope-document"},
                  {"version", 2},
                  {"written_by", "QKScope " QKSCOPE_VERSION},
                  {"model", model},
                  {"prompts", std::move(prompts)},
                  {"look", std::move(look)},
                  {"arms", {{"on", !plan.arms.empty()}, {"list", std::move(arms)}}}});
}

}  // namespace qkscope

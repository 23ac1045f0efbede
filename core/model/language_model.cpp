#include "core/model/language_model.h"

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>
#include <malloc.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <map>

#include "core/base/budget.h"
#include "core/base/cuda_plugin.h"
#include "core/checkpoint/checkpoint.h"
#include "core/io/json_file.h"
#include "core/model/architecture.h"
#include "core/model/checkpoint_notes.h"
#include "core/model/config.h"
#include "core/model/decoder.h"
#include "core/model/memory.h"
#include "core/model/parallel.h"
#include "core/model/rope.h"
#include "core/model/synthetic.h"

namespace qkscope {

namespace {

struct Target {
  at::Device device = at::kCPU;
  at::ScalarType dtype = at::kFloat;
  Keep keep = Keep::Floats;
  std::string reason;  // why not CUDA
};

Target choose_target(const LoadOptions& options) {
  Target target;
  const bool wants_cuda = options.device.starts_with("cuda");
  if (options.device == "auto" || wants_cuda) {
    target.reason = cuda_unavailable_reason();
    if (target.reason.empty()) {
      const int index = options.device.size() > 5 ? std::atoi(options.device.c_str() + 5) : 0;
      const auto count = static_cast<int>(cuda_devices().size());
      if (index < 0 || index >= count) {
        throw Error("There is no device " + options.device + "; CUDA devices here: " + std::to_string(count) +
                    ".");
      }
      target.device = at::Device(at::kCUDA, static_cast<c10::DeviceIndex>(index));
    } else if (wants_cuda) {
      throw Error("CUDA cannot be used: " + target.reason + ". Use --device cpu.");
    }
  } else if (options.device == "cpu") {
    target.reason = "the CPU was asked for";
  } else {
    throw Error("Unknown device \"" + options.device + "\", expected auto, cpu or cuda[:index].");
  }
  static const std::map<std::string, at::ScalarType> dtypes = {
      {"float32", at::kFloat}, {"bfloat16", at::kBFloat16}, {"float16", at::kHalf}, {"auto", at::kFloat}};
  const auto dtype = dtypes.find(options.dtype);
  if (dtype == dtypes.end()) {
    throw Error("Unknown dtype \"" + options.dtype + "\", expected auto, float32, bfloat16 or float16.");
  }
  target.dtype = dtype->second;
  return target;
}

std::string dtype_name(at::ScalarType dtype) {
  return dtype == at::kFloat ? "float32" : dtype == at::kHalf ? "float16" : "bfloat16";
}

std::string stored_types(const Checkpoint& checkpoint) {
  std::map<std::string, int> counts;
  for (const TensorEntry& entry : checkpoint.tensors()) ++counts[std::string(element_type_name(entry.type))];
  std::vector<std::pair<int, std::string>> sorted;
  for (const auto& [type, count] : counts) sorted.emplace_back(-count, type);
  std::ranges::sort(sorted);
  std::string text;
  for (const auto& [count, type] : sorted) {
    text += (text.empty() ? "" : ", ") + type + (count == -1 ? "" : " x " + std::to_string(-count));
  }
  return text;
}

std::string chat_words(const ChatFormat& format) {
  return format.is_raw() ? "raw: " + format.reason() : format.name();
}

/// EOS, the end of a turn, and what generation_config.json or config.json lists.
TokenIds stop_tokens_of(const Checkpoint& checkpoint, const Tokenizer& tokenizer, const ChatFormat& chat,
                        Budget& budget) {
  std::set<int> ids;
  if (const auto eos = tokenizer.eos()) ids.insert(*eos);
  if (!chat.end_of_turn().empty()) {
    const TokenIds turn = tokenizer.encode(chat.end_of_turn());
    if (!turn.empty() && tokenizer.is_special(turn.front())) ids.insert(turn.front());
  }
  const auto add = [&](const nlohmann::json& json) {
    if (!json.is_object() || !json.contains("eos_token_id")) return;
    const nlohmann::json& eos = json["eos_token_id"];
    if (eos.is_number_integer()) ids.insert(eos.get<int>());
    if (!eos.is_array()) return;
    for (const auto& id : eos) {
      if (id.is_number_integer()) ids.insert(id.get<int>());
    }
  };
  add(checkpoint.config());
  add(Config(checkpoint).json());
  const std::filesystem::path folder =
      std::filesystem::is_directory(checkpoint.path()) ? checkpoint.path() : checkpoint.path().parent_path();
  if (checkpoint.format() != "GGUF") {
    try {
      add(read_json_object(folder / "generation_config.json", budget));
    } catch (const Error&) {  // missing, or broken: no reason not to load a model
    }
  }
  return {ids.begin(), ids.end()};
}

/// Of `shapes`, which are float32 on no device, where they will be held.
std::uint64_t bytes_needed(const Weights& shapes, const ModelSpec& spec, const Target& target) {
  std::uint64_t numbers = (shapes.bytes() - shapes.stored_bytes()) / sizeof(float);
  // A tied head is one matrix but where it is packed: then there are the table to look up and the packed
  // form.
  const at::Tensor& table = shapes.embedding().table.floats();
  if (spec.head.tied && table.defined() && Linear::packs(target.device, target.dtype))
    numbers += static_cast<std::uint64_t>(table.numel());
  return numbers * c10::elementSize(target.dtype) + shapes.stored_bytes();
}

/// Which `weights` of LoadOptions is meant; fills in what they will need. Asks for every tensor by name and
/// shape and reads no number. Returns the names of the tensors.
std::set<std::string> choose_weights(ModelCard& card, Target& target,
                                     const std::shared_ptr<const Checkpoint>& checkpoint,
                                     const std::string& asked, std::stop_token stop) {
  if (asked != "auto" && asked != "float" && asked != "stored")
    throw Error("Unknown weights \"" + asked + "\", expected auto, float or stored.");
  const bool blocks_can_be_used = target.device.is_cpu() && target.dtype == at::kFloat;
  const auto look = [&](Keep keep) {
    const Weights shapes(checkpoint, card.spec, at::kMeta, at::kFloat, Progress{{}, stop}, keep);
    target.keep = keep;
    card.needed_bytes = bytes_needed(shapes, card.spec, target);
    card.blocks_bytes = shapes.stored_bytes();
    card.weights = card.blocks_bytes == 0 ? "float" : keep == Keep::Both ? "both" : "stored";
    return shapes.names();
  };
  if (asked == "stored" && !blocks_can_be_used) {
    card.notes.push_back("The weights are held as " + card.dtype +
                         ": blocks are multiplied on a CPU in float32 only.");
  }
  if (asked == "float" || !blocks_can_be_used) return look(Keep::Floats);
  if (asked == "stored") return look(Keep::Blocks);
  std::set<std::string> names = look(Keep::Both);
  const std::uint64_t floats = card.needed_bytes - card.blocks_bytes;
  constexpr double share = 0.6;  // the rest is for prompts
  return static_cast<double>(floats) <= share * static_cast<double>(card.free_bytes) ? names
                                                                                     : look(Keep::Blocks);
}

/// Returns where the weights will be held.
Target fill_card(ModelCard& card, const Checkpoint& checkpoint, const LoadOptions& options) {
  card.format = checkpoint.format();
  card.stored_types = stored_types(checkpoint);
  card.stored_bytes = checkpoint.total_bytes();
  for (const TensorEntry& entry : checkpoint.tensors()) card.parameters += entry.numel();
  card.spec = make_spec(checkpoint);
  card.rope = describe_rotation(card.spec);
  const Target target = choose_target(options);
  card.device = target.device.str();
  card.device_reason = target.reason;
  card.dtype = dtype_name(target.dtype);
  card.free_bytes = free_memory(target.device);
  return target;
}

ModelCard blank_card(const std::filesystem::path& path) {
  ModelCard card;
  card.path = path;
  card.name = model_name(path);
  return card;
}

}  // namespace

/// What inspecting a checkpoint leaves for loading it.
struct Inspection::Parts {
  std::shared_ptr<const Checkpoint> checkpoint;
  std::shared_ptr<const Tokenizer> tokenizer;
  ChatFormat chat_format;
  TokenIds stop_tokens;
  Target target;
  int threads = 0;
};

const Tokenizer& Inspection::tokenizer() const {
  return *parts->tokenizer;
}

const ChatFormat& Inspection::chat_format() const {
  return parts->chat_format;
}

std::string memory_problem(const ModelCard& card) {
  if (card.free_bytes >= card.needed_bytes) return {};
  const auto mib = [](std::uint64_t bytes) { return std::to_string(bytes >> 20) + " MiB"; };
  return "The weights of " + card.name + " need " + mib(card.needed_bytes) +
         (card.weights == "stored" ? " as stored" : " as " + card.dtype) + " and " + mib(card.free_bytes) +
         " are free on " + card.device + "; choose a smaller model or a shorter number format" +
         smaller_way(card) + ", or close other programs.";
}

std::string smaller_way(const ModelCard& card) {
  if (card.device != "cpu") return ", compute on the CPU (device cpu)";
  const bool holds_floats = card.dtype == "float32" && card.weights != "stored";
  const bool blocks_are_fewer =
      card.stored_bytes > 0 && card.stored_bytes < card.needed_bytes - card.blocks_bytes;
  return holds_floats && blocks_are_fewer ? ", hold the weights as stored (weights stored)" : "";
}

Inspection LanguageModel::inspect(const std::filesystem::path& path, const LoadOptions& options,
                                  std::stop_token stop) {
  Inspection inspection{blank_card(path), nullptr};
  ModelCard& card = inspection.card;
  try {
    auto parts = std::make_shared<Inspection::Parts>();
    Budget budget("Reading '" + path.string() + "'", stop);  // of all that is read but the weights
    parts->checkpoint = Checkpoint::open(path, budget);
    parts->target = fill_card(card, *parts->checkpoint, options);
    parts->threads = options.threads;
    const auto names = choose_weights(card, parts->target, parts->checkpoint, options.weights, stop);
    std::ranges::move(checkpoint_notes(*parts->checkpoint, card.spec, names), std::back_inserter(card.notes));
    parts->tokenizer = load_tokenizer(*parts->checkpoint, budget, card.notes);
    const ChatTemplate found = parts->checkpoint->chat_template(budget);
    parts->chat_format = ChatFormat::recognise(found, parts->tokenizer->special_tokens(), budget);
    if (parts->chat_format.is_unusable())
      card.notes.push_back("Prompts are passed raw: " + parts->chat_format.reason() + ".");
    parts->stop_tokens = stop_tokens_of(*parts->checkpoint, *parts->tokenizer, parts->chat_format, budget);
    card.tokenizer = parts->tokenizer->kind();
    card.chat = chat_words(parts->chat_format);
    inspection.parts = std::move(parts);
  } catch (const std::exception& error) {
    if (stop.stop_requested()) throw Cancelled();
    card.problem = error.what();
  }
  return inspection;
}

Inspection LanguageModel::inspect_synthetic(const std::string& name, LoadOptions options,
                                            std::stop_token stop) {
  Inspection inspection{blank_card(name), nullptr};
  ModelCard& card = inspection.card;
  auto parts = std::make_shared<Inspection::Parts>();
  parts->checkpoint = synthetic_checkpoint(name);
  parts->target = fill_card(card, *parts->checkpoint, options);
  parts->threads = options.threads;
  choose_weights(card, parts->target, parts->checkpoint, "float", stop);
  inspection.parts = std::move(parts);
  return inspection;
}

std::shared_ptr<const LanguageModel> LanguageModel::load(const Inspection& inspection,
                                                         const Progress& progress) {
  if (!inspection.parts) throw Error(inspection.card.problem);
  const c10::InferenceMode inference;
  const Inspection::Parts& parts = *inspection.parts;
  std::shared_ptr<LanguageModel> model(new LanguageModel());
  model->card_ = inspection.card;
  model->card_.free_bytes = free_memory(parts.target.device);  // may be long after the inspection
  if (const std::string problem = memory_problem(model->card_); !problem.empty()) throw Error(problem);
  if (parts.threads > 0) at::set_num_threads(parts.threads);
  model->tokenizer_ = parts.tokenizer;
  model->chat_format_ = parts.chat_format;
  model->stop_tokens_ = parts.stop_tokens;
  telling_failures(parts.target.device, "Loading " + model->card_.name,
                   "choose a smaller model" + smaller_way(model->card_), [&] {
                     model->decoder_ = std::make_unique<Decoder>(
                         model->card_.spec, Weights(parts.checkpoint, model->card_.spec, parts.target.device,
                                                    parts.target.dtype, progress, parts.target.keep));
                   });
  return model;
}

std::shared_ptr<const LanguageModel> LanguageModel::load(const std::filesystem::path& path,
                                                         const LoadOptions& options,
                                                         const Progress& progress) {
  return load(inspect(path, options, progress.stop), progress);
}

LanguageModel::~LanguageModel() {
  decoder_.reset();
#ifdef __GLIBC__
  // What was freed in pieces stays with the process otherwise, and the next model comes on top of it.
  malloc_trim(0);
#endif
}

}  // namespace qkscope

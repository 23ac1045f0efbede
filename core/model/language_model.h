#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/base/progress.h"
#include "core/checkpoint/model_shelf.h"
#include "core/model/spec.h"
#include "core/text/chat_format.h"
#include "core/text/tokenizer.h"

namespace qkscope {

class Decoder;

/// What can be said of a checkpoint before a weight is read.
struct ModelCard {
  std::string name;  // folder or file name without its ending
  std::filesystem::path path;
  std::string format;        // "GGUF", "safetensors"
  std::string stored_types;  // "Q4_1 x 210, F32 x 61, Q8_0"
  ModelSpec spec;            // valid where `problem` is empty
  std::string rope;          // "default, theta 100000", "llama3, theta 500000, factor 32", "none"
  std::string tokenizer;     // kind, or why there is none
  std::string chat;          // chat format, with the reason where it is raw
  std::int64_t parameters = 0;
  std::uint64_t stored_bytes = 0;
  std::uint64_t needed_bytes = 0;  // weights as they will be held, the file's blocks among them
  std::uint64_t free_bytes = 0;    // on `device`, now
  std::string device, dtype;
  std::string device_reason;       // why not CUDA; empty on CUDA
  std::string weights;             // "float", "stored" or "both", see LoadOptions
  std::uint64_t blocks_bytes = 0;  // of needed_bytes, what is used as it lies in the mapped file
  std::string problem;             // what is unsupported or broken, in one sentence; empty = it will load
  std::vector<std::string> notes;  // what a person should know though it will load, a sentence each
};

/// "Loading ... needs 660 MiB of memory as float32 and 512 MiB are free on cpu; ...", or nothing where it
/// fits.
std::string memory_problem(const ModelCard& card);

/// The next smaller way to hold a model, as it goes on after another remedy: ", compute on the CPU (device
/// cpu)"; nothing where there is none.
std::string smaller_way(const ModelCard& card);

/// A checkpoint that was looked at: its card, and what loading need not read again. A value.
struct Inspection {
  ModelCard card;
  struct Parts;
  std::shared_ptr<const Parts> parts;  // null where the card has a problem
  /// What there is without weights. Not where the card has a problem, or of a synthetic model.
  const Tokenizer& tokenizer() const;
  const ChatFormat& chat_format() const;
};

struct LoadOptions {
  std::string device = "auto";  // auto, cpu, cuda, cuda:1
  std::string dtype = "auto";   // auto, float32, bfloat16, float16
  /// How matrices are held on a CPU in float32. float: as floats. stored: in the blocks of the file, from
  /// which every product is computed. auto: as floats with the blocks beside them, which a decode step reads
  /// faster; as stored where the floats would take more than 60 % of the free memory.
  std::string weights = "auto";
  int threads = 0;  // 0 = as many as there are cores
};

/// A loaded model: decoder, tokenizer and chat format of one checkpoint. Immutable.
class LanguageModel {
 public:
  /// Headers, tokenizer and chat format, no weight: up to seconds, under a Budget. Throws nothing but
  /// Cancelled: for a bad checkpoint the card's `problem` says what is wrong.
  static Inspection inspect(const std::filesystem::path& path, const LoadOptions& options = {},
                            std::stop_token stop = {});
  /// Of a model of random numbers, see synthetic.h: it has no tokenizer, and its weights are floats.
  static Inspection inspect_synthetic(const std::string& name, LoadOptions options,
                                      std::stop_token stop = {});
  /// Reads the weights of what was inspected; progress in bytes. Throws Error or Cancelled.
  static std::shared_ptr<const LanguageModel> load(const Inspection& inspection,
                                                   const Progress& progress = {});
  /// Both.
  static std::shared_ptr<const LanguageModel> load(const std::filesystem::path& path,
                                                   const LoadOptions& options = {},
                                                   const Progress& progress = {});
  ~LanguageModel();

  const ModelCard& card() const { return card_; }
  const ModelSpec& spec() const { return card_.spec; }
  const Tokenizer& tokenizer() const { return *tokenizer_; }
  const ChatFormat& chat_format() const { return chat_format_; }
  const Decoder& decoder() const { return *decoder_; }
  /// Tokens that end an answer: EOS, the chat format's end of turn, generation_config's list.
  const TokenIds& stop_tokens() const { return stop_tokens_; }
  /// Ids of a prompt as the tokenizer begins one: BOS where it adds one and the text does not spell it.
  TokenIds tokenize(std::string_view text) const { return tokenizer_->encode_prompt(text); }

 private:
  LanguageModel() = default;
  ModelCard card_;
  std::shared_ptr<const Tokenizer> tokenizer_;
  ChatFormat chat_format_;
  std::unique_ptr<Decoder> decoder_;
  TokenIds stop_tokens_;
};

}  // namespace qkscope

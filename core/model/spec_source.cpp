#include "core/model/spec_source.h"

#include "core/checkpoint/checkpoint.h"
#include "core/io/gguf.h"
#include "core/model/architecture.h"

namespace qkscope {
namespace {

constexpr const char* factors_name = "rope_freqs.weight";

/// A checkpoint without weights.
class SourceCheckpoint final : public Checkpoint {
 public:
  SourceCheckpoint(const SpecSource& source, const std::string& where) : is_gguf_(source.is_gguf) {
    path_ = where;
    format_ = "recorded";
    config_ = source.config;
    if (source.freq_factors.empty()) return;
    tensors_.push_back({factors_name,
                        {static_cast<std::int64_t>(source.freq_factors.size())},
                        ElementType::F32,
                        std::as_bytes(std::span(source.freq_factors)),
                        0});
  }
  const GgufMetadata* gguf() const override { return is_gguf_ ? &metadata_ : nullptr; }
  ChatTemplate chat_template(Budget&) const override { return {}; }
  void release(const TensorEntry&) const override {}

 private:
  bool is_gguf_;
  GgufMetadata metadata_;  // all of it that a spec is made from stands in the configuration
};

}  // namespace

SpecSource spec_source(const Checkpoint& checkpoint) {
  SpecSource source{checkpoint.config(), checkpoint.gguf() != nullptr, {}};
  if (const TensorEntry* factors = checkpoint.find(factors_name)) {
    source.freq_factors.resize(static_cast<std::size_t>(factors->numel()));
    read_float32(*factors, source.freq_factors);
  }
  return source;
}

ModelSpec make_spec(const SpecSource& source, const std::string& where) {
  return make_spec(SourceCheckpoint(source, where));
}

}  // namespace qkscope

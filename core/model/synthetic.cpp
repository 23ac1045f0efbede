#include "core/model/synthetic.h"

#include <algorithm>

#include "core/base/error.h"
#include "core/checkpoint/checkpoint.h"
#include "core/model/architecture.h"

namespace qkscope {

namespace {

struct Shape {
  const char* name;
  int hidden_size, intermediate_size, num_layers, num_heads, num_kv_heads, vocab_size;
  double rope_theta;
  bool tied;
};

constexpr Shape shapes[] = {{"llama-tiny", 64, 176, 2, 4, 2, 512, 10000, true},
                            {"llama-1b", 2048, 8192, 16, 32, 8, 128256, 500000, true},
                            {"llama-3b", 3072, 8192, 28, 24, 8, 128256, 500000, true},
                            {"llama-7b", 4096, 11008, 32, 32, 32, 32000, 10000, false},
                            {"llama-8b", 4096, 14336, 32, 32, 8, 128256, 500000, false}};

class SyntheticCheckpoint final : public Checkpoint {
 public:
  explicit SyntheticCheckpoint(const Shape& shape) {
    path_ = shape.name;
    format_ = "random numbers";
    config_ = {{"architectures", {"LlamaForCausalLM"}},
               {"hidden_size", shape.hidden_size},
               {"intermediate_size", shape.intermediate_size},
               {"num_hidden_layers", shape.num_layers},
               {"num_attention_heads", shape.num_heads},
               {"num_key_value_heads", shape.num_kv_heads},
               {"vocab_size", shape.vocab_size},
               {"rope_theta", shape.rope_theta},
               {"max_position_embeddings", 8192},
               {"tie_word_embeddings", shape.tied}};
    const ModelSpec spec = make_spec(*this);
    add(spec, {Role::Embedding, Role::FinalNorm}, -1);
    if (!shape.tied) add(spec, {Role::Head}, -1);
    for (int l = 0; l < shape.num_layers; ++l)
      add(spec,
          {Role::MixerNorm, Role::Query, Role::Key, Role::Value, Role::AttnOut, Role::FfnNorm, Role::Gate,
           Role::Up, Role::Down},
          l);
    std::ranges::sort(tensors_, {}, &TensorEntry::name);
  }
  ChatTemplate chat_template(Budget&) const override { return {}; }
  void release(const TensorEntry&) const override {}

 private:
  void add(const ModelSpec& spec, const std::vector<Role>& roles, int layer) {
    for (const Role role : roles) {
      const Stored& stored = spec.parameters.stored.at(role).front();
      const std::string name = layer < 0 ? stored.name : layer_name(spec.parameters, layer, stored);
      const std::string prefix = role == Role::Head ? "" : spec.parameters.prefixes.front();
      tensors_.push_back(
          {prefix + name + ".weight", parameter_shape(spec, role, layer), ElementType::F32, {}, 0});
    }
  }
};

}  // namespace

std::vector<std::string> synthetic_names() {
  std::vector<std::string> names;
  for (const Shape& shape : shapes) names.emplace_back(shape.name);
  return names;
}

std::shared_ptr<const Checkpoint> synthetic_checkpoint(const std::string& name) {
  for (const Shape& shape : shapes) {
    if (shape.name == name) return std::make_shared<SyntheticCheckpoint>(shape);
  }
  std::string known;
  for (const Shape& shape : shapes) known += (known.empty() ? "" : ", ") + std::string(shape.name);
  throw Error("There is no synthetic model \"" + name + "\", expected one of " + known + ".");
}

}  // namespace qkscope

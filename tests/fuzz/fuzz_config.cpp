// config.json of every family: read, and made the list of layers that a decoder is built of.
#include "core/io/json_file.h"
#include "core/model/architecture.h"
#include "tests/fuzz/fuzz_target.h"

using namespace qkscope;
using nlohmann::json;

namespace {

/// A checkpoint of a configuration and no tensor.
class ConfigAlone : public Checkpoint {
 public:
  explicit ConfigAlone(json config) {
    path_ = "fuzz";
    format_ = "safetensors";
    config_ = std::move(config);
  }
  ChatTemplate chat_template(Budget&) const override { return {}; }
  void release(const TensorEntry&) const override {}
};

json small(const char* architecture) {
  return {{"architectures", {architecture}},
          {"vocab_size", 40},
          {"hidden_size", 16},
          {"intermediate_size", 24},
          {"num_hidden_layers", 4},
          {"num_attention_heads", 4},
          {"num_key_value_heads", 2},
          {"max_position_embeddings", 64}};
}

json with(const char* architecture, const json& more) {
  json config = small(architecture);
  config.update(more);
  return config;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  test::expect_result_or_error(data, size, [](std::span<const std::byte> bytes, Budget& budget) {
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    json config = parse_json(text, "'config.json'", budget);
    if (!config.is_object()) return;  // the reader of the file refuses it
    const ModelSpec spec = make_spec(ConfigAlone(std::move(config)));
    if (spec.num_layers() < 1 || spec.vocab_size < 1) std::abort();
  });
  return 0;
}

// A few that differ most. Every family is reached by a change of its name.
std::vector<std::string> seed_inputs() {
  const json yarn = {{"rope_type", "yarn"}, {"factor", 4.0}, {"original_max_position_embeddings", 16}};
  const json kinds = {"sliding_attention", "full_attention", "sliding_attention", "full_attention"};
  return {with("LlamaForCausalLM", {{"rope_scaling", yarn}, {"tie_word_embeddings", true}}).dump(),
          with("Gemma4ForCausalLM", {{"layer_types", kinds},
                                     {"head_dim", 8},
                                     {"global_head_dim", 16},
                                     {"sliding_window", 5},
                                     {"num_kv_shared_layers", 1},
                                     {"hidden_size_per_layer_input", 4},
                                     {"vocab_size_per_layer_input", 40},
                                     {"per_layer_config", {{"1", {{"head_dim", 16}}}}}})
              .dump(),
          with("DeepseekV3ForCausalLM", {{"kv_lora_rank", 8},
                                         {"q_lora_rank", nullptr},
                                         {"qk_rope_head_dim", 4},
                                         {"qk_nope_head_dim", 4},
                                         {"v_head_dim", 4},
                                         {"n_routed_experts", 4},
                                         {"num_experts_per_tok", 2},
                                         {"n_group", 2},
                                         {"topk_group", 1},
                                         {"first_k_dense_replace", 1},
                                         {"rope_scaling", yarn}})
              .dump(),
          with("JambaForCausalLM", {{"attn_layer_period", 2}, {"attn_layer_offset", 1}, {"num_experts", 2}})
              .dump(),
          with("FalconForCausalLM", {{"alibi", true}, {"multi_query", false}, {"bias", true}}).dump()};
}

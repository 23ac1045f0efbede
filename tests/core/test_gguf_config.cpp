// What a GGUF file's keys say in config.json's words.
#include <cmath>

#include "core/model/architecture.h"
#include "tests/support/errors.h"
#include "tests/support/gguf_model.h"

using namespace qkscope;
using test::bare;
using test::floats;
using test::GgufBytes;
using test::small_llama;

namespace {

constexpr std::uint32_t f32 = 0;

}  // namespace

class TestGgufConfig : public test::GgufTestCase {
  Q_OBJECT
 private Q_SLOTS:
  void llamaConfig() {
    GgufBytes file = small_llama();
    file.tensor("token_embd.weight", {8, 5}, f32, floats(40));
    file.tensor("blk.0.attn_q.weight", {8, 8}, f32, floats(64));
    const auto checkpoint = open(file);
    QCOMPARE(checkpoint->format(), "GGUF");
    QCOMPARE(
        QString::fromStdString(checkpoint->config().dump()),
        QStringLiteral(
            R"({"architectures":["LlamaForCausalLM"],"bos_token_id":null,"eos_token_id":null,)"
            R"("head_dim":4,"hidden_act":"silu","hidden_size":8,"intermediate_size":16,"max_position_embeddings":64,)"
            R"("model_type":"llama","num_attention_heads":2,"num_hidden_layers":1,)"
            R"("num_key_value_heads":1,"pad_token_id":null,"rms_norm_eps":0.5,"rope_theta":50000.0,)"
            R"("tie_word_embeddings":true,"vocab_size":5})"));
  }

  void configVariants() {
    const auto config = [&](GgufBytes file) { return open(file)->config(); };
    const auto name = [](const nlohmann::json& json) { return json["architectures"][0].get<std::string>(); };
    QCOMPARE(name(config(small_llama().u32("llama.attention.sliding_window", 32))), "MistralForCausalLM");
    QCOMPARE(config(small_llama().u32("llama.attention.sliding_window", 32))["sliding_window"].get<int>(),
             32);
    QCOMPARE(name(config(small_llama().u32("llama.expert_count", 8).u32("llama.expert_used_count", 2))),
             "MixtralForCausalLM");
    QCOMPARE(name(config(small_llama("qwen2"))), "Qwen2ForCausalLM");
    QCOMPARE(name(config(small_llama("wavenet"))), "wavenet");
    QCOMPARE(config(small_llama().u32("llama.attention.key_length", 6))["head_dim"].get<int>(), 6);
    QVERIFY(!config(small_llama().tensor("output.weight", {8, 5}, f32, floats(40)))["tie_word_embeddings"]
                 .get<bool>());
    const GgufBytes per_layer =
        bare("llama", "attention.head_count")
            .array<std::int32_t>("llama.attention.head_count", GgufBytes::I32, {2, 2});
    QCOMPARE(config(per_layer)["num_attention_heads"].get<int>(), 2);
    QCOMPARE(config(per_layer)["num_key_value_heads"].get<int>(), 2);
  }

  // What only some families say: layers that differ, and what llama.cpp knows without being told.
  void families() {
    const auto config = [&](const GgufBytes& file) { return open(file)->config(); };
    const auto layers = [](const char* architecture) {
      GgufBytes file = bare(architecture, "block_count");
      return file.u32(std::string(architecture) + ".block_count", 3);
    };
    const auto flags = [](GgufBytes file, const std::string& key, std::vector<std::uint8_t> values) {
      return file.array<std::uint8_t>(key, GgufBytes::Bool, values);
    };
    const std::string sliding = "sliding_attention", full = "full_attention";
    const GgufBytes gemma = layers("gemma2").u32("gemma2.attention.sliding_window", 9);
    QCOMPARE(config(gemma)["layer_types"].get<std::vector<std::string>>(),
             (std::vector{sliding, full, sliding}));
    QCOMPARE(config(gemma)["query_pre_attn_scalar"].get<int>(), 4);
    const std::string pattern = "gemma2.attention.sliding_window_pattern";
    QCOMPARE(config(flags(gemma, pattern, {0, 1, 1}))["layer_types"].get<std::vector<std::string>>(),
             (std::vector{full, sliding, sliding}));
    QKSCOPE_EXPECT_ERROR(config(flags(gemma, pattern, {0, 1})), "sliding_window_pattern", "list of 2",
                         "3 values");
    const auto olmo = [&](std::uint32_t window) {
      return config(layers("olmo2").u32("olmo2.attention.sliding_window", window))["architectures"][0]
          .get<std::string>();
    };
    QCOMPARE(olmo(0), "Olmo2ForCausalLM");
    QCOMPARE(olmo(8), "Olmo3ForCausalLM");
    GgufBytes jamba = layers("jamba");
    for (const auto& [key, value] :
         {std::pair{"conv_kernel", 4}, {"state_size", 16}, {"time_step_rank", 3}, {"inner_size", 16}})
      jamba.u32(std::string("jamba.ssm.") + key, static_cast<std::uint32_t>(value));
    const auto heads = [&](std::vector<std::int32_t> values) {
      GgufBytes file = jamba;
      return file.array("jamba.attention.head_count_kv", GgufBytes::I32, values);
    };
    QCOMPARE(config(heads({0, 2, 0}))["attn_layer_offset"].get<int>(), 1);
    QCOMPARE(config(heads({1, 0, 1}))["attn_layer_period"].get<int>(), 2);
    QCOMPARE(config(heads({0, 2, 0}))["mamba_expand"].get<int>(), 2);
    QKSCOPE_EXPECT_ERROR(config(layers("jamba").array<std::int32_t>("jamba.attention.head_count_kv",
                                                                    GgufBytes::I32, {0, 2, 0})),
                         "jamba.ssm.conv_kernel");
    GgufBytes odd = bare("jamba", "block_count").u32("jamba.block_count", 5);
    QKSCOPE_EXPECT_ERROR(
        config(odd.array<std::int32_t>("jamba.attention.head_count_kv", GgufBytes::I32, {1, 1, 0, 1, 0})),
        "no regular order");
  }

  // What a file does not say is known by the tensors that are there, or the file is refused.
  void toldByTensors() {
    const auto deepseek = [&](const char* tensor, std::optional<std::uint32_t> gating) {
      GgufBytes file = bare("deepseek2");
      for (const auto& [key, value] : {std::pair{"expert_count", 4},
                                       {"expert_used_count", 2},
                                       {"expert_feed_forward_length", 8},
                                       {"attention.kv_lora_rank", 4},
                                       {"rope.dimension_count", 2},
                                       {"attention.key_length", 4},
                                       {"attention.value_length", 4}})
        file.u32(std::string("deepseek2.") + key, static_cast<std::uint32_t>(value));
      if (gating) file.u32("deepseek2.expert_gating_func", *gating);
      return open(file.tensor(tensor, {4}, f32, floats(4)))->config()["architectures"][0].get<std::string>();
    };
    const char* correction = "blk.1.exp_probs_b.bias";
    QCOMPARE(deepseek("blk.0.attn_norm.weight", {}), "DeepseekV2ForCausalLM");
    QCOMPARE(deepseek(correction, {}), "DeepseekV3ForCausalLM");
    QCOMPARE(deepseek(correction, 1), "DeepseekV2ForCausalLM");
    QCOMPARE(deepseek("blk.0.attn_norm.weight", 2), "DeepseekV3ForCausalLM");
    const auto falcon = [](const char* tensor) {
      GgufBytes file = bare("falcon", "attention.layer_norm_rms_epsilon");
      return file.f32("falcon.attention.layer_norm_epsilon", 0.5F).tensor(tensor, {8}, f32, floats(8));
    };
    QVERIFY(!open(falcon("blk.0.attn_norm.weight"))->config()["alibi"].get<bool>());
    for (const char* tensor : {"blk.0.ffn_norm.weight", "blk.0.attn_qkv.bias"})
      QKSCOPE_EXPECT_ERROR(open(falcon(tensor)), tensor, "Falcon-RW", "ALiBi", "open the checkpoint");
  }

  // The size of the rotated part and of a value are those of a key, or said, or refused.
  void headSizes() {
    const auto with = [&](const char* architecture, const char* key, std::uint32_t value) {
      return small_llama(architecture).u32(std::string(architecture) + "." + key, value);
    };
    for (const char* architecture : {"llama", "qwen2"}) {
      QVERIFY(!open(with(architecture, "rope.dimension_count", 4))->config().contains("rotary_dim"));
      QCOMPARE(open(with(architecture, "attention.value_length", 4))->config()["head_dim"].get<int>(), 4);
      QKSCOPE_EXPECT_ERROR(open(with(architecture, "attention.value_length", 2)), "value_length' of", "is 2",
                           "expected 4");
    }
    QKSCOPE_EXPECT_ERROR(open(with("llama", "rope.dimension_count", 2)), "'llama.rope.dimension_count'",
                         "is 2", "expected 4", "m.gguf");
    QCOMPARE(open(with("qwen2", "rope.dimension_count", 2))->config()["rotary_dim"].get<int>(), 2);
    QCOMPARE(make_spec(*open(with("qwen2", "rope.dimension_count", 2))).rope()->rotary_dim, 2);
    QCOMPARE(make_spec(*open(with("llama", "rope.dimension_count", 4))).rope()->rotary_dim, 4);
    const auto factors =
        with("qwen2", "rope.dimension_count", 2).tensor("rope_freqs.weight", {1}, f32, floats(1, 2));
    QCOMPARE(make_spec(*open(factors)).rope()->freq_factors, std::vector<float>{2});
    for (const std::uint32_t odd : {0u, 3u, 6u})
      QKSCOPE_EXPECT_ERROR(open(with("qwen2", "rope.dimension_count", odd)), "'qwen2.rope.dimension_count'",
                           "expected an even number up to 4");
  }

  void requiredKeys() {
    for (const char* architecture : {"llama", "qwen2"}) {
      for (const std::string key :
           {"block_count", "context_length", "embedding_length", "feed_forward_length",
            "attention.head_count", "attention.layer_norm_rms_epsilon"})
        QKSCOPE_EXPECT_ERROR(open(bare(architecture, key)),
                             "no key '" + std::string(architecture) + "." + key);
    }
  }

  // Whatever ends a text, a turn or a message ends an answer.
  void stops() {
    const auto eos = [&](const GgufBytes& file) { return open(file)->config()["eos_token_id"].dump(); };
    const std::string p = "tokenizer.ggml.";
    QCOMPARE(eos(small_llama()), "null");
    QCOMPARE(eos(small_llama().u32(p + "eos_token_id", 3)), "[3]");
    QCOMPARE(eos(small_llama().u32(p + "eot_token_id", 0)), "[0]");
    QCOMPARE(
        eos(small_llama().u32(p + "eom_token_id", 9).u32(p + "eot_token_id", 3).u32(p + "eos_token_id", 3)),
        "[3,9]");
  }

  void ropeScaling() {
    const auto scaling = [&](GgufBytes file) {
      return open(file)->config().value("rope_scaling", nlohmann::json());
    };
    const std::string p = "llama.rope.scaling.";
    const auto linear = scaling(small_llama().text(p + "type", "linear").f32(p + "factor", 4));
    QCOMPARE(linear.dump(), R"({"factor":4.0,"rope_type":"linear"})");
    QCOMPARE(scaling(small_llama().f32("llama.rope.scale_linear", 2)).dump(),
             R"({"factor":2.0,"rope_type":"linear"})");
    QVERIFY(scaling(small_llama().text(p + "type", "none")).is_null());
    // As llama.cpp does: a factor without a type scales linearly, "none" scales nothing.
    QCOMPARE(scaling(small_llama().f32(p + "factor", 4)).dump(), R"({"factor":4.0,"rope_type":"linear"})");
    QVERIFY(scaling(small_llama().text(p + "type", "none").f32(p + "factor", 4)).is_null());
    QVERIFY(scaling(small_llama().f32(p + "factor", 1)).is_null());
    const auto yarn = scaling(small_llama()
                                  .text(p + "type", "yarn")
                                  .f32(p + "factor", 8)
                                  .u32(p + "original_context_length", 32)
                                  .f32(p + "yarn_beta_fast", 16)
                                  .f32(p + "attn_factor", 0.5));
    QCOMPARE(yarn["original_max_position_embeddings"].get<int>(), 32);
    QCOMPARE(yarn["beta_fast"].get<double>(), 16.0);
    QCOMPARE(yarn["attention_factor"].get<double>(), 0.5 * (0.1 * std::log(8.0) + 1));
  }

  void badConfig() {
    GgufBytes none;
    QKSCOPE_EXPECT_ERROR(open(none), "general.architecture", "m.gguf");
    GgufBytes wrong;
    QKSCOPE_EXPECT_ERROR(open(wrong.u32("general.architecture", 3)), "general.architecture", "uint32",
                         "a string");
    GgufBytes broken;
    QKSCOPE_EXPECT_ERROR(open(broken.text("general.architecture", "\xff")), "UTF-8");
    const GgufBytes mixed = bare("llama", "attention.head_count")
                                .array<std::int32_t>("llama.attention.head_count", GgufBytes::I32, {2, 4});
    QKSCOPE_EXPECT_ERROR(open(mixed), "head_count", "layer to layer");
    QKSCOPE_EXPECT_ERROR(open(small_llama().text("llama.rope.scaling.type", "magic")), "rope.scaling.type",
                         "'magic'", "yarn");
    QKSCOPE_EXPECT_ERROR(open(small_llama().text("llama.rope.scaling.type", "longrope")),
                         "no tensor 'rope_factors_long.weight'");
    QKSCOPE_EXPECT_ERROR(open(small_llama().text("llama.rope.scaling.type", "yarn")), "rope.scaling.factor");
    QKSCOPE_EXPECT_ERROR(open(small_llama()
                                  .text("llama.rope.scaling.type", "yarn")
                                  .f32("llama.rope.scaling.factor", 8)
                                  .f32("llama.rope.scaling.yarn_log_multiplier", 0.1f)),
                         "yarn_log_multiplier");
  }
};

QTEST_GUILESS_MAIN(TestGgufConfig)
#include "test_gguf_config.moc"

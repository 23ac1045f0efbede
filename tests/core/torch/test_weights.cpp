// What a file holds is what is used, whatever its configuration says: heads, biases, and tensors that nobody
// asked for.
#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>

#include "core/checkpoint/checkpoint.h"
#include "core/model/architecture.h"
#include "core/model/checkpoint_notes.h"
#include "core/model/decoder.h"
#include "tests/support/errors.h"
#include "tests/support/file_bytes.h"
#include "tests/support/golden_model.h"
#include "tests/support/tiny_model.h"

using namespace qkscope;
using test::TinyModel;
using Tensors = std::map<std::string, Array>;

namespace {

const c10::InferenceMode inference;

at::Tensor logits(const TinyModel& model) {
  const Decoder decoder = test::read_decoder(Checkpoint::open(model.folder()));
  State state(decoder.spec().num_layers());
  Tap tap;
  return test::prefill(decoder, {5, 17, 40, 8, 61, 33}, state, tap);
}

std::vector<std::string> notes(const TinyModel& model) {
  const auto checkpoint = Checkpoint::open(model.folder());
  const ModelSpec spec = make_spec(*checkpoint);
  return checkpoint_notes(*checkpoint, spec,
                          Weights(checkpoint, spec, at::kMeta, at::kFloat, Progress{}).names());
}

std::string joined(const std::vector<std::string>& sentences) {
  std::string text;
  for (const std::string& sentence : sentences) text += sentence + " ";
  return text;
}

void set_key(const TinyModel& model, const char* key, const nlohmann::json& value) {
  model.change_config([&](nlohmann::json& config) { config[key] = value; });
}

}  // namespace

class TestWeights : public test::TestCase {
  Q_OBJECT
 private Q_SLOTS:
  void storedHeadIsUsed() {
    const TinyModel model("llama-default");  // embedding and head differ
    const at::Tensor expected = logits(model);
    QVERIFY(notes(model).empty());
    set_key(model, "tie_word_embeddings", true);
    QVERIFY(logits(model).equal(expected));
    QVERIFY(test::has_all(joined(notes(model)), {"ties the head", "is used"}));
    model.change_weights([](Tensors& weights) { weights.erase("lm_head.weight"); });
    QVERIFY(!logits(model).equal(expected));  // now it is tied
    QVERIFY(notes(model).empty());
  }

  // What is done otherwise than by transformers is said.
  void answersThatCrossALength() {
    const TinyModel model("../families/phi3-longrope-short");
    QVERIFY2(test::has_all(joined(notes(model)), {"more than 64 tokens", "longrope", "transformers"}),
             joined(notes(model)).c_str());
    model.change_config([](nlohmann::json& config) {
      nlohmann::json& rope =
          config.contains("rope_parameters") ? config["rope_parameters"] : config["rope_scaling"];
      rope["long_factor"] = rope["short_factor"];
    });
    QVERIFY(notes(model).empty());
  }

  void tiedMatrixUnderEitherName() {
    const TinyModel model("llama-head-dim");  // tied, no head stored
    const at::Tensor expected = logits(model);
    QVERIFY(notes(model).empty());
    model.change_weights([](Tensors& weights) {
      weights["lm_head.weight"] = weights.at("model.embed_tokens.weight");
      weights.erase("model.embed_tokens.weight");
    });
    QVERIFY(logits(model).equal(expected));
  }

  // Not tied is the default of every family: without the key, a missing head is a missing head.
  void tiedHeadKeepsItsBias() {
    const TinyModel model("../families/phi");  // whose head has one
    model.change_weights(
        [](Tensors& weights) { weights["lm_head.weight"] = weights.at("model.embed_tokens.weight"); });
    const at::Tensor expected = logits(model);
    set_key(model, "tie_word_embeddings", true);
    model.change_weights([](Tensors& weights) { weights.erase("lm_head.weight"); });
    QVERIFY(at::allclose(logits(model), expected));
    QVERIFY(notes(model).empty());
  }

  void absentKeyIsUntied() {
    const TinyModel model("llama-head-dim");
    model.change_config([](nlohmann::json& config) { config.erase("tie_word_embeddings"); });
    QKSCOPE_EXPECT_ERROR(logits(model), "'lm_head.weight'");
    set_key(model, "tie_word_embeddings", true);
    model.change_weights([](Tensors& weights) { weights.erase("model.embed_tokens.weight"); });
    QKSCOPE_EXPECT_ERROR(logits(model), "'model.embed_tokens.weight'");
  }

  void anyBiasMayBeMissing_data() {
    QTest::addColumn<QString>("part");
    for (const char* part : {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj",
                             "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"})
      QTest::newRow(part) << part;
  }
  void anyBiasMayBeMissing() {
    QFETCH(QString, part);
    const std::string name = "model.layers.1." + part.toStdString() + ".bias";
    const TinyModel zeroed("llama-bias"), removed("llama-bias"), whole("llama-bias");
    zeroed.change_weights([&](Tensors& weights) { std::ranges::fill(weights.at(name).data, 0.0f); });
    removed.change_weights([&](Tensors& weights) { weights.erase(name); });
    QVERIFY(logits(removed).equal(logits(zeroed)));
    QVERIFY(!logits(removed).equal(logits(whole)));
    QVERIFY(test::has_all(joined(notes(removed)), {"asks for biases", "'" + name + "'"}));
    QVERIFY(notes(whole).empty());
  }

  void storedBiasesAreUsedUnasked() {
    const TinyModel model("llama-bias");
    const at::Tensor expected = logits(model);
    for (const char* key : {"attention_bias", "mlp_bias"}) set_key(model, key, false);
    QVERIFY(logits(model).equal(expected));
    QVERIFY(test::has_all(joined(notes(model)),
                          {"does not ask for", "'model.layers.0.self_attn.q_proj.bias'", "more"}));
  }

  // One that Q, K and V share is one bias, not three.
  void sharedBiasIsSaidOnce() {
    const TinyModel model("../families/gpt2-bfloat16");
    model.change_weights([](Tensors& weights) { weights.erase("transformer.h.0.attn.c_attn.bias"); });
    const std::string said = joined(notes(model));
    const auto first = said.find("c_attn.bias");
    QVERIFY2(first != said.npos && said.find("c_attn.bias", first + 1) == said.npos, said.c_str());
  }

  // Nor does a mask that programs once stored hide a bias of nearly the same name.
  void storedMasksAreNotSaid() {
    const TinyModel model("../families/gpt2-bare");
    QVERIFY2(notes(model).empty(), joined(notes(model)).c_str());
    model.change_weights(
        [](Tensors& weights) { weights["h.0.x_attn.bias"] = weights.at("h.0.attn.c_attn.bias"); });
    QVERIFY(test::has_all(joined(notes(model)), {"h.0.x_attn.bias", "does not use"}));
    const TinyModel neox("../families/gpt-neox-bfloat16");
    QVERIFY2(notes(neox).empty(), joined(notes(neox)).c_str());
  }

  void unreadTensorsAreSaid() {
    const TinyModel model("llama-default");
    const at::Tensor expected = logits(model);
    const Array one{{2}, {1, 2}};
    model.change_weights([&](Tensors& weights) {
      weights["model.layers.0.self_attn.rotary_emb.inv_freq"] = one;
      weights["model.layers.0.self_attn.bias"] = one;
    });
    QVERIFY(notes(model).empty());  // known to be of no weight
    model.change_weights([&](Tensors& weights) { weights["lm_head.delta"] = one; });
    QVERIFY(test::has_all(joined(notes(model)), {"a tensor that", "'lm_head.delta'"}));
    model.change_weights([&](Tensors& weights) {
      for (const char* name : {"a", "b", "c", "d"}) weights[std::string("vision.") + name] = one;
    });
    QCOMPARE(joined(notes(model)),
             "The file holds 5 tensors that this architecture does not use: 'lm_head.delta', 'vision.a', "
             "'vision.b' and 2 more. ");
    QVERIFY(logits(model).equal(expected));
    set_key(model, "num_hidden_layers", 1);  // tensors of layers that are not there
    QVERIFY(test::has_all(joined(notes(model)), {"14 tensors", "and 11 more"}));
  }

  // Neither a dtype that cannot be read nor the promise of an index that it does not keep is in the way.
  void unreadableTensorsAreSaid() {
    const TinyModel model("llama-default");
    const std::string file = test::read_file(model.folder() / "model.safetensors");
    std::uint64_t length = 0;
    std::memcpy(&length, file.data(), sizeof length);
    nlohmann::json header = nlohmann::json::parse(file.substr(8, length));
    const std::size_t end = file.size() - 8 - length;
    header["freqs_cis"] = {{"dtype", "C64"}, {"shape", {1}}, {"data_offsets", {end, end + 8}}};
    test::write_file(model.folder() / "model.safetensors",
                     test::safetensors_bytes(header.dump(), file.substr(8 + length) + "12345678"));
    QVERIFY(test::has_all(joined(notes(model)), {"a tensor that", "'freqs_cis'"}));
    header["lm_head.weight"]["dtype"] = "I32";
    test::write_file(model.folder() / "model.safetensors",
                     test::safetensors_bytes(header.dump(), file.substr(8 + length) + "12345678"));
    QKSCOPE_EXPECT_ERROR(logits(model), "'lm_head.weight'", "'I32'", "expected F32");
    set_key(model, "tie_word_embeddings", true);  // no reason to take another matrix for it
    QKSCOPE_EXPECT_ERROR(logits(model), "'lm_head.weight'", "'I32'");
  }

  // A tied head is held once, but where it is packed beside the table.
  void neededMemoryIsHeldMemory_data() {
    QTest::addColumn<QString>("name");
    QTest::addColumn<QString>("dtype");
    QTest::addColumn<QString>("weights");
    for (const char* name : {"llama-default", "llama-head-dim", "llama-bfloat16"}) {
      for (const char* weights : {"auto", "float", "stored"}) {
        for (const char* dtype : {"float32", "bfloat16"})
          QTest::addRow("%s %s %s", name, dtype, weights)
              << QString::fromLatin1(name) << QString::fromLatin1(dtype) << QString::fromLatin1(weights);
      }
    }
  }
  void neededMemoryIsHeldMemory() {
    QFETCH(QString, name);
    QFETCH(QString, dtype);
    QFETCH(QString, weights);
    const TinyModel model(name.toStdString());
    LoadOptions options;
    options.device = "cpu";
    options.dtype = dtype.toStdString();
    options.weights = weights.toStdString();
    const auto loaded = LanguageModel::load(model.folder(), options);
    const ModelCard& card = loaded->card();
    QCOMPARE(card.needed_bytes, loaded->decoder().weights().bytes());
    QCOMPARE(card.blocks_bytes, loaded->decoder().weights().stored_bytes());
    // Numbers of two bytes are blocks worth keeping beside floats, those of four are not.
    const bool short_numbers = name.endsWith(QStringLiteral("bfloat16"));
    const bool can = dtype == QStringLiteral("float32");
    const std::string expected = !can || options.weights == "float" ? "float"
                                 : options.weights == "stored"      ? "stored"
                                 : short_numbers                    ? "both"
                                                                    : "float";
    QCOMPARE(card.weights, expected);
    if (expected == "stored") QVERIFY(card.blocks_bytes > 9 * card.needed_bytes / 10);
    const bool said = std::ranges::any_of(card.notes, [](const std::string& note) {
      return note.find("on a CPU in float32 only") != note.npos;
    });
    QCOMPARE(said, options.weights == "stored" && !can);
  }

  void brokenNumbersAreFoundInBlocks() {
    const TinyModel model("llama-default");
    model.change_weights(
        [](Tensors& weights) { weights.at("model.layers.1.mlp.down_proj.weight").data.back() = NAN; });
    for (const char* weights : {"float", "stored"}) {
      LoadOptions options;
      options.device = "cpu";
      options.weights = weights;
      QKSCOPE_EXPECT_ERROR(LanguageModel::load(model.folder(), options),
                           "'model.layers.1.mlp.down_proj.weight'", "not finite");
    }
  }

  void usedPartialRotationIsNotSaid() {
    const TinyModel model("../families/phi");
    set_key(model, "partial_rotary_factor", 0.5);
    QVERIFY2(notes(model).empty(), joined(notes(model)).c_str());
  }

  void unusedRotationIsSaid() {
    const TinyModel model("llama-default");
    const at::Tensor expected = logits(model);
    set_key(model, "partial_rotary_factor", 1.0);
    QVERIFY(notes(model).empty());
    set_key(model, "partial_rotary_factor", 0.5);
    QVERIFY(logits(model).equal(expected));
    QVERIFY(test::has_all(joined(notes(model)), {"partial_rotary_factor 0.5", "whole heads"}));
  }

  void layersThatAreMissing() {
    const TinyModel model("llama-default");
    set_key(model, "num_hidden_layers", 9999);
    QKSCOPE_EXPECT_ERROR(logits(model), "'model.layers.2.input_layernorm.weight'");
  }
};

QTEST_GUILESS_MAIN(TestWeights)
#include "test_weights.moc"

// A text model that is part of one that also sees or hears: its keys stand in "text_config", its tensors
// behind a prefix, and it is what it would be alone.
#include <QTemporaryDir>
#include <fstream>
#include <nlohmann/json.hpp>

#include "core/model/checkpoint_notes.h"
#include "tests/support/errors.h"
#include "tests/support/file_bytes.h"
#include "tests/support/golden_model.h"

using namespace qkscope;
using nlohmann::json;

namespace {

const c10::InferenceMode inference;

json config_of(const std::filesystem::path& folder) {
  std::ifstream file(folder / "config.json");
  return json::parse(file);
}

/// `config` as part of another, told by its model_type alone.
json as_part(json config) {
  config.erase("architectures");
  return {{"architectures", json::array({"SomethingForConditionalGeneration"})},
          {"model_type", "something"},
          {"vision_config", {{"hidden_size", 7}, {"num_hidden_layers", 1}}},
          {"text_config", std::move(config)}};
}

/// A model.safetensors with other names.
std::string renamed(const std::string& bytes, const std::string& before, const std::string& after) {
  std::uint64_t size = 0;
  std::memcpy(&size, bytes.data(), sizeof(size));
  const json header = json::parse(bytes.substr(sizeof(size), size));
  json changed = json::object();
  for (const auto& [name, entry] : header.items())
    changed[name.starts_with(before) ? after + name.substr(before.size()) : name] = entry;
  return test::safetensors_bytes(changed.dump(), bytes.substr(sizeof(size) + size));
}

class Folder {
 public:
  explicit Folder(const json& config, const std::string& weights = test::safetensors_bytes("{}")) {
    test::write_file(path() / "config.json", config.dump());
    test::write_file(path() / "model.safetensors", weights);
  }
  std::filesystem::path path() const { return folder_.path().toStdString(); }
  std::shared_ptr<const Checkpoint> open() const { return Checkpoint::open(path()); }

 private:
  QTemporaryDir folder_;
};

ModelSpec spec_of(const json& config) {
  return make_spec(*Folder(config).open());
}

}  // namespace

class TestTextPart : public test::TestCase {
  Q_OBJECT
 private Q_SLOTS:
  void isWhatItIsAlone_data() { test::golden_models(); }
  void isWhatItIsAlone() {
    QFETCH(QString, name);
    const json config = config_of(test::golden(name.toStdString().c_str()));
    if (!config.contains("model_type")) QSKIP("this config.json says no model_type");
    const ModelSpec alone = spec_of(config), part = spec_of(as_part(config));
    QCOMPARE(part.architecture, alone.architecture);
    QVERIFY(part == alone);
  }

  /// The names that released files have for it.
  void computesTheSame_data() {
    QTest::addColumn<QString>("prefix");
    for (const char* prefix : {"model.", "model.language_model.", "language_model.model."})
      QTest::newRow(prefix) << prefix;
  }
  void computesTheSame() {
    QFETCH(QString, prefix);
    const std::string golden = "families/qwen3-bias-window";
    const test::GoldenModel alone(golden);
    std::string weights =
        renamed(test::read_file(alone.folder / "model.safetensors"), "model.", prefix.toStdString());
    if (prefix.startsWith(QStringLiteral("language_model")))
      weights = renamed(weights, "lm_head", "language_model.lm_head");
    const Folder folder(as_part(config_of(alone.folder)), weights);
    const Decoder decoder = test::read_decoder(folder.open());
    const at::Tensor found = test::forward(decoder, alone.prompt(), {}).logits;
    QVERIFY(at::equal(found, test::forward(alone.decoder, alone.prompt(), {}).logits));
  }

  /// What the whole model says of its head counts before what its text model says.
  void headIsTiedAsTheWholeSays() {
    json config = as_part(config_of(test::golden("families/qwen3-bias-window")));
    config["text_config"]["tie_word_embeddings"] = false;
    QVERIFY(!spec_of(config).head.tied);
    config["tie_word_embeddings"] = true;
    QVERIFY(spec_of(config).head.tied);
    config["text_config"]["tie_word_embeddings"] = true;
    config["tie_word_embeddings"] = false;
    QVERIFY(!spec_of(config).head.tied);
  }

  void goesByTheNamesItHas() {
    json config = as_part(config_of(test::golden("families/qwen3-bias-window")));
    config["text_config"].erase("model_type");
    config["text_config"]["architectures"] = json::array({"Qwen3ForCausalLM"});
    QCOMPARE(spec_of(config).architecture, "Qwen3ForCausalLM");
    config["architectures"] = json::array({"MistralForCausalLM"});  // the whole is one that is known
    QCOMPARE(spec_of(config).architecture, "MistralForCausalLM");
  }

  void unknownTextModelsAreRefusedByName() {
    json config = as_part(config_of(test::golden("families/qwen3-bias-window")));
    config["text_config"]["model_type"] = "something_text";
    QKSCOPE_EXPECT_ERROR(spec_of(config), "\"SomethingForConditionalGeneration\"", "not supported");
    config["text_config"] = nullptr;  // none: its own keys are all there are
    QKSCOPE_EXPECT_ERROR(spec_of(config), "\"SomethingForConditionalGeneration\"", "not supported");
  }
};

QTEST_GUILESS_MAIN(TestTextPart)
#include "test_text_part.moc"

// pytorch_model.bin in a Hugging Face folder, and checkpoints that somebody has quantized.
#include "core/base/budget.h"
#include "core/checkpoint/checkpoint.h"
#include "core/io/torch_archive.h"
#include "core/run/runner.h"
#include "tests/support/errors.h"
#include "tests/support/file_bytes.h"
#include "tests/support/runs.h"
#include "tests/support/tiny_model.h"

using namespace qkscope;
using namespace qkscope::test;
namespace fs = std::filesystem;

namespace {

std::vector<float> numbers_of(const TensorEntry& entry) {
  std::vector<float> numbers(static_cast<std::size_t>(entry.numel()));
  read_float32(entry, numbers);
  return numbers;
}

std::string bits_of(const std::vector<float>& numbers) {
  return raw_bytes(numbers);
}

using Arrays = std::map<std::string, Array>;

// The state dict of these arrays; matrices whose name has "proj" in it lie column by column.
std::string archive_of(const Arrays& arrays) {
  std::string body = "}(";
  std::vector<std::pair<std::string, std::string>> files;
  for (const auto& [name, array] : arrays) {
    const std::vector<std::int32_t> shape(array.shape.begin(), array.shape.end());
    std::vector<float> data = array.data;
    std::vector<std::int32_t> strides = {1};
    if (shape.size() == 2) strides = {shape[1], 1};
    if (shape.size() == 2 && name.find("proj") != name.npos) {
      const auto rows = static_cast<std::size_t>(shape[0]), columns = static_cast<std::size_t>(shape[1]);
      strides = {1, shape[0]};
      for (std::size_t i = 0; i < data.size(); ++i) data[i % columns * rows + i / columns] = array.data[i];
    }
    const std::string key = std::to_string(files.size());
    body += pickle_text(name) +
            pickle_tensor("FloatStorage", key, static_cast<std::int32_t>(data.size()), 0, shape, strides);
    files.emplace_back("m/data/" + key, raw_bytes(data));
  }
  files.emplace_back("m/data.pkl", pickle(body + "u"));
  return zip_bytes(files);
}

}  // namespace

class TestPytorchCheckpoint : public TestCase {
  Q_OBJECT

  fs::path folder() const { return folder_->path().toStdString(); }
  void put(const char* name, std::string_view bytes) const { write_file(folder() / name, bytes); }

 private Q_SLOTS:
  void init() {
    folder_ = std::make_unique<QTemporaryDir>();
    put("config.json", R"({"architectures": ["x"]})");
  }

  /// What torch.save wrote, every number against what safetensors wrote of the same tensors.
  void equalsSafetensors() {
    for (const char* name : {"pytorch_model.bin", "expected.safetensors"})
      fs::copy(golden("torch_state") / name, folder());
    const auto checkpoint = Checkpoint::open(folder());
    const auto expected = Checkpoint::open(folder() / "expected.safetensors");
    QCOMPARE(checkpoint->format(), "PyTorch");
    QCOMPARE(expected->format(), "safetensors");
    QCOMPARE(checkpoint->tensors().size(), expected->tensors().size());
    for (const TensorEntry& entry : expected->tensors()) {
      const TensorEntry& mine = checkpoint->require(entry.name, entry.shape);
      QCOMPARE(mine.type, entry.type);
      QVERIFY2(bits_of(numbers_of(mine)) == bits_of(numbers_of(entry)), entry.name.c_str());
    }
    QVERIFY(checkpoint->find("transposed")->strides == (std::vector<std::int64_t>{1, 5}));
    QVERIFY(checkpoint->find("one_row")->strides.empty());  // one row lies in a row, whatever its stride
    const TensorEntry* tied[] = {checkpoint->find("lm_head.weight"),
                                 checkpoint->find("model.embed_tokens.weight")};
    QCOMPARE(tied[0]->bytes.data(), tied[1]->bytes.data());
    // Integers are buffers; the model does not need them.
    QVERIFY(checkpoint->unreadable().contains("mask") && checkpoint->unreadable().contains("position_ids"));
    std::uint64_t bytes = 0;
    for (const TensorEntry& entry : checkpoint->tensors()) bytes += entry.bytes.size();
    QCOMPARE(checkpoint->total_bytes(), bytes - 7 * 4 * 4);  // the tied numbers once
    checkpoint->release(*tied[0]);
    QVERIFY(bits_of(numbers_of(*tied[0])) == bits_of(numbers_of(*expected->find("lm_head.weight"))));
  }

  void stridedTensorsStop() {
    const std::vector<float> stored = {0, 1, 2, 3, 4, 5};
    const TensorEntry entry{"w", {3, 2}, ElementType::F32, std::as_bytes(std::span(stored)), 0, {1, 3}};
    QCOMPARE(numbers_of(entry), (std::vector<float>{0, 3, 1, 4, 2, 5}));
    std::vector<float> out(6);
    std::stop_source source;
    source.request_stop();
    QVERIFY_EXCEPTION_THROWN(read_float32(entry, out, source.get_token()), Cancelled);
    TensorEntry too_far = entry;
    too_far.strides = {1, 4};
    QKSCOPE_EXPECT_ERROR(read_float32(too_far, out), "tensor w", "(3, 2)");
    TensorEntry permuted = entry;
    permuted.permuted_heads = 1;
    QKSCOPE_EXPECT_ERROR(read_float32(permuted, out), "tensor w");
  }

  /// A whole model, in one file and in shards.
  void answersAsSafetensors() {
    const TinyModel model;
    const RunRequest request = request_of(golden_prompt("llama-default"));
    const auto answer = [&] { return Runner(model.load()).compare(request); };
    const Comparison expected = answer();
    const Arrays weights = read_safetensors(model.folder() / "model.safetensors").arrays;
    const auto write = [&](const char* name, std::string_view bytes) {
      write_file(model.folder() / name, bytes);
    };
    write("pytorch_model.bin", "not read while there are safetensors");
    QVERIFY(same_numbers(answer(), expected));
    fs::remove(model.folder() / "model.safetensors");
    write("pytorch_model.bin", archive_of(weights));
    QCOMPARE(Checkpoint::open(model.folder())->format(), "PyTorch");
    QVERIFY(same_numbers(answer(), expected));
    QVERIFY(same_numbers(
        Runner(LanguageModel::load(model.folder() / "pytorch_model.bin", options())).compare(request),
        expected));
    fs::remove(model.folder() / "pytorch_model.bin");
    Arrays parts[2];
    nlohmann::json map;
    for (const auto& [name, array] : weights) {
      const bool second = name.find("layers.1") != name.npos;
      parts[second].emplace(name, array);
      map[name] = second ? "b.bin" : "a.bin";
    }
    write("pytorch_model.bin.index.json", nlohmann::json{{"weight_map", map}}.dump());
    write("a.bin", archive_of(parts[0]));
    QKSCOPE_EXPECT_ERROR(answer(), "b.bin", "pytorch_model.bin.index.json", "missing");
    write("b.bin", archive_of(parts[1]));
    QVERIFY(same_numbers(answer(), expected));
  }

  void otherFormatsAreNamed() {
    const auto opening = [&](std::string_view bytes) {
      put("pytorch_model.bin", bytes);
      return error_of([&] { Checkpoint::open(folder()); });
    };
    const auto expect = [](const std::string& text, const std::vector<std::string>& words) {
      QVERIFY2(has_all(text, words), text.c_str());
    };
    expect(opening(read_file(golden("torch_state") / "legacy.bin")),
           {"pytorch_model.bin", "before 1.6", "save it again"});
    std::string tar(512, '\0');
    tar.replace(257, 5, "ustar");
    expect(opening(tar), {"pytorch_model.bin", "tar archive"});
    expect(opening("version https://git-lfs.github.com/spec/v1\noid sha256:0\n"),
           {"Git LFS", "git lfs pull"});
    expect(opening(zip_bytes({{"m/data.pkl", pickle(pickle_global("os", "system") + ")R")}})),
           {"pytorch_model.bin", "'os.system'", "never run"});
    expect(opening(""), {"pytorch_model.bin", "truncated"});
  }

  void quantizedConfigsAreNamed_data() {
    QTest::addColumn<QByteArray>("keys");
    QTest::addColumn<QByteArray>("name");
    const auto row = [](const char* name, const char* keys) {
      QTest::newRow(keys) << QByteArray(keys) << QByteArray(name);
    };
    row("AWQ", R"("quantization_config": {"quant_method": "awq"})");
    row("GPTQ", R"("quantization_config": {"quant_method": "gptq", "bits": 4})");
    row("bitsandbytes", R"("quantization_config": {"quant_method": "bitsandbytes"})");
    row("bitsandbytes", R"("quantization_config": {"load_in_8bit": true})");
    row("FP8", R"("quantization_config": {"quant_method": "fp8"})");
    row("compressed-tensors", R"("quantization_config": {"quant_method": "compressed-tensors"})");
    row("an unnamed method", R"("compression_config": {})");
    row("'new'", R"("quantization_config": {"quant_method": "new"})");
    row("'7'", R"("quantization_config": {"quant_method": 7})");
  }
  void quantizedConfigsAreNamed() {
    QFETCH(QByteArray, keys);
    QFETCH(QByteArray, name);
    put("config.json", "{" + keys.toStdString() + "}");
    QKSCOPE_EXPECT_ERROR(Checkpoint::open(folder()), "config.json", "quantized with " + name.toStdString(),
                         "original weights", "GGUF");
  }

  void quantizedTensorsAreNamed_data() {
    QTest::addColumn<QByteArray>("tensor");
    QTest::addColumn<QByteArray>("name");
    const auto row = [](const char* tensor, const char* name) {
      QTest::newRow(tensor) << QByteArray(tensor) << QByteArray(name);
    };
    row("m.q_proj.qweight", "GPTQ or AWQ");
    row("m.q_proj.qzeros", "GPTQ or AWQ");
    row("m.q_proj.g_idx", "GPTQ");
    row("m.q_proj.weight_packed", "compressed-tensors");
    row("m.q_proj.weight_scale_inv", "FP8");
    row("m.q_proj.weight.absmax", "bitsandbytes");
    row("m.q_proj.SCB", "bitsandbytes");
  }
  void quantizedTensorsAreNamed() {
    QFETCH(QByteArray, tensor);
    QFETCH(QByteArray, name);
    for (const std::string dtype : {"I32", "F32"}) {
      put("model.safetensors", safetensors_bytes("{\"" + tensor.toStdString() + "\": {\"dtype\": \"" + dtype +
                                                     "\", \"shape\": [1], \"data_offsets\": [0, 4]}}",
                                                 std::string(4, '\0')));
      QKSCOPE_EXPECT_ERROR(Checkpoint::open(folder()), "'" + tensor.toStdString() + "'",
                           "quantized with " + name.toStdString(), "GGUF");
    }
  }

 private:
  static LoadOptions options() {
    LoadOptions options;
    options.device = test::device();
    options.threads = 1;
    return options;
  }

  std::unique_ptr<QTemporaryDir> folder_;
};

QTEST_GUILESS_MAIN(TestPytorchCheckpoint)
#include "test_pytorch_checkpoint.moc"

// MXFP4 as Hugging Face checkpoints hold it: two tensors of bytes, which are read as one of numbers.
#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>
#include <QTemporaryDir>

#include <cmath>

#include "core/checkpoint/checkpoint.h"
#include "core/io/safetensors.h"
#include "core/model/architecture.h"
#include "core/model/checkpoint_notes.h"
#include "core/model/decoder.h"
#include "tests/support/errors.h"
#include "tests/support/file_bytes.h"
#include "tests/support/golden_model.h"

using namespace qkscope;

namespace {

const c10::InferenceMode inference;

struct RawTensor {
  std::string dtype;
  std::vector<std::int64_t> shape;
  std::string bytes;
};
using File = std::map<std::string, RawTensor>;

void write_checkpoint(const std::filesystem::path& folder, const nlohmann::json& config, const File& file) {
  nlohmann::json header = nlohmann::json::object();
  std::string data;
  for (const auto& [name, tensor] : file) {
    header[name] = {{"dtype", tensor.dtype},
                    {"shape", tensor.shape},
                    {"data_offsets", {data.size(), data.size() + tensor.bytes.size()}}};
    data += tensor.bytes;
  }
  test::write_file(folder / "config.json", config.dump());
  test::write_file(folder / "model.safetensors", test::safetensors_bytes(header.dump(), data));
}

/// `count` bytes that no two blocks share.
std::string some_bytes(std::int64_t count, unsigned seed) {
  std::string bytes;
  for (std::int64_t i = 0; i < count; ++i) {
    seed = seed * 1664525u + 1013904223u;
    bytes += static_cast<char>(seed >> 24);
  }
  return bytes;
}

/// Powers of two around `middle`.
std::string some_scales(std::int64_t count, unsigned seed, int middle) {
  std::string bytes = some_bytes(count, seed);
  for (char& c : bytes) c = static_cast<char>(middle + (static_cast<unsigned char>(c) % 4) - 2);
  return bytes;
}

/// Number i of what the two tensors hold (Open Compute Project, Microscaling Formats 1.0): sign, two bits of
/// exponent with bias 1, one of fraction; the even numbers in the lower halves of the bytes.
float number(const std::string& blocks, const std::string& scales, std::size_t i) {
  const int byte = static_cast<unsigned char>(blocks[i / 2]), nibble = i % 2 ? byte >> 4 : byte & 15;
  const int exponent = nibble >> 1 & 3, fraction = nibble & 1;
  const double magnitude =
      exponent == 0 ? fraction * 0.5 : (1 + fraction * 0.5) * std::ldexp(1.0, exponent - 1);
  const double scale = std::ldexp(1.0, static_cast<unsigned char>(scales[i / 32]) - 127);
  return static_cast<float>((nibble & 8 ? -magnitude : magnitude) * scale);
}

std::vector<float> read(const TensorEntry& entry) {
  std::vector<float> numbers(static_cast<std::size_t>(entry.numel()));
  read_float32(entry, numbers);
  return numbers;
}

at::Tensor logits(const std::filesystem::path& folder) {
  const auto checkpoint = Checkpoint::open(folder);
  const ModelSpec spec = make_spec(*checkpoint);
  const Weights weights(checkpoint, spec, at::kCPU, at::kFloat, Progress{});
  const auto notes = checkpoint_notes(*checkpoint, spec, weights.names());
  if (!notes.empty()) throw Error(notes.front());
  const Decoder decoder(spec, weights);
  State state(spec.num_layers());
  Tap tap;
  return test::prefill(decoder, {5, 17, 40, 8, 61, 33}, state, tap);
}

}  // namespace

class TestMxfp4 : public test::TestCase {
  Q_OBJECT

  std::filesystem::path folder() const { return folder_->path().toStdString(); }
  const std::string blocks_ = some_bytes(2 * 3 * 2 * 16, 1), scales_ = some_bytes(2 * 3 * 2, 2);
  const nlohmann::json config_ = {{"model_type", "llama"}};

 private Q_SLOTS:
  void init() { folder_ = std::make_unique<QTemporaryDir>(); }

  void twoTensorsAreOne() {
    std::string scales = scales_;
    scales[0] = 0;  // the smallest numbers there are
    write_checkpoint(folder(), config_,
                     {{"w_blocks", {"U8", {2, 3, 2, 16}, blocks_}}, {"w_scales", {"U8", {2, 3, 2}, scales}}});
    const auto checkpoint = Checkpoint::open(folder());
    QCOMPARE(checkpoint->tensors().size(), 1u);
    QCOMPARE(checkpoint->total_bytes(), blocks_.size() + scales.size());
    QVERIFY(!checkpoint->stores("w_scales"));
    const TensorEntry& entry = checkpoint->require("w_blocks", std::vector<std::int64_t>{2, 3, 64});
    const std::vector<float> numbers = read(entry);
    for (std::size_t i = 0; i < numbers.size(); ++i) QCOMPARE(numbers[i], number(blocks_, scales, i));
  }

  void partsOfIt() {
    write_checkpoint(
        folder(), config_,
        {{"w_blocks", {"U8", {2, 3, 2, 16}, blocks_}}, {"w_scales", {"U8", {2, 3, 2}, scales_}}});
    const auto checkpoint = Checkpoint::open(folder());
    const TensorEntry second = slab_of(*checkpoint->find("w_blocks"), 1);
    const auto expect_rows = [&](const TensorEntry& part, const std::vector<std::size_t>& rows) {
      const std::vector<float> numbers = read(part);
      QCOMPARE(numbers.size(), rows.size() * 64);
      for (std::size_t i = 0; i < numbers.size(); ++i)
        QCOMPARE(numbers[i], number(blocks_, scales_, (3 + rows[i / 64]) * 64 + i % 64));
    };
    expect_rows(second, {0, 1, 2});
    expect_rows(rows_of(second, 1, 2), {1, 2});
    expect_rows(rows_of(second, 0, 2, 2), {0, 2});
    expect_rows(rows_of(rows_of(second, 0, 2, 2), 1, 1), {2});
    QKSCOPE_EXPECT_ERROR(transposed_of(second), "w_blocks", "MXFP4");
  }

  void bytesThatAreSomethingElse_data() {
    QTest::addColumn<QString>("other");
    QTest::addColumn<QList<int>>("blocks");
    QTest::addColumn<QList<int>>("scales");
    QTest::newRow("no scales") << "w_offsets" << QList<int>{2, 3, 16} << QList<int>{2, 3};
    QTest::newRow("not so many scales") << "w_scales" << QList<int>{2, 3, 16} << QList<int>{3, 2};
    QTest::newRow("other blocks") << "w_scales" << QList<int>{2, 3, 8} << QList<int>{2, 3};
    QTest::newRow("no axis of blocks") << "w_scales" << QList<int>{16} << QList<int>{};
  }
  void bytesThatAreSomethingElse() {
    QFETCH(QString, other);
    QFETCH(QList<int>, blocks);
    QFETCH(QList<int>, scales);
    const auto tensor = [](const QList<int>& sizes) {
      std::int64_t count = 1;
      for (const int size : sizes) count *= size;
      return RawTensor{"U8", {sizes.begin(), sizes.end()}, some_bytes(count, 3)};
    };
    write_checkpoint(folder(), config_,
                     {{"w_blocks", tensor(blocks)}, {other.toStdString(), tensor(scales)}});
    const auto checkpoint = Checkpoint::open(folder());
    QVERIFY(checkpoint->tensors().empty());
    QKSCOPE_EXPECT_ERROR(checkpoint->require("w_blocks", std::vector<std::int64_t>{2, 96}), "w_blocks", "U8");
  }

  void packedExpertsEqualTheSameNumbersPlain() {
    const auto source = test::golden("families") / "gpt-oss";
    nlohmann::json config = nlohmann::json::parse(test::read_file(source / "config.json"));
    File plain, packed;
    for (const auto& [name, array] : read_safetensors(source / "model.safetensors").arrays) {
      plain[name] = packed[name] = {"F32", array.shape, test::raw_bytes(array.data)};
      if (!name.ends_with("gate_up_proj")) continue;
      const std::int64_t experts = array.shape[0], in = array.shape[1], out = array.shape[2];
      const std::int64_t count = experts * in * out;
      const std::string blocks = some_bytes(count / 2, 4), scales = some_scales(count / 32, 5, 125);
      std::vector<float> numbers;  // (experts, in, out)
      for (std::int64_t e = 0; e < experts; ++e) {
        for (std::int64_t i = 0; i < in; ++i) {
          for (std::int64_t o = 0; o < out; ++o)
            numbers.push_back(number(blocks, scales, static_cast<std::size_t>((e * out + o) * in + i)));
        }
      }
      plain[name].bytes = test::raw_bytes(numbers);
      packed.erase(name);
      packed[name + "_blocks"] = {"U8", {experts, out, in / 32, 16}, blocks};
      packed[name + "_scales"] = {"U8", {experts, out, in / 32}, scales};
    }
    QVERIFY(packed.size() > plain.size());
    write_checkpoint(folder(), config, plain);
    const at::Tensor expected = logits(folder());
    config["quantization_config"] = {{"quant_method", "mxfp4"}};
    write_checkpoint(folder(), config, packed);
    QVERIFY(at::equal(logits(folder()), expected));
  }

 private:
  std::unique_ptr<QTemporaryDir> folder_;
};

QTEST_GUILESS_MAIN(TestMxfp4)
#include "test_mxfp4.moc"

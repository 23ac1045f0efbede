// Products straight from a file's blocks equal those with the numbers that the blocks stand for, whatever the
// format, the instructions, the sizes and the number of threads.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include <random>

#include "core/io/dequantize.h"
#include "core/model/products/product.h"
#include "tests/support/golden_model.h"

using namespace qkscope;

namespace {

const c10::InferenceMode inference;

/// Random blocks of one type: bytes as they come, but for numbers that are not finite or very large.
class RandomMatrix {
 public:
  RandomMatrix(ElementType type, std::int64_t rows, std::int64_t columns, unsigned seed)
      : entry{"w", {rows, columns}, type, {}, 0} {
    const BlockLayout block = block_layout(type);
    std::mt19937 random(seed);
    std::vector<float> numbers(static_cast<std::size_t>(block.elements));
    const auto fill = [&](std::byte* bytes) {
      do {
        for (std::int64_t i = 0; i < block.bytes; ++i) bytes[i] = static_cast<std::byte>(random());
        dequantize(type, bytes, block.elements, numbers.data());
      } while (!std::ranges::all_of(numbers, [](float x) { return std::abs(x) < 1e6f; }));
    };
    bytes_.resize(static_cast<std::size_t>(rows * columns / block.elements * block.bytes));
    for (std::size_t at = 0; at < bytes_.size(); at += static_cast<std::size_t>(block.bytes))
      fill(&bytes_[at]);
    entry.bytes = bytes_;
  }
  at::Tensor floats() const { return floats_of(entry); }
  static at::Tensor floats_of(const TensorEntry& entry) {
    at::Tensor numbers = at::empty(entry.shape, at::kFloat);
    read_float32(entry, {numbers.data_ptr<float>(), static_cast<std::size_t>(numbers.numel())});
    return numbers;
  }

  TensorEntry entry;

 private:
  std::vector<std::byte> bytes_;
};

std::shared_ptr<const StoredMatrix> stored(const std::vector<TensorEntry>& parts) {
  return StoredMatrix::of(parts, nullptr);
}

at::Tensor inputs(std::int64_t rows, std::int64_t columns) {
  std::mt19937 random(7);
  std::normal_distribution<float> normal;
  at::Tensor x = at::empty({rows, columns}, at::kFloat);
  for (std::int64_t i = 0; i < x.numel(); ++i) x.data_ptr<float>()[i] = normal(random);
  return x;
}

/// Largest difference from x W^T + b in double, relative to the sum of the magnitudes that are added up.
double error(const at::Tensor& found, const at::Tensor& weight, const at::Tensor& x, const at::Tensor& bias) {
  const at::Tensor w = weight.to(at::kDouble), in = x.to(at::kDouble);
  at::Tensor expected = in.matmul(w.t()), size = in.abs().matmul(w.abs().t());
  if (bias.defined()) expected = expected + bias.to(at::kDouble);
  if (bias.defined()) size = size + bias.abs().to(at::kDouble);
  return ((found.to(at::kDouble) - expected).abs() / (size + 1e-30)).max().item<double>();
}

}  // namespace

class TestProducts : public test::TestCase {
  Q_OBJECT
 private Q_SLOTS:
  void equalsFloats_data() {
    QTest::addColumn<int>("type");
    QTest::addColumn<int>("set");
    for (const ElementType type : element_types()) {
      if (type == ElementType::F64 || (type >= ElementType::I64 && type <= ElementType::U8)) continue;
      for (const Instructions set : instructions_at_hand())
        QTest::addRow("%s %s", std::string(element_type_name(type)).c_str(), instructions_name(set))
            << static_cast<int>(type) << static_cast<int>(set);
    }
  }
  void equalsFloats() {
    QFETCH(int, type);
    QFETCH(int, set);
    const auto element = static_cast<ElementType>(type);
    const std::int64_t block = block_layout(element).elements;
    // One block, an odd number of blocks; plain numbers that are no multiple of the 32 that are read at once.
    const std::vector<std::int64_t> widths =
        block == 1 ? std::vector<std::int64_t>{77, 65, 31, 1} : std::vector<std::int64_t>{block, 3 * block};
    for (const std::int64_t columns : widths) {
      for (const std::int64_t rows : {1, 37}) {
        const RandomMatrix matrix(element, rows, columns, static_cast<unsigned>(type));
        const auto kept = stored({matrix.entry});
        QVERIFY(kept);
        QCOMPARE(kept->bytes(), matrix.entry.bytes.size());
        const at::Tensor floats = matrix.floats();
        for (const std::int64_t count : {1, 2, 3, 7, 8, 9, 20}) {
          const at::Tensor x = inputs(count, columns);
          for (const at::Tensor& bias : {at::Tensor(), inputs(1, rows).view({rows})}) {
            const double e = error(product(*kept, x, bias, static_cast<Instructions>(set)), floats, x, bias);
            QVERIFY2(e < 1e-6,
                     qPrintable(
                         QStringLiteral("%1 x %2, %3 inputs: %4").arg(rows).arg(columns).arg(count).arg(e)));
          }
        }
        QVERIFY(all_finite(*kept));
      }
    }
  }

  // Nor does it matter who stands beside a row.
  void threadsAndNeighboursChangeNoBit() {
    const int threads = at::get_num_threads();
    const RandomMatrix matrix(ElementType::Q4_K, 1001, 512, 3);
    const auto kept = stored({matrix.entry});
    for (const std::int64_t count : {1, 5, 40}) {
      const at::Tensor x = inputs(count, 512);
      at::set_num_threads(1);
      const at::Tensor alone = product(*kept, x, {});
      for (const int number : {2, 3, 5}) {
        at::set_num_threads(number);
        QVERIFY(product(*kept, x, {}).equal(alone));
      }
      at::set_num_threads(threads);
      if (count > few_rows) continue;
      for (std::int64_t i = 0; i < count; ++i)
        QVERIFY(product(*kept, x.narrow(0, i, 1), {}).equal(alone.narrow(0, i, 1)));
    }
  }

  // Parts of several tensors, of several types, every second row, permuted heads.
  void partsOfTensors() {
    const RandomMatrix q(ElementType::Q4_0, 24, 256, 1), k(ElementType::Q6_K, 7, 256, 2),
        v(ElementType::F16, 10, 256, 3), odd(ElementType::IQ4_XS, 9, 256, 4);
    TensorEntry permuted = q.entry;
    permuted.permuted_heads = 3;
    const std::vector<TensorEntry> parts = {permuted, k.entry, rows_of(v.entry, 1, 5, 2),
                                            rows_of(odd.entry, 2, 4)};
    const auto kept = stored(parts);
    QVERIFY(kept);
    std::vector<at::Tensor> floats;
    for (const TensorEntry& part : parts) floats.push_back(RandomMatrix::floats_of(part));
    const at::Tensor weight = at::cat(floats);
    QCOMPARE(kept->rows(), weight.size(0));
    for (const std::int64_t count : {1, 30}) {
      const at::Tensor x = inputs(count, 256);
      QVERIFY(error(product(*kept, x, {}), weight, x, {}) < 1e-6);
    }
    std::vector<float> row(256);
    for (std::int64_t r = 0; r < kept->rows(); ++r) {
      kept->read_row(r, row.data());
      QVERIFY(at::from_blob(row.data(), {256}, at::kFloat).equal(weight[r]));
    }
  }

  void otherLayoutsAreLeft() {
    const RandomMatrix plain(ElementType::F32, 8, 6, 1), blocks(ElementType::Q8_0, 8, 64, 2);
    QVERIFY(stored({plain.entry}) && stored({blocks.entry}));
    QVERIFY(!stored({transposed_of(plain.entry)}));
    QVERIFY(!stored({plain.entry, blocks.entry}));  // of other widths
    TensorEntry vector = plain.entry;
    vector.shape = {48};
    QVERIFY(!stored({vector}));
  }

  void notFiniteIsFound() {
    for (const ElementType type : {ElementType::Q4_1, ElementType::Q2_K, ElementType::F32}) {
      const std::int64_t columns = 256;
      RandomMatrix matrix(type, 50, columns, 5);
      std::vector<std::byte> bytes(matrix.entry.bytes.begin(), matrix.entry.bytes.end());
      const auto size =
          static_cast<std::size_t>(columns / block_layout(type).elements * block_layout(type).bytes);
      // The last two bytes of the last row but one, or the scale at the start of a block.
      const std::size_t at = 48 * size + (type == ElementType::Q4_1 ? 0 : size - 4);
      for (std::size_t i = 0; i < 4; ++i) bytes[at + i] = static_cast<std::byte>(i % 2 == 0 ? 0x00 : 0x7c);
      if (type == ElementType::F32) bytes[at + 3] = bytes[at + 2] = static_cast<std::byte>(0xff);
      matrix.entry.bytes = bytes;
      QVERIFY(!at::isfinite(matrix.floats()).all().item<bool>());
      QVERIFY(!all_finite(*stored({matrix.entry})));
    }
    // Sums that overflow say nothing of the numbers.
    const std::vector<float> large(64, 3e38f);
    const TensorEntry entry{"w", {1, 64}, ElementType::F32, std::as_bytes(std::span(large)), 0};
    QVERIFY(all_finite(*stored({entry})));
  }

  // Prefill, captures, and a step after it, of every model that a GGUF file holds: in blocks, in floats with
  // the blocks beside, and in floats. The smallest columns of the goldens are less than a block: those stay
  // plain numbers, which are kept as well.
  void modelsAgree_data() {
    QTest::addColumn<QString>("name");
    for (const auto& entry : std::filesystem::directory_iterator(test::golden("gguf"))) {
      if (entry.path().extension() == ".gguf")
        QTest::newRow(entry.path().stem().c_str()) << QString::fromStdString(entry.path().string());
    }
    for (const auto& entry : std::filesystem::directory_iterator(test::golden("families")))
      QTest::newRow(entry.path().filename().c_str()) << QString::fromStdString(entry.path().string());
  }
  void modelsAgree() {
    QFETCH(QString, name);
    const auto checkpoint = Checkpoint::open(name.toStdString());
    const auto known = architectures();
    const std::string family = checkpoint->config().at("architectures").at(0);
    if (std::ranges::find(known, family) == known.end()) QSKIP("is no architecture of this program");
    struct Found {
      test::GoldenPass pass;
      at::Tensor step;
      TokenIds answer;
    };
    const auto run = [&](Keep keep) {
      const Decoder decoder = test::read_decoder(checkpoint, at::kCPU, at::kFloat, keep);
      Found found{test::forward(decoder, {5, 17, 40, 8, 61, 33, 2, 9, 71, 30}, test::everything()), {}, {}};
      Tap tap;
      at::Tensor logits = found.pass.logits.slice(0, -1);
      for (int i = 0; i < 4; ++i) {
        found.answer.push_back(static_cast<int>(logits.argmax().item<std::int64_t>()));
        logits = decoder.step(found.answer.back(), found.pass.state, tap);
        if (i == 0) found.step = logits;
      }
      return std::pair(found, decoder.weights().stored_bytes());
    };
    const auto [floats, none] = run(Keep::Floats);
    QCOMPARE(none, 0u);
    for (const Keep keep : {Keep::Blocks, Keep::Both}) {
      const auto [found, bytes] = run(keep);
      if (keep == Keep::Blocks) QVERIFY(bytes > 0);
      QVERIFY(test::relative_error(found.pass.logits, floats.pass.logits) < 1e-5);
      QVERIFY(test::relative_error(found.step, floats.step) < 1e-5);
      QCOMPARE(found.answer, floats.answer);
      QCOMPARE(found.pass.capture.values.size(), floats.pass.capture.values.size());
      for (const auto& [id, array] : floats.pass.capture.values) {
        const double e =
            test::relative_error(found.pass.value(id.layer, id.site), to_tensor(*array, at::kCPU));
        QVERIFY2(e < 1e-4, qPrintable(QStringLiteral("layer %1: %2").arg(id.layer).arg(e)));
      }
    }
  }
};

QTEST_GUILESS_MAIN(TestProducts)
#include "test_products.moc"

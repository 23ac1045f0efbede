#include <QTemporaryDir>
#include <bit>
#include <cmath>
#include <cstring>

#include "core/base/budget.h"
#include "core/checkpoint/checkpoint.h"
#include "core/io/dequantize.h"
#include "core/io/mapped_file.h"
#include "core/io/safetensors.h"
#include "tests/support/errors.h"
#include "tests/support/test_case.h"

using namespace qkscope;

class TestDequantize : public test::TestCase {
  Q_OBJECT

  const SafetensorsTensor& golden(const std::string& name) const {
    for (const auto& entry : golden_.tensors) {
      if (entry.name == name) return entry;
    }
    throw Error("no " + name + " in the golden; run tests/goldens/make_dequantize.py");
  }
  // The payload of a NaN is nobody's business.
  static std::uint64_t bits(float value) {
    return std::isnan(value) ? 0x7fc00000 : std::bit_cast<std::uint32_t>(value);
  }
  static std::vector<float> expand(ElementType type, std::span<const std::byte> blocks) {
    const BlockLayout layout = block_layout(type);
    std::vector<float> numbers(blocks.size() / static_cast<std::size_t>(layout.bytes) *
                               static_cast<std::size_t>(layout.elements));
    dequantize(type, blocks.data(), static_cast<std::int64_t>(numbers.size()), numbers.data());
    return numbers;
  }
  // As in make_dequantize.py.
  static std::vector<std::byte> mixed_bytes(std::size_t count) {
    std::vector<std::byte> bytes(count);
    for (std::size_t i = 0; i < count; ++i) {
      std::uint64_t z = (i + 1) * 0x9E3779B97F4A7C15;
      z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
      z = (z ^ z >> 27) * 0x94D049BB133111EB;
      bytes[i] = static_cast<std::byte>((z ^ z >> 31) >> 56);
    }
    return bytes;
  }

 private Q_SLOTS:
  // Every block type; the plain ones have their own test.
  void equalsGguf_data() {
    QTest::addColumn<int>("type");
    for (const auto type : element_types()) {
      if (block_layout(type).elements > 1)
        QTest::newRow(element_type_name(type).data()) << static_cast<int>(type);
    }
  }
  void equalsGguf() {
    QFETCH(int, type);
    const auto element_type = static_cast<ElementType>(type);
    const BlockLayout layout = block_layout(element_type);
    const std::string name(element_type_name(element_type));
    QCOMPARE(element_type_of(name), element_type);
    const auto& blocks = golden(name + ".blocks");
    const auto& values = golden(name + ".values");
    QCOMPARE(blocks.shape[1], layout.bytes);
    QCOMPARE(values.shape[0], blocks.shape[0] * layout.elements);
    const auto mine = expand(element_type, blocks.bytes);
    for (std::size_t i = 0; i < mine.size(); ++i) {
      float expected;
      std::memcpy(&expected, values.bytes.data() + i * 4, 4);
      QVERIFY2(bits(mine[i]) == bits(expected),
               qPrintable(QStringLiteral("number %1 is %2, expected %3").arg(i).arg(mine[i]).arg(expected)));
    }
    // Many more blocks, so that every row of every codebook is used.
    std::uint64_t sum = 0, expected = 0, index = 0;
    for (const float value : expand(element_type, mixed_bytes(2048 * static_cast<std::size_t>(layout.bytes))))
      sum += bits(value) * ++index;
    std::memcpy(&expected, golden(name + ".checksum").bytes.data(), 8);
    QCOMPARE(sum, expected);
  }

  // Every one of the 65,536 halves, against the definition of the format.
  void everyHalf() {
    for (int bits = 0; bits < 65536; ++bits) {
      const int exponent = bits >> 10 & 31, fraction = bits & 1023;
      double expected =
          exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
      if (exponent == 31) expected = fraction == 0 ? HUGE_VAL : NAN;
      if (bits & 0x8000) expected = -expected;
      const float mine = half_to_float(static_cast<std::uint16_t>(bits));
      if (std::isnan(expected)) {
        QVERIFY(std::isnan(mine));
      } else {
        QCOMPARE(std::bit_cast<std::uint32_t>(mine),
                 std::bit_cast<std::uint32_t>(static_cast<float>(expected)));
      }
    }
  }

  void plainTypes() {
    const auto numbers = [](ElementType type, const auto& stored) {
      return expand(type, std::as_bytes(std::span(stored)));
    };
    QCOMPARE(numbers(ElementType::BF16, std::vector<std::uint16_t>{0x3f80, 0xc049, 0x0001, 0x7f80, 0x8000}),
             (std::vector<float>{1.0f, -3.140625f, 0x1p-133f, HUGE_VALF, -0.0f}));
    QCOMPARE(numbers(ElementType::F64, std::vector<double>{0.1, -1e300, 1.0 + 0x1p-25}),
             (std::vector<float>{0.1f, -HUGE_VALF, 1.0f}));
    QCOMPARE(numbers(ElementType::F32, std::vector<float>{-0.5f, 3e38f}), (std::vector<float>{-0.5f, 3e38f}));
    QCOMPARE(numbers(ElementType::F16, std::vector<std::uint16_t>{0xc500, 1}),
             (std::vector<float>{-5, 0x1p-24f}));
    QCOMPARE(numbers(ElementType::I64, std::vector<std::int64_t>{-3, (std::int64_t{1} << 40) + 1}),
             (std::vector<float>{-3, 0x1p40f}));
    QCOMPARE(numbers(ElementType::I32, std::vector<std::int32_t>{-70000, 7}),
             (std::vector<float>{-70000, 7}));
    QCOMPARE(numbers(ElementType::I16, std::vector<std::int16_t>{-300, 7}), (std::vector<float>{-300, 7}));
    QCOMPARE(numbers(ElementType::I8, std::vector<std::int8_t>{-3, 127}), (std::vector<float>{-3, 127}));
    QCOMPARE(numbers(ElementType::U8, std::vector<std::uint8_t>{200, 0}), (std::vector<float>{200, 0}));
  }

  // Heads of four rows, stored as 0, 2, 1, 3 of the matrix: file row 2 i + half is matrix row half * 2 + i.
  void rowsArePutBack() {
    const std::vector<float> stored = {0, 0, 2, 2, 1, 1, 3, 3, 10, 10, 12, 12, 11, 11, 13, 13};
    TensorEntry entry{"q", {8, 2}, ElementType::F32, std::as_bytes(std::span(stored)), 2};
    std::vector<float> out(16);
    read_float32(entry, out);
    QCOMPARE(out, (std::vector<float>{0, 0, 1, 1, 2, 2, 3, 3, 10, 10, 11, 11, 12, 12, 13, 13}));
    entry.permuted_heads = 0;
    read_float32(entry, out);
    QCOMPARE(out, stored);
  }

  /// Parts of whole rows, one after the other, are the tensor, however it is stored.
  void chunksAreTheWhole() {
    std::vector<float> stored(24 * 6);
    std::iota(stored.begin(), stored.end(), 0.0f);
    const std::vector<std::byte> blocks(10 * 64 / 32 * 34, std::byte{7});  // Q8_0
    const auto bytes = std::as_bytes(std::span(stored));
    TensorEntry apart{"every second column", {24, 3}, ElementType::F32, bytes.first(bytes.size() - 4), 0};
    apart.strides = {6, 2};
    const std::vector<TensorEntry> entries = {
        {"plain", {24, 6}, ElementType::F32, bytes, 0},
        {"heads", {24, 6}, ElementType::F32, bytes, 3},
        {"one row", {24 * 6}, ElementType::F32, bytes, 0},
        {"blocks", {10, 64}, ElementType::Q8_0, blocks, 0},
        apart,
    };
    for (const TensorEntry& entry : entries) {
      std::vector<float> whole(static_cast<std::size_t>(entry.numel()));
      read_float32(entry, whole);
      for (const std::int64_t numbers : {1, 13, 64, 100000}) {
        const std::vector<TensorEntry> chunks = row_chunks(entry, numbers);
        std::vector<float> together;
        for (const TensorEntry& chunk : chunks) {
          std::vector<float> part(static_cast<std::size_t>(chunk.numel()));
          read_float32(chunk, part);
          together.insert(together.end(), part.begin(), part.end());
        }
        QVERIFY2(together == whole, entry.name.c_str());
        if (entry.shape.size() > 1 && numbers < 10)
          QVERIFY2(std::ssize(chunks) >= entry.shape[0], entry.name.c_str());
      }
    }
  }

  void stops() {
    const std::vector<float> stored(4);
    std::vector<float> out(4);
    std::stop_source source;
    source.request_stop();
    for (const int heads : {0, 1}) {
      const TensorEntry entry{"w", {4, 1}, ElementType::F32, std::as_bytes(std::span(stored)), heads};
      QVERIFY_EXCEPTION_THROWN(read_float32(entry, out, source.get_token()), Cancelled);
    }
  }

  void wrongRoomIsRefused() {
    const std::vector<float> stored(4);
    std::vector<float> out(3);
    const TensorEntry entry{"w", {4}, ElementType::F32, std::as_bytes(std::span(stored)), 0};
    QKSCOPE_EXPECT_ERROR(read_float32(entry, out), "3 numbers", "w", "(4)");
  }

 private:
  const MappedFile file_{test::golden("dequantize.safetensors")};
  Budget budget_{"the golden"};
  const SafetensorsDirectory golden_ = parse_safetensors(file_.bytes(), "the golden", budget_);
};

QTEST_GUILESS_MAIN(TestDequantize)
#include "test_dequantize.moc"

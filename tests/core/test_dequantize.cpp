#include <QTemporaryDir>
#include <bit>
#include <cmath>
#include <cstring>

#include "core/budget.h"
#include "core/model/checkpoint.h"
#include "core/model/dequantize.h"
#include "core/model/mapped_file.h"
#include "core/model/safetensors.h"
#include "tests/support/errors.h"
#include "tests/support/test_case.h"

using namespace qkscope;

class TestDequantize : public test::TestCase {
  Q_OBJECT
 private Q_SLOTS:
  void equalsGguf_data() {
    QTest::addColumn<int>("type");
    for (const auto type : {ElementType::Q4_0, ElementType::Q4_1, ElementType::Q5_0, ElementType::Q5_1,
                            ElementType::Q8_0, ElementType::Q4_K, ElementType::Q5_K, ElementType::Q6_K}) {
      QTest::newRow(element_type_name(type).data()) << static_cast<int>(type);
    }
  }
  void equalsGguf() {
    QFETCH(int, type);
    const auto element_type = static_cast<ElementType>(type);
    const std::string name(element_type_name(element_type));
    const MappedFile file(test::golden("dequantize.safetensors"));
    Budget budget("the golden");
    const SafetensorsDirectory golden = parse_safetensors(file.bytes(), "the golden", budget);
    const auto tensor = [&](const std::string& wanted) -> const SafetensorsTensor& {
      for (const auto& entry : golden.tensors) {
        if (entry.name == wanted) return entry;
      }
      throw Error("no " + wanted + " in the golden; run tests/goldens/make_dequantize.py");
    };
    const auto& blocks = tensor(name + ".blocks");
    const auto& values = tensor(name + ".values");
    QCOMPARE(blocks.shape[1], block_layout(element_type).bytes);
    QCOMPARE(values.shape[0], blocks.shape[0] * block_layout(element_type).elements);
    std::vector<float> mine(static_cast<std::size_t>(values.shape[0]));
    dequantize(element_type, blocks.bytes.data(), values.shape[0], mine.data());
    for (std::size_t i = 0; i < mine.size(); ++i) {
      std::uint32_t expected;
      std::memcpy(&expected, values.bytes.data() + i * 4, 4);
      QVERIFY2(std::bit_cast<std::uint32_t>(mine[i]) == expected,
               qPrintable(QStringLiteral("number %1 is %2, expected %3")
                              .arg(i)
                              .arg(mine[i])
                              .arg(std::bit_cast<float>(expected))));
    }
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
    const std::vector<std::uint16_t> bfloats = {0x3f80, 0xc049, 0x0001, 0x7f80, 0x8000};
    std::vector<float> out(bfloats.size());
    dequantize(ElementType::BF16, reinterpret_cast<const std::byte*>(bfloats.data()), 5, out.data());
    QCOMPARE(out, (std::vector<float>{1.0f, -3.140625f, 0x1p-133f, HUGE_VALF, -0.0f}));
    const std::vector<double> doubles = {0.1, -1e300, 1.0 + 0x1p-25};
    out.resize(3);
    dequantize(ElementType::F64, reinterpret_cast<const std::byte*>(doubles.data()), 3, out.data());
    QCOMPARE(out, (std::vector<float>{0.1f, -HUGE_VALF, 1.0f}));
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
};

QTEST_GUILESS_MAIN(TestDequantize)
#include "test_dequantize.moc"

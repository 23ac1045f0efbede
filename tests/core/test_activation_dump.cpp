// Files of activations: which tensor is what, how they belong together, and what RoPE adds to them.
#include <cmath>

#include "core/analysis/activation_dump.h"
#include "core/base/error.h"
#include "core/io/safetensors_writer.h"
#include "tests/support/activation_dumps.h"
#include "tests/support/errors.h"
#include "tests/support/npy_bytes.h"

using namespace qkscope;
using namespace qkscope::test;

class TestActivationDump : public TestCase {
  Q_OBJECT
 private:
  std::filesystem::path path(const std::string& name) const {
    return folder_.filePath(QString::fromStdString(name)).toStdString();
  }
  /// An .npy file of (positions, heads, dims), each number its place times `scale`.
  std::filesystem::path npy(const std::string& name, const std::vector<std::int64_t>& shape,
                            float scale = 1) const {
    std::int64_t count = 1;
    for (const auto size : shape) count *= size;
    std::vector<float> numbers;
    for (std::int64_t i = 0; i < count; ++i) numbers.push_back(scale * static_cast<float>(i));
    write_file(path(name), npy_bytes("<f4", shape, raw_bytes(numbers)));
    return path(name);
  }
  static ActivationDump read(std::vector<std::filesystem::path> files, std::optional<double> theta = {},
                             std::optional<DumpLayout> layout = {}) {
    return read_activation_dump({std::move(files), layout, theta});
  }

 private Q_SLOTS:
  void filesByTheirNames() {
    const auto dump =
        read({npy("model_q_layer10.npy", {11, 4, 16}), npy("model_k_layer10.npy", {11, 2, 16}, 2),
              npy("model_v_layer10.npy", {11, 2, 16}, 3)});
    QCOMPARE(dump.layers, std::vector<std::string>{"layer10"});
    QCOMPARE(dump.spec.num_layers(), 1);
    QCOMPARE(dump.spec.num_heads(), 4);
    QCOMPARE(dump.spec.num_kv_heads(), 2);
    QCOMPARE(dump.spec.head_dim(), 16);
    QVERIFY(!dump.spec.rope());
    QVERIFY(dump.guess.certain);
    QCOMPARE(dump.capture.positions, 11);
    QCOMPARE(dump.capture.values.size(), 3u);
    QCOMPARE(dump.capture.value(0, Site::Key)->data[5], 10.0f);
    QCOMPARE(dump.capture.value(0, Site::Value)->data[5], 15.0f);
    for (const auto& [where, values] : dump.capture.values)
      QCOMPARE(*dump.capture.norm(where.layer, where.site), norms_over_positions(values));
  }

  void tensorsByTheirNames_data() {
    QTest::addColumn<QString>("name");
    QTest::addColumn<int>("site");
    QTest::addColumn<QString>("layer");
    const auto row = [](const char* name, Site site, const char* layer) {
      QTest::newRow(name) << name << static_cast<int>(site) << QString::fromLatin1(layer);
    };
    row("Q", Site::Query, "");
    row("query_states", Site::Query, "");
    row("layers.3.query", Site::Query, "layers.3");
    row("layers.3.key_pre", Site::KeyPreRope, "layers.3");
    row("model.layers.12.self_attn.q_proj", Site::Query, "layers.12");
    row("transformer.h.7.attn.v", Site::Value, "h.7");
    row("past_key_values.k", Site::Key, "");
    row("unrotated_q", Site::QueryPreRope, "");
    row("Layer-2/values", Site::Value, "Layer-2");
  }
  void tensorsByTheirNames() {
    QFETCH(QString, name);
    QFETCH(int, site);
    QFETCH(QString, layer);
    SafetensorsWriter writer;  // keeps no copy
    const Array values{{2, 1, 2}, {1, 2, 3, 4}}, norm{{1, 2}, {1, 2}}, scores{{2, 2}, {1, 2, 3, 4}};
    writer.add(name.toStdString(), values);
    writer.add(name.toStdString() + ".norm", norm);
    writer.add("attn_scores", scores);
    writer.write(path("t.safetensors"));
    const auto dump = read({path("t.safetensors")});
    QCOMPARE(dump.capture.values.size(), 1u);
    QCOMPARE(static_cast<int>(dump.capture.values.begin()->first.site), site);
    QCOMPARE(QString::fromStdString(dump.layers.front()), layer);
  }

  void layersInOrder() {
    SafetensorsWriter writer;
    const Array tenth{{1, 1, 2}, {10, 0}}, second{{1, 1, 2}, {2, 0}};
    writer.add("layers.10.query", tenth);
    writer.add("layers.2.query", second);
    writer.write(path("t.safetensors"));
    const auto dump = read({path("t.safetensors")});
    QCOMPARE(dump.layers, (std::vector<std::string>{"layers.2", "layers.10"}));
    QCOMPARE(dump.capture.value(0, Site::Query)->data[0], 2.0f);
    QCOMPARE(dump.capture.value(1, Site::Query)->data[0], 10.0f);
  }

  /// One tensor without a telling name is taken for Q, and that is said.
  void withoutAName() {
    const auto dump = read({npy("activations.npy", {11, 4, 16})});
    QVERIFY(dump.capture.value(0, Site::Query));
    QVERIFY(has_all(dump.notes.front(), {"'activations'", "neither q, k nor v"}));
  }

  /// What RoPE does is undone with the theta that is given: as the numbers were before, and of the same M.
  void rotation() {
    const auto file = npy("q.npy", {7, 2, 8});
    QVERIFY(!read({file}).capture.value(0, Site::QueryPreRope));
    const auto dump = read({file}, 10000);
    const Array &after = *dump.capture.value(0, Site::Query),
                &before = *dump.capture.value(0, Site::QueryPreRope);
    const FrequencyAxis axis(dump.spec, 7);
    QVERIFY(std::abs(axis.at(1)->wavelength - 2 * M_PI * std::pow(10000, 0.25)) < 1e-6);
    // Dims 1 and 5 of position 3, head 1: turned by 3 inv_freq of pair 1.
    const std::size_t row = (3 * 2 + 1) * 8;
    const double angle = 3 * axis.at(1)->inv_freq, x = before.data[row + 1], y = before.data[row + 5];
    QVERIFY(std::abs(after.data[row + 1] - (x * std::cos(angle) - y * std::sin(angle))) < 1e-3);
    QVERIFY(std::abs(after.data[row + 5] - (x * std::sin(angle) + y * std::cos(angle))) < 1e-3);
  }

  void refusals() {
    const auto q = npy("q.npy", {11, 4, 16}), k = npy("k.npy", {12, 2, 16}),
               second = npy("also_q.npy", {11, 4, 16}), odd = npy("key.npy", {11, 3, 16}),
               narrow = npy("v.npy", {11, 4, 8});
    QKSCOPE_EXPECT_ERROR(read({}), "no file");
    QKSCOPE_EXPECT_ERROR(read({q, k}), "q.npy", "(11, 4, 16)", "(12, 2, 16)", "same positions");
    QKSCOPE_EXPECT_ERROR(read({q, second}), "'also_q'", "second query");
    QKSCOPE_EXPECT_ERROR(read({q, odd}), "q.npy", "(11, 3, 16)");
    QKSCOPE_EXPECT_ERROR(read({q, narrow}), "(11, 4, 8)");
    const DumpLayout bshd{AxisOrder::PositionsHeads, 0};
    QKSCOPE_EXPECT_ERROR(read({q, k}, {}, bshd), "12 positions", "expected 11");
    QKSCOPE_EXPECT_ERROR(read({q, odd}, {}, bshd), "4 heads of Q", "3 of K");
    QKSCOPE_EXPECT_ERROR(read({q, narrow}, {}, bshd), "16", "8", "dims");
    QKSCOPE_EXPECT_ERROR(read({q}, {}, DumpLayout{AxisOrder::Flat, 16}), "'q'", "flat:16");
    write_file(path("two.npz"), npz_bytes({{"a.npy", npy_bytes("<f4", {1, 1, 1}, raw_bytes<float>({1}))},
                                           {"b.npy", npy_bytes("<f4", {1, 1, 1}, raw_bytes<float>({1}))}}));
    QKSCOPE_EXPECT_ERROR(read({path("two.npz")}), "two.npz", "'a', 'b'", "q, k and v");
    QKSCOPE_EXPECT_ERROR(read({path("none.npy")}), "none.npy");
  }

  /// The three files of real activations, together.
  void llama2() {
    QKSCOPE_REQUIRE_DATA(llama2_dump_path("q"));
    const auto dump = read({llama2_dump_path("q"), llama2_dump_path("k"), llama2_dump_path("v")}, 10000);
    QCOMPARE(dump.layers, std::vector<std::string>{"layer10"});
    QVERIFY(dump.guess.certain);
    QCOMPARE(dump.capture.positions, 66);
    QCOMPARE(dump.spec.num_heads(), 32);
    const FrequencyAxis axis(dump.spec, 66);
    QCOMPARE(count_massive(dump.capture.norms, Site::Query, 5, axis).massive, 48);
    QCOMPARE(count_massive(dump.capture.norms, Site::Key, 5, axis).massive, 46);
    QCOMPARE(count_massive(dump.capture.norms, Site::Value, 5, axis).massive, 0);
  }

 private:
  QTemporaryDir folder_;
};

QTEST_GUILESS_MAIN(TestActivationDump)
#include "test_activation_dump.moc"

#include <cmath>
#include <numbers>

#include "core/model/rope.h"
#include "core/model/spec.h"
#include "tests/support/activation_dumps.h"
#include "tests/support/errors.h"

using namespace qkscope;
using namespace qkscope::test;

namespace {

RopeSpec spec_of(const nlohmann::json& parameters, int head_dim) {
  RopeSpec spec;
  spec.rotary_dim = head_dim;
  spec.type = parameters.value("rope_type", spec.type);
  spec.theta = parameters.value("rope_theta", spec.theta);
  spec.factor = parameters.value("factor", spec.factor);
  spec.original_max_position_embeddings = parameters.value("original_max_position_embeddings", 0);
  spec.low_freq_factor = parameters.value("low_freq_factor", spec.low_freq_factor);
  spec.high_freq_factor = parameters.value("high_freq_factor", spec.high_freq_factor);
  spec.beta_fast = parameters.value("beta_fast", spec.beta_fast);
  spec.beta_slow = parameters.value("beta_slow", spec.beta_slow);
  spec.truncate = parameters.value("truncate", spec.truncate);
  const auto optional = [&](const char* key, std::optional<double>& value) {
    if (parameters.contains(key)) value = parameters.at(key).get<double>();
  };
  optional("attention_factor", spec.attention_factor);
  optional("mscale", spec.mscale);
  optional("mscale_all_dim", spec.mscale_all_dim);
  return spec;
}

RopeSpec plain(int rotary_dim = 64) {
  RopeSpec spec;
  spec.rotary_dim = rotary_dim;
  return spec;
}

RopeSpec typed(const char* type) {
  RopeSpec spec = plain();
  spec.type = type;
  return spec;
}

}  // namespace

class TestRope : public test::TestCase {
  Q_OBJECT
 private Q_SLOTS:
  void equalsTransformers_data() {
    QTest::addColumn<int>("index");
    const auto cases = read_json(golden("rope.json"));
    for (int i = 0; i < static_cast<int>(cases.size()); ++i) {
      QTest::newRow(cases[static_cast<std::size_t>(i)].at("name").get<std::string>().c_str()) << i;
    }
  }
  void equalsTransformers() {
    QFETCH(int, index);
    const auto expected = read_json(golden("rope.json")).at(static_cast<std::size_t>(index));
    const auto spec = spec_of(expected.at("rope_parameters"), expected.at("head_dim").get<int>());
    const auto found = rope_frequencies(spec, expected.at("max_position_embeddings").get<int>(),
                                        expected.at("sequence_length").get<int>());
    const auto& inv_freq = expected.at("inv_freq");
    QCOMPARE(found.inv_freq.size(), inv_freq.size());
    for (std::size_t i = 0; i < inv_freq.size(); ++i) {
      const double relative = std::abs(found.inv_freq[i] / inv_freq[i].get<double>() - 1);
      QVERIFY2(relative < 1e-6, qPrintable(QStringLiteral("pair %1: %2").arg(i).arg(relative)));
    }
    QVERIFY(std::abs(found.attention_factor - expected.at("attention_factor").get<double>()) < 1e-12);
  }

  void frequencyFactorsDivide() {
    RopeSpec spec = plain(8);
    const auto before = rope_frequencies(spec, 2048, 1).inv_freq;
    spec.freq_factors = {1, 1, 2, 8};
    const auto after = rope_frequencies(spec, 2048, 1).inv_freq;
    for (std::size_t i = 0; i < 4; ++i) {
      QCOMPARE(after[i], before[i] / static_cast<double>(spec.freq_factors[i]));
    }
    spec.freq_factors = {1, 1};
    QKSCOPE_EXPECT_ERROR(rope_frequencies(spec, 2048, 1), "frequency factors", "2", "4");
    spec.freq_factors = {1, 1, 0, 1};
    QKSCOPE_EXPECT_ERROR(rope_frequencies(spec, 2048, 1), "frequency factor", "0");
  }

  void trainedLengthDefaultsToTheMaximum() {
    RopeSpec spec = typed("yarn");
    spec.factor = 4;
    const auto without = rope_frequencies(spec, 2048, 1).inv_freq;
    spec.original_max_position_embeddings = 2048;
    QCOMPARE(without, rope_frequencies(spec, 9999, 1).inv_freq);
  }

  void refusals() {
    QKSCOPE_EXPECT_ERROR(rope_frequencies(typed("ntk"), 2048, 1), "rope_type", "'ntk'", "yarn");
    QKSCOPE_EXPECT_ERROR(rope_frequencies(typed("longrope"), 2048, 1), "long_factor", "32");
    RopeSpec spec = plain(63);
    QKSCOPE_EXPECT_ERROR(rope_frequencies(spec, 2048, 1), "rotary_dim", "63");
    spec = plain(0);
    QKSCOPE_EXPECT_ERROR(rope_frequencies(spec, 2048, 1), "rotary_dim", "0");
    spec = plain();
    spec.theta = 0;
    QKSCOPE_EXPECT_ERROR(rope_frequencies(spec, 2048, 1), "rope_theta", "0");
    spec = typed("linear");
    spec.factor = 0;
    QKSCOPE_EXPECT_ERROR(rope_frequencies(spec, 2048, 1), "factor", "0");
    spec = typed("llama3");
    spec.high_freq_factor = spec.low_freq_factor / 2;
    QKSCOPE_EXPECT_ERROR(rope_frequencies(spec, 2048, 1), "high_freq_factor", "low_freq_factor");
    QKSCOPE_EXPECT_ERROR(rope_frequencies(typed("llama3"), 0, 1), "original_max_position_embeddings");
    QKSCOPE_EXPECT_ERROR(rope_frequencies(typed("dynamic"), 0, 1), "max_position_embeddings");
  }

  // Llama 4's: nothing lies between the pairs that stay and those that are slowed down.
  void llama3WithNothingToBlend() {
    RopeSpec spec = plain();
    const std::vector<double> before = rope_frequencies(spec, 2048, 1).inv_freq;
    spec.type = "llama3";
    spec.factor = 16;
    spec.low_freq_factor = spec.high_freq_factor = 1;
    spec.original_max_position_embeddings = 8192;
    const std::vector<double> after = rope_frequencies(spec, 2048, 1).inv_freq;
    for (std::size_t i = 0; i < before.size(); ++i) {
      const bool turns = 2 * std::numbers::pi / before[i] < 8192;
      QCOMPARE(after[i], turns ? before[i] : before[i] / 16);
    }
    QVERIFY(after.front() == before.front() && after.back() < before.back());
  }

  void description() {
    RopeSpec spec = plain();
    spec.theta = 100000;
    QCOMPARE(describe(spec), std::string("default, theta 100000"));
    spec.type = "llama3";
    spec.theta = 500000;
    spec.factor = 8;
    QCOMPARE(describe(spec), std::string("llama3, theta 500000, factor 8"));
  }

  void descriptionOfAModel() {
    ModelSpec spec;
    const auto add_layer = [&](const MixerSpec& mixer) { spec.layers.emplace_back().mixer = mixer; };
    const auto add = [&](const std::optional<RopeSpec>& rope) {
      AttentionSpec attention;
      attention.rope = rope;
      add_layer(attention);
    };
    add({});
    QCOMPARE(describe_rotation(spec), std::string("none"));
    spec.embedding.positions = 8;
    QCOMPARE(describe_rotation(spec), std::string("none (learned positions)"));
    std::get<AttentionSpec>(spec.layers[0].mixer).alibi.emplace();
    QCOMPARE(describe_rotation(spec), std::string("none (ALiBi)"));
    spec = {};
    add(plain());
    add_layer(MambaSpec{});
    add(plain());
    QCOMPARE(describe_rotation(spec), describe(plain()));
    add({});
    QCOMPARE(describe_rotation(spec), describe(plain()) + " in 2 layers; none in 1 layer");
  }

  /// On real activations of Llama-2-7b: the massive values are there before RoPE too, and what RoPE cannot
  /// change is the energy of each rotary pair.
  void undoneOnRealActivations_data() {
    QTest::addColumn<QString>("letter");
    QTest::addColumn<int>("massive");
    QTest::newRow("Q") << "q" << 49;
    QTest::newRow("K") << "k" << 46;
  }
  void undoneOnRealActivations() {
    QFETCH(QString, letter);
    QFETCH(int, massive);
    QKSCOPE_REQUIRE_DATA(llama2_dump_path(letter.toStdString()));
    const Array rotated = llama2_dump(letter.toStdString());
    const Array m = norms_over_positions(rotated);
    Capture capture;
    capture.norms[{9, Site::QueryPreRope}] = norms_over_positions(before_rope(rotated, llama2_axis()));
    const Array& before = *capture.norms.begin()->second;
    for (std::int64_t h = 0; h < 32; ++h) {
      for (std::int64_t j = 0; j < 64; ++j) {
        const auto energy = [&](const Array& norms) {
          return std::pow(static_cast<double>(norms.at(h, j)), 2) +
                 std::pow(static_cast<double>(norms.at(h, j + 64)), 2);
        };
        QVERIFY(std::abs(energy(before) / energy(m) - 1) < 1e-6);
      }
    }
    const auto count = count_massive(capture.norms, Site::QueryPreRope, 5, llama2_axis());
    QCOMPARE(count.massive, massive);
    QCOMPARE(count.low_frequency_half, massive);
    QVERIFY(before.data != m.data);
    const auto top = [](const Array& norms) {
      Pick pick;
      pick.kind = PickKind::Largest;
      return select(norms, pick);
    };
    QCOMPARE(top(before), top(m));  // the strongest dim of each head stays
  }
};

QTEST_GUILESS_MAIN(TestRope)
#include "test_rope.moc"

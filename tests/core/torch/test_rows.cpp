// The kernels over rows of float32, for each set of instructions this processor has, against ATen in double;
// and what works in parts because its rows are many, against all of them at once.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include "core/base/error.h"
#include "core/model/blocks/attend.h"
#include "core/model/blocks/bands.h"
#include "core/model/blocks/mlp.h"
#include "core/model/rows/rows.h"
#include "core/run/baseline_runner.h"
#include "tests/support/test_case.h"

using namespace qkscope;

namespace {

const c10::InferenceMode inference;

at::Tensor random(at::IntArrayRef sizes, std::uint64_t seed = 7) {
  return at::randn(sizes, at::make_generator<at::CPUGeneratorImpl>(seed), at::kFloat);
}

double error_of(const at::Tensor& found, const at::Tensor& expected) {
  if (found.sizes() != expected.sizes()) return 1e9;
  const double error = (found.to(at::kDouble) - expected).abs().max().item<double>();
  return error / std::max(1.0, expected.abs().max().item<double>());
}

constexpr double rounding = 2e-6;

void kernel_rows() {
  QTest::addColumn<Instructions>("kernels");
  for (const Instructions set : instructions_at_hand()) QTest::newRow(instructions_name(set)) << set;
}

using Seen = std::vector<rows::Seen>;

at::Tensor softmax_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, double scale,
                             const Seen& seen) {
  const std::int64_t groups = q.size(0) / k.size(0);
  const at::Tensor keys = k.to(at::kDouble).repeat_interleave(groups, 0);
  at::Tensor scores = at::matmul(q.to(at::kDouble), keys.transpose(1, 2)) * scale;
  for (std::int64_t i = 0; i < q.size(1); ++i) {
    const auto [first, last] = seen.at(static_cast<std::size_t>(i));
    scores.select(1, i).slice(1, 0, first).fill_(-std::numeric_limits<double>::infinity());
    scores.select(1, i).slice(1, last).fill_(-std::numeric_limits<double>::infinity());
  }
  return at::matmul(at::softmax(scores, -1), v.to(at::kDouble).repeat_interleave(groups, 0));
}

/// Wants what makes attention hold all scores, and gives it back as another tensor of the same numbers, which
/// it has to go on with; counts the pulses and where they stand.
class WatchingTap : public Tap {
 public:
  explicit WatchingTap(bool watches) : watches_(watches) {}
  bool wants(SiteId) const override { return watches_; }
  at::Tensor operator()(SiteId, at::Tensor x) override { return watches_ ? x.clone() : x; }
  void pulse(int layer, double part) override {
    layers.push_back(layer);
    parts.push_back(part);
  }
  std::vector<int> layers;
  std::vector<double> parts;

 private:
  bool watches_;
};

AttentionSpec attention_of(const std::string& kind) {
  AttentionSpec spec;
  spec.num_heads = 8;
  spec.num_kv_heads = 4;
  spec.head_dim = spec.value_dim = 256;
  spec.scale = 1.0 / 16;
  if (kind == "window") spec.window = 100;
  if (kind == "chunk") spec.chunk = 300;
  if (kind == "softcap") spec.softcap = 2;
  if (kind == "softcap in a window") spec.softcap = 2, spec.window = 100;
  if (kind == "sinks") spec.sinks = true;
  if (kind == "alibi") spec.alibi = AlibiSpec{{0.5, 0.25, 0.1, 0.05, 0.02, 0.01, 0.005, 0.001}};
  return spec;
}

}  // namespace

class TestRows : public test::TestCase {
  Q_OBJECT
 private Q_SLOTS:
  void norms_data() { kernel_rows(); }
  void norms() {
    QFETCH(Instructions, kernels);
    for (const std::int64_t size : {1, 7, 15, 16, 17, 31, 33, 48, 100, 576}) {
      const at::Tensor wide = random({5, 2 * size + 3}), weight = random({size}, 8);
      const at::Tensor x = wide.narrow(1, 1, size);  // rows apart
      const at::Tensor exact = x.to(at::kDouble);
      const at::Tensor normed = exact * ((exact * exact).mean(-1, true) + 0.25).rsqrt();
      QVERIFY(error_of(rows::rms_norm(x, {}, 0.25, kernels), normed) < rounding);
      QVERIFY(error_of(rows::rms_norm(x, weight, 0.25, kernels), normed * weight) < rounding);
      const at::Tensor heads = x.unsqueeze(1).expand({5, 3, size});
      QVERIFY(error_of(rows::rms_norm(heads, {}, 0.25, kernels), normed.unsqueeze(1).expand({5, 3, size})) <
              rounding);
    }
  }

  void gates_data() { kernel_rows(); }
  void gates() {
    QFETCH(Instructions, kernels);
    for (const std::int64_t size : {1, 5, 16, 19, 64, 1536}) {
      const at::Tensor x = random({3, 2 * size}) * 8;
      const auto parts = x.to(at::kDouble).chunk(2, 1);
      QVERIFY(error_of(rows::gated(rows::Gate::Silu, x, kernels), at::silu(parts[0]) * parts[1]) < rounding);
      QVERIFY(error_of(rows::gated(rows::Gate::GeluTanh, x, kernels), at::gelu(parts[0], "tanh") * parts[1]) <
              rounding);
    }
  }

  /// Where an exponential leaves the range of float32, and where there is no number.
  void gatesAtTheEdges_data() { kernel_rows(); }
  void gatesAtTheEdges() {
    QFETCH(Instructions, kernels);
    constexpr float infinity = std::numeric_limits<float>::infinity(), nan = std::nanf("");
    const at::Tensor x = at::tensor({0.0F, -0.0F, 1e-30F, 20.0F, -20.0F, 87.0F, -87.0F, 89.0F, -89.0F, 103.5F,
                                     -103.5F, 150.0F, -150.0F, 3e38F, infinity, nan, 1.0F, nan});
    const at::Tensor found =
        rows::gated(rows::Gate::Silu, at::cat({x, at::ones_like(x)}).unsqueeze(0), kernels)[0];
    const at::Tensor expected = at::silu(x.to(at::kDouble));
    for (std::int64_t i = 0; i < x.numel(); ++i) {
      const auto number = found[i].item<float>();
      const auto exact = expected[i].item<double>();
      const bool same = std::isnan(exact)   ? std::isnan(number)
                        : std::isinf(exact) ? number == static_cast<float>(exact)
                                            : std::abs(number - exact) <= 1e-6 * std::abs(exact) + 1e-36;
      QVERIFY2(same, (std::to_string(x[i].item<float>()) + ": " + std::to_string(number)).c_str());
    }
  }

  void rotations_data() { kernel_rows(); }
  void rotations() {
    QFETCH(Instructions, kernels);
    for (const bool interleaved : {false, true}) {
      for (const int half : {1, 4, 13, 16, 21, 32}) {
        for (const int start : {0, 5}) {
          RopeSpec spec;
          spec.rotary_dim = 2 * half;
          spec.rotary_start = start;
          spec.interleaved = interleaved;
          const std::int64_t dims = start + 2 * half + 3;
          const at::Tensor x = random({4, 9, dims}).narrow(1, 2, 6);
          const at::Tensor angles = random({4, 1, half}, 9).to(at::kDouble);
          const at::Tensor cos = angles.cos(), sin = angles.sin();
          const auto members = [&](const at::Tensor& t) {
            return interleaved ? std::pair(t.slice(2, start, start + 2 * half, 2),
                                           t.slice(2, start + 1, start + 2 * half, 2))
                               : std::pair(t.narrow(2, start, half), t.narrow(2, start + half, half));
          };
          at::Tensor expected = x.to(at::kDouble).clone();
          const auto [a, b] = members(x.to(at::kDouble));
          auto [a_out, b_out] = members(expected);
          a_out.copy_(a * cos - b * sin);
          b_out.copy_(b * cos + a * sin);
          const Rotation rotation{cos.to(at::kFloat), sin.to(at::kFloat)};
          QVERIFY(error_of(rows::rotated(spec, rotation, x, kernels), expected) < rounding);
        }
      }
    }
  }

  void attendsAtOnePosition_data() { kernel_rows(); }
  void attendsAtOnePosition() {
    QFETCH(Instructions, kernels);
    for (const std::int64_t dims : {4, 16, 24, 64, 80, 130}) {
      for (const std::int64_t value_dims : {4, 16, 64, 72, 128, 150}) {
        for (const std::int64_t positions : {1, 2, 15, 16, 17, 100}) {
          const at::Tensor query = random({6, 1, dims}) * 3;
          const at::Tensor keys = random({2, positions + 9, dims}, 8).narrow(1, 4, positions);
          const at::Tensor values = random({2, positions + 2, value_dims}, 9).narrow(1, 1, positions);
          const Seen all = {{0, positions}};
          QVERIFY(error_of(rows::attended(query, keys, values, 0.3, all, kernels),
                           softmax_attention(query, keys, values, 0.3, all)) < rounding);
        }
      }
    }
  }

  /// Sizes that no tile divides; all that a query may see: everything up to itself, a window, a chunk.
  void attendsAtManyPositions_data() { kernel_rows(); }
  void attendsAtManyPositions() {
    QFETCH(Instructions, kernels);
    for (const std::int64_t dims : {4, 24, 64}) {
      for (const std::int64_t value_dims : {3, 64, 72}) {
        for (const std::int64_t queries : {2, 5, 6, 7, 8, 9, 16, 37, 65}) {
          for (const std::int64_t past : {0, 33}) {
            const std::int64_t positions = past + queries;
            const at::Tensor query = random({queries, 6, dims}).transpose(0, 1) * 3;
            const at::Tensor keys = random({2, positions + 9, dims}, 8).narrow(1, 4, positions);
            const at::Tensor values = random({2, positions + 2, value_dims}, 9).narrow(1, 1, positions);
            Seen causal, window, chunk;
            for (std::int64_t p = past; p < positions; ++p) {
              causal.push_back({0, p + 1});
              window.push_back({std::max<std::int64_t>(0, p - 10), p + 1});
              chunk.push_back({p / 5 * 5, p + 1});
            }
            // Twice the rounding: an exponential makes that of a score of 30 larger. ATen's in float is as
            // large.
            for (const Seen& seen : {causal, window, chunk})
              QVERIFY(error_of(rows::attended(query, keys, values, 0.3, seen, kernels),
                               softmax_attention(query, keys, values, 0.3, seen)) < 2 * rounding);
          }
        }
      }
    }
  }

  /// What is not a number in a key or a value shows in those who see it, and in no other.
  void attentionShowsWhatIsNotANumber_data() { kernel_rows(); }
  void attentionShowsWhatIsNotANumber() {
    QFETCH(Instructions, kernels);
    for (const bool in_key : {true, false}) {
      const at::Tensor query = random({2, 40, 16}), keys = random({1, 40, 16}, 8),
                       values = random({1, 40, 16}, 9);
      (in_key ? keys : values).select(1, 17).fill_(std::nanf(""));
      Seen seen;
      for (std::int64_t p = 0; p < 40; ++p) seen.push_back({std::max<std::int64_t>(0, p - 12), p + 1});
      const at::Tensor many = rows::attended(query, keys, values, 1, seen, kernels);
      for (std::int64_t p = 0; p < 40; ++p) {
        const at::Tensor one = rows::attended(query.narrow(1, p, 1), keys, values, 1,
                                              std::span(&seen[static_cast<std::size_t>(p)], 1), kernels);
        for (const at::Tensor& found : {many.select(1, p), one.select(1, 0)})
          QCOMPARE(found.isnan().sum().item<std::int64_t>(), p >= 17 && p <= 29 ? 32 : 0);
      }
    }
  }

  /// A row is to the last bit what it is among others, however many threads share them.
  void aRowAloneIsWhatItIsAmongOthers() {
    const at::Tensor x = random({700, 200}), weight = random({200}, 8);
    const at::Tensor normed = rows::rms_norm(x, weight, 1e-6), gated = rows::gated(rows::Gate::Silu, x);
    RopeSpec spec;
    spec.rotary_dim = 40;
    const Rotation rotation{random({700, 1, 20}, 9), random({700, 1, 20}, 10)};
    const at::Tensor heads = x.view({700, 5, 40}), rotated = rows::rotated(spec, rotation, heads);
    for (const std::int64_t row : {0, 1, 350, 699}) {
      const auto one = [row](const at::Tensor& t) { return t.narrow(0, row, 1); };
      QVERIFY(at::equal(rows::rms_norm(one(x), weight, 1e-6), one(normed)));
      QVERIFY(at::equal(rows::gated(rows::Gate::Silu, one(x)), one(gated)));
      QVERIFY(
          at::equal(rows::rotated(spec, {one(rotation.cos), one(rotation.sin)}, one(heads)), one(rotated)));
    }
    // A query's neighbours and threads change no bit of it, wherever the tile it is in begins.
    const at::Tensor query = random({9, 200, 40}), keys = random({3, 200, 40}, 8),
                     values = random({3, 200, 40}, 9);
    Seen seen;
    for (std::int64_t p = 0; p < 200; ++p) seen.push_back({p % 7, p + 1 + p % 2 * (199 - p)});
    const at::Tensor all = rows::attended(query, keys, values, 0.2, seen);
    const int threads = at::get_num_threads();
    for (const int number : {1, 2, 5}) {
      at::set_num_threads(number);
      QVERIFY(at::equal(rows::attended(query, keys, values, 0.2, seen), all));
    }
    at::set_num_threads(threads);
    const at::Tensor some =
        rows::attended(query.narrow(1, 11, 50), keys, values, 0.2, std::span(seen).subspan(11, 50));
    QVERIFY(at::equal(some, all.narrow(1, 11, 50)));
  }

  /// Attention of many queries goes band by band and gives what all scores at once give.
  void attendsInBands_data() {
    QTest::addColumn<QString>("kind");
    for (const char* kind : {"plain", "window", "chunk", "softcap", "softcap in a window", "sinks", "alibi"})
      QTest::newRow(kind) << kind;
  }
  void attendsInBands() {
    QFETCH(QString, kind);
    const AttentionSpec spec = attention_of(kind.toStdString());
    const at::Tensor sinks = spec.sinks ? random({8}, 5) : at::Tensor();
    constexpr int past = 50, positions = 900;
    const at::Tensor query = random({8, positions, 256}) * 2, keys = random({4, past + positions, 256}, 8),
                     values = random({4, past + positions, 256}, 9);
    WatchingTap watching(true), plain(false);
    const at::Tensor whole = attend(spec, sinks, 3, query, keys, values, past, watching);
    const at::Tensor bands = attend(spec, sinks, 3, query, keys, values, past, plain);
    QVERIFY(error_of(bands, whole.to(at::kDouble)) < 5e-6);
    QVERIFY(watching.parts.empty());
    QVERIFY(plain.parts.size() > 3);
    QVERIFY(std::ranges::is_sorted(plain.parts));
    QCOMPARE(plain.parts.back(), mixer_part);
    QCOMPARE(plain.layers, std::vector<int>(plain.layers.size(), 3));
    // A decode step sees what the last of them saw.
    const at::Tensor last =
        attend(spec, sinks, 3, query.narrow(1, positions - 1, 1), keys, values, past + positions - 1, plain);
    QVERIFY(error_of(last, whole.narrow(1, positions - 1, 1).to(at::kDouble)) < 5e-6);
  }

  void mlpsInParts() {
    MlpSpec spec;
    spec.intermediate_size = 4096;
    const MlpWeights weights{Linear(random({8192, 1024}) / 32, {}), Linear(random({1024, 4096}, 8) / 64, {})};
    const at::Tensor x = random({300, 1024}, 9);
    WatchingTap tap(false);
    const at::Tensor many = mlp(spec, weights, 2, x, tap);
    QVERIFY(tap.parts.size() >= 4);
    QVERIFY(std::ranges::is_sorted(tap.parts));
    QVERIFY(tap.parts.front() > mixer_part);
    QCOMPARE(tap.parts.back(), 1.0);
    WatchingTap quiet(false);
    for (const std::int64_t start : {0, 100, 200}) {
      const at::Tensor few = mlp(spec, weights, 2, x.narrow(0, start, 100), quiet);
      QVERIFY(error_of(many.narrow(0, start, 100), few.to(at::kDouble)) < 5e-6);
    }
    QVERIFY(quiet.parts.empty());
  }

  /// In the middle of a layer a stop is heard and progress is told, yet not too often.
  void aPulseStopsAndTells() {
    std::stop_source stop;
    const Needs needs;
    std::vector<double> told;
    RunEvents events;
    events.progress = [&](Arm arm, double layers, int num_layers) {
      QCOMPARE(arm, Arm::Disrupted);
      QCOMPARE(num_layers, 12);
      told.push_back(layers);
    };
    RequestTap tap = prefill_tap(Arm::Disrupted, needs, nullptr, 12, events, stop.get_token());
    for (int i = 0; i < 1000; ++i) tap.pulse(4, 0.25);
    QVERIFY(told.size() < 20);
    QTest::qWait(60);
    tap.pulse(4, 0.5);
    QVERIFY(!told.empty());
    QCOMPARE(told.back(), 4.5);
    stop.request_stop();
    QVERIFY_EXCEPTION_THROWN(tap.pulse(4, 0.75), Cancelled);
  }
};

QTEST_GUILESS_MAIN(TestRows)
#include "test_rows.moc"

// The published presets, each against a plain restatement of what the published code does to Q and K after
// RoPE.
#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <c10/core/InferenceMode.h>

#include "core/run/intervention.h"
#include "tests/support/plain_spec.h"
#include "tests/support/test_case.h"

using namespace qkscope;

namespace {

const c10::InferenceMode inference;

ModelSpec spec_with(int heads) {
  return test::plain_spec({.layers = 3, .heads = heads, .kv_heads = heads / 2, .head_dim = 32});
}

/// (positions, heads, 32), some dims of every head and of every position far larger than the rest.
at::Tensor example(std::int64_t positions, std::int64_t heads) {
  auto generator = at::make_generator<at::CPUGeneratorImpl>(5);
  const auto random = [&](at::IntArrayRef shape) { return at::randn(shape, generator, at::kFloat); };
  return random({positions, heads, 32}) * random({1, heads, 32}).exp() * random({positions, 1, 32}).exp() +
         0.2;
}

at::Tensor applied(const Disruption& disruption, Site site, const at::Tensor& x, int heads,
                   bool prefill = true) {
  Intervention intervention({disruption}, spec_with(heads), {}, at::kCPU);
  return intervention.apply({1, site}, x, prefill);
}

struct Published {
  const char* preset;
  int n;
  bool largest;
  Replace replace;
  bool by_position = false;
  bool reaches_cache = false;
};

/// Row by row, a row being a head over all positions, or a position over all heads: the n entries of largest
/// or smallest norm become zero, or one number of all that they hold.
at::Tensor restated(const Published& p, const at::Tensor& x) {
  at::Tensor result = x.clone();
  at::Tensor rows = p.by_position ? result : result.transpose(0, 1);  // (row, what the norm is taken over, D)
  for (std::int64_t r = 0; r < rows.size(0); ++r) {
    const at::Tensor row = rows[r];
    const at::Tensor chosen = std::get<1>(row.norm(2, 0).topk(p.n, -1, p.largest));
    const at::Tensor held = row.index_select(1, chosen);
    const at::Tensor value = p.replace == Replace::Zero  ? at::zeros({})
                             : p.replace == Replace::Max ? held.max()
                                                         : held.mean(0).mean();
    row.index_fill_(1, chosen, value);
  }
  return result;
}

/// Largest difference, relative to the largest number.
double distance(const at::Tensor& a, const at::Tensor& b) {
  return ((a - b).abs().max() / b.abs().max()).item<double>();
}

}  // namespace

class TestPublished : public test::TestCase {
  Q_OBJECT
 private Q_SLOTS:
  void presetsAreWhatThePublishedCodeDoes() {
    const Published all[] = {
        {"published", 1, true, Replace::Mean, false, true},
        {"published control", 1, false, Replace::Mean, false, true},
        {"published at first", 1, true, Replace::Max, false, true},
        {"published for Qwen", 3, true, Replace::Mean},
        {"published control for Qwen", 3, false, Replace::Mean},
        {"published for Mistral", 1, true, Replace::Mean},
        {"published for Gemma 2", 22, true, Replace::Zero, true, true},
        {"published control for Gemma 2", 22, false, Replace::Mean, true, true},
    };
    for (const Published& p : all) {
      const Disruption disruption = parse_disruption(p.preset);
      for (const Site site : {Site::Query, Site::Key}) {
        const at::Tensor x = example(12, site == Site::Query ? 6 : 3);
        const at::Tensor found = applied(disruption, site, x, 6);
        QVERIFY2(distance(found, restated(p, x)) < 1e-5, p.preset);
        QVERIFY2(distance(found, x) > 0, p.preset);
        QVERIFY2(at::equal(applied(disruption, site, x, 6, /*prefill=*/false), x), p.preset);
        Intervention intervention({disruption}, spec_with(6), {}, at::kCPU);
        QCOMPARE(intervention.reaches_kv_cache({1, site}), p.reaches_cache);
      }
      const at::Tensor value = example(12, 3);
      QVERIFY2(applied(disruption, Site::Value, value, 6).is_same(value), p.preset);
    }
  }

  /// The control for Mistral: one column of each head, which one the seed says, becomes its mean.
  void theRandomControlTakesOneColumnOfEachHead() {
    const at::Tensor x = example(12, 6);
    const at::Tensor found = applied(parse_disruption("published control for Mistral"), Site::Query, x, 6);
    const at::Tensor changed = (found != x).any(0);  // (heads, D)
    QVERIFY((changed.sum(1) == 1).all().item<bool>());
    QVERIFY(distance(found, at::where(changed, x.mean(0), x)) < 1e-5);
  }

  /// Choosing by position is choosing by head with the two axes turned, whatever is picked and put in its
  /// place.
  void byPositionIsLiveWithTheAxesTurned() {
    const at::Tensor x = example(6, 4);  // six positions in the place of six heads
    for (const char* pick :
         {"lambda:1.5", "largest:3", "smallest:5", "largest:lambda:1.5", "smallest:lambda:1.5"}) {
      for (const char* replace : {"mean", "zero", "max", "min"}) {
        for (const char* pool : {"chosen", "head", "own"}) {
          const std::string settings =
              std::string("site=q,pick=") + pick + ",replace=" + replace + ",pool=" + pool + ",mask=";
          const at::Tensor by_head =
              applied(parse_disruption(settings + "live"), Site::Query, x.transpose(0, 1).contiguous(), 6);
          const at::Tensor by_position = applied(parse_disruption(settings + "position"), Site::Query, x, 4);
          QVERIFY2(distance(by_position, by_head.transpose(0, 1)) < 1e-6, settings.c_str());
        }
      }
    }
  }

  /// Heads that are not covered neither change nor have a say.
  void byPositionLooksAtTheCoveredHeadsAlone() {
    const at::Tensor x = example(12, 6);
    const Disruption some = parse_disruption("site=q,pick=largest:4,pool=chosen,mask=position,heads=2,5");
    const at::Tensor found = applied(some, Site::Query, x, 6);
    const at::Tensor covered = at::tensor({1, 4}, at::kLong);
    Disruption all = some;
    all.heads.clear();
    const at::Tensor part = applied(all, Site::Query, x.index_select(1, covered), 2);
    QVERIFY(at::equal(found.index_select(1, covered), part));
    QVERIFY(at::equal(found, x.index_copy(1, covered, part)));
  }

  void byPositionTakesTheSameRandomDimsEverywhere() {
    const at::Tensor x = example(12, 6);
    const auto changed = [&](const char* seed) {
      const std::string settings =
          std::string("site=q,pick=random:7,replace=zero,mask=position,seed=") + seed;
      return applied(parse_disruption(settings), Site::Query, x, 6) != x;
    };
    const at::Tensor once = changed("1");
    QVERIFY(at::equal(once, once.select(0, 0).select(0, 0).expand_as(once)));
    QCOMPARE(once.select(0, 0).select(0, 0).sum().item<std::int64_t>(), 7);
    QVERIFY(at::equal(changed("1"), once));
    QVERIFY(!at::equal(changed("2"), once));
  }

  void countsTheEntriesOfEachPosition() {
    const Disruption disruption = parse_disruption("published for Gemma 2");
    Intervention intervention({disruption}, spec_with(6), {}, at::kCPU);
    intervention.apply({1, Site::Query}, example(12, 6), true);
    QCOMPARE(intervention.replaced(), std::int64_t{12 * 22});
  }
};

QTEST_GUILESS_MAIN(TestPublished)
#include "test_published.moc"

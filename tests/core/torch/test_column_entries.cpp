// Disruptions that list their columns, and as many others in their place, inside one pass.
#include <c10/core/InferenceMode.h>

#include <set>

#include "core/run/operators.h"
#include "core/run/tensor_array.h"
#include "tests/support/errors.h"
#include "tests/support/interventions.h"
#include "tests/support/test_case.h"

using namespace qkscope;
using namespace qkscope::test;

namespace {

const c10::InferenceMode inference;

}  // namespace

class TestColumnEntries : public TestCase {
  Q_OBJECT
 private Q_SLOTS:
  /// Exactly the columns that are named, in their layers, of every head where it says so.
  void entriesAreTheColumns() {
    const Disruption d = parse_disruption("entries=q 2:1:3,5 2:4:0 k 2:*:7 v 3:2:1 q *:2:15,replace=zero");
    Intervention intervention({d}, spec(), {}, at::kCPU);
    QCOMPARE(intervention.first_layer(), 0);  // q *:2:15
    using Places = std::vector<std::int64_t>;
    const auto columns = [&](SiteId where) {
      const at::Tensor x = example(where.site == Site::Query ? 4 : 2);
      const at::Tensor after = intervention.apply(where, x, true), mask = changed(x, after);
      return at::equal(after, x.masked_fill(mask, 0.0)) ? places(mask) : Places{-1};
    };
    QCOMPARE(columns(query), (Places{0, 3, 0, 5, 1, 15, 3, 0}));
    QCOMPARE(columns(key), (Places{0, 7, 1, 7}));
    QCOMPARE(columns({0, Site::Query}), (Places{1, 15}));
    QCOMPARE(columns({2, Site::Value}), (Places{1, 1}));
    for (const SiteId untouched : {SiteId{0, Site::Key}, SiteId{2, Site::Key}, SiteId{1, Site::Value}})
      QVERIFY(columns(untouched).empty());
    QCOMPARE(intervention.replaced(), std::int64_t(4 + 2 + 1 + 1));
  }

  /// As many as are listed in each head, none of the listed: the smallest, the largest of the rest, or drawn.
  void entriesHaveControls() {
    Capture baseline;
    for (int layer = 0; layer < 3; ++layer) {
      for (const Site site : {Site::Query, Site::Key, Site::Value}) {
        const std::int64_t heads = site == Site::Query ? 4 : 2;
        baseline.norms[{layer, site}] =
            to_array(ops::column_norms(example(heads, 10 + static_cast<std::uint64_t>(layer))));
      }
    }
    const std::string entries = "entries=q 2:1:3,5 2:4:0,1,2 k 2:*:7,replace=zero";
    const at::Tensor x = example(4), listed = changed(x, applied(parse_disruption(entries), query, x));
    const at::Tensor m = to_tensor(*baseline.norm(1, Site::Query), at::kCPU);
    std::set<std::vector<std::int64_t>> seen;
    for (const std::string pick :
         {"smallest:entries", "largest:entries", "random:entries", "random:entries,seed=2"}) {
      const Disruption d = parse_disruption(entries + ",pick=" + pick);
      const at::Tensor taken = changed(x, applied(d, query, x, baseline));
      QVERIFY(at::equal(taken.sum(1), listed.sum(1)));
      QVERIFY(!taken.bitwise_and(listed).any().item<bool>());
      const at::Tensor rest = taken.bitwise_or(listed).bitwise_not();
      for (const int head : {0, 3}) {
        const at::Tensor in = m[head].masked_select(taken[head]), out = m[head].masked_select(rest[head]);
        if (pick.starts_with("smallest")) QVERIFY(in.max().item<float>() <= out.min().item<float>());
        if (pick.starts_with("largest")) QVERIFY(in.min().item<float>() >= out.max().item<float>());
      }
      QVERIFY2(seen.insert(places(taken)).second, pick.c_str());
      QVERIFY(at::equal(taken, changed(x, applied(d, query, x, baseline))));
    }
    // A head with more listed than others are left gives what it has.
    const Disruption most = parse_disruption("entries=k 2:1:0-9,replace=zero,pick=smallest:entries");
    QCOMPARE(places(changed(example(2), applied(most, key, example(2), baseline))).size(), std::size_t(12));
    QKSCOPE_EXPECT_ERROR(applied(most, key, example(2)), "layer 2", "M");
  }
};

QTEST_GUILESS_MAIN(TestColumnEntries)
#include "test_column_entries.moc"

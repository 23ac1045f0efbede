// The map of effects: every cell is the run of its edit, controls take as many, the strongest rows come
// first.
#include <cmath>
#include <map>

#include "core/base/error.h"
#include "core/run/runner.h"
#include "core/tasks/effect_map.h"
#include "tests/support/errors.h"
#include "tests/support/runs.h"
#include "tests/support/tiny_model.h"

using namespace qkscope;
using namespace qkscope::test;

namespace {

/// The sites and picks of a row.
using Row = std::pair<int, int>;  // (layer, head)

RunRequest question() {
  RunRequest request;
  request.prompt = golden_prompt("llama-default");
  request.expected = {5, 9, 2, 7};
  request.max_new_tokens = 6;
  return request;
}

double mean_nll(const Run& run) {
  return std::log(run.continuation->value().value());
}

}  // namespace

class TestEffectMap : public TestCase {
  Q_OBJECT
 private Q_SLOTS:
  /// Cancelled in the middle and begun anew with what it had, a map is the same as of one go.
  void goesOnWithWhatIsKnown() {
    const auto model = TinyModel().load();
    EffectSettings settings;
    settings.disruption.pick.lambda = 1.7;
    Runner runner(model);
    const EffectMap whole = effect_map(runner, model->spec(), question(), settings);
    const std::size_t some = whole.cells.size() / 2;
    std::stop_source stop;
    std::vector<EffectCell> told;
    const auto cancel = [&](const EffectCell& cell, std::size_t done, std::size_t) {
      told.push_back(cell);
      if (done == some) stop.request_stop();
    };
    QVERIFY_THROWS_EXCEPTION(
        Cancelled, effect_map(runner, model->spec(), question(), settings, cancel, stop.get_token()));
    QCOMPARE(told.size(), some);

    settings.known = told;
    settings.known.front().change = 123;  // to be seen that it is taken as it is
    const EffectMap rest = effect_map(runner, model->spec(), question(), settings);
    QCOMPARE(rest.cells.front().change, 123.0);
    QCOMPARE(rest.cells.size(), whole.cells.size());
    for (std::size_t i = 1; i < whole.cells.size(); ++i) {
      QCOMPARE(rest.cells[i].layer, whole.cells[i].layer);
      QCOMPARE(rest.cells[i].change, whole.cells[i].change);
    }
    const std::string csv = to_csv(whole);
    QCOMPARE(std::count(csv.begin(), csv.end(), '\n'), std::ssize(whole.cells) + 1);
  }

  void everyCellIsTheRunOfItsEdit_data() {
    QTest::addColumn<bool>("per_head");
    QTest::addColumn<bool>("expects");
    QTest::newRow("layers, an expected answer") << false << true;
    QTest::newRow("layers, the baseline's answer") << false << false;
    QTest::newRow("heads") << true << true;
  }
  void everyCellIsTheRunOfItsEdit() {
    QFETCH(bool, per_head);
    QFETCH(bool, expects);
    const auto model = TinyModel().load();
    const ModelSpec& spec = model->spec();
    RunRequest request = question();
    if (!expects) request.expected.clear();
    EffectSettings settings;
    settings.disruption.pick.lambda = 1.7;  // some layers have such values, and some answers go with them
    settings.disruption.replace = Replace::Zero;
    settings.per_head = per_head;
    settings.seed = 3;
    Runner runner(model);
    const EffectMap map = effect_map(runner, spec, request, settings);
    const int heads = per_head ? spec.num_heads() : 1;
    QCOMPARE(map.cells.size(), static_cast<std::size_t>(spec.num_layers() * heads * 9));

    Runner alone(model);
    request.score_continuation = true;
    // Of answers as much is compared as is expected.
    if (expects) {
      QVERIFY(request.max_new_tokens > static_cast<int>(request.expected.size()));
      request.max_new_tokens = static_cast<int>(request.expected.size());
    }
    const auto baseline = alone.run(request);
    QCOMPARE(map.answer, baseline->answer);
    QCOMPARE(map.expected, expects ? request.expected : baseline->answer);
    int changed = 0;
    for (const EffectCell& cell : map.cells) {
      RunRequest asked = request;
      asked.edits = {map.edit(cell)};
      const Disruption& edit = *asked.edits.front().disruption();
      QCOMPARE(edit.layers, std::vector<int>{cell.layer});
      QCOMPARE(edit.heads, per_head ? std::vector<int>{cell.head} : std::vector<int>());
      QCOMPARE(edit.query, cell.site != EffectSite::Key);
      QCOMPARE(edit.key, cell.site != EffectSite::Query);
      const auto run = alone.run(asked);
      QVERIFY(std::abs(cell.change - (mean_nll(*run) - mean_nll(*baseline))) < 1e-6);
      QVERIFY(std::abs(std::log(*cell.perplexity) - mean_nll(*run)) < 1e-6);
      QCOMPARE(cell.replaced, run->replaced);
      QCOMPARE(cell.answer_changed, run->answer != baseline->answer);
      changed += cell.answer_changed ? 1 : 0;
    }
    QVERIFY(changed > 0);
    QVERIFY(changed < static_cast<int>(map.cells.size()));
  }

  void controlsTakeAsManyAndTheStrongestRowsComeFirst() {
    const auto model = TinyModel().load();
    EffectSettings settings;
    settings.disruption.pick.lambda = 1.2;
    Runner runner(model);
    std::vector<std::size_t> told;
    const EffectMap map = effect_map(runner, model->spec(), question(), settings,
                                     [&](const EffectCell&, std::size_t done, std::size_t of) {
                                       told.push_back(done);
                                       QCOMPARE(of, static_cast<std::size_t>(model->spec().num_layers() * 9));
                                     });
    QCOMPARE(told.size(), map.cells.size());
    QVERIFY(std::ranges::is_sorted(told));
    const std::size_t massive = map.cells.size() / 3;
    std::map<std::pair<Row, EffectSite>, std::int64_t> replaced;
    std::map<Row, double> strength;
    for (std::size_t i = 0; i < massive; ++i) {
      const EffectCell& cell = map.cells[i];
      QCOMPARE(cell.pick, EffectPick::Massive);
      QVERIFY(cell.replaced > 0);
      const Row row = {cell.layer, cell.head};
      replaced[{row, cell.site}] = cell.replaced;
      strength[row] = std::max(strength[row], std::abs(cell.change));
    }
    double before = std::numeric_limits<double>::infinity();
    for (std::size_t i = massive; i < map.cells.size(); ++i) {
      const EffectCell& cell = map.cells[i];
      const Row row = {cell.layer, cell.head};
      QVERIFY(cell.pick != EffectPick::Massive);
      QCOMPARE(cell.replaced, replaced.at({row, cell.site}));
      QVERIFY(strength.at(row) <= before);
      before = strength.at(row);
    }
  }

  void stopsAtOnce() {
    const auto model = TinyModel().load();
    Runner runner(model);
    std::stop_source stop;
    std::size_t cells = 0;
    const auto stopped = [&] {
      effect_map(
          runner, model->spec(), question(), {},
          [&](const EffectCell&, std::size_t done, std::size_t) {
            cells = done;
            if (done == 4) stop.request_stop();
          },
          stop.get_token());
    };
    QVERIFY_THROWS_EXCEPTION(Cancelled, stopped());
    QCOMPARE(cells, std::size_t{4});
  }

  void refusesListedEntries() {
    const auto model = TinyModel().load();
    Runner runner(model);
    EffectSettings settings;
    settings.disruption.entries = {{Site::Query, 0, 0, 0}};
    const std::string words = error_of([&] { effect_map(runner, model->spec(), question(), settings); });
    QVERIFY2(has_all(words, {"listed entries", "pick"}), words.c_str());
  }
};

QTEST_GUILESS_MAIN(TestEffectMap)
#include "test_effect_map.moc"

// What a runner keeps of earlier questions, what it may cost, and what happens where there is no memory.
#include <ATen/ATen.h>
#include <sys/resource.h>

#include <cmath>
#include <fstream>
#include <numeric>
#include <set>

#include "core/base/error.h"
#include "core/model/memory.h"
#include "core/run/baseline.h"
#include "core/run/runner.h"
#include "tests/support/errors.h"
#include "tests/support/runs.h"
#include "tests/support/tiny_model.h"

using namespace qkscope;
using namespace qkscope::test;

namespace {

/// The arrays that `part` has, as `whole` has them.
bool is_part_of(const std::map<SiteId, SharedArray>& part, const std::map<SiteId, SharedArray>& whole) {
  return std::ranges::all_of(part, [&](const auto& entry) {
    const auto found = whole.find(entry.first);
    return found != whole.end() && found->second == entry.second;
  });
}

/// Limits what the process may map to `more` bytes beyond what it has, for as long as it lives.
class MemoryLimit {
 public:
  explicit MemoryLimit(std::uint64_t more) {
    std::ifstream file("/proc/self/statm");
    std::uint64_t pages = 0;
    file >> pages;
    getrlimit(RLIMIT_AS, &before_);
    rlimit limit = before_;
    limit.rlim_cur = pages * 4096 + more;
    setrlimit(RLIMIT_AS, &limit);
  }
  MemoryLimit(const MemoryLimit&) = delete;
  MemoryLimit& operator=(const MemoryLimit&) = delete;
  ~MemoryLimit() { setrlimit(RLIMIT_AS, &before_); }

 private:
  rlimit before_{};
};

}  // namespace

class TestRunMemory : public TestCase {
  Q_OBJECT
 private Q_SLOTS:
  /// Asked again for other layers and sites: to the last bit what a fresh pass gives, from the layers that
  /// are new alone.
  void otherLayersComeFromWhatIsKept_data() { golden_rows(); }
  void otherLayersComeFromWhatIsKept() {
    QFETCH(QString, name);
    const auto model = TinyModel(name.toStdString()).load();
    const int layers = model->spec().num_layers();
    RunRequest request = request_of(golden_prompt(name.toStdString()));
    request.needs = {};
    Runner runner(model);
    const Comparison first = runner.compare(request);
    RunRequest whole = request;
    whole.needs = every_norm();
    whole.needs.values = {Site::Query, Site::Value, Site::ResidPre, Site::ResidPost, Site::Logits};
    const Capture expected = Runner(model).compare(whole).baseline->capture;
    for (int layer = layers - 1; layer >= 0; --layer) {
      RunRequest one = whole;
      one.needs.layers = one.needs.value_layers = {layer};
      Log log, again;
      const Comparison comparison = runner.compare(one, log.events());
      const Capture& found = comparison.baseline->capture;
      QCOMPARE(log.count("B layer"), 1);
      QCOMPARE(log.count("B norm"), on_cpu() ? std::ssize(one.needs.norms) : 0);
      QCOMPARE(log.count("B token"), 6);
      QCOMPARE(comparison.baseline->decode_ms, first.baseline->decode_ms);  // the very answer
      QVERIFY(found.value(layer, Site::ResidPost) && found.norm(layer, Site::Key));
      QVERIFY(found.value(-1, Site::Logits));
      QVERIFY(is_part_of(found.values, expected.values) && is_part_of(found.norms, expected.norms));
      runner.compare(one, again.events());
      QCOMPARE(again.count("B layer"), 0);
    }
    Log log;
    QVERIFY(runner.compare(whole, log.events()).baseline->capture == expected);
    QCOMPARE(log.count("B layer"), 0);
  }

  /// Cancelled, a question that asks for more takes nothing from what was there.
  void cancelledGrowthKeepsWhatIsThere() {
    Runner runner(TinyModel("llama-bias").load());
    RunRequest request = request_of(golden_prompt("llama-bias")), more = request;
    const Comparison first = runner.compare(request);
    more.needs.values = {Site::Value};
    std::stop_source stop;
    RunEvents events;
    events.layer = [&](Arm, int, int) { stop.request_stop(); };
    QVERIFY_EXCEPTION_THROWN(runner.compare(more, events, stop.get_token()), Cancelled);
    Log log;
    const Comparison again = runner.compare(request, log.events());
    QCOMPARE(log.count("B layer"), 0);
    QCOMPARE(again.baseline->answer, first.baseline->answer);
    QCOMPARE(again.baseline->decode_ms, first.baseline->decode_ms);
    Log rest;
    QVERIFY(runner.compare(more, rest.events()).baseline->capture.value(2, Site::Value));
    QCOMPARE(rest.count("B layer"), 2);  // the first one was done before
  }

  void cancelledPassGoesOnWhereItWas_data() {
    QTest::addColumn<int>("layer");
    for (const int layer : {0, 1}) QTest::newRow(std::to_string(layer).c_str()) << layer;
  }
  void cancelledPassGoesOnWhereItWas() {
    QFETCH(int, layer);
    const auto model = TinyModel("llama-linear").load();
    const RunRequest request = request_of({5, 6, 7, 8, 9}, {"site=qk,pick=largest:2"});
    Runner runner(model);
    std::stop_source stop;
    RunEvents events;
    events.layer = [&](Arm, int done, int) {
      if (done == layer) stop.request_stop();
    };
    QVERIFY_EXCEPTION_THROWN(runner.compare(request, events, stop.get_token()), Cancelled);
    Log log;
    const Comparison comparison = runner.compare(request, log.events());
    QVERIFY(same_numbers(comparison, Runner(model).compare(request)));
    for (int l = 0; l < 3; ++l) QCOMPARE(log.count("B layer " + std::to_string(l)), l > layer ? 1 : 0);
  }

  /// M without positions is the norm over the others, of the baseline and of an edited run, in whatever order
  /// it is asked for; M over all of them is what it is without the question, to the last bit.
  void leftOutPositions_data() { golden_rows(); }
  void leftOutPositions() {
    QFETCH(QString, name);
    const auto model = TinyModel(name.toStdString()).load();
    const TokenIds prompt = golden_prompt(name.toStdString());
    const int count = static_cast<int>(prompt.size());
    RunRequest request = request_of(prompt, {"activations=*:3,layers=2,set=0.5"});
    request.needs.values = every_norm().norms;
    request.needs.values.insert(Site::ResidPost);
    const Comparison plain = Runner(model).compare(request);
    QVERIFY(plain.baseline->capture.without.empty() && plain.baseline->capture.left_out.empty());
    const ActivationRule rule{0, 3};
    // By the definition, from every number of the residual stream.
    std::set<int> massive;
    for (int layer = 0; layer < model->spec().num_layers(); ++layer) {
      const Array& h = *plain.baseline->capture.value(layer, Site::ResidPost);
      std::vector<float> sizes;
      for (const float x : h.data) sizes.push_back(std::abs(x));
      std::ranges::sort(sizes);
      const double median = static_cast<double>(sizes[(sizes.size() - 1) / 2]);
      for (std::size_t i = 0; i < h.data.size(); ++i) {
        if (static_cast<double>(std::abs(h.data[i])) > 3 * median)
          massive.insert(static_cast<int>(i) / static_cast<int>(h.size(1)));
      }
    }
    QVERIFY(!massive.empty());
    std::vector<int> all(static_cast<std::size_t>(count));
    std::iota(all.begin(), all.end(), 0);
    using Which = LeftOut::Which;
    const std::vector<std::pair<LeftOut, std::vector<int>>> asked = {
        {{Which::First, {}, {}}, {0}},
        {{Which::Massive, {}, rule}, {massive.begin(), massive.end()}},
        {{Which::Chosen, {1, count - 1, count + 5}, {}}, {1, count - 1}},
        {{Which::None, {}, {}}, {}},
        {{Which::Chosen, all, {}}, all},
        {{Which::First, {}, {}}, {0}}};
    Runner runner(model);
    for (const auto& [left_out, positions] : asked) {
      request.needs.left_out = left_out;
      const Comparison found = runner.compare(request);
      for (const auto& [run, before] :
           {std::pair(found.baseline, plain.baseline), std::pair(found.disrupted, plain.disrupted)}) {
        QCOMPARE(run->capture.left_out, positions);
        QVERIFY(run->capture.norms == before->capture.norms);
        QCOMPARE(run->capture.without.size(), positions.empty() ? 0 : run->capture.norms.size());
        for (const auto& [where, m] : run->capture.without) {
          const Array& values = *run->capture.value(where.layer, where.site);
          const auto columns = static_cast<std::size_t>(values.shape[1] * values.shape[2]);
          for (std::size_t c = 0; c < columns; ++c) {
            double squares = 0;
            for (std::size_t t = 0; t < prompt.size(); ++t) {
              if (std::ranges::find(positions, static_cast<int>(t)) != positions.end()) continue;
              const double x = static_cast<double>(values.data[t * columns + c]);
              squares += x * x;
            }
            QVERIFY(std::abs(static_cast<double>(m->data[c]) - std::sqrt(squares)) <=
                    1e-6 * std::sqrt(squares));
          }
        }
      }
    }
    // Layers that are asked for later have it, too, and a fresh run the same numbers.
    request.needs.left_out = {Which::Massive, {}, rule};
    RunRequest some = request;
    some.needs.layers = {0};
    Runner grown(model);
    grown.compare(some);
    const Comparison later = grown.compare(request), fresh = Runner(model).compare(request);
    QVERIFY(is_part_of(fresh.baseline->capture.without, later.baseline->capture.without));
    QVERIFY(is_part_of(fresh.disrupted->capture.without, later.disrupted->capture.without));
  }

  /// The mean pattern of a layer is the mean of its heads' patterns, and row norms are the lengths of rows,
  /// asked for at once or later, of both runs.
  void meansAndLengths_data() { golden_rows(); }
  void meansAndLengths() {
    QFETCH(QString, name);
    const auto model = TinyModel(name.toStdString()).load();
    RunRequest request = request_of(golden_prompt(name.toStdString()), {"activations=*:3,layers=2,set=0.5"});
    Runner runner(model);
    runner.compare(request);  // so that all that follows is asked for later
    const std::set<Site> sites = {Site::ResidPre, Site::MlpOut, Site::Query, Site::Value};
    request.needs.values = request.needs.row_norms = sites;
    request.needs.values.insert(Site::AttnPattern);
    for (int layer = 0; layer < model->spec().num_layers(); ++layer)
      request.needs.patterns.insert({layer, HeadId::mean});
    const Comparison found = runner.compare(request);
    for (const auto& run : {found.baseline, found.disrupted}) {
      const Capture& capture = run->capture;
      std::size_t rows = 0, patterns = 0;
      for (const auto& [where, values] : capture.values) {
        if (where.site == Site::AttnPattern) {
          const Array* mean = capture.pattern({where.layer, HeadId::mean});
          QVERIFY(mean);
          ++patterns;
          const std::int64_t heads = values->shape[0], size = values->shape[1] * values->shape[2];
          QCOMPARE(static_cast<std::int64_t>(mean->data.size()), size);
          for (std::int64_t i = 0; i < size; ++i) {
            double sum = 0;
            for (std::int64_t h = 0; h < heads; ++h)
              sum += static_cast<double>(values->data[static_cast<std::size_t>(h * size + i)]);
            QVERIFY(std::abs(sum / static_cast<double>(heads) -
                             static_cast<double>(mean->data[static_cast<std::size_t>(i)])) < 1e-6);
          }
        } else if (sites.contains(where.site)) {
          ++rows;
          const Array& lengths = *capture.row_norms.at(where);
          QCOMPARE(lengths.shape, std::vector<std::int64_t>{capture.positions});
          const std::size_t width = values->data.size() / lengths.data.size();
          for (std::size_t t = 0; t < lengths.data.size(); ++t) {
            double squares = 0;
            for (std::size_t i = 0; i < width; ++i)
              squares += std::pow(static_cast<double>(values->data[t * width + i]), 2);
            QVERIFY(std::abs(static_cast<double>(lengths.data[t]) - std::sqrt(squares)) <=
                    1e-5 * std::sqrt(squares));
          }
        }
      }
      QCOMPARE(capture.row_norms.size(), rows);
      QCOMPARE(capture.patterns.size(), patterns);
      QVERIFY(patterns > 0);
    }
  }

  void cancelledPassKeepsOtherPrompts() {
    Runner runner(TinyModel().load());
    const RunRequest request = request_of({1, 10, 20, 30}), other = request_of({1, 11, 21, 31});
    runner.compare(request);
    std::stop_source stop;
    RunEvents events;
    events.layer = [&](Arm, int, int) { stop.request_stop(); };
    QVERIFY_EXCEPTION_THROWN(runner.compare(other, events, stop.get_token()), Cancelled);
    Log log;
    runner.compare(request, log.events());
    QCOMPARE(log.count("B layer"), 0);
  }

  /// An answer that was cancelled goes on, one that grows or shrinks is the same answer.
  void answersGoOn_data() {
    QTest::addColumn<double>("temperature");
    QTest::newRow("greedy") << 0.0;
    QTest::newRow("sampled") << 1.5;
  }
  void answersGoOn() {
    QFETCH(double, temperature);
    const auto model = TinyModel().load();
    RunRequest request = request_of({1, 10, 20, 30});
    request.sampling.temperature = temperature;
    request.sampling.seed = 7;
    request.max_new_tokens = 24;
    const TokenIds expected = Runner(model).compare(request).baseline->answer;
    QCOMPARE(expected.size(), 24U);
    for (const int at : {1, 2, 9}) {
      Runner runner(model);
      std::stop_source stop;
      TokenIds told;
      RunEvents events;
      events.token = [&](Arm, int id) {
        told.push_back(id);
        if (std::ssize(told) == at) stop.request_stop();
      };
      QVERIFY_EXCEPTION_THROWN(runner.compare(request, events, stop.get_token()), Cancelled);
      QCOMPARE(std::ssize(told), at);
      told.clear();
      QCOMPARE(runner.compare(request, events).baseline->answer, expected);
      QCOMPARE(told, expected);
    }
    Runner runner(model);
    for (const int length : {3, 12, 5, 24, 1}) {
      request.max_new_tokens = length;
      const auto run = runner.compare(request).baseline;
      QCOMPARE(run->answer, TokenIds(expected.begin(), expected.begin() + length));
      QVERIFY(!run->stopped);
    }
    request.max_new_tokens = 24;
    request.stop_tokens = {expected[4]};
    const auto stopped = runner.compare(request).baseline;
    QVERIFY(stopped->stopped && stopped->answer.size() <= 5 && stopped->answer.back() == expected[4]);
  }

  void baselinesHaveABoundInBytes() {
    const auto add = [](BaselineStore& store, int id) {
      auto baseline = std::make_shared<Baseline>();
      baseline->prompt = {id};
      baseline->prefill.residual = at::zeros({1000});
      baseline->prefill.residuals[0] = at::zeros({1000});
      baseline->prefill.logits = at::zeros({10});
      QVERIFY(baseline->bytes() >= 8040);
      store.add(std::move(baseline));
      store.trim();
    };
    BaselineStore store(25000), small(100);
    for (int id = 0; id < 5; ++id) {
      add(store, id);
      add(small, id);
    }
    QCOMPARE(store.size(), 3U);
    QVERIFY(store.find({2}) && store.find({4}) && !store.find({1}));
    add(store, 5);  // 2 was looked at before 4
    QVERIFY(store.find({2}) && store.find({4}) && !store.find({3}));
    QCOMPARE(small.size(), 1U);
    QVERIFY(small.find({4}));
    BaselineStore many;
    for (int id = 0; id < 20; ++id) add(many, id);
    QCOMPARE(many.size(), 8U);
  }

  /// One sentence, not pages of stack frames, and the next question works.
  void noMemoryIsOneSentence() {
    if (!on_cpu()) QSKIP("it limits the memory of the host");
    const auto model = TinyModel().load();
    Runner runner(model);
    const RunRequest small = request_of({1, 10, 20, 30}, {"site=q,pick=largest:1"});
    const Comparison before = runner.compare(small);
    RunRequest large = request_of(TokenIds(9000, 10));
    large.needs.values = {Site::AttnScores};
    {
      const MemoryLimit limit(std::uint64_t{600} << 20);
      const std::string text = error_of([&] { runner.compare(large); });
      QVERIFY2(has_all(text, {"A pass over 9000 tokens needs ", " MiB more and ",
                              " MiB are free on cpu; give a "
                              "shorter prompt"}) &&
                   std::ranges::count(text, '\n') == 0 && text.size() < 250,
               text.c_str());
      QVERIFY(same_numbers(runner.compare(small), before));
    }
    QVERIFY(same_numbers(runner.compare(small), before));
  }

  /// Of several disruptions one alone may need M of the baseline, whatever is looked at.
  void oneCleanMaskAmongOthers() {
    const auto model = TinyModel().load();
    const TokenIds prompt = golden_prompt("llama-default");
    for (const auto& settings : std::vector<std::vector<std::string>>{
             {"site=q,pick=largest:2,mask=clean", "site=k,pick=largest:2,mask=live"},
             {"site=k,pick=largest:2,mask=live", "site=q,pick=largest:2,mask=clean"}}) {
      const RunRequest full = request_of(prompt, settings);
      RunRequest bare = full;
      bare.needs = {};
      const Comparison expected = Runner(model).compare(full), found = Runner(model).compare(bare);
      QCOMPARE(found.disrupted->replaced, expected.disrupted->replaced);
      QCOMPARE(found.disrupted->next_tokens, expected.disrupted->next_tokens);
      QVERIFY(text_perplexity(*model, prompt, bare.edits).nll != text_perplexity(*model, prompt).nll);
    }
  }
};

QTEST_GUILESS_MAIN(TestRunMemory)
#include "test_run_memory.moc"

// Massive activations: what is kept of the residual stream, and what setting them to something else does.
#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <c10/core/InferenceMode.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/model/decoder.h"
#include "core/run/activation_summary.h"
#include "core/run/generate.h"
#include "core/run/runner.h"
#include "core/run/tensor_array.h"
#include "tests/support/errors.h"
#include "tests/support/golden_model.h"
#include "tests/support/runs.h"
#include "tests/support/tiny_model.h"

using namespace qkscope;
using namespace qkscope::test;

namespace {

const c10::InferenceMode inference;

/// A request that keeps the residual stream and its summaries by a rule that finds something in a random
/// model.
RunRequest request_for(const TokenIds& prompt, const std::vector<std::string>& edits = {}) {
  RunRequest request = request_of(prompt, edits);
  request.needs.values = {Site::ResidPost};
  request.needs.activations.sites = {Site::ResidPost, Site::AttnOut, Site::MlpOut};
  request.needs.activations.rule = {0, 4};
  request.score_prompt = true;
  return request;
}

at::Tensor residual(const Run& run, int layer) {
  return to_tensor(*run.capture.value(layer, Site::ResidPost), at::kCPU);
}

nlohmann::json golden_activations() {
  std::ifstream file(golden("activations.json"));
  return nlohmann::json::parse(file);
}

bool near(double found, double expected) {
  return std::abs(found - expected) <= 1e-4 * std::abs(expected);
}

/// The places where two runs differ after a layer.
std::vector<std::pair<int, int>> differences(const Run& a, const Run& b, int layer) {
  const at::Tensor places = residual(a, layer).ne(residual(b, layer)).nonzero();
  std::vector<std::pair<int, int>> list;
  for (std::int64_t i = 0; i < places.size(0); ++i)
    list.emplace_back(places[i][0].item<int>(), places[i][1].item<int>());
  return list;
}

}  // namespace

class TestActivations : public TestCase {
  Q_OBJECT
 private Q_SLOTS:
  /// What a run says of a site is what its values are, of the baseline and of an edited run, whether a pass
  /// computes it or a later one adds it.
  void keptByRuns_data() { golden_models(); }
  void keptByRuns() {
    QFETCH(QString, name);
    const GoldenModel model(name.toStdString());
    Needs needs = values_of({Site::ResidPost, Site::AttnOut, Site::MlpOut});
    needs.activations = {needs.values, {0, 2}, 2, true};
    const GoldenPass pass = forward(model.decoder, model.prompt(), needs);
    QCOMPARE(pass.capture.activations.size(), pass.capture.values.size());
    for (const auto& [id, values] : pass.capture.values)
      QCOMPARE(pass.capture.activations.at(id), summarize(to_tensor(*values, device()), {0, 2}, 2, true));
  }

  /// Five families, as transformers measures them: the largest numbers of every layer; and as they are, with
  /// those of the first layer that the rule takes at zero, and at their mean, the residual stream, every
  /// head's pattern and the mean of them, what the numbers became, and the perplexity.
  void asTransformersMeasures_data() {
    QTest::addColumn<QString>("name");
    const nlohmann::json golden_file = golden_activations();
    for (const auto& [name, model] : golden_file.at("models").items())
      QTest::newRow(name.c_str()) << QString::fromStdString(name);
  }
  void asTransformersMeasures() {
    QFETCH(QString, name);
    const nlohmann::json golden_file = golden_activations(),
                         expected = golden_file.at("models").at(name.toStdString());
    const Decoder decoder = read_decoder(Checkpoint::open(golden(name.toStdString().c_str())));
    const auto ids = expected.at("ids").get<TokenIds>();
    Needs needs;
    const ActivationRule rule{golden_file.at("rule").at("over"), golden_file.at("rule").at("times")};
    needs.activations = {{Site::ResidPost}, rule, 3};
    const Capture capture = forward(decoder, ids, needs).capture;
    for (int layer = 0; layer < decoder.spec().num_layers(); ++layer) {
      const ActivationSummary& found = capture.activations.at({layer, Site::ResidPost});
      const auto& row = expected.at("rows").at(static_cast<std::size_t>(layer));
      QVERIFY(near(static_cast<double>(found.median), row.at("median")));
      for (std::size_t i = 0; i < 3; ++i) {
        QVERIFY(near(std::abs(static_cast<double>(found.top.at(i).value)), row.at("top").at(i)));
        QCOMPARE(found.top[i].position, row.at("places").at(i).at(0).get<int>());
        QCOMPARE(found.top[i].dim, row.at("places").at(i).at(1).get<int>());
      }
    }
    const ArrayFile arrays = read_safetensors(golden("activations.safetensors"));
    for (const char* arm : {"original", "zero", "mean"}) {
      const bool edited = arm != std::string_view("original");
      std::optional<Intervention> intervention;
      if (edited) {
        const Edits edits = parse_edits(std::string("activations=first,set=") + arm +
                                        ",over=" + golden_file.at("rule").at("over").dump() +
                                        ",times=" + golden_file.at("rule").at("times").dump());
        intervention.emplace(edits, decoder.spec(), capture, test::device());
        QCOMPARE(intervention->first_layer(), expected.at("first_layer").get<int>());
      }
      Needs wanted = values_of({Site::ResidPost});
      for (int layer = 0; layer < decoder.spec().num_layers(); ++layer) {
        for (int head = HeadId::mean; head < decoder.spec().attention(layer)->num_heads; ++head)
          wanted.patterns.insert({layer, head});
      }
      RequestTap tap(&wanted, edited ? &*intervention : nullptr, true);
      State state(decoder.spec().num_layers());
      const at::Tensor logits = prefill(decoder, ids, state, tap);
      Capture found;
      tap.take(found);
      for (int layer = 0; layer < decoder.spec().num_layers(); ++layer) {
        const std::string start = name.toStdString() + "." + arm + ".layers." + std::to_string(layer) + ".";
        const at::Tensor patterns = to_tensor(arrays.arrays.at(start + "pattern"), at::kCPU);  // (H, T, T)
        const auto error = [&](const Array& array, const at::Tensor& truth) {
          return relative_error(to_tensor(array, at::kCPU), truth);
        };
        QVERIFY(error(*found.value(layer, Site::ResidPost),
                      to_tensor(arrays.arrays.at(start + "resid"), at::kCPU)) < 1e-4);
        for (int head = 0; head < patterns.size(0); ++head)
          QVERIFY(error(*found.pattern({layer, head}), patterns[head]) < 1e-4);
        QVERIFY(error(*found.pattern({layer, HeadId::mean}), patterns.mean(0)) < 1e-4);
      }
      if (edited) QCOMPARE(intervention->replaced(), std::ssize(expected.at("massive")));
      for (std::size_t i = 0; i < expected.at("massive").size(); ++i) {
        const auto& place = expected.at("massive").at(i);
        const auto value = static_cast<double>(
            found.value(expected.at("first_layer"), Site::ResidPost)->at(place.at(0), place.at(1)));
        if (edited)
          QVERIFY(arm == std::string_view("zero") ? value == 0 : near(value, expected.at("means").at(i)));
      }
      const auto scored = nll(logits.narrow(0, 0, logits.size(0) - 1), {ids.begin() + 1, ids.end()});
      QVERIFY(near(*Perplexity{{}, {}, scored}.value(), expected.at(arm)));
    }
  }

  void askedForLater() {
    const auto model = TinyModel().load();
    const TokenIds prompt = golden_prompt("llama-default");
    Runner grown(model);
    RunRequest request = request_of(prompt);
    const auto asked = [&](const ActivationRule& rule, int top) {
      request.needs.activations = {{Site::ResidPost}, rule, top};
      const Capture capture = grown.run(request)->capture;
      const Capture fresh = Runner(model).run(request)->capture;
      for (int layer = 0; layer < 2; ++layer) {
        const ActivationSummary &a = capture.activations.at({layer, Site::ResidPost}),
                                &b = fresh.activations.at({layer, Site::ResidPost});
        if (a.median != b.median || a.taken_by(rule) != b.massive || a.top.size() < b.top.size())
          return false;
      }
      return true;
    };
    QVERIFY(grown.run(request)->capture.activations.empty());
    QVERIFY(asked({1, 2}, 1));
    QVERIFY(asked({0, 3}, 1));
    QVERIFY(asked({5, 5}, 4));
    QVERIFY(asked({0, 0}, 2));
  }

  /// Setting a number to itself changes nothing, to the last bit: to its own value, to the mean over itself
  /// alone, measured in the pass or stored.
  void identity_data() { golden_rows(); }
  void identity() {
    QFETCH(QString, name);
    const auto model = TinyModel(name.toStdString()).load();
    Runner runner(model);
    const TokenIds prompt = golden_prompt(name.toStdString());
    const Run plain = *runner.run(request_for(prompt));
    const float value = residual(plain, 0)[2][5].item<float>();
    const std::string number = QString::number(static_cast<double>(value), 'g', 17).toStdString();
    for (const std::string& edit : {"set=" + number, std::string("set=mean"),
                                    "set=mean,means=1:5:-:" + number, "set=mean,means=*:5:-:" + number}) {
      const Comparison same = runner.compare(request_for(prompt, {"activations=2:5,layers=1," + edit}));
      QVERIFY2(same_numbers(*same.disrupted, *same.baseline), edit.c_str());
      QCOMPARE(same.disrupted->replaced, std::int64_t(1));
      QCOMPARE(same.disrupted->first_layer, 0);
    }
    QKSCOPE_EXPECT_ERROR(runner.run(request_for(prompt, {"activations=2:5,layers=1,set=mean,means=1:5:3:-"})),
                         "dim 5", "layer 1", "position 2");
    QKSCOPE_EXPECT_ERROR(Intervention({parse_edit("activations=first")}, model->spec(), {}, at::kCPU),
                         "layer 1", "activations");
    QKSCOPE_EXPECT_ERROR(runner.run(request_for(prompt, {"activations=99:5"})), "position 99",
                         std::to_string(prompt.size()) + " tokens");
  }

  /// Exactly the numbers that are listed, at the output of their layers, and all that follows from them.
  void listedNumbersAlone() {
    const auto model = TinyModel().load();
    Runner runner(model);
    const TokenIds prompt = golden_prompt("llama-default");
    const Comparison pair = runner.compare(request_for(prompt, {"activations=0:3 4:7,8,layers=2,set=-2.5"}));
    const Run &before = *pair.baseline, &after = *pair.disrupted;
    QCOMPARE(after.first_layer, 1);
    QVERIFY(differences(before, after, 0).empty());
    QCOMPARE(differences(before, after, 1), (std::vector<std::pair<int, int>>{{0, 3}, {4, 7}, {4, 8}}));
    for (const auto& [t, c] : differences(before, after, 1))
      QCOMPARE(residual(after, 1)[t][c].item<float>(), -2.5f);
    QVERIFY(after.prompt_text->nll != before.prompt_text->nll);
    const Run column = *runner.run(request_for(prompt, {"activations=*:3,layers=2"}));
    QVERIFY(residual(column, 1).select(1, 3).eq(0).all().item<bool>());
    QCOMPARE(column.replaced, std::ssize(prompt));
    // The text alone under the edits is the prompt's own score.
    QCOMPARE(text_perplexity(*model, prompt, parse_edits("activations=*:3,layers=2")).nll,
             column.prompt_text->nll);
  }

  /// What is computed anew is the layer whose output is edited and those above it, layer by layer counted,
  /// and of a baseline that is known nothing.
  void recomputesFromItsLayer() {
    const auto model = TinyModel("mistral-full").load();
    Runner runner(model);
    const int layers = model->spec().num_layers();
    QVERIFY(layers > 2);
    for (int layer = 1; layer <= layers; ++layer) {
      Log log;
      runner.compare(request_for(golden_prompt("mistral-full"),
                                 {"activations=1:4,set=3,layers=" + std::to_string(layer)}),
                     log.events());
      std::vector<std::string> expected, found;
      for (int each = layer - 1; each < layers; ++each)
        expected.push_back("D layer " + std::to_string(each) + "/" + std::to_string(layers));
      std::ranges::copy_if(log.lines, std::back_inserter(found),
                           [](const std::string& line) { return line.starts_with("D layer"); });
      QCOMPARE(found, expected);
      QCOMPARE(log.count("B layer"), layer == 1 ? layers : 0);
    }
  }

  /// Mean over what the edit takes, position 0 and the others apart.
  void means() {
    const auto model = TinyModel().load();
    Runner runner(model);
    const TokenIds prompt = golden_prompt("llama-default");
    const Comparison pair =
        runner.compare(request_for(prompt, {"activations=0,2,3:5 2,3:6,layers=2,set=mean"}));
    const at::Tensor before = residual(*pair.baseline, 1), after = residual(*pair.disrupted, 1);
    const auto mean = [&](int c) { return (before[2][c].item<double>() + before[3][c].item<double>()) / 2; };
    QCOMPARE(after[0][5].item<float>(), before[0][5].item<float>());
    for (const int c : {5, 6}) {
      QCOMPARE(after[2][c].item<float>(), static_cast<float>(mean(c)));
      QCOMPARE(after[3][c].item<float>(), static_cast<float>(mean(c)));
    }
  }

  /// By rule, found in the clean pass: of the first layer, of each, and as published all dims at the tokens
  /// of the first.
  void foundByRule_data() {
    QTest::addColumn<QString>("site");
    for (const char* site : {"resid_post", "attn_out", "mlp_out"}) QTest::newRow(site) << site;
  }
  void foundByRule() {
    QFETCH(QString, site);
    const Site where = *site_from_name(site.toStdString());
    const auto model = TinyModel().load();
    Runner runner(model);
    const TokenIds prompt = golden_prompt("llama-default");
    const std::string rule = ",over=0,times=4,site=" + site.toStdString();
    RunRequest request = request_for(prompt, {"activations=first" + rule});
    request.needs.values = {where};
    const auto run = [&](const std::string& text) {
      request.edits = parse_edits(text + rule);
      return runner.compare(request);
    };
    const Capture clean = run("activations=first").baseline->capture;
    const auto massive = [&](int layer) { return clean.activations.at({layer, where}).taken_by({0, 4}); };
    QVERIFY(!massive(0).empty() && !massive(1).empty());
    const auto zeros = [&](const Run& after, int layer) {
      std::vector<std::pair<int, int>> list;
      const Array& values = *after.capture.value(layer, where);
      for (int t = 0; t < std::ssize(prompt); ++t) {
        for (int c = 0; c < values.size(1); ++c) {
          if (values.at(t, c) == 0) list.emplace_back(t, c);
        }
      }
      return list;
    };
    const auto places = [](const std::vector<ActivationAt>& list) {
      std::vector<std::pair<int, int>> pairs;
      for (const ActivationAt& a : list) pairs.emplace_back(a.position, a.dim);
      return pairs;
    };
    const Run first = *run("activations=first").disrupted, each = *run("activations=each").disrupted,
              second = *run("activations=first,layers=2").disrupted,
              published = *run("activations=published,layers=2").disrupted;
    QCOMPARE(zeros(first, 0), places(massive(0)));
    QVERIFY(zeros(first, 1).empty());
    QCOMPARE(first.replaced, std::ssize(massive(0)));
    QCOMPARE(zeros(each, 0), places(massive(0)));
    QCOMPARE(zeros(each, 1), places(massive(1)));
    QVERIFY(zeros(second, 0).empty());
    QCOMPARE(zeros(second, 1), places(massive(1)));
    QCOMPARE(second.first_layer, 1);
    std::set<int> tokens, dims;
    for (const ActivationAt& a : massive(0)) tokens.insert(a.position);
    for (const int layer : {0, 1}) {
      for (const ActivationAt& a : massive(layer)) dims.insert(a.dim);
    }
    std::vector<std::pair<int, int>> all;
    for (const int t : tokens) {
      for (const int c : dims) all.emplace_back(t, c);
    }
    QVERIFY(zeros(published, 0).empty());
    QCOMPARE(zeros(published, 1), all);
    const Run some = *run("activations=published,dims=1,2").disrupted;
    QCOMPARE(some.replaced, std::ssize(tokens) * 2);
    QCOMPARE(some.first_layer, 0);
    // A rule that takes nothing is the baseline.
    request.edits = parse_edits("massive activations to zero");
    const Comparison none = runner.compare(request);
    QCOMPARE(none.disrupted->replaced, std::int64_t(0));
    QVERIFY(same_numbers(*none.disrupted, *none.baseline));
  }

  /// The control takes as many others, none further from the median than any that it leaves.
  void controls() {
    const auto model = TinyModel().load();
    Runner runner(model);
    const TokenIds prompt = golden_prompt("llama-default");
    const Edit edit = parse_edit("activations=first,over=0,times=4"),
               control = control_of(edit, PickKind::Random);
    QVERIFY(control.activations()->control && !(control == edit));
    RunRequest request = request_for(prompt);
    request.edits = {edit};
    const Comparison set = runner.compare(request);
    request.edits = {control};
    const Comparison controlled = runner.compare(request);
    QCOMPARE(controlled.disrupted->replaced, set.disrupted->replaced);
    const auto taken = differences(*controlled.baseline, *controlled.disrupted, 0);
    QCOMPARE(std::ssize(taken), set.disrupted->replaced);
    const at::Tensor sizes = residual(*set.baseline, 0).abs();
    const float median = set.baseline->capture.activations.at({0, Site::ResidPost}).median;
    at::Tensor distance = (sizes - median).abs(), mask = at::zeros_like(sizes);
    for (const auto& [t, c] : taken) mask[t][c] = 1;
    QVERIFY((distance * mask).max().item<float>() <=
            at::where(mask.eq(0), distance, 1e9).min().item<float>());
    const Edit mean = control_of(parse_edit("off massive activations to their mean"), PickKind::Smallest);
    QVERIFY(!mean.on && mean.activations()->set == ActivationEdit::Set::Zero);
    const Edit columns = control_of(parse_edit("entries=q 1:1:3"), PickKind::Random, 8);
    QCOMPARE(columns, parse_edit("entries=q 1:1:3,pick=random:entries,seed=8"));
    QCOMPARE(control_of(parse_edit("lambda 5 on Q"), PickKind::Smallest),
             parse_edit("same number of smallest on Q"));
    QCOMPARE(control_of(parse_edit("published"), PickKind::Smallest), parse_edit("published control"));
  }

  /// In one list with a disruption: what stands above both is what both together do, in any order where they
  /// touch different places, and the lower of the two is where recomputing begins.
  void besideDisruptions() {
    const auto model = TinyModel().load();
    Runner runner(model);
    const TokenIds prompt = golden_prompt("llama-default");
    const std::string columns = "site=qk,pick=largest:2,replace=zero,layers=2",
                      numbers = "activations=1:4,layers=1,set=3";
    const Run one = *runner.run(request_for(prompt, {columns, numbers})),
              other = *runner.run(request_for(prompt, {numbers, columns})),
              alone = *runner.run(request_for(prompt, {numbers})),
              off = *runner.run(request_for(prompt, {"off " + columns, numbers}));
    QVERIFY(same_numbers(one, other));
    QVERIFY(same_numbers(off, alone));
    QVERIFY(!same_numbers(one, alone));
    QCOMPARE(one.first_layer, 0);
    QCOMPARE(residual(one, 0)[1][4].item<float>(), 3.0f);
    QCOMPARE(one.replaced, alone.replaced + 2 * (4 + 2));
  }
};

QTEST_GUILESS_MAIN(TestActivations)
#include "test_activations.moc"

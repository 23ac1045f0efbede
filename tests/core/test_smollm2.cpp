// Every number of the default model that was measured elsewhere (transformers, float32, eager attention),
// reproduced.
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "core/analysis/frequency.h"
#include "core/analysis/massive_values.h"
#include "core/io/safetensors.h"
#include "core/model/language_model.h"
#include "core/run/runner.h"
#include "core/tasks/activation_experiments.h"
#include "tests/support/test_case.h"
#include "tests/support/test_device.h"

using namespace qkscope;
using nlohmann::json;

namespace {

/// The keys of the golden as the settings smollm2.md gives them.
const std::map<std::string, std::string> settings = {
    {"published n=1 QK", "site=qk,pick=largest:1,pool=chosen,mask=live"},
    {"published n=1 QK smallest", "site=qk,pick=smallest:1,pool=chosen,mask=live"},
    {"top-2 Q", "site=q,pick=largest:2,pool=chosen,mask=live"},
    {"n=1 K", "site=k,pick=largest:1,pool=chosen,mask=live"},
    {"lambda=5 Q, mask of clean pass, head mean", "site=q,pick=lambda:5,pool=head,mask=clean"},
    {"lambda=5 K, mask of clean pass, head mean", "site=k,pick=lambda:5,pool=head,mask=clean"},
    {"lambda=5 QK, mask of clean pass, head mean", "site=qk,pick=lambda:5,pool=head,mask=clean"},
    {"lambda=5 Q, same number of smallest", "site=q,pick=smallest:lambda:5,pool=head,mask=clean"},
};

Edits disruptions(const std::string& key) {
  if (key == "baseline") return {};
  return {parse_disruption(settings.at(key))};
}

double relative(double actual, double expected) {
  return std::abs(actual - expected) / std::abs(expected);
}

const std::map<Site, std::string> norm_sites = {{Site::QueryPreRope, "query_pre"},
                                                {Site::Query, "query"},
                                                {Site::KeyPreRope, "key_pre"},
                                                {Site::Key, "key"},
                                                {Site::Value, "value"}};

}  // namespace

class TestSmolLM2 : public test::TestCase {
  Q_OBJECT
 private Q_SLOTS:
  void initTestCase() {
    const auto goldens = test::shared_data() / "goldens";
    const auto path = models_folder() / (default_model_name() + ".gguf");
    QKSCOPE_REQUIRE_DATA(goldens);
    QKSCOPE_REQUIRE_DATA(path);
    std::ifstream file(goldens / "smollm2.json");
    golden_ = json::parse(file);
    norms_ = read_safetensors(goldens / "smollm2_passkey_M.safetensors");
    LoadOptions options;
    options.device = test::device();
    model_ = LanguageModel::load(path, options);
    runner_ = std::make_unique<Runner>(model_);
  }

  void tokenizes() {
    for (const auto& entry : golden_.at("tokenizer")) {
      QCOMPARE(model_->tokenizer().encode(entry.at("text").get<std::string>()),
               entry.at("ids").get<TokenIds>());
    }
  }

  void rendersChats() {
    for (const auto& [name, prompt] : golden_.at("prompts").items()) {
      const std::string rendered = model_->chat_format().render(prompt.at("user").get<std::string>());
      QCOMPARE(rendered, prompt.at("rendered").get<std::string>());
      QCOMPARE(model_->tokenize(rendered), prompt.at("ids").get<TokenIds>());
    }
  }

  void predictsTheNextToken() {
    for (const auto& [name, prompt] : golden_.at("prompts").items()) {
      RunRequest request;
      request.prompt = prompt.at("ids").get<TokenIds>();
      const Comparison comparison = runner_->compare(request);
      const auto& expected = prompt.at("next_token_top8");
      for (std::size_t i = 0; i < expected.size(); ++i) {
        const TokenProbability& token = comparison.baseline->next_tokens.at(i);
        QCOMPARE(token.id, expected[i][0].get<int>());
        QVERIFY(std::abs(token.logit - expected[i][1].get<double>()) < 1e-3);
      }
    }
  }

  /// Asked at once, prompts that begin alike are read on from there; every number is that of each asked
  /// alone.
  void beginningsAreReadOnce() {
    std::vector<RunRequest> requests(2);
    requests[0].prompt = requests[1].prompt = golden_.at("prompts").at("passkey").at("ids").get<TokenIds>();
    std::swap(requests[1].prompt.at(80), requests[1].prompt.at(81));
    for (RunRequest& request : requests) {
      request.edits = parse_edits("lambda 5 on Q");
      request.needs.norms = {Site::Query, Site::Key, Site::Value};
    }
    const auto runs = Runner(model_).run_all(requests);
    for (std::size_t i = 0; i < requests.size(); ++i) {
      const auto alone = Runner(model_).run(requests[i]);
      QVERIFY(runs[i]->capture == alone->capture);
      QVERIFY(runs[i]->next_tokens == alone->next_tokens);
    }
  }

  void measuresM() {
    const Capture capture = passkey_capture();
    for (const auto& [site, name] : norm_sites) {
      const Array& expected = norms_.arrays.at(name);  // (layer, head, head_dim)
      const std::size_t stride = expected.data.size() / static_cast<std::size_t>(expected.shape[0]);
      for (int l = 0; l < expected.shape[0]; ++l) {
        const Array* m = capture.norm(l, site);
        QVERIFY(m);
        QCOMPARE(m->data.size(), stride);
        for (std::size_t i = 0; i < stride; ++i) {
          const double e = relative(m->data[i], expected.data[static_cast<std::size_t>(l) * stride + i]);
          QVERIFY2(e < 1e-4, (name + " layer " + std::to_string(l) + " entry " + std::to_string(i) +
                              ": relative error " + std::to_string(e))
                                 .c_str());
        }
      }
    }
  }

  void countsMassiveValues() {
    const Capture capture = passkey_capture();
    const FrequencyAxis axis(model_->spec(), capture.positions);
    for (const auto& [site, name] : norm_sites) {
      const auto& expected = golden_.at("passkey_massive_values").at(name);
      for (const int lambda : {3, 4, 5, 6}) {
        const MassiveCount count = count_massive(capture.norms, site, lambda, axis);
        const auto& wanted = expected.at(std::to_string(lambda));
        QCOMPARE(count.massive, wanted.at("count").get<std::int64_t>());
        QCOMPARE(count.low_frequency_half, wanted.at("low_frequency_half").get<std::int64_t>());
      }
      const double strongest = massive_values(capture.norms, site, 3).front().ratio;
      QVERIFY(relative(strongest, expected.at("max_ratio").get<double>()) < 1e-4);
    }
  }

  void answersUnderEveryDisruption() {
    for (const auto& [name, prompt] : golden_.at("prompts").items()) {
      for (const auto& [key, answer] : prompt.at("answers").items()) {
        RunRequest request;
        request.prompt = prompt.at("ids").get<TokenIds>();
        request.edits = disruptions(key);
        request.max_new_tokens = 24;
        request.stop_tokens = model_->stop_tokens();
        const Comparison comparison = runner_->compare(request);
        const Run& run = comparison.disrupted ? *comparison.disrupted : *comparison.baseline;
        QVERIFY2(run.answer == answer.at("ids").get<TokenIds>(),
                 (name + ", " + key + ": \"" + model_->tokenizer().decode(run.answer) + "\", expected \"" +
                  answer.at("text").get<std::string>() + "\"")
                     .c_str());
      }
    }
  }

  void scoresTheText() {
    const auto& text = golden_.at("text");
    const TokenIds ids = text.at("ids").get<TokenIds>();
    for (const auto& [key, expected] : text.at("perplexity").items()) {
      const Perplexity perplexity = text_perplexity(*model_, ids, disruptions(key));
      const double e = relative(perplexity.value().value(), expected.get<double>());
      QVERIFY2(e < 1e-3, (key + ": relative error " + std::to_string(e)).c_str());
      if (key != "baseline") continue;
      for (std::size_t i = 0; i < text.at("nll_first_20").size(); ++i) {
        QVERIFY(std::abs(perplexity.nll[i] - text.at("nll_first_20")[i].get<double>()) < 1e-3);
      }
    }
  }

  void scoresContinuations() {
    for (const auto& entry : golden_.at("continuations").at("entries")) {
      const auto& prompt = golden_.at("prompts").at(entry.at("prompt").get<std::string>());
      for (const auto& [key, expected] : entry.at("perplexity").items()) {
        RunRequest request;
        request.prompt = prompt.at("ids").get<TokenIds>();
        request.edits = disruptions(key);
        request.expected = entry.at("ids").get<TokenIds>();
        request.score_continuation = true;
        const Comparison comparison = runner_->compare(request);
        const Run& run = comparison.disrupted ? *comparison.disrupted : *comparison.baseline;
        const double e = relative(run.continuation->value().value(), expected.get<double>());
        QVERIFY2(e < 1e-3, (key + ": relative error " + std::to_string(e)).c_str());
      }
    }
  }

  /// Every layer's largest activations, with and without BOS.
  void massiveActivations() {
    const json golden = golden_activations();
    for (const char* start : {"bos", "nobos"}) {
      RunRequest request;
      request.prompt = golden.at(start).at("ids").get<TokenIds>();
      request.needs.activations = {{Site::ResidPost}, {}, 3};
      const Capture capture = runner_->run(request)->capture;
      for (const auto& row : golden.at(start).at("rows")) {
        const ActivationSummary& found = capture.activations.at({row.at("layer"), Site::ResidPost});
        QVERIFY(relative(static_cast<double>(found.median), row.at("median")) < 1e-4);
        QCOMPARE(found.top.front().position, row.at("token").get<int>());
        QCOMPARE(found.top.front().dim, row.at("dim").get<int>());
        for (std::size_t i = 0; i < 3; ++i)
          QVERIFY(relative(std::abs(static_cast<double>(found.top.at(i).value)), row.at("top3").at(i)) <
                  1e-4);
        QCOMPARE(found.massive.size(), row.at("massive").size());
        for (std::size_t i = 0; i < found.massive.size(); ++i) {
          const auto& massive = row.at("massive").at(i);
          QCOMPARE(found.massive[i].position, massive.at(0).get<int>());
          QCOMPARE(found.massive[i].dim, massive.at(1).get<int>());
          QVERIFY(relative(static_cast<double>(found.massive[i].value), massive.at(2)) < 1e-4);
        }
      }
    }
  }

  /// Where they stand in WikiText, their means, and the perplexity without them.
  void massiveActivationsOfText() {
    const json golden = golden_activations().at("wikitext");
    const auto sequences = golden.at("seqs").get<std::vector<TokenIds>>();
    const ActivationStudy study;
    const MassiveTokens found = massive_tokens(*runner_, sequences, study);
    QCOMPARE(found.first_layer, golden.at("first_layer").get<int>());
    QCOMPARE(found.dims, golden.at("dims").get<std::vector<int>>());
    std::map<std::string, std::vector<int>> tokens;
    for (const auto& token : found.tokens) tokens[std::to_string(token.sequence)].push_back(token.position);
    QVERIFY(json(tokens) == golden.at("tokens"));
    QCOMPARE(found.means.size(), found.dims.size());
    for (std::size_t i = 0; i < found.means.size(); ++i) {
      QVERIFY(relative(static_cast<double>(*found.means[i].start), golden.at("mean_start").at(i)) < 1e-4);
      QVERIFY(relative(static_cast<double>(*found.means[i].other), golden.at("mean_other").at(i)) < 1e-4);
    }
    const auto perplexity = [&](const Edits& edits) { return perplexity_of(*runner_, sequences, edits); };
    using Set = ActivationEdit::Set;
    const Edit zero = published_edit(found, study, Set::Zero),
               mean = published_edit(found, study, Set::Mean, found.first_layer);
    QVERIFY(relative(perplexity({}), golden.at("ppl_original")) < 1e-4);
    QVERIFY(relative(perplexity({zero}), golden.at("ppl_zero")) < 1e-3);
    QVERIFY(relative(perplexity({parse_edit(to_text(mean))}), golden.at("ppl_mean")) < 1e-4);
    QVERIFY(relative(perplexity({control_of(zero, PickKind::Smallest)}), golden.at("ppl_original")) < 0.01);
  }

 private:
  static json golden_activations() {
    std::ifstream file(test::shared_data() / "goldens" / "smollm2_massive_activations.json");
    return json::parse(file);
  }
  Capture passkey_capture() {
    RunRequest request;
    request.prompt = golden_.at("prompts").at("passkey").at("ids").get<TokenIds>();
    for (const auto& [site, name] : norm_sites) request.needs.norms.insert(site);
    return runner_->compare(request).baseline->capture;
  }

  json golden_;
  ArrayFile norms_;
  std::shared_ptr<const LanguageModel> model_;
  std::unique_ptr<Runner> runner_;
};

QTEST_GUILESS_MAIN(TestSmolLM2)
#include "test_smollm2.moc"

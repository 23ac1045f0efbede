// The three perplexities, each against its definition computed by other means.
#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>

#include <cmath>

#include "core/analysis/massive_values.h"
#include "core/model/decoder.h"
#include "core/run/request_tap.h"
#include "core/run/runner.h"
#include "core/run/tensor_array.h"
#include "tests/support/tiny_model.h"

using namespace qkscope;

namespace {

const c10::InferenceMode inference;

double log_probability(const at::Tensor& logits, int id) {
  return at::log_softmax(logits.to(at::kDouble), -1)[id].item<double>();
}

/// exp(-mean log p) of `targets`, fed one at a time after `prompt`; `edits` in the prefill and, where
/// they say so, in every step.
double stepwise(const LanguageModel& model, const TokenIds& prompt, const TokenIds& targets,
                const Edits& edits, const Capture& clean) {
  const Decoder& decoder = model.decoder();
  Intervention intervention(edits, decoder.spec(), clean, test::device());
  RequestTap prefill(nullptr, &intervention, true), step(nullptr, &intervention, false);
  State cache(decoder.spec().num_layers());
  const at::Tensor residual =
      decoder.run_layers(decoder.embed(prompt, cache), 0, decoder.spec().num_layers(), cache, prefill);
  cache.advance(static_cast<int>(prompt.size()));
  at::Tensor logits = decoder.logits(residual, prefill)[-1];
  double sum = 0;
  for (const int id : targets) {
    sum += log_probability(logits, id);
    logits = decoder.step(id, cache, step)[0];
  }
  return std::exp(-sum / static_cast<double>(targets.size()));
}

/// exp(-mean log p) of ids[from...], all in one pass.
double one_pass(const LanguageModel& model, const TokenIds& ids, std::size_t from, const Edits& edits,
                const Capture& clean) {
  const Decoder& decoder = model.decoder();
  Intervention intervention(edits, decoder.spec(), clean, test::device());
  RequestTap tap(nullptr, &intervention, true);
  State cache(decoder.spec().num_layers());
  const at::Tensor logits = decoder.logits(
      decoder.run_layers(decoder.embed(ids, cache), 0, decoder.spec().num_layers(), cache, tap), tap);
  double sum = 0;
  for (std::size_t i = from; i < ids.size(); ++i)
    sum += log_probability(logits[static_cast<std::int64_t>(i) - 1], ids[i]);
  return std::exp(-sum / static_cast<double>(ids.size() - from));
}

TokenIds joined(TokenIds a, const TokenIds& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

double relative(const std::optional<Perplexity>& found, double expected) {
  return found && found->value() ? std::abs(*found->value() / expected - 1) : 1e9;
}

const TokenIds continuation = {5, 17, 40, 8, 77, 23, 61};

}  // namespace

class TestPerplexity : public test::TestCase {
  Q_OBJECT
 private Q_SLOTS:
  void uniformLogitsAreAsManyAsTheVocabulary() {
    const test::TinyModel files;
    files.change_weights([](auto& weights) { std::ranges::fill(weights.at("lm_head.weight").data, 0.0f); });
    const auto model = files.load();
    RunRequest request = request_of("llama-default", {"site=qkv,pick=largest:2"});
    const Comparison comparison = Runner(model).compare(request);
    for (const auto& run : {comparison.baseline, comparison.disrupted}) {
      for (const auto& found : {run->continuation, run->prompt_text, run->as_published})
        QVERIFY(relative(found, model->spec().vocab_size) < 1e-6);
    }
    QVERIFY(relative(text_perplexity(*model, request.prompt), 96) < 1e-6);
  }

  /// What a model would have had in the place of a scored token is what it would have said next after the
  /// tokens before it; and a runner that has scored before gives as many as are asked for.
  void alternativesAreTheNextTokensOfEveryPlace() {
    const auto model = test::TinyModel().load();
    RunRequest request = request_of("llama-default", {"site=q,pick=largest:2,layers=2"});
    request.top_scored_tokens = 3;
    Runner runner(model);
    const Comparison comparison = runner.compare(request);
    TokenIds text = request.prompt;
    text.insert(text.end(), continuation.begin(), continuation.end());
    for (const auto& run : {comparison.baseline, comparison.disrupted}) {
      QVERIFY(run->as_published->alternatives.empty());
      for (const Perplexity* score : {&*run->continuation, &*run->prompt_text}) {
        QCOMPARE(score->alternatives.size(), score->tokens.size());
        for (std::size_t i = 0; i < score->tokens.size(); ++i) {
          const auto& tokens = score->alternatives[i];
          QCOMPARE(tokens.size(), std::size_t{3});
          QVERIFY(tokens[0].probability >= tokens[1].probability &&
                  tokens[1].probability >= tokens[2].probability && tokens[2].probability > 0);
          for (const TokenProbability& token : tokens) {
            if (token.id == score->tokens[i])
              QVERIFY(std::abs(std::exp(-score->nll[i]) - token.probability) < 1e-5);
          }
        }
      }
    }
    for (const std::size_t length : {request.prompt.size() - 2, request.prompt.size(), text.size() - 1}) {
      RunRequest before;
      before.prompt.assign(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(length));
      const TokenProbability next = Runner(model).run(before)->next_tokens.front();
      const bool in_prompt = length < request.prompt.size();
      const Perplexity& score =
          in_prompt ? *comparison.baseline->prompt_text : *comparison.baseline->continuation;
      const auto& there = score.alternatives[in_prompt ? length - 1 : length - request.prompt.size()];
      QCOMPARE(there.front().id, next.id);
      QVERIFY(std::abs(there.front().probability - next.probability) < 1e-5);
    }
    for (const int count : {0, 2, 5, 1000, 1}) {
      request.top_scored_tokens = count;
      const Comparison again = runner.compare(request), fresh = Runner(model).compare(request);
      QVERIFY(again.baseline->prompt_text == fresh.baseline->prompt_text);
      QVERIFY(again.baseline->continuation == fresh.baseline->continuation);
      QVERIFY(again.disrupted->continuation == fresh.disrupted->continuation);
      const auto& lists = again.baseline->prompt_text->alternatives;
      QCOMPARE(lists.empty() ? 0 : lists.front().size(), static_cast<std::size_t>(std::min(count, 96)));
    }
  }

  /// (a) is the product of the probabilities that decode gives, step by step.
  void continuationIsDecode_data() { test::golden_rows(); }
  void continuationIsDecode() {
    QFETCH(QString, name);
    if (name.contains(QStringLiteral("dynamic")))
      QSKIP(
          "dynamic RoPE turns a key by the length there was when it was cached: one pass is not many steps");
    const auto model = test::TinyModel(name.toStdString()).load();
    Runner runner(model);
    for (const char* settings :
         {"", "site=q,pick=largest:2", "site=qk,pick=largest:1,pool=chosen,mask=live,cache=clean",
          "site=qkv,pick=largest:2,phase=every", "site=kv,pick=lambda:1.5,phase=every,mask=live,cache=clean",
          "site=k,pick=smallest:3,replace=max,layers=2"}) {
      const RunRequest request = request_of(name.toStdString(), {settings});
      const Comparison comparison = runner.compare(request);
      const Run& run = comparison.disrupted ? *comparison.disrupted : *comparison.baseline;
      QCOMPARE(run.continuation->tokens, continuation);
      QCOMPARE(run.continuation->nll.size(), continuation.size());
      const double expected =
          stepwise(*model, request.prompt, continuation, request.edits, comparison.baseline->capture);
      QVERIFY2(relative(run.continuation, expected) < 1e-4, settings);
    }
  }

  /// (b) and (c) are one pass each, the masks of a clean pick those of the very tokens in that pass.
  void textsAreOnePass_data() { test::golden_rows(); }
  void textsAreOnePass() {
    QFETCH(QString, name);
    const auto model = test::TinyModel(name.toStdString()).load();
    Runner runner(model);
    for (const char* settings :
         {"", "site=q,pick=largest:2", "site=qk,pick=largest:1,pool=chosen,mask=live",
          "site=kv,pick=lambda:2,cache=clean", "site=qkv,pick=random:2,layers=2,phase=every"}) {
      const RunRequest request = request_of(name.toStdString(), {settings});
      const TokenIds all = joined(request.prompt, continuation);
      const auto clean = [&](const TokenIds& ids) {
        RunRequest plain;
        plain.prompt = ids;
        plain.needs.norms = {Site::Query, Site::Key, Site::Value};
        return runner.compare(plain).baseline->capture;
      };
      const Comparison comparison = runner.compare(request);
      const Run& run = comparison.disrupted ? *comparison.disrupted : *comparison.baseline;
      const double text = one_pass(*model, request.prompt, 1, request.edits, clean(request.prompt));
      QVERIFY2(relative(run.prompt_text, text) < 1e-4, settings);
      QVERIFY2(relative(text_perplexity(*model, request.prompt, request.edits), text) < 1e-4, settings);
      const double published = one_pass(*model, all, request.prompt.size(), request.edits, clean(all));
      QVERIFY2(relative(run.as_published, published) < 1e-4, settings);
      QCOMPARE(run.as_published->tokens, continuation);
      QCOMPARE(run.as_published->nll.size(), continuation.size());
    }
  }

  /// Undisrupted, the continuation after the cache and in one pass are one number; disrupted they are two.
  void publishedDiffersUnderDisruption() {
    const auto model = test::TinyModel().load();
    const Comparison comparison =
        Runner(model).compare(request_of("llama-default", {"site=q,pick=largest:2"}));
    QVERIFY(relative(comparison.baseline->as_published, *comparison.baseline->continuation->value()) < 1e-4);
    QVERIFY(relative(comparison.disrupted->as_published, *comparison.disrupted->continuation->value()) >
            1e-2);
  }

  /// With zero in every step the disrupted columns are zero at every position, as in one pass.
  void everyStepOfZeroIsOnePass() {
    const auto model = test::TinyModel("mistral-full").load();
    const RunRequest request =
        request_of("mistral-full", {"site=qkv,pick=largest:3,replace=zero,phase=every"});
    const Comparison comparison = Runner(model).compare(request);
    const double expected = one_pass(*model, joined(request.prompt, continuation), request.prompt.size(),
                                     request.edits, comparison.baseline->capture);
    QVERIFY(relative(comparison.disrupted->continuation, expected) < 1e-4);
    QVERIFY(relative(comparison.baseline->continuation, expected) > 1e-2);
  }

  void phasePrefillLeavesDecodeAlone() {
    const auto model = test::TinyModel().load();
    Runner runner(model);
    const Run prefill = *runner.compare(request_of("llama-default", {"site=qk,pick=largest:2"})).disrupted;
    const Run every =
        *runner.compare(request_of("llama-default", {"site=qk,pick=largest:2,phase=every"})).disrupted;
    QCOMPARE(prefill.capture, every.capture);
    QCOMPARE(prefill.next_tokens, every.next_tokens);
    QCOMPARE(prefill.continuation->nll[0], every.continuation->nll[0]);
    for (std::size_t i = 1; i < continuation.size(); ++i)
      QVERIFY(std::abs(prefill.continuation->nll[i] - every.continuation->nll[i]) > 1e-4f);
  }

  /// The continuation is the expected one, else the baseline's answer, for both runs.
  void withoutAnExpectedAnswerTheBaselinesIsScored() {
    const auto model = test::TinyModel().load();
    RunRequest request = request_of("llama-default", {"site=qk,pick=largest:4"});
    request.expected.clear();
    request.max_new_tokens = 6;
    const Comparison comparison = Runner(model).compare(request);
    QVERIFY(comparison.disrupted->answer != comparison.baseline->answer);
    for (const auto& run : {comparison.baseline, comparison.disrupted}) {
      QCOMPARE(run->continuation->tokens, comparison.baseline->answer);
      QCOMPARE(run->as_published->tokens, comparison.baseline->answer);
    }
  }

  /// 0 and 1 token have no perplexity: nothing, not NaN and not 1.
  void nothingToScoreIsSaid() {
    const auto model = test::TinyModel().load();
    for (const TokenIds& ids : {TokenIds{}, TokenIds{1}}) {
      const Perplexity perplexity = text_perplexity(*model, ids, {parse_disruption("published")});
      QVERIFY(perplexity.nll.empty() && perplexity.tokens.empty());
      QVERIFY(!perplexity.value());
    }
    RunRequest request = request_of("llama-default", {"site=q,pick=largest:2"});
    request.prompt = {1};
    request.expected.clear();
    request.max_new_tokens = 0;
    const Comparison comparison = Runner(model).compare(request);
    for (const auto& run : {comparison.baseline, comparison.disrupted}) {
      for (const auto& found : {run->continuation, run->prompt_text, run->as_published}) {
        QVERIFY(found);
        QVERIFY(found->nll.empty());
        QVERIFY(!found->value());
      }
    }
    request.expected = {30};  // one token after the prompt is scored
    for (const auto& found : {Runner(model).compare(request).baseline->continuation,
                              Runner(model).compare(request).baseline->as_published}) {
      QCOMPARE(found->nll.size(), 1u);
      QVERIFY(std::isfinite(*found->value()));
    }
  }

  /// Longer than the rows the head is applied to at a time.
  void longTexts() {
    const auto model = test::TinyModel().load();
    TokenIds ids = {1};
    for (int i = 0; i < 299; ++i) ids.push_back(3 + i * 37 % 93);
    const Perplexity perplexity = text_perplexity(*model, ids);
    QCOMPARE(perplexity.nll.size(), 299u);
    QVERIFY(relative(perplexity, one_pass(*model, ids, 1, {}, {})) < 1e-4);
  }

  /// A KV head that serves two query heads is two equal KV heads that serve one each.
  void groupedHeadsAreRepeatedHeads() {
    const test::TinyModel grouped, repeated;  // 4 query heads, 2 KV heads, of 16 dims
    repeated.change_config([](nlohmann::json& config) { config["num_key_value_heads"] = 4; });
    repeated.change_weights([](std::map<std::string, Array>& weights) {
      for (auto& [name, array] : weights) {
        if (name.find("k_proj.weight") == name.npos && name.find("v_proj.weight") == name.npos) continue;
        std::vector<float> twice;
        const std::ptrdiff_t head = 16 * array.shape[1];
        for (auto start = array.data.begin(); start != array.data.end(); start += head) {
          for (int copy = 0; copy < 2; ++copy) twice.insert(twice.end(), start, start + head);
        }
        array.shape[0] *= 2;
        array.data = twice;
      }
    });
    Runner one(grouped.load()), other(repeated.load());
    // Heads 3 and 4 share the second KV head, whichever of them is named.
    for (const auto& [settings, of_repeated] :
         {std::pair{"site=q,pick=largest:2,heads=2", "site=q,pick=largest:2,heads=2"},
          {"site=kv,pick=largest:2", "site=kv,pick=largest:2"},
          {"site=kv,pick=largest:2,heads=3", "site=kv,pick=largest:2,heads=3-4"},
          {"site=k,pick=lambda:1.5,heads=1,4,mask=live", "site=k,pick=lambda:1.5,mask=live"}}) {
      const Comparison a = one.compare(request_of("llama-default", {settings}));
      const Comparison b = other.compare(request_of("llama-default", {of_repeated}));
      QVERIFY2(relative(b.baseline->continuation, *a.baseline->continuation->value()) < 1e-4, settings);
      QVERIFY2(relative(b.disrupted->continuation, *a.disrupted->continuation->value()) < 1e-4, settings);
      QVERIFY2(relative(a.disrupted->continuation, *a.baseline->continuation->value()) > 1e-3, settings);
    }
  }

 private:
  /// All three perplexities of `continuation` after a golden's prompt. An empty setting is no disruption.
  static RunRequest request_of(const std::string& name, const std::vector<std::string>& disruptions) {
    RunRequest request;
    request.prompt = test::golden_prompt(name);
    for (const std::string& text : disruptions) {
      if (!text.empty()) request.edits.push_back(parse_disruption(text));
    }
    request.needs.norms = {Site::Query, Site::Key, Site::Value};
    request.expected = continuation;
    request.score_continuation = request.score_prompt = request.score_as_published = true;
    return request;
  }
};

QTEST_GUILESS_MAIN(TestPerplexity)
#include "test_perplexity.moc"

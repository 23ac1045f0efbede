// Answers: greedy, drawn, stopped.
#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>

#include <filesystem>
#include <numeric>
#include <set>

#include "core/model/decoder.h"
#include "core/run/generate.h"
#include "core/run/request_tap.h"
#include "core/run/runner.h"
#include "tests/support/errors.h"
#include "tests/support/tiny_model.h"

using namespace qkscope;

namespace {

const c10::InferenceMode inference;

constexpr const char* golden_name = "llama-default";

/// Logits of a model of our own making: step() is never asked, one token is drawn.
int drawn(const LanguageModel& model, const at::Tensor& logits, const Sampling& sampling) {
  State cache(model.spec().num_layers());
  RunRequest request;
  request.max_new_tokens = 1;
  request.sampling = sampling;
  return generate(model.decoder(), logits, cache, request, nullptr, {}, {}).ids.at(0);
}

}  // namespace

class TestGenerate : public test::TestCase {
  Q_OBJECT
 private Q_SLOTS:
  void initTestCase() {
    files_ = std::make_unique<test::TinyModel>(golden_name);
    model_ = files_->load();
    prompt_ = test::golden_prompt(golden_name);
  }

  /// Each token is the argmax after a pass of its own over everything before it.
  void greedyIsArgmax_data() { test::golden_rows(); }
  void greedyIsArgmax() {
    QFETCH(QString, name);
    if (name.contains(QStringLiteral("dynamic")))
      QSKIP("dynamic RoPE turns cached keys differently, as published");
    const auto model = test::TinyModel(name.toStdString()).load();
    TokenIds ids = test::golden_prompt(name.toStdString());
    RunRequest request;
    request.prompt = ids;
    request.max_new_tokens = 8;
    const TokenIds answer = Runner(model).compare(request).baseline->answer;
    QCOMPARE(answer.size(), 8u);
    for (const int id : answer) {
      State cache(model->spec().num_layers());
      Tap tap;
      const at::Tensor residual = model->decoder().run_layers(model->decoder().embed(ids, cache), 0,
                                                              model->spec().num_layers(), cache, tap);
      QCOMPARE(id,
               static_cast<int>(model->decoder().logits(residual, tap)[-1].argmax().item<std::int64_t>()));
      ids.push_back(id);
    }
  }

  void greedyIsTheGolden() {
    const auto expected = read_safetensors(test::golden("models") / golden_name / "expected.safetensors")
                              .integers.at("continuation");
    RunRequest request = answer_request({}, static_cast<int>(expected.size()));
    const Comparison comparison = Runner(model_).compare(request);
    QCOMPARE(comparison.baseline->answer, TokenIds(expected.begin(), expected.end()));
    QVERIFY(!comparison.baseline->stopped);
    QCOMPARE(Runner(model_).compare(request).baseline->answer, comparison.baseline->answer);
    QCOMPARE(comparison.baseline->next_tokens.at(0).id, comparison.baseline->answer.at(0));
  }

  void equalLogitsGiveTheLowerId() {
    const at::Tensor logits = at::zeros({96});
    logits.index_put_({at::tensor({70, 20, 41})}, at::scalar_tensor(3.0));
    QCOMPARE(drawn(*model_, logits, {}), 20);
  }

  void sameSeedSameAnswer() {
    const Sampling one{1.0, 1.0, 0, 11}, other{1.0, 1.0, 0, 12};
    const TokenIds first = answer(one);
    QCOMPARE(answer(one), first);
    QVERIFY(answer(other) != first);
    QVERIFY(first != answer({}));
    // A Runner that answered greedily before gives the drawn answer all the same, and back.
    Runner runner(model_);
    const TokenIds greedy = runner.compare(answer_request({}, 24)).baseline->answer;
    QCOMPARE(runner.compare(answer_request(one, 24)).baseline->answer, first);
    QCOMPARE(runner.compare(answer_request({}, 24)).baseline->answer, greedy);
  }

  void narrowSamplingIsGreedy() {
    const TokenIds greedy = answer({});
    for (const std::uint64_t seed : {0u, 1u, 2u}) {
      QCOMPARE(answer({1.5, 1.0, 1, seed}), greedy);   // top_k = 1
      QCOMPARE(answer({1.5, 1e-9, 0, seed}), greedy);  // top_p tiny
      QCOMPARE(answer({1.5, 0.0, 0, seed}), greedy);
      QCOMPARE(answer({1e-4, 1.0, 0, seed}), greedy);   // cold
      QCOMPARE(answer({1e-45, 1.0, 0, seed}), greedy);  // colder than a float can divide by
    }
  }

  /// Draws follow the softmax at the temperature, within what top_k and top_p leave.
  void drawsFollowTheProbabilities_data() {
    QTest::addColumn<double>("temperature");
    QTest::addColumn<double>("topP");
    QTest::addColumn<int>("topK");
    QTest::addColumn<int>("kept");
    QTest::newRow("all") << 1.0 << 1.0 << 0 << 4;
    QTest::newRow("hot") << 4.0 << 1.0 << 0 << 4;
    QTest::newRow("top_k 2") << 1.0 << 1.0 << 2 << 2;
    QTest::newRow("top_p 0.5: the first that reach it") << 1.0 << 0.5 << 0 << 2;
    QTest::newRow("top_p 0.75") << 1.0 << 0.75 << 0 << 3;
    QTest::newRow("both") << 1.0 << 0.9 << 3 << 3;
  }
  void drawsFollowTheProbabilities() {
    QFETCH(double, temperature);
    QFETCH(double, topP);
    QFETCH(int, topK);
    QFETCH(int, kept);
    const std::vector<int> ids = {50, 7, 90, 30};  // most probable first: 0.4, 0.3, 0.2, 0.1
    const at::Tensor logits = at::full({96}, -1e9, at::kFloat);
    std::vector<double> expected;
    for (std::size_t i = 0; i < 4; ++i) {
      const double p = 0.4 - 0.1 * static_cast<double>(i);
      logits[ids[i]] = std::log(p);
      expected.push_back(static_cast<int>(i) < kept ? std::pow(p, 1 / temperature) : 0.0);
    }
    const double sum = std::accumulate(expected.begin(), expected.end(), 0.0);
    constexpr int draws = 4000;
    std::map<int, int> hits;
    for (int seed = 0; seed < draws; ++seed)
      ++hits[drawn(*model_, logits, {temperature, topP, topK, static_cast<std::uint64_t>(seed)})];
    for (std::size_t i = 0; i < 4; ++i) {
      const double share = static_cast<double>(hits[ids[i]]) / draws, p = expected[i] / sum;
      QVERIFY2(std::abs(share - p) <= 5 * std::sqrt(p * (1 - p) / draws), qPrintable(QString::number(share)));
    }
    QCOMPARE(hits.size(), 4u);  // none besides, counted with zeros
  }

  void stopTokensEndTheAnswer() {
    const TokenIds whole = answer({});
    RunRequest request = answer_request({}, 24);
    request.stop_tokens = {0, whole.at(4)};
    const auto end = std::ranges::find(whole, whole.at(4)) + 1;
    const Run run = *Runner(model_).compare(request).baseline;
    QCOMPARE(run.answer, TokenIds(whole.begin(), end));
    QVERIFY(run.stopped);
    request.stop_tokens = {2};
    QVERIFY(std::ranges::find(whole, 2) == whole.end());
    const Run other = *Runner(model_).compare(request).baseline;
    QCOMPARE(other.answer, whole);
    QVERIFY(!other.stopped);
  }

  /// A Runner asked for another length or other stops answers anew.
  void theAnswerIsThatOfTheRequest() {
    Runner runner(model_);
    const TokenIds whole = runner.compare(answer_request({}, 24)).baseline->answer;
    for (const int length : {0, 3, 24, 5}) {
      const Run run = *runner.compare(answer_request({}, length)).baseline;
      QCOMPARE(run.answer, TokenIds(whole.begin(), whole.begin() + length));
    }
    RunRequest request = answer_request({}, 24);
    request.stop_tokens = {whole.at(1)};
    QVERIFY(runner.compare(request).baseline->answer.size() <= 2);
    QCOMPARE(runner.compare(answer_request({}, 24)).baseline->answer, whole);
  }

  void tokensAreToldAsTheyCome() {
    TokenIds told;
    RunEvents events;
    events.token = [&](Arm, int id) { told.push_back(id); };
    QCOMPARE(Runner(model_).compare(answer_request({}, 9), events).baseline->answer, told);
  }

  /// Cached keys and values outgrow their first buffer many times over; the answer does not notice.
  void longAnswers() {
    Runner runner(model_);
    const TokenIds whole = runner.compare(answer_request({}, 200)).baseline->answer;
    QCOMPARE(whole.size(), 200u);
    RunRequest request = answer_request({}, 60);
    request.prompt.insert(request.prompt.end(), whole.begin(), whole.begin() + 140);
    QCOMPARE(runner.compare(request).baseline->answer, TokenIds(whole.begin() + 140, whole.end()));
  }

  void topTokensAreSorted() {
    const at::Tensor logits = at::arange(96, at::kFloat);
    const auto top = top_tokens(logits, 3);
    QCOMPARE(top.size(), 3u);
    double sum = 0;
    for (const TokenProbability& token : top_tokens(logits, 1000)) sum += token.probability;
    QVERIFY(std::abs(sum - 1) < 1e-5);
    for (int i = 0; i < 3; ++i) {
      QCOMPARE(top[static_cast<std::size_t>(i)].id, 95 - i);
      QCOMPARE(top[static_cast<std::size_t>(i)].logit, static_cast<float>(95 - i));
      QVERIFY(std::abs(top[static_cast<std::size_t>(i)].probability - std::exp(-i) * (1 - std::exp(-1))) <
              1e-5);
    }
    QVERIFY(top_tokens(logits, 0).empty());
  }

  /// Whatever layers a model has, a sequence's numbers are its own: to the last bit where blocks are
  /// multiplied.
  void stepsSideBySide_data() {
    QTest::addColumn<QString>("name");
    for (const char* folder : {"models", "families"}) {
      for (const auto& entry : std::filesystem::directory_iterator(test::golden(folder)))
        QTest::addRow("%s/%s", folder, entry.path().filename().c_str())
            << QStringLiteral("../") + QString::fromLatin1(folder) + QLatin1Char('/') +
                   QString::fromStdString(entry.path().filename().string());
    }
  }
  void stepsSideBySide() {
    QFETCH(QString, name);
    const test::TinyModel files(name.toStdString());
    std::vector<std::pair<const char*, const char*>> kinds = {{"stored", "float32"}, {"float", "float32"}};
    if (!test::on_cpu()) kinds = {{"float", "float32"}, {"float", "bfloat16"}};
    for (const auto& [weights, dtype] : kinds) {
      LoadOptions options;
      options.device = test::device();
      options.weights = weights;
      options.dtype = dtype;
      const float most = options.dtype == "float32" ? 1e-5f : 5e-2f;
      const auto model = LanguageModel::load(files.folder(), options);
      const Decoder& decoder = model->decoder();
      const int layers = model->spec().num_layers();
      Tap tap;
      std::vector<State> together, alone;
      std::vector<State*> states;
      for (const TokenIds& prompt :
           {TokenIds{3, 1, 4, 1, 5}, TokenIds{2, 7}, TokenIds{9, 2, 6, 5, 3, 5, 8}}) {
        State state(layers);
        decoder.run_layers(decoder.embed(prompt, state), 0, layers, state, tap);
        state.advance(static_cast<int>(prompt.size()));
        together.push_back(state.fork());
        alone.push_back(std::move(state));
      }
      for (State& state : together) states.push_back(&state);
      for (const TokenIds& ids : {TokenIds{11, 12, 13}, TokenIds{5, 5, 6}}) {
        const at::Tensor all = decoder.step(ids, states, tap);
        for (std::size_t i = 0; i < ids.size(); ++i) {
          const at::Tensor one = decoder.step(ids[i], alone[i], tap)[0];
          const at::Tensor row = all[static_cast<std::int64_t>(i)];
          QCOMPARE(states[i]->length(), alone[i].length());
          if (decoder.rows_stand_alone()) {
            QVERIFY2(row.equal(one), dtype);
          } else {
            QVERIFY2((row - one).abs().max().item<float>() < most * one.abs().max().item<float>(), weights);
          }
        }
      }
    }
  }

  /// Several questions at once give what each gives alone: of one prompt and of others, drawn and greedy,
  /// with edits that end with the prompt and those that go on.
  void allIsEach_data() {
    QTest::addColumn<QString>("weights");
    QTest::newRow("stored") << QStringLiteral("stored");
    QTest::newRow("float") << QStringLiteral("float");
  }
  void allIsEach() {
    QFETCH(QString, weights);
    LoadOptions options;
    options.device = test::device();
    options.weights = weights.toStdString();
    const auto model = LanguageModel::load(files_->folder(), options);
    QCOMPARE(model->decoder().rows_stand_alone(), weights == QStringLiteral("stored") || !test::on_cpu());
    std::vector<RunRequest> requests;
    const auto add = [&](const TokenIds& prompt, const char* edits, int length, double temperature,
                         const TokenIds& expected) {
      RunRequest request;
      request.prompt = prompt;
      request.edits = parse_edits(edits);
      request.max_new_tokens = length;
      request.sampling.temperature = temperature;
      request.sampling.seed = requests.size();
      request.expected = expected;
      request.score_continuation = true;
      requests.push_back(request);
    };
    const TokenIds other(prompt_.begin(), prompt_.end() - 3);
    for (const char* edits : {"", "site=q,pick=lambda:1.5,replace=zero", "site=k,pick=largest:1,phase=every",
                              "site=qk,pick=largest:2", "site=v,pick=largest:3"}) {
      add(prompt_, edits, 7, 0, {4, 8});
      add(other, edits, 5, 0.9, {4, 8});
    }
    add(prompt_, "site=q,pick=largest:1", 0, 0, {7});
    add(other, "", 6, 0, {});  // scored on its own answer
    requests.front().stop_tokens = {Runner(model).run(requests.front())->answer.at(2)};
    Runner runner(model);
    const auto runs = runner.run_all(requests);
    QCOMPARE(runs.size(), requests.size());
    QVERIFY(runs.front()->stopped);
    std::set<TokenIds> answers;
    for (std::size_t i = 0; i < requests.size(); ++i) {
      const auto one = Runner(model).run(requests[i]);
      QCOMPARE(runs[i]->answer, one->answer);
      QCOMPARE(runs[i]->stopped, one->stopped);
      QCOMPARE(runs[i]->replaced, one->replaced);
      QVERIFY(runs[i]->continuation == one->continuation);
      QVERIFY(runs[i]->next_tokens == one->next_tokens);
      answers.insert(one->answer);
    }
    QVERIFY(answers.size() > 5);
    QVERIFY(runner.run_all({}).empty());
    requests.at(3).prompt.clear();
    QKSCOPE_EXPECT_ERROR(runner.run_all(requests), "no tokens");
  }

 private:
  RunRequest answer_request(const Sampling& sampling, int length) const {
    RunRequest request;
    request.prompt = prompt_;
    request.max_new_tokens = length;
    request.sampling = sampling;
    return request;
  }
  TokenIds answer(const Sampling& sampling) const {
    return Runner(model_).compare(answer_request(sampling, 24)).baseline->answer;
  }

  std::unique_ptr<test::TinyModel> files_;
  std::shared_ptr<const LanguageModel> model_;
  TokenIds prompt_;
};

QTEST_GUILESS_MAIN(TestGenerate)
#include "test_generate.moc"

// A trained model of 260 thousand parameters under every replacement, against an independent reference.
#include <cmath>

#include "core/analysis/massive_values.h"
#include "core/model/language_model.h"
#include "core/run/runner.h"
#include "tests/support/activation_dumps.h"
#include "tests/support/test_device.h"

using namespace qkscope;

class TestStories260K : public test::TestCase {
  Q_OBJECT
 private Q_SLOTS:
  void initTestCase() {
    const auto golden = test::shared_data() / "goldens" / "stories260K_disruption.json";
    const auto folder = test::shared_data() / "models" / "stories260K";
    QKSCOPE_REQUIRE_DATA(golden);
    QKSCOPE_REQUIRE_DATA(folder);
    golden_ = test::read_json(golden).at("stories260K@lambda3.0");
    tokens_ = golden_.at("prompt_tokens").get<TokenIds>();
    LoadOptions options;
    options.device = test::device();
    options.threads = 1;  // others wait for one another longer than they compute
    model_ = LanguageModel::load(folder, options);
    RunRequest request;
    request.prompt = tokens_;
    request.needs.norms = {Site::Query, Site::Key};
    capture_ = Runner(model_).compare(request).baseline->capture;
  }

  /// The reference read the first story of the sample, line breaks as spaces, after BOS.
  void tokenizes() {
    const auto path = test::shared_data() / "text" / "tinystories_sample.txt";
    QKSCOPE_REQUIRE_DATA(path);
    std::ifstream file(path);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    const QString story = QString::fromStdString(text.substr(0, text.find("<|"))).trimmed();
    QCOMPARE(model_->tokenize(QString(story).replace(QLatin1Char('\n'), QLatin1Char(' ')).toStdString()),
             tokens_);
  }

  void measuresM() {
    const auto& layers = golden_.at("M_Q_post_rope");
    QCOMPARE(layers.size(), 5u);
    for (std::size_t l = 0; l < layers.size(); ++l) {
      const Array* m = capture_.norm(static_cast<int>(l), Site::Query);
      QVERIFY(m);
      QCOMPARE(m->shape, (std::vector<std::int64_t>{8, 8}));
      for (std::size_t i = 0; i < 64; ++i) {
        const double expected = layers[l][i / 8][i % 8].get<double>();
        const double e = std::abs(static_cast<double>(m->data[i]) / expected - 1);
        QVERIFY2(e < 1e-4,
                 qPrintable(QStringLiteral("layer %1 entry %2: relative error %3").arg(l).arg(i).arg(e)));
      }
    }
  }

  void countsMassiveValues() {
    for (const auto& [site, name] : {std::pair{Site::Query, "Q"}, {Site::Key, "K"}}) {
      const auto expected = golden_.at("count_post_rope").at(name).get<std::vector<int>>();
      std::vector<int> found(expected.size());
      for (const MassiveValue& v : massive_values(capture_.norms, site, golden_.at("lambda_").get<double>()))
        ++found.at(static_cast<std::size_t>(v.where.layer));
      QCOMPARE(found, expected);
    }
  }

  void scoresTheBaseline() {
    compare(text_perplexity(*model_, tokens_), golden_.at("ppl_base").get<double>());
  }

  /// The lambda = 3 massive values of Q and K, and as many of the smallest, as each of the four constants.
  void scoresEveryReplacement_data() {
    QTest::addColumn<QString>("key");
    QTest::addColumn<QString>("pick");
    QTest::addColumn<QString>("replace");
    for (const char* replace : {"mean", "zero", "max", "min"}) {
      QTest::addRow("massive, %s", replace) << "ppl_disrupt_massive"
                                            << "lambda:3" << replace;
      QTest::addRow("smallest, %s", replace) << "ppl_disrupt_smallest_same_count"
                                             << "smallest:lambda:3" << replace;
    }
  }
  void scoresEveryReplacement() {
    QFETCH(QString, key);
    QFETCH(QString, pick);
    QFETCH(QString, replace);
    const Disruption d = parse_disruption("site=qk,pool=head,mask=clean,pick=" + pick.toStdString() +
                                          ",replace=" + replace.toStdString());
    const double expected = golden_.at(key.toStdString()).at(replace.toStdString()).get<double>();
    compare(text_perplexity(*model_, tokens_, {d}), expected);
    // The same through a request, which starts at the first layer that has such values.
    RunRequest request;
    request.prompt = tokens_;
    request.edits = {d};
    request.score_prompt = true;
    const auto run = Runner(model_).compare(request).disrupted;
    compare(run->prompt_text.value(), expected);
    QCOMPARE(run->replaced, std::int64_t(0 + 0 + 0 + 2 + 1 + 1 + 2 + 1 + 3 + 1));
  }

 private:
  static void compare(const Perplexity& perplexity, double expected) {
    QVERIFY(perplexity.value());
    const double e = std::abs(*perplexity.value() / expected - 1);
    QVERIFY2(e < 1e-3, qPrintable(QStringLiteral("%1, expected %2").arg(*perplexity.value()).arg(expected)));
  }

  nlohmann::json golden_;
  TokenIds tokens_;
  std::shared_ptr<const LanguageModel> model_;
  Capture capture_;
};

QTEST_GUILESS_MAIN(TestStories260K)
#include "test_stories260k.moc"

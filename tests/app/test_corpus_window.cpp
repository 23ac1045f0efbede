#include <QApplication>
#include <QLabel>
#include <QPushButton>
#include <QSpinBox>
#include <QStandardItemModel>
#include <QTableView>
#include <cmath>

#include "app/corpus_form.h"
#include "app/corpus_window.h"
#include "app/theme.h"
#include "core/base/budget.h"
#include "core/io/text_rows.h"
#include "core/tasks/activation_tables.h"
#include "tests/app/loaded_window_test.h"
#include "tests/support/file_bytes.h"
#include "views/curve_plot.h"
#include "views/published_activations.h"

namespace qkscope::test {

namespace {

const ActivationRule rule{0, 4};  // which finds something in a random model

bool close(double a, double b, double by = 1e-5) {
  return std::abs(a - b) <= by * std::max(1.0, std::abs(b));
}

}  // namespace

/// Massive activations over a corpus from the window: run, paused, found again, looked at in the window.
class TestCorpusWindow : public LoadedWindowTestCase {
  Q_OBJECT

  QString corpus(const char* name, std::size_t letters) const {
    QByteArray text;
    for (std::size_t i = 0; i < letters; ++i) text += static_cast<char>('a' + (i * i + i / 7) % 26);
    return writeFile(QLatin1String(name), text);
  }

  struct Parts {
    Ready ready;
    CorpusWindow* window = nullptr;
    QPushButton* start = nullptr;
    explicit Parts(const QString& path, int sequences = 5, const ActivationRule& massive = rule) {
      Look look = ready.window.state().look();
      look.activations = massive;
      ready.window.state().setLook(look);
      ready.window.commands().run(QStringLiteral("corpora"));
      window = ready.window.findChild<CorpusWindow*>();
      start = part<QPushButton>("corpusStart");
      part<CorpusForm>("corpusForm")->setTests({});
      part<CorpusForm>("corpusForm")->setCorpus(path);
      part<QSpinBox>("corpusLength")->setValue(16);
      part<QSpinBox>("corpusSequences")->setValue(sequences);
    }
    template <typename Widget>
    Widget* part(const char* name) const {
      return window->findChild<Widget*>(QLatin1String(name));
    }
    const CorpusFindings& findings() const { return window->runner().told().findings; }
    QString said() const {
      auto* label = part<QLabel>("corpusMessage");
      return label->isHidden() ? QString() : label->text();
    }
    QString cell(const char* table, int row, auto column) const {
      const QAbstractItemModel* rows = part<QTableView>(table)->model();
      return rows->index(row, static_cast<int>(column)).data().toString();
    }
    int rows(const char* table) const { return part<QTableView>(table)->model()->rowCount(); }
    const std::shared_ptr<const LanguageModel>& model() { return ready.window.session().model(); }
    bool ran() const {
      return QTest::qWaitFor([this] { return !window->runner().isRunning(); }, 60000);
    }
  };

  static CorpusChoice choice(int sequences) {
    CorpusChoice made;
    made.context_length = 16;
    made.sequences = sequences;
    return made;
  }

  /// What the window shows against the experiments themselves.
  static void compare(Parts& parts, const std::vector<TokenIds>& sequences) {
    const CorpusFindings& found = parts.findings();
    Runner runner(parts.model());
    const ActivationStudy study{Site::ResidPost, rule, 3};
    const auto layers = layer_existence(runner, sequences, study, false);
    QCOMPARE(found.layers.size(), layers.size());
    for (std::size_t i = 0; i < layers.size(); ++i) {
      QVERIFY(close(found.layers[i].max, layers[i].max));
      QCOMPARE(found.layers[i].massive, layers[i].massive);
    }
    const MassiveTokens tokens = massive_tokens(runner, sequences, study);
    QCOMPARE(found.tokens.dims, tokens.dims);
    QVERIFY(close(found.tokens.mean, tokens.mean));
    const auto arms = intervention_arms(tokens, study);
    QCOMPARE(found.arms.size(), arms.size());
    for (std::size_t i = 0; i < arms.size(); ++i) {
      QCOMPARE(found.arms[i].arm.name, arms[i].name);
      QVERIFY(close(found.arms[i].perplexities.at(0).second, perplexity_of(runner, sequences, arms[i].edits),
                    1e-3));
    }
  }

  /// By the rule itself, out of all numbers of every layer.
  static std::vector<MassivePlace> places(const std::shared_ptr<const LanguageModel>& model,
                                          const std::vector<TokenIds>& sequences) {
    std::map<std::array<int, 4>, std::vector<double>> sizes;
    for (const TokenIds& sequence : sequences) {
      RunRequest request;
      request.prompt = sequence;
      request.needs.values = {Site::ResidPost};
      const auto run = Runner(model).run(request);
      for (int layer = 0; layer < model->spec().num_layers(); ++layer) {
        const Array& h = *run->capture.value(layer, Site::ResidPost);
        std::vector<float> sorted = h.data;
        for (float& value : sorted) value = std::abs(value);
        std::ranges::sort(sorted);
        const auto median = static_cast<double>(sorted[(sorted.size() - 1) / 2]);
        bool any = false;
        for (std::int64_t t = 0; t < h.size(0); ++t) {
          for (std::int64_t d = 0; d < h.size(1); ++d) {
            const auto size = std::abs(static_cast<double>(h.at(t, d)));
            if (!rule.takes(size, median)) continue;
            any = true;
            sizes[{layer, static_cast<int>(t), sequence[static_cast<std::size_t>(t)], static_cast<int>(d)}]
                .push_back(size);
          }
        }
        if (any) break;
      }
    }
    std::vector<MassivePlace> found;
    for (const auto& [at, own] : sizes) {
      double mean = 0, square = 0;
      for (const double size : own) mean += size / static_cast<double>(own.size());
      for (const double size : own) square += size * size / static_cast<double>(own.size());
      found.push_back({at[0], at[1], at[2], at[3], static_cast<int>(own.size()), mean,
                       std::sqrt(std::max(0.0, square - mean * mean))});
    }
    return found;
  }

  qsizetype keptLines() const {
    return QFile(folder_.filePath(QStringLiteral("qkscope-test/qkscope-test/corpora/known.jsonl"))).size();
  }

 private Q_SLOTS:
  void init() { qputenv("XDG_DATA_HOME", folder_.path().toUtf8()); }

  void runsAndIsFoundAgain() {
    const QString file = corpus("some.txt", 100);
    Parts parts(file);
    QVERIFY(parts.ready.there && parts.window);
    QVERIFY(parts.start->isEnabled());
    QVERIFY(parts.part<QLabel>("corpusProgressWords")->text().contains(QStringLiteral("about ")));
    QCOMPARE(parts.rows("corpusArms"), 18);  // what was published stands there before anything is measured
    parts.start->click();
    QCOMPARE(parts.start->text(), QStringLiteral("Pause"));
    QVERIFY(parts.ran());
    QCOMPARE(parts.said(), QString());
    const auto sequences = sequences_of(parts.model()->tokenizer(), choice(5), file.toStdString());
    QCOMPARE(sequences.size(), 5u);
    compare(parts, sequences);
    QCOMPARE(parts.findings().done, parts.findings().of);

    const std::vector<MassivePlace> expected = places(parts.model(), sequences);
    QVERIFY(expected.size() > 1);
    QCOMPARE(parts.findings().places.size(), expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
      const MassivePlace &a = parts.findings().places[i], &b = expected[i];
      QCOMPARE(std::tuple(a.layer, a.position, a.id, a.dim, a.count),
               std::tuple(b.layer, b.position, b.id, b.dim, b.count));
      QVERIFY(close(a.mean, b.mean) && close(a.deviation, b.deviation, 1e-3));
    }
    QCOMPARE(parts.rows("corpusPlaces"), static_cast<int>(expected.size()));
    QCOMPARE(parts.rows("corpusArms"), 19);
    QVERIFY(parts.cell("corpusArms", 0, ArmColumn::Model).startsWith(QStringLiteral("here")));
    QCOMPARE(parts.cell("corpusArms", 0, ArmColumn::Text), QStringLiteral("some"));
    const double times = *impact_times(parts.findings().arms);
    QCOMPARE(parts.cell("corpusArms", 0, ArmColumn::Impact), impactWords(impact_of(times)));
    const Chart& chart = parts.part<CurvePlot>("corpusCurve")->charts().at(0);
    QCOMPARE(chart.curves.at(0).y.at(1), parts.findings().layers.at(1).max);

    // What is known is not computed again, and gives the same.
    const auto kept = keptLines();
    QVERIFY(kept > 0);
    const CorpusFindings before = parts.findings();
    parts.start->click();
    QVERIFY(parts.ran());
    QCOMPARE(keptLines(), kept);
    QCOMPARE(parts.findings().places, before.places);
    for (std::size_t i = 0; i < before.arms.size(); ++i)
      QCOMPARE(parts.findings().arms[i].perplexities, before.arms[i].perplexities);
  }

  void pausesAndGoesOn() {
    const QString file = corpus("long.txt", 2000);
    Parts parts(file, 60);
    parts.start->click();
    QTRY_VERIFY_WITH_TIMEOUT(parts.findings().done > 2, 60000);
    QVERIFY(parts.window->runner().isRunning());
    QVERIFY(!parts.part<CorpusForm>("corpusForm")->isEnabled());
    parts.start->click();
    QVERIFY(!parts.window->runner().isRunning());
    const std::size_t done = parts.findings().done;
    QVERIFY(done < parts.findings().of);
    QCOMPARE(parts.start->text(), QStringLiteral("Go on"));
    // A question of the window goes first, and the study goes on behind it.
    parts.start->click();
    parts.ready.window.session().selectPrompt(1);
    QVERIFY(finish(parts.ready.window.session()));
    QVERIFY(parts.ran());
    QCOMPARE(parts.said(), QString());
    compare(parts, sequences_of(parts.model()->tokenizer(), choice(60), file.toStdString()));
  }

  /// Rows and buttons do in the window what they say.
  void isDoneInTheWindow() {
    Parts parts(corpus("window.txt", 100));
    QVERIFY(!parts.part<QPushButton>("corpusZero")->isEnabled());
    parts.start->click();
    QVERIFY(parts.ran());
    auto* table = parts.part<QTableView>("corpusPlaces");
    auto* rows = static_cast<QStandardItemModel*>(table->model());
    for (int row = 0; row < rows->rowCount(); ++row) {
      const MassivePlace& place = placeOf(*rows, row, parts.window->runner().told());
      QCOMPARE(parts.cell("corpusPlaces", row, PlaceColumn::Dim), QString::number(place.dim));
      Q_EMIT table->clicked(rows->index(row, 0));
      QCOMPARE(parts.ready.window.state().selection().layer, place.layer);
      QCOMPARE(parts.ready.window.state().selection().position, place.position);
    }
    const MassiveTokens& tokens = parts.findings().tokens;
    const ActivationStudy study{Site::ResidPost, rule, 3};
    using Set = ActivationEdit::Set;
    const Edit zero = published_edit(tokens, study, Set::Zero, tokens.first_layer);
    for (const auto& [name, edit] :
         {std::pair("corpusZero", zero),
          std::pair("corpusMean", Edit(published_edit(tokens, study, Set::Mean, tokens.first_layer))),
          std::pair("corpusControl", control_of(zero, PickKind::Smallest))}) {
      parts.part<QPushButton>(name)->click();
      QCOMPARE(parts.ready.window.session().arms().shown().edits, Edits{edit});
      QVERIFY(finish(parts.ready.window.session()));
    }
  }

  void tables() {
    CorpusFindings found;
    found.layers = {{0, 2.5, 0.5, false}, {1, 2400, 0.25, true}};
    QCOMPARE(csv_of(existence_rows(found.layers)),
             std::string("layer,max,median,massive\n1,2.5,0.5,false\n2,2400.0,0.25,true\n"));
    found.places = {{1, 4, 7, 2533, 3, 2240, 16}};
    QCOMPARE(csv_of(place_rows(found.places, [](int) { return std::string("a,\"b"); })),
             std::string("layer,position,piece,dim,count,mean,std\n2,4,\"a,\"\"b\",2533,3,2240.0,16.0\n"));
    found.arms = {{{"original", "original", {}}, {{"wiki", 5.5}, {"c4", 2}}},
                  {{"zero", "set_to_zero", {}}, {{"wiki", 11}, {"c4", 300}}}};
    QCOMPARE(activations_csv("intervention", intervention_json(found.arms)),
             std::string("arm,dataset,perplexity\noriginal,wiki,5.5\noriginal,c4,2.0\nzero,wiki,11.0\n"
                         "zero,c4,300.0\n"));
    QCOMPARE(*impact_times(found.arms), 150.0);
    QVERIFY(!impact_times({}));
  }

  /// Other texts have rows of their own; nothing massive is said, and nothing is set then.
  void otherTextsAndNone() {
    Parts parts(corpus("some.txt", 100));
    parts.part<CorpusForm>("corpusForm")->setTests({corpus("b.txt", 40), corpus("a.txt", 60)});
    QCOMPARE(parts.part<QLabel>("corpusTestsWords")->text(), QStringLiteral("b, a"));
    parts.start->click();
    QVERIFY(parts.ran());
    QCOMPARE(parts.rows("corpusArms"), 20);
    QCOMPARE(parts.cell("corpusArms", 1, ArmColumn::Text), QStringLiteral("a"));
    Parts none(corpus("some.txt", 100), 5, {1e9, 1});
    none.start->click();
    QVERIFY(none.ran());
    QCOMPARE(none.said(), QString());
    QVERIFY(none.findings().has_tokens && none.findings().arms.empty());
    QCOMPARE(none.findings().done, none.findings().of);
    QCOMPARE(none.rows("corpusArms"), 18);
    QVERIFY(!none.part<QPushButton>("corpusZero")->isEnabled());
  }

  void saysWhatIsWrong() {
    Parts parts(folder_.filePath(QStringLiteral("absent.txt")));
    parts.start->click();
    QVERIFY(parts.ran());
    QVERIFY2(parts.said().contains(QStringLiteral("absent.txt")), qPrintable(parts.said()));
    parts.part<CorpusForm>("corpusForm")
        ->setCorpus(writeFile(QStringLiteral("a.jsonl"), "{\"words\":\"x\"}\n"));
    parts.start->click();
    QVERIFY(parts.ran());
    QVERIFY2(parts.said().contains(QStringLiteral("'text'")), qPrintable(parts.said()));
  }

  /// Closed while it runs, with its window or with the whole program.
  void closesWhileItRuns() {
    for (const bool all : {false, true}) {
      auto parts = std::make_unique<Parts>(corpus(all ? "c.txt" : "d.txt", 2000), 40);
      parts->start->click();
      QTRY_VERIFY_WITH_TIMEOUT(parts->findings().done > 0, 60000);
      if (!all) {
        parts->window->close();
        QVERIFY(parts->ran());
        QCOMPARE(parts->findings().done, parts->findings().of);
      }
      parts.reset();
    }
  }
};

}  // namespace qkscope::test

int main(int argc, char** argv) {
  QApplication application(argc, argv);
  qkscope::applyTheme(qkscope::Theme::Light, 1.0);
  qkscope::test::TestCorpusWindow test;
  return QTest::qExec(&test, argc, argv);
}
#include "test_corpus_window.moc"

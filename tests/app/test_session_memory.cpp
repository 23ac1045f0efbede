#include <unistd.h>

#include <ctime>
#include <fstream>
#include <random>
#include <set>

#include "core/base/capture_bytes.h"
#include "core/tasks/identity.h"
#include "tests/app/app_test.h"

namespace qkscope::test {

/// What a session holds after models, and questions, have come and gone.
class TestSessionMemory : public AppTestCase {
  Q_OBJECT

  /// Large enough to stand out of what a process takes anyway: 37 MB of weights.
  static const TinyModel& large() {
    static const TinyModel model = [] {
      constexpr std::int64_t hidden = 512, inner = 1024, kv = 256;
      constexpr int layers = 4;
      TinyModel made;
      made.change_config([=](nlohmann::json& config) {
        config.update({{"hidden_size", hidden},
                       {"intermediate_size", inner},
                       {"num_hidden_layers", layers},
                       {"num_attention_heads", 8},
                       {"num_key_value_heads", 4},
                       {"head_dim", 64}});
      });
      made.change_weights([=](std::map<std::string, Array>& weights) {
        const auto add = [&weights](const std::string& name, const std::vector<std::int64_t>& shape) {
          std::int64_t count = 1;
          for (const std::int64_t n : shape) count *= n;
          Array array{shape, std::vector<float>(static_cast<std::size_t>(count))};
          for (std::size_t i = 0; i < array.data.size(); ++i)
            array.data[i] = static_cast<float>(i * 7919 % 1009) / 1e5f;
          weights[name] = std::move(array);
        };
        weights.clear();
        add("model.embed_tokens.weight", {96, hidden});
        add("lm_head.weight", {96, hidden});
        add("model.norm.weight", {hidden});
        for (int l = 0; l < layers; ++l) {
          const std::string layer = "model.layers." + std::to_string(l) + ".";
          add(layer + "input_layernorm.weight", {hidden});
          add(layer + "post_attention_layernorm.weight", {hidden});
          add(layer + "self_attn.q_proj.weight", {hidden, hidden});
          add(layer + "self_attn.k_proj.weight", {kv, hidden});
          add(layer + "self_attn.v_proj.weight", {kv, hidden});
          add(layer + "self_attn.o_proj.weight", {hidden, hidden});
          add(layer + "mlp.gate_proj.weight", {inner, hidden});
          add(layer + "mlp.up_proj.weight", {inner, hidden});
          add(layer + "mlp.down_proj.weight", {hidden, inner});
        }
      });
      return made;
    }();
    return model;
  }

  /// Bytes that are not backed by a file.
  static double held() {
    std::ifstream file("/proc/self/statm");
    std::int64_t size = 0, resident = 0, shared = 0;
    file >> size >> resident >> shared;
    return static_cast<double>(resident - shared) * static_cast<double>(sysconf(_SC_PAGESIZE));
  }

 private Q_SLOTS:
  void manyChangesOfModelHoldOne() {
    if (held() <= 0) QSKIP("no /proc/self/statm on this machine");
    Session session;
    session.setMaxNewTokens(4);
    session.setNeeds(allNorms());
    session.setPrompts(smallPrompts(), 0);
    session.setModelShare(0);
    disrupt(session);
    const auto open = [&](const std::filesystem::path& folder) {
      session.load(folder, onOneThread());
      return finish(session) && session.model() && session.model()->card().path == folder;
    };
    QVERIFY(open(large().folder()) && open(smallModel()) && open(large().folder()));
    const auto one = static_cast<double>(session.model()->card().needed_bytes);
    const double before = held();
    for (int i = 0; i < 10; ++i) {
      QVERIFY(open(smallModel()));
      QTRY_VERIFY2(held() < before - 0.5 * one, "the model that is gone is still held");
      QVERIFY(open(large().folder()));
    }
    const double grown = held() - before;
    QVERIFY2(grown < 0.5 * one,
             qPrintable(QStringLiteral("%1 MB more after 20 changes, one model takes %2 MB")
                            .arg(grown / 1e6)
                            .arg(one / 1e6)));
  }

  /// Whatever is done to it, a store holds what a person who knows its rules expects: on a device no more
  /// than the budget, or the shown one alone; what was not shown for the longest time goes first, and nothing
  /// that has room.
  void storeKeepsToItsBudget() {
    const auto model = LanguageModel::load(smallModel(), onOneThread());
    const std::uint64_t size = model->card().needed_bytes;
    QVERIFY(size > 0);
    std::uint64_t memory = 10 * size;
    ModelStore store([&memory](const std::string& device) { return device == "cpu" ? memory : 0; });
    QCOMPARE(store.share(), ModelStore::default_share);
    std::vector<ModelId> expected;  // shown last in front
    ModelId shown = 0, added = 0;
    std::mt19937 random(7);
    const auto below = [&random](std::size_t n) { return random() % n; };
    int dropped = 0, alone = 0, many = 0;
    for (int step = 0; step < 2000; ++step) {
      std::set<ModelId> gone;
      const auto take = [&](const ModelStore::Gone& some) {
        for (const OpenModel& one : some) QVERIFY(one.model && gone.insert(one.id).second);
      };
      std::vector<ModelId> closed;
      const std::size_t at = expected.empty() ? 0 : below(expected.size());
      switch (below(6)) {
        case 0:
        case 1: {
          LoadOptions options = onOneThread();
          options.threads = step + 1;  // another one each time
          take(store.add(model, {"stamp", options}));
          shown = ++added;
          expected.insert(expected.begin(), shown);
          QVERIFY(store.find(ModelSource{"stamp", options})->id == shown);
          QVERIFY(!store.find(ModelSource{"other", options}));
          break;
        }
        case 2:
          shown = expected.empty() || below(4) == 0 ? 0 : expected[at];
          take(store.show(shown));
          if (shown != 0)
            std::rotate(expected.begin(), expected.begin() + static_cast<int>(at),
                        expected.begin() + static_cast<int>(at) + 1);
          break;
        case 3:
          if (expected.empty()) break;
          closed = {expected[at]};
          take(store.close(closed.front()));
          expected.erase(expected.begin() + static_cast<int>(at));
          if (shown == closed.front()) shown = expected.empty() ? 0 : expected.front();
          break;
        case 4:
          take(store.setShare(static_cast<int>(below(6)) * 10));
          break;
        default:
          if (below(8) != 0) break;
          ModelCard card = model->card();
          card.needed_bytes = below(4) * size;
          card.free_bytes = size / 2;
          take(store.makeRoom(card));
          for (std::uint64_t free = card.free_bytes; free < card.needed_bytes && !expected.empty();
               free += size) {
            auto next = std::prev(expected.end());
            if (*next == shown && expected.size() > 1) --next;
            if (*next == shown) shown = 0;
            closed.push_back(*next);
            expected.erase(next);
          }
      }
      const std::size_t most = memory / 100 * static_cast<std::uint64_t>(store.share()) / size;
      while (expected.size() > most) {
        auto next = std::prev(expected.end());
        if (*next == shown && next != expected.begin()) --next;
        if (*next == shown) break;
        closed.push_back(*next);
        expected.erase(next);
        ++dropped;
      }
      QCOMPARE(gone, std::set<ModelId>(closed.begin(), closed.end()));
      std::vector<ModelId> there;
      for (const OpenModel& one : store.models()) there.push_back(one.id);
      QCOMPARE(there, expected);
      QCOMPARE(store.shown(), shown);
      QCOMPARE(store.held("cpu"), size * expected.size());
      QVERIFY(store.held("cpu") <= store.budget("cpu") || there == std::vector{shown});
      alone += there.size() == 1;
      many += there.size() > 2;
    }
    QVERIFY(dropped > 50 && alone > 50 && many > 50);
  }

  /// Every array that a capture holds takes room in a budget, and one that several hold takes it once.
  void everyArrayIsCounted() {
    const auto numbers = [](std::size_t n) {
      return SharedArray(Array{{static_cast<std::int64_t>(n)}, std::vector<float>(n)});
    };
    Capture capture;
    capture.norms[{0, Site::Query}] = numbers(1);
    capture.without[{0, Site::Query}] = numbers(10);
    capture.values[{1, Site::Key}] = numbers(100);
    capture.patterns[{1, 2}] = numbers(1000);
    capture.row_norms[{0, Site::Value}] = numbers(10000);
    QCOMPARE(bytes_of(capture), std::uint64_t{11111 * sizeof(float)});
    Capture other;
    other.patterns = capture.patterns;
    other.norms[{0, Site::Query}] = numbers(5);
    std::set<const Array*> counted;
    QCOMPARE(bytes_of(capture, counted) + bytes_of(other, counted), std::uint64_t{11116 * sizeof(float)});
  }

  /// What changes about a model's files, and how it is asked for, makes another model of it.
  void sameFilesAreTheSameModel() {
    const TinyModel tiny;
    const std::filesystem::path folder = tiny.folder(),
                                link = folder_.filePath(QStringLiteral("link")).toStdString();
    std::filesystem::create_directory_symlink(folder, link);
    const std::string stamp = files_stamp(folder);
    QVERIFY(!stamp.empty() && files_stamp(link) == stamp && files_stamp(folder) == stamp);
    QVERIFY((ModelSource{stamp, onOneThread()} == ModelSource{stamp, onOneThread()}));
    QVERIFY(!(ModelSource{} == ModelSource{}));  // nothing is known of either
    for (std::string LoadOptions::*how : {&LoadOptions::device, &LoadOptions::dtype, &LoadOptions::weights}) {
      LoadOptions other = onOneThread();
      other.*how = "other";
      QVERIFY(!(ModelSource{stamp, onOneThread()} == ModelSource{stamp, other}));
    }
    const auto file = folder / "config.json";
    std::filesystem::last_write_time(file, std::filesystem::last_write_time(file) + std::chrono::seconds(1));
    const std::string later = files_stamp(folder);
    QVERIFY(later != stamp);
    std::ofstream(folder / "more.json") << "{}";
    QVERIFY(files_stamp(folder) != later);
    QCOMPARE(files_stamp(folder / "gone"), files_stamp(folder / "gone, too"));
  }

  /// What open models hold counts as free for the next one, the shown one last; what even that does not give
  /// is refused, and all of them stay.
  void theOldModelMakesRoom() {
    ReadySession ready;
    QVERIFY(ready.there);
    Session& session = ready.session;
    QSignalSpy failed(&session, &Session::failed);
    Inspection next = LanguageModel::inspect(smallModel(), onOneThread());
    next.card.free_bytes = next.card.needed_bytes / 2;
    const std::weak_ptr<const LanguageModel> old = session.model();
    session.load({next, {}});
    QVERIFY(!session.model());  // gone before the next is read
    QCOMPARE(session.data().state, DataState::Loading);
    QVERIFY(finish(session));
    QCOMPARE(failed.count(), 0);
    QVERIFY(session.model() && old.expired());

    next.card.needed_bytes *= 4;
    session.load({next, {}});
    QVERIFY(finish(session));
    QCOMPARE(failed.count(), 1);
    QVERIFY(failed.front().front().toString().contains(QStringLiteral("MiB")));
    QVERIFY(session.model());
    QCOMPARE(session.results()[0].baseline.status, (ArmStatus{ArmState::Done, false}));
  }

  /// Changes of mind that come faster than anything is answered: what is asked last is answered, and of all
  /// that was asked before nothing is still to be done.
  void tenThousandChangesLeaveOneAnswer() {
    ReadySession ready;
    QVERIFY(ready.there);
    Session& session = ready.session;
    setEdits(session, {parse_disruption("site=q,pick=largest:2,replace=zero")});
    std::mt19937 random(11);
    for (int i = 0; i < 10000; ++i) {
      const auto which = random() % 6;
      if (which == 0) {
        session.cancel();
      } else if (which == 1) {
        session.resume();
      } else if (which == 2) {
        Disruption other = *firstEdit(session).disruption();
        other.pick.n = 1 + static_cast<int>(random() % 5);
        setEdits(session, {other});
      } else {
        disrupt(session, !session.arms().on);
      }
      if (random() % 4 == 0) QCoreApplication::processEvents();
    }
    const std::clock_t before = std::clock();
    setEdits(session, {parse_disruption("site=k,pick=largest:3,replace=zero")});
    disrupt(session);
    QVERIFY(finish(session));
    QTest::qWait(200);
    // One of thousands of runs takes some milliseconds.
    const double used = static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC;
    QVERIFY2(used < 2, qPrintable(QString::number(used)));
    QVERIFY(!session.isBusy());
    QVERIFY(session.data().comparison->request.edits == session.arms().shown().edits);
    const Comparison judge = fresh(session);
    QCOMPARE(session.data().comparison->baseline->answer, judge.baseline->answer);
    QCOMPARE(session.data().comparison->disrupted->answer, judge.disrupted->answer);
    for (const PromptResult& result : session.results()) {
      QCOMPARE(result.arms.size(), std::size_t(1));
      QCOMPARE(result.arms[0].status, (ArmStatus{ArmState::Done, false}));
    }
  }
};

}  // namespace qkscope::test

QTEST_GUILESS_MAIN(qkscope::test::TestSessionMemory)
#include "test_session_memory.moc"

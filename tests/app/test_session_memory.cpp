#include <unistd.h>

#include <fstream>

#include "tests/app/app_test.h"

namespace qkscope::test {

/// What a session holds after models have come and gone.
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
      QVERIFY2(held() < before - 0.5 * one, "the model that is gone is still held");
      QVERIFY(open(large().folder()));
    }
    const double grown = held() - before;
    QVERIFY2(grown < 0.5 * one,
             qPrintable(QStringLiteral("%1 MB more after 20 changes, one model takes %2 MB")
                            .arg(grown / 1e6)
                            .arg(one / 1e6)));
  }

  /// What the model of now holds counts as free for the next one; what even that does not give is refused,
  /// and the model of now stays.
  void theOldModelMakesRoom() {
    ReadySession ready;
    QVERIFY(ready.there);
    Session& session = ready.session;
    QSignalSpy failed(&session, &Session::failed);
    Inspection next = LanguageModel::inspect(smallModel(), onOneThread());
    next.card.free_bytes = next.card.needed_bytes / 2;
    const std::weak_ptr<const LanguageModel> old = session.model();
    session.load(next);
    QVERIFY(!session.model());  // gone before the next is read
    QCOMPARE(session.data().state, DataState::Loading);
    QVERIFY(finish(session));
    QCOMPARE(failed.count(), 0);
    QVERIFY(session.model() && old.expired());

    next.card.needed_bytes *= 4;
    session.load(next);
    QVERIFY(finish(session));
    QCOMPARE(failed.count(), 1);
    QVERIFY(failed.front().front().toString().contains(QStringLiteral("MiB")));
    QVERIFY(session.model());
    QCOMPARE(session.results()[0].baseline.status, (ArmStatus{ArmState::Done, false}));
  }
};

}  // namespace qkscope::test

QTEST_GUILESS_MAIN(qkscope::test::TestSessionMemory)
#include "test_session_memory.moc"

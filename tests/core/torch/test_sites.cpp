// Every site of every family: it is called once a pass, has the shape of its comment, and what replaces it
// goes on.
#include "tests/support/golden_model.h"

using namespace qkscope;
using test::GoldenModel;

namespace {

const c10::InferenceMode inference;

/// Counts the calls of every site; changes what comes through one.
class CountingTap : public Tap {
 public:
  explicit CountingTap(std::optional<SiteId> changed = {}) : changed_(changed) {}
  bool wants(SiteId) const override { return true; }
  at::Tensor operator()(SiteId id, at::Tensor x) override {
    ++calls[id];
    return changed_ == id ? x * 0.5 + 0.25 : x;
  }
  std::map<SiteId, int> calls;

 private:
  std::optional<SiteId> changed_;
};

at::Tensor logits_through(const GoldenModel& model, const TokenIds& ids, Tap& tap) {
  State state(model.spec().num_layers());
  const at::Tensor logits = test::prefill(model.decoder, ids, state, tap);
  // What is kept for later steps shows in the next one.
  return at::cat({logits, model.decoder.step(ids.front(), state, tap).cpu()});
}

bool is_read_only(Site site) {
  return site == Site::AttnSink;
}

}  // namespace

class TestSites : public test::TestCase {
  Q_OBJECT
 private Q_SLOTS:
  void everySiteIsCalledOnceAPass_data() { test::golden_models(); }
  void everySiteIsCalledOnceAPass() {
    QFETCH(QString, name);
    const GoldenModel model(name.toStdString());
    CountingTap tap;
    logits_through(model, model.prompt(), tap);
    for (int layer = -1; layer < model.spec().num_layers(); ++layer) {
      for (int s = 0; s <= static_cast<int>(Site::Logits); ++s) {
        const SiteId id{layer, static_cast<Site>(s)};
        const int calls = tap.calls.contains(id) ? tap.calls.at(id) : 0;
        const std::string where = std::string(site_name(id.site)) + " of layer " + std::to_string(layer);
        QVERIFY2(calls == (model.spec().has_site(id) ? 2 : 0),
                 (where + ": " + std::to_string(calls)).c_str());
      }
    }
  }

  void whatReplacesASiteGoesOn_data() { test::golden_models(); }
  void whatReplacesASiteGoesOn() {
    QFETCH(QString, name);
    const GoldenModel model(name.toStdString());
    const TokenIds prompt = model.prompt(), ids(prompt.begin(), prompt.begin() + 12);
    CountingTap plain;
    const at::Tensor before = logits_through(model, ids, plain);
    for (const auto& [id, calls] : plain.calls) {
      if (is_read_only(id.site)) continue;
      CountingTap changing(id);
      const bool changed = !at::equal(logits_through(model, ids, changing), before);
      const std::string where = std::string(site_name(id.site)) + " of layer " + std::to_string(id.layer);
      QVERIFY2(changed, where.c_str());
    }
  }
};

QTEST_GUILESS_MAIN(TestSites)
#include "test_sites.moc"

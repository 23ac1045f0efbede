#pragma once
// Tiny random checkpoints of every family with the numbers transformers has for them (tests/goldens/models
// and tests/goldens/families).
#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>

#include <map>
#include <set>
#include <string>

#include "core/checkpoint/checkpoint.h"
#include "core/io/safetensors.h"
#include "core/model/architecture.h"
#include "core/model/decoder.h"
#include "core/model/rope.h"
#include "core/run/request_tap.h"
#include "core/run/tensor_array.h"
#include "tests/support/test_case.h"
#include "tests/support/test_device.h"

namespace qkscope::test {

/// Rows of a data table: one a golden model whose name ends so and whose architecture there is.
inline void golden_models(std::string_view ending = {}) {
  QTest::addColumn<QString>("name");
  for (const char* folder : {"models", "families"}) {
    if (!std::filesystem::exists(golden(folder))) continue;
    for (const auto& entry : std::filesystem::directory_iterator(golden(folder))) {
      const std::string name = std::string(folder) + "/" + entry.path().filename().string();
      if (name.ends_with(ending)) QTest::newRow(name.c_str()) << QString::fromStdString(name);
    }
  }
}

inline Decoder read_decoder(const std::shared_ptr<const Checkpoint>& checkpoint,
                            at::Device device = test::device(), at::ScalarType dtype = at::kFloat,
                            Keep keep = Keep::Floats) {
  const ModelSpec spec = make_spec(*checkpoint);
  return {spec, Weights(checkpoint, spec, device, dtype, Progress{}, keep)};
}

/// A prefill of `ids` through `tap`: (T, vocab_size), in host memory.
inline at::Tensor prefill(const Decoder& decoder, const TokenIds& ids, State& state, Tap& tap) {
  const at::Tensor residual =
      decoder.run_layers(decoder.embed(ids, state), 0, decoder.spec().num_layers(), state, tap);
  state.advance(static_cast<int>(ids.size()));
  return decoder.logits(residual, tap).cpu();
}

struct GoldenModel {
  /// `name` as golden_models() gives it.
  explicit GoldenModel(const std::string& name, at::Device device = test::device(),
                       at::ScalarType dtype = at::kFloat)
      : folder(golden(name.c_str())),
        checkpoint(Checkpoint::open(folder)),
        decoder(read_decoder(checkpoint, device, dtype)) {}

  ArrayFile expected() const { return read_safetensors(folder / "expected.safetensors"); }
  TokenIds prompt() const {
    const ArrayFile file = expected();
    const auto& ids = file.integers.at("prompt");
    return {ids.begin(), ids.end()};
  }
  const ModelSpec& spec() const { return decoder.spec(); }

  std::filesystem::path folder;
  std::shared_ptr<const Checkpoint> checkpoint;
  Decoder decoder;
};

/// Largest difference, relative to the largest expected number.
inline double relative_error(const at::Tensor& actual_anywhere, const at::Tensor& expected_anywhere) {
  const at::Tensor actual = actual_anywhere.cpu(), expected = expected_anywhere.cpu();
  if (actual.sizes() != expected.sizes()) return 1e9;
  const double largest = expected.abs().max().item<double>();
  return (actual - expected).abs().max().item<double>() / (largest > 0 ? largest : 1);
}

/// What expected.safetensors calls the sites of a layer.
inline const std::map<Site, std::string>& golden_sites() {
  static const std::map<Site, std::string> names = {
      {Site::QueryRaw, "q_raw"},   {Site::QueryPreRope, "q_pre"},
      {Site::Query, "q"},          {Site::KeyRaw, "k_raw"},
      {Site::KeyPreRope, "k_pre"}, {Site::Key, "k"},
      {Site::Value, "v"},          {Site::ResidMid, "resid_mid"},
      {Site::ResidPost, "resid"},  {Site::AttnIn, "attn_in"},
      {Site::AttnOut, "attn_out"}, {Site::MlpIn, "mlp_in"},
      {Site::MlpOut, "mlp_out"},   {Site::AttnPattern, "pattern"},
      {Site::AttnSink, "sink"},    {Site::AttnHeads, "attn_heads"},
      {Site::AttnGate, "gate"},    {Site::KvLatent, "latent"},
      {Site::Router, "router"},    {Site::MixerState, "state"}};
  return names;
}

inline Needs values_of(const std::set<Site>& sites) {
  return {{}, sites, {}, {}};
}

/// Every site that expected.safetensors may hold but those that take attention another way.
inline Needs everything() {
  Needs needs;
  for (const auto& [site, name] : golden_sites()) {
    if (site != Site::AttnPattern && site != Site::AttnSink) needs.values.insert(site);
  }
  return needs;
}

/// Q or K of a layer with its dims in transformers' order, which in latent attention brings the first members
/// of all interleaved pairs together as it rotates them.
inline at::Tensor as_transformers_orders(const ModelSpec& spec, SiteId id, const at::Tensor& x) {
  const AttentionSpec* attention = spec.attention(id.layer);
  const bool rotated = id.site == Site::Query || id.site == Site::Key;
  if (!attention || !attention->latent || !attention->rope->interleaved || !rotated) return x;
  const std::int64_t start = attention->rope->rotary_start;
  return at::cat({x.slice(2, 0, start), x.slice(2, start, {}, 2), x.slice(2, start + 1, {}, 2)}, 2);
}

struct GoldenPass {
  at::Tensor logits;  // (T, vocab_size)
  Capture capture;
  State state;

  at::Tensor value(int layer, Site site) const {
    const Array* array = capture.value(layer, site);
    return array ? to_tensor(*array, at::kCPU) : at::Tensor();
  }
};

/// Gives patterns back as they are, but not itself: what comes of them goes on.
class PatternsGivenBack : public Tap {
 public:
  bool wants(SiteId id) const override { return id.site == Site::AttnPattern; }
  at::Tensor operator()(SiteId id, at::Tensor x) override {
    return id.site == Site::AttnPattern ? x.clone() : x;
  }
};

inline GoldenPass forward(const Decoder& decoder, const TokenIds& ids, const Needs& needs) {
  GoldenPass pass{{}, {}, State(decoder.spec().num_layers())};
  RequestTap tap(&needs, nullptr, true);
  pass.logits = prefill(decoder, ids, pass.state, tap);
  tap.take(pass.capture);
  return pass;
}

}  // namespace qkscope::test

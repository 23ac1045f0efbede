#include "core/model/rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/base/error.h"
#include "core/base/wording.h"
#include "core/model/spec.h"

namespace qkscope {

namespace {

[[noreturn]] void refuse(const std::string& key, const std::string& found, const std::string& expected) {
  throw Error("RoPE: " + key + " is " + found + ", expected " + expected);
}

void require_positive(const char* key, double value) {
  if (!(value > 0) || !std::isfinite(value)) refuse(key, number_text(value), "a positive number");
}

/// theta^(-2i / rotary_dim)
std::vector<double> unscaled(double theta, int rotary_dim) {
  std::vector<double> inv_freq(static_cast<std::size_t>(rotary_dim / 2));
  for (std::size_t i = 0; i < inv_freq.size(); ++i) {
    inv_freq[i] = std::pow(theta, -2.0 * static_cast<double>(i) / rotary_dim);
  }
  return inv_freq;
}

/// NTK-aware: beyond the trained length the base grows with the sequence.
double dynamic_theta(const RopeSpec& spec, int trained_length, int sequence_length) {
  if (trained_length <= 0)
    refuse("max_position_embeddings", std::to_string(trained_length), "a positive number");
  if (spec.rotary_dim < 4)
    refuse("rotary_dim", std::to_string(spec.rotary_dim), "at least 4 for dynamic scaling");
  const double length = std::max(sequence_length, trained_length);
  const double growth = spec.factor * length / trained_length - (spec.factor - 1);
  return spec.theta * std::pow(growth, spec.rotary_dim / (spec.rotary_dim - 2.0));
}

/// Llama 3.1: slow pairs are slowed down by `factor`, fast ones stay, those between are blended.
void scale_llama3(const RopeSpec& spec, double trained_length, std::vector<double>& inv_freq) {
  require_positive("low_freq_factor", spec.low_freq_factor);
  if (!(spec.high_freq_factor >= spec.low_freq_factor)) {
    refuse("high_freq_factor", number_text(spec.high_freq_factor),
           "at least low_freq_factor (" + number_text(spec.low_freq_factor) + ")");
  }
  for (double& f : inv_freq) {
    const double wavelength = 2 * std::numbers::pi / f;
    if (wavelength < trained_length / spec.high_freq_factor) continue;
    // Llama 4 has both factors alike, and nothing to blend.
    if (spec.high_freq_factor == spec.low_freq_factor || wavelength > trained_length / spec.low_freq_factor) {
      f /= spec.factor;
      continue;
    }
    const double smooth =
        (trained_length / wavelength - spec.low_freq_factor) / (spec.high_freq_factor - spec.low_freq_factor);
    f = (1 - smooth) * f / spec.factor + smooth * f;
  }
}

/// YaRN (arXiv 2309.00071): pairs that turn often stay, pairs that hardly turn are interpolated, a ramp
/// between.
void scale_yarn(const RopeSpec& spec, double trained_length, std::vector<double>& inv_freq) {
  if (!(spec.theta > 1)) refuse("rope_theta", number_text(spec.theta), "more than 1 for yarn");
  require_positive("beta_fast", spec.beta_fast);
  require_positive("beta_slow", spec.beta_slow);
  const auto pair_turning = [&](double turns) {
    return spec.rotary_dim * std::log(trained_length / (turns * 2 * std::numbers::pi)) /
           (2 * std::log(spec.theta));
  };
  double low = pair_turning(spec.beta_fast), high = pair_turning(spec.beta_slow);
  if (spec.truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, spec.rotary_dim - 1.0);
  if (low == high) high += 0.001;
  for (std::size_t i = 0; i < inv_freq.size(); ++i) {
    const double ramp = std::clamp((static_cast<double>(i) - low) / (high - low), 0.0, 1.0);
    inv_freq[i] = inv_freq[i] / spec.factor * ramp + inv_freq[i] * (1 - ramp);
  }
}

double yarn_attention_factor(const RopeSpec& spec) {
  if (spec.attention_factor) return *spec.attention_factor;
  const auto mscale = [&](double weight) {
    return spec.factor <= 1 ? 1.0 : 0.1 * weight * std::log(spec.factor) + 1;
  };
  if (spec.mscale.value_or(0) != 0 && spec.mscale_all_dim.value_or(0) != 0) {
    return mscale(*spec.mscale) / mscale(*spec.mscale_all_dim);
  }
  return mscale(1);
}

/// LongRoPE (arXiv 2402.13753): a divisor a pair, of which there are two sets.
void scale_longrope(const RopeSpec& spec, int trained_length, int sequence_length, RopeFrequencies& result) {
  const std::vector<double>& divisors =
      sequence_length > trained_length ? spec.long_factor : spec.short_factor;
  if (divisors.size() != result.inv_freq.size()) {
    refuse("the number of long_factor or short_factor", std::to_string(divisors.size()),
           std::to_string(result.inv_freq.size()) + ", half of rotary_dim");
  }
  for (std::size_t i = 0; i < divisors.size(); ++i) {
    require_positive("a long_factor or short_factor", divisors[i]);
    result.inv_freq[i] /= divisors[i];
  }
  result.attention_factor = spec.attention_factor.value_or(
      spec.factor <= 1 ? 1.0 : std::sqrt(1 + std::log(spec.factor) / std::log(trained_length)));
}

/// As if all pairs of a head rotated, of which only the fastest do.
void still_the_rest(const RopeSpec& spec, std::vector<double>& inv_freq) {
  const auto rotating = static_cast<std::size_t>(std::floor(spec.rotating_share * spec.rotary_dim / 2));
  for (std::size_t i = 0; i < inv_freq.size(); ++i)
    inv_freq[i] = i < rotating ? inv_freq[i] / spec.factor : 0;
}

}  // namespace

RopeFrequencies rope_frequencies(const RopeSpec& spec, int max_position_embeddings, int sequence_length) {
  if (spec.rotary_dim <= 0 || spec.rotary_dim % 2 != 0) {
    refuse("rotary_dim", std::to_string(spec.rotary_dim), "a positive even number");
  }
  require_positive("rope_theta", spec.theta);
  const bool scaled = spec.type != "default";
  if (scaled) require_positive("factor", spec.factor);

  const double theta =
      spec.type == "dynamic" ? dynamic_theta(spec, max_position_embeddings, sequence_length) : spec.theta;
  RopeFrequencies frequencies{unscaled(theta, spec.rotary_dim), 1.0};
  if (!spec.freq_factors.empty()) {
    if (spec.freq_factors.size() != frequencies.inv_freq.size()) {
      refuse("the number of frequency factors", std::to_string(spec.freq_factors.size()),
             std::to_string(frequencies.inv_freq.size()) + ", half of rotary_dim");
    }
    for (std::size_t i = 0; i < spec.freq_factors.size(); ++i) {
      require_positive("a frequency factor", static_cast<double>(spec.freq_factors[i]));
      frequencies.inv_freq[i] /= static_cast<double>(spec.freq_factors[i]);
    }
  }
  if (!scaled || spec.type == "dynamic") return frequencies;

  if (spec.type == "linear") {
    for (double& f : frequencies.inv_freq) f /= spec.factor;
    return frequencies;
  }
  const int trained_length = spec.original_max_position_embeddings > 0 ? spec.original_max_position_embeddings
                                                                       : max_position_embeddings;
  if (spec.type == "proportional") {
    still_the_rest(spec, frequencies.inv_freq);
    return frequencies;
  }
  if (spec.type == "llama3" || spec.type == "yarn" || spec.type == "longrope") {
    require_positive("original_max_position_embeddings", trained_length);
  }
  if (spec.type == "llama3") {
    scale_llama3(spec, trained_length, frequencies.inv_freq);
  } else if (spec.type == "yarn") {
    scale_yarn(spec, trained_length, frequencies.inv_freq);
    frequencies.attention_factor = yarn_attention_factor(spec);
  } else if (spec.type == "longrope") {
    scale_longrope(spec, trained_length, sequence_length, frequencies);
  } else {
    refuse("rope_type", in_quotes(spec.type), "one of " + rope_types());
  }
  return frequencies;
}

std::string rope_types() {
  return "default, linear, dynamic, llama3, yarn, longrope and proportional";
}

std::string describe(const RopeSpec& spec) {
  std::string text = spec.type + ", theta " + number_text(spec.theta);
  if (spec.type != "default") text += ", factor " + number_text(spec.factor);
  if (!spec.freq_factors.empty()) text += ", with a factor per pair from the file";
  return text;
}

std::string describe_rotation(const ModelSpec& spec) {
  std::vector<std::pair<std::string, int>> kinds;  // in the order of the layers
  bool alibi = false, rotates = false;
  for (const LayerSpec& layer : spec.layers) {
    const AttentionSpec* attention = layer.attention();
    if (!attention) continue;
    alibi = alibi || attention->alibi;
    rotates = rotates || attention->rope;
    const std::string kind = attention->rope ? describe(*attention->rope) : "none";
    const auto known = std::ranges::find(kinds, kind, &std::pair<std::string, int>::first);
    if (known == kinds.end())
      kinds.emplace_back(kind, 1);
    else
      ++known->second;
  }
  if (!rotates) {
    if (alibi) return "none (ALiBi)";
    return spec.embedding.positions > 0 ? "none (learned positions)" : "none";
  }
  std::string text;
  for (const auto& [kind, layers] : kinds) {
    text += (text.empty() ? "" : "; ") + kind;
    if (kinds.size() > 1) text += " in " + std::to_string(layers) + (layers == 1 ? " layer" : " layers");
  }
  return text;
}

}  // namespace qkscope

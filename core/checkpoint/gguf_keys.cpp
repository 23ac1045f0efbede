#include <algorithm>

#include "core/base/error.h"
#include "core/base/utf8.h"
#include "core/base/wording.h"
#include "core/checkpoint/gguf_families.h"

namespace qkscope {

GgufKeys::GgufKeys(const GgufDirectory& directory, const std::string& where)
    : directory_(directory), metadata_(directory.metadata), where_(where) {
  const auto name = metadata_.string("general.architecture");
  if (!name || name->empty()) throw Error(where + " has no key 'general.architecture'");
  if (valid_utf8(*name) != *name) throw Error("general.architecture of " + where + " is not valid UTF-8");
  architecture_ = *name;
}

bool GgufKeys::has(std::string_view key) const {
  return metadata_.contains(full(key));
}

std::optional<std::int64_t> GgufKeys::integer(std::string_view key) const {
  if (!metadata_.is_array(full(key))) return metadata_.integer(full(key));
  const auto values = *metadata_.integers(full(key));
  if (values.empty() ||
      std::adjacent_find(values.begin(), values.end(), std::not_equal_to<>()) != values.end()) {
    throw Error("the key " + in_quotes(full(key)) + " of " + where_ +
                " differs from layer to layer, expected the same value for all");
  }
  return values.front();
}

std::int64_t GgufKeys::integer(std::string_view key, std::int64_t absent) const {
  return integer(key).value_or(absent);
}

std::int64_t GgufKeys::required(std::string_view key) const {
  const auto value = integer(key);
  if (!value) missing(key);
  return *value;
}

namespace {

std::size_t layer_count(std::int64_t layers) {
  constexpr std::int64_t most = 1 << 16;  // no model comes near; a number for all layers is written out
  return static_cast<std::size_t>(std::clamp<std::int64_t>(layers, 0, most));
}

}  // namespace

std::vector<std::int64_t> GgufKeys::per_layer(std::string_view key, std::int64_t layers) const {
  const std::size_t count = layer_count(layers);
  if (!metadata_.is_array(full(key))) {
    const auto value = metadata_.integer(full(key));
    return value ? std::vector<std::int64_t>(count, *value) : std::vector<std::int64_t>();
  }
  auto values = *metadata_.integers(full(key));
  if (values.size() < count)
    wrong(key, "a list of " + std::to_string(values.size()), std::to_string(layers) + " values, one a layer");
  values.resize(count);
  return values;
}

std::vector<bool> GgufKeys::layer_flags(std::string_view key, std::int64_t layers,
                                        std::int64_t absent) const {
  const std::size_t count = layer_count(layers);
  if (metadata_.is_array(full(key))) {
    auto flags = *metadata_.flags(full(key));
    if (flags.size() < count)
      wrong(key, "a list of " + std::to_string(flags.size()),
            std::to_string(layers) + " values, one a layer");
    flags.resize(count);
    return flags;
  }
  const auto period = static_cast<std::size_t>(std::max<std::int64_t>(1, integer(key, absent)));
  std::vector<bool> flags;
  for (std::size_t l = 0; l < count; ++l) flags.push_back((l + 1) % period != 0);
  return flags;
}

std::optional<double> GgufKeys::number(std::string_view key) const {
  return metadata_.number(full(key));
}

double GgufKeys::number(std::string_view key, double absent) const {
  return number(key).value_or(absent);
}

std::optional<std::string_view> GgufKeys::text(std::string_view key) const {
  return metadata_.string(full(key));
}

bool GgufKeys::flag(std::string_view key, bool absent) const {
  return metadata_.boolean(full(key)).value_or(absent);
}

const GgufTensor* GgufKeys::tensor(std::string_view name) const {
  const auto found = std::ranges::find(directory_.tensors, name, &GgufTensor::name);
  return found == directory_.tensors.end() ? nullptr : &*found;
}

std::vector<float> GgufKeys::numbers_of(std::string_view name) const {
  constexpr std::int64_t most = 1 << 16;  // of RoPE factors, half a head's dimensions
  const GgufTensor* found = tensor(name);
  if (!found || !found->type) return {};
  const TensorEntry entry{found->name, found->shape, *found->type, found->bytes, 0};
  if (entry.numel() > most)
    throw Error("tensor " + in_quotes(name) + " of " + where_ + " has the shape " + shape_text(found->shape) +
                ", expected at most " + std::to_string(most) + " numbers");
  std::vector<float> numbers(static_cast<std::size_t>(entry.numel()));
  read_float32(entry, numbers);
  return numbers;
}

void GgufKeys::missing(std::string_view key) const {
  throw Error(where_ + " has no key " + in_quotes(full(key)));
}

void GgufKeys::wrong(std::string_view key, const std::string& found, const std::string& expected) const {
  throw Error("the key " + in_quotes(full(key)) + " of " + where_ + " is " + found + ", expected " +
              expected);
}

}  // namespace qkscope

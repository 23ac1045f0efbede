#include "core/model/parameter_reader.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <atomic>
#include <cmath>

#include "core/base/error.h"
#include "core/base/wording.h"
#include "core/model/parallel.h"
#include "core/model/products/product.h"
#include "core/model/weights.h"

namespace qkscope {

namespace {

constexpr std::int64_t numbers_at_once = 1 << 16;  // 256 KiB of floats, which stay near a core

/// While they are near the core; a sum is not finite where a term is not, and seldom else.
bool all_finite(std::span<float> numbers) {
  const at::Tensor all = at::from_blob(numbers.data(), static_cast<std::int64_t>(numbers.size()), at::kFloat);
  return std::isfinite(all.sum().item<float>()) ||
         std::ranges::all_of(numbers, [](float x) { return std::isfinite(x); });
}

std::int64_t row_count(const std::vector<std::int64_t>& shape) {
  return shape.empty() ? 1 : shape.front();
}

}  // namespace

struct ParameterReader::Place {
  std::vector<std::int64_t> shape;  // of the weight
  std::vector<TensorEntry> weight;  // one below the other
  std::vector<TensorEntry> bias;    // none where there is none
  bool minus_exp = false;           // of Stored
  bool tiled_columns = false;
  int layer = -1;
};

ParameterReader::ParameterReader(std::shared_ptr<const Checkpoint> checkpoint, const ModelSpec& spec,
                                 at::Device device, at::ScalarType dtype, const Progress& progress, Keep keep)
    : checkpoint_(std::move(checkpoint)),
      spec_(spec),
      device_(device),
      dtype_(dtype),
      progress_(progress),
      keep_(keep),
      total_(checkpoint_->total_bytes()) {
  // A model that is saved with only its head's matrix is found by its first layer.
  const auto& prefixes = spec.parameters.prefixes;
  const auto found = std::ranges::find_if(prefixes, [&](const std::string& prefix) {
    prefix_ = prefix;
    return stores(Role::Embedding) || stores(Role::MixerNorm, 0) || stores(Role::FfnNorm, 0);
  });
  if (found == prefixes.end()) prefix_ = prefixes.front();
}

std::string ParameterReader::full_name(const Stored& stored, Role role, int layer, int expert) const {
  std::string name = is_of_layer(role) ? layer_name(spec_.parameters, layer, stored) : stored.name;
  name = replaced(std::move(name), "{expert}", expert);
  return role == Role::Head ? name : prefix_ + name;
}

namespace {

std::string weight_name(const std::string& name, const Stored& stored) {
  return stored.bare ? name : name + ".weight";
}

}  // namespace

/// Of the ways it may be stored, the one that the file holds; the first where it holds none.
const Stored& ParameterReader::choose(Role role, int layer, int expert) const {
  const auto known = spec_.parameters.stored.find(role);
  if (known == spec_.parameters.stored.end() || known->second.empty())
    throw Error(spec_.architecture + " names no tensor for a parameter that it has.");
  for (const Stored& stored : known->second) {
    if (checkpoint_->stores(weight_name(full_name(stored, role, layer, expert), stored))) return stored;
  }
  return known->second.front();
}

bool ParameterReader::stores(Role role, int layer) const {
  const auto known = spec_.parameters.stored.find(role);
  return known != spec_.parameters.stored.end() &&
         std::ranges::any_of(known->second, [&](const Stored& stored) {
           return checkpoint_->stores(weight_name(full_name(stored, role, layer, 0), stored));
         });
}

/// The rows of `entry` that are the parameter's, one below the other.
std::vector<TensorEntry> ParameterReader::pieces(TensorEntry entry, const Stored& stored,
                                                 const StoredRows& rows, int expert, bool transposed) {
  if (stored.stacked) entry = slab_of(entry, expert);
  if (transposed) entry = transposed_of(entry);
  std::vector<TensorEntry> parts;
  for (const RowRange& range : rows.ranges) {
    const bool whole = range.count == rows.total;
    parts.push_back(whole ? entry : rows_of(entry, range.first, range.count, range.step));
  }
  return parts;
}

/// GGUF's converters drop axes of size one.
TensorEntry ParameterReader::require(const std::string& name, const std::vector<std::int64_t>& shape) const {
  const TensorEntry* stored = checkpoint_->gguf() ? checkpoint_->find(name) : nullptr;
  const auto squeezed = [](std::vector<std::int64_t> sizes) {
    std::erase(sizes, 1);
    return sizes;
  };
  if (!stored || stored->shape == shape || squeezed(stored->shape) != squeezed(shape))
    return checkpoint_->require(name, shape);
  TensorEntry entry = *stored;
  entry.shape = shape;
  return entry;
}

ParameterReader::Place ParameterReader::find(Role role, int layer, int expert) const {
  const Stored& stored = choose(role, layer, expert);
  const std::string name = full_name(stored, role, layer, expert);
  Place place;
  place.shape = parameter_shape(spec_, role, layer);
  const StoredRows rows = stored_rows(spec_, role, layer, stored.rows);
  std::vector<std::int64_t> shape = place.shape;
  if (!shape.empty()) shape.front() = rows.total;
  if (stored.transposed) std::swap(shape.at(0), shape.at(1));
  if (stored.stacked)
    shape.insert(shape.begin(), spec_.layers[static_cast<std::size_t>(layer)].moe()->num_experts);
  const TensorEntry weight = require(weight_name(name, stored), shape);
  place.weight = pieces(weight, stored, rows, expert, stored.transposed);
  place.minus_exp = stored.minus_exp;
  place.tiled_columns = stored.tiled_columns;
  place.layer = layer;
  place.bias = find_bias(stored, role, layer, expert);
  return place;
}

/// Of a parameter's bias, whether or not its weight is there; none where it has none.
std::vector<TensorEntry> ParameterReader::find_bias(const Stored& stored, Role role, int layer,
                                                    int expert) const {
  if (stored.bare && stored.bias.empty()) return {};
  const StoredRows rows = stored_rows(spec_, role, layer, stored.rows);
  std::vector<std::int64_t> shape = {rows.total};
  if (stored.stacked)
    shape.insert(shape.begin(), spec_.layers[static_cast<std::size_t>(layer)].moe()->num_experts);
  const std::string name = stored.bias.empty() ? full_name(stored, role, layer, expert) + ".bias"
                                               : full_name({.name = stored.bias}, role, layer, expert);
  const TensorEntry* entry = checkpoint_->optional(name, shape);
  return entry ? pieces(*entry, stored, rows, expert, false) : std::vector<TensorEntry>{};
}

std::vector<std::int64_t> ParameterReader::shape_of(const std::vector<Place>& places, bool biases) {
  std::vector<std::int64_t> shape = biases ? std::vector<std::int64_t>{0} : places.front().shape;
  if (!shape.empty()) {
    shape.front() = 0;
    for (const Place& place : places) shape.front() += row_count(place.shape);
  }
  return shape;
}

at::Tensor ParameterReader::read(const std::vector<Place>& places, bool biases, at::ScalarType dtype) {
  const at::Tensor result =
      at::empty(shape_of(places, biases), at::TensorOptions().dtype(dtype).device(device_));
  read(places, biases, result, /*pages_stay=*/false);
  return result;
}

Linear ParameterReader::product(const std::vector<Place>& places, at::Tensor bias,
                                std::shared_ptr<const StoredMatrix> stored) {
  const bool pages_stay = stored != nullptr;
  const std::vector<std::int64_t> shape = shape_of(places, false);
  at::Tensor weight;
  if (Linear::packs(device_, dtype_)) {
    // Only its packed copy is kept: all of them are read into the same memory.
    const std::int64_t count = c10::multiply_integers(shape);
    if (!scratch_.defined() || scratch_.numel() < count) scratch_ = at::empty({count}, at::kFloat);
    weight = scratch_.narrow(0, 0, count).view(shape);
  } else {
    weight = at::empty(shape, at::TensorOptions().dtype(dtype_).device(device_));
  }
  read(places, false, weight, pages_stay);
  return Linear(std::move(weight), std::move(bias), std::move(stored));
}

void ParameterReader::read(const std::vector<Place>& places, bool biases, const at::Tensor& result,
                           bool pages_stay) {
  std::int64_t start = 0;
  for (const Place& place : places) {
    const std::vector<TensorEntry>& parts = biases ? place.bias : place.weight;
    if (parts.empty()) result.narrow(0, start, row_count(place.shape)).zero_();
    std::int64_t row = start;
    for (const TensorEntry& part : parts) {
      const std::int64_t count = row_count(part.shape);
      read_into(part, result.dim() == 0 ? result : result.narrow(0, row, count));
      if (!pages_stay) checkpoint_->release(part);
      row += count;
    }
    if (!biases) restore(place, result.dim() == 0 ? result : result.narrow(0, start, row - start));
    start += row_count(place.shape);
  }
}

/// What the converter did to the numbers themselves is undone.
void ParameterReader::restore(const Place& place, at::Tensor weight) const {
  if (place.minus_exp) weight.copy_(weight.neg().log());
  if (!place.tiled_columns) return;
  const auto& net = std::get<DeltaNetSpec>(spec_.layers[static_cast<std::size_t>(place.layer)].mixer);
  const std::vector<std::int64_t> heads = tiled_value_heads(net);
  const at::Tensor order = at::tensor(heads, at::kLong).to(device_);
  weight.copy_(
      weight.unflatten(1, {net.num_value_heads, net.value_dim}).index_select(1, order).flatten(1, 2));
}

void ParameterReader::start_reading(const TensorEntry& entry) {
  progress_("reading weights", done_, total_);
  done_ = std::min(done_ + entry.bytes.size(), total_);  // a tied matrix may be read twice
  names_.insert(entry.name);
}

void ParameterReader::refuse_numbers(const TensorEntry& entry) const {
  throw Error(in_quotes(checkpoint_->path().string()) + ": tensor " + in_quotes(entry.name) +
              " holds numbers that are not finite (NaN or infinity); download or convert the model again");
}

void ParameterReader::read_into(const TensorEntry& entry, at::Tensor target) {
  start_reading(entry);
  if (device_.is_meta()) return;
  if (entry.bytes.empty() && entry.numel() > 0) {  // of no file: see synthetic.h
    entry.shape.size() > 1 ? target.normal_(0, 0.02) : target.fill_(1);
    return;
  }
  const bool direct = device_.is_cpu() && target.scalar_type() == at::kFloat;
  at::Tensor host = direct ? target : at::empty(entry.shape, at::kFloat);
  const std::vector<TensorEntry> chunks = row_chunks(entry, numbers_at_once);
  std::vector<std::int64_t> starts = {0};
  for (const TensorEntry& chunk : chunks) starts.push_back(starts.back() + chunk.numel());
  std::atomic<bool> finite = true;
  at::parallel_for(0, std::ssize(chunks), 1, [&](std::int64_t begin, std::int64_t end) {
    for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
      const std::span<float> numbers(host.data_ptr<float>() + starts[i],
                                     static_cast<std::size_t>(starts[i + 1] - starts[i]));
      read_float32(chunks[i], numbers, progress_.stop);
      if (!all_finite(numbers)) finite = false;
    }
  });
  if (!finite) refuse_numbers(entry);
  if (!direct) target.copy_(host.view(target.sizes()));
}

std::shared_ptr<const StoredMatrix> ParameterReader::blocks(const std::vector<Place>& places) const {
  if (keep_ == Keep::Floats) return nullptr;
  std::vector<TensorEntry> parts;
  for (const Place& place : places) {
    if (place.minus_exp || place.tiled_columns) return nullptr;  // are changed after reading
    parts.insert(parts.end(), place.weight.begin(), place.weight.end());
  }
  auto matrix = StoredMatrix::of(parts, checkpoint_);
  return matrix && (keep_ == Keep::Blocks || matrix->is_smaller()) ? matrix : nullptr;
}

/// Reads them once, which brings them into memory.
void ParameterReader::check_blocks(const std::vector<Place>& places) {
  for (const Place& place : places) {
    for (const TensorEntry& entry : place.weight) {
      start_reading(entry);
      if (device_.is_meta()) continue;
      if (!all_finite(*StoredMatrix::of({&entry, 1}, checkpoint_))) refuse_numbers(entry);
    }
  }
}

Linear ParameterReader::linear(const std::vector<Role>& roles, int layer, int expert) {
  std::vector<Place> places;  // nothing is held before all are known to be there
  for (const Role role : roles) places.push_back(find(role, layer, expert));
  const auto stored = blocks(places);
  const bool any = std::ranges::any_of(places, [](const Place& place) { return !place.bias.empty(); });
  at::Tensor bias = any ? read(places, true, dtype_) : at::Tensor();
  if (!stored || keep_ != Keep::Blocks) return product(places, std::move(bias), stored);
  check_blocks(places);
  return Linear({}, std::move(bias), stored);
}

Table ParameterReader::table(Role role) {
  const std::vector<Place> places = {find(role, -1, -1)};
  if (auto stored = blocks(places)) {
    check_blocks(places);
    return Table(std::move(stored));
  }
  return Table(read(places, false, dtype_));
}

Linear ParameterReader::product_of(const Table& table, Role role) {
  at::Tensor bias = optional_bias(Role::Head);
  if (table.stored() && keep_ == Keep::Both)
    return product({find(role, -1, -1)}, std::move(bias), table.stored());
  return Linear(table.floats(), std::move(bias), table.stored());
}

at::Tensor ParameterReader::weight(Role role, int layer) {
  return read({find(role, layer, -1)}, false, dtype_);
}

at::Tensor ParameterReader::optional_bias(Role role, int layer) {
  const auto known = spec_.parameters.stored.find(role);
  if (known == spec_.parameters.stored.end()) return {};
  for (const Stored& stored : known->second) {
    Place place{.shape = parameter_shape(spec_, role, layer), .weight = {}, .bias = {}};
    place.bias = find_bias(stored, role, layer, -1);
    if (!place.bias.empty()) return read({place}, true, dtype_);
  }
  return {};
}

NormWeights ParameterReader::norm(Role role, const NormSpec& spec, int layer) {
  if (!spec.has_weight) return {};
  const Place place = find(role, layer, -1);
  NormWeights result;
  // 1 + w needs more digits than w.
  result.weight = read({place}, false, spec.unit_offset ? at::kFloat : dtype_);
  if (spec.unit_offset && !checkpoint_->gguf()) result.weight += 1;
  if (spec.has_bias && !place.bias.empty()) result.bias = read({place}, true, dtype_);
  return result;
}

NormWeights ParameterReader::norm(Role role, const std::optional<NormSpec>& spec, int layer) {
  return spec ? norm(role, *spec, layer) : NormWeights{};
}

}  // namespace qkscope

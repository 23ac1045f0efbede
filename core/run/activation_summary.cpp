#include "core/run/activation_summary.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <bit>
#include <functional>
#include <iterator>
#include <limits>
#include <mutex>
#include <span>

#include "core/base/error.h"
#include "core/base/wording.h"
#include "core/model/parallel.h"

namespace qkscope {

namespace {

/// |x| as a whole number that is ordered as |x| is; NaN above infinity.
using Size = std::uint32_t;
Size size_of(float x) {
  return std::bit_cast<Size>(x) & 0x7fffffffu;
}
float magnitude(Size size) {
  return std::bit_cast<float>(size);
}
constexpr Size infinite = 0x7f800000u;

/// Numbers by the first bits of their size: 8 intervals to an octave.
constexpr int rest_bits = 20;
using Histogram = std::array<std::int64_t, std::size_t{1} << (31 - rest_bits)>;

/// A (T, C) array on the host, looked at by rows on several threads: in one pass the largest of each row, and
/// how large how many are. What else is asked is in few rows, or near one size.
class Rows {
 public:
  explicit Rows(const at::Tensor& x) : data_(x.const_data_ptr<float>()), count_(x.size(0)), dims_(x.size(1)) {
    largest_.resize(static_cast<std::size_t>(count_));
    std::mutex adding;
    for_rows([&](std::int64_t begin, std::int64_t end) {
      Histogram own{};
      for (std::int64_t t = begin; t < end; ++t) {
        Size most = 0;
        for (const float value : row(t)) {
          const Size size = size_of(value);
          most = std::max(most, size);
          ++own[size >> rest_bits];
        }
        largest_[static_cast<std::size_t>(t)] = most;
      }
      const std::lock_guard lock(adding);
      std::ranges::transform(sizes_, own, sizes_.begin(), std::plus<>());
    });
  }

  /// Of an even count the lower; NaN where any number is NaN.
  float median() const {
    if (std::ranges::max(largest_) > infinite) return std::numeric_limits<float>::quiet_NaN();
    std::int64_t rank = (count_ * dims_ - 1) / 2;
    Size interval = 0;
    for (; rank >= sizes_[interval]; ++interval) rank -= sizes_[interval];
    std::vector<Size> sizes;
    std::mutex adding;
    for_rows([&](std::int64_t begin, std::int64_t end) {
      std::vector<Size> own;
      for (const float value : rows(begin, end)) {
        if (const Size size = size_of(value); size >> rest_bits == interval) own.push_back(size);
      }
      const std::lock_guard lock(adding);
      sizes.insert(sizes.end(), own.begin(), own.end());
    });
    std::ranges::nth_element(sizes, sizes.begin() + static_cast<std::ptrdiff_t>(rank));
    return magnitude(sizes[static_cast<std::size_t>(rank)]);
  }

  /// The largest `top`, of equal ones the first.
  std::vector<ActivationAt> largest(int top) const {
    // So many rows have a number of this size or above it; what is below is not asked for.
    Size least = 0;
    top = std::max(0, top);
    if (0 < top && top < count_) {
      std::vector<Size> rows = largest_;
      std::ranges::nth_element(rows, rows.begin() + top - 1, std::greater<>());
      least = rows[static_cast<std::size_t>(top - 1)];
    }
    std::vector<ActivationAt> list = places([least](Size size) { return size >= least; }, least);
    const auto kept = std::min(list.size(), static_cast<std::size_t>(top));
    std::ranges::stable_sort(list, std::greater<>(), [](const ActivationAt& a) { return size_of(a.value); });
    list.resize(kept);
    return list;
  }

  /// All of a magnitude that is over `over`.
  std::vector<ActivationAt> over(double over) const {
    constexpr auto most = static_cast<double>(std::numeric_limits<float>::max());
    const Size near = size_of(static_cast<float>(std::clamp(over, 0.0, most)));
    // One below: the float may be the next above.
    return places([over](Size size) { return static_cast<double>(magnitude(size)) > over; },
                  near > 0 ? near - 1 : 0);
  }

  /// The largest of each row, of equal ones the first.
  std::vector<ActivationAt> largest_of_each() const {
    std::vector<ActivationAt> list(largest_.size());
    for_rows([&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t t = begin; t < end; ++t) {
        const auto found = std::ranges::find(row(t), largest_[static_cast<std::size_t>(t)], size_of);
        list[static_cast<std::size_t>(t)] = {static_cast<int>(t), static_cast<int>(found - row(t).begin()),
                                             *found};
      }
    });
    return list;
  }

 private:
  std::span<const float> rows(std::int64_t begin, std::int64_t end) const {
    return {data_ + begin * dims_, static_cast<std::size_t>((end - begin) * dims_)};
  }
  std::span<const float> row(std::int64_t t) const { return rows(t, t + 1); }

  template <typename Work>
  void for_rows(const Work& work) const {
    constexpr std::int64_t worth_a_thread = 1 << 15;  // numbers
    at::parallel_for(0, count_, std::max<std::int64_t>(1, worth_a_thread / dims_), work);
  }

  /// Those that `taken` takes, by position, then dim; it takes none below `least`.
  template <typename Taken>
  std::vector<ActivationAt> places(const Taken& taken, Size least) const {
    std::vector<ActivationAt> list;
    for (std::int64_t t = 0; t < count_; ++t) {
      if (largest_[static_cast<std::size_t>(t)] < least) continue;
      for (std::int64_t dim = 0; const float value : row(t)) {
        if (taken(size_of(value))) list.push_back({static_cast<int>(t), static_cast<int>(dim), value});
        ++dim;
      }
    }
    return list;
  }

  const float* data_;
  std::int64_t count_, dims_;
  std::vector<Size> largest_;
  Histogram sizes_{};
};

/// In double, as ActivationRule::takes() compares.
double threshold(const ActivationRule& rule, float median) {
  return std::max(rule.least, rule.times_median * static_cast<double>(median));
}

/// The numbers of `values` (N) at `places`, in their order, in an array of rows of `dims`.
std::vector<ActivationAt> activations_at(const at::Tensor& values, const at::Tensor& places,
                                         std::int64_t dims) {
  const at::Tensor host_places = places.to(at::kCPU).contiguous();
  const at::Tensor host_values = values.index_select(0, places).to(at::kCPU).contiguous();
  const auto* place = host_places.const_data_ptr<std::int64_t>();
  const auto* value = host_values.const_data_ptr<float>();
  std::vector<ActivationAt> list;
  for (std::int64_t i = 0; i < host_places.numel(); ++i)
    list.push_back({static_cast<int>(place[i] / dims), static_cast<int>(place[i] % dims), value[i]});
  return list;
}

/// Of arrays (T, C) of one shape, which are summarised together: what a GPU waits for is the host.
std::vector<ActivationSummary> summarize_alike(const std::vector<at::Tensor>& arrays,
                                               const ActivationRule& rule, int top, bool every_position) {
  const std::int64_t count = static_cast<std::int64_t>(arrays.size()), dims = arrays[0].size(1),
                     positions = arrays[0].size(0), numbers = positions * dims;
  const at::Tensor values = at::stack(arrays).to(at::kFloat).reshape({count, numbers}), sizes = values.abs();
  // Of an even count the lower. A long array is quicker sorted than gone over by one block of a GPU.
  const at::Tensor medians =
      (count > 1 ? std::get<0>(sizes.median(1)) : sizes.median().reshape({1})).to(at::kCPU).contiguous();
  std::vector<ActivationSummary> summaries(arrays.size());
  std::vector<double> over;
  for (std::size_t i = 0; i < summaries.size(); ++i) {
    summaries[i].rule = rule;
    summaries[i].median = medians.const_data_ptr<float>()[i];
    over.push_back(threshold(rule, summaries[i].median));
  }
  const at::Tensor first = at::arange(count, sizes.options().dtype(at::kLong)).unsqueeze(1) * numbers;
  // The numbers at `places`, of all arrays one behind the other, to each array its own.
  const auto take = [&](const at::Tensor& places, std::vector<ActivationAt> ActivationSummary::*kept) {
    for (ActivationAt& at : activations_at(values.flatten(), places.flatten(), dims)) {
      ActivationSummary& summary = summaries[static_cast<std::size_t>(at.position / positions)];
      at.position %= static_cast<int>(positions);
      (summary.*kept).push_back(at);
    }
  };
  const auto most = std::clamp<std::int64_t>(top, 0, numbers);
  take(std::get<1>(at::topk(sizes, most, 1)) + first, &ActivationSummary::top);
  const at::Tensor limits = at::tensor(over, at::kDouble).to(sizes.device()).unsqueeze(1);
  take((sizes.to(at::kDouble) > limits).flatten().nonzero(), &ActivationSummary::massive);
  if (every_position) {
    const at::Tensor largest = sizes.view({count, positions, dims}).argmax(2),
                     rows = at::arange(positions, largest.options()) * dims;
    take(largest + rows + first, &ActivationSummary::largest);
  }
  return summaries;
}

void check_shape(const at::Tensor& x) {
  if (x.dim() != 2 || x.numel() == 0) {
    throw Error("Activations are summarised of (positions, hidden_size), not of an array of shape " +
                shape_text(x.sizes().vec()));
  }
}

}  // namespace

ActivationSummary summarize(const at::Tensor& x, const ActivationRule& rule, int top, bool every_position) {
  check_shape(x);
  if (!x.is_cpu()) return summarize_on_device({x}, rule, top, every_position).front();
  const at::Tensor values = x.to(at::kFloat).contiguous();
  const Rows rows(values);
  ActivationSummary summary;
  summary.rule = rule;
  summary.median = rows.median();
  summary.top = rows.largest(top);
  summary.massive = rows.over(threshold(rule, summary.median));
  if (every_position) summary.largest = rows.largest_of_each();
  return summary;
}

std::vector<ActivationSummary> summarize_on_device(const std::vector<at::Tensor>& arrays,
                                                   const ActivationRule& rule, int top, bool every_position) {
  // Numbers. On an H100, 32 layers of Llama 1B and 7B: of 128 tokens 8 to 56 % of a pass together and 140 to
  // 150 % alone, of 2,048 tokens 70 to 110 % alone and ten times that together.
  constexpr std::int64_t together = std::int64_t{1} << 24, longest = std::int64_t{1} << 19;
  std::vector<ActivationSummary> summaries;
  for (std::size_t begin = 0; begin < arrays.size();) {
    check_shape(arrays[begin]);
    const std::int64_t numbers = arrays[begin].numel();
    const auto most = static_cast<std::size_t>(numbers > longest ? 1 : together / numbers);
    std::size_t end = begin + 1;
    while (end < arrays.size() && end - begin < most && arrays[end].sizes() == arrays[begin].sizes()) ++end;
    const std::vector<at::Tensor> alike(arrays.begin() + static_cast<std::ptrdiff_t>(begin),
                                        arrays.begin() + static_cast<std::ptrdiff_t>(end));
    std::ranges::move(summarize_alike(alike, rule, top, every_position), std::back_inserter(summaries));
    begin = end;
  }
  return summaries;
}

}  // namespace qkscope

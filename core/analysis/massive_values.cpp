#include "core/analysis/massive_values.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <random>
#include <span>
#include <tuple>

#include "core/base/draw.h"
#include "core/base/error.h"
#include "core/base/wording.h"

namespace qkscope {

namespace {

/// Rows of M, one a head.
struct Heads {
  explicit Heads(const Array& m) : data(m.data) {
    std::int64_t entries = 0;
    if (m.shape.size() != 2 || !element_count(m.shape, entries) || entries == 0 ||
        entries != static_cast<std::int64_t>(m.data.size())) {
      throw Error("Massive values are sought in (heads, head_dim), not in an array of shape " +
                  shape_text(m.shape));
    }
    count = static_cast<std::size_t>(m.shape[0]);
    dims = static_cast<std::size_t>(m.shape[1]);
  }
  std::span<const float> operator[](std::size_t head) const { return data.subspan(head * dims, dims); }

  std::span<const float> data;
  std::size_t count = 0, dims = 0;
};

double mean(std::span<const float> row) {
  return std::accumulate(row.begin(), row.end(), 0.0) / static_cast<double>(row.size());
}

/// Definition 1 of arXiv 2502.01563. False where either number is NaN.
bool massive(float m, double lambda, double mean) {
  return static_cast<double>(m) > lambda * mean;
}

std::size_t wanted(std::span<const float> row, const Pick& pick) {
  if (!pick.as_many_as_lambda) return static_cast<std::size_t>(std::max(0, pick.n));
  const double row_mean = mean(row);
  return static_cast<std::size_t>(
      std::ranges::count_if(row, [&](float m) { return massive(m, pick.lambda, row_mean); }));
}

void draw_dims(std::vector<std::size_t>& dims, std::size_t n, std::uint64_t seed, SiteId where,
               std::size_t head) {
  const auto word = [](auto number) { return static_cast<std::uint32_t>(number); };
  std::seed_seq sequence{word(seed), word(seed >> 32), word(where.site), word(where.layer), word(head)};
  std::mt19937_64 engine(sequence);
  draw(dims, n, engine);
}

}  // namespace

std::vector<std::int64_t> random_order(std::int64_t dims, std::uint64_t seed, SiteId where, int head) {
  std::vector<std::size_t> order(static_cast<std::size_t>(dims));
  std::iota(order.begin(), order.end(), std::size_t{0});
  draw_dims(order, order.size(), seed, where, static_cast<std::size_t>(head));
  return {order.begin(), order.end()};
}

std::vector<std::size_t> taking_order(std::span<const float> row, const Pick& pick, SiteId where, int head,
                                      std::size_t most) {
  std::vector<std::size_t> dims;
  for (std::size_t d = 0; d < row.size(); ++d) {
    if (!std::isnan(row[d])) dims.push_back(d);
  }
  const std::size_t count = std::min(most, dims.size());
  const auto middle = dims.begin() + static_cast<std::ptrdiff_t>(count);
  // Few of many are taken: the others need no order. Equal ones go by their dim.
  if (pick.kind == PickKind::Random) {
    draw_dims(dims, dims.size(), pick.seed, where, static_cast<std::size_t>(head));
  } else if (pick.kind == PickKind::Smallest) {
    std::ranges::partial_sort(dims, middle, {}, [&](std::size_t d) { return std::pair(row[d], d); });
  } else {
    std::ranges::partial_sort(dims, middle, {}, [&](std::size_t d) { return std::pair(-row[d], d); });
  }
  dims.resize(count);
  return dims;
}

std::vector<float> head_means(const Array& m) {
  const Heads heads(m);
  std::vector<float> means(heads.count);
  for (std::size_t h = 0; h < heads.count; ++h) means[h] = static_cast<float>(mean(heads[h]));
  return means;
}

std::vector<float> strongest_ratios(const Array& m) {
  const Heads heads(m);
  std::vector<float> ratios(heads.count);
  for (std::size_t h = 0; h < heads.count; ++h) {
    const double row_mean = mean(heads[h]);
    // A NaN anywhere in the head makes its mean NaN, and with it the ratio.
    ratios[h] = static_cast<float>(static_cast<double>(std::ranges::max(heads[h])) / row_mean);
  }
  return ratios;
}

std::vector<std::uint8_t> select(const Array& m, const Pick& pick, SiteId where) {
  const Heads heads(m);
  std::vector<std::uint8_t> flags(heads.data.size(), 0);
  for (std::size_t h = 0; h < heads.count; ++h) {
    const auto row = heads[h];
    const auto flag = [&](std::size_t dim) { flags[h * heads.dims + dim] = 1; };
    if (pick.kind == PickKind::Lambda) {
      const double row_mean = mean(row);
      for (std::size_t d = 0; d < row.size(); ++d) {
        if (massive(row[d], pick.lambda, row_mean)) flag(d);
      }
      continue;
    }
    std::ranges::for_each(taking_order(row, pick, where, static_cast<int>(h), wanted(row, pick)), flag);
  }
  return flags;
}

Array norms_over_positions(const Array& values, std::span<const int> left_out) {
  std::int64_t numbers = 0;
  if (values.shape.size() != 3 || !element_count(values.shape, numbers) ||
      numbers != static_cast<std::int64_t>(values.data.size())) {
    throw Error("Norms are taken of (positions, heads, head_dim), not of an array of shape " +
                shape_text(values.shape));
  }
  const auto columns = static_cast<std::size_t>(values.shape[1] * values.shape[2]);
  std::vector<double> squares(columns, 0.0);
  int position = 0;
  for (auto row = values.data.begin(); row != values.data.end();
       row += static_cast<std::ptrdiff_t>(columns)) {
    if (std::ranges::binary_search(left_out, position++)) continue;
    for (std::size_t c = 0; c < columns; ++c) {
      const double x = static_cast<double>(row[static_cast<std::ptrdiff_t>(c)]);
      squares[c] += x * x;
    }
  }
  Array m{{values.shape[1], values.shape[2]}, std::vector<float>(columns)};
  std::ranges::transform(squares, m.data.begin(), [](double s) { return static_cast<float>(std::sqrt(s)); });
  return m;
}

std::vector<MassiveValue> massive_values(const Norms& norms, Site site, double lambda) {
  std::vector<MassiveValue> found;
  for (const auto& [where, m] : norms) {
    if (where.site != site) continue;
    const Heads heads(*m);
    for (std::size_t h = 0; h < heads.count; ++h) {
      const double row_mean = mean(heads[h]);
      for (std::size_t d = 0; d < heads.dims; ++d) {
        const float entry = heads[h][d];
        if (!massive(entry, lambda, row_mean)) continue;
        found.push_back({where, static_cast<int>(h), static_cast<int>(d), entry,
                         static_cast<float>(static_cast<double>(entry) / row_mean)});
      }
    }
  }
  std::ranges::sort(found, [](const MassiveValue& a, const MassiveValue& b) {
    return std::tuple(-a.ratio, a.where.layer, a.head, a.dim) <
           std::tuple(-b.ratio, b.where.layer, b.head, b.dim);
  });
  return found;
}

}  // namespace qkscope

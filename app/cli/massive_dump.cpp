#include "app/cli/massive_dump.h"

#include <filesystem>

#include "core/base/wording.h"
#include "core/io/safetensors.h"
#include "core/io/torch_archive.h"

namespace qkscope::cli {

namespace {

/// (heads, positions, dims) -> (positions, heads, dims)
Array swap_first_axes(const Array& array) {
  const auto heads = array.shape[0], positions = array.shape[1], dims = array.shape[2];
  Array swapped{{positions, heads, dims}, {}};
  swapped.data.reserve(array.data.size());
  for (std::int64_t p = 0; p < positions; ++p) {
    for (std::int64_t h = 0; h < heads; ++h) {
      const auto row = array.data.begin() + (h * positions + p) * dims;
      swapped.data.insert(swapped.data.end(), row, row + dims);
    }
  }
  return swapped;
}

}  // namespace

std::map<std::string, Array> read_dump(const Options& options) {
  const std::filesystem::path path = options.dump;
  const auto stored =
      path.extension() == ".safetensors" ? read_safetensors(path).arrays : read_torch_archive(path);
  std::map<std::string, Array> dumps;
  for (auto& [stored_name, stored_array] : stored) {
    const std::string name = stored_name.empty() ? path.stem().string() : stored_name;
    Array array = stored_array;
    if (array.shape.size() == 4 && array.shape[0] == 1) array.shape.erase(array.shape.begin());
    if (array.shape.size() != 3 || array.data.empty()) {
      throw Error(in_quotes(path.string()) + ": tensor " + in_quotes(name) + " has shape " +
                  shape_text(stored_array.shape) +
                  ", expected (1, position, head, dim) or (position, head, dim), or with "
                  "--layout bhsd (1, head, position, dim)");
    }
    dumps[name] = options.layout == DumpLayout::HeadsPositions ? swap_first_axes(array) : std::move(array);
  }
  if (dumps.empty()) throw Error(in_quotes(path.string()) + " holds no tensors");
  return dumps;
}

}  // namespace qkscope::cli

#include "core/checkpoint/gguf_parts.h"

#include <algorithm>
#include <regex>

namespace qkscope {
namespace {

namespace fs = std::filesystem;

struct PartName {
  std::string stem;
  int count = 0;  // 0: no part
};

PartName part_name(const fs::path& path) {
  static const std::regex pattern("(.*)-([0-9]{5})-of-([0-9]{5})\\.gguf");
  const std::string name = path.filename().string();
  std::smatch found;
  if (name.size() > 255 || !std::regex_match(name, found, pattern)) return {path.stem().string(), 0};
  return {found[1], std::stoi(found[3])};
}

}  // namespace

std::string gguf_part_ending(std::int64_t number, std::int64_t count) {
  const auto five_digits = [](std::int64_t n) {
    const std::string digits = std::to_string(n);
    return std::string(5 - std::min<std::size_t>(5, digits.size()), '0') + digits;
  };
  return "-" + five_digits(number) + "-of-" + five_digits(count) + ".gguf";
}

std::vector<fs::path> gguf_parts(const fs::path& path) {
  const PartName name = part_name(path);
  if (name.count == 0) return {path};
  std::vector<fs::path> parts;
  for (int number = 1; number <= name.count; ++number)
    parts.push_back(path.parent_path() / (name.stem + gguf_part_ending(number, name.count)));
  return parts;
}

std::string gguf_stem(const fs::path& path) {
  return part_name(path).stem;
}

std::vector<std::string> missing_gguf_parts(const fs::path& path) {
  std::vector<std::string> missing;
  for (const fs::path& part : gguf_parts(path)) {
    std::error_code problem;
    if (!fs::exists(part, problem)) missing.push_back(part.filename().string());
  }
  return missing;
}

}  // namespace qkscope

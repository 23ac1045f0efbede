#pragma once
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "core/analysis/frequency.h"
#include "core/analysis/massive_values.h"
#include "core/io/torch_archive.h"
#include "tests/support/test_case.h"

namespace qkscope::test {

inline nlohmann::json read_json(const std::filesystem::path& path) {
  std::ifstream file(path);
  return nlohmann::json::parse(file);
}

/// Real activations of Llama-2-7b-chat, layer index 9: "q", "k" (after RoPE) or "v" as (positions, heads,
/// head_dim).
inline std::filesystem::path llama2_dump_path(const std::string& letter) {
  return shared_data() / "qkv_dumps" / ("Llama-2-7b-chat-hf_" + letter + "_layer10.pt");
}

inline Array llama2_dump(const std::string& letter) {
  Array values = read_torch_archive(llama2_dump_path(letter)).at("");
  values.shape.erase(values.shape.begin());  // the batch of one
  return values;
}

/// The RoPE of Llama-2-7b.
inline FrequencyAxis llama2_axis() {
  RopeSpec rope;
  rope.rotary_dim = 128;
  return {&rope, 128, 4096, 66};
}

}  // namespace qkscope::test

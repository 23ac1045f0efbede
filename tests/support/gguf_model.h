#pragma once
#include <QTemporaryDir>

#include "core/checkpoint/checkpoint.h"
#include "tests/support/file_bytes.h"
#include "tests/support/test_case.h"

namespace qkscope::test {

/// Two heads, head_dim 4; without the key `left_out`.
inline GgufBytes bare(const std::string& architecture, std::string_view left_out = {}) {
  GgufBytes file;
  const std::pair<const char*, std::uint32_t> sizes[] = {{"block_count", 1},
                                                         {"context_length", 64},
                                                         {"embedding_length", 8},
                                                         {"feed_forward_length", 16},
                                                         {"attention.head_count", 2}};
  const std::string p = architecture + ".";
  file.text("general.architecture", architecture);
  for (const auto& [key, size] : sizes) {
    if (key != left_out) file.u32(p + key, size);
  }
  const std::string eps = "attention.layer_norm_rms_epsilon";
  if (eps != left_out) file.f32(p + eps, 0.5f);
  return file;
}

/// A model of two heads, one KV head, head_dim 4, without layers' other tensors.
inline GgufBytes small_llama(const std::string& architecture = "llama") {
  return bare(architecture)
      .u32(architecture + ".attention.head_count_kv", 1)
      .f32(architecture + ".rope.freq_base", 50000.0f);
}

inline std::string floats(std::size_t count, float first = 0) {
  std::vector<float> values;
  for (std::size_t i = 0; i < count; ++i) values.push_back(first + static_cast<float>(i));
  return test::raw_bytes(values);
}

/// A test that opens GGUF files.
class GgufTestCase : public TestCase {
 protected:
  std::shared_ptr<const Checkpoint> open(const GgufBytes& file) {
    const auto path = std::filesystem::path(directory_.path().toStdString()) / "m.gguf";
    write_file(path, file.bytes());
    return Checkpoint::open(path);
  }

 private:
  QTemporaryDir directory_;
};

}  // namespace qkscope::test

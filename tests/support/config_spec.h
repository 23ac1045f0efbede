#pragma once
#include <QTemporaryDir>
#include <nlohmann/json.hpp>

#include "core/model/architecture.h"
#include "tests/support/file_bytes.h"

namespace qkscope::test {

/// What is made of a checkpoint with this config.json and no tensor.
inline ModelSpec spec_of(const nlohmann::json& config) {
  const QTemporaryDir folder;
  const std::filesystem::path path = folder.path().toStdString();
  write_file(path / "config.json", config.dump());
  write_file(path / "model.safetensors", safetensors_bytes("{}"));
  return make_spec(*Checkpoint::open(path));
}

}  // namespace qkscope::test

#pragma once
#include <filesystem>
#include <memory>
#include <stop_token>
#include <string>

#include "core/run/recording.h"

namespace qkscope {

/// A document with its recorded runs, as one zip archive: document.json, which is the document as it stands
/// alone; recording.json; and a .safetensors file a run, prompt-1/baseline.safetensors, prompt-1/arm-1...
struct RecordedDocument {
  std::string document;  // JSON
  std::shared_ptr<const Recording> recording;
};

/// Whether the file's first bytes are those of a zip archive; also where it cannot be read: no.
bool begins_like_zip(const std::filesystem::path& path);

/// Throws Error naming the file, the thing in it, what was found and what was expected; Cancelled.
RecordedDocument read_recorded(const std::filesystem::path& path, std::stop_token stop = {});

/// The document alone, as JSON. Throws as read_recorded().
std::string document_in(const std::filesystem::path& path);

/// Writes `path`, whole or not at all. Throws Error naming it, a full disk included; Cancelled.
void write_recorded(const std::filesystem::path& path, const std::string& document,
                    const Recording& recording, std::stop_token stop = {});

/// A new document, as JSON, with these prompts and one arm for each of `arms`, which are on where there is
/// one.
std::string document_of(const RecordingPlan& plan, const std::string& model);

}  // namespace qkscope

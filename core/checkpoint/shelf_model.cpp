// What one model on the shelf is, as its headers tell.
#include <algorithm>
#include <map>

#include "core/base/budget.h"
#include "core/base/error.h"
#include "core/base/wording.h"
#include "core/checkpoint/checkpoint.h"
#include "core/checkpoint/checkpoint_formats.h"
#include "core/checkpoint/gguf_parts.h"
#include "core/checkpoint/model_shelf.h"
#include "core/io/json_file.h"

namespace qkscope {
namespace {

namespace fs = std::filesystem;

std::string architecture_of(const nlohmann::json& config) {
  if (const auto found = config.find("architectures");
      found != config.end() && found->is_array() && !found->empty() && found->front().is_string())
    return found->front().get<std::string>();
  const auto type = config.find("model_type");
  return type != config.end() && type->is_string() ? type->get<std::string>() : std::string();
}

std::string main_type(const Checkpoint& checkpoint) {
  std::map<std::string_view, std::uint64_t> bytes;
  for (const TensorEntry& entry : checkpoint.tensors())
    bytes[element_type_name(entry.type)] += entry.bytes.size();
  const auto most = std::ranges::max_element(bytes, {}, [](const auto& type) { return type.second; });
  return most == bytes.end() ? std::string() : std::string(most->first);
}

/// Of the files of a folder, or of one file and, where it is one of several parts, of those.
std::uint64_t size_on_disk(const fs::path& path) {
  std::error_code problem;
  if (!fs::is_directory(path, problem)) {
    std::uint64_t total = 0;
    for (const fs::path& part : gguf_parts(path)) {
      const auto size = fs::file_size(part, problem);
      if (!problem) total += size;
    }
    return total;
  }
  std::uint64_t total = 0;
  for (fs::directory_iterator at(path, problem), end; !problem && at != end; at.increment(problem)) {
    std::error_code unreadable;  // a broken link, a folder
    const auto size = fs::file_size(at->path(), unreadable);
    if (!unreadable) total += size;
  }
  return total;
}

}  // namespace

void describe(ShelfModel& model, std::stop_token stop) {
  model.bytes = size_on_disk(model.path);
  try {
    Budget budget(in_quotes(model.path.string()), stop);
    const bool folder = fs::is_directory(model.path);
    model.missing = folder ? missing_shards(model.path, budget) : missing_gguf_parts(model.path);
    if (!model.missing.empty()) {
      model.problem = in_quotes(model.path.string()) + " lacks " + in_quotes(model.missing.front()) +
                      (model.missing.size() == 1
                           ? std::string()
                           : " and " + std::to_string(model.missing.size() - 1) + " more of its files") +
                      "; download it again";
      if (folder) model.architecture = architecture_of(read_json_object(model.path / "config.json", budget));
      return;
    }
    const auto checkpoint = Checkpoint::open(model.path, budget);
    model.architecture = architecture_of(checkpoint->config());
    model.format = checkpoint->format();
    model.stored_type = main_type(*checkpoint);
  } catch (const std::bad_alloc&) {
    model.problem = "There is not enough memory to look at " + in_quotes(model.path.string());
  } catch (const Cancelled&) {
    throw;
  } catch (const std::exception& error) {
    model.problem = error.what();
  }
}

}  // namespace qkscope

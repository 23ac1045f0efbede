#include <algorithm>
#include <set>

#include "core/base/budget.h"
#include "core/base/error.h"
#include "core/base/wording.h"
#include "core/checkpoint/checkpoint_formats.h"
#include "core/checkpoint/gguf_families.h"
#include "core/checkpoint/gguf_parts.h"
#include "core/io/dequantize.h"
#include "core/io/gguf.h"
#include "core/io/mapped_file.h"

namespace qkscope {
namespace {

namespace fs = std::filesystem;

class GgufCheckpoint : public Checkpoint {
 public:
  GgufCheckpoint(const fs::path& path, Budget& budget) {
    path_ = path;
    format_ = "GGUF";
    directory_ = parse(path, budget);
    if (const auto count = directory_.metadata.integer("split.count").value_or(1); count > 1)
      join_parts(count, budget);
    family_ = gguf_family(directory_.metadata);
    config_ = gguf_config(directory_, where_);
    for (const GgufTensor& tensor : directory_.tensors) {
      if (tensor.type) {
        tensors_.push_back(entry(tensor));
      } else {
        unreadable_[hugging_face_name(tensor.name, family_)] =
            "is of type " + tensor.type_name +
            ", which is not supported; use a file quantized to one like Q8_0, Q6_K, Q4_K or IQ4_XS, or F16";
      }
    }
    std::sort(tensors_.begin(), tensors_.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    const auto twice = std::adjacent_find(tensors_.begin(), tensors_.end(),
                                          [](const auto& a, const auto& b) { return a.name == b.name; });
    if (twice != tensors_.end())
      throw Error(where_ + " has two tensors that stand for " + in_quotes(twice->name));
  }

  const GgufMetadata* gguf() const override { return &directory_.metadata; }
  ChatTemplate chat_template(Budget& budget) const override {
    const std::string_view source = directory_.metadata.string("tokenizer.chat_template").value_or("");
    budget.set_what("The chat template of " + where_);
    budget.charge(source.size());
    return {std::string(source), {}};
  }
  void release(const TensorEntry& entry) const override {
    for (const auto& file : files_) file->release(entry.bytes);
  }

 private:
  GgufDirectory parse(const fs::path& path, Budget& budget) {
    const auto& file = files_.emplace_back(std::make_unique<MappedFile>(path));
    where_ = in_quotes(path.string());
    return parse_gguf(file->bytes(), where_, budget);
  }

  // Makes `directory_`, that of one of `count` parts, the directory of all of them.
  void join_parts(std::int64_t count, Budget& budget) {
    const std::int64_t opened = directory_.metadata.integer("split.no").value_or(-1) + 1;
    const std::string name = path_.filename().string(), ending = gguf_part_ending(opened, count);
    if (!name.ends_with(ending)) {
      throw Error(where_ + " is part " + std::to_string(opened) + " of " + std::to_string(count) +
                  " of a model, expected a name that ends in " + in_quotes(ending) +
                  "; the parts are found by their names, give them back");
    }
    const std::string stem = name.substr(0, name.size() - ending.size());
    GgufDirectory whole;
    std::set<std::string> names;
    for (std::int64_t number = 1; number <= count; ++number) {
      const fs::path path = path_.parent_path() / (stem + gguf_part_ending(number, count));
      GgufDirectory part =
          number == opened ? std::move(directory_) : parse(existing(path, number, count), budget);
      const std::string where = in_quotes(path.string());
      const std::int64_t says = part.metadata.integer("split.no").value_or(-1) + 1;
      const std::int64_t says_count = part.metadata.integer("split.count").value_or(0);
      if (says != number || says_count != count) {
        throw Error(where + " says that it is part " + std::to_string(says) + " of " +
                    std::to_string(says_count) + ", expected part " + std::to_string(number) + " of " +
                    std::to_string(count) + "; download the parts of one model");
      }
      for (GgufTensor& tensor : part.tensors) {
        if (!names.insert(tensor.name).second) {
          throw Error(where + " has the tensor " + in_quotes(tensor.name) +
                      ", which a part before it has too; download the parts of one model");
        }
        whole.tensors.push_back(std::move(tensor));
      }
      if (number == 1) whole.metadata = std::move(part.metadata);
    }
    where_ = in_quotes((path_.parent_path() / (stem + gguf_part_ending(1, count))).string());
    const auto total = whole.metadata.integer("split.tensors.count");
    if (total && *total != static_cast<std::int64_t>(whole.tensors.size())) {
      throw Error(where_ + " says that all parts together have " + std::to_string(*total) +
                  " tensors, they have " + std::to_string(whole.tensors.size()) +
                  "; download the parts of one model");
    }
    directory_ = std::move(whole);
  }

  fs::path existing(const fs::path& part, std::int64_t number, std::int64_t count) const {
    std::error_code problem;
    if (fs::exists(part, problem)) return part;
    throw Error("part " + std::to_string(number) + " of " + std::to_string(count) + " of the model, " +
                in_quotes(part.string()) + ", is missing; download it too");
  }

  TensorEntry entry(const GgufTensor& tensor) const {
    TensorEntry entry{hugging_face_name(tensor.name, family_), tensor.shape, *tensor.type, tensor.bytes, 0};
    const std::int64_t heads = permuted_heads(tensor.name, family_, config_);
    if (heads == 0) return entry;
    // Rows are moved whole: each must be a whole number of blocks, and each head an even number of rows.
    const std::int64_t rows = tensor.shape.empty() ? 0 : tensor.shape.front();
    const bool whole_rows = tensor.shape.size() == 2 || block_layout(*tensor.type).elements == 1;
    if (heads < 0 || heads > rows || rows % (2 * heads) != 0 || rows > INT32_MAX || !whole_rows) {
      throw Error("tensor " + in_quotes(tensor.name) + " of " + where_ + " has the shape " +
                  shape_text(tensor.shape) + " of " + tensor.type_name + ", expected rows for " +
                  std::to_string(heads) + " heads of even size");
    }
    entry.permuted_heads = static_cast<int>(heads);
    return entry;
  }

  std::vector<std::unique_ptr<MappedFile>> files_;  // all parts
  std::string where_;                               // the file with the metadata, as errors name it
  GgufDirectory directory_;
  const GgufFamily* family_ = nullptr;  // none: one that this program does not know
};

}  // namespace

std::shared_ptr<const Checkpoint> open_gguf(const std::filesystem::path& file, Budget& budget) {
  return std::make_shared<GgufCheckpoint>(file, budget);
}

}  // namespace qkscope

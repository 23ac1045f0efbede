#include <algorithm>

#include "core/budget.h"
#include "core/error.h"
#include "core/model/checkpoint_formats.h"
#include "core/model/dequantize.h"
#include "core/model/gguf.h"
#include "core/model/mapped_file.h"
#include "core/model/wording.h"

namespace qkscope {
namespace {

class GgufCheckpoint : public Checkpoint {
 public:
  GgufCheckpoint(const std::filesystem::path& path, Budget& budget)
      : file_(path), where_(in_quotes(path.string())), directory_(parse_gguf(file_.bytes(), where_, budget)) {
    path_ = path;
    format_ = "GGUF";
    config_ = gguf_config(directory_, where_);
    for (const GgufTensor& tensor : directory_.tensors) {
      if (tensor.type) {
        tensors_.push_back(entry(tensor));
      } else {
        unreadable_[hugging_face_name(tensor.name)] =
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
  void release(const TensorEntry& entry) const override { file_.release(entry.bytes); }

 private:
  TensorEntry entry(const GgufTensor& tensor) const {
    TensorEntry entry{hugging_face_name(tensor.name), tensor.shape, *tensor.type, tensor.bytes, 0};
    const std::int64_t heads = permuted_heads(config_, tensor.name);
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

  MappedFile file_;
  std::string where_;
  GgufDirectory directory_;
};

}  // namespace

std::shared_ptr<const Checkpoint> open_gguf(const std::filesystem::path& file, Budget& budget) {
  return std::make_shared<GgufCheckpoint>(file, budget);
}

}  // namespace qkscope

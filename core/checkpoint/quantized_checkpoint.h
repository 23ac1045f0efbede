#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace qkscope {

/// What has quantized a Hugging Face checkpoint, to be told: "GPTQ", "bitsandbytes", or as config.json spells
/// a method that is not known. Empty where its config.json says nothing of that.
std::string quantization_method(const nlohmann::json& config);

/// The same from the name of a tensor that only such a checkpoint has ("...q_proj.qweight"); empty for
/// others.
std::string_view quantization_of_tensor(std::string_view name);

}  // namespace qkscope

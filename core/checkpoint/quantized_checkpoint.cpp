#include "core/checkpoint/quantized_checkpoint.h"

#include "core/base/wording.h"

namespace qkscope {
namespace {

using nlohmann::json;

struct Method {
  std::string_view key, name;
};
// transformers' QuantizationMethod, as people call them.
constexpr Method methods[] = {
    {"awq", "AWQ"},    {"gptq", "GPTQ"},      {"bitsandbytes", "bitsandbytes"},
    {"fp8", "FP8"},    {"fbgemm_fp8", "FP8"}, {"compressed-tensors", "compressed-tensors"},
    {"mxfp4", "MXFP4"}};

// Endings of the names that each method gives to what stands in for a weight.
constexpr Method endings[] = {{".qweight", "GPTQ or AWQ"},
                              {".qzeros", "GPTQ or AWQ"},
                              {".g_idx", "GPTQ"},
                              {".weight_packed", "compressed-tensors"},
                              {".weight_scale", "FP8 or compressed-tensors"},
                              {".weight_scale_inv", "FP8"},
                              {".SCB", "bitsandbytes"},
                              {".absmax", "bitsandbytes"},
                              {".quant_map", "bitsandbytes"},
                              {".quant_state.bitsandbytes__nf4", "bitsandbytes"},
                              {".quant_state.bitsandbytes__fp4", "bitsandbytes"}};

std::string method_name(const json& config) {
  const auto method = config.find("quant_method");
  if (method == config.end() || method->is_null()) {
    // As old versions of transformers wrote it.
    const bool old =
        config.value("load_in_4bit", json()) == true || config.value("load_in_8bit", json()) == true;
    return old ? "bitsandbytes" : "an unnamed method";
  }
  const std::string key = method->is_string() ? method->get<std::string>() : method->dump();
  for (const Method& known : methods) {
    if (known.key == key) return std::string(known.name);
  }
  return in_quotes(key);
}

}  // namespace

std::string quantization_method(const json& config) {
  for (const char* key : {"quantization_config", "compression_config"}) {
    const auto found = config.find(key);
    if (found != config.end() && found->is_object()) return method_name(*found);
  }
  return {};
}

std::string_view quantization_of_tensor(std::string_view name) {
  for (const Method& ending : endings) {
    if (name.ends_with(ending.key)) return ending.name;
  }
  return {};
}

}  // namespace qkscope

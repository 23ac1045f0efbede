#pragma once
#include "core/checkpoint/gguf_families.h"

namespace qkscope {

/// GgufFamily::complete of the families with experts, latent attention or layers without attention.
void gguf_llama4(const GgufKeys& keys, nlohmann::json& config);
void gguf_qwen2moe(const GgufKeys& keys, nlohmann::json& config);
void gguf_qwen3moe(const GgufKeys& keys, nlohmann::json& config);
void gguf_qwen3next(const GgufKeys& keys, nlohmann::json& config);
void gguf_qwen35(const GgufKeys& keys, nlohmann::json& config);
void gguf_qwen35moe(const GgufKeys& keys, nlohmann::json& config);
void gguf_gemma4(const GgufKeys& keys, nlohmann::json& config);
void gguf_glm4moe(const GgufKeys& keys, nlohmann::json& config);
void gguf_deepseek2(const GgufKeys& keys, nlohmann::json& config);
void gguf_gpt_oss(const GgufKeys& keys, nlohmann::json& config);
void gguf_jamba(const GgufKeys& keys, nlohmann::json& config);

}  // namespace qkscope

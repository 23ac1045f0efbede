#pragma once
#include <c10/core/Device.h>

#include <cstdint>
#include <functional>
#include <string>

namespace qkscope {

/// Bytes that can still be had on `device`.
std::uint64_t free_memory(c10::Device device);

/// Does `work`. Where libtorch finds no memory, or fails otherwise, its error, which goes on for pages of
/// stack frames, becomes an Error of one sentence. `what` begins it: "A pass over 40000 tokens"; `remedy`
/// ends it: "give a shorter prompt", with smaller_way() of the model behind it.
void telling_failures(c10::Device device, const std::string& what, const std::string& remedy,
                      const std::function<void()>& work);

}  // namespace qkscope

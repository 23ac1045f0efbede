#pragma once

/// 256 colours each, rrggbb, lowest value first.
namespace qkscope::tables {

extern const char* const viridis;
extern const char* const cividis;
extern const char* const magma;
extern const char* const inferno;
extern const char* const plasma;
extern const char* const coolwarm;
extern const char* const rdbu_r;

}  // namespace qkscope::tables

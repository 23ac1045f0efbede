#pragma once
#include <array>
#include <cstdint>

// The tables that IQ1, IQ2 and IQ3 index into (ggml-org/ggml, ggml-common.h: iq2xxs_grid and so on). Each row
// is 4 or 8 numbers side by side; of IQ2 and IQ3 their magnitudes, of IQ1 the numbers themselves.
namespace qkscope::blocks {

template <std::size_t rows, std::size_t width>
using Codebook = std::array<std::array<std::int8_t, width>, rows>;

extern const Codebook<256, 8> iq2_xxs_codebook;
extern const Codebook<512, 8> iq2_xs_codebook;
extern const Codebook<1024, 8> iq2_s_codebook;
extern const Codebook<256, 4> iq3_xxs_codebook;
extern const Codebook<512, 4> iq3_s_codebook;
extern const Codebook<2048, 8> iq1_codebook;

}  // namespace qkscope::blocks

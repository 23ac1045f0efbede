#ifdef __AVX512F__
#include "core/model/rows/loops.h"

const qkscope::rows::Kernels* qkscope::rows::avx512_kernels() {
  return &kernels;
}
#else
#include "core/model/rows/kernels.h"

const qkscope::rows::Kernels* qkscope::rows::avx512_kernels() {
  return nullptr;
}
#endif

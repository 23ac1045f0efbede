#ifdef __AVX2__
#include "core/model/rows/loops.h"

const qkscope::rows::Kernels* qkscope::rows::avx2_kernels() {
  return &kernels;
}
#else
#include "core/model/rows/kernels.h"

const qkscope::rows::Kernels* qkscope::rows::avx2_kernels() {
  return nullptr;
}
#endif

#include "core/model/rows/loops.h"

const qkscope::rows::Kernels* qkscope::rows::plain_kernels() {
  return &kernels;
}

#pragma once
#include <ATen/Parallel.h>

// The way to at::parallel_for: in a file that is compiled without OpenMP it would be a plain loop on one
// thread, without a word. GCC's calls are those of the libgomp that libtorch brings; clang's are another
// library's.
#if AT_PARALLEL_OPENMP && !defined(_OPENMP) && !defined(__clang__)
#error "This file needs OpenMP: name it in core/CMakeLists.txt"
#endif

#pragma once

/// Before a function that goes over many numbers: also made for AVX2, which is chosen when the program
/// starts. What it computes is the same.
/// Not under ThreadSanitizer, which is not there yet when the choice is made.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_THREAD__)
#define QKSCOPE_WIDE_LOOPS __attribute__((target_clones("avx2", "default")))
#else
#define QKSCOPE_WIDE_LOOPS
#endif

#pragma once
#include <vector>

#include "views/colormap.h"

namespace qkscope {

/// Values to label between the limits of `norm`: steps of 1, 2 or 5 times a power of ten on a linear scale,
/// decades (and their 2 and 5 where there are few) on a logarithmic one, those mirrored about 0 on a symlog
/// one. About `count`.
std::vector<double> ticks(const ColorNorm& norm, int count);

/// Smallest step of 1, 2, 4, 8, 16 ... that leaves at least `least` between labels `spacing` apart: dims come
/// in powers of two.
int binaryStep(double spacing, double least);
/// The same with 1, 2, 5, 10, 20, 50 ...: layers and positions.
int decimalStep(double spacing, double least);
/// Which of the things `first` to `last` (0-based, told from 1) to label where `spacing` lies between them
/// and a label needs `least`: 1, 2, 3 ...; 1, 3, 5 ...; 1, 5, 10, 15 ...; 1, 10, 20 ..., never two closer
/// than that.
std::vector<int> labelsFromOne(int first, int last, double spacing, double least);

}  // namespace qkscope

#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace qkscope {

/// Values as Python 3 prints them, for files whose layout is that of a Python program.

/// repr of a float: "2400.0", "0.1", "1e+16", "nan".
std::string python_text(double value);
/// repr of a str (UTF-8): in single quotes, or in double ones where that saves escapes; what Unicode does not
/// call printable as \n, \x1b, \u200b.
std::string python_text(std::string_view text);
/// "[0, 30]"
std::string python_text(const std::vector<int>& list);
/// How PyTorch prints a float32 tensor of shape (1, n) with its default options: "tensor([[-45.5000]])". Of
/// up to 1000 numbers, from where on it leaves some out.
std::string torch_text(const std::vector<float>& row);

}  // namespace qkscope

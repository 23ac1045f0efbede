#pragma once

namespace qkscope {

/// All of the program qkscope: command line, then the window, or a figure or screenshot without one. Returns
/// the exit status: 0, or 1 after one sentence on stderr.
int runApplication(int argc, char** argv);

}  // namespace qkscope

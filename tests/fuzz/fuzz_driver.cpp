// Stands in for libFuzzer: the seeds and some thousands of mutations of them, the same in every run.
//
//   fuzz_gguf          runs them
//   fuzz_gguf FOLDER   writes the seeds there, for libFuzzer to start from
#include <malloc.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <new>
#include <random>

#include "tests/fuzz/fuzz_target.h"
#include "tests/support/file_bytes.h"

namespace {

constexpr int mutants_per_seed = 10000;

// Twice what the targets' budget allows (fuzz_target.h): what is charged is an estimate.
constexpr std::size_t most_bytes = std::size_t{128} << 20;
constexpr double most_seconds = 2;

std::atomic<std::size_t> live_bytes = 0, peak_bytes = 0;

double thread_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

class Mutator {
 public:
  std::string mutate(std::string bytes) {
    for (std::size_t changes = 1 + pick(4); changes > 0 && !bytes.empty(); --changes) change(bytes);
    return bytes;
  }

 private:
  std::size_t pick(std::size_t below) { return random_() % below; }

  void change(std::string& bytes) {
    const std::size_t at = pick(bytes.size()),
                      length = 1 + pick(std::min<std::size_t>(16, bytes.size() - at));
    switch (pick(7)) {
      case 0:
        bytes[at] = static_cast<char>(bytes[at] ^ 1 << pick(8));
        break;
      case 1:
        bytes[at] = static_cast<char>(random_());
        break;
      case 2:
        overwrite(bytes, at);
        break;
      case 3:
        bytes.resize(at);
        break;
      case 4:
        bytes.erase(at, length);
        break;
      case 5:
        bytes.insert(at, bytes.substr(pick(bytes.size()), length));
        break;
      case 6:
        std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(pick(bytes.size() - length + 1)), length,
                    bytes.begin() + static_cast<std::ptrdiff_t>(at));
    }
  }

  // Counts, sizes and offsets at the edges of their types.
  void overwrite(std::string& bytes, std::size_t at) {
    constexpr std::uint64_t edges[] = {0,          1,          0x7f,       0xff,       0xffff, 0x7fffffff,
                                       0xffffffff, 1ull << 32, 1ull << 60, 1ull << 63, ~0ull};
    const std::uint64_t value = edges[pick(std::size(edges))];
    constexpr std::size_t widths[] = {1, 2, 4, 8};
    std::memcpy(bytes.data() + at, &value, std::min(widths[pick(4)], bytes.size() - at));
  }

  std::mt19937 random_{20250301};
};

// Aborts where an input of a few hundred bytes takes memory or time that no such input should.
void run(const std::string& bytes) {
  const std::size_t before = live_bytes;
  peak_bytes = before;
  const double start = thread_seconds();
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  const double seconds = thread_seconds() - start;
  if (peak_bytes - before > most_bytes || seconds > most_seconds) {
    std::fprintf(stderr, "%zu bytes of input took %zu MiB and %.1f s\n", bytes.size(),
                 (peak_bytes - before) >> 20, seconds);
    std::abort();
  }
}

}  // namespace

// Counted, for the peak of one input.
void* operator new(std::size_t size) {
  void* memory = std::malloc(size);
  if (!memory) throw std::bad_alloc();
  const std::size_t now = live_bytes += malloc_usable_size(memory);
  if (now > peak_bytes) peak_bytes = now;
  return memory;
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  try {
    return operator new(size);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}
void operator delete(void* memory) noexcept {
  live_bytes -= malloc_usable_size(memory);
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  operator delete(memory);
}

int main(int count, char** arguments) {
  const std::vector<std::string> seeds = seed_inputs();
  if (count > 1) {
    const std::filesystem::path folder = arguments[1];
    std::filesystem::create_directories(folder);
    for (std::size_t i = 0; i < seeds.size(); ++i)
      qkscope::test::write_file(folder / ("seed" + std::to_string(i)), seeds[i]);
    return 0;
  }
  Mutator mutator;
  for (const std::string& seed : seeds) {
    run(seed);
    for (int i = 0; i < mutants_per_seed; ++i) run(mutator.mutate(seed));
  }
  std::printf("%zu seeds and %zu mutants: no finding\n", seeds.size(), seeds.size() * mutants_per_seed);
}

// The same input gives the same output, whatever else the machine does.
#include <atomic>
#include <thread>

#include "tests/support/cli.h"

using namespace qkscope;
using namespace qkscope::test;
using nlohmann::json;

namespace {

/// Keeps every core busy for as long as it lives.
class Load {
 public:
  Load() {
    for (unsigned i = 0; i < std::max(2U, std::thread::hardware_concurrency()); ++i) {
      threads_.emplace_back([](std::stop_token stop) {
        std::atomic<unsigned> count = 0;
        while (!stop.stop_requested()) ++count;
      });
    }
  }

 private:
  std::vector<std::jthread> threads_;
};

std::string without_times(json document) {
  for (const char* key : {"prefill_ms", "decode_ms"}) document.erase(key);
  return document.dump();
}

}  // namespace

class TestCliRepeats : public CliTestCase {
  Q_OBJECT
 private Q_SLOTS:
  /// Alone and under load, by one thread and by all.
  void twentyStartsGiveTheSameBytes() {
    const Arguments disrupt = {"disrupt",   model_.folder().string(), "--prompt", prompt_, "--max-new", "8",
                               "--disrupt", "site=q,pick=largest:3",  "--json"};
    const Arguments generate = {"generate", model_.folder().string(), "--prompt", prompt_, "--max-new",
                                "8",        "--temperature",          "0.8",      "--json"};
    const std::string answer = without_times(run_cli(generate).json()),
                      comparison = without_times(run_cli(disrupt).json());
    QVERIFY(has_all(comparison, {"\"nll\":[", "\"logit\":"}));
    const Load load;
    for (int start = 0; start < 10; ++start) {
      QCOMPARE(without_times(run_cli(generate).json()), answer);
      QCOMPARE(without_times(run_cli(disrupt).json()), comparison);
    }
  }
};

QTEST_GUILESS_MAIN(TestCliRepeats)
#include "test_cli_repeats.moc"

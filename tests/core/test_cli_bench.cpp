// qkscope-cli bench: its keys, and that its figures agree with each other.
#include "tests/support/cli.h"

using namespace qkscope;
using namespace qkscope::test;
using nlohmann::json;

class TestCliBench : public CliTestCase {
  Q_OBJECT

  static void check(const json& found) {
    QCOMPARE(keys(found),
             (Keys{"device", "dtype", "weights", "prefill", "decode", "memory", "read_bandwidth"}));
    for (const json& timing : found.at("prefill")) {
      QCOMPARE(keys(timing), (Keys{"tokens", "ms", "linear_ms", "packed_ms", "products_ms", "ratio",
                                   "capture_overhead", "residual_overhead", "disrupted_ms"}));
      QVERIFY(timing.at("residual_overhead").get<double>() > -1);
      QVERIFY(timing.at("disrupted_ms").get<double>() > 0);
      const auto linear = timing.at("linear_ms").get<double>();
      const auto fastest =
          timing.at("packed_ms").is_null() ? linear : std::min(linear, timing.at("packed_ms").get<double>());
      QVERIFY(fastest > 0);
      QVERIFY(close(timing.at("products_ms"), fastest));
      QVERIFY(close(timing.at("ratio"), timing.at("ms").get<double>() / fastest));
    }
    const json& decode = found.at("decode");
    QCOMPARE(keys(decode), (Keys{"context", "ms_per_token", "stored_bytes", "bandwidth", "floor_ms",
                                 "traffic_ms", "ratio"}));
    QVERIFY(decode.at("bandwidth") == found.at("read_bandwidth"));
    QVERIFY(close(decode.at("floor_ms"),
                  decode.at("stored_bytes").get<double>() / decode.at("bandwidth").get<double>() * 1000));
    QVERIFY(close(decode.at("ratio"),
                  decode.at("ms_per_token").get<double>() / decode.at("floor_ms").get<double>()));
    const json& memory = found.at("memory");
    QCOMPARE(keys(memory), (Keys{"held", "peak"}));
    QVERIFY(memory.at("held").get<std::uint64_t>() >= decode.at("stored_bytes").get<std::uint64_t>());
    QVERIFY(memory.at("peak").get<std::uint64_t>() > memory.at("held").get<std::uint64_t>());
  }

 private Q_SLOTS:
  void initTestCase() { load(); }

  void benchesAModel() {
    const json found = printed("bench", {});
    QCOMPARE(found.at("prefill").size(), 3u);
    check(found);
  }

  void benchesRandomNumbersWithoutAFile() {
    const json random = run_cli({"bench", "--synthetic", "llama-tiny", "--tokens", "5,9", "--json"}).json();
    check(random);
    QCOMPARE(random.at("weights").get<std::string>(), std::string("float"));
    QCOMPARE(random.at("prefill").size(), 2u);
    QCOMPARE(random.at("prefill").at(1).at("tokens").get<int>(), 9);
    QCOMPARE(run_cli(on_model("bench", {"--synthetic", "llama-tiny"})).code, 2);
  }
};

QTEST_GUILESS_MAIN(TestCliBench)
#include "test_cli_bench.moc"

// .qkscope files, which the window opens and of which the last session is one. What is read is written the
// same.
#include "app/document.h"
#include "tests/fuzz/fuzz_target.h"

using namespace qkscope;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  test::expect_result_or_error(data, size, [](std::span<const std::byte> bytes, Budget&) {
    const QByteArray json(reinterpret_cast<const char*>(bytes.data()), static_cast<qsizetype>(bytes.size()));
    const QString name = QStringLiteral("fuzz.qkscope");
    const Document document = documentFromJson(json, name);
    if (!(documentFromJson(toJson(document), name) == document)) std::abort();
  });
  return 0;
}

std::vector<std::string> seed_inputs() {
  Document dump = defaultDocument();
  dump.dump = {{"q.npy", "k.npy"}, DumpLayout{AxisOrder::Flat, 64}, 10000.0};
  dump.arms.list.push_back(
      {QStringLiteral("control"), {presets().back().disruption, parse_edit("off lambda 5 on K")}});
  dump.arms.chosen = 1;
  return {toJson(defaultDocument()).toStdString(), toJson(dump).toStdString()};
}

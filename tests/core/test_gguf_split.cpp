// A GGUF model in several files.
#include <QTemporaryDir>

#include "core/base/budget.h"
#include "core/checkpoint/checkpoint.h"
#include "core/io/gguf.h"
#include "tests/support/errors.h"
#include "tests/support/gguf_model.h"

using namespace qkscope;
using namespace qkscope::test;
namespace fs = std::filesystem;

namespace {

constexpr std::uint32_t f32 = 0;

struct Part {
  std::uint16_t no, count;
  std::int32_t tensors;
  std::vector<std::string> names;  // of tensors of two numbers: 10 no, 10 no + 1
  bool metadata = false;
};

std::string bytes_of(const Part& part) {
  GgufBytes file = part.metadata ? bare("llama") : GgufBytes();
  if (part.metadata) file.text("tokenizer.chat_template", "T");
  file.key("split.no", GgufBytes::U16, part.no).key("split.count", GgufBytes::U16, part.count);
  file.key("split.tensors.count", GgufBytes::I32, part.tensors);
  for (const std::string& name : part.names)
    file.tensor(name, {2}, f32, raw_bytes<float>({10.0f * part.no, 10.0f * part.no + 1}));
  return file.bytes();
}

const Part first{0, 3, 3, {"token_embd.weight"}, true};
const Part second{1, 3, 3, {"blk.0.attn_norm.weight", "output_norm.weight"}};
const Part third{2, 3, 3, {}};

}  // namespace

class TestGgufSplit : public TestCase {
  Q_OBJECT

  fs::path file(int number) const {
    return fs::path(folder_->path().toStdString()) /
           ("m.v2-0000" + std::to_string(number) + "-of-00003.gguf");
  }
  void write(int number, const Part& part) const { write_file(file(number), bytes_of(part)); }
  std::string error_of_opening(int number = 1) const {
    return error_of([&] { Checkpoint::open(file(number)); });
  }

 private Q_SLOTS:
  void init() {
    folder_ = std::make_unique<QTemporaryDir>();
    write(1, first);
    write(2, second);
    write(3, third);
  }

  void anyPartOpensAll() {
    Budget budget("the parts");
    for (int number = 1; number <= 3; ++number) {
      const auto checkpoint = Checkpoint::open(file(number));
      QCOMPARE(checkpoint->path(), file(number));
      QCOMPARE(checkpoint->config()["hidden_size"].get<int>(), 8);
      QCOMPARE(checkpoint->chat_template(budget).source, "T");
      QCOMPARE(*checkpoint->gguf()->string("general.architecture"), "llama");
      QCOMPARE(checkpoint->tensors().size(), 3u);
      QCOMPARE(checkpoint->total_bytes(), 24u);
      for (const auto& [name, value] :
           {std::pair("model.embed_tokens.weight", 0.0f), {"model.layers.0.input_layernorm.weight", 10.0f}}) {
        const std::int64_t shape[] = {2};
        const TensorEntry& entry = checkpoint->require(name, shape);
        std::vector<float> numbers(2);
        for (int pass = 0; pass < 2; ++pass) {
          read_float32(entry, numbers);
          QCOMPARE(numbers, (std::vector<float>{value, value + 1}));
          checkpoint->release(entry);
        }
      }
    }
  }

  void missingPartsAreNamed() {
    for (const int missing : {1, 2, 3}) {
      init();
      fs::remove(file(missing));
      const std::string text = error_of_opening(missing == 1 ? 2 : 1);
      const std::string part = "part " + std::to_string(missing) + " of 3";
      QVERIFY2(has_all(text, {file(missing).string(), part, "missing", "download"}), text.c_str());
    }
  }

  void wrongPartsAreNamed() {
    const auto expect = [&](int opened, int named, const std::vector<std::string>& words) {
      const std::string text = error_of_opening(opened);
      QVERIFY2(text.find(file(named).string()) != text.npos && has_all(text, words), text.c_str());
      init();
    };
    write(2, {2, 3, 3, {}});
    expect(1, 2, {"says that it is part 3 of 3", "expected part 2 of 3"});
    write(2, {1, 4, 3, {}});
    expect(1, 2, {"part 2 of 4", "expected part 2 of 3"});
    write(3, {2, 3, 3, {"token_embd.weight"}});
    expect(2, 3, {"'token_embd.weight'", "a part before it"});
    write(3, {2, 3, 3, {"model.norm.weight"}});  // another name for a tensor of the second part
    expect(1, 1, {"together have 3 tensors, they have 4"});
    write(3, {2, 3, 3, {"output.weight"}});
    expect(3, 1, {"together have 3 tensors, they have 4"});
    write(1, {0, 3, 2, {"token_embd.weight"}, true});
    expect(2, 1, {"together have 2 tensors, they have 3"});
    write(3, {0, 3, 3, {}});
    expect(3, 3, {"part 1 of 3", "'-00001-of-00003.gguf'"});
    write_file(file(2), GgufBytes().bytes());
    expect(1, 2, {"part 0 of 0", "expected part 2 of 3"});
    write_file(file(3), "GG");
    expect(1, 3, {"truncated"});
  }

  void renamedPartsAreTold() {
    const fs::path renamed = file(1).parent_path() / "m.gguf";
    fs::copy(file(2), renamed);
    QKSCOPE_EXPECT_ERROR(Checkpoint::open(renamed), "m.gguf", "part 2 of 3", "'-00002-of-00003.gguf'");
    GgufBytes absurd;
    absurd.key("split.no", GgufBytes::I64, INT64_MAX - 1).key("split.count", GgufBytes::I64, INT64_MAX);
    write_file(renamed, absurd.bytes());
    QKSCOPE_EXPECT_ERROR(Checkpoint::open(renamed), "m.gguf", "expected a name");
  }

  void onePartOfOne() {
    Part whole = first;
    whole.count = whole.tensors = 1;
    write(1, whole);
    QCOMPARE(Checkpoint::open(file(1))->tensors().size(), 1u);
  }

 private:
  std::unique_ptr<QTemporaryDir> folder_;
};

QTEST_GUILESS_MAIN(TestGgufSplit)
#include "test_gguf_split.moc"

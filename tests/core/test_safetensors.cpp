#include <sys/resource.h>
#include <QTemporaryDir>
#include <csignal>
#include <fstream>
#include <limits>

#include "core/base/budget.h"
#include "core/checkpoint/checkpoint.h"
#include "core/io/safetensors.h"
#include "core/io/safetensors_writer.h"
#include "tests/support/errors.h"
#include "tests/support/file_bytes.h"
#include "tests/support/test_case.h"

using namespace qkscope;
namespace fs = std::filesystem;

namespace {

const std::string sound_header = R"({"w": {"dtype": "F32", "shape": [1, 2], "data_offsets": [0, 8]}})";
const std::string sound_config = R"({"architectures": ["LlamaForCausalLM"], "hidden_size": 2})";

SafetensorsDirectory parse_bytes(const std::string& bytes) {
  Budget budget("a.safetensors");
  return parse_safetensors(test::as_span(bytes), "a.safetensors", budget);
}

SafetensorsDirectory parse(const std::string& header, std::size_t data_bytes) {
  return parse_bytes(test::safetensors_bytes(header, std::string(data_bytes, '\0')));
}

}  // namespace

class TestSafetensors : public test::TestCase {
  Q_OBJECT

  // A folder of its own for every test function.
  fs::path folder() const { return fs::path(directory_->path().toStdString()); }
  void put(const char* name, const std::string& bytes) const { test::write_file(folder() / name, bytes); }

 private Q_SLOTS:
  void cleanup() { directory_ = std::make_unique<QTemporaryDir>(); }

  void readsTheDirectory() {
    const auto directory = parse(R"({"__metadata__": {"made by": "a test"},
        "late": {"dtype": "BF16", "shape": [3], "data_offsets": [8, 14]},
        "early": {"dtype": "F32", "shape": [2, 1], "data_offsets": [0, 8]},
        "none": {"dtype": "F32", "shape": [0, 7], "data_offsets": [8, 8]}})",
                                 14);
    QCOMPARE(directory.tensors.size(), 3u);
    QCOMPARE(directory.tensors[0].name, "early");
    QCOMPARE(directory.tensors[0].shape, (std::vector<std::int64_t>{2, 1}));
    QCOMPARE(directory.tensors[1].bytes.data() - directory.tensors[0].bytes.data(), 8);
    QCOMPARE(directory.tensors[2].bytes.size(), 0u);
    QCOMPARE(directory.metadata.at("made by"), "a test");
  }

  void badHeaders_data() {
    QTest::addColumn<QByteArray>("header");
    QTest::addColumn<int>("bytes");
    QTest::addColumn<QByteArray>("words");  // separated by |
    const auto row = [](const char* name, const char* header, int bytes, const char* words) {
      QTest::newRow(name) << QByteArray(header) << bytes << QByteArray(words);
    };
    row("empty", "", 0, "not valid JSON");
    row("broken JSON", R"({"w": {"dtype")", 0, "not valid JSON|at byte");
    row("broken UTF-8", "{\"w\xff\": {}}", 0, "not valid JSON");
    row("no object", "[1, 2]", 0, "array|expected an object");
    row("too deep", R"({"w": {"shape": [[[[1]]]]}})", 0, "deeper than");
    row("name twice", R"({"w": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]},
                          "w": {"dtype": "U8", "shape": [1], "data_offsets": [1, 2]}})",
        2, "'w'|twice");
    row("entry no object", R"({"w": 3})", 0, "'w'|number");
    row("no dtype", R"({"w": {"shape": [1], "data_offsets": [0, 1]}})", 1, "'w'|'dtype'");
    row("dtype no string", R"({"w": {"dtype": 4, "shape": [1], "data_offsets": [0, 1]}})", 1,
        "'dtype'|expected string");
    QTest::newRow("padded with zeros") << QByteArray("{}\0\0", 4) << 0 << QByteArray("zero byte|with spaces");
    row("no shape", R"({"w": {"dtype": "U8", "data_offsets": [0, 1]}})", 1, "'shape'");
    row("negative size", R"({"w": {"dtype": "U8", "shape": [-1], "data_offsets": [0, 1]}})", 1,
        "'-1'|'shape'");
    row("fractional size", R"({"w": {"dtype": "U8", "shape": [1.5], "data_offsets": [0, 1]}})", 1, "'1.5'");
    row("size beyond int64",
        R"({"w": {"dtype": "U8", "shape": [18446744073709551615], "data_offsets": [0, 1]}})", 1, "2^63");
    row("absurd shape",
        R"({"w": {"dtype": "F32", "shape": [4294967296, 4294967296], "data_offsets": [0, 0]}})", 0,
        "absurd shape");
    row("shape and bytes differ", R"({"w": {"dtype": "F32", "shape": [3], "data_offsets": [0, 8]}})", 8,
        "8 bytes|expected 12|(3)");
    row("three offsets", R"({"w": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1, 2]}})", 2,
        "data_offsets");
    row("offsets backwards", R"({"w": {"dtype": "U8", "shape": [1], "data_offsets": [1, 0]}})", 2,
        "data_offsets");
    row("truncated", R"({"w": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}})", 15,
        "'w'|truncated|15");
    row("overlap", R"({"a": {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]},
                       "b": {"dtype": "U8", "shape": [4], "data_offsets": [3, 7]}})",
        7, "'a'|'b'|overlap");
    row("hole", R"({"a": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]},
                    "b": {"dtype": "U8", "shape": [1], "data_offsets": [2, 3]}})",
        3, "no tensor|byte 1");
    row("tail", R"({"a": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}})", 9, "no tensor");
    row("metadata no string", R"({"__metadata__": {"a": 1}})", 0, "__metadata__|'a'");
  }
  void badHeaders() {
    QFETCH(QByteArray, header);
    QFETCH(int, bytes);
    QFETCH(QByteArray, words);
    const std::string text =
        test::error_of([&] { parse(header.toStdString(), static_cast<std::size_t>(bytes)); });
    QVERIFY2(text.find("a.safetensors") != text.npos, text.c_str());
    for (const QByteArray& word : words.split('|'))
      QVERIFY2(text.find(word.toStdString()) != text.npos, text.c_str());
  }

  void headersOfOtherPrograms() {
    QVERIFY(parse(R"({"__metadata__": null})", 0).metadata.empty());
    QCOMPARE(parse(sound_header + "    ", 8).tensors.size(), 1u);
    // A dtype that came after this reader: its tensor may be one that nobody needs.
    const auto tensor =
        parse(R"({"w": {"dtype": "Q9", "shape": [3], "data_offsets": [0, 2]}})", 2).tensors.at(0);
    QCOMPARE(tensor.dtype, "Q9");
    QCOMPARE(tensor.bytes.size(), 2u);
  }

  // What a header costs in memory is held against the budget before there is a file too large to open.
  void headersAreCharged() {
    const std::string entry = R"({"dtype": "U8", "shape": [0], "data_offsets": [0, 0]})";
    std::string header = "{";
    for (int i = 0; i < 2000; ++i) header += "\"" + std::to_string(i) + "\": " + entry + ",";
    header.back() = '}';
    const std::string bytes = test::safetensors_bytes(header);
    Budget enough("It", {}, 4 << 20), little("It", {}, 1 << 20);
    QCOMPARE(parse_safetensors(test::as_span(bytes), "it", enough).tensors.size(), 2000u);
    QKSCOPE_EXPECT_ERROR(parse_safetensors(test::as_span(bytes), "it", little), "It needs more than 1 MiB");
  }

  void absurdHeaderLengths() {
    for (const std::uint64_t length :
         {std::uint64_t{10'000'000'000}, std::uint64_t{1} << 60, ~std::uint64_t{0}}) {
      std::string bytes;
      test::put(bytes, length);
      bytes += sound_header;
      QKSCOPE_EXPECT_ERROR(parse_bytes(bytes), std::to_string(length));
    }
    const std::string bytes = test::safetensors_bytes(sound_header).substr(0, 20);
    QKSCOPE_EXPECT_ERROR(parse_bytes(bytes), "truncated", "the header");
    QKSCOPE_EXPECT_ERROR(parse_bytes({}), "truncated");
  }

  // ------------------------------------------------------------------------------------------------ folders

  void opensFolderAndFile() {
    put("config.json", sound_config);
    put("model.safetensors", test::safetensors_bytes(sound_header, test::raw_bytes<float>({1, 2})));
    for (const auto& path : {folder(), folder() / "model.safetensors", folder() / "config.json"}) {
      const auto checkpoint = Checkpoint::open(path);
      QCOMPARE(checkpoint->format(), "safetensors");
      QCOMPARE(checkpoint->config()["hidden_size"].get<int>(), 2);
      QCOMPARE(checkpoint->total_bytes(), 8u);
      QVERIFY(!checkpoint->find("v"));
      std::vector<float> numbers(2);
      const std::int64_t shape[] = {1, 2}, other[] = {2, 1};
      const TensorEntry& entry = checkpoint->require("w", shape);
      read_float32(entry, numbers);
      checkpoint->release(entry);
      read_float32(entry, numbers);  // still readable
      QCOMPARE(numbers, (std::vector<float>{1, 2}));
      QKSCOPE_EXPECT_ERROR(checkpoint->require("v", shape), "'v'", "(1, 2)", folder().string());
      QKSCOPE_EXPECT_ERROR(checkpoint->require("w", other), "'w'", "(1, 2)", "(2, 1)");
      Budget budget("The folder");
      QCOMPARE(checkpoint->chat_template(budget).source, "");
    }
  }

  void opensShards() {
    put("config.json", sound_config);
    put("model.safetensors.index.json",
        R"({"metadata": {}, "weight_map": {"w": "b.safetensors", "a": "a.safetensors"}})");
    // 'w' of the first shard is not the index's: left out. 'v' is in no index, and there.
    put("a.safetensors",
        test::safetensors_bytes(R"({"a": {"dtype": "F16", "shape": [1], "data_offsets": [0, 2]},
        "w": {"dtype": "F16", "shape": [1], "data_offsets": [2, 4]},
        "v": {"dtype": "F16", "shape": [1], "data_offsets": [4, 6]}})",
                                std::string("\x00\x3c\x00\x00\x00\x00", 6)));
    put("b.safetensors", test::safetensors_bytes(sound_header, test::raw_bytes<float>({1, 2})));
    const auto checkpoint = Checkpoint::open(folder());
    QCOMPARE(checkpoint->tensors().size(), 3u);
    QVERIFY(checkpoint->find("a")->type == ElementType::F16);
    QVERIFY(checkpoint->find("w")->type == ElementType::F32);
  }

  void badIndex_data() {
    QTest::addColumn<QByteArray>("index");
    QTest::addColumn<QByteArray>("words");
    const auto row = [](const char* name, const char* index, const char* words) {
      QTest::newRow(name) << QByteArray(index) << QByteArray(words);
    };
    row("no map", R"({"metadata": {}})", "weight_map");
    row("no object", "[]", "array|expected an object");
    row("no file name", R"({"weight_map": {"w": 7}})", "'w'");
    row("shard missing", R"({"weight_map": {"w": "c.safetensors"}})", "c.safetensors|missing");
    row("parent folder", R"({"weight_map": {"w": "../b.safetensors"}})", "'../b.safetensors'|same folder");
    row("absolute", R"({"weight_map": {"w": "/etc/passwd"}})", "'/etc/passwd'|same folder");
    row("dots", R"({"weight_map": {"w": ".."}})", "'..'|same folder");
    const QByteArray long_name = "{\"weight_map\": {\"w\": \"" + QByteArray(5000, 'n') + "\"}}";
    row("long name", long_name.constData(), "missing");
    row("nul", R"({"weight_map": {"w": "b.safetensors\u0000x"}})", "same folder");
  }
  void badIndex() {
    QFETCH(QByteArray, index);
    QFETCH(QByteArray, words);
    put("config.json", sound_config);
    put("b.safetensors", test::safetensors_bytes(sound_header, std::string(8, '\0')));
    put("model.safetensors.index.json", index.toStdString());
    const std::string text = test::error_of([&] { Checkpoint::open(folder()); });
    for (const QByteArray& word : words.split('|'))
      QVERIFY2(text.find(word.toStdString()) != text.npos, text.c_str());
  }

  // Of no weight until a model asks for it.
  void tensorMissingInItsShard() {
    put("config.json", sound_config);
    put("b.safetensors", test::safetensors_bytes(sound_header, std::string(8, '\0')));
    put("model.safetensors.index.json", R"({"weight_map": {"w": "b.safetensors", "v": "b.safetensors"}})");
    const auto checkpoint = Checkpoint::open(folder());
    const std::int64_t shape[] = {1, 2};
    QVERIFY(checkpoint->optional("w", shape));
    QVERIFY(!checkpoint->optional("v", shape));
    QKSCOPE_EXPECT_ERROR(checkpoint->require("v", shape), "'v'", "b.safetensors", "index.json");
  }

  void unreadableTensors_data() {
    QTest::addColumn<QString>("dtype");
    for (const char* dtype : {"F8_E4M3", "C64", "I64", "BOOL", "Q9"}) QTest::newRow(dtype) << dtype;
  }
  void unreadableTensors() {
    QFETCH(QString, dtype);
    put("config.json", sound_config);
    QByteArray header =
        R"({"w": {"dtype": "F32", "shape": [1, 2], "data_offsets": [0, 8]},
            "odd": {"dtype": "DTYPE", "shape": [0], "data_offsets": [8, 8]}})";
    header.replace("DTYPE", dtype.toUtf8());
    put("model.safetensors", test::safetensors_bytes(header.toStdString(), std::string(8, '\0')));
    const auto checkpoint = Checkpoint::open(folder());
    QCOMPARE(checkpoint->tensors().size(), 1u);
    QVERIFY(checkpoint->unreadable().contains("odd"));
    const std::int64_t shape[] = {0};
    QKSCOPE_EXPECT_ERROR(checkpoint->require("odd", shape), "'odd'", dtype.toStdString(), "expected F32");
    QKSCOPE_EXPECT_ERROR(checkpoint->optional("odd", shape), "'odd'", dtype.toStdString());
  }

  void badConfig_data() {
    QTest::addColumn<QByteArray>("config");
    QTest::addColumn<QByteArray>("words");
    QTest::newRow("broken") << QByteArray("{") << QByteArray("config.json|not valid JSON");
    QTest::newRow("no object") << QByteArray("3") << QByteArray("config.json|number|expected an object");
    QTest::newRow("key twice") << QByteArray(R"({"a": 1, "a": 2})") << QByteArray("'a'|twice");
    QTest::newRow("number too large") << QByteArray(R"({"a": 1e999})") << QByteArray("number too large");
    QTest::newRow("nested") << QByteArray("{\"a\":" + QByteArray(100000, '[')) << QByteArray("deeper than");
  }
  void badConfig() {
    QFETCH(QByteArray, config);
    QFETCH(QByteArray, words);
    put("config.json", config.toStdString());
    put("model.safetensors", test::safetensors_bytes(sound_header, std::string(8, '\0')));
    const std::string text = test::error_of([&] { Checkpoint::open(folder()); });
    for (const QByteArray& word : words.split('|'))
      QVERIFY2(text.find(word.toStdString()) != text.npos, text.c_str());
  }

  void badFolders() {
    QKSCOPE_EXPECT_ERROR(Checkpoint::open(folder() / "absent"), "absent", "config.json");
    QKSCOPE_EXPECT_ERROR(Checkpoint::open(folder()), "config.json");
    put("config.json", sound_config);
    QKSCOPE_EXPECT_ERROR(Checkpoint::open(folder()), "no weights", "'model.safetensors'",
                         "'pytorch_model.bin'");
    put("model.safetensors", "");
    QKSCOPE_EXPECT_ERROR(Checkpoint::open(folder()), "truncated");
    fs::create_directory(folder() / "config.json.d");
    fs::remove(folder() / "config.json");
    fs::rename(folder() / "config.json.d", folder() / "config.json");
    QKSCOPE_EXPECT_ERROR(Checkpoint::open(folder()), "config.json", "folder");
  }

  void realFolder() {
    const auto path = test::shared_data() / "models" / "stories260K";
    QKSCOPE_REQUIRE_DATA(path);
    const auto checkpoint = Checkpoint::open(path);
    QCOMPARE(checkpoint->config()["architectures"][0].get<std::string>(), "LlamaForCausalLM");
    QCOMPARE(checkpoint->total_bytes(), 1040128u);
    const std::int64_t shape[] = {512, 64};
    const TensorEntry& embedding = checkpoint->require("model.embed_tokens.weight", shape);
    std::vector<float> numbers(static_cast<std::size_t>(embedding.numel()));
    read_float32(embedding, numbers);
    for (const float number : numbers) QVERIFY(std::isfinite(number));
  }

  // ------------------------------------------------------------------------------------------------- writer

  void writesWhatItReads() {
    const Array matrix{{2, 3}, {1, -2, 3.5f, 0, std::numeric_limits<float>::infinity(), 1e-40f}};
    const Array scalar{{}, {7}}, none{{0, 4}, {}};
    const std::vector<std::int64_t> ids = {-1, (std::int64_t{1} << 53) + 1, 3};
    SafetensorsWriter writer;
    writer.add("M/query \"1\"", matrix);
    writer.add("scalar", scalar);
    writer.add("none", none);
    writer.add("ids", ids);
    writer.set_metadata("model", "Täst\n\xff");
    const auto path = folder() / "capture.safetensors";
    test::write_file(path, "old");
    writer.write(path);
    const ArrayFile file = read_safetensors(path);
    QCOMPARE(file.arrays.size(), 3u);
    QVERIFY(file.arrays.at("M/query \"1\"") == matrix);
    QVERIFY(file.arrays.at("scalar") == scalar);
    QVERIFY(file.arrays.at("none") == none);
    QCOMPARE(file.integers.at("ids"), ids);
    QCOMPARE(file.metadata.at("model"), "Täst\n\xef\xbf\xbd");
    // Nothing beside it, and the numbers aligned for those who map the file.
    QCOMPARE(std::distance(fs::directory_iterator(folder()), {}), 1);
    const std::string bytes = test::read_file(path);
    const auto directory = parse_bytes(bytes);
    for (const auto& tensor : directory.tensors) {
      const auto offset = tensor.bytes.data() - test::as_span(bytes).data();
      QCOMPARE(offset % (tensor.dtype == "I64" ? 8 : 4), 0);
    }
  }

  void writerRefuses() {
    SafetensorsWriter writer;
    const Array sound{{2}, {1, 2}}, unfit{{3}, {1, 2}}, negative{{-1, -2}, {1, 2}};
    writer.add("a", sound);
    QKSCOPE_EXPECT_ERROR(writer.add("a", sound), "'a'", "taken");
    QKSCOPE_EXPECT_ERROR(writer.add("__metadata__", sound), "__metadata__");
    QKSCOPE_EXPECT_ERROR(writer.add("", sound), "empty");
    QKSCOPE_EXPECT_ERROR(writer.add("b", unfit), "'b'", "2 numbers", "(3)");
    QKSCOPE_EXPECT_ERROR(writer.add("b", negative), "'b'", "(-1, -2)");
    QKSCOPE_EXPECT_ERROR(writer.write(folder() / "absent" / "x.safetensors"), "x.safetensors",
                         "make its folder");
    QKSCOPE_EXPECT_ERROR(writer.write(folder()), "cannot write");
    QVERIFY(fs::is_empty(folder()));
  }

  // A limit on the size of files stands in for a full disk: the same failing write, the same way out.
  void fullDiskLeavesNothing() {
    const Array array{{4096}, std::vector<float>(4096, 1)};
    SafetensorsWriter writer;
    writer.add("a", array);
    const auto path = folder() / "capture.safetensors";
    test::write_file(path, "what was there before");
    rlimit before{};
    QCOMPARE(getrlimit(RLIMIT_FSIZE, &before), 0);
    const auto handler = std::signal(SIGXFSZ, SIG_IGN);
    const rlimit tight{4096, before.rlim_max};
    QCOMPARE(setrlimit(RLIMIT_FSIZE, &tight), 0);
    const std::string text = test::error_of([&] { writer.write(path); });
    setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, handler);
    QVERIFY2(test::has_all(text, {path.string(), "free some space"}), text.c_str());
    QCOMPARE(test::read_file(path), "what was there before");
    QCOMPARE(std::distance(fs::directory_iterator(folder()), {}), 1);
  }

  // A program that was killed while it wrote leaves a file that bears its number, which another may get.
  void whatWasLeftBehindIsInNobodysWay() {
    const Array array{{2}, {1, 2}};
    SafetensorsWriter writer;
    writer.add("a", array);
    const auto path = folder() / "left.safetensors";
    const auto left = [&](int serial) {
      auto file = path;
      return file += "." + std::to_string(::getpid()) + "-" + std::to_string(serial) + ".part";
    };
    for (int serial = 0; serial < 200; ++serial) test::write_file(left(serial), "half of i");
    writer.write(path);
    QCOMPARE(read_safetensors(path).arrays.at("a").data, array.data);
    QVERIFY(std::filesystem::exists(left(199)));
  }

  void readerRefusesOtherTypes() {
    put("a.safetensors",
        test::safetensors_bytes(R"({"m": {"dtype": "BOOL", "shape": [1], "data_offsets": [0, 1]}})", "x"));
    QKSCOPE_EXPECT_ERROR(read_safetensors(folder() / "a.safetensors"), "'m'", "BOOL", "a.safetensors");
    QKSCOPE_EXPECT_ERROR(read_safetensors(folder() / "b.safetensors"), "b.safetensors", "No such file");
    QKSCOPE_EXPECT_ERROR(read_safetensors(folder()), "it is a folder");
  }

 private:
  std::unique_ptr<QTemporaryDir> directory_ = std::make_unique<QTemporaryDir>();
};

QTEST_GUILESS_MAIN(TestSafetensors)
#include "test_safetensors.moc"

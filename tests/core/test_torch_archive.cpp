#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "core/base/budget.h"
#include "core/io/pickle.h"
#include "core/io/torch_archive.h"
#include "tests/support/errors.h"
#include "tests/support/file_bytes.h"
#include "tests/support/test_case.h"

using namespace qkscope;
using namespace qkscope::test;
using namespace std::string_literals;

namespace {

using Files = std::vector<std::pair<std::string, std::string>>;

std::string archive(const std::string& body, Files storages = {}) {
  Files files = {{"a/data.pkl", pickle(body)}, {"a/byteorder", "little"}, {"a/version", "3\n"}};
  for (auto& [key, bytes] : storages) files.emplace_back("a/data/" + key, std::move(bytes));
  return zip_bytes(files);
}

std::map<std::string, Array> read(const std::string& bytes) {
  Budget budget("t.pt");
  return read_torch_archive(as_span(bytes), "t.pt", budget);
}

const std::string six_floats = raw_bytes<float>({0, 1, 2, 3, 4, 5});

std::string one_tensor(std::int32_t offset, const std::vector<std::int32_t>& shape,
                       const std::vector<std::int32_t>& strides) {
  return archive(pickle_tensor("FloatStorage", "0", 6, offset, shape, strides), {{"0", six_floats}});
}

}  // namespace

class TestTorchArchive : public test::TestCase {
  Q_OBJECT
 private Q_SLOTS:
  void strides() {
    const auto numbers = [](const std::string& bytes) { return read(bytes).at("").data; };
    QCOMPARE(numbers(one_tensor(0, {2, 3}, {3, 1})), (std::vector<float>{0, 1, 2, 3, 4, 5}));
    QCOMPARE(numbers(one_tensor(0, {3, 2}, {1, 3})), (std::vector<float>{0, 3, 1, 4, 2, 5}));
    QCOMPARE(numbers(one_tensor(1, {2, 2}, {3, 1})), (std::vector<float>{1, 2, 4, 5}));
    QCOMPARE(numbers(one_tensor(5, {}, {})), (std::vector<float>{5}));
    QCOMPARE(numbers(one_tensor(0, {0, 3}, {3, 1})), (std::vector<float>{}));
    QCOMPARE(read(one_tensor(0, {0, 3}, {3, 1})).at("").shape, (std::vector<std::int64_t>{0, 3}));
  }

  void dtypes() {
    const auto first = [](const char* type, std::string bytes) {
      return read(archive(pickle_tensor(type, "0", 1, 0, {1}, {1}), {{"0", std::move(bytes)}}))
          .at("")
          .data.at(0);
    };
    QCOMPARE(first("HalfStorage", raw_bytes<std::uint16_t>({0xc500})), -5.0f);
    QCOMPARE(first("BFloat16Storage", raw_bytes<std::uint16_t>({0xc0a0})), -5.0f);
    QCOMPARE(first("FloatStorage", raw_bytes<float>({-5})), -5.0f);
    QCOMPARE(first("DoubleStorage", raw_bytes<double>({-5})), -5.0f);
    QCOMPARE(first("LongStorage", raw_bytes<std::int64_t>({-5})), -5.0f);
    QCOMPARE(first("IntStorage", raw_bytes<std::int32_t>({-5})), -5.0f);
    QCOMPARE(first("ShortStorage", raw_bytes<std::int16_t>({-5})), -5.0f);
    QCOMPARE(first("CharStorage", raw_bytes<std::int8_t>({-5})), -5.0f);
    QCOMPARE(first("ByteStorage", raw_bytes<std::uint8_t>({251})), 251.0f);
    QCOMPARE(first("BoolStorage", std::string(1, '\1')), 1.0f);
  }

  // {"layers": [w, {"b": w}], 3: OrderedDict(p = Parameter(w)), "step": 7, "lr": 0.5, "done": None}
  void containers() {
    const std::string w = pickle_tensor("FloatStorage", "0", 6, 0, {6}, {1});
    const std::string parameter = pickle_global("torch._utils", "_rebuild_parameter") + "(" + w + "\x88" +
                                  pickle_global("collections", "OrderedDict") + ")RtR";
    const std::string dict = "}("s + pickle_text("layers") + "](" + w + "}" + pickle_text("b") + w + "se" +
                             "K\x03" + pickle_global("collections", "OrderedDict") + ")R" + pickle_text("p") +
                             parameter + "s" + "}" + pickle_text("_metadata") + "}sb" + pickle_text("step") +
                             "K\x07" + pickle_text("lr") + std::string("G\x3f\xe0\0\0\0\0\0\0", 9) +
                             pickle_text("done") + "Nu";
    const auto arrays = read(archive(dict, {{"0", six_floats}}));
    std::vector<std::string> names;
    for (const auto& [name, array] : arrays) {
      names.push_back(name);
      QCOMPARE(array.data.size(), 6u);
    }
    QCOMPARE(names, (std::vector<std::string>{"3.p", "layers.0", "layers.1.b"}));
  }

  // Five bytes that call for a tensor of 64 axes again, and two that recall a list: each makes far more than
  // it is.
  void opcodesAreCharged_data() {
    QTest::addColumn<QByteArray>("start");
    QTest::addColumn<QByteArray>("repeated");
    const std::vector<std::int32_t> axes(64, 1);
    std::string tensor = pickle_tensor("FloatStorage", "0", 1, 0, axes, axes);
    const std::string rebuild = pickle_global("torch._utils", "_rebuild_tensor_v2");
    tensor = tensor.substr(rebuild.size(), tensor.size() - rebuild.size() - 1);  // the arguments
    QTest::newRow("tensors") << QByteArray::fromStdString(rebuild + "q"s + '\0' + tensor + "q\x01" + "](")
                             << QByteArray("h\0h\1R", 5);
    QTest::newRow("empty lists") << QByteArray("](") << QByteArray("]");
    QTest::newRow("memos") << QByteArray("](") << QByteArray("Nr");
  }
  void opcodesAreCharged() {
    QFETCH(QByteArray, start);
    QFETCH(QByteArray, repeated);
    std::string body = start.toStdString();
    for (std::int32_t i = 0; i < 20000; ++i) {
      body += repeated.toStdString();
      if (repeated.endsWith('r')) put(body, i);
    }
    const std::string bytes = pickle(body + "e");
    // The tensors themselves are most of it: the opcodes alone would fit.
    const std::uint64_t most = repeated.endsWith('R') ? 16 : 2;
    Budget enough("It", {}, 64 << 20), little("It", {}, most << 20);
    Pickle(as_span(bytes), "it", enough).tensors(enough);
    QKSCOPE_EXPECT_ERROR(Pickle(as_span(bytes), "it", little),
                         "It needs more than " + std::to_string(most) + " MiB");
  }

  // ------------------------------------------------------------------------------------- nothing is executed

  void neverCalls_data() {
    QTest::addColumn<QByteArray>("body");
    QTest::addColumn<QByteArray>("words");
    const auto row = [](const char* name, const std::string& body, const char* words) {
      QTest::newRow(name) << QByteArray::fromStdString(body) << QByteArray(words);
    };
    const std::string command = "("s + pickle_text("touch qkscope-was-fooled") + "t";
    row("os.system", pickle_global("os", "system") + command + "R", "'os.system'|never run");
    row("posix.system", pickle_global("posix", "system") + command + "R", "'posix.system'");
    row("eval", pickle_global("builtins", "eval") + command + "R", "'builtins.eval'");
    row("in a dictionary", "}"s + pickle_text("w") + pickle_global("subprocess", "Popen") + command + "Rs",
        "'subprocess.Popen'");
    row("by INST", "("s + pickle_text("touch x") + "ios\nsystem\n", "'os.system'");
    row("by NEWOBJ", pickle_global("collections", "OrderedDict") + ")\x81", "opcode 129");
    row("by OBJ", "("s + pickle_global("collections", "OrderedDict") + "o", "opcode 111");
    row("by STACK_GLOBAL", pickle_text("os") + pickle_text("system") + "\x93" + command + "R", "opcode 147");
    row("by extension", std::string("\x82\x01"), "opcode 130");
    row("other function of torch", pickle_global("torch._utils", "_rebuild_wrapper_subclass") + ")R",
        "_rebuild_wrapper_subclass");
    row("module named like ours", pickle_global("evil", "OrderedDict") + ")R", "'evil.OrderedDict'");
    row("storage type called", pickle_global("torch", "FloatStorage") + ")R", "'torch.FloatStorage'");
    row("OrderedDict with arguments", pickle_global("collections", "OrderedDict") + "(]tR",
        "'collections.OrderedDict'");
    row("a string called", pickle_text("os.system") + ")R", "no Python object");
    row("state of a tensor", pickle_tensor("FloatStorage", "0", 6, 0, {6}, {1}) + "}b", "attributes");
  }
  void neverCalls() {
    QFETCH(QByteArray, body);
    QFETCH(QByteArray, words);
    const std::string text = error_of([&] { read(archive(body.toStdString(), {{"0", six_floats}})); });
    QVERIFY2(text.find("t.pt") != text.npos, text.c_str());
    for (const QByteArray& word : words.split('|'))
      QVERIFY2(text.find(word.toStdString()) != text.npos, text.c_str());
    QVERIFY(!std::filesystem::exists("qkscope-was-fooled"));
  }

  // --------------------------------------------------------------------------------------------- damaged
  // files

  void badPickles_data() {
    QTest::addColumn<QByteArray>("body");
    QTest::addColumn<QByteArray>("words");
    const auto row = [](const char* name, const std::string& body, const char* words) {
      QTest::newRow(name) << QByteArray::fromStdString(body) << QByteArray(words);
    };
    const auto tensor = [](const std::vector<std::int32_t>& shape, const std::vector<std::int32_t>& strides,
                           std::int32_t offset = 0, std::int32_t numel = 6, const char* key = "0") {
      return pickle_tensor("FloatStorage", key, numel, offset, shape, strides);
    };
    row("other protocol", std::string("\x80\x04", 2), "protocol 4|expected 2");
    row("empty stack", "", "stack");
    row("pop under a mark", "N(0", "stack");
    row("no mark", "Nt", "no mark");
    row("unknown memo", "h\x05", "memo 5");
    row("append to a number",
        "K\x01K\x02"
        "a",
        "no list");
    row("odd items", "}(K\x01u", "key without a value");
    row("string beyond the end",
        "X\xff\xff\xff\xff"
        "abc",
        "truncated|a string");
    row("name without end", "cos", "truncated|a name");
    row("number of nine bytes",
        "\x8a\x09"
        "123456789",
        "at most 8");
    row("tensor of few parts", pickle_global("torch._utils", "_rebuild_tensor_v2") + ")R", "0 parts");
    row("shape of strings",
        pickle_global("torch._utils", "_rebuild_tensor_v2") + "((" + pickle_text("storage") +
            pickle_global("torch", "FloatStorage") + pickle_text("0") + pickle_text("cpu") + "K\x06tQK" +
            std::string(1, '\0') + "(" + pickle_text("6") + "t(K\x01t\x89}tR",
        "shape of a tensor");
    row("storage of no type",
        "("s + pickle_text("storage") + pickle_global("collections", "OrderedDict") + pickle_text("0") +
            pickle_text("cpu") + "K\x06tQ",
        "'OrderedDict'|type of a storage");
    row("beyond the storage", tensor({7}, {1}), "(7)|beyond its storage of 6");
    row("strides beyond", tensor({2, 2}, {5, 1}), "(5, 1)|beyond");
    row("offset beyond", tensor({1}, {1}, 6), "beyond");
    row("negative offset", tensor({1}, {1}, -1), "absurd shape");
    row("negative size", tensor({-1}, {1}), "absurd shape|(-1)");
    row("negative stride", tensor({2}, {-1}, 5), "absurd shape");
    row("fewer strides", tensor({2, 1}, {1}), "absurd shape");
    row("absurd product", tensor({2147483647, 2147483647, 2147483647}, {0, 0, 0}), "absurd shape");
    row("expanded", tensor({2147483647}, {0}), "repeats|.contiguous()");
    row("too many axes", tensor(std::vector<std::int32_t>(65, 1), std::vector<std::int32_t>(65, 1)),
        "65 numbers");
    row("storage larger than the file's", tensor({7}, {1}, 0, 7), "7 numbers|only 6");
    row("negative storage", tensor({1}, {1}, 0, -7), "-7 numbers");
    row("storage missing", tensor({1}, {1}, 0, 6, "9"), "'9'");
    row("complex", pickle_tensor("ComplexFloatStorage", "0", 3, 0, {3}, {1}), "'torch.ComplexFloatStorage'");
    row("list in itself", "]q" + std::string(1, '\0') + "h" + std::string(1, '\0') + "a", "nested");
    std::string laughs = "]";  // each list holds the one before it twice: 2^40 ways to the first
    for (int i = 0; i < 40; ++i)
      laughs += std::string("q") + static_cast<char>(i) + "0](h" + static_cast<char>(i) + "h" +
                static_cast<char>(i) + "e";
    row("a billion laughs", laughs, "nested");
    row("same name twice",
        "}("s + pickle_text("a") + tensor({1}, {1}) + pickle_text("a") + tensor({1}, {1}) + "u", "'a'|twice");
    row("long name", "}"s + pickle_text(std::string(5000, 'n')) + tensor({1}, {1}) + "s", "name longer");
  }
  void badPickles() {
    QFETCH(QByteArray, body);
    QFETCH(QByteArray, words);
    const std::string text = error_of([&] { read(archive(body.toStdString(), {{"0", six_floats}})); });
    QVERIFY2(text.find("t.pt") != text.npos, text.c_str());
    for (const QByteArray& word : words.split('|'))
      QVERIFY2(text.find(word.toStdString()) != text.npos, text.c_str());
  }

  // Each costs the file two bytes and the reader four hundred.
  void aThousandNamesForOneTensor() {
    std::string body = "]("s + pickle_tensor("FloatStorage", "0", 100, 0, {100}, {1}) + "q\x01";
    for (int i = 0; i < 1000; ++i) body += "h\x01";
    QKSCOPE_EXPECT_ERROR(read(archive(body + "e", {{"0", std::string(400, '\0')}})), "t.pt",
                         "too many names");
  }

  void badArchives() {
    const std::string body = pickle_tensor("FloatStorage", "0", 6, 0, {6}, {1});
    QKSCOPE_EXPECT_ERROR(read(""), "t.pt", "no zip directory");
    QKSCOPE_EXPECT_ERROR(read(std::string(100000, 'x')), "no zip directory", "1.6");
    QKSCOPE_EXPECT_ERROR(read(zip_bytes({})), "data.pkl");
    QKSCOPE_EXPECT_ERROR(read(zip_bytes({{"a/data.pkl", pickle("N")}}, 8)), "compressed", "data.pkl");
    QKSCOPE_EXPECT_ERROR(read(zip_bytes({{"x", ""}, {"x", ""}})), "'x'", "twice");
    QKSCOPE_EXPECT_ERROR(read(zip_bytes({{"a/data.pkl", pickle("N")}, {"a/byteorder", "big"}})), "'big'",
                         "little");
    QVERIFY(read(zip_bytes({{"data.pkl", pickle("N")}})).empty());
    const std::string sound = archive(body, {{"0", six_floats}});
    QCOMPARE(read(sound).size(), 1u);
    for (std::size_t length = 0; length < sound.size(); ++length) {
      QVERIFY2(error_of([&] { read(sound.substr(0, length)); }).find("t.pt") != std::string::npos,
               qPrintable(QString::number(length)));
    }
  }

  // ----------------------------------------------------------------------------------------------- the real
  // thing

  void llama2Dumps() {
    const auto golden_path = shared_data() / "goldens" / "qkv_llama2_layer10.json";
    QKSCOPE_REQUIRE_DATA(golden_path);
    const auto golden = nlohmann::json::parse(read_file(golden_path));
    for (const std::string site : {"q", "k", "v"}) {
      const auto arrays =
          read_torch_archive(shared_data() / "qkv_dumps" / ("Llama-2-7b-chat-hf_" + site + "_layer10.pt"));
      QCOMPARE(arrays.size(), 1u);
      const Array& array = arrays.at("");
      QCOMPARE(array.shape, (std::vector<std::int64_t>{1, 66, 32, 128}));
      // L2 norm over the positions of each of the 32 x 128 columns
      std::vector<double> norms(32 * 128);
      for (std::size_t i = 0; i < array.data.size(); ++i)
        norms[i % norms.size()] += std::pow(array.data[i], 2);
      for (double& norm : norms) norm = std::sqrt(norm);
      const auto largest = std::max_element(norms.begin(), norms.end());
      const auto& expected = golden["Llama-2-7b-chat-hf/" + site];
      QVERIFY(std::abs(*largest - expected["max_M"].get<double>()) < 1e-4);
      QCOMPARE(largest - norms.begin(),
               expected["argmax_M"][0].get<int>() * 128 + expected["argmax_M"][1].get<int>());
      const double sum = std::accumulate(norms.begin(), norms.end(), 0.0);
      QVERIFY(std::abs(sum - expected["sum_M"].get<double>()) < 0.01);
    }
  }
};

QTEST_GUILESS_MAIN(TestTorchArchive)
#include "test_torch_archive.moc"

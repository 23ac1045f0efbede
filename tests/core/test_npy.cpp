// numpy's .npy and .npz: every plain dtype, order and version, and what is refused.
#include <zlib.h>

#include "core/base/budget.h"
#include "core/io/npy.h"
#include "tests/support/errors.h"
#include "tests/support/file_bytes.h"
#include "tests/support/npy_bytes.h"
#include "tests/support/test_case.h"

using namespace qkscope;
using namespace qkscope::test;

class TestNpy : public TestCase {
  Q_OBJECT
 private:
  static NpyArray read(const std::string& bytes, std::uint64_t most = Budget::usual_bytes) {
    Budget budget("t.npy", {}, most);
    return read_npy(as_span(bytes), "t.npy", budget);
  }
  static std::map<std::string, NpyArray> read_archive(const std::string& bytes,
                                                      std::uint64_t most = Budget::usual_bytes) {
    Budget budget("t.npz", {}, most);
    return read_npz(as_span(bytes), "t.npz", budget);
  }
  /// The same numbers as float32, or what the error says.
  static QString told(const std::string& bytes) {
    return QString::fromStdString(error_of([&] { read(bytes); }));
  }

 private Q_SLOTS:
  // One and minus two as every dtype that has them; 1, 0 as bool.
  void dtypes_data() {
    QTest::addColumn<QByteArray>("descr");
    QTest::addColumn<QByteArray>("data");
    QTest::addColumn<double>("second");
    QTest::addColumn<QString>("stored");
    const auto row = [](const char* descr, const std::string& data, double second, const char* stored) {
      QTest::newRow(descr) << QByteArray(descr) << QByteArray::fromStdString(data) << second
                           << QString::fromLatin1(stored);
    };
    row("<f2", raw_bytes<std::uint16_t>({0x3c00, 0xc000}), -2, "float16");
    row("<f4", raw_bytes<float>({1, -2}), -2, "float32");
    row("<f8", raw_bytes<double>({1, -2}), -2, "float64");
    row(">f4", std::string("\x3f\x80\0\0\xc0\0\0\0", 8), -2, "float32");
    row(">f2", std::string("\x3c\0\xc0\0", 4), -2, "float16");
    row("<V2", raw_bytes<std::uint16_t>({0x3f80, 0xc000}), -2, "2-byte records (read as bfloat16)");
    row("|V2", raw_bytes<std::uint16_t>({0x3f80, 0xc000}), -2, "2-byte records (read as bfloat16)");
    row("<u2", raw_bytes<std::uint16_t>({0x3f80, 0xc000}), -2, "uint16 (read as bfloat16)");
    row("|b1", std::string("\1\0", 2), 0, "bool");
    row("|i1", std::string("\x01\xfe", 2), -2, "int8");
    row("|u1", std::string("\x01\xfe", 2), 254, "uint8");
    row("<i2", raw_bytes<std::int16_t>({1, -2}), -2, "int16");
    row(">i2", std::string("\x00\x01\xff\xfe", 4), -2, "int16");
    row("<i4", raw_bytes<std::int32_t>({1, -2}), -2, "int32");
    row("<u4", raw_bytes<std::uint32_t>({1, 4000000000}), 4000000000, "uint32");
    row("<i8", raw_bytes<std::int64_t>({1, -2}), -2, "int64");
    row("<u8", raw_bytes<std::uint64_t>({1, 2}), 2, "uint64");
  }
  void dtypes() {
    QFETCH(QByteArray, descr);
    QFETCH(QByteArray, data);
    QFETCH(double, second);
    QFETCH(QString, stored);
    const NpyArray found = read(npy_bytes(descr.toStdString(), {2}, data.toStdString()));
    QCOMPARE(found.array.shape, (std::vector<std::int64_t>{2}));
    QCOMPARE(found.array.data, (std::vector<float>{1, static_cast<float>(second)}));
    QCOMPARE(QString::fromStdString(found.stored), stored);
  }

  /// Element (i, j, k) of a (2, 3, 2) array is 100 i + 10 j + k, whichever axis runs fastest in the file.
  void orders() {
    std::vector<float> rows, fortran;
    for (int i = 0; i < 2; ++i)
      for (int j = 0; j < 3; ++j)
        for (int k = 0; k < 2; ++k) rows.push_back(static_cast<float>(100 * i + 10 * j + k));
    for (int k = 0; k < 2; ++k)
      for (int j = 0; j < 3; ++j)
        for (int i = 0; i < 2; ++i) fortran.push_back(static_cast<float>(100 * i + 10 * j + k));
    for (const int version : {1, 2, 3}) {
      QCOMPARE(read(npy_bytes("<f4", {2, 3, 2}, raw_bytes(rows), false, version)).array.data, rows);
      QCOMPARE(read(npy_bytes("<f4", {2, 3, 2}, raw_bytes(fortran), true, version)).array.data, rows);
    }
    QCOMPARE(read(npy_bytes("<f4", {}, raw_bytes<float>({7}), true)).array.data, std::vector<float>{7});
    QVERIFY(read(npy_bytes("<f4", {2, 0}, "", true)).array.empty());
  }

  void headersOfOtherPrograms() {
    const std::string two = raw_bytes<float>({1, -2});
    for (const char* header : {"{'shape': (2,), 'fortran_order': False, 'descr': '<f4'}",
                               "{\"descr\":'<f4','fortran_order':False,"
                               "'shape':(2,)}",
                               "{'descr': '<f4', 'fortran_order': False, 'shape': (2L,), }      \n"})
      QCOMPARE(read(npy_with_header(header, two)).array.data, (std::vector<float>{1, -2}));
  }

  void refusals_data() {
    QTest::addColumn<QByteArray>("bytes");
    QTest::addColumn<QString>("words");
    const auto row = [](const char* name, const std::string& bytes, const char* words) {
      QTest::newRow(name) << QByteArray::fromStdString(bytes) << QString::fromLatin1(words);
    };
    const std::string two = raw_bytes<float>({1, -2});
    const auto of_dtype = [&](const char* descr) { return npy_bytes(descr, {1}, two); };
    row("objects",
        npy_bytes("|O", {1},
                  "\x80\x03"
                  "cposix\nsystem\n."),
        "Python objects;'|O';never;astype");
    row("complex", of_dtype("<c8"), "'<c8';astype");
    row("text", of_dtype("<U1"), "'<U1'");
    row("long double", of_dtype("<f16"), "'<f16'");
    row("time", of_dtype("<M8"), "'<M8'");
    row("other records", of_dtype("|V4"), "'|V4'");
    row("no dtype", of_dtype(""), "dtype ''");
    row("bad order", of_dtype("!f4"), "'!f4'");
    row("fields", npy_with_header("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,)}", two),
        "several fields;save each");
    row("no numpy file", "NUMPY", "does not begin");
    row("empty", "", "does not begin");
    row("version", npy_bytes("<f4", {2}, two, false, 4), "version 4;1, 2 or 3;numpy.save");
    row("too few numbers", npy_bytes("<f4", {3}, two), "truncated;(3);8 bytes");
    row("more numbers", npy_bytes("<f4", {1}, two), "4 bytes after;(1);one array");
    row("absurd", npy_bytes("<f4", {1LL << 40, 1LL << 40}, two), "absurd shape");
    row("negative", npy_bytes("<f4", {-1}, two), "absurd shape;(-1)");
    row("many axes", npy_bytes("<f4", std::vector<std::int64_t>(65, 1), two), "64 axes");
    row("code", npy_with_header("{'descr': __import__('os'), 'fortran_order': False, 'shape': (2,)}", two),
        "__import__;character");
    row("a key twice", npy_with_header("{'shape': (2,), 'shape': (2,), 'descr': '<f4'}", two),
        "'shape' twice");
    row("a key missing", npy_with_header("{'shape': (2,), 'descr': '<f4'}", two), "not all");
    row("another key", npy_with_header("{'shape': (2,), 'd': '<f4'}", two), "unknown key 'd'");
    row("no end", npy_with_header("{'shape': (2,), 'descr': '<f4", two), "'<f4';character");
    row("more behind", npy_with_header("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)} + 1", two),
        "'+ 1'");
  }
  void refusals() {
    QFETCH(QByteArray, bytes);
    QFETCH(QString, words);
    const QString text = told(bytes.toStdString());
    QVERIFY2(text.contains(QStringLiteral("t.npy")), qPrintable(text));
    for (const QString& word : words.split(u';')) QVERIFY2(text.contains(word), qPrintable(text));
  }

  void everyTruncationIsToldOf() {
    const std::string sound = npy_bytes("<f8", {2, 2}, raw_bytes<double>({1, 2, 3, 4}));
    QCOMPARE(told(sound), QStringLiteral("no error"));
    for (std::size_t length = 0; length < sound.size(); ++length)
      QVERIFY2(told(sound.substr(0, length)).contains(QStringLiteral("t.npy")), qPrintable(told(sound)));
  }

  void archives() {
    const std::string q = npy_bytes("<f4", {2}, raw_bytes<float>({1, -2}));
    std::string zeros = npy_bytes("<f4", {500000}, std::string(2000000, '\0'));
    const std::string archive = npz_bytes({{"q.npy", q, false}, {"k.npy", q, true}, {"z.npy", zeros, true}});
    QVERIFY(archive.size() < 20000);
    const auto arrays = read_archive(archive);
    QCOMPARE(arrays.size(), 3u);
    for (const char* name : {"q", "k"}) QCOMPARE(arrays.at(name).array.data, (std::vector<float>{1, -2}));
    QCOMPARE(arrays.at("z").array.data.size(), 500000u);
    // What is unpacked counts, not what lies in the file.
    QKSCOPE_EXPECT_ERROR(read_archive(archive, 1000000), "t.npz");
  }

  void badArchives() {
    const std::string q = npy_bytes("<f4", {2}, raw_bytes<float>({1, -2}));
    QKSCOPE_EXPECT_ERROR(read_archive(npz_bytes({{"readme.txt", "x", false}})), "t.npz", "'readme.txt'",
                         "numpy.savez");
    QKSCOPE_EXPECT_ERROR(read_archive(zip_bytes({{"q.npy", q}}, 12)), "'q.npy'", "method 12", "deflated");
    QKSCOPE_EXPECT_ERROR(read_archive(zip_bytes({{"q.npy", "\xff" + q}}, 8)), "'q'", "damaged");
    QKSCOPE_EXPECT_ERROR(read_archive(npz_bytes({{"q.npy", q, true, +1}})), "'q'", "promises");
    QKSCOPE_EXPECT_ERROR(read_archive(npz_bytes({{"q.npy", q, true, -1}})), "'q'", "promises");
    const std::string sound = npz_bytes({{"q.npy", q, true}});
    for (std::size_t length = 0; length < sound.size(); ++length)
      QKSCOPE_EXPECT_ERROR(read_archive(sound.substr(0, length)), "t.npz");
  }
};

QTEST_GUILESS_MAIN(TestNpy)
#include "test_npy.moc"

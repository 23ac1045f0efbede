#pragma once
#include <QCoreApplication>
#include <QDir>
#include <QObject>
#include <QRegularExpression>
#include <QTest>
#include <cstdlib>
#include <filesystem>

namespace qkscope::test {

/// Base of every test class: any unexpected qWarning fails the test function that caused it. What the
/// offscreen platform and a machine without a login session say of themselves does not count.
class TestCase : public QObject {
  Q_OBJECT
 private Q_SLOTS:
  void init() {
    QTest::failOnWarning(QRegularExpression(
        QStringLiteral("^(?!This plugin does not support (propagateSizeHints|raise|grabbing)|QStandardPaths: "
                       "XDG_RUNTIME_DIR)")));
  }
};

/// The tree that goldens and documents are read from: QKSCOPE_SOURCE_DIR, else the one this was compiled in.
inline std::filesystem::path source_dir() {
  const char* dir = std::getenv("QKSCOPE_SOURCE_DIR");
  return dir ? dir : QKSCOPE_SOURCE_DIR;
}

/// A program of the project, which lies beside the test.
inline QString program(const char* name) {
  return QCoreApplication::applicationDirPath() + QLatin1Char('/') + QLatin1String(name);
}

/// The folder of real models and goldens: QKSCOPE_TEST_DATA, else ../shared/data beside the source tree.
inline std::filesystem::path shared_data() {
  if (const char* dir = std::getenv("QKSCOPE_TEST_DATA")) return dir;
  return source_dir() / ".." / "shared" / "data";
}

/// Small files the project itself keeps under tests/goldens.
inline std::filesystem::path golden(const char* name) {
  return source_dir() / "tests" / "goldens" / name;
}

}  // namespace qkscope::test

/// Skips the running test function, saying so, where a file of the shared data is absent.
#define QKSCOPE_REQUIRE_DATA(path_)                                                                \
  do {                                                                                             \
    if (!std::filesystem::exists(path_)) {                                                         \
      QSKIP(qPrintable(                                                                            \
          QStringLiteral("no %1 on this machine").arg(QString::fromStdString((path_).string())))); \
    }                                                                                              \
  } while (false)

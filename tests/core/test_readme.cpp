// The README's commands, as they stand there, right after installation.
#include <QFile>
#include <QProcess>
#include <QTemporaryDir>

#include "core/model/language_model.h"
#include "tests/support/test_case.h"

using namespace qkscope;

namespace {

/// The lines of code that run qkscope-cli, without the program.
QStringList commands() {
  QFile readme(QString::fromStdString((test::source_dir() / "README.md").string()));
  if (!readme.open(QIODevice::ReadOnly)) return {};
  const QString program = QStringLiteral("    build/release/bin/qkscope-cli ");
  QStringList found;
  for (const QString& line : QString::fromUtf8(readme.readAll()).split(QLatin1Char('\n'))) {
    if (line.startsWith(program)) found << line.sliced(program.size());
  }
  return found;
}

}  // namespace

class TestReadme : public test::TestCase {
  Q_OBJECT
 private Q_SLOTS:
  void thereAreCommands() { QVERIFY(commands().size() >= 2); }

  void commandsRun_data() {
    QTest::addColumn<QString>("line");
    for (const QString& line : commands()) QTest::newRow(qPrintable(line)) << line;
  }
  void commandsRun() {
    QFETCH(QString, line);
    if (!line.contains(QStringLiteral("--help")))
      QKSCOPE_REQUIRE_DATA(models_folder() / (default_model_name() + ".gguf"));
    QTemporaryDir folder;  // what they write
    QProcess process;
    process.setWorkingDirectory(folder.path());
    process.start(test::program("qkscope-cli"), QProcess::splitCommand(line));
    QVERIFY(process.waitForFinished(240000));
    QVERIFY2(process.exitCode() == 0, process.readAllStandardError().constData());
    QVERIFY(!process.readAllStandardOutput().isEmpty());
  }
};

QTEST_GUILESS_MAIN(TestReadme)
#include "test_readme.moc"

#pragma once
#include <QCoreApplication>
#include <QFile>
#include <QSettings>
#include <QSignalSpy>
#include <QTemporaryDir>

#include "app/session.h"
#include "tests/support/test_case.h"

namespace qkscope::test {

/// A test of the application: settings go to a folder that is gone afterwards.
class AppTestCase : public TestCase {
 protected:
  AppTestCase() {
    QCoreApplication::setOrganizationName(QStringLiteral("qkscope-test"));
    QCoreApplication::setApplicationName(QStringLiteral("qkscope-test"));
    QSettings::setPath(QSettings::NativeFormat, QSettings::UserScope, folder_.path());
  }

  QTemporaryDir folder_;

  /// A real trained model of 260 thousand parameters.
  static std::filesystem::path smallModel() { return shared_data() / "models" / "stories260K"; }

  QString writeFile(const QString& name, const QByteArray& bytes) const {
    QFile file(folder_.filePath(name));
    if (!file.open(QIODevice::WriteOnly) || file.write(bytes) != bytes.size())
      qFatal("no place for test files");
    return file.fileName();
  }

  static std::vector<Prompt> smallPrompts() {
    return {
        {PromptKind::Context, QStringLiteral("Once upon a time there was a girl named Lily. Her name was"),
         QStringLiteral(" Lily."), true},
        {PromptKind::Memory, QStringLiteral("The sun is"), QString(), true}};
  }

  static Needs allNorms() {
    Needs needs;
    needs.norms = {Site::Query, Site::Key, Site::Value};
    return needs;
  }

  static bool finish(Session& session) {
    return QTest::qWaitFor([&session] { return !session.isBusy(); }, 60000);
  }
};

}  // namespace qkscope::test

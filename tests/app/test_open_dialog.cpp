// The dialog that lists the models on this machine.
#include <QLineEdit>
#include <QPushButton>
#include <QTreeWidget>

#include "app/open_dialog.h"
#include "tests/app/app_test.h"
#include "tests/support/file_bytes.h"
#include "views/styled_label.h"

using namespace qkscope;
using namespace qkscope::test;
namespace fs = std::filesystem;

class TestOpenDialog : public AppTestCase {
  Q_OBJECT
 private:
  static QString s(const char* text) { return QString::fromUtf8(text); }
  fs::path hub() const { return fs::path(folder_.path().toStdString()) / "hub"; }
  fs::path snapshot(const char* repository) const {
    return hub() / (std::string("models--org--") + repository) / "snapshots" / "abcdef123456";
  }
  static QTreeWidget* list(const OpenDialog& dialog) { return dialog.findChild<QTreeWidget*>(s("openList")); }
  static QString state(const OpenDialog& dialog) {
    return dialog.findChild<StyledLabel*>(s("openState"))->text();
  }

 private Q_SLOTS:
  void initTestCase() {
    for (const char* variable : {"HUGGINGFACE_HUB_CACHE", "HF_HOME", "OLLAMA_MODELS", "LLAMA_CACHE"})
      qunsetenv(variable);
    qputenv("HOME", folder_.path().toUtf8());
    qputenv("XDG_CACHE_HOME", folder_.path().toUtf8());
    qputenv("HF_HUB_CACHE", QByteArray::fromStdString(hub().string()));
  }

  void anEmptyMachine() {
    OpenDialog dialog(nullptr);
    dialog.show();
    QTRY_VERIFY_WITH_TIMEOUT(state(dialog).contains(s("no model")), 10000);
    for (const char* place :
         {"/hub", "/.lmstudio/models", "/.ollama/models", "/llama.cpp", "/qkscope/models"})
      QVERIFY2(state(dialog).contains(s(place)), qPrintable(state(dialog)));
  }

  void modelsAreListedAndOpen() {
    const TinyModel model;
    fs::create_directories(snapshot("whole"));
    for (const auto& entry : fs::directory_iterator(model.folder()))
      fs::copy(entry.path(), snapshot("whole") / entry.path().filename());
    fs::create_directories(snapshot("part"));
    fs::copy(model.folder() / "config.json", snapshot("part") / "config.json");
    write_file(snapshot("part") / "model.safetensors.index.json",
               R"({"weight_map": {"a": "one.safetensors"}})");

    OpenDialog dialog(nullptr);
    dialog.show();
    QTRY_COMPARE_WITH_TIMEOUT(state(dialog), s("2 models"), 10000);
    const QTreeWidget* models = list(dialog);
    QCOMPARE(models->topLevelItemCount(), 2);
    const auto* part = models->topLevelItem(0);
    const auto* whole = models->topLevelItem(1);
    QCOMPARE(part->text(0), s("org/part@abcdef123456"));
    QCOMPARE(part->text(5), s("lacks one.safetensors"));
    QCOMPARE(whole->text(1), s("Llama"));
    QCOMPARE(whole->text(2), s("F32"));
    QCOMPARE(whole->text(4), s("Hugging Face cache"));
    QVERIFY(whole->text(5).isEmpty());

    QSignalSpy chosen(&dialog, &OpenDialog::chosen);
    auto* name = dialog.findChild<QLineEdit*>(s("openName"));
    auto* open = dialog.findChild<QPushButton*>(s("openChosen"));
    QVERIFY(!open->isEnabled());
    name->setText(s("org/none"));
    open->click();
    QTRY_VERIFY_WITH_TIMEOUT(state(dialog).contains(s("There is no model 'org/none'")), 10000);
    QVERIFY(dialog.isVisible());
    name->setText(s("org/whole"));
    open->click();
    QTRY_COMPARE_WITH_TIMEOUT(chosen.count(), 1, 10000);
    QCOMPARE(chosen[0][0].toString(), QString::fromStdString(snapshot("whole").string()));
    QVERIFY(!dialog.isVisible());
  }

  /// Gone in the midst of its search, it leaves nothing running that would report to it.
  void closedWhileItLooks() {
    for (int i = 0; i < 20; ++i) {
      OpenDialog dialog(nullptr);
      dialog.show();
    }
    QCoreApplication::processEvents();
  }
};

QTEST_MAIN(TestOpenDialog)
#include "test_open_dialog.moc"

#pragma once
#include <QCoreApplication>
#include <QFile>
#include <QSettings>
#include <QSignalSpy>
#include <QTemporaryDir>

#include "app/session.h"
#include "tests/support/tiny_model.h"

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

  /// A model of the repository that takes long prompts and never ends an answer by itself, with the real
  /// work of a model: 2 layers, 4/2 heads of 16 dims.
  static std::filesystem::path smallModel() {
    static const TinyModel model = [] {
      TinyModel made;
      made.change_config([](nlohmann::json& config) { config["max_position_embeddings"] = 16384; });
      made.change_weights([](std::map<std::string, Array>& weights) {
        // The row of </s> is that of <pad> turned round and made short: never the most probable token.
        Array& head = weights.at("lm_head.weight");
        for (std::int64_t i = 0; i < head.size(1); ++i)
          head.data[static_cast<std::size_t>(2 * head.size(1) + i)] = 0;
      });
      return made;
    }();
    return model.folder();
  }
  static LoadOptions onOneThread() {
    LoadOptions options;
    options.device = "cpu";
    options.threads = 1;
    return options;
  }

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

  /// A session on the small model with two prompts, idle.
  struct ReadySession {
    Session session;
    bool there = false;
    ReadySession() {
      session.setMaxNewTokens(6);
      session.setNeeds(allNorms());
      session.setPrompts(smallPrompts(), 0);
      session.load(smallModel(), onOneThread());
      there = finish(session) && session.model();
    }
  };

  /// These edits in the shown arm.
  static void setEdits(Session& session, const Edits& edits) {
    session.setArms(withEdits(session.arms(), edits));
  }
  static void disrupt(Session& session, bool on = true) {
    Arms arms = session.arms();
    arms.on = on;
    session.setArms(arms);
  }
  static const Edit& firstEdit(const Session& session) { return session.arms().shown().edits.front(); }

  /// What a runner that has seen nothing before makes of what the session says it shows.
  static Comparison fresh(const Session& session) {
    return Runner(session.model()).compare(session.data().comparison->request);
  }

  static bool finish(Session& session) {
    return QTest::qWaitFor([&session] { return !session.isBusy(); }, 60000);
  }
};

}  // namespace qkscope::test

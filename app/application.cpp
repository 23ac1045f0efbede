#include "app/application.h"

#include <QApplication>
#include <QEventLoop>
#include <QFileInfo>
#include <QIcon>
#include <QTimer>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "app/figure_run.h"
#include "app/lessons.h"
#include "app/mainwindow.h"
#include "app/options.h"
#include "app/theme.h"
#include "app/usage_error.h"
#include "views/shown.h"

namespace qkscope {

namespace {

/// `code`: 1 failed, 2 wrong usage, as in qkscope-cli.
int fail(const QString& sentence, int code = 1) {
  std::fprintf(stderr, "qkscope: %s\n", sentence.toUtf8().constData());
  return code;
}

int say(const QString& words) {
  if (std::fprintf(stdout, "%s\n", words.toUtf8().constData()) >= 0 && std::fflush(stdout) == 0) return 0;
  return fail(QStringLiteral("cannot write to standard output: %1").arg(qt_error_string(errno)));
}

QString noDisplayWords(const Options& options) {
  const QString model =
      options.model.isEmpty() ? QString::fromStdString(default_model_name()) : options.model;
  return QCoreApplication::translate(
             "Application",
             "there is no display for a window here (neither DISPLAY nor WAYLAND_DISPLAY leads to "
             "one); the same picture as a file: qkscope --export figure.pdf %1")
      .arg(shellLine({model}).section(u' ', 1));
}

bool hasDisplay() {
  for (const char* name : {"DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"}) {
    if (!qEnvironmentVariableIsEmpty(name)) return true;
  }
  return false;
}

/// Qt ends the process when a display is named that cannot be reached; that deserves the same sentence.
void endOnFatal(QtMsgType type, const QMessageLogContext&, const QString& words) {
  if (type == QtFatalMsg) {
    fail(words.contains(QStringLiteral("platform plugin")) ? noDisplayWords({}) : words);
    std::_Exit(1);
  }
  if (type != QtDebugMsg && !words.contains(QStringLiteral("could not connect to display"))) say(words);
}

/// Says what the options ask for that the model or its prompt does not have, once it is known what there is;
/// the nearest is shown.
void sayWhatIsBeside(MainWindow& window, const Options& options, const Document& document) {
  auto* once = new QObject(&window);
  QObject::connect(&window.session(), &Session::dataChanged, once, [&window, options, document, once] {
    const ViewData& data = window.session().data();
    if (!data.spec() || !data.comparison || !data.comparison->baseline) return;
    once->deleteLater();
    try {
      checkSelection(options, document, *data.spec(), shownPositions(data));
    } catch (const Error& error) {
      window.showError(QString::fromUtf8(error.what()));
    }
  });
}

/// What the window opens with: the document and model named, else those of the last time, else the default
/// ones. `keep`: the session is kept on disk from here on.
void openInitial(MainWindow& window, const Options& options, bool keep) {
  SessionFile::Kept start{defaultDocument(), QString()};
  std::unique_ptr<SessionFile> file;
  if (keep) {
    file = std::make_unique<SessionFile>();
    try {
      start = file->kept().value_or(start);
    } catch (const Error& error) {
      window.showError(QString::fromUtf8(error.what()));
    }
  }
  QString model = options.model;
  const bool is_document = model.endsWith(QStringLiteral(".qkscope"));
  if (is_document) {
    start = {openDocument(model), QFileInfo(model).absoluteFilePath()};
    model = start.document.model;
  }
  applyOptions(options, start.document);
  window.resume(start);
  sayWhatIsBeside(window, options, start.document);
  if (is_document && !begins_like_zip(options.model.toStdString())) {
    for (const QString& panel : panelsOf(options.model)) window.showPanel(panel);
  }
  if (file) window.keepIn(std::move(file));
  if (model.isEmpty()) model = start.document.model;
  if (!start.path.isEmpty() && begins_like_zip(start.path.toStdString())) {
    // The runs are there in any case; the model may not be.
    return window.openRecorded(start.path, true);
  }
  if (!start.document.dump.files.empty())
    return window.openDump(start.document.dump, keep && options.dump == start.document.dump);
  std::filesystem::path found;
  try {
    found = find_model(model.isEmpty() ? default_model_name() : model.toStdString());
  } catch (const Error& error) {
    if (!model.isEmpty()) {
      window.showError(QString::fromUtf8(error.what()));
    } else {
      window.showError(MainWindow::tr("Open a model: drop a folder or file here, or press Ctrl+O."));
    }
    return;
  }
  const QString path = QString::fromStdString(found.string());
  if (is_document && keep) {
    window.openPath(path, true);  // a document may come from anyone: the card of its model comes first
  } else {
    window.loadModel(path, options.load);
  }
}

/// Waits until everything asked has been computed and painted, then saves what the window shows.
int takeScreenshot(MainWindow& window, const Options& options) {
  QString problem;
  QObject::connect(&window.session(), &Session::failed, &window,
                   [&problem](const QString& words) { problem = words; });
  QEventLoop loop;
  QTimer settled;  // idle, and all that was put off has been painted
  settled.setSingleShot(true);
  settled.setInterval(300);
  QObject::connect(&settled, &QTimer::timeout, &loop, &QEventLoop::quit);
  const auto look = [&] {
    if (window.session().isBusy()) {
      settled.stop();
    } else {
      settled.start();
    }
  };
  QObject::connect(&window.session(), &Session::busyChanged, &window, look);
  QObject::connect(&window.session(), &Session::dataChanged, &window, look);
  look();
  loop.exec();
  if (!problem.isEmpty()) return fail(problem);
  View::refreshAllDue();
  if (!window.grab().save(options.screenshot)) {
    return fail(MainWindow::tr("%1 could not be written.").arg(options.screenshot));
  }
  return 0;
}

int runWindow(const Options& options) {
  const Settings settings;
  applyTheme(options.theme.value_or(settings.theme()),
             options.screenshot.isEmpty() ? settings.uiScale() : 1.0);
  MainWindow window;
  if (options.answer_length) window.session().setMaxNewTokens(*options.answer_length);
  const bool screenshot = !options.screenshot.isEmpty();
  if (screenshot) {
    window.resize(options.size.value_or(window.size()));
    window.show();
  } else {
    window.show();
    window.restoreLayout(options.size);
  }
  openInitial(window, options, !screenshot);
  return screenshot ? takeScreenshot(window, options) : QApplication::exec();
}

}  // namespace

int runApplication(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // a reader that has gone is told of like a full disk
  QStringList arguments;
  for (int i = 1; i < argc; ++i) arguments << QString::fromLocal8Bit(argv[i]);
  try {
    const Options options = parseOptions(arguments);
    if (options.version) return say(QStringLiteral("qkscope " QKSCOPE_VERSION));
    if (options.isOffscreen() && !hasDisplay()) qputenv("QT_QPA_PLATFORM", "offscreen");
    if (options.figure || options.help) qputenv("QT_QPA_PLATFORM", "offscreen");
    if (!hasDisplay()) return fail(noDisplayWords(options));
    qInstallMessageHandler(endOnFatal);
    QApplication application(argc, argv);
    qInstallMessageHandler(nullptr);
    QApplication::setApplicationName(QStringLiteral("qkscope"));
    QApplication::setOrganizationName(QStringLiteral("qkscope"));
    QApplication::setApplicationDisplayName(QStringLiteral("QKScope"));
    QApplication::setApplicationVersion(QStringLiteral(QKSCOPE_VERSION));
    QApplication::setDesktopFileName(QStringLiteral("org.qkscope.QKScope"));
    QApplication::setWindowIcon(QIcon(QStringLiteral(":/qkscope/org.qkscope.QKScope.svg")));
    if (options.help) return say(optionsHelp());
    if (options.figure) {
      return say(runFigure(options).join(u'\n'));
    }
    return runWindow(options);
  } catch (const UsageError& error) {
    return fail(QString::fromUtf8(error.what()), 2);
  } catch (const Error& error) {
    return fail(QString::fromUtf8(error.what()));
  }
}

}  // namespace qkscope

// What a person waits for: the first full picture, the answer to key D, painting. Each beside a reference
// timed here, so that the ratio means something on another machine. Run it alone on a quiet machine: ctest -L
// bench.
#include <unistd.h>
#include <QApplication>
#include <QDir>
#include <QElapsedTimer>
#include <QMouseEvent>
#include <QPainter>
#include <QSlider>
#include <QTest>
#include <QTimer>
#include <QWheelEvent>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <deque>
#include <fstream>
#include <functional>
#include <sstream>
#include <vector>

#include "app/mainwindow.h"
#include "app/theme.h"
#include "core/io/safetensors_writer.h"
#include "core/run/runner.h"
#include "tests/app/app_test.h"
#include "views/heatmap.h"

using namespace qkscope;

namespace {

constexpr int kRounds = 5;

/// Since the process was started, in hundredths of a second as /proc counts them.
double secondsSinceStart() {
  std::ifstream stat("/proc/self/stat"), uptime("/proc/uptime");
  std::string text{std::istreambuf_iterator<char>(stat), {}};
  std::istringstream fields(text.substr(text.rfind(')') + 2));  // the name before it may hold spaces
  std::string skipped;
  for (int field = 3; field < 22; ++field) fields >> skipped;
  double started = 0, now = 0;
  fields >> started;
  uptime >> now;
  return now - started / static_cast<double>(sysconf(_SC_CLK_TCK));
}

double milliseconds(const std::function<void()>& work) {
  QElapsedTimer clock;
  clock.start();
  work();
  return static_cast<double>(clock.nsecsElapsed()) / 1e6;
}

double fastest(int rounds, const std::function<void()>& work) {
  double best = milliseconds(work);
  for (int i = 1; i < rounds; ++i) best = std::min(best, milliseconds(work));
  return best;
}

/// Sees when a widget has painted what is asked.
class PaintWatch : public QObject {
 public:
  PaintWatch(View* view, std::function<bool(const ViewData&)> wanted)
      : view_(view), wanted_(std::move(wanted)) {
    view->installEventFilter(this);
    clock_.start();
  }
  /// Milliseconds since this watch was made; -1 before.
  double painted() const { return painted_; }

 protected:
  bool eventFilter(QObject*, QEvent* event) override {
    if (event->type() == QEvent::Paint && painted_ < 0 && wanted_(view_->data())) {
      // Painting itself is still to come: ask again after it.
      QMetaObject::invokeMethod(
          this, [this] { painted_ = static_cast<double>(clock_.nsecsElapsed()) / 1e6; },
          Qt::QueuedConnection);
    }
    return false;
  }

 private:
  View* view_;
  std::function<bool(const ViewData&)> wanted_;
  QElapsedTimer clock_;
  double painted_ = -1;
};

/// As the program itself waits, by events; QTest::qWaitFor sleeps 10 ms between two looks.
bool wait(const std::function<bool()>& until) {
  constexpr qint64 longest = 120'000;  // ms
  QElapsedTimer clock;
  clock.start();
  QTimer alive;  // so that `until` is looked at where no event comes
  alive.start(20);
  while (!until() && clock.elapsed() < longest)
    QCoreApplication::processEvents(QEventLoop::WaitForMoreEvents);
  return until();
}

/// Of a pass that keeps nothing, on the thread on which the window's run: another one would have processor
/// threads of its own, which stand in these's way ever after.
double plainPass(Session& session, const TokenIds& prompt) {
  std::atomic<double> taken = 0;
  session.setBackground(QStringLiteral("plain pass"), [&](const std::stop_token&) {
    RunRequest request;
    request.prompt = prompt;
    taken = Runner(session.model()).compare(request).baseline->prefill_ms;
  });
  const bool done = wait([&] { return taken > 0; });
  session.setBackground({}, nullptr);
  return done ? taken.load() : 0;
}

double median(std::vector<double> times) {
  std::ranges::sort(times);
  return times[times.size() / 2];
}

/// From an act to what it asks, in milliseconds.
struct Waits {
  std::vector<double> plain, pass, pictures, token, perplexities, passes;

  void print(const char* what) const {
    std::printf("%s; a plain pass %.0f ms\n", what, median(plain));
    std::printf("  to the repainted picture   %6.0f ms = %.2f passes + 8 ms (aim 1.05)\n", median(pictures),
                median(passes));
    std::printf("  to the first token         %6.0f ms\n", median(token));
    std::printf("  to both perplexities       %6.0f ms\n", median(perplexities));
  }
};

/// On the default document, some times each with a disruption never asked before, beside a plain pass: a
/// field of it is changed while it is on, and it is switched on by key D, having been off for a while.
bool benchDisrupt(MainWindow& window) {
  Session& session = window.session();
  auto* picture = window.findChild<View*>(QStringLiteral("picture"));
  const auto rest = [] { QTest::qWait(100); };  // a person comes to it from a rest, as does the processor
  const auto measure = [&](Waits& waits, const std::function<void()>& act) {
    double first_token = -1, scored = -1;
    rest();
    PaintWatch watch(picture, [&](const ViewData& data) {
      return data.comparison && data.comparison->disrupted && !data.stale &&
             data.comparison->request.edits == switched_on(session.arms().shown().edits);
    });
    QElapsedTimer clock;
    clock.start();
    act();
    const auto now = [&] { return static_cast<double>(clock.nsecsElapsed()) / 1e6; };
    const auto connection = QObject::connect(&session, &Session::resultChanged, &window, [&](int) {
      const PromptResult& result = session.results()[static_cast<std::size_t>(session.selectedPrompt())];
      const ArmResult& arm = result.arms[0];
      if (!arm.run || arm.status.earlier) return;
      if (first_token < 0 && !arm.run->answer.isEmpty()) first_token = now();
      if (scored < 0 && arm.run->continuation && result.baseline.run->continuation) scored = now();
    });
    if (!wait([&] { return !session.isBusy() && watch.painted() > 0; })) return false;
    QObject::disconnect(connection);
    waits.pass.push_back(session.times().disrupted_ms.value_or(0));
    waits.pictures.push_back(watch.painted());
    waits.token.push_back(first_token);
    waits.perplexities.push_back(scored);
    rest();
    waits.plain.push_back(plainPass(session, session.data().comparison->request.prompt));
    waits.passes.push_back((watch.painted() - 8) / waits.plain.back());
    return true;
  };
  const auto ask = [&](int question, bool on) {
    Disruption disruption = parse_disruption("lambda 5 on Q");
    disruption.pick.lambda += 1e-6 * question;  // the same columns, a new question
    Arms arms = withEdits(session.arms(), {disruption});
    arms.on = on;
    session.setArms(arms);
  };
  Waits field, key;
  constexpr int rounds = 11;
  for (int round = 0; round < rounds; ++round) {
    ask(2 * round + 1, true);
    if (!wait([&] { return !session.isBusy(); }) || !measure(field, [&] { ask(2 * round + 2, true); }))
      return false;
  }
  for (int round = 0; round < rounds; ++round) {
    ask(2 * (rounds + round), false);
    QTest::qWait(1000);
    if (!measure(key, [&] { QTest::keyClick(&window, Qt::Key_D); })) return false;
  }
  std::printf("prompt of %d tokens, all layers recomputed; a disrupted pass in the window %.0f ms\n",
              session.times().positions, median(field.pass));
  field.print("a field of the disruption changed");
  key.print("key D after a second");
  return true;
}

/// What a person sees move. A frame is a turn of the event loop: after it the next key is heard. The first
/// shows the picture, the panels around it come in the others.
class Frames {
 public:
  explicit Frames(const char* what) : what_(what) {}
  void add(const std::function<void()>& event) {
    constexpr int turns = 10;  // more than there are panels
    double longest = 0, all = 0;
    for (int turn = 0; turn < turns; ++turn) {
      const double taken = milliseconds([&] {
        if (turn == 0) event();
        QCoreApplication::processEvents();
      });
      longest = std::max(longest, taken);
      all += taken;
    }
    longest_.push_back(longest);
    all_.push_back(all);
  }
  void print() {
    std::printf("  %-26s", what_);
    print("longest frame", longest_);
    print(", all panels", all_);
    std::printf(" (%zu times)\n", all_.size());
  }

 private:
  static void print(const char* what, std::vector<double>& times) {
    std::ranges::sort(times);
    const auto at = [&](double part) {
      return times[static_cast<std::size_t>(part * static_cast<double>(times.size() - 1))];
    };
    std::printf("%s: median %4.1f ms, 99th percentile %4.1f ms", what, at(0.5), at(0.99));
  }

  const char* what_;
  std::vector<double> longest_, all_;
};

/// 32 layers of Q, K and V, 4,096 positions of one head of 128 dims, as files of activations hold them.
DumpSource longDump(const QString& folder) {
  constexpr int kLayers = 32, kPositions = 4096, kDims = 128;
  std::deque<Array> arrays;
  SafetensorsWriter writer;
  std::uint32_t seed = 1;
  for (int layer = 0; layer < kLayers; ++layer) {
    for (const char* site : {"q", "k", "v"}) {
      Array& array = arrays.emplace_back(Array{{kPositions, 1, kDims}, {}});
      array.data.resize(static_cast<std::size_t>(kPositions) * kDims);
      for (std::size_t i = 0; i < array.data.size(); ++i) {
        seed = seed * 1664525 + 1013904223;
        array.data[i] = static_cast<float>(seed >> 8) / (1 << 23) - 1;
        if (i % kDims == 23) array.data[i] *= 20;
      }
      writer.add(QStringLiteral("layers.%1.%2").arg(layer).arg(QLatin1String(site)).toStdString(), array);
    }
  }
  const std::string path = QDir(folder).filePath(QStringLiteral("long.safetensors")).toStdString();
  writer.write(path);
  return {{path}, DumpLayout{AxisOrder::PositionsHeads, kDims}, 10000.0};
}

bool benchFrames(const QString& folder) {
  MainWindow window;
  window.setDocument(defaultDocument());
  window.resize(1920, 1080);
  window.show();
  window.activateWindow();
  window.openDump(longDump(folder), false);
  if (!wait([&] { return window.session().dump() && !window.session().isBusy(); })) return false;
  auto* picture = window.findChild<View*>(QStringLiteral("picture"));
  auto* lambda = window.findChild<View*>(QStringLiteral("massive"))->findChild<QSlider*>();
  const auto mouse = [&](QEvent::Type type, const QPointF& at, Qt::MouseButton button) {
    QMouseEvent event(type, at, picture->mapToGlobal(at), button,
                      type == QEvent::MouseButtonRelease ? Qt::NoButton : Qt::LeftButton, Qt::NoModifier);
    QCoreApplication::sendEvent(picture, &event);
  };
  const auto wheel = [&](int delta) {
    const QPointF at = picture->rect().center();
    QWheelEvent event(at, picture->mapToGlobal(at), {}, {0, delta}, Qt::NoButton, Qt::NoModifier,
                      Qt::NoScrollPhase, false);
    QCoreApplication::sendEvent(picture, &event);
  };
  for (const Picture which : {Picture::PositionsDims, Picture::HeadsDims, Picture::AllLayers}) {
    Look look = window.state().look();
    look.picture = which;
    window.state().setLook(look);
    window.state().setSelection({Site::Query, 16, 0, 23, 100});
    QTest::qWait(300);
    std::printf("frames of a window of 1920 x 1080, 32 layers x 128 dims x 4,096 positions, %s (aim 8 ms)\n",
                which == Picture::PositionsDims ? "positions x dims"
                : which == Picture::HeadsDims   ? "heads x dims"
                                                : "all layers");
    Frames zoom("zoom"), pan("pan"), layer("layer switch"), slider("lambda's slider");
    for (int round = 0; round < 20; ++round) {
      for (int notch = 0; notch < 10; ++notch) zoom.add([&] { wheel(round % 2 == 0 ? 120 : -120); });
    }
    for (int notch = 0; notch < 6; ++notch) wheel(120);
    QTest::qWait(50);
    const QPointF middle = picture->rect().center();
    mouse(QEvent::MouseButtonPress, middle, Qt::LeftButton);
    for (int step = 1; step <= 200; ++step) {
      const QPointF to = middle + 150 * QPointF(std::sin(step * 0.1), std::sin(step * 0.13));
      pan.add([&] { mouse(QEvent::MouseMove, to, Qt::NoButton); });
    }
    mouse(QEvent::MouseButtonRelease, middle, Qt::LeftButton);
    QTest::keyClick(picture, Qt::Key_Escape);
    for (int step = 0; step < 200; ++step)
      layer.add([&] { QTest::keyClick(picture, step / 15 % 2 == 0 ? Qt::Key_PageDown : Qt::Key_PageUp); });
    for (int step = 0; step < 200; ++step)
      slider.add([&] { lambda->setValue(20 + (step < 100 ? step : 200 - step)); });
    for (Frames* frames : {&zoom, &pan, &layer, &slider}) frames->print();
  }
  return true;
}

/// A map far larger than the screen, as a long prompt of a large model gives: 8192 positions x 4096 dims.
void benchPainting() {
  constexpr int kRows = 8192, kColumns = 4096;
  std::vector<float> values(static_cast<std::size_t>(kRows) * kColumns);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i * 2654435761U % 1000);
  Heatmap map(kRows, kColumns, std::move(values));
  const CellGrid grid{QRectF(0, 0, 1000, 700), QRectF(0, 0, kColumns, kRows), 1.0};
  QImage screen(1000, 700, QImage::Format_RGB32);
  const auto paint = [&] {
    QPainter painter(&screen);
    map.paint(painter, grid);
  };
  ColorNorm norm;
  norm.high = 1000;
  map.setColors(colorMaps().front(), norm);
  const double first = milliseconds(paint);
  const double recolored = fastest(kRounds, [&] {
    norm.high += 1;
    map.setColors(colorMaps().front(), norm);
    paint();
  });
  const double again = fastest(kRounds, paint);
  std::printf("painting a map of %d x %d on 1000 x 700 pixels\n", kRows, kColumns);
  std::printf("  first, maxima included     %6.1f ms\n  after a change of colours  %6.1f ms\n", first,
              recolored);
  std::printf("  again                      %6.1f ms\n", again);
}

/// Loading a checkpoint against reading its bytes.
void benchLoad(const std::filesystem::path& path) {
  std::vector<char> buffer(std::size_t{4} << 20);
  const double read = fastest(kRounds, [&] {
    std::ifstream file(path, std::ios::binary);
    while (file.read(buffer.data(), static_cast<std::streamsize>(buffer.size()))) {
    }
  });
  const double load = fastest(kRounds, [&] { LanguageModel::load(path); });
  std::printf("loading the model: %.0f ms; reading its file (from the page cache): %.0f ms, %.1f times\n",
              load, read, load / read);
}

}  // namespace

int main(int argc, char** argv) {
  const double torch = secondsSinceStart();
  QApplication application(argc, argv);
  QTemporaryDir folder;
  QCoreApplication::setOrganizationName(QStringLiteral("qkscope-bench"));
  QSettings::setPath(QSettings::NativeFormat, QSettings::UserScope, folder.path());
  const auto path = models_folder() / (default_model_name() + ".gguf");
  if (!std::filesystem::exists(path)) {
    std::printf("There is no %s: run packaging/run.sh once.\n", path.c_str());
    return 1;
  }
  applyTheme(Theme::Dark, 1.0);
  if (argc > 1 && QLatin1String(argv[1]) == QLatin1String("frames"))
    return benchFrames(folder.path()) ? 0 : 1;
  MainWindow window;
  window.setDocument(defaultDocument());
  window.resize(1280, 800);
  window.show();
  window.activateWindow();
  window.loadModel(QString::fromStdString(path.string()), {});
  PaintWatch full(window.findChild<View*>(QStringLiteral("picture")), [](const ViewData& data) {
    return data.comparison && data.comparison->baseline && !data.stale;
  });
  if (!wait([&] { return full.painted() > 0; })) return 1;
  std::printf("cold start: %.2f s to the first full picture, %.2f s of it until main (libraries)\n",
              secondsSinceStart(), torch);
  if (!wait([&] { return !window.session().isBusy(); })) return 1;
  if (!benchDisrupt(window)) return 1;
  if (!benchFrames(folder.path())) return 1;
  benchPainting();
  benchLoad(path);
  return 0;
}

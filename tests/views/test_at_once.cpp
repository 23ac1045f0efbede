// Work of several threads: all of it is done, whoever comes to help.
#include <QSemaphore>
#include <QTest>
#include <QThreadPool>
#include <array>
#include <atomic>
#include <stdexcept>

#include "views/at_once.h"

using namespace qkscope;

class TestAtOnce : public QObject {
  Q_OBJECT
 private Q_SLOTS:
  void everyOneIsDoneOnce() {
    for (const std::size_t count : {0, 1, 2, 3, 100}) {
      for (int round = 0; round < 200; ++round) {
        std::array<std::atomic<int>, 100> done{};
        eachAtOnce(count, [&](std::size_t i) { ++done[i]; });
        for (std::size_t i = 0; i < done.size(); ++i) QCOMPARE(done[i], i < count ? 1 : 0);
      }
    }
  }

  // While others hold the pool nobody helps, and nobody is waited for.
  void aBusyPoolHoldsNothingUp() {
    QThreadPool& pool = *QThreadPool::globalInstance();
    QSemaphore go;
    const int threads = pool.maxThreadCount();
    for (int i = 0; i < threads; ++i) pool.start([&] { go.acquire(); });
    int done = 0;
    eachAtOnce(3, [&](std::size_t) { ++done; });
    QCOMPARE(done, 3);
    go.release(threads);
    QVERIFY(pool.waitForDone());
  }

  void whatFailsIsTold() {
    std::atomic<int> done = 0;
    QVERIFY_THROWS_EXCEPTION(std::runtime_error, eachAtOnce(4, [&](std::size_t i) {
                               ++done;
                               if (i == 1) throw std::runtime_error("one");
                             }));
    QCOMPARE(done, 4);
  }
};

QTEST_GUILESS_MAIN(TestAtOnce)
#include "test_at_once.moc"

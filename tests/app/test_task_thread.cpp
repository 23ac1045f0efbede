#include <atomic>

#include "app/task_thread.h"
#include "tests/support/test_case.h"

namespace qkscope::test {

class TestTaskThread : public TestCase {
  Q_OBJECT

  using Task = TaskThread::Task;
  static Task untilStopped(std::uint64_t number, std::atomic<int>& started, std::atomic<int>& stopped) {
    return {number, [&started, &stopped](std::stop_token stop) {
              ++started;
              while (!stop.stop_requested()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
              ++stopped;
            }};
  }

 private Q_SLOTS:
  void runsInOrder() {
    std::vector<int> order;
    std::atomic<bool> done = false;
    TaskThread thread;
    thread.replace({{1, [&](std::stop_token) { order.push_back(1); }},
                    {2, [&](std::stop_token) { order.push_back(2); }},
                    {3, [&](std::stop_token) {
                       order.push_back(3);
                       done = true;
                     }}});
    QTRY_VERIFY(done);
    QCOMPARE(order, (std::vector<int>{1, 2, 3}));
  }

  void newListStopsWhatRuns() {
    std::atomic<int> started = 0, stopped = 0, other = 0, dropped = 0;
    TaskThread thread;
    thread.replace({untilStopped(1, started, stopped), {2, [&](std::stop_token) { ++dropped; }}});
    QTRY_COMPARE(started.load(), 1);
    thread.replace({{3, [&](std::stop_token) { ++other; }}});
    QTRY_COMPARE(other.load(), 1);
    QCOMPARE(stopped.load(), 1);
    QCOMPARE(dropped.load(), 0);
  }

  void runningTaskGoesOnWhereItHeadsTheList() {
    std::atomic<int> started = 0, stopped = 0;
    TaskThread thread;
    thread.replace({untilStopped(1, started, stopped)});
    QTRY_COMPARE(started.load(), 1);
    thread.replace({untilStopped(1, started, stopped), {2, [](std::stop_token) {}}});
    QTest::qWait(30);
    QCOMPARE(stopped.load(), 0);
    thread.replace({});
    QTRY_COMPARE(stopped.load(), 1);
    QCOMPARE(started.load(), 1);
  }

  void startedTaskIsNotStartedAgain() {
    std::atomic<int> runs = 0, later = 0;
    TaskThread thread;
    const Task once{1, [&](std::stop_token) { ++runs; }};
    thread.replace({once});
    QTRY_COMPARE(runs.load(), 1);
    thread.replace({once, {2, [&](std::stop_token) { ++later; }}});
    QTRY_COMPARE(later.load(), 1);
    QCOMPARE(runs.load(), 1);
  }

  void destructorStopsAndWaits() {
    std::atomic<int> started = 0, stopped = 0;
    {
      TaskThread thread;
      thread.replace({untilStopped(1, started, stopped)});
      QTRY_COMPARE(started.load(), 1);
    }
    QCOMPARE(stopped.load(), 1);
  }
};

}  // namespace qkscope::test

QTEST_GUILESS_MAIN(qkscope::test::TestTaskThread)
#include "test_task_thread.moc"

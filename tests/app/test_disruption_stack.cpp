#include <QSignalSpy>

#include "app/disruption_stack.h"
#include "tests/support/test_case.h"

namespace qkscope::test {

class TestDisruptionStack : public TestCase {
  Q_OBJECT
 private Q_SLOTS:
  void pushedValuesAreKept() {
    const Disruption first;
    DisruptionStack stack(first);
    QSignalSpy changed(&stack, &DisruptionStack::changed);
    Disruption second = first;
    second.key = true;
    Disruption third = second;
    third.replace = Replace::Zero;
    stack.push(second);
    stack.push(third);
    QCOMPARE(changed.count(), 2);
    QVERIFY(stack.current() == third);
    QVERIFY(stack.history() == std::vector({first, second, third}));
    // What is pushed on an earlier value follows it.
    stack.restore(stack.history(), 1, false);
    Disruption other = second;
    other.value = true;
    stack.push(other);
    QVERIFY(stack.history() == std::vector({first, second, other}));
  }

  void pushOfTheSameChangesNothing() {
    DisruptionStack stack({});
    QSignalSpy changed(&stack, &DisruptionStack::changed);
    stack.push({});
    QCOMPARE(changed.count(), 0);
    QCOMPARE(stack.history().size(), std::size_t(1));
  }

  void draggedNumbersAreOneStep() {
    DisruptionStack stack({});
    for (double lambda = 4.9; lambda > 3.0; lambda -= 0.1) {
      Disruption value;
      value.pick.lambda = lambda;
      stack.push(value);
    }
    QCOMPARE(stack.history().size(), std::size_t(2));
    QCOMPARE(stack.history().front().pick.lambda, 5.0);
    // A later drag is a step of its own.
    Disruption value;
    value.pick.lambda = 7;
    stack.restore(stack.history(), 0, false);
    stack.push(value);
    QTest::qWait(static_cast<int>(DisruptionStack::kMergeTime.count()) + 50);
    value.pick.lambda = 8;
    stack.push(value);
    QCOMPARE(stack.history().size(), std::size_t(3));
  }

  void onAndOff() {
    DisruptionStack stack({});
    QVERIFY(stack.applied().empty());
    QSignalSpy changed(&stack, &DisruptionStack::changed);
    stack.toggle();
    stack.setOn(true);
    QCOMPARE(changed.count(), 1);
    QCOMPARE(stack.applied().size(), std::size_t(1));
    QVERIFY(stack.applied().front() == stack.current());
  }

  void restore() {
    Disruption a, b;
    b.value = true;
    DisruptionStack stack({});
    stack.restore({a, b}, 0, true);
    QVERIFY(stack.current() == a);
    QVERIFY(stack.isOn());
    QCOMPARE(stack.position(), std::size_t(0));
    QVERIFY(stack.history() == std::vector({a, b}));
  }
};

}  // namespace qkscope::test

QTEST_GUILESS_MAIN(qkscope::test::TestDisruptionStack)
#include "test_disruption_stack.moc"

// An experiment on a Slurm of one node that this test sets up: a task that is killed is put back into the
// queue and goes on, and the merged table is that of a run without shards. Needs slurm-wlm and munge, and to
// be root.
#include <signal.h>
#include <unistd.h>

#include <QElapsedTimer>
#include <QStandardPaths>
#include <QSysInfo>
#include <thread>

#include "tests/support/cli.h"

using namespace qkscope;
using namespace qkscope::test;
using nlohmann::json;

class TestSlurm : public CliTestCase {
  Q_OBJECT

  static QString found(const char* name) {
    const QString known = QStandardPaths::findExecutable(QString::fromLatin1(name));
    if (!known.isEmpty()) return known;
    return QStandardPaths::findExecutable(QString::fromLatin1(name), {QStringLiteral("/usr/sbin")});
  }

  /// What a program of Slurm prints.
  static QString run(const char* name, const QStringList& arguments) {
    QProcess process;
    process.start(found(name), arguments);
    if (!process.waitForFinished(30000) || process.exitCode() != 0)
      qWarning("%s: %s", name, process.readAllStandardError().constData());
    return QString::fromUtf8(process.readAllStandardOutput()).trimmed();
  }

  template <typename Condition>
  static bool waited(const Condition& condition, int ms = 60000) {
    QElapsedTimer timer;
    timer.start();
    while (!condition()) {
      if (timer.elapsed() > ms) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return true;
  }

  std::string text_of(const std::string& file) const {
    std::ifstream stream(path(file), std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }

  void start(const char* name, const QStringList& arguments) {
    auto& daemon = daemons_.emplace_back(std::make_unique<QProcess>());
    daemon->setStandardErrorFile(QString::fromStdString(path(std::string(name) + ".err")));
    daemon->setStandardOutputFile(QProcess::nullDevice());
    daemon->start(found(name), arguments);
    QVERIFY2(daemon->waitForStarted(), name);
  }

 private Q_SLOTS:
  void initTestCase() {
    for (const char* name : {"slurmctld", "slurmd", "munged", "sbatch"}) {
      if (found(name).isEmpty()) QSKIP("Slurm is not installed here (slurm-wlm, munge)");
    }
    if (::geteuid() != 0) QSKIP("A Slurm of its own needs root");
    load();
    const std::string here = path(""), host = QSysInfo::machineHostName().section(u'.', 0, 0).toStdString();
    std::string key(1024, '\0');
    for (std::size_t i = 0; i < key.size(); ++i) key[i] = static_cast<char>(i * 151 % 251);
    write("munge.key", key);
    std::filesystem::permissions(path("munge.key"), std::filesystem::perms::owner_read);
    for (const char* folder : {"state", "spool"}) std::filesystem::create_directories(path(folder));
    write("slurm.conf",
          "ClusterName=qkscope\nSlurmctldHost=" + host +
              "(127.0.0.1)\nSlurmUser=root\nSlurmctldPort=27817\nSlurmdPort=27818\n"
              "AuthType=auth/munge\nCredType=cred/munge\nAuthInfo=socket=" +
              path("munge.sock") + "\nStateSaveLocation=" + path("state") +
              "\nSlurmdSpoolDir=" + path("spool") + "\nSlurmctldPidFile=" + path("ctld.pid") +
              "\nSlurmdPidFile=" + path("slurmd.pid") +
              "\nProctrackType=proctrack/linuxproc\nTaskPlugin=task/none\nSwitchType=switch/none\n"
              "MpiDefault=none\nSelectType=select/cons_tres\nSelectTypeParameters=CR_CPU\n"
              "ReturnToService=2\nSchedulerParameters=batch_sched_delay=0,sched_interval=1\n"
              "NodeName=" +
              host +
              " NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN\n"
              "PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP\n");
    qputenv("SLURM_CONF", QByteArray::fromStdString(path("slurm.conf")));
    const auto at = [this](const char* name) { return QString::fromStdString(path(name)); };
    start("munged",
          {QStringLiteral("--foreground"), QStringLiteral("--force"),
           QStringLiteral("--key-file=") + at("munge.key"), QStringLiteral("--socket=") + at("munge.sock"),
           QStringLiteral("--pid-file=") + at("munged.pid"), QStringLiteral("--log-file=") + at("munged.log"),
           QStringLiteral("--seed-file=") + at("munged.seed")});
    QVERIFY(waited([&] { return std::filesystem::exists(path("munge.sock")); }));
    start("slurmctld", {QStringLiteral("-D")});
    start("slurmd", {QStringLiteral("-D")});
    const auto idle = [] {
      QProcess sinfo;
      sinfo.start(found("sinfo"), {QStringLiteral("--noheader"), QStringLiteral("--format=%T")});
      return sinfo.waitForFinished(10000) && sinfo.readAllStandardOutput().trimmed() == "idle";
    };
    QVERIFY2(waited(idle), text_of("slurmctld.err").c_str());
  }
  void cleanupTestCase() {
    for (auto daemon = daemons_.rbegin(); daemon != daemons_.rend(); ++daemon) {
      (*daemon)->terminate();
      if (!(*daemon)->waitForFinished(10000)) (*daemon)->kill();
    }
  }

  void killedTasksGoOn() {
    json rows = json::array();
    for (int i = 0; i < 300; ++i) rows.push_back({std::to_string(i)});
    write("task.json", json{{"kind", "context"},
                            {"prompt", "Key {n}?"},
                            {"answers", "{n}"},
                            {"rule", "contains_as_published"},
                            {"max_new_tokens", 8},
                            {"fields", {"n"}},
                            {"items", rows}}
                           .dump());
    const std::string file = write(
        "job.json",
        json{{"tasks", {"task"}}, {"arms", {"site=q,pick=largest:2"}}, {"controls", {"smallest"}}}.dump());
    const auto command = [&](const char* action, const char* folder) {
      return Arguments{"experiment", action,  file,        model_.folder().string(), "--threads", "1",
                       "--json",     "--out", path(folder)};
    };
    const std::string whole = run_cli(command("run", "alone")).out;
    const json jobs = run_cli(command("slurm", "jobs") + Arguments{"--nodes", "3"}).json();
    const QString array = QString::fromStdString(jobs["array_job"].get<std::string>());
    // Killed by Slurm in the middle of its work, and put back.
    const std::string shard = "jobs/results-1-of-3.jsonl";
    QVERIFY(waited([&] { return std::ranges::count(text_of(shard), '\n') > 5; }));
    run("scontrol", {QStringLiteral("requeue"), array + QStringLiteral("_1")});
    const auto before = std::ranges::count(text_of(shard), '\n');
    QVERIFY2(before < 300, "the task was done before it was killed");
    // Slurm would wait for two minutes.
    QVERIFY(waited([&] {
      return run("squeue", {QStringLiteral("--noheader"), QStringLiteral("--format=%t %r"),
                            QStringLiteral("--jobs=") + array + QStringLiteral("_1")}) ==
             QStringLiteral("PD BeginTime");
    }));
    run("scontrol", {QStringLiteral("update"), QStringLiteral("JobId=") + array + QStringLiteral("_1"),
                     QStringLiteral("StartTime=now")});
    QVERIFY2(waited([&] { return std::filesystem::exists(path("jobs/table.json")); }, 150000),
             run("squeue", {}).toUtf8().constData());
    QVERIFY(has_all(text_of("jobs/shard-1.log"), {"REQUEUE"}));
    QCOMPARE(text_of("jobs/table.json"), whole);
    std::set<std::string> keys;
    std::size_t lines = 0;
    for (const char* part : {"1", "2", "3"}) {
      std::istringstream text(text_of("jobs/results-" + std::string(part) + "-of-3.jsonl"));
      for (std::string line; std::getline(text, line); ++lines) keys.insert(json::parse(line)["key"]);
    }
    QCOMPARE(lines, 900u);
    QCOMPARE(keys.size(), 900u);
  }

 private:
  std::vector<std::unique_ptr<QProcess>> daemons_;
};

QTEST_GUILESS_MAIN(TestSlurm)
#include "test_slurm.moc"

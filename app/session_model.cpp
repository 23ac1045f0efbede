#include <QThreadPool>
#include <algorithm>
#include <utility>

#include "app/problem.h"
#include "app/session.h"
#include "core/analysis/massive_values.h"
#include "core/tasks/identity.h"
#include "views/text.h"

// The part of Session that inspects and loads.

namespace qkscope {

namespace {

using namespace std::chrono_literals;

QString fileName(const std::filesystem::path& path) {
  const std::filesystem::path clean = path.has_filename() ? path : path.parent_path();
  return QString::fromStdString(clean.filename().string());
}

/// "reading weights, 312 of 660 MB"
QString stageWords(std::string_view stage, std::uint64_t done, std::uint64_t total) {
  constexpr double mb = 1e6;
  return Session::tr("%1, %2 of %3 MB")
      .arg(text(stage))
      .arg(static_cast<double>(done) / mb, 0, 'f', 0)
      .arg(static_cast<double>(total) / mb, 0, 'f', 0);
}

}  // namespace

void Session::inspect(const std::filesystem::path& path, const LoadOptions& options) {
  startInspecting(path, options, [this](const FoundModel& found) { Q_EMIT inspected(found); });
}

void Session::load(const std::filesystem::path& path, const LoadOptions& options) {
  stopWork();
  paused_ = false;
  loading_ = true;
  startInspecting(path, options, [this](const FoundModel& found) { load(found); });
}

void Session::startInspecting(const std::filesystem::path& path, const LoadOptions& options,
                              std::function<void(const FoundModel&)> then) {
  std::vector<ModelSource> open;
  for (const OpenModel& model : store_.models()) open.push_back(model.source);
  startReading(path, [=, this](std::stop_token stop) -> std::function<void()> {
    FoundModel found{{}, {files_stamp(path), options}};
    if (std::ranges::find(open, found.source) != open.end()) {
      return [=, this] {
        if (const OpenModel* there = store_.find(found.source)) return showModel(there->id);
        startInspecting(path, options, then);  // it was closed meanwhile
      };
    }
    const auto problem = problemOf(tr("There is not enough memory to look at %1.").arg(fileName(path)),
                                   [&] { found.inspection = LanguageModel::inspect(path, options, stop); });
    if (!problem) return nullptr;
    if (!problem->isEmpty()) {
      found.inspection.card.path = path;
      found.inspection.card.problem = problem->toStdString();
    }
    return [then, found = std::move(found)] { then(found); };
  });
}

void Session::startReading(const std::filesystem::path& path, FileReader::Work work) {
  files_.read(std::move(work));
  Q_EMIT busyChanged();
  Q_EMIT progress(tr("looking at %1").arg(fileName(path)), 0, 0);
  showResults();
  showData();
}

void Session::readFile(const std::filesystem::path& path, FileReader::Work read) {
  startReading(path, [this, path, read = std::move(read)](std::stop_token stop) -> std::function<void()> {
    std::function<void()> then;
    const auto problem = problemOf(tr("There is not enough memory to read %1.").arg(fileName(path)),
                                   [&] { then = read(stop); });
    if (!problem || problem->isEmpty()) return then;
    return [this, words = *problem] { Q_EMIT failed(words); };
  });
}

void Session::readDump(const DumpSource& source) {
  readFile(source.files.front(), [this, source](std::stop_token stop) -> std::function<void()> {
    const auto dump = std::make_shared<const ActivationDump>(read_activation_dump(source, stop));
    return [this, dump] { Q_EMIT dumpRead(dump); };
  });
}

void Session::showDump(const std::shared_ptr<const ActivationDump>& dump) {
  stopWork();
  useModel(store_.show(0));
  data_.dump = dump;
  showDumpRun();
  Q_EMIT modelChanged();
  showResults();
  showData(/*changed=*/true);
  Q_EMIT busyChanged();
}

void Session::showDumpRun() {
  auto run = std::make_shared<Run>();
  run->capture = data_.dump->capture;
  RunRequest request;
  request.needs.left_out = needs_.left_out;
  run->capture.left_out = left_out_positions(needs_.left_out, run->capture);
  if (!run->capture.left_out.empty()) {
    for (const auto& [where, values] : run->capture.values)
      run->capture.without[where] = norms_over_positions(values, run->capture.left_out);
  }
  data_.comparison = std::make_shared<const Comparison>(Comparison{request, std::move(run), nullptr});
}

void Session::load(const FoundModel& found) {
  stopWork();
  paused_ = false;
  ModelCard card = found.inspection.card;
  // Open models make room where they must, and what they hold counts as free.
  card.free_bytes += store_.held(card.device);
  const std::string problem = card.problem.empty() ? memory_problem(card) : card.problem;
  if (!problem.empty()) {
    takeModel(nullptr, {}, QString::fromStdString(problem));
    return;
  }
  loading_ = true;
  std::vector<std::shared_ptr<const void>> old;
  const ModelStore::Gone gone = store_.makeRoom(found.inspection.card);
  for (const OpenModel& open : gone) {
    old.push_back(open.model);
    forget(open.id);
  }
  if (model_ && store_.shown() == 0) {
    old.push_back(scheduler_.release());
    useModel({});
  } else if (!gone.empty()) {
    Q_EMIT modelsChanged();
  }
  const std::uint64_t number = ++load_number_;
  scheduler_.runInstead([this, number, found, old = std::move(old)](std::stop_token stop) mutable {
    if (!old.empty()) {
      old.clear();  // here, after whatever ran on them has ended
      release_device_cache();
    }
    std::shared_ptr<const LanguageModel> model;
    const QString no_memory =
        tr("There is not enough memory for %1.").arg(QString::fromStdString(found.inspection.card.name));
    const auto problem = problemOf(no_memory, [&] {
      Progress progress;
      progress.stop = stop;
      progress.report = [this, number, last = std::chrono::steady_clock::time_point{}](
                            std::string_view stage, std::uint64_t done, std::uint64_t total) mutable {
        const auto now = std::chrono::steady_clock::now();
        if (now - last < 50ms) return;
        last = now;
        QMetaObject::invokeMethod(this, [this, number, done, total, words = stageWords(stage, done, total)] {
          if (loading_ && number == load_number_) Q_EMIT this->progress(words, done, total);
        });
      };
      model = LanguageModel::load(found.inspection, progress);
    });
    if (!problem) return;
    QMetaObject::invokeMethod(this, [=, this, source = found.source, model = std::move(model)] {
      if (loading_ && number == load_number_) takeModel(model, source, *problem);
    });
  });
  Q_EMIT busyChanged();
  showResults();
  showData();
}

void Session::takeModel(const std::shared_ptr<const LanguageModel>& model, const ModelSource& source,
                        const QString& problem) {
  loading_ = false;
  if (model) useModel(store_.add(model, source));
  if (!problem.isEmpty()) Q_EMIT failed(problem);
  goOn();
}

void Session::showModel(ModelId id) {
  if (!store_.find(id)) return;
  stopWork();
  if (id != answering_) useModel(store_.show(id));
  goOn();
}

void Session::closeModel(ModelId id) {
  const bool was_shown = id != 0 && id == store_.shown();
  ModelStore::Gone gone = store_.close(id);
  if (!was_shown) return letGo(std::move(gone));
  if (!loading_) scheduler_.stop();  // what is being loaded is not of the closed one
  useModel(std::move(gone));
  goOn();
}

void Session::setModelShare(int percent) {
  letGo(store_.setShare(percent));
}

void Session::useModel(ModelStore::Gone gone) {
  answering_ = store_.shown();
  model_ = answering_ == 0 ? nullptr : store_.find(answering_)->model;
  recording_.reset();
  scheduler_.setModel(model_);
  reader_.read(model_, {});
  pictured_.reset();
  unpictured_.reset();
  prefilled_baseline_.reset();
  times_ = {};
  data_ = {};
  if (model_) {
    data_.card = std::make_shared<const ModelCard>(model_->card());
    data_.bos = model_->tokenizer().bos();
  }
  Q_EMIT modelChanged();
  letGo(std::move(gone));
  showResults();
  showData();
}

void Session::letGo(ModelStore::Gone gone) {
  for (const OpenModel& open : gone) forget(open.id);
  Q_EMIT modelsChanged();
  if (gone.empty()) return;
  // Memory of this size takes its time to be given back.
  QThreadPool::globalInstance()->start([gone = std::move(gone)]() mutable {
    gone.clear();
    release_device_cache();
  });
}

void Session::forget(ModelId id) {
  std::erase_if(answers_, [id](const auto& entry) { return entry.first.first == id; });
  std::erase_if(finished_, [id](const Finished& finished) { return finished.model == id; });
}

void Session::goOn() {
  schedule();
  showResults();
  showData();
  Q_EMIT busyChanged();
}

void Session::stopWork() {
  scheduler_.stop();
  files_.stop();
  reader_.read(model_, {});
  is_to_plan_ = false;
  loading_ = false;
}

}  // namespace qkscope

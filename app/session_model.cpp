#include <new>
#include <utility>

#include "app/session.h"
#include "core/analysis/massive_values.h"

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
  const QString words = QString::fromUtf8(stage.data(), static_cast<qsizetype>(stage.size()));
  constexpr double mb = 1e6;
  return Session::tr("%1, %2 of %3 MB")
      .arg(words)
      .arg(static_cast<double>(done) / mb, 0, 'f', 0)
      .arg(static_cast<double>(total) / mb, 0, 'f', 0);
}

}  // namespace

void Session::inspect(const std::filesystem::path& path, const LoadOptions& options) {
  startInspecting(path, options, [this](const Inspection& inspection) { Q_EMIT inspected(inspection); });
}

void Session::load(const std::filesystem::path& path, const LoadOptions& options) {
  stopWork();
  paused_ = false;
  loading_ = true;
  startInspecting(path, options, [this](const Inspection& inspection) { load(inspection); });
}

void Session::startInspecting(const std::filesystem::path& path, const LoadOptions& options,
                              std::function<void(const Inspection&)> then) {
  startReading(path, [path, options, then = std::move(then)](std::stop_token stop) -> std::function<void()> {
    Inspection inspection;
    try {
      inspection = LanguageModel::inspect(path, options, stop);
    } catch (const Cancelled&) {
      return nullptr;
    } catch (const std::exception&) {
      inspection.card.path = path;
      inspection.card.problem =
          tr("There is not enough memory to look at %1.").arg(fileName(path)).toStdString();
    }
    return [then, inspection = std::move(inspection)] { then(inspection); };
  });
}

void Session::startReading(const std::filesystem::path& path,
                           std::function<std::function<void()>(std::stop_token)> work) {
  const std::uint64_t number = ++inspect_number_;
  inspecting_ = true;
  inspector_.replace({{number, [this, number, work = std::move(work)](std::stop_token stop) {
                         auto then = work(stop);
                         if (!then) return;
                         QMetaObject::invokeMethod(this, [this, number, then = std::move(then)] {
                           if (!inspecting_ || number != inspect_number_) return;
                           inspecting_ = false;
                           then();
                           Q_EMIT busyChanged();
                         });
                       }}});
  Q_EMIT busyChanged();
  Q_EMIT progress(tr("looking at %1").arg(fileName(path)), 0, 0);
  showResults();
  showData();
}

void Session::readDump(const DumpSource& source) {
  startReading(source.files.front(), [this, source](std::stop_token stop) -> std::function<void()> {
    QString problem;
    try {
      auto dump = std::make_shared<const ActivationDump>(read_activation_dump(source, stop));
      return [this, dump] { Q_EMIT dumpRead(dump); };
    } catch (const Cancelled&) {
      return nullptr;
    } catch (const std::bad_alloc&) {
      problem = tr("There is not enough memory to read %1.").arg(fileName(source.files.front()));
    } catch (const std::exception& error) {
      problem = QString::fromUtf8(error.what());
    }
    return [this, problem] { Q_EMIT failed(problem); };
  });
}

void Session::showDump(const std::shared_ptr<const ActivationDump>& dump) {
  stopWork();
  useModel(nullptr);
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

void Session::load(const Inspection& inspection) {
  stopWork();
  paused_ = false;
  ModelCard card = inspection.card;
  // The model of now makes room where it must, and what it holds counts as free.
  const bool room_for_two = card.needed_bytes <= card.free_bytes;
  card.free_bytes += heldBytes(card);
  const std::string problem = card.problem.empty() ? memory_problem(card) : card.problem;
  if (!problem.empty()) {
    takeModel(nullptr, QString::fromStdString(problem));
    return;
  }
  loading_ = true;
  std::vector<std::shared_ptr<const void>> old;
  if (!room_for_two) {
    old = {scheduler_.release(), std::exchange(model_, nullptr)};
    useModel(nullptr);
  }
  const std::uint64_t number = ++load_number_;
  scheduler_.runInstead([this, number, inspection, old = std::move(old)](std::stop_token stop) mutable {
    old.clear();  // here, after whatever ran on it has ended
    std::shared_ptr<const LanguageModel> model;
    QString words;
    try {
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
      model = LanguageModel::load(inspection, progress);
    } catch (const Cancelled&) {
      return;
    } catch (const std::bad_alloc&) {
      words = tr("There is not enough memory for %1.").arg(QString::fromStdString(inspection.card.name));
    } catch (const std::exception& error) {
      words = QString::fromUtf8(error.what());
    }
    QMetaObject::invokeMethod(this, [this, number, model = std::move(model), words] {
      if (loading_ && number == load_number_) takeModel(model, words);
    });
  });
  Q_EMIT busyChanged();
  showResults();
  showData();
}

std::uint64_t Session::heldBytes(const ModelCard& card) const {
  return model_ && model_->card().device == card.device ? model_->card().needed_bytes : 0;
}

void Session::takeModel(const std::shared_ptr<const LanguageModel>& model, const QString& problem) {
  loading_ = false;
  if (model) useModel(model);
  if (!problem.isEmpty()) Q_EMIT failed(problem);
  schedule();
  showResults();
  showData();
  Q_EMIT busyChanged();
}

void Session::useModel(const std::shared_ptr<const LanguageModel>& model) {
  model_ = model;
  recording_.reset();
  scheduler_.setModel(model);
  reader_.read(model, {});
  finished_.clear();
  pictured_.reset();
  unpictured_.reset();
  prefilled_baseline_.reset();
  times_ = {};
  data_ = {};
  if (model) data_.card = std::make_shared<const ModelCard>(model->card());
  for (auto& [id, answers] : answers_) answers = {};
  Q_EMIT modelChanged();
  showResults();
  showData();
}

void Session::stopWork() {
  scheduler_.stop();
  inspector_.replace({});
  reader_.read(model_, {});
  is_to_plan_ = false;
  loading_ = inspecting_ = false;
}

}  // namespace qkscope

#include <new>

#include "app/session.h"

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
  const std::uint64_t number = inspect_number_ = ++last_number_;
  inspecting_ = true;
  inspected_then_ = std::move(then);
  inspector_.replace(
      {{number, [this, number, path, options](std::stop_token stop) {
          Inspection inspection;
          try {
            inspection = LanguageModel::inspect(path, options, stop);
          } catch (const Cancelled&) {
            return;
          } catch (const std::exception&) {
            inspection.card.path = path;
            inspection.card.problem =
                tr("There is not enough memory to look at %1.").arg(fileName(path)).toStdString();
          }
          QMetaObject::invokeMethod(this, [this, number, inspection = std::move(inspection)] {
            if (!inspecting_ || number != inspect_number_) return;
            inspecting_ = false;
            const auto next = std::exchange(inspected_then_, nullptr);
            next(inspection);
            Q_EMIT busyChanged();
          });
        }}});
  Q_EMIT busyChanged();
  Q_EMIT progress(tr("looking at %1").arg(fileName(path)), 0, 0);
  showResults();
  showData();
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
  std::shared_ptr<const LanguageModel> old_model;
  std::shared_ptr<Runner> old_runner;
  if (!room_for_two) {
    old_model.swap(model_);
    old_runner.swap(runner_);
    useModel(nullptr);
  }
  const std::uint64_t number = load_number_ = ++last_number_;
  thread_.replace(
      {{number, [this, number, inspection, old_runner, old_model](std::stop_token stop) mutable {
          old_runner.reset();  // here, after whatever ran on it has ended
          old_model.reset();
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
              QMetaObject::invokeMethod(this,
                                        [this, number, done, total, words = stageWords(stage, done, total)] {
                                          if (loading_ && number == load_number_)
                                            Q_EMIT this->progress(words, done, total);
                                        });
            };
            model = LanguageModel::load(inspection, progress);
          } catch (const Cancelled&) {
            return;
          } catch (const std::bad_alloc&) {
            words =
                tr("There is not enough memory for %1.").arg(QString::fromStdString(inspection.card.name));
          } catch (const std::exception& error) {
            words = QString::fromUtf8(error.what());
          }
          QMetaObject::invokeMethod(this, [this, number, model = std::move(model), words] {
            if (loading_ && number == load_number_) takeModel(model, words);
          });
        }}});
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
  runner_ = model ? std::make_shared<Runner>(model) : nullptr;
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
  thread_.replace({});
  inspector_.replace({});
  reader_.read(model_, {});
  pending_.clear();
  planner_.stop();
  loading_ = inspecting_ = false;
}

}  // namespace qkscope

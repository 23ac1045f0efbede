#include "app/corpus_runner.h"

#include <QElapsedTimer>
#include <QScopeGuard>

#include "app/session.h"
#include "core/run/runner.h"
#include "core/tasks/identity.h"
#include "views/text.h"

namespace qkscope {

namespace {

constexpr qint64 kTellEveryMs = 200;

}  // namespace

/// One study, from one turn of the session's thread to the next.
struct CorpusRunner::Work {
  Work(std::shared_ptr<const LanguageModel> m, CorpusStudy s, std::filesystem::path f)
      : model(std::move(m)), study(std::move(s)), file(std::move(f)), runner(model) {}

  std::shared_ptr<const LanguageModel> model;
  CorpusStudy study;
  std::filesystem::path file;
  Runner runner;
  std::optional<SequenceStore> known;  // while a turn goes on

  void open() {
    if (known) return;
    std::filesystem::create_directories(file.parent_path());
    const ModelCard& card = model->card();
    known.emplace(file, computed_by(card));
  }
  CorpusTold told(const CorpusFindings& findings) const {
    const ModelCard& card = model->card();
    CorpusTold all{study, findings, {}, text(card.name), text(card.spec.architecture)};
    for (const MassivePlace& place : findings.places) {
      if (!all.pieces.contains(place.id))
        all.pieces[place.id] = text(model->tokenizer().piece_text(place.id));
    }
    return all;
  }
};

CorpusRunner::CorpusRunner(Session& session, QObject* parent)
    : BackgroundRunner(session, tr("A study of massive activations"), parent) {}

void CorpusRunner::start(const CorpusStudy& study, const std::filesystem::path& file) {
  stop();
  if (!session().model() || !mayStart()) return;
  const auto work = std::make_shared<Work>(session().model(), study, file);
  take(work->told({}));
  begin(tr("There is not enough memory for sequences of this length; shorten them."),
        [this, work](std::stop_token stop, const Post& post) {
          // What goes on with another turn keeps the file open; all else closes it before it is told.
          const auto close = qScopeGuard([&] {
            if (!stop.stop_requested()) work->known.reset();
          });
          work->open();
          QElapsedTimer since;
          const auto tell = [&](const CorpusFindings& findings) {
            if (since.isValid() && since.elapsed() < kTellEveryMs && findings.done < findings.of) return;
            since.start();
            post([this, told = work->told(findings)] { take(told); });
          };
          study_corpus(work->runner, *work->model, work->study, &*work->known, tell, stop);
        });
}

void CorpusRunner::take(CorpusTold told) {
  told_ = std::move(told);
  Q_EMIT changed();
}

}  // namespace qkscope

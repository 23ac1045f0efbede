#include "app/figure_run.h"

#include <QCoreApplication>
#include <QEventLoop>
#include <algorithm>

#include "app/export.h"
#include "app/names.h"
#include "app/session.h"
#include "app/usage_error.h"
#include "views/shown.h"
#include "views/view_registry.h"

namespace qkscope {

namespace {

QString tr(const char* text) {
  return QCoreApplication::translate("FigureRun", text);
}

const ViewEntry& figureEntry(const QString& id) {
  QStringList known;
  for (const ViewEntry& entry : viewRegistry()) {
    if (entry.id == id) return entry;
    known << entry.id;
  }
  throw UsageError(
      tr("There is no view \"%1\"; there are %2.").arg(id, known.join(QStringLiteral(", "))).toStdString());
}

Document figureDocument(const Options& options, bool shows_runs) {
  Document document = defaultDocument();
  if (options.model.endsWith(QStringLiteral(".qkscope"))) {
    document = openDocument(options.model);
  } else {
    document.model = options.model;
  }
  applyOptions(options, document);
  if (!shows_runs || !document.dump.files.empty() || begins_like_zip(options.model.toStdString()))
    return document;
  const std::string name = document.model.isEmpty() ? default_model_name() : document.model.toStdString();
  document.model = QString::fromStdString(find_model(name).string());
  return document;
}

/// Turns the event loop until the session is idle; throws what it failed with.
void finish(Session& session) {
  QString problem;
  QEventLoop loop;
  QObject::connect(&session, &Session::failed, &loop, [&](const QString& words) { problem = words; });
  QObject::connect(&session, &Session::busyChanged, &loop, [&] {
    if (!session.isBusy()) loop.quit();
  });
  if (session.isBusy()) loop.exec();
  if (!problem.isEmpty()) throw Error(problem.toStdString());
}

}  // namespace

QStringList runFigure(const Options& options) {
  const ViewEntry& entry = figureEntry(options.view);
  ViewState state;
  const std::unique_ptr<View> view(entry.make(state, nullptr));
  if (!view->isFigure()) throw UsageError(tr("The view \"%1\" is no figure.").arg(entry.id).toStdString());
  // Told before anything is loaded.
  checkReplaced(*options.figure);
  Document document = figureDocument(options, view->showsRuns());
  view->setAttribute(Qt::WA_DontShowOnScreen);
  if (!view->showsRuns()) {
    state.setLook(document.look);
    view->show();
    QCoreApplication::processEvents();
    return exportFigure(*view, entry.id, document, options.load, *options.figure);
  }
  const bool is_recorded = begins_like_zip(options.model.toStdString());
  if (document.look.shown != Shown::Baseline && appliedEdits(document.arms).empty()) {
    throw UsageError(tr("--shown %1 needs a disruption: give --disrupt, too.")
                         .arg(nameOf(document.look.shown))
                         .toStdString());
  }
  Session session;
  session.setMaxNewTokens(0);  // pictures alone
  QString problem;
  QObject::connect(&session, &Session::failed, &session,
                   [&problem](const QString& words) { problem = words; });
  QObject::connect(&session, &Session::dumpRead, &session, &Session::showDump);
  QObject::connect(&session, &Session::recordedRead, &session,
                   [&session](const auto&, const RecordedDocument& recorded) {
                     session.showRecording(recorded.recording);
                   });
  if (is_recorded) {
    session.readRecorded(options.model.toStdString());
  } else if (document.dump.files.empty()) {
    session.load(document.model.toStdString(), options.load);
  } else {
    session.readDump(document.dump);
  }
  if (!problem.isEmpty()) throw Error(problem.toStdString());
  finish(session);

  const ModelSpec& spec = *session.data().spec();
  checkSelection(options, document, spec, 0);
  document.selection = clamped(document.selection, spec, spec.max_position_embeddings);
  state.setSelection(document.selection);
  state.setLook(document.look);
  view->setData(session.data());
  Needs needs = view->needs();
  if (document.look.left_out.which != LeftOut::Which::None) needs.left_out = leftOut(document.look);
  session.setNeeds(needs);
  session.setPrompts(document.prompts, document.selected_prompt);
  session.setArms(document.arms);
  QCoreApplication::processEvents();  // the session plans in the next turn of the event loop
  finish(session);
  checkSelection(options, document, spec, shownPositions(session.data()));
  view->setData(session.data());
  view->show();
  view->setFigureZoom(options.figure->zoom);
  if (view->figureZoom() != options.figure->zoom) {
    throw UsageError(tr("--zoom is closer than the view \"%1\" goes: %2 at most.")
                         .arg(entry.id, zoomText(view->figureZoom()))
                         .toStdString());
  }
  document.selection = state.selection();
  return exportFigure(*view, entry.id, document, options.load, *options.figure);
}

}  // namespace qkscope

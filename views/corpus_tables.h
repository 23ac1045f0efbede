#pragma once
#include <QString>
#include <map>

#include "core/tasks/corpus_study.h"
#include "views/chart.h"
#include "views/plot_style.h"

class QStandardItemModel;

namespace qkscope {

/// What a study of massive activations over corpora found, with the words that belong to it.
struct CorpusTold {
  CorpusStudy asked;
  CorpusFindings findings;
  std::map<int, QString> pieces;  // of the tokens in findings.places
  QString model, architecture;    // whose it is
};

/// Which layers have massive activations: the mean of the largest |h|, and over what it is massive.
Chart existenceChart(const CorpusTold& told);
/// "Massive in 17 of 30 layers, 12 – 28: ..."
QString existenceWords(const CorpusTold& told);

/// At which tokens and dims they stand, a row a place; numbers sort as numbers.
enum class PlaceColumn { Layer, Position, Token, Dim, Sequences, Mean, Deviation, Count };
void fillPlaces(QStandardItemModel& rows, const CorpusTold& told, const PlotStyle& style);
/// Of such a row.
const MassivePlace& placeOf(const QStandardItemModel& rows, int row, const CorpusTold& told);
QString placesWords(const CorpusTold& told);

/// Perplexities as it is and under the interventions, a row each data set, and below what was published,
/// first of the model's family.
enum class ArmColumn { Model, Begins, Text, Original, Zero, Mean, Control, Impact, Count };
void fillInterventions(QStandardItemModel& rows, const CorpusTold& told, const PlotStyle& style);
QString interventionWords(const CorpusTold& told);

}  // namespace qkscope

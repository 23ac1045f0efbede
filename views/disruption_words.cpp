#include "views/disruption_words.h"

#include <QCoreApplication>
#include <QStringList>
#include <cmath>
#include <iterator>

#include "views/counted.h"
#include "views/shown.h"

namespace qkscope {

namespace {

QString tr(const char* text) {
  return QCoreApplication::translate("Disruption", text);
}

QString ranges(const std::vector<int>& indices) {
  return QString::fromStdString(format_ranges(indices));
}

QString pickedByPosition(const Pick& pick) {
  const QString lambda = exactWords(pick.lambda);
  if (pick.kind == PickKind::Lambda)
    return tr("at each position every dim whose norm over the heads is over %1 times the mean there")
        .arg(lambda);
  const QString many = pick.as_many_as_lambda ? tr("as many as norm > %1 · mean finds there").arg(lambda)
                                              : QString::number(pick.n);
  switch (pick.kind) {
    case PickKind::Largest:
      return tr("at each position the dims of largest norm over the heads (%1)").arg(many);
    case PickKind::Smallest:
      return tr("at each position the dims of smallest norm over the heads (%1)").arg(many);
    default:
      return tr("random dims, of all heads and positions the same (%1; seed %2)").arg(many).arg(pick.seed);
  }
}

QString pickedColumns(const Disruption& d) {
  const Pick& pick = d.pick;
  if (d.mask == Mask::Position) return pickedByPosition(pick);
  if (pick.kind == PickKind::Lambda)
    return tr("every dim whose M is over %1 times the mean of its head").arg(exactWords(pick.lambda));
  const QString many = pick.as_many_as_lambda
                           ? tr("as many as M > %1 · mean finds there").arg(exactWords(pick.lambda))
                           : QString::number(pick.n);
  switch (pick.kind) {
    case PickKind::Largest:
      return tr("the dims of largest M in each head (%1)").arg(many);
    case PickKind::Smallest:
      return tr("the dims of smallest M in each head (%1)").arg(many);
    default:
      return tr("random dims of each head (%1; seed %2)").arg(many).arg(pick.seed);
  }
}

/// "17 entries"; a * counts as one.
QString entriesWords(const Disruption& d) {
  return counted(std::ssize(d.entries), tr("1 entry"), tr("%1 entries"));
}

QString takenInstead(const Disruption& d) {
  switch (d.pick.kind) {
    case PickKind::Smallest:
      return tr("as many of smallest M in the same heads in the place of %1").arg(entriesWords(d));
    case PickKind::Random:
      return tr("as many random dims of the same heads (seed %1) in the place of %2")
          .arg(d.pick.seed)
          .arg(entriesWords(d));
    default:
      return tr("as many of largest M in the same heads in the place of %1").arg(entriesWords(d));
  }
}

QString replacement(const Disruption& d) {
  if (d.replace == Replace::Zero) return tr("zero");
  const QString what = d.replace == Replace::Mean  ? tr("the mean")
                       : d.replace == Replace::Max ? tr("the maximum")
                                                   : tr("the minimum");
  const bool by_position = d.entries.empty() && d.mask == Mask::Position;
  const QString over = d.pool == Pool::Chosen ? tr("the chosen dims")
                       : d.pool == Pool::Own  ? tr("the dim itself")
                       : by_position          ? tr("all dims")
                                              : tr("the whole head");
  return (by_position ? tr("%1 of %2 there, over the heads") : tr("%1 of %2 over all positions"))
      .arg(what, over);
}

}  // namespace

QString siteWords(const Disruption& d) {
  QStringList sites;
  if (d.covers_site(Site::Query)) sites << QStringLiteral("Q");
  if (d.covers_site(Site::Key)) sites << QStringLiteral("K");
  if (d.covers_site(Site::Value)) sites << QStringLiteral("V");
  if (sites.isEmpty()) return tr("nothing");
  return sites.join(tr(" and "));
}

QString shortWords(const ActivationEdit& e) {
  const QString what = e.control ? tr("median activations") : tr("massive activations");
  QString which = e.finds() ? what : counted(std::ssize(e.entries), tr("1 activation"), tr("%1 activations"));
  if (e.entries.size() == 1) {
    const ActivationEntry& entry = e.entries.front();
    which = tr("h[%1, %2]")
                .arg(entry.position == ActivationEntry::every ? QStringLiteral("*")
                                                              : QString::number(entry.position))
                .arg(entry.dim);
    if (e.control) which = tr("one of median size for %1").arg(which);
  }
  const QString to = e.set == ActivationEdit::Set::Zero   ? tr("zero")
                     : e.set == ActivationEdit::Set::Mean ? tr("their mean")
                                                          : exactWords(e.value);
  const QString where = !e.layers.empty() ? tr(" · layers %1").arg(ranges(e.layers))
                        : e.finds() && e.scope == ActivationEdit::Scope::Each ? tr(" · each layer")
                                                                              : QString();
  return tr("%1 → %2").arg(which, to) + where;
}

QString shortWords(const RotationEdit& e) {
  QString which = tr("all pairs");
  if (!e.pairs.empty()) which = tr("pairs %1").arg(QString::fromStdString(format_ranges(e.pairs, 0)));
  if (e.shortest > 0) which += tr(" from %1 tokens").arg(exactWords(e.shortest));
  if (std::isfinite(e.longest)) which += tr(" below %1 tokens").arg(exactWords(e.longest));
  if (e.instead == RotationEdit::Instead::Fastest) which = tr("as many of the fastest as %1").arg(which);
  if (e.instead == RotationEdit::Instead::Random) which = tr("as many random ones as %1").arg(which);
  const QString site = e.query && e.key ? tr("Q and K") : e.query ? QStringLiteral("Q") : QStringLiteral("K");
  const QString where = e.layers.empty() ? QString() : tr(" · layers %1").arg(ranges(e.layers));
  return tr("no rotation of %1: %2").arg(site, which) + where;
}

namespace {

/// What is taken, without where.
QString takenWords(const Disruption& d) {
  if (!d.entries.empty()) {
    const QString entries = tr("%1 of %2").arg(entriesWords(d), siteWords(d));
    if (!d.instead_of_entries) return entries;
    const QString kind = d.pick.kind == PickKind::Smallest ? tr("smallest")
                         : d.pick.kind == PickKind::Random ? tr("random")
                                                           : tr("largest");
    return tr("%1 as many as %2").arg(kind, entries);
  }
  QString pick;
  const QString matched = QStringLiteral("λ=%1").arg(exactWords(d.pick.lambda));
  const QString many =
      d.pick.as_many_as_lambda ? tr("as many as %1").arg(matched) : QString::number(d.pick.n);
  switch (d.pick.kind) {
    case PickKind::Lambda:
      pick = matched;
      break;
    case PickKind::Largest:
      pick = tr("largest %1").arg(many);
      break;
    case PickKind::Smallest:
      pick = tr("smallest %1").arg(many);
      break;
    case PickKind::Random:
      pick = tr("random %1").arg(many);
      break;
  }
  return tr("%1 on %2").arg(pick, siteWords(d));
}

QString whereWords(const Disruption& d, bool says_all) {
  if (!d.entries.empty()) return {};
  QString words;
  if (says_all || !d.layers.empty())
    words += tr(" · %1").arg(d.layers.empty() ? tr("all layers") : tr("layers %1").arg(ranges(d.layers)));
  if (!d.heads.empty()) words += tr(" · heads %1").arg(ranges(d.heads));
  return words;
}

}  // namespace

QString shortWords(const Disruption& d) {
  return takenWords(d) + whereWords(d, true);
}

QString shortWords(const Edit& edit) {
  return std::visit([](const auto& what) { return shortWords(what); }, edit.what);
}

QString nameWords(const Edit& edit) {
  const Disruption* d = edit.disruption();
  return d ? takenWords(*d) + whereWords(*d, false) : shortWords(edit);
}

QString longWords(const Disruption& d) {
  const bool listed = !d.entries.empty();
  const QString layers = d.layers.empty() ? tr("all layers") : tr("layers %1").arg(ranges(d.layers));
  const QString heads = d.heads.empty() ? tr("all heads") : tr("heads %1").arg(ranges(d.heads));
  const QString when = d.phase == Phase::Prefill
                           ? tr("while the prompt is read")
                           : tr("while the prompt is read and at every step of the answer");
  const QString mask =
      d.mask == Mask::Clean ? tr("chosen in the baseline") : tr("chosen in the disrupted pass itself");
  QString words =
      listed
          ? tr("Of %1 after RoPE: %2 become %3, %4.")
                .arg(siteWords(d),
                     d.instead_of_entries
                         ? takenInstead(d)
                         : entriesWords(d) + u" (" + QString::fromStdString(format_entries(d.entries)) + u')',
                     replacement(d), when)
          : tr("In %1, %2 of %3 after RoPE: %4, %5, becomes %6, %7.")
                .arg(layers, heads, siteWords(d), pickedColumns(d), mask, replacement(d), when);
  if (d.covers_site(Site::Key) || d.covers_site(Site::Value)) {
    words += u' ' + (d.reaches_kv_cache ? tr("The answer reads the disrupted K and V of the prompt.")
                                        : tr("The answer reads the clean K and V of the prompt."));
  }
  return words;
}

QString longWords(const Edit& edit) {
  const Disruption* d = edit.disruption();
  return d ? longWords(*d) : QString::fromStdString(describe(edit));
}

Disruption massiveArm(Disruption d) {
  if (!d.entries.empty()) {
    d.instead_of_entries = false;
    return d;
  }
  if (d.pick.kind == PickKind::Lambda || d.pick.kind == PickKind::Largest) return d;
  d.pick.kind = d.pick.as_many_as_lambda ? PickKind::Lambda : PickKind::Largest;
  d.pick.as_many_as_lambda = false;
  return d;
}

}  // namespace qkscope

#include "views/verdict_words.h"

#include <QLocale>

#include "core/analysis/verdict.h"
#include "views/shown.h"

namespace qkscope {

QString verdictRuleWords(double lambda, bool rope, double heads_share, double low_share) {
  const QString heads = Words::tr("at least %1 of the heads of Q and K hold a massive value (here %2)")
                            .arg(percentWords(verdict_share), percentWords(heads_share));
  const QString place =
      rope ? Words::tr("at least %1 of their massive values lie in the low-frequency half (here %2)")
                 .arg(percentWords(verdict_share), percentWords(low_share))
           : Words::tr("heads share their massive dims beyond chance, p < %1 in Q or K")
                 .arg(QLocale().toString(verdict_p));
  return Words::tr("The paper states no rule. This one: M > %1 × mean of its head; %2; and %3.")
      .arg(exactWords(lambda), heads, place);
}

}  // namespace qkscope

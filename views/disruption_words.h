#pragma once
#include <QString>

#include "core/run/edit.h"

namespace qkscope {

/// "λ=5 on Q · all layers": for buttons and captions.
QString shortWords(const Disruption& disruption);
QString shortWords(const ActivationEdit& edit);
QString shortWords(const RotationEdit& edit);
QString shortWords(const Edit& edit);
/// The same where all layers go without saying: "λ=5 on Q", for names.
QString nameWords(const Edit& edit);
/// What is replaced by what, in a sentence or two.
QString longWords(const Disruption& disruption);
QString longWords(const Edit& edit);
/// "Q and K"
QString siteWords(const Disruption& disruption);

/// The disruption a control arm was made from.
Disruption massiveArm(Disruption disruption);

}  // namespace qkscope

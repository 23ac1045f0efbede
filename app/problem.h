#pragma once
#include <QString>
#include <functional>
#include <optional>

namespace qkscope {

/// Does `work`, on whatever thread, and says what became of it: empty where all is well, else the sentence
/// for the user, `no_memory` where there was not enough; nothing where it was stopped. Throws nothing.
std::optional<QString> problemOf(const QString& no_memory, const std::function<void()>& work);

}  // namespace qkscope

#include "views/view_registry.h"

#include <QCoreApplication>
#include <algorithm>
#include <tuple>

namespace qkscope {

namespace {

/// Filled during static initialisation, hence inside a function.
std::vector<ViewEntry>& entries() {
  static std::vector<ViewEntry> all;
  return all;
}

}  // namespace

const std::vector<ViewEntry>& viewRegistry() {
  // Views register before there is an application, so their titles meet the translator here.
  [[maybe_unused]] static const bool translated = [] {
    for (ViewEntry& entry : entries()) {
      entry.title = QCoreApplication::translate("Views", entry.title.toUtf8().constData());
    }
    return true;
  }();
  return entries();
}

ViewRegistration::ViewRegistration(ViewEntry entry) {
  const auto key = [](const ViewEntry& e) { return std::tuple(e.place, e.order, e.id); };
  auto& all = entries();
  const auto at = std::upper_bound(all.begin(), all.end(), entry,
                                   [&](const ViewEntry& a, const ViewEntry& b) { return key(a) < key(b); });
  all.insert(at, std::move(entry));
}

}  // namespace qkscope

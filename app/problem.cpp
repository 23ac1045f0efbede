#include "app/problem.h"

#include <new>

#include "core/base/error.h"

namespace qkscope {

std::optional<QString> problemOf(const QString& no_memory, const std::function<void()>& work) {
  try {
    work();
    return QString();
  } catch (const Cancelled&) {
    return std::nullopt;
  } catch (const std::bad_alloc&) {
    return no_memory;
  } catch (const std::exception& error) {
    return QString::fromUtf8(error.what());
  }
}

}  // namespace qkscope

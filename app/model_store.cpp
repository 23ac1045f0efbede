#include "app/model_store.h"

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

namespace qkscope {

namespace {

bool isSame(const LoadOptions& a, const LoadOptions& b) {
  const auto all = [](const LoadOptions& o) { return std::tie(o.device, o.dtype, o.weights, o.threads); };
  return all(a) == all(b);
}

}  // namespace

bool ModelSource::operator==(const ModelSource& other) const {
  return !stamp.empty() && stamp == other.stamp && isSame(options, other.options);
}

const OpenModel* ModelStore::find(ModelId id) const {
  const auto at = std::ranges::find(models_, id, &OpenModel::id);
  return at == models_.end() ? nullptr : &*at;
}

const OpenModel* ModelStore::find(const ModelSource& source) const {
  const auto at = std::ranges::find(models_, source, &OpenModel::source);
  return at == models_.end() ? nullptr : &*at;
}

std::uint64_t ModelStore::held(const std::string& device) const {
  std::uint64_t sum = 0;
  for (const OpenModel& open : models_) {
    if (open.model->card().device == device) sum += open.model->card().needed_bytes;
  }
  return sum;
}

std::uint64_t ModelStore::budget(const std::string& device) const {
  return memory_(device) / 100 * static_cast<std::uint64_t>(share_);
}

OpenModel ModelStore::take(std::vector<OpenModel>::iterator at) {
  OpenModel gone = std::move(*at);
  models_.erase(at);
  if (gone.id == shown_) shown_ = 0;
  return gone;
}

std::vector<OpenModel>::iterator ModelStore::oldest(const std::string& device) {
  const auto at = std::find_if(models_.rbegin(), models_.rend(), [&](const OpenModel& open) {
    return open.id != shown_ && open.model->card().device == device;
  });
  return at == models_.rend() ? models_.end() : std::prev(at.base());
}

ModelStore::Gone ModelStore::trim() {
  std::set<std::string> devices;
  for (const OpenModel& open : models_) devices.insert(open.model->card().device);
  Gone gone;
  for (const std::string& device : devices) {
    const std::uint64_t most = budget(device);
    while (held(device) > most) {
      const auto next = oldest(device);
      if (next == models_.end()) break;
      gone.push_back(take(next));
    }
  }
  return gone;
}

ModelStore::Gone ModelStore::setShare(int percent) {
  share_ = std::clamp(percent, 0, 100);
  return trim();
}

ModelStore::Gone ModelStore::add(const std::shared_ptr<const LanguageModel>& model,
                                 const ModelSource& source) {
  // Opened anew: its files have changed since.
  Gone gone;
  const auto same = std::ranges::find_if(models_, [&](const OpenModel& open) {
    return open.model->card().path == model->card().path && isSame(open.source.options, source.options);
  });
  if (same != models_.end()) gone.push_back(take(same));
  models_.insert(models_.begin(), {++last_, model, source});
  shown_ = last_;
  std::ranges::move(trim(), std::back_inserter(gone));
  return gone;
}

ModelStore::Gone ModelStore::show(ModelId id) {
  const auto at = std::ranges::find(models_, id, &OpenModel::id);
  shown_ = at == models_.end() ? 0 : id;
  if (at != models_.end()) std::rotate(models_.begin(), at, std::next(at));
  return trim();
}

ModelStore::Gone ModelStore::close(ModelId id) {
  const auto at = std::ranges::find(models_, id, &OpenModel::id);
  if (at == models_.end()) return {};
  const bool was_shown = id == shown_;
  Gone gone{take(at)};
  if (was_shown && !models_.empty()) std::ranges::move(show(models_.front().id), std::back_inserter(gone));
  return gone;
}

ModelStore::Gone ModelStore::makeRoom(const ModelCard& card) {
  Gone gone;
  std::uint64_t free = card.free_bytes;
  while (free < card.needed_bytes) {
    auto next = oldest(card.device);
    if (next == models_.end()) {
      next = std::ranges::find(models_, shown_, &OpenModel::id);
      if (next == models_.end() || next->model->card().device != card.device) break;
    }
    free += next->model->card().needed_bytes;
    gone.push_back(take(next));
  }
  return gone;
}

}  // namespace qkscope

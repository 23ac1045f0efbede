#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/base/device_memory.h"
#include "core/model/language_model.h"

namespace qkscope {

/// Files of a model, as they were when it was looked at, and how it is to be held.
struct ModelSource {
  std::string stamp;  // files_stamp(); empty: not known
  LoadOptions options;
  /// Whether both would give the same model.
  bool operator==(const ModelSource& other) const;
};

/// A model that was looked at, and what it was found in.
struct FoundModel {
  Inspection inspection;
  ModelSource source;
};

/// Of one model from when it is opened until it is closed, and of no other one; 0: none.
using ModelId = std::uint64_t;

struct OpenModel {
  ModelId id = 0;
  std::shared_ptr<const LanguageModel> model;
  ModelSource source;
};

/// The models that are open: the one that is shown, and beside it those that were shown before, as many as
/// all models of a device together have room in a share of its memory. The one that was not shown for the
/// longest time goes first, the shown one never.
///
/// What goes is handed to whoever caused it: letting go of a model takes its time, and where it ends is the
/// caller's to choose.
class ModelStore {
 public:
  /// What the models of a device may hold, in percent of its memory; with 0 the shown one is alone.
  static constexpr int default_share = 50;
  using Gone = std::vector<OpenModel>;

  /// `memory`: bytes of a device.
  explicit ModelStore(std::function<std::uint64_t(const std::string& device)> memory = device_memory)
      : memory_(std::move(memory)) {}

  /// The one that was shown last comes first.
  const std::vector<OpenModel>& models() const { return models_; }
  ModelId shown() const { return shown_; }
  /// Null where it is not open.
  const OpenModel* find(ModelId id) const;
  const OpenModel* find(const ModelSource& source) const;
  /// Bytes that the models of a device hold, and may hold.
  std::uint64_t held(const std::string& device) const;
  std::uint64_t budget(const std::string& device) const;
  int share() const { return share_; }

  [[nodiscard]] Gone setShare(int percent);
  /// One that has been loaded, to be shown.
  [[nodiscard]] Gone add(const std::shared_ptr<const LanguageModel>& model, const ModelSource& source);
  /// One that is open; 0: none is shown.
  [[nodiscard]] Gone show(ModelId id);
  /// Where it was shown, the one before it is shown, or none.
  [[nodiscard]] Gone close(ModelId id);
  /// What must go for a model of this card to be read beside those that stay; the shown one goes last.
  [[nodiscard]] Gone makeRoom(const ModelCard& card);

 private:
  Gone trim();
  /// Lets go of it; where it was shown, none is.
  OpenModel take(std::vector<OpenModel>::iterator at);
  /// The one of `device` that was not shown for the longest time, apart from the shown one.
  std::vector<OpenModel>::iterator oldest(const std::string& device);

  std::function<std::uint64_t(const std::string& device)> memory_;
  int share_ = default_share;
  std::vector<OpenModel> models_;
  ModelId shown_ = 0, last_ = 0;
};

}  // namespace qkscope

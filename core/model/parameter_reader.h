#pragma once
#include <ATen/core/Tensor.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/base/progress.h"
#include "core/checkpoint/checkpoint.h"
#include "core/model/blocks/norm.h"
#include "core/model/linear.h"
#include "core/model/spec.h"

namespace qkscope {

enum class Keep;

/// Reads parameters by role, wherever and however the checkpoint stores them, converted straight into one
/// type on one device. On the device "meta" names and shapes are checked and nothing is read. Progress in
/// bytes. Throws Error naming the tensor; Cancelled.
class ParameterReader {
 public:
  ParameterReader(std::shared_ptr<const Checkpoint> checkpoint, const ModelSpec& spec, at::Device device,
                  at::ScalarType dtype, const Progress& progress, Keep keep);

  /// Of `roles` one below the other, (sum of rows, columns), with their biases: those that are stored,
  /// whatever the configuration says; zeros for the parts that have none where others have one. `expert`: of
  /// the roles that exist once an expert.
  Linear linear(const std::vector<Role>& roles, int layer, int expert = -1);
  /// A matrix whose rows are looked up: its blocks where they are kept, else its floats.
  Table table(Role role);
  /// The product with a table that was read as `role`, with the head's bias.
  Linear product_of(const Table& table, Role role);
  /// The weight alone, in the shape that parameter_shape() gives.
  at::Tensor weight(Role role, int layer = -1);
  /// A bias may be stored without its weight, where that is another's (a tied head).
  at::Tensor optional_bias(Role role, int layer = -1);
  NormWeights norm(Role role, const NormSpec& spec, int layer = -1);
  NormWeights norm(Role role, const std::optional<NormSpec>& spec, int layer = -1);
  /// Whether the checkpoint holds it under one of its names.
  bool stores(Role role, int layer = -1) const;

  /// Of the tensors that were read.
  const std::set<std::string>& names() const { return names_; }

 private:
  struct Place;  // of one parameter: the tensors' rows it is made of
  std::string full_name(const Stored& stored, Role role, int layer, int expert) const;
  const Stored& choose(Role role, int layer, int expert) const;
  Place find(Role role, int layer, int expert) const;
  std::vector<TensorEntry> find_bias(const Stored& stored, Role role, int layer, int expert) const;
  static std::vector<TensorEntry> pieces(TensorEntry entry, const Stored& stored, const StoredRows& rows,
                                         int expert, bool transposed);
  static std::vector<std::int64_t> shape_of(const std::vector<Place>& places, bool biases);
  at::Tensor read(const std::vector<Place>& places, bool biases, at::ScalarType dtype);
  /// `pages_stay`: the file's numbers are used beside the tensor.
  void read(const std::vector<Place>& places, bool biases, const at::Tensor& result, bool pages_stay);
  /// Their weights as floats, beside `stored` where there is that.
  Linear product(const std::vector<Place>& places, at::Tensor bias,
                 std::shared_ptr<const StoredMatrix> stored);
  /// Their weights, where they are kept as they are stored.
  std::shared_ptr<const StoredMatrix> blocks(const std::vector<Place>& places) const;
  void check_blocks(const std::vector<Place>& places);
  void start_reading(const TensorEntry& entry);
  [[noreturn]] void refuse_numbers(const TensorEntry& entry) const;
  TensorEntry require(const std::string& name, const std::vector<std::int64_t>& shape) const;
  void restore(const Place& place, at::Tensor weight) const;
  void read_into(const TensorEntry& entry, at::Tensor target);

  std::shared_ptr<const Checkpoint> checkpoint_;
  const ModelSpec& spec_;
  at::Device device_;
  at::ScalarType dtype_;
  const Progress& progress_;
  Keep keep_;
  std::string prefix_;
  std::uint64_t done_ = 0, total_ = 0;
  std::set<std::string> names_;
  at::Tensor scratch_;  // floats that are on their way to be packed
};

}  // namespace qkscope

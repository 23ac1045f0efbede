#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace qkscope {

class Budget;

/// What a tensor of a pickle is made of, as written: not checked against the storage's bytes. At most 64
/// axes.
struct PickledStorage {
  std::string_view type;  // "HalfStorage"
  std::string_view key;   // the file data/<key> of the archive
  std::int64_t numel = 0;
};
struct PickledTensor {
  PickledStorage storage;
  std::int64_t offset = 0;  // in elements
  std::vector<std::int64_t> shape, strides;
};

/// Reads the protocol-2 pickle that torch.save writes, as data: containers, numbers, strings and tensors.
/// Unpickling in Python may call any function the file names. This reader calls none: it knows
/// _rebuild_tensor_v2, _rebuild_parameter, OrderedDict and the storage types as patterns of data, and every
/// other name is an Error that says module and class.
class Pickle {
 public:
  /// `bytes` must outlive the object. What the opcodes make is charged to `budget`. Throws Error starting
  /// with `where`.
  Pickle(std::span<const std::byte> bytes, const std::string& where, Budget& budget);

  struct NamedTensor {
    std::string name;
    PickledTensor tensor;
  };
  /// The tensors inside the pickled object. The name is the way there: dictionary keys and list positions
  /// joined by dots, empty for a tensor that is the whole object. Whatever is no tensor is left out.
  std::vector<NamedTensor> tensors(Budget& budget) const;

 private:
  friend class PickleMachine;
  struct None {};
  struct Global {
    std::string_view module, name;
  };
  // Containers and tensors are kept in pools and referred to by index: a pickle may well hold a list that
  // contains itself.
  struct ContainerRef {
    std::size_t index;
  };
  struct StorageRef {
    std::size_t index;
  };
  struct TensorRef {
    std::size_t index;
  };
  using Value = std::variant<None, bool, std::int64_t, double, std::string_view, Global, ContainerRef,
                             StorageRef, TensorRef>;
  struct Container {
    enum class Kind { Tuple, List, Dict } kind;
    std::vector<Value> items;  // of a Dict: key, value, key, value, ...
  };
  struct Walk;

  std::string where_;
  std::vector<Container> containers_;
  std::vector<PickledStorage> storages_;
  std::vector<PickledTensor> tensors_;
  Value root_;
};

}  // namespace qkscope

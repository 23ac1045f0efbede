#include "core/io/pickle.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>
#include <unordered_map>

#include "core/base/budget.h"
#include "core/base/error.h"
#include "core/base/wording.h"
#include "core/io/byte_reader.h"

namespace qkscope {
namespace {

// A state dict of a thousand tensors takes a tenth of a megabyte.
constexpr std::size_t largest_pickle = 16 << 20;
constexpr std::size_t most_visits = 1 << 20;
constexpr int deepest_nesting = 32;
constexpr std::size_t longest_name = 1024;
constexpr std::size_t most_axes = 64;  // as PyTorch itself

constexpr std::string_view storage_types[] = {
    "HalfStorage", "BFloat16Storage", "FloatStorage", "DoubleStorage", "LongStorage",
    "IntStorage",  "ShortStorage",    "CharStorage",  "ByteStorage",   "BoolStorage"};

constexpr std::uint64_t grown = 2;  // a vector that grows holds up to twice its elements

std::uint64_t bytes_of(const PickledTensor& tensor) {
  return grown * sizeof(PickledTensor) + (tensor.shape.size() + tensor.strides.size()) * sizeof(std::int64_t);
}

}  // namespace

// The pickle's stack machine (CPython: Lib/pickletools.py describes every opcode).
class PickleMachine {
 public:
  PickleMachine(std::span<const std::byte> bytes, const std::string& where, Budget& budget, Pickle& result)
      : reader_(bytes, where), budget_(budget), result_(result) {}

  Pickle::Value run() {
    while (true) {
      const auto opcode = reader_.read<std::uint8_t>("an opcode");
      budget_.step();
      budget_.charge(bytes_an_opcode);
      if (opcode == '.') return pop();
      step(opcode);
    }
  }

 private:
  using Value = Pickle::Value;
  using Container = Pickle::Container;

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(reader_.file() + " " + what + " (byte " + std::to_string(reader_.position()) +
                " of the pickle)");
  }

  // clang-format off
  void step(std::uint8_t opcode) {
    switch (opcode) {
      case 0x80: protocol(); break;
      case '(': marks_.push_back(stack_.size()); break;
      case 'N': stack_.push_back(Pickle::None{}); break;
      case 0x88: stack_.push_back(true); break;
      case 0x89: stack_.push_back(false); break;
      case 'K': push_integer<std::uint8_t>(); break;
      case 'M': push_integer<std::uint16_t>(); break;
      case 'J': push_integer<std::int32_t>(); break;
      case 0x8a: push_long(); break;
      case 'G': stack_.push_back(big_endian_double()); break;
      case 'X': stack_.push_back(reader_.take_text(reader_.read<std::uint32_t>("a string"), "a string")); break;
      case 'U': stack_.push_back(reader_.take_text(reader_.read<std::uint8_t>("a string"), "a string")); break;
      case ')': push_container(Container::Kind::Tuple, {}); break;
      case ']': push_container(Container::Kind::List, {}); break;
      case '}': push_container(Container::Kind::Dict, {}); break;
      case 0x85: push_container(Container::Kind::Tuple, pop(1)); break;
      case 0x86: push_container(Container::Kind::Tuple, pop(2)); break;
      case 0x87: push_container(Container::Kind::Tuple, pop(3)); break;
      case 't': push_container(Container::Kind::Tuple, pop_to_mark()); break;
      case 'a': append(Container::Kind::List, pop(1)); break;
      case 'e': append(Container::Kind::List, pop_to_mark()); break;
      case 's': append(Container::Kind::Dict, pop(2)); break;
      case 'u': append(Container::Kind::Dict, pop_to_mark()); break;
      case 'q': memo_[reader_.read<std::uint8_t>("a memo")] = top(); break;
      case 'r': memo_[reader_.read<std::uint32_t>("a memo")] = top(); break;
      case 'h': recall(reader_.read<std::uint8_t>("a memo")); break;
      case 'j': recall(reader_.read<std::uint32_t>("a memo")); break;
      case '0': pop(); break;
      case '2': stack_.push_back(Value(top())); break;
      case 'c': global(); break;
      case 'i': instance(); break;
      case 'Q': storage(); break;
      case 'R': reduce(); break;
      case 'b': build(); break;
      default: fail("has the pickle opcode " + std::to_string(opcode) + ", which no file of tensors needs");
    }
  }
  // clang-format on

  void protocol() {
    const auto version = reader_.read<std::uint8_t>("the protocol");
    if (version != 2) {
      fail("is pickled with protocol " + std::to_string(version) +
           ", expected 2, which torch.save uses by default");
    }
  }

  // ------------------------------------------------------------------------------------------------ the
  // stack

  Value& top() {
    if (stack_.size() <= floor()) fail("takes more from the pickle's stack than is there");
    return stack_.back();
  }
  // What lies under the last mark is out of reach.
  std::size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }

  Value pop() {
    Value value = top();
    stack_.pop_back();
    return value;
  }
  std::vector<Value> pop(std::size_t count) {
    std::vector<Value> values(count);
    for (std::size_t i = count; i-- > 0;) values[i] = pop();
    return values;
  }
  std::vector<Value> pop_to_mark() {
    if (marks_.empty()) fail("has no mark on the pickle's stack where one is needed");
    const auto first = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    std::vector<Value> values(first, stack_.end());
    stack_.erase(first, stack_.end());
    marks_.pop_back();
    return values;
  }
  void recall(std::uint32_t key) {
    const auto found = memo_.find(key);
    if (found == memo_.end()) fail("asks for the memo " + std::to_string(key) + ", which was never stored");
    stack_.push_back(found->second);
  }

  // ---------------------------------------------------------------------------------------------------
  // values

  template <typename T>
  void push_integer() {
    stack_.push_back(std::int64_t{reader_.read<T>("a number")});
  }

  void push_long() {  // little-endian two's complement of 0 to 8 bytes
    const auto length = reader_.read<std::uint8_t>("a number");
    const auto bytes = reader_.take(length, "a number");
    if (length > 8) fail("has a whole number of " + std::to_string(length) + " bytes, expected at most 8");
    std::uint64_t value =
        length > 0 && (bytes.back() & std::byte{0x80}) != std::byte{0} ? ~std::uint64_t{0} : 0;
    std::memcpy(&value, bytes.data(), length);
    stack_.push_back(std::bit_cast<std::int64_t>(value));
  }

  double big_endian_double() {
    return std::bit_cast<double>(__builtin_bswap64(reader_.read<std::uint64_t>("a number")));
  }

  void push_container(Container::Kind kind, std::vector<Value> items) {
    budget_.charge(grown * sizeof(Container) + items.size() * sizeof(Value));
    stack_.push_back(Pickle::ContainerRef{result_.containers_.size()});
    result_.containers_.push_back({kind, std::move(items)});
  }

  void append(Container::Kind kind, std::vector<Value> items) {
    const auto* target = std::get_if<Pickle::ContainerRef>(&top());
    if (!target || result_.containers_[target->index].kind != kind)
      fail("adds items to what is no list or dictionary");
    if (kind == Container::Kind::Dict && items.size() % 2 != 0)
      fail("adds a key without a value to a dictionary");
    budget_.charge(grown * items.size() * sizeof(Value));
    auto& all = result_.containers_[target->index].items;
    all.insert(all.end(), items.begin(), items.end());
  }

  const std::vector<Value>& tuple(const Value& value, const char* what) const {
    const auto* ref = std::get_if<Pickle::ContainerRef>(&value);
    if (!ref || result_.containers_[ref->index].kind != Container::Kind::Tuple) {
      fail(std::string("has no tuple for ") + what);
    }
    return result_.containers_[ref->index].items;
  }
  template <typename T>
  T get(const Value& value, const char* what) const {
    const T* wanted = std::get_if<T>(&value);
    if (!wanted) fail(std::string("has something else for ") + what);
    return *wanted;
  }
  std::vector<std::int64_t> integers(const Value& value, const char* what) const {
    const auto& items = tuple(value, what);
    if (items.size() > most_axes)
      fail("has " + std::to_string(items.size()) + " numbers for " + what + ", expected at most " +
           std::to_string(most_axes));
    std::vector<std::int64_t> numbers;
    numbers.reserve(items.size());
    for (const Value& item : items) numbers.push_back(get<std::int64_t>(item, what));
    return numbers;
  }

  // -------------------------------------------------------------------------------- names, storages, tensors

  std::string_view line() {
    std::string_view text = reader_.peek_text();
    text = text.substr(0, std::min(text.find('\n'), text.size()));
    reader_.take(text.size() + 1, "a name");
    return text;
  }

  void global() {
    const std::string_view module = line(), name = line();
    const bool is_storage = module == "torch" && std::find(std::begin(storage_types), std::end(storage_types),
                                                           name) != std::end(storage_types);
    const bool is_rebuild =
        module == "torch._utils" && (name == "_rebuild_tensor_v2" || name == "_rebuild_parameter");
    const bool is_dict = module == "collections" && name == "OrderedDict";
    if (!is_storage && !is_rebuild && !is_dict) refuse(module, name);
    stack_.push_back(Pickle::Global{module, name});
  }

  // Name and call in one opcode, for no pattern of data.
  [[noreturn]] void instance() {
    const std::string_view module = line(), name = line();
    refuse(module, name);
  }

  [[noreturn]] void refuse(std::string_view module, std::string_view name) const {
    fail("asks for the Python object " + in_quotes(std::string(module) + "." + std::string(name)) +
         ", which is never run; expected tensors only, as in torch.save(tensor, path)");
  }

  // A persistent id: ('storage', type, key, device, numel). The device does not matter, the bytes are here.
  void storage() {
    const Value id = pop();
    const auto& parts = tuple(id, "a storage");
    if (parts.size() != 5 || get<std::string_view>(parts[0], "the kind of a storage") != "storage") {
      fail("has a storage that is not written as torch.save writes it");
    }
    const auto type = get<Pickle::Global>(parts[1], "the type of a storage");
    if (type.module != "torch") fail("has " + in_quotes(type.name) + " for the type of a storage");
    budget_.charge(grown * sizeof(PickledStorage));
    result_.storages_.push_back({type.name, get<std::string_view>(parts[2], "the key of a storage"),
                                 get<std::int64_t>(parts[4], "a storage's size")});
    stack_.push_back(Pickle::StorageRef{result_.storages_.size() - 1});
  }

  void reduce() {
    const Value arguments = pop(), callable = pop();
    const auto& parts = tuple(arguments, "the arguments of a call");
    const auto* name = std::get_if<Pickle::Global>(&callable);
    if (!name) fail("calls what is no Python object");
    if (name->name == "OrderedDict" && parts.empty()) {
      push_container(Container::Kind::Dict, {});
    } else if (name->name == "_rebuild_tensor_v2") {
      push_tensor(parts);
    } else if (name->name == "_rebuild_parameter" && !parts.empty()) {
      stack_.push_back(get<Pickle::TensorRef>(parts[0], "the tensor of a parameter"));
    } else {
      fail("calls " + in_quotes(std::string(name->module) + "." + std::string(name->name)) +
           " in a way that is not understood, and nothing is ever called");
    }
  }

  // (storage, offset, shape, strides, requires_grad, hooks[, metadata])
  void push_tensor(const std::vector<Value>& parts) {
    if (parts.size() != 6 && parts.size() != 7) {
      fail("has a tensor of " + std::to_string(parts.size()) + " parts, expected 6 or 7");
    }
    if (parts.size() == 7 && !is_none_or_empty(parts[6])) {
      fail(
          "has a tensor that is conjugated or negated on the fly; save tensor.resolve_conj().resolve_neg() "
          "instead");
    }
    PickledTensor tensor;
    tensor.storage = result_.storages_[get<Pickle::StorageRef>(parts[0], "the storage of a tensor").index];
    tensor.offset = get<std::int64_t>(parts[1], "the offset of a tensor");
    tensor.shape = integers(parts[2], "the shape of a tensor");
    tensor.strides = integers(parts[3], "the strides of a tensor");
    budget_.charge(bytes_of(tensor));
    result_.tensors_.push_back(std::move(tensor));
    stack_.push_back(Pickle::TensorRef{result_.tensors_.size() - 1});
  }

  bool is_none_or_empty(const Value& value) const {
    const auto* ref = std::get_if<Pickle::ContainerRef>(&value);
    return std::holds_alternative<Pickle::None>(value) ||
           (ref && result_.containers_[ref->index].items.empty());
  }

  // A state dict carries its modules' versions as an attribute of its OrderedDict: of no interest, and
  // harmless.
  void build() {
    pop();
    const auto* target = std::get_if<Pickle::ContainerRef>(&top());
    if (!target || result_.containers_[target->index].kind != Container::Kind::Dict) {
      fail("sets the attributes of what is no dictionary, and nothing is ever called");
    }
  }

  // A place on the stack and one in the memo.
  static constexpr std::uint64_t bytes_an_opcode = grown * sizeof(Value) + sizeof(Value) + 32;

  ByteReader reader_;
  Budget& budget_;
  Pickle& result_;
  std::vector<Value> stack_;
  std::vector<std::size_t> marks_;
  std::unordered_map<std::uint32_t, Value> memo_;
};

Pickle::Pickle(std::span<const std::byte> bytes, const std::string& where, Budget& budget) : where_(where) {
  if (bytes.size() > largest_pickle) {
    throw Error(where + " has a pickle of " + std::to_string(bytes.size()) + " bytes, expected at most " +
                std::to_string(largest_pickle) + " beside the tensors' numbers");
  }
  root_ = PickleMachine(bytes, where, budget, *this).run();
}

struct Pickle::Walk {
  const Pickle& pickle;
  Budget& budget;
  std::vector<NamedTensor> found{};
  std::size_t visits = 0;

  [[noreturn]] void fail(const char* what) const { throw Error(pickle.where_ + " " + what); }

  std::string join(const std::string& way, const std::string& step) const {
    if (way.size() + step.size() > longest_name)
      fail("holds a tensor with a name longer than any file of tensors has");
    return way.empty() ? step : way + "." + step;
  }

  std::string step(const Value& key) const {
    // A longer one is refused by join(), cut or not.
    if (const auto* text = std::get_if<std::string_view>(&key))
      return std::string(text->substr(0, longest_name + 1));
    if (const auto* number = std::get_if<std::int64_t>(&key)) return std::to_string(*number);
    return "?";
  }

  void visit(const Value& value, const std::string& way, int depth) {
    // Shared parts may be reached on very many ways, and a part that holds itself on infinitely many.
    if (++visits > most_visits || depth > deepest_nesting)
      fail("holds more nested objects than any file of tensors");
    budget.step();
    if (const auto* ref = std::get_if<TensorRef>(&value)) {
      const PickledTensor& tensor = pickle.tensors_[ref->index];
      budget.charge(bytes_of(tensor) + grown * sizeof(std::string) + way.size());
      found.push_back({way, tensor});
    }
    const auto* ref = std::get_if<ContainerRef>(&value);
    if (!ref) return;
    const Container& container = pickle.containers_[ref->index];
    if (container.kind == Container::Kind::Dict) {
      for (std::size_t i = 0; i < container.items.size(); i += 2) {
        visit(container.items[i + 1], join(way, step(container.items[i])), depth + 1);
      }
    } else {
      for (std::size_t i = 0; i < container.items.size(); ++i) {
        visit(container.items[i], join(way, std::to_string(i)), depth + 1);
      }
    }
  }
};

std::vector<Pickle::NamedTensor> Pickle::tensors(Budget& budget) const {
  Walk walk{*this, budget};
  walk.visit(root_, "", 0);
  return std::move(walk.found);
}

}  // namespace qkscope

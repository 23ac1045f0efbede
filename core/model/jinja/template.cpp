#include "core/model/jinja/template.h"

#include <algorithm>
#include <ctime>
#include <iomanip>
#include <locale>
#include <map>
#include <sstream>
#include <vector>

#include "core/error.h"
#include "core/model/jinja/builtins.h"
#include "core/model/jinja/parser.h"
#include "core/model/tokenizer/utf8.h"

namespace qkscope::jinja {
namespace {

// A template comes with a file from anywhere: it may ask for much, but not without end.
constexpr int most_steps = 1'000'000;
constexpr std::size_t most_work = std::size_t{2} << 30;  // bytes of all values on the way
constexpr int deepest = 200;

class Interpreter {
 public:
  explicit Interpreter(const Value& variables) {
    scopes_.emplace_back();
    for (const auto& [name, value] : variables.items()) scopes_.back()[name] = value;
  }

  std::string run(const Block& block) {
    std::string out;
    execute(block, out);
    return out;
  }

 private:
  enum class Flow { On, Break, Continue };
  using Scope = std::map<std::string, Value, std::less<>>;

  class Level {
   public:
    explicit Level(Interpreter& interpreter) : depth_(interpreter.depth_) {
      if (++depth_ > deepest) throw Error("the chat template calls itself or is nested too deep");
    }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;
    ~Level() { --depth_; }

   private:
    int& depth_;
  };

  /// A scope of its own for as long as it lives.
  class Inner {
   public:
    explicit Inner(std::vector<Scope>& scopes) : scopes_(scopes) { scopes_.emplace_back(); }
    Inner(const Inner&) = delete;
    Inner& operator=(const Inner&) = delete;
    ~Inner() { scopes_.pop_back(); }

   private:
    std::vector<Scope>& scopes_;
  };

  void step(std::size_t bytes = 0) {
    work_ += bytes;
    if (++steps_ > most_steps || work_ > most_work) throw Error("the chat template runs without end");
  }

  Value* find(std::string_view name) {
    for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope) {
      if (const auto found = scope->find(name); found != scope->end()) return &found->second;
    }
    return nullptr;
  }

  Flow execute(const Block& block, std::string& out) {
    const Level level(*this);
    for (const Statement& statement : block.statements) {
      if (const Flow flow = execute(statement, out); flow != Flow::On) return flow;
    }
    return Flow::On;
  }

  Flow execute(const Statement& s, std::string& out) {
    step();
    if (out.size() > most_bytes) throw Error("the chat template writes without end");
    switch (s.kind) {
      case Statement::Kind::Text:
        out += s.text;
        return Flow::On;
      case Statement::Kind::Print:
        out += to_text(evaluate(*s.expressions[0]));
        return Flow::On;
      case Statement::Kind::If:
        return if_statement(s, out);
      case Statement::Kind::For:
        for_statement(s, out);
        return Flow::On;
      case Statement::Kind::Set:
        set(s, evaluate(*s.expressions[0]));
        return Flow::On;
      case Statement::Kind::SetBlock: {
        std::string text;
        execute(s.blocks[0], text);
        scopes_.back()[s.text] = std::move(text);
        scopes_.back()[s.text] = evaluate(*s.expressions[0]);
        return Flow::On;
      }
      case Statement::Kind::Macro:
        macros_[s.text] = &s;
        return Flow::On;
      case Statement::Kind::Group:
        return execute(s.blocks[0], out);
      case Statement::Kind::Break:
        return Flow::Break;
      case Statement::Kind::Continue:
        return Flow::Continue;
    }
    return Flow::On;
  }

  Flow if_statement(const Statement& s, std::string& out) {
    for (std::size_t i = 0; i < s.blocks.size(); ++i) {
      if (i == s.expressions.size() || is_true(evaluate(*s.expressions[i]))) return execute(s.blocks[i], out);
    }
    return Flow::On;
  }

  /// Gives the names of a For or Set their values.
  void bind(const Statement& s, const Value& item) {
    Scope& scope = scopes_.back();
    if (s.names.size() == 1) {
      scope[s.names[0]] = item;
      return;
    }
    const std::vector<Value> parts = items_of(item);
    if (parts.size() != s.names.size())
      throw Error("line " + std::to_string(s.line) + " of the chat template cannot take an item with " +
                  std::to_string(parts.size()) + " parts apart into " + std::to_string(s.names.size()) +
                  " names");
    for (std::size_t i = 0; i < parts.size(); ++i) scope[s.names[i]] = parts[i];
  }

  void for_statement(const Statement& s, std::string& out) {
    std::vector<Value> items = items_of(evaluate(*s.expressions[0]));
    if (s.expressions[1]) {
      std::erase_if(items, [&](const Value& item) {
        const Inner inner(scopes_);
        bind(s, item);
        return !is_true(evaluate(*s.expressions[1]));
      });
    }
    if (items.empty() && s.blocks.size() > 1) execute(s.blocks[1], out);
    for (std::size_t i = 0; i < items.size(); ++i) {
      const Inner inner(scopes_);  // what an iteration sets is gone in the next
      bind(s, items[i]);
      scopes_.back()["loop"] = {{"index", i + 1},
                                {"index0", i},
                                {"revindex", items.size() - i},
                                {"revindex0", items.size() - i - 1},
                                {"first", i == 0},
                                {"last", i + 1 == items.size()},
                                {"length", items.size()},
                                {"previtem", i == 0 ? undefined() : items[i - 1]},
                                {"nextitem", i + 1 == items.size() ? undefined() : items[i + 1]},
                                {"depth", loops_ + 1},
                                {"depth0", loops_}};
      ++loops_;
      const Flow flow = execute(s.blocks[0], out);
      --loops_;
      if (flow == Flow::Break) break;
    }
  }

  void set(const Statement& s, Value value) {
    if (s.member.empty()) return bind(s, value);
    Value* space = find(s.text);
    if (!space || !space->is_object())
      throw Error("line " + std::to_string(s.line) + " of the chat template sets '" + s.text + "." +
                  s.member + "', and '" + s.text + "' is no namespace");
    (*space)[s.member] = std::move(value);
  }

  Value operand(const Expression& e, std::size_t index) {
    return e.operands[index] ? evaluate(*e.operands[index]) : undefined();
  }

  Value evaluate(const Expression& e) {
    const Level level(*this);
    Value value = value_of(e);
    step(weight(value));
    return value;
  }

  Value value_of(const Expression& e) {
    switch (e.kind) {
      case Expression::Kind::Constant:
        return e.value;
      case Expression::Kind::Name: {
        const Value* found = find(e.text);
        return found ? *found : is_function(e.text) ? Value(true) : undefined();
      }
      case Expression::Kind::List: {
        Value list = Value::array();
        for (const auto& item : e.operands) list.push_back(evaluate(*item));
        return list;
      }
      case Expression::Kind::Dict: {
        Value object = Value::object();
        for (std::size_t i = 0; i + 1 < e.operands.size(); i += 2)
          object[to_text(operand(e, i))] = operand(e, i + 1);
        return object;
      }
      case Expression::Kind::Attribute:
        return item_of(operand(e, 0), e.text);
      case Expression::Kind::Item:
        return item_of(operand(e, 0), operand(e, 1));
      case Expression::Kind::Slice:
        return slice_of(operand(e, 0), operand(e, 1), operand(e, 2), operand(e, 3));
      case Expression::Kind::Call:
        return call(e);
      case Expression::Kind::Filter:
        return filter(e.text, operand(e, 0), arguments_of(e));
      case Expression::Kind::Test:
        return test(e.text, operand(e, 0), arguments_of(e));
      case Expression::Kind::Unary: {
        const Value value = operand(e, 0);
        if (e.text == "not") return !is_true(value);
        if (e.text == "-" && value.is_number_float()) return -value.get<double>();
        return e.text == "-" ? binary("-", 0, value) : value;
      }
      case Expression::Kind::Binary: {
        Value left = operand(e, 0);
        if (e.text == "and") return is_true(left) ? operand(e, 1) : left;
        if (e.text == "or") return is_true(left) ? left : operand(e, 1);
        return binary(e.text, left, operand(e, 1));
      }
      case Expression::Kind::Compare: {
        Value left = operand(e, 0), result;
        for (const Argument& argument : e.arguments) {
          Value right = evaluate(*argument.value);
          result = binary(argument.name, left, right);
          if (!is_true(result)) break;
          left = std::move(right);
        }
        return result;
      }
      case Expression::Kind::Choice:
        return is_true(operand(e, 1)) ? operand(e, 0) : operand(e, 2);
    }
    return undefined();
  }

  Arguments arguments_of(const Expression& e) {
    Arguments arguments;
    for (const Argument& argument : e.arguments) {
      if (argument.name.empty()) {
        arguments.by_position.push_back(evaluate(*argument.value));
      } else {
        arguments.by_name.emplace_back(argument.name, evaluate(*argument.value));
      }
    }
    return arguments;
  }

  Value call(const Expression& e) {
    const Expression& callee = *e.operands[0];
    const Arguments arguments = arguments_of(e);
    if (callee.kind == Expression::Kind::Attribute)
      return method(callee.text, evaluate(*callee.operands[0]), arguments);
    if (callee.kind == Expression::Kind::Name) {
      if (const auto macro = macros_.find(callee.text); macro != macros_.end())
        return expand(*macro->second, arguments);
      if (is_function(callee.text)) return function(callee.text, arguments);
    }
    throw Error("line " + std::to_string(e.line) + " of the chat template calls '" + callee.text +
                "', which is not supported");
  }

  /// A macro sees its parameters and what stands outside every block.
  Value expand(const Statement& macro, const Arguments& arguments) {
    const Level level(*this);
    if (arguments.by_position.size() > macro.names.size())
      throw Error("the chat template gives '" + macro.text + "' more than its " +
                  std::to_string(macro.names.size()) + " arguments");
    for (const auto& [name, value] : arguments.by_name) {
      if (std::ranges::find(macro.names, name) == macro.names.end())
        throw Error("the chat template gives '" + macro.text + "' an argument '" + name +
                    "', which it does not take");
    }
    Scope parameters;
    for (std::size_t i = 0; i < macro.names.size(); ++i) {
      const Value* given = arguments.find(i, macro.names[i]);
      parameters[macro.names[i]] = given                  ? *given
                                   : macro.expressions[i] ? evaluate(*macro.expressions[i])
                                                          : undefined();
    }
    std::vector<Scope> outside{scopes_.front(), std::move(parameters)};
    std::swap(scopes_, outside);
    std::string text;
    execute(macro.blocks[0], text);
    std::swap(scopes_, outside);
    return text;
  }

  static bool is_function(std::string_view name) {
    return name == "range" || name == "namespace" || name == "dict" || name == "raise_exception" ||
           name == "strftime_now";
  }

  Value function(std::string_view name, const Arguments& arguments) {
    if (name == "raise_exception") {
      const Value* message = arguments.find(0, "message");
      throw Error("the chat template says: " +
                  (message ? valid_utf8(to_text(*message)) : std::string("it cannot do this")));
    }
    if (name == "range") return range(arguments);
    if (name == "strftime_now") {
      const Value* format = arguments.find(0, "format");
      return now(format ? to_text(*format) : "");
    }
    Value object = arguments.by_position.empty() ? Value::object() : arguments.by_position.front();
    if (!object.is_object())
      throw Error("the chat template makes a namespace of something that is no mapping");
    for (const auto& [key, value] : arguments.by_name) object[key] = value;
    return object;
  }

  /// In English, as Python has it: not in the language of the desktop.
  static std::string now(const std::string& format) {
    const std::time_t time = std::time(nullptr);
    std::tm local{};
    localtime_r(&time, &local);
    std::ostringstream text;
    text.imbue(std::locale::classic());
    text << std::put_time(&local, format.c_str());
    return text.str();
  }

  Value range(const Arguments& arguments) {
    std::vector<std::int64_t> numbers;
    for (const Value& value : arguments.by_position) {
      if (!value.is_number_integer())
        throw Error("the chat template makes a range of something that is no number");
      numbers.push_back(value.get<std::int64_t>());
    }
    if (numbers.empty() || numbers.size() > 3) throw Error("the chat template makes a range without an end");
    const std::int64_t start = numbers.size() > 1 ? numbers[0] : 0;
    const std::int64_t stop = numbers.size() > 1 ? numbers[1] : numbers[0];
    const std::int64_t stride = numbers.size() > 2 ? numbers[2] : 1;
    if (stride == 0) throw Error("the chat template makes a range with a step of 0");
    Value list = Value::array();
    for (std::int64_t i = start; stride > 0 ? i < stop : i > stop;) {
      step();
      list.push_back(i);
      if (__builtin_add_overflow(i, stride, &i)) break;
    }
    return list;
  }

  std::vector<Scope> scopes_;
  std::map<std::string, const Statement*, std::less<>> macros_;
  int steps_ = 0;
  int depth_ = 0;
  int loops_ = 0;
  std::size_t work_ = 0;
};

}  // namespace

Template::Template(std::string_view source)
    : block_(std::make_shared<const Block>(parse(tokenize(source)))) {}

std::string Template::render(const Value& variables) const {
  return Interpreter(variables).run(*block_);
}

}  // namespace qkscope::jinja

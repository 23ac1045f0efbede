#pragma once
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.h"
#include "core/text/jinja/functions.h"
#include "core/text/jinja/syntax.h"

namespace qkscope::jinja {

/// Variables of a block; a name that is not here is looked for around it.
class Scope : public Object {
 public:
  explicit Scope(std::shared_ptr<Scope> around) : around_(std::move(around)) {}

  /// Null where there is none of this name.
  Value* find(std::string_view name);
  void set(const std::string& name, Value value) { values_[name] = std::move(value); }

  const char* type() const override { return "scope"; }
  void clear() override { values_.clear(); }

 private:
  std::shared_ptr<Scope> around_;
  std::map<std::string, Value, std::less<>> values_;
};

/// Runs a template once. Evaluates expressions (evaluate.cpp) and executes statements (execute.cpp).
class Interpreter {
 public:
  Interpreter(Heap& heap, const nlohmann::ordered_json& variables);

  std::string run(const Block& block);

 private:
  enum class Flow { On, Break, Continue };
  class Macro;
  class Loop;

  /// One level of nesting, for as long as it lives.
  class Level {
   public:
    explicit Level(Interpreter& interpreter) : depth_(interpreter.depth_) {
      if (++depth_ > 800) throw Error("the chat template calls itself or is nested too deep");
    }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;
    ~Level() { --depth_; }

   private:
    int& depth_;
  };

  /// A scope, new inside the current one or another, for as long as it lives.
  class Inner {
   public:
    explicit Inner(Interpreter& interpreter) : Inner(interpreter, interpreter.scope_) {}
    Inner(Interpreter& interpreter, std::shared_ptr<Scope> around);
    Inner(const Inner&) = delete;
    Inner& operator=(const Inner&) = delete;
    ~Inner() { scope_.swap(before_); }

   private:
    std::shared_ptr<Scope>& scope_;
    std::shared_ptr<Scope> before_;
  };

  Flow execute(const Block& block, Output& out);
  Flow execute(const Statement& s, Output& out);
  Flow if_statement(const Statement& s, Output& out);
  void for_statement(const Statement& s, const Value& iterable, int depth, Output& out);
  void with_statement(const Statement& s, Output& out);
  void call_block(const Statement& s, Output& out);
  /// The value of expressions[0], in which Captured is the text of the block.
  Value over_block(const Statement& s);
  /// Gives a name, or each of several, its value.
  void assign(const Expression& target, const Value& value);
  std::shared_ptr<Macro> macro(const Statement& s);
  std::string expand(const Macro& macro, const Arguments& arguments);

  Value evaluate(const Expression& e);
  Value operand(const Expression& e, std::size_t index);
  Value unary(const Expression& e);
  Value binary(const Expression& e);
  Value compare(const Expression& e);
  Value dict(const Expression& e);
  Value lookup(const std::string& name);
  Arguments arguments_of(const Expression& e);
  Value call(const Expression& e, const Value* caller = nullptr);

  Heap& heap_;
  std::shared_ptr<Scope> scope_;
  std::vector<Value> captured_;
  int depth_ = 0;
};

/// A macro, or the body of a call block, with the variables it was made among.
class Interpreter::Macro : public Object {
 public:
  Macro(const Statement& statement, std::shared_ptr<Scope> scope)
      : statement_(statement), scope_(std::move(scope)) {}

  const Statement& statement() const { return statement_; }
  const std::shared_ptr<Scope>& scope() const { return scope_; }
  const char* type() const override { return "macro"; }
  std::string repr(Heap& heap) const override;
  Value attribute(Heap& heap, std::string_view name) override;

 private:
  const Statement& statement_;
  std::shared_ptr<Scope> scope_;
};

/// The variable `loop`.
class Interpreter::Loop : public Object, public std::enable_shared_from_this<Loop> {
 public:
  Loop(std::vector<Value> items, int depth, const Statement* recursive)
      : items_(std::move(items)), depth_(depth), recursive_(recursive) {}

  /// Goes on to the next item; false where there is none.
  bool advance() { return ++at_ < items_.size(); }
  const Value& item() const { return items_[at_]; }
  int depth() const { return depth_; }
  /// The loop to go through again with other items; null where it was not marked so.
  const Statement* recursive() const { return recursive_; }

  const char* type() const override { return "loop"; }
  Value attribute(Heap& heap, std::string_view name) override;
  void clear() override { last_.clear(); }

 private:
  bool changed(Heap& heap, const Arguments& arguments);

  std::vector<Value> items_;
  std::size_t at_ = SIZE_MAX;
  int depth_;
  const Statement* recursive_;
  bool asked_ = false;
  std::vector<Value> last_;  // what changed() was asked about
};

}  // namespace qkscope::jinja

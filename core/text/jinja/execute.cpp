// Statements.
#include "core/base/wording.h"
#include "core/text/jinja/interpreter.h"

namespace qkscope::jinja {

Value* Scope::find(std::string_view name) {
  for (Scope* scope = this; scope; scope = scope->around_.get()) {
    if (const auto found = scope->values_.find(name); found != scope->values_.end()) return &found->second;
  }
  return nullptr;
}

Interpreter::Interpreter(Heap& heap, const nlohmann::ordered_json& variables)
    : heap_(heap), scope_(std::make_shared<Scope>(nullptr)) {
  for (const auto& [name, value] : variables.items()) scope_->set(name, heap_.from_json(value));
}

Interpreter::Inner::Inner(Interpreter& interpreter, std::shared_ptr<Scope> around)
    : scope_(interpreter.scope_), before_(std::make_shared<Scope>(std::move(around))) {
  scope_.swap(before_);
}

std::string Interpreter::run(const Block& block) {
  Output out(heap_);
  execute(block, out);
  return out.take();
}

Interpreter::Flow Interpreter::execute(const Block& block, Output& out) {
  const Level level(*this);
  for (const Statement& statement : block.statements) {
    if (const Flow flow = execute(statement, out); flow != Flow::On) return flow;
  }
  return Flow::On;
}

Interpreter::Flow Interpreter::execute(const Statement& s, Output& out) {
  heap_.step();
  switch (s.kind) {
    case Statement::Kind::Text:
      out += s.text;
      return Flow::On;
    case Statement::Kind::Print:
      out += to_text(heap_, evaluate(*s.expressions[0]));
      return Flow::On;
    case Statement::Kind::If:
      return if_statement(s, out);
    case Statement::Kind::For:
      for_statement(s, evaluate(*s.expressions[0]), 0, out);
      return Flow::On;
    case Statement::Kind::Set:
      assign(*s.targets[0], evaluate(*s.expressions[0]));
      return Flow::On;
    case Statement::Kind::SetBlock:
      assign(*s.targets[0], over_block(s));
      return Flow::On;
    case Statement::Kind::FilterBlock:
      out += to_text(heap_, over_block(s));
      return Flow::On;
    case Statement::Kind::With:
      with_statement(s, out);
      return Flow::On;
    case Statement::Kind::Macro:
      scope_->set(s.signature->name, macro(s));
      return Flow::On;
    case Statement::Kind::CallBlock:
      call_block(s, out);
      return Flow::On;
    case Statement::Kind::Scope: {
      const Inner inner(*this);
      return execute(s.blocks[0], out);
    }
    case Statement::Kind::Break:
      return Flow::Break;
    case Statement::Kind::Continue:
      return Flow::Continue;
    case Statement::Kind::Unknown:
      throw Error("line " + std::to_string(s.line) + " of the chat template has the tag " +
                  in_quotes(s.text) + ", which is not supported");
  }
  return Flow::On;
}

Interpreter::Flow Interpreter::if_statement(const Statement& s, Output& out) {
  for (std::size_t i = 0; i < s.blocks.size(); ++i) {
    if (i == s.expressions.size() || is_true(evaluate(*s.expressions[i]))) return execute(s.blocks[i], out);
  }
  return Flow::On;
}

void Interpreter::for_statement(const Statement& s, const Value& iterable, int depth, Output& out) {
  const Level level(*this);
  std::vector<Value> items = items_of(heap_, iterable);
  if (s.expressions[1]) {
    std::erase_if(items, [&](const Value& item) {
      const Inner inner(*this);
      assign(*s.targets[0], item);
      return !is_true(evaluate(*s.expressions[1]));
    });
  }
  if (items.empty() && s.blocks.size() > 1) {
    const Inner inner(*this);
    execute(s.blocks[1], out);
  }
  const auto loop = std::make_shared<Loop>(std::move(items), depth, s.recursive ? &s : nullptr);
  while (loop->advance()) {
    const Inner inner(*this);  // what an iteration sets is gone in the next
    scope_->set("loop", loop);
    assign(*s.targets[0], loop->item());
    if (execute(s.blocks[0], out) == Flow::Break) break;
  }
}

void Interpreter::with_statement(const Statement& s, Output& out) {
  std::vector<Value> values;  // none of them sees the others' names
  for (const ExpressionPtr& value : s.expressions) values.push_back(evaluate(*value));
  const Inner inner(*this);
  for (std::size_t i = 0; i < values.size(); ++i) assign(*s.targets[i], values[i]);
  execute(s.blocks[0], out);
}

Value Interpreter::over_block(const Statement& s) {
  Output text(heap_);
  {
    const Inner inner(*this);
    execute(s.blocks[0], text);
  }
  captured_.push_back(heap_.text(text.take()));
  const Value value = evaluate(*s.expressions[0]);
  captured_.pop_back();
  return value;
}

void Interpreter::call_block(const Statement& s, Output& out) {
  const Value caller = macro(s);
  out += to_text(heap_, call(*s.expressions[0], &caller));
}

std::shared_ptr<Interpreter::Macro> Interpreter::macro(const Statement& s) {
  heap_.keep(scope_, sizeof(Scope) + 256);  // the macro leads to the scope that holds it
  return std::make_shared<Macro>(s, scope_);
}

void Interpreter::assign(const Expression& target, const Value& value) {
  const auto line = [&] { return "line " + std::to_string(target.line) + " of the chat template "; };
  if (target.kind == Expression::Kind::Name) {
    scope_->set(target.text, value);
  } else if (target.kind == Expression::Kind::Member) {
    Value* space = scope_->find(target.text);
    auto* found = space ? dynamic_cast<Namespace*>(space->object()) : nullptr;
    if (!found)
      throw Error(line() + "sets '" + target.text + "." + *target.value.text() + "', and '" + target.text +
                  "' is no namespace");
    found->set(*target.value.text(), value);
  } else {
    const std::vector<Value> parts = items_of(heap_, value);
    if (parts.size() != target.operands.size())
      throw Error(line() + "cannot take an item with " + std::to_string(parts.size()) + " parts apart into " +
                  std::to_string(target.operands.size()) + " names");
    for (std::size_t i = 0; i < parts.size(); ++i) assign(*target.operands[i], parts[i]);
  }
}

std::string Interpreter::Macro::repr(Heap&) const {
  return "<Macro " +
         (statement_.signature->name.empty() ? "anonymous" : in_quotes(statement_.signature->name)) + ">";
}

Value Interpreter::Macro::attribute(Heap& heap, std::string_view name) {
  const Signature& signature = *statement_.signature;
  if (name == "name") return heap.text(signature.name);
  if (name == "catch_kwargs") return signature.uses_kwargs;
  if (name == "catch_varargs") return signature.uses_varargs;
  if (name == "caller") return signature.uses_caller;
  if (name != "arguments") return {};
  std::vector<Value> names;
  for (const std::string& parameter : signature.parameters) names.push_back(heap.text(parameter));
  return heap.tuple(std::move(names));
}

bool Interpreter::Loop::changed(Heap& heap, const Arguments& arguments) {
  const std::vector<Value>& now = arguments.by_position;
  const bool same = asked_ && std::ranges::equal(now, last_, [&](const Value& a, const Value& b) {
                      return equal(heap, a, b);
                    });
  if (!asked_) heap.keep(shared_from_this(), sizeof(Loop));  // may be asked about itself
  asked_ = true;
  last_ = now;
  return !same;
}

Value Interpreter::Loop::attribute(Heap&, std::string_view name) {
  const std::size_t count = items_.size();
  if (name == "index") return at_ + 1;
  if (name == "index0") return at_;
  if (name == "revindex") return count - at_;
  if (name == "revindex0") return count - at_ - 1;
  if (name == "first") return at_ == 0;
  if (name == "last") return at_ + 1 == count;
  if (name == "length") return count;
  if (name == "previtem") return at_ == 0 ? Value() : items_[at_ - 1];
  if (name == "nextitem") return at_ + 1 >= count ? Value() : items_[at_ + 1];
  if (name == "depth") return depth_ + 1;
  if (name == "depth0") return depth_;
  if (name == "changed")
    return std::make_shared<Function>("changed",
                                      [self = shared_from_this()](Heap& heap, const Arguments& a) -> Value {
                                        return self->changed(heap, a);
                                      });
  if (name == "cycle")
    return std::make_shared<Function>("cycle",
                                      [self = shared_from_this()](Heap&, const Arguments& a) -> Value {
                                        if (a.by_position.empty())
                                          throw Error("the chat template cycles through nothing");
                                        return a.by_position[self->at_ % a.by_position.size()];
                                      });
  return {};
}

}  // namespace qkscope::jinja

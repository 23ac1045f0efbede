// Expressions.
#include "core/base/wording.h"
#include "core/text/jinja/interpreter.h"

namespace qkscope::jinja {

Value Interpreter::operand(const Expression& e, std::size_t index) {
  return e.operands[index] ? evaluate(*e.operands[index]) : Value();
}

Value Interpreter::evaluate(const Expression& e) {
  const Level level(*this);
  heap_.step();
  switch (e.kind) {
    case Expression::Kind::Constant:
      return e.value;
    case Expression::Kind::Name:
      return lookup(e.text);
    case Expression::Kind::Captured:
      return captured_.back();
    case Expression::Kind::List:
    case Expression::Kind::Tuple: {
      std::vector<Value> items;
      for (const ExpressionPtr& item : e.operands) items.push_back(evaluate(*item));
      return e.kind == Expression::Kind::List ? heap_.list(std::move(items)) : heap_.tuple(std::move(items));
    }
    case Expression::Kind::Dict:
      return dict(e);
    case Expression::Kind::Attribute:
      return attribute_of(heap_, operand(e, 0), e.value);
    case Expression::Kind::Item:
      return item_of(heap_, operand(e, 0), operand(e, 1));
    case Expression::Kind::Slice:
      return slice_of(heap_, operand(e, 0), operand(e, 1), operand(e, 2), operand(e, 3));
    case Expression::Kind::Call:
      return call(e);
    case Expression::Kind::Filter:
      return filter(heap_, e.text, operand(e, 0), arguments_of(e));
    case Expression::Kind::Test:
      return test(heap_, e.text, operand(e, 0), arguments_of(e));
    case Expression::Kind::Unary:
      return unary(e);
    case Expression::Kind::Binary:
      return binary(e);
    case Expression::Kind::Compare:
      return compare(e);
    case Expression::Kind::Choice:
      return is_true(operand(e, 1)) ? operand(e, 0) : operand(e, 2);
    case Expression::Kind::Member:
      break;  // stands only where values are set
  }
  return {};
}

Value Interpreter::lookup(const std::string& name) {
  const Value* found = scope_->find(name);
  return found ? *found : global(name);
}

Value Interpreter::dict(const Expression& e) {
  Dict::Entries entries;
  for (std::size_t i = 0; i + 1 < e.operands.size(); i += 2)
    entries.emplace_back(evaluate(*e.operands[i]), evaluate(*e.operands[i + 1]));
  return std::make_shared<const Dict>(heap_, entries);
}

Value Interpreter::unary(const Expression& e) {
  const Value value = operand(e, 0);
  if (e.text == "not") return !is_true(value);
  if (value.real()) return e.text == "-" ? -*value.real() : *value.real();
  return jinja::binary(heap_, e.text, 0, value);
}

Value Interpreter::binary(const Expression& e) {
  Value left = operand(e, 0);
  if (e.text == "and") return is_true(left) ? operand(e, 1) : left;
  if (e.text == "or") return is_true(left) ? left : operand(e, 1);
  return jinja::binary(heap_, e.text, left, operand(e, 1));
}

Value Interpreter::compare(const Expression& e) {
  Value left = operand(e, 0), result;
  for (const Argument& argument : e.arguments) {
    Value right = evaluate(*argument.value);
    result = jinja::binary(heap_, argument.name, left, right);
    if (!is_true(result)) break;
    left = std::move(right);
  }
  return result;
}

Arguments Interpreter::arguments_of(const Expression& e) {
  Arguments arguments;
  for (const Argument& argument : e.arguments) {
    const Value value = evaluate(*argument.value);
    if (argument.kind == Argument::Kind::Items) {
      for (const Value& item : items_of(heap_, value)) arguments.by_position.push_back(item);
    } else if (argument.kind == Argument::Kind::Entries) {
      if (!value.dict()) throw Error("the chat template gives the names of something that is no dict");
      for (const auto& [key, item] : value.dict()->entries)
        arguments.by_name.emplace_back(to_text(heap_, key), item);
    } else if (argument.name.empty()) {
      arguments.by_position.push_back(value);
    } else {
      arguments.by_name.emplace_back(argument.name, value);
    }
  }
  return arguments;
}

Value Interpreter::call(const Expression& e, const Value* caller) {
  const Value callee = operand(e, 0);
  Arguments arguments = arguments_of(e);
  if (caller) arguments.by_name.emplace_back("caller", *caller);
  if (const auto* function = dynamic_cast<const Function*>(callee.object()))
    return function->call(heap_, arguments);
  if (const auto* macro = dynamic_cast<const Macro*>(callee.object()))
    return heap_.text(expand(*macro, arguments));
  if (const auto* loop = dynamic_cast<const Loop*>(callee.object()); loop && loop->recursive()) {
    Output out(heap_);
    const Value* items = arguments.find(0, "iterable");
    for_statement(*loop->recursive(), items ? *items : Value(), loop->depth() + 1, out);
    return heap_.text(out.take());
  }
  const Expression& name = *e.operands[0];
  const std::string word = name.kind == Expression::Kind::Attribute ? *name.value.text() : name.text;
  throw Error("line " + std::to_string(e.line) + " of the chat template calls " + in_quotes(word) +
              ", which is not supported: it is " + type_name(callee));
}

std::string Interpreter::expand(const Macro& macro, const Arguments& arguments) {
  const Level level(*this);
  const Signature& signature = *macro.statement().signature;
  const std::string name = signature.name.empty() ? "caller" : signature.name;
  const std::size_t count = signature.parameters.size();
  const Inner inner(*this, macro.scope());

  std::vector<Value> more;
  if (arguments.by_position.size() > count)
    more.assign(arguments.by_position.begin() + static_cast<std::ptrdiff_t>(count),
                arguments.by_position.end());
  if (!more.empty() && !signature.uses_varargs)
    throw Error("the chat template gives '" + name + "' more than its " + std::to_string(count) +
                " arguments");
  Dict::Entries others;
  Value caller;
  for (const auto& [given, value] : arguments.by_name) {
    const auto known = std::ranges::find(signature.parameters, given);
    const bool is_new = known - signature.parameters.begin() >= std::ssize(arguments.by_position);
    if (known != signature.parameters.end() && is_new) continue;
    if (given == "caller" && signature.uses_caller) {
      caller = value;
    } else if (signature.uses_kwargs) {
      others.emplace_back(heap_.text(given), value);
    } else {
      throw Error("the chat template gives '" + name + "' an argument '" + given +
                  "', which it does not take");
    }
  }
  if (signature.uses_caller) scope_->set("caller", caller);
  if (signature.uses_varargs) scope_->set("varargs", heap_.tuple(std::move(more)));
  if (signature.uses_kwargs) scope_->set("kwargs", std::make_shared<const Dict>(heap_, others));
  for (std::size_t i = 0; i < count; ++i) {
    const Value* given = arguments.find(i, signature.parameters[i]);
    scope_->set(signature.parameters[i], given                   ? *given
                                         : signature.defaults[i] ? evaluate(*signature.defaults[i])
                                                                 : Value());
  }
  Output out(heap_);
  execute(macro.statement().blocks[0], out);
  return out.take();
}

}  // namespace qkscope::jinja

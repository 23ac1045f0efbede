#include "core/text/jinja/expression_parser.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <utility>

namespace qkscope::jinja {

ExpressionPtr ExpressionParser::make(Expression::Kind kind, std::string text, int line) const {
  charge(sizeof(Expression) + text.size() + 64);
  auto node = std::make_unique<Expression>();
  node->kind = kind;
  node->text = std::move(text);
  node->line = line;
  return node;
}

ExpressionPtr ExpressionParser::constant(std::string text, int line) const {
  auto node = make(Expression::Kind::Constant, "", line);
  charge(text.size() + sizeof(Text));
  node->value = std::make_shared<const Text>(nullptr, std::move(text));
  return node;
}

/// Measures a node whose parts are complete. A chain of operators makes a tree as deep as the chain is long.
ExpressionPtr ExpressionParser::closed(ExpressionPtr node) const {
  for (const ExpressionPtr& operand : node->operands) {
    if (operand) node->depth = std::max(node->depth, operand->depth + 1);
  }
  for (const Argument& argument : node->arguments)
    node->depth = std::max(node->depth, argument.value->depth + 1);
  if (node->depth > 100) fail("is nested too deep");
  return node;
}

ExpressionPtr ExpressionParser::tuple_or_expression(bool choices) {
  const auto value = [&] { return choices ? expression() : or_expression(); };
  ExpressionPtr first = value();
  if (!sees(",")) return first;
  auto tuple = make(Expression::Kind::Tuple, "", token().line);
  tuple->operands.push_back(std::move(first));
  while (takes(",")) {
    if (token().kind == Kind::EndTag || token().kind == Kind::EndPrint || sees(")")) break;
    tuple->operands.push_back(value());
  }
  return closed(std::move(tuple));
}

// From the loosest operator to the tightest, as Jinja has them.

ExpressionPtr ExpressionParser::expression() {
  const Level level(*this);
  ExpressionPtr value = or_expression();
  while (sees_name("if")) {
    auto choice = make(Expression::Kind::Choice, "", next().line);
    choice->operands.push_back(std::move(value));
    choice->operands.push_back(or_expression());
    choice->operands.push_back(takes_name("else") ? expression() : nullptr);
    value = closed(std::move(choice));
  }
  return value;
}

ExpressionPtr ExpressionParser::binary(std::string sign, ExpressionPtr left, ExpressionPtr right) {
  auto node = make(Expression::Kind::Binary, std::move(sign), token().line);
  node->operands.push_back(std::move(left));
  node->operands.push_back(std::move(right));
  return closed(std::move(node));
}

ExpressionPtr ExpressionParser::or_expression() {
  ExpressionPtr left = and_expression();
  while (takes_name("or")) left = binary("or", std::move(left), and_expression());
  return left;
}

ExpressionPtr ExpressionParser::and_expression() {
  ExpressionPtr left = not_expression();
  while (takes_name("and")) left = binary("and", std::move(left), not_expression());
  return left;
}

ExpressionPtr ExpressionParser::unary(const std::string& sign, ExpressionPtr operand) {
  auto node = make(Expression::Kind::Unary, sign, token().line);
  node->operands.push_back(std::move(operand));
  return closed(std::move(node));
}

ExpressionPtr ExpressionParser::not_expression() {
  const Level level(*this);
  return takes_name("not") ? unary("not", not_expression()) : comparison();
}

/// a < b, or a < b < c, which means both.
ExpressionPtr ExpressionParser::comparison() {
  ExpressionPtr first = sum();
  ExpressionPtr node;
  while (true) {
    std::string sign;
    if (token().kind == Kind::Operator && is_comparison(token().text)) {
      sign = next().text;
    } else if (takes_name("in")) {
      sign = "in";
    } else if (sees_name("not") && token(1).is(Kind::Name, "in")) {
      skip(2);
      sign = "not in";
    } else {
      return node ? closed(std::move(node)) : std::move(first);
    }
    if (!node) {
      node = make(Expression::Kind::Compare, "", token().line);
      node->operands.push_back(std::move(first));
    }
    node->arguments.push_back({std::move(sign), sum()});
  }
}

bool ExpressionParser::is_comparison(std::string_view sign) {
  return sign == "==" || sign == "!=" || sign == "<" || sign == ">" || sign == "<=" || sign == ">=";
}

ExpressionPtr ExpressionParser::sum() {
  ExpressionPtr left = concatenation();
  while (sees("+") || sees("-")) {
    std::string sign = next().text;
    left = binary(std::move(sign), std::move(left), concatenation());
  }
  return left;
}

ExpressionPtr ExpressionParser::concatenation() {
  ExpressionPtr left = product();
  while (takes("~")) left = binary("~", std::move(left), product());
  return left;
}

ExpressionPtr ExpressionParser::product() {
  ExpressionPtr left = power();
  while (sees("*") || sees("/") || sees("//") || sees("%")) {
    std::string sign = next().text;
    left = binary(std::move(sign), std::move(left), power());
  }
  return left;
}

ExpressionPtr ExpressionParser::power() {
  ExpressionPtr left = signed_value();
  while (takes("**")) left = binary("**", std::move(left), signed_value());
  return left;
}

ExpressionPtr ExpressionParser::signed_value(bool with_filters) {
  const Level level(*this);
  ExpressionPtr value;
  if (sees("-") || sees("+")) {
    const std::string sign = next().text;
    value = postfix(unary(sign, signed_value(/*with_filters=*/false)));
  } else {
    value = postfix(primary());
  }
  return with_filters ? filtered(std::move(value)) : std::move(value);
}

ExpressionPtr ExpressionParser::primary() {
  const Token& first = token();
  if (first.kind == Kind::Name) return named(next());
  if (first.kind == Kind::String) {
    std::string text;
    while (token().kind == Kind::String) text += next().text;
    return constant(std::move(text), first.line);
  }
  if (first.kind == Kind::Number) return number(next());
  if (takes("(")) return in_brackets(first.line);
  if (takes("[")) {
    auto node = make(Expression::Kind::List, "", first.line);
    while (!takes("]")) {
      node->operands.push_back(expression());
      if (!sees("]")) expect(",");
    }
    return closed(std::move(node));
  }
  if (takes("{")) {
    auto node = make(Expression::Kind::Dict, "", first.line);
    while (!takes("}")) {
      node->operands.push_back(expression());
      expect(":");
      node->operands.push_back(expression());
      if (!sees("}")) expect(",");
    }
    return closed(std::move(node));
  }
  fail("has " + shown() + " where a value was expected");
}

/// A value in brackets, or a tuple.
ExpressionPtr ExpressionParser::in_brackets(int line) {
  if (takes(")")) return make(Expression::Kind::Tuple, "", line);
  ExpressionPtr value = tuple_or_expression();
  expect(")");
  return value;
}

ExpressionPtr ExpressionParser::named(const Token& first) {
  const std::string& name = first.text;
  const bool yes = name == "true" || name == "True", none = name == "none" || name == "None";
  if (!yes && !none && name != "false" && name != "False") return variable(first);
  auto node = make(Expression::Kind::Constant, "", first.line);
  node->value = none ? Value(Value::None{}) : Value(yes);
  return node;
}

ExpressionPtr ExpressionParser::variable(const Token& name) {
  reads_caller_ |= name.text == "caller";
  reads_varargs_ |= name.text == "varargs";
  reads_kwargs_ |= name.text == "kwargs";
  return make(Expression::Kind::Name, name.text, name.line);
}

ExpressionPtr ExpressionParser::number(const Token& first) {
  auto node = make(Expression::Kind::Constant, "", first.line);
  const char* end = first.text.data() + first.text.size();
  std::int64_t whole = 0;
  double real = 0;
  if (const auto found = std::from_chars(first.text.data(), end, whole);
      found.ptr == end && found.ec == std::errc()) {
    node->value = whole;
  } else if (first.text.find_first_of(".e") != std::string::npos &&
             std::from_chars(first.text.data(), end, real).ec == std::errc()) {
    node->value = real;
  } else {
    fail("has the number " + first.text + ", which is too large");
  }
  return node;
}

ExpressionPtr ExpressionParser::postfix(ExpressionPtr value) {
  while (true) {
    if (takes(".")) {
      const bool is_number = token().kind == Kind::Number;
      auto node = make(is_number ? Expression::Kind::Item : Expression::Kind::Attribute, "", token().line);
      node->operands.push_back(std::move(value));
      if (is_number) {
        node->operands.push_back(number(next()));
      } else {
        node->value = constant(name(), token().line)->value;
      }
      value = closed(std::move(node));
    } else if (takes("[")) {
      value = subscript(std::move(value));
    } else if (sees("(")) {
      value = called(std::move(value));
    } else {
      return value;
    }
  }
}

ExpressionPtr ExpressionParser::called(ExpressionPtr value) {
  auto node = make(Expression::Kind::Call, "", next().line);
  node->operands.push_back(std::move(value));
  node->arguments = arguments();
  return closed(std::move(node));
}

ExpressionPtr ExpressionParser::subscript(ExpressionPtr value) {
  auto node = make(Expression::Kind::Item, "", token().line);
  node->operands.push_back(std::move(value));
  node->operands.push_back(sees(":") ? nullptr : tuple_or_expression());
  if (sees(":")) node->kind = Expression::Kind::Slice;
  while (takes(":")) node->operands.push_back(sees(":") || sees("]") ? nullptr : expression());
  expect("]");
  if (node->kind == Expression::Kind::Slice) {
    if (node->operands.size() > 4) fail("has a slice of more than three parts");
    node->operands.resize(4);
  }
  return closed(std::move(node));
}

/// After the opening bracket.
std::vector<Argument> ExpressionParser::arguments() {
  std::vector<Argument> arguments;
  while (!takes(")")) {
    Argument argument;
    if (takes("**")) {
      argument.kind = Argument::Kind::Entries;
    } else if (takes("*")) {
      argument.kind = Argument::Kind::Items;
    } else if (token().kind == Kind::Name && token(1).is(Kind::Operator, "=")) {
      argument.name = name();
      skip();
    }
    const bool by_position = argument.name.empty() && argument.kind == Argument::Kind::Plain;
    if (by_position && !arguments.empty() && !arguments.back().name.empty())
      fail("has an argument without a name after one with a name");
    argument.value = expression();
    arguments.push_back(std::move(argument));
    if (!sees(")")) expect(",");
  }
  return arguments;
}

std::string ExpressionParser::dotted_name() {
  std::string all = name();
  while (takes(".")) all += "." + name();
  return all;
}

ExpressionPtr ExpressionParser::filter(ExpressionPtr value) {
  auto node = make(Expression::Kind::Filter, dotted_name(), token().line);
  node->operands.push_back(std::move(value));
  if (takes("(")) node->arguments = arguments();
  return closed(std::move(node));
}

ExpressionPtr ExpressionParser::filtered(ExpressionPtr value) {
  while (true) {
    if (takes("|")) {
      value = filter(std::move(value));
    } else if (sees("(")) {
      value = called(std::move(value));
    } else if (takes_name("is")) {
      const bool negated = takes_name("not");
      auto node = make(Expression::Kind::Test, dotted_name(), token().line);
      node->operands.push_back(std::move(value));
      if (takes("(")) {
        node->arguments = arguments();
      } else if (begins_value()) {
        node->arguments.push_back({"", postfix(primary())});
      }
      value = negated ? unary("not", closed(std::move(node))) : closed(std::move(node));
    } else {
      return value;
    }
  }
}

/// Whether a test's argument follows without brackets: x is equalto 'y'.
bool ExpressionParser::begins_value() const {
  if (token().kind == Kind::String || token().kind == Kind::Number) return true;
  if (token().kind == Kind::Name) {
    for (const std::string_view word : {"and", "or", "not", "is", "in", "if", "else"}) {
      if (token().text == word) return false;
    }
    return true;
  }
  return sees("[") || sees("{");
}

}  // namespace qkscope::jinja

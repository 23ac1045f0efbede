#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/model/jinja/cursor.h"
#include "core/model/jinja/syntax.h"

namespace qkscope::jinja {

ExpressionPtr make(Expression::Kind kind, std::string text, int line);

/// Reads expressions, from the loosest operator to the tightest, as Jinja has them.
class ExpressionParser : protected Cursor {
 protected:
  using Cursor::Cursor;

  /// A value, or several with commas between them.
  ExpressionPtr tuple_or_expression();
  ExpressionPtr expression();
  /// One without `if`, which a `for` keeps for itself.
  ExpressionPtr or_expression();
  /// `value` with the filters and tests that follow.
  ExpressionPtr filtered(ExpressionPtr value);

 private:
  ExpressionPtr closed(ExpressionPtr node) const;
  ExpressionPtr binary(std::string sign, ExpressionPtr left, ExpressionPtr right);
  ExpressionPtr and_expression();
  ExpressionPtr unary(const std::string& sign, ExpressionPtr operand);
  ExpressionPtr not_expression();
  ExpressionPtr comparison();
  static bool is_comparison(std::string_view sign);
  ExpressionPtr sum();
  ExpressionPtr concatenation();
  ExpressionPtr product();
  ExpressionPtr signed_value();
  ExpressionPtr primary();
  ExpressionPtr in_brackets(int line);
  static ExpressionPtr named(const Token& first);
  ExpressionPtr number(const Token& first);
  ExpressionPtr postfix(ExpressionPtr value);
  ExpressionPtr subscript(ExpressionPtr value);
  std::vector<Argument> arguments();
  bool begins_value() const;
};

}  // namespace qkscope::jinja

#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/text/jinja/cursor.h"
#include "core/text/jinja/syntax.h"

namespace qkscope::jinja {

/// Reads expressions, from the loosest operator to the tightest, as Jinja has them.
class ExpressionParser : protected Cursor {
 protected:
  using Cursor::Cursor;

  ExpressionPtr make(Expression::Kind kind, std::string text, int line) const;
  ExpressionPtr constant(std::string text, int line) const;
  /// Measures a node whose parts are complete.
  ExpressionPtr closed(ExpressionPtr node) const;
  /// A value, or several with commas between them: a tuple. `choices` false: without `if`, which a `for`
  /// keeps for itself.
  ExpressionPtr tuple_or_expression(bool choices = true);
  ExpressionPtr expression();
  /// `value` with the filters, tests and calls that follow; the first filter may stand without its bar.
  ExpressionPtr filtered(ExpressionPtr value);
  ExpressionPtr filter(ExpressionPtr value);
  /// The name of a variable that is read.
  ExpressionPtr variable(const Token& name);

  // Whether the names that macros have only where they use them were read.
  bool reads_caller_ = false, reads_varargs_ = false, reads_kwargs_ = false;

 private:
  ExpressionPtr or_expression();
  ExpressionPtr binary(std::string sign, ExpressionPtr left, ExpressionPtr right);
  ExpressionPtr and_expression();
  ExpressionPtr unary(const std::string& sign, ExpressionPtr operand);
  ExpressionPtr not_expression();
  ExpressionPtr comparison();
  static bool is_comparison(std::string_view sign);
  ExpressionPtr sum();
  ExpressionPtr concatenation();
  ExpressionPtr product();
  ExpressionPtr power();
  ExpressionPtr signed_value(bool with_filters = true);
  ExpressionPtr primary();
  ExpressionPtr in_brackets(int line);
  ExpressionPtr named(const Token& first);
  ExpressionPtr number(const Token& first);
  ExpressionPtr postfix(ExpressionPtr value);
  ExpressionPtr subscript(ExpressionPtr value);
  ExpressionPtr called(ExpressionPtr value);
  std::vector<Argument> arguments();
  std::string dotted_name();
  bool begins_value() const;
};

}  // namespace qkscope::jinja

#pragma once
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/model/jinja/template.h"

namespace qkscope::jinja {

struct Expression;
using ExpressionPtr = std::unique_ptr<Expression>;

struct Argument {
  std::string name;  // empty for one given by position
  ExpressionPtr value;
};

struct Expression {
  enum class Kind {
    Constant,   // value
    Name,       // text
    List,       // operands
    Dict,       // operands: key, value, key, value ...
    Attribute,  // operands[0].text
    Item,       // operands[0][operands[1]]
    Slice,      // operands[0][operands[1]:operands[2]:operands[3]], absent ones null
    Call,       // operands[0](arguments)
    Filter,     // operands[0] | text(arguments)
    Test,       // operands[0] is text(arguments)
    Unary,      // text is "not", "-" or "+"
    Binary,     // text is the operator
    Compare,    // operands[0], then each of the arguments compared with the one before: name is the operator
    Choice      // operands[0] if operands[1] else operands[2] (null: undefined)
  };
  Kind kind = Kind::Constant;
  std::string text;
  Value value;
  std::vector<ExpressionPtr> operands;
  std::vector<Argument> arguments;
  int line = 0;
  int depth = 1;  // levels of the tree from here down
};

struct Statement {
  enum class Kind { Text, Print, If, For, Set, SetBlock, Macro, Break, Continue, Group };
  Kind kind = Kind::Text;
  std::string text{};                // Text; the name of a SetBlock or Macro, or of the namespace of a Set
  std::string member{};              // Set: what is set in a namespace; empty for a plain variable
  std::vector<std::string> names{};  // variables of a For or Set, parameters of a Macro
  std::vector<ExpressionPtr>
      expressions{};            // If: one a branch; For: iterable and filter (or null); Macro: defaults
  std::vector<Block> blocks{};  // If: one a branch and the else; For: body and else
  int line = 0;
};

struct Block {
  std::vector<Statement> statements;
};

}  // namespace qkscope::jinja

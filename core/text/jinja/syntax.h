#pragma once
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/text/jinja/value.h"

namespace qkscope::jinja {

struct Expression;
using ExpressionPtr = std::unique_ptr<Expression>;

struct Argument {
  enum class Kind { Plain, Items, Entries };  // value, *value, **value
  std::string name;                           // empty for one given by position
  ExpressionPtr value;
  Kind kind = Kind::Plain;
};

struct Expression {
  enum class Kind {
    Constant,   // value
    Name,       // text
    Member,     // text.value as the target of a set: a name in a namespace
    List,       // operands
    Tuple,      // operands
    Dict,       // operands: key, value, key, value ...
    Attribute,  // operands[0].value
    Item,       // operands[0][operands[1]]
    Slice,      // operands[0][operands[1]:operands[2]:operands[3]], absent ones null
    Call,       // operands[0](arguments)
    Filter,     // operands[0] | text(arguments)
    Test,       // operands[0] is text(arguments)
    Unary,      // text is "not", "-" or "+"
    Binary,     // text is the operator
    Compare,    // operands[0], then each of the arguments compared with the one before: name is the operator
    Choice,     // operands[0] if operands[1] else operands[2] (null: undefined)
    Captured    // the text of the block around it
  };
  Kind kind = Kind::Constant;
  std::string text;
  Value value;
  std::vector<ExpressionPtr> operands;
  std::vector<Argument> arguments;
  int line = 0;
  int depth = 1;  // levels of the tree from here down
};

struct Statement;
struct Block {
  std::vector<Statement> statements;
};

/// What a macro, or the body of a call block, takes.
struct Signature {
  std::string name{};  // empty: the body of a call block
  std::vector<std::string> parameters{};
  std::vector<ExpressionPtr> defaults{};  // one for each parameter, or null
  // Which of the names that are there only where they are used its body uses.
  bool uses_caller = false, uses_varargs = false, uses_kwargs = false;
};

struct Statement {
  enum class Kind {
    Text,         // text
    Print,        // expressions[0]
    If,           // a condition in expressions for every block but the else
    For,          // targets[0], expressions: iterable and filter (or null); blocks: body and else
    Set,          // targets[0] = expressions[0]
    SetBlock,     // targets[0] = expressions[0], over the block's text
    FilterBlock,  // prints expressions[0], over the block's text
    With,         // targets[i] = expressions[i] in the block
    Macro,        // signature
    CallBlock,    // prints expressions[0], a call that is given the block as `caller`
    Scope,        // a block with variables of its own
    Break,
    Continue,
    Unknown  // the tag text: refused where it is reached
  };
  Kind kind = Kind::Text;
  std::string text{};
  std::vector<ExpressionPtr> targets{};  // names, members or tuples of them
  std::vector<ExpressionPtr> expressions{};
  std::unique_ptr<Signature> signature{};
  std::vector<Block> blocks{};
  bool recursive = false;  // For
  int line = 0;
};

}  // namespace qkscope::jinja

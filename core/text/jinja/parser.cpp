#include "core/text/jinja/parser.h"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <utility>

#include "core/text/jinja/expression_parser.h"

namespace qkscope::jinja {
namespace {

/// Tags that only ever go on with or end what another one has begun.
bool continues(std::string_view tag) {
  constexpr std::array<std::string_view, 13> words = {
      "elif",      "else",    "endif",  "endfor",   "endset",        "endmacro",     "endcall",
      "endfilter", "endwith", "endraw", "endblock", "endgeneration", "endautoescape"};
  return std::ranges::find(words, tag) != words.end();
}

class Parser : ExpressionParser {
 public:
  Parser(const std::vector<Token>& tokens, Budget& budget) : ExpressionParser(tokens, budget) {}

  Block run() {
    Block block = statements({});
    if (token().kind != Kind::End) fail("has an unexpected tag " + shown());
    return block;
  }

 private:
  /// Up to the tag, one of `ends`, that closes this block; that tag's name is left to be read.
  Block statements(std::initializer_list<std::string_view> ends) {
    const Level level(*this);
    Block block;
    while (token().kind != Kind::End) {
      const int line = token().line;
      charge(2 * sizeof(Statement));
      if (token().kind == Kind::Text) {
        charge(token().text.size());
        block.statements.push_back({.text = next().text, .line = line});
      } else if (token().kind == Kind::BeginPrint) {
        skip();
        Statement statement{.kind = Statement::Kind::Print, .line = line};
        statement.expressions.push_back(tuple_or_expression());
        expect(Kind::EndPrint, "'}}'");
        block.statements.push_back(std::move(statement));
      } else {
        expect(Kind::BeginTag, "a tag");
        if (std::ranges::find(ends, token().text) != ends.end()) return block;
        block.statements.push_back(statement());
        block.statements.back().line = line;
      }
    }
    if (ends.size() > 0) fail("ends before the tag '" + std::string(*ends.begin()) + "'");
    return block;
  }

  void end_tag() { expect(Kind::EndTag, "'%}'"); }

  /// The block behind this tag, up to and with the tag `end`.
  Block body(std::string_view end) {
    end_tag();
    Block block = statements({end});
    skip();
    return block;
  }

  Statement statement() {
    const std::string tag = name();
    if (continues(tag)) fail("has an unexpected tag '" + tag + "'");
    if (tag == "if") return if_statement();
    if (tag == "for") return for_statement();
    if (tag == "set") return set_statement();
    if (tag == "with") return with_statement();
    if (tag == "macro") return macro_statement();
    if (tag == "call") return call_statement();
    if (tag == "filter") return filter_statement();
    if (tag == "break" || tag == "continue") {
      if (loops_ == 0) fail("has a '" + tag + "' outside a loop");
      end_tag();
      return {.kind = tag == "break" ? Statement::Kind::Break : Statement::Kind::Continue};
    }
    if (tag == "generation" || tag == "block") {
      // Hugging Face's mark around what the assistant says; a part that a template of another file, which is
      // never there, could replace.
      while (tag == "block" && token().kind == Kind::Name) skip();
      Statement scope{.kind = Statement::Kind::Scope};
      scope.blocks.push_back(body("end" + tag));
      if (tag == "block" && token().kind == Kind::Name) skip();
      end_tag();
      return scope;
    }
    if (tag == "print") return print_statement();
    // Nothing is escaped anyway, as in transformers' environment.
    if (tag == "autoescape" && (sees_name("false") || sees_name("False"))) {
      skip();
      Statement scope{.kind = Statement::Kind::Scope};
      scope.blocks.push_back(body("endautoescape"));
      end_tag();
      return scope;
    }
    while (token().kind != Kind::EndTag && token().kind != Kind::End) skip();
    end_tag();
    return {.kind = Statement::Kind::Unknown, .text = tag};
  }

  Statement print_statement() {
    Statement all{.kind = Statement::Kind::Scope};
    all.blocks.emplace_back();
    while (token().kind != Kind::EndTag) {
      if (!all.blocks[0].statements.empty()) expect(",");
      all.blocks[0].statements.push_back({.kind = Statement::Kind::Print, .line = token().line});
      all.blocks[0].statements.back().expressions.push_back(expression());
    }
    end_tag();
    return all;
  }

  Statement if_statement() {
    Statement statement{.kind = Statement::Kind::If};
    statement.expressions.push_back(tuple_or_expression(/*choices=*/false));
    end_tag();
    while (true) {
      statement.blocks.push_back(statements({"endif", "elif", "else"}));
      const std::string tag = name();
      if (tag == "elif") statement.expressions.push_back(tuple_or_expression(/*choices=*/false));
      if (tag == "else") statement.blocks.push_back(body("endif"));
      end_tag();
      if (tag != "elif") return statement;
    }
  }

  Statement for_statement() {
    Statement statement{.kind = Statement::Kind::For};
    statement.targets.push_back(target());
    if (!takes_name("in")) fail("has a 'for' without 'in'");
    statement.expressions.push_back(tuple_or_expression(/*choices=*/false));
    statement.expressions.push_back(takes_name("if") ? expression() : nullptr);
    statement.recursive = takes_name("recursive");
    end_tag();
    ++loops_;
    statement.blocks.push_back(statements({"endfor", "else"}));
    --loops_;
    if (name() == "else") statement.blocks.push_back(body("endfor"));
    end_tag();
    return statement;
  }

  /// What is given a value: a name, a name in a namespace, or several of them.
  ExpressionPtr target() {
    ExpressionPtr first = single_target();
    if (!sees(",")) return first;
    auto tuple = make(Expression::Kind::Tuple, "", token().line);
    tuple->operands.push_back(std::move(first));
    while (takes(",")) {
      if (token().kind == Kind::EndTag || sees("=") || sees(")") || sees_name("in")) break;
      tuple->operands.push_back(single_target());
    }
    return closed(std::move(tuple));
  }

  ExpressionPtr single_target() {
    const Level level(*this);
    if (takes("(")) {
      ExpressionPtr inner = target();
      expect(")");
      return inner;
    }
    auto place = make(Expression::Kind::Name, name(), token().line);
    if (takes(".")) {
      place->kind = Expression::Kind::Member;
      place->value = constant(name(), token().line)->value;
    }
    return place;
  }

  Statement set_statement() {
    Statement statement{.kind = Statement::Kind::Set};
    statement.targets.push_back(target());
    if (takes("=")) {
      statement.expressions.push_back(tuple_or_expression());
      end_tag();
      return statement;
    }
    statement.kind = Statement::Kind::SetBlock;
    if (statement.targets[0]->kind == Expression::Kind::Tuple || !(sees("|") || token().kind == Kind::EndTag))
      fail("has " + shown() + " where '=' was expected");
    statement.expressions.push_back(filtered(make(Expression::Kind::Captured, "", token().line)));
    statement.blocks.push_back(body("endset"));
    end_tag();
    return statement;
  }

  Statement filter_statement() {
    Statement statement{.kind = Statement::Kind::FilterBlock};
    statement.expressions.push_back(filtered(filter(make(Expression::Kind::Captured, "", token().line))));
    statement.blocks.push_back(body("endfilter"));
    end_tag();
    return statement;
  }

  Statement with_statement() {
    Statement statement{.kind = Statement::Kind::With};
    while (token().kind != Kind::EndTag) {
      if (!statement.targets.empty()) expect(",");
      statement.targets.push_back(single_target());
      expect("=");
      statement.expressions.push_back(expression());
    }
    statement.blocks.push_back(body("endwith"));
    end_tag();
    return statement;
  }

  void parameters(Signature& signature) {
    expect("(");
    while (!takes(")")) {
      signature.parameters.push_back(name());
      signature.defaults.push_back(takes("=") ? expression() : nullptr);
      if (!signature.defaults.back() && signature.defaults.size() > 1 && *(signature.defaults.end() - 2))
        fail("has a parameter without a default after one with a default");
      if (!sees(")")) expect(",");
    }
  }

  /// The block that `signature` belongs to, and which special names it uses.
  Block macro_body(Signature& signature, std::string_view end) {
    const bool caller = std::exchange(reads_caller_, false), varargs = std::exchange(reads_varargs_, false),
               kwargs = std::exchange(reads_kwargs_, false);
    const int loops = std::exchange(loops_, 0);  // a loop around a macro is none of its own
    Block block = body(end);
    loops_ = loops;
    signature.uses_caller = std::exchange(reads_caller_, reads_caller_ || caller);
    signature.uses_varargs = std::exchange(reads_varargs_, reads_varargs_ || varargs);
    signature.uses_kwargs = std::exchange(reads_kwargs_, reads_kwargs_ || kwargs);
    return block;
  }

  Statement macro_statement() {
    Statement statement{.kind = Statement::Kind::Macro};
    statement.signature = std::make_unique<Signature>();
    statement.signature->name = name();
    parameters(*statement.signature);
    statement.blocks.push_back(macro_body(*statement.signature, "endmacro"));
    end_tag();
    return statement;
  }

  Statement call_statement() {
    Statement statement{.kind = Statement::Kind::CallBlock};
    statement.signature = std::make_unique<Signature>();
    if (sees("(")) parameters(*statement.signature);
    statement.expressions.push_back(expression());
    if (statement.expressions[0]->kind != Expression::Kind::Call)
      fail("has a 'call' block that calls nothing");
    statement.blocks.push_back(macro_body(*statement.signature, "endcall"));
    end_tag();
    return statement;
  }

  int loops_ = 0;  // around the current tag
};

}  // namespace

Block parse(const std::vector<Token>& tokens, Budget& budget) {
  return Parser(tokens, budget).run();
}

}  // namespace qkscope::jinja

#include "core/model/jinja/parser.h"

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "core/model/jinja/expression_parser.h"

namespace qkscope::jinja {
namespace {

class Parser : ExpressionParser {
 public:
  explicit Parser(const std::vector<Token>& tokens) : ExpressionParser(tokens) {}

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
      if (token().kind == Kind::Text) {
        block.statements.push_back({.text = next().text, .line = line});
      } else if (token().kind == Kind::BeginPrint) {
        skip();
        Statement statement{.kind = Statement::Kind::Print, .line = line};
        statement.expressions.push_back(expression());
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

  Statement statement() {
    const std::string tag = name();
    if (tag == "if") return if_statement();
    if (tag == "for") return for_statement();
    if (tag == "set") return set_statement();
    if (tag == "macro") return macro_statement();
    if (tag == "break" || tag == "continue") {
      if (loops_ == 0) fail("has a '" + tag + "' outside a loop");
      end_tag();
      return {.kind = tag == "break" ? Statement::Kind::Break : Statement::Kind::Continue};
    }
    if (tag == "generation") {  // Hugging Face's mark around what the assistant says
      end_tag();
      Statement group{.kind = Statement::Kind::Group};
      group.blocks.push_back(statements({"endgeneration"}));
      skip();
      end_tag();
      return group;
    }
    fail("has the tag '" + tag + "', which is not supported");
  }

  Statement if_statement() {
    Statement statement{.kind = Statement::Kind::If};
    statement.expressions.push_back(expression());
    end_tag();
    while (true) {
      statement.blocks.push_back(statements({"endif", "elif", "else"}));
      const std::string tag = name();
      if (tag == "elif") statement.expressions.push_back(expression());
      end_tag();
      if (tag == "endif") return statement;
      if (tag == "else") {
        statement.blocks.push_back(statements({"endif"}));
        skip();
        end_tag();
        return statement;
      }
    }
  }

  Statement for_statement() {
    Statement statement{.kind = Statement::Kind::For};
    const bool in_brackets = takes("(");
    statement.names = names();
    if (in_brackets) expect(")");
    if (!takes_name("in")) fail("has a 'for' without 'in'");
    statement.expressions.push_back(or_expression());
    statement.expressions.push_back(takes_name("if") ? expression() : nullptr);
    end_tag();
    ++loops_;
    statement.blocks.push_back(statements({"endfor", "else"}));
    --loops_;
    if (name() == "else") {
      end_tag();
      statement.blocks.push_back(statements({"endfor"}));
      skip();
    }
    end_tag();
    return statement;
  }

  Statement set_statement() {
    Statement statement{.kind = Statement::Kind::Set, .names = names()};
    if (statement.names.size() == 1 && takes(".")) {
      statement.text = std::move(statement.names[0]);
      statement.member = name();
    }
    if (takes("=")) {
      statement.expressions.push_back(tuple_or_expression());
      end_tag();
      return statement;
    }
    statement.kind = Statement::Kind::SetBlock;
    statement.text = statement.names[0];
    if (statement.names.size() > 1 || !statement.member.empty() ||
        !(sees("|") || token().kind == Kind::EndTag))
      fail("has " + shown() + " where '=' was expected");
    // What filters there are go over the block's text.
    auto block = make(Expression::Kind::Name, statement.text, token().line);
    statement.expressions.push_back(filtered(std::move(block)));
    end_tag();
    statement.blocks.push_back(statements({"endset"}));
    skip();
    end_tag();
    return statement;
  }

  std::vector<std::string> names() {
    std::vector<std::string> names = {name()};
    while (takes(",")) names.push_back(name());
    return names;
  }

  Statement macro_statement() {
    Statement statement{.kind = Statement::Kind::Macro, .text = name()};
    expect("(");
    while (!takes(")")) {
      statement.names.push_back(name());
      statement.expressions.push_back(takes("=") ? expression() : nullptr);
      if (!sees(")")) expect(",");
    }
    end_tag();
    const int loops = std::exchange(loops_, 0);  // a loop around a macro is none of its own
    statement.blocks.push_back(statements({"endmacro"}));
    loops_ = loops;
    skip();
    end_tag();
    return statement;
  }

  int loops_ = 0;  // around the current tag
};

}  // namespace

Block parse(const std::vector<Token>& tokens) {
  return Parser(tokens).run();
}

}  // namespace qkscope::jinja

#include "core/model/jinja/parser.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <initializer_list>
#include <utility>

#include "core/error.h"
#include "core/model/wording.h"

namespace qkscope::jinja {
namespace {

using Kind = Token::Kind;

ExpressionPtr make(Expression::Kind kind, std::string text, int line) {
  auto node = std::make_unique<Expression>();
  node->kind = kind;
  node->text = std::move(text);
  node->line = line;
  return node;
}

// A file may nest as deep as it likes and chain as much.
constexpr int most_levels = 200;
constexpr int most_links = 90;

class Parser {
 public:
  explicit Parser(const std::vector<Token>& tokens) : tokens_(tokens) {}

  Block run() {
    Block block = statements({});
    if (token().kind != Kind::End) fail("has an unexpected tag " + shown());
    return block;
  }

 private:
  [[noreturn]] void fail(const std::string& problem) const {
    throw Error("line " + std::to_string(token().line) + " of the chat template " + problem);
  }
  const Token& token(std::size_t ahead = 0) const {
    return tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
  }
  std::string shown() const { return token().kind == Kind::End ? "its end" : in_quotes(token().text); }
  const Token& next() { return tokens_[std::min(at_++, tokens_.size() - 1)]; }
  bool sees(std::string_view sign) const { return token().is(Kind::Operator, sign); }
  bool sees_name(std::string_view name) const { return token().is(Kind::Name, name); }
  bool takes(std::string_view sign) { return sees(sign) && (++at_, true); }
  bool takes_name(std::string_view name) { return sees_name(name) && (++at_, true); }
  void expect(std::string_view sign) {
    if (!takes(sign)) fail("has " + shown() + " where '" + std::string(sign) + "' was expected");
  }
  void expect(Kind kind, const char* what) {
    if (token().kind != kind) fail("has " + shown() + " where " + what + " was expected");
    ++at_;
  }
  std::string name() {
    if (token().kind != Kind::Name) fail("has " + shown() + " where a name was expected");
    return next().text;
  }

  /// Guards the recursion.
  class Level {
   public:
    explicit Level(Parser& parser) : parser_(parser) {
      if (++parser_.depth_ > most_levels) parser_.fail("is nested too deep");
    }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;
    ~Level() { --parser_.depth_; }

   private:
    Parser& parser_;
  };

  /// Guards the tree that a chain of operators makes, which is as deep as the chain is long.
  void link(int& links) const {
    if (++links > most_links) fail("is nested too deep");
  }

  /// Up to the tag, one of `ends`, that closes this block; that tag's name is left to be read.
  Block statements(std::initializer_list<std::string_view> ends) {
    const Level level(*this);
    Block block;
    while (token().kind != Kind::End) {
      const int line = token().line;
      if (token().kind == Kind::Text) {
        block.statements.push_back({.text = next().text, .line = line});
      } else if (token().kind == Kind::BeginPrint) {
        ++at_;
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
      ++at_;
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
        ++at_;
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
      ++at_;
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
    ++at_;
    end_tag();
    return statement;
  }

  std::vector<std::string> names() {
    std::vector<std::string> names = {name()};
    while (takes(",")) names.push_back(name());
    return names;
  }

  /// A value, or several with commas between them.
  ExpressionPtr tuple_or_expression() {
    ExpressionPtr value = expression();
    if (!sees(",")) return value;
    auto tuple = make(Expression::Kind::List, "", token().line);
    tuple->operands.push_back(std::move(value));
    while (takes(",")) {
      if (token().kind != Kind::EndTag && !sees(")")) tuple->operands.push_back(expression());
    }
    return tuple;
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
    ++at_;
    end_tag();
    return statement;
  }

  // From the loosest operator to the tightest, as Jinja has them.

  ExpressionPtr expression() {
    const Level level(*this);
    ExpressionPtr value = or_expression();
    for (int links = 0; sees_name("if"); link(links)) {
      auto choice = make(Expression::Kind::Choice, "", next().line);
      choice->operands.push_back(std::move(value));
      choice->operands.push_back(or_expression());
      choice->operands.push_back(takes_name("else") ? expression() : nullptr);
      value = std::move(choice);
    }
    return value;
  }

  ExpressionPtr binary(std::string sign, ExpressionPtr left, ExpressionPtr right) {
    auto node = make(Expression::Kind::Binary, std::move(sign), token().line);
    node->operands.push_back(std::move(left));
    node->operands.push_back(std::move(right));
    return node;
  }

  ExpressionPtr or_expression() {
    ExpressionPtr left = and_expression();
    for (int links = 0; takes_name("or"); link(links)) left = binary("or", std::move(left), and_expression());
    return left;
  }

  ExpressionPtr and_expression() {
    ExpressionPtr left = not_expression();
    for (int links = 0; takes_name("and"); link(links))
      left = binary("and", std::move(left), not_expression());
    return left;
  }

  ExpressionPtr unary(const std::string& sign, ExpressionPtr operand) {
    auto node = make(Expression::Kind::Unary, sign, token().line);
    node->operands.push_back(std::move(operand));
    return node;
  }

  ExpressionPtr not_expression() {
    const Level level(*this);
    return takes_name("not") ? unary("not", not_expression()) : comparison();
  }

  /// a < b, or a < b < c, which means both.
  ExpressionPtr comparison() {
    ExpressionPtr first = sum();
    ExpressionPtr node;
    while (true) {
      std::string sign;
      if (token().kind == Kind::Operator && is_comparison(token().text)) {
        sign = next().text;
      } else if (takes_name("in")) {
        sign = "in";
      } else if (sees_name("not") && token(1).is(Kind::Name, "in")) {
        at_ += 2;
        sign = "not in";
      } else {
        return node ? std::move(node) : std::move(first);
      }
      if (!node) {
        node = make(Expression::Kind::Compare, "", token().line);
        node->operands.push_back(std::move(first));
      }
      node->arguments.push_back({std::move(sign), sum()});
    }
  }

  static bool is_comparison(std::string_view sign) {
    return sign == "==" || sign == "!=" || sign == "<" || sign == ">" || sign == "<=" || sign == ">=";
  }

  ExpressionPtr sum() {
    ExpressionPtr left = concatenation();
    for (int links = 0; sees("+") || sees("-"); link(links)) {
      std::string sign = next().text;
      left = binary(std::move(sign), std::move(left), concatenation());
    }
    return left;
  }

  ExpressionPtr concatenation() {
    ExpressionPtr left = product();
    for (int links = 0; takes("~"); link(links)) left = binary("~", std::move(left), product());
    return left;
  }

  ExpressionPtr product() {
    ExpressionPtr left = signed_value();
    for (int links = 0; sees("*") || sees("/") || sees("//") || sees("%"); link(links)) {
      std::string sign = next().text;
      left = binary(std::move(sign), std::move(left), signed_value());
    }
    return left;
  }

  ExpressionPtr signed_value() {
    const Level level(*this);
    if (sees("-") || sees("+")) {
      const std::string sign = next().text;
      return filtered(unary(sign, postfix(primary())));
    }
    return filtered(postfix(primary()));
  }

  ExpressionPtr primary() {
    const Token& first = next();
    if (first.kind == Kind::Name) return named(first);
    if (first.kind == Kind::String) {
      std::string text = first.text;
      while (token().kind == Kind::String) text += next().text;
      auto node = make(Expression::Kind::Constant, "", first.line);
      node->value = std::move(text);
      return node;
    }
    if (first.kind == Kind::Number) return number(first);
    if (first.is(Kind::Operator, "(")) return in_brackets(first.line);
    if (first.is(Kind::Operator, "[")) {
      auto node = make(Expression::Kind::List, "", first.line);
      while (!takes("]")) {
        node->operands.push_back(expression());
        if (!sees("]")) expect(",");
      }
      return node;
    }
    if (first.is(Kind::Operator, "{")) {
      auto node = make(Expression::Kind::Dict, "", first.line);
      while (!takes("}")) {
        node->operands.push_back(expression());
        expect(":");
        node->operands.push_back(expression());
        if (!sees("}")) expect(",");
      }
      return node;
    }
    --at_;
    fail("has " + shown() + " where a value was expected");
  }

  /// A value in brackets, or a tuple, which is as good as a list here.
  ExpressionPtr in_brackets(int line) {
    if (takes(")")) return make(Expression::Kind::List, "", line);
    ExpressionPtr value = tuple_or_expression();
    expect(")");
    return value;
  }

  static ExpressionPtr named(const Token& first) {
    const std::string& name = first.text;
    auto node = make(Expression::Kind::Constant, "", first.line);
    if (name == "true" || name == "True") {
      node->value = true;
    } else if (name == "false" || name == "False") {
      node->value = false;
    } else if (name != "none" && name != "None") {
      node->kind = Expression::Kind::Name;
      node->text = name;
    }
    return node;
  }

  ExpressionPtr number(const Token& first) {
    auto node = make(Expression::Kind::Constant, "", first.line);
    const char* end = first.text.data() + first.text.size();
    std::int64_t whole = 0;
    double real = 0;
    if (std::from_chars(first.text.data(), end, whole).ptr == end) {
      node->value = whole;
    } else if (std::from_chars(first.text.data(), end, real).ptr == end) {
      node->value = real;
    } else {
      fail("has the number " + first.text + ", which is too large");
    }
    return node;
  }

  ExpressionPtr postfix(ExpressionPtr value) {
    for (int links = 0;; link(links)) {
      if (takes(".")) {
        auto node = make(Expression::Kind::Attribute, name(), token().line);
        node->operands.push_back(std::move(value));
        value = std::move(node);
      } else if (takes("[")) {
        value = subscript(std::move(value));
      } else if (sees("(")) {
        auto node = make(Expression::Kind::Call, "", next().line);
        node->operands.push_back(std::move(value));
        node->arguments = arguments();
        value = std::move(node);
      } else {
        return value;
      }
    }
  }

  ExpressionPtr subscript(ExpressionPtr value) {
    auto node = make(Expression::Kind::Item, "", token().line);
    node->operands.push_back(std::move(value));
    node->operands.push_back(sees(":") ? nullptr : expression());
    if (sees(":")) node->kind = Expression::Kind::Slice;
    while (takes(":")) node->operands.push_back(sees(":") || sees("]") ? nullptr : expression());
    expect("]");
    if (node->kind == Expression::Kind::Slice) node->operands.resize(4);
    return node;
  }

  /// After the opening bracket.
  std::vector<Argument> arguments() {
    std::vector<Argument> arguments;
    while (!takes(")")) {
      Argument argument;
      if (token().kind == Kind::Name && token(1).is(Kind::Operator, "=")) {
        argument.name = name();
        ++at_;
      }
      argument.value = expression();
      arguments.push_back(std::move(argument));
      if (!sees(")")) expect(",");
    }
    return arguments;
  }

  ExpressionPtr filtered(ExpressionPtr value) {
    for (int links = 0;; link(links)) {
      if (takes("|")) {
        auto node = make(Expression::Kind::Filter, name(), token().line);
        node->operands.push_back(std::move(value));
        if (takes("(")) node->arguments = arguments();
        value = std::move(node);
      } else if (takes_name("is")) {
        const bool negated = takes_name("not");
        auto node = make(Expression::Kind::Test, name(), token().line);
        node->operands.push_back(std::move(value));
        if (takes("(")) {
          node->arguments = arguments();
        } else if (begins_value()) {
          node->arguments.push_back({"", postfix(primary())});
        }
        value = negated ? unary("not", std::move(node)) : std::move(node);
      } else {
        return value;
      }
    }
  }

  /// Whether a test's argument follows without brackets: x is equalto 'y'.
  bool begins_value() const {
    if (token().kind == Kind::String || token().kind == Kind::Number) return true;
    if (token().kind == Kind::Name) {
      for (const std::string_view word : {"and", "or", "not", "is", "in", "if", "else"}) {
        if (token().text == word) return false;
      }
      return true;
    }
    return sees("[") || sees("{");
  }

  const std::vector<Token>& tokens_;
  std::size_t at_ = 0;
  int depth_ = 0;
  int loops_ = 0;  // around the current tag
};

}  // namespace

Block parse(const std::vector<Token>& tokens) {
  return Parser(tokens).run();
}

}  // namespace qkscope::jinja

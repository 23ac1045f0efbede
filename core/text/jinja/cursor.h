#pragma once
#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/budget.h"
#include "core/base/error.h"
#include "core/base/wording.h"
#include "core/text/jinja/lexer.h"

namespace qkscope::jinja {

/// A place among the tokens of a template, and what a parser asks there. Guards its recursion: a file may
/// nest as deep as it likes.
class Cursor {
 protected:
  using Kind = Token::Kind;

  Cursor(const std::vector<Token>& tokens, Budget& budget) : budget_(budget), tokens_(tokens) {}

  [[noreturn]] void fail(const std::string& problem) const {
    throw Error("line " + std::to_string(token().line) + " of the chat template " + problem);
  }
  const Token& token(std::size_t ahead = 0) const {
    return tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
  }
  std::string shown() const { return token().kind == Kind::End ? "its end" : in_quotes(token().text); }
  const Token& next() { return tokens_[std::min(at_++, tokens_.size() - 1)]; }
  void skip(std::size_t count = 1) { at_ += count; }
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

  /// The bytes that one more node of the tree takes.
  void charge(std::size_t bytes) const {
    budget_.step();
    budget_.charge(bytes);
  }

  /// One level of nesting, for as long as it lives.
  class Level {
   public:
    explicit Level(Cursor& cursor) : cursor_(cursor) {
      if (++cursor_.depth_ > 200) cursor_.fail("is nested too deep");
    }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;
    ~Level() { --cursor_.depth_; }

   private:
    Cursor& cursor_;
  };

 private:
  Budget& budget_;
  const std::vector<Token>& tokens_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace qkscope::jinja

#include "core/text/tokenizer/pattern.h"

#include <oniguruma.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <mutex>
#include <optional>

#include "core/base/error.h"
#include "core/base/utf8.h"
#include "core/base/wording.h"

namespace qkscope {
namespace {

const OnigUChar* bytes(std::string_view text) {
  return reinterpret_cast<const OnigUChar*>(text.data());
}

std::string message(int code, const OnigErrorInfo* info = nullptr) {
  OnigUChar text[ONIG_MAX_ERROR_MESSAGE_LEN] = {};
  const int length = info ? onig_error_code_to_str(text, code, info) : onig_error_code_to_str(text, code);
  return {reinterpret_cast<const char*>(text), static_cast<std::size_t>(std::max(length, 0))};
}

struct RegionDeleter {
  void operator()(OnigRegion* region) const { onig_region_free(region, 1); }
};
struct ParamDeleter {
  void operator()(OnigMatchParam* param) const { onig_free_match_param(param); }
};

}  // namespace

class Pattern::Code {
 public:
  explicit Code(std::string_view expression) {
    static std::mutex one_at_a_time;  // onig_new builds tables that all share
    const std::lock_guard lock(one_at_a_time);
    static const int ready = [] {
      OnigEncoding encoding = ONIG_ENCODING_UTF8;
      return onig_initialize(&encoding, 1);
    }();
    OnigErrorInfo info{};
    // Options and syntax as in Rust's Regex::new(), which tokenizers calls.
    const int code = ready != ONIG_NORMAL
                         ? ready
                         : onig_new(&regex_, bytes(expression), bytes(expression) + expression.size(),
                                    ONIG_OPTION_NONE, ONIG_ENCODING_UTF8, ONIG_SYNTAX_DEFAULT, &info);
    if (code != ONIG_NORMAL) {
      throw Error("the regular expression " + in_quotes(expression) +
                  " is not valid: " + valid_utf8(message(code, &info)));
    }
    // \G stands where a search begins, which must then be where the last match ended.
    searches_whole_ = expression.find("\\G") != std::string_view::npos;
  }
  Code(const Code&) = delete;
  Code& operator=(const Code&) = delete;
  ~Code() { onig_free(regex_); }

  OnigRegex get() const { return regex_; }
  bool searches_whole() const { return searches_whole_; }

 private:
  OnigRegex regex_ = nullptr;
  bool searches_whole_ = false;
};

namespace {

/// One walk through one text. Oniguruma cannot be interrupted, so the budget is asked between attempts, each
/// of which ends soon: a search where the text is short or there is little to try, else a match at one place.
class Matcher {
 public:
  Matcher(OnigRegex regex, bool searches_whole, std::string_view text, const std::string& expression,
          Budget& budget)
      : regex_(regex),
        text_(text),
        expression_(expression),
        budget_(budget),
        may_search_(searches_whole || text.size() <= short_text),
        must_search_(searches_whole),
        region_(onig_region_new()),
        param_(onig_new_match_param()) {
    if (!region_ || !param_) throw std::bad_alloc();
    if (text.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
      throw Error("a text of " + std::to_string(text.size()) + " bytes is too long for a regular expression");
    }
    onig_initialize_match_param(param_.get());
    onig_set_match_stack_limit_size_of_match_param(param_.get(), most_stack);
  }

  /// The first match that begins at or after `from`.
  std::optional<Span> find(std::size_t from) {
    if (may_search_) {
      budget_.step(1 + text_.size() / 64);
      look();
      const int found = search(from);
      const bool gave_up =
          found == ONIGERR_RETRY_LIMIT_IN_SEARCH_OVER || found == ONIGERR_RETRY_LIMIT_IN_MATCH_OVER;
      if (found == ONIG_MISMATCH) return std::nullopt;
      if (!gave_up || must_search_) return matched(found);
    }
    for (std::size_t at = from;; at += std::max<std::size_t>(character_length(text_.substr(at)), 1)) {
      const std::size_t rest = text_.size() - at;
      budget_.step(1 + rest / 4096);
      const int found = patient_match(at);
      if (found != ONIG_MISMATCH) return matched(found);
      if (rest == 0) return std::nullopt;
    }
  }

 private:
  int search(std::size_t from) {
    onig_region_clear(region_.get());
    const std::size_t retries =
        must_search_ ? std::clamp(costly_steps / 4 / (text_.size() + 1), few_retries, most_retries)
                     : few_retries;
    onig_set_retry_limit_in_match_of_match_param(param_.get(), retries);
    onig_set_retry_limit_in_search_of_match_param(param_.get(), retries);
    const OnigUChar* end = bytes(text_) + text_.size();
    return onig_search_with_param(regex_, bytes(text_), end, bytes(text_) + from, end, region_.get(),
                                  ONIG_OPTION_NONE, param_.get());
  }
  /// A retry costs anything between one step and a walk to the end of the text, and only the clock tells
  /// which: so there are few at first, then twice as many, and the budget is asked in between.
  int patient_match(std::size_t at) {
    const std::size_t rest = text_.size() - at + 1;
    const std::size_t most = std::min(most_retries, std::max(costly_steps / rest, 4 * rest + 100'000));
    std::size_t retries = std::clamp<std::size_t>(first_steps / rest, 32, few_retries);
    while (true) {
      look();
      const int found = match(at, retries);
      if (found != ONIGERR_RETRY_LIMIT_IN_MATCH_OVER || retries >= most) return found;
      retries = std::min(2 * retries, most);
    }
  }
  /// Has the budget look at its clock where time enough has passed to matter.
  void look() {
    const auto now = std::chrono::steady_clock::now();
    if (now - looked_ < std::chrono::milliseconds(20)) return;
    looked_ = now;
    budget_.step(Budget::steps_between_looks);
  }
  int match(std::size_t at, std::size_t retries) {
    onig_region_clear(region_.get());
    onig_set_retry_limit_in_match_of_match_param(param_.get(), retries);
    return onig_match_with_param(regex_, bytes(text_), bytes(text_) + text_.size(), bytes(text_) + at,
                                 region_.get(), ONIG_OPTION_NONE, param_.get());
  }
  Span matched(int found) const {
    if (found < 0) {
      throw Error(budget_.what() + " has the regular expression " + in_quotes(expression_) +
                  ", which failed on a text: " + message(found));
    }
    return {static_cast<std::size_t>(region_->beg[0]), static_cast<std::size_t>(region_->end[0])};
  }

  static constexpr std::size_t short_text = 8192;  // its square is still quick
  static constexpr std::size_t few_retries = 20'000;
  static constexpr std::size_t first_steps = 50'000'000;  // a tenth of a second, where each retry is a walk
  // At one place, as many retries as Oniguruma allows by itself; fewer in a long text, where each can cost a
  // walk to its end, but always some for every byte.
  static constexpr std::size_t most_retries = 10'000'000;
  static constexpr std::size_t costly_steps = 3'000'000'000;
  static constexpr unsigned most_stack = 1 << 23;  // entries of 40 bytes

  OnigRegex regex_;
  std::string_view text_;
  const std::string& expression_;
  Budget& budget_;
  bool may_search_, must_search_;
  std::unique_ptr<OnigRegion, RegionDeleter> region_;
  std::unique_ptr<OnigMatchParam, ParamDeleter> param_;
  std::chrono::steady_clock::time_point looked_ = std::chrono::steady_clock::now();
};

}  // namespace

Pattern Pattern::literal(std::string text) {
  Pattern pattern(std::move(text));
  if (pattern.text_.empty()) pattern.code_ = std::make_shared<const Code>("");  // between all characters
  return pattern;
}

Pattern Pattern::regex(std::string_view expression, Budget& budget) {
  // A class such as \p{L} takes kilobytes when compiled, and microseconds.
  budget.charge(expression.size() * 4096);
  budget.step(1 + expression.size() * 16);
  Pattern pattern{std::string(expression)};
  pattern.code_ = std::make_shared<const Code>(expression);
  return pattern;
}

std::vector<Span> Pattern::find_all(std::string_view text, Budget& budget) const {
  std::vector<Span> spans;
  if (text.empty()) return spans;
  Charge held(budget, 0);
  if (!code_) {
    for (std::size_t at = 0; (at = text.find(text_, at)) != std::string_view::npos; at += text_.size()) {
      budget.step();
      held.add(sizeof(Span));
      spans.push_back({at, at + text_.size()});
    }
    budget.step(1 + text.size() / 64);
    return spans;
  }
  // As the iterator of Rust's onig (onig/src/find.rs): after a match that has a width, the next one that has
  // none is passed over, however far away.
  Matcher matcher(code_->get(), code_->searches_whole(), text, text_, budget);
  bool skip_empty = false;
  for (std::size_t from = 0; from <= text.size();) {
    const std::optional<Span> span = matcher.find(from);
    if (!span) break;
    from = span->end;
    if (span->begin == span->end) {
      from += std::max<std::size_t>(character_length(text.substr(from)), 1);
      if (std::exchange(skip_empty, false)) continue;
    } else {
      skip_empty = true;
    }
    held.add(sizeof(Span));
    spans.push_back(*span);
  }
  return spans;
}

}  // namespace qkscope

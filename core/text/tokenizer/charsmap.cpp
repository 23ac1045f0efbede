#include "core/text/tokenizer/charsmap.h"

#include <unicode/brkiter.h>
#include <unicode/utext.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "core/base/error.h"
#include "core/base/utf8.h"
#include "core/text/tokenizer/base64.h"
#include "core/text/tokenizer/characters.h"

namespace qkscope {
namespace {

class Charsmap {
 public:
  Charsmap(std::string_view base64, Budget& budget) {
    budget.charge(base64.size());
    budget.step(1 + base64.size() / 16);
    const std::optional<std::string> bytes = from_base64(base64);
    std::uint32_t size = 0;
    if (!bytes || bytes->size() < sizeof size) throw Error("is not a table of replacements in base64");
    std::memcpy(&size, bytes->data(), sizeof size);
    if (size % sizeof(std::uint32_t) != 0 || size == 0 || size > bytes->size() - sizeof size)
      throw Error("is damaged: its trie does not fit");
    units_.resize(size / sizeof(std::uint32_t));
    std::memcpy(units_.data(), bytes->data() + sizeof size, size);
    texts_ = bytes->substr(sizeof size + size);
    if (valid_utf8(texts_) != texts_) throw Error("is damaged: its replacements are no UTF-8");
  }

  std::string operator()(std::string text, Budget& budget) const {
    budget.step(1 + text.size() / 4);
    std::string out;
    const auto add = [&](std::string_view part) {
      const std::optional<std::string_view> found = find(part);
      if (found) {
        budget.charge(found->size());
        out += *found;
      }
      return found.has_value();
    };
    each_cluster(text, [&](std::string_view cluster) {
      // A cluster is replaced by what its shortest prefix stands for.
      if (cluster.size() < 6 && add(cluster)) return;
      each_character(cluster, [&](UChar32, std::size_t begin, std::size_t end) {
        const std::string_view part = cluster.substr(begin, end - begin);
        if (!add(part)) {
          budget.charge(part.size());
          out += part;
        }
      });
    });
    budget.refund(text.size());
    return out;
  }

 private:
  struct CloseText {
    void operator()(UText* text) const { utext_close(text); }
  };

  template <typename Found>
  static void each_cluster(std::string_view text, const Found& found) {
    UErrorCode status = U_ZERO_ERROR;
    const std::unique_ptr<UText, CloseText> opened(
        utext_openUTF8(nullptr, text.data(), static_cast<std::int64_t>(text.size()), &status));
    const std::unique_ptr<icu::BreakIterator> breaks(
        icu::BreakIterator::createCharacterInstance(icu::Locale::getRoot(), status));
    if (U_SUCCESS(status)) breaks->setText(opened.get(), status);
    if (U_FAILURE(status))
      throw Error(std::string("cutting a text into characters failed: ") + u_errorName(status));
    for (std::int32_t begin = breaks->first(), end = breaks->next(); end != icu::BreakIterator::DONE;
         begin = std::exchange(end, breaks->next())) {
      found(text.substr(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin)));
    }
  }

  /// What the shortest entry that `key` begins with is replaced by (darts-clone: a unit holds a label, an
  /// offset, and whether a value follows).
  std::optional<std::string_view> find(std::string_view key) const {
    std::size_t at = offset(units_[0]);
    for (const char c : key) {
      const auto byte = static_cast<unsigned char>(c);
      at ^= byte;
      if (byte == 0 || at >= units_.size() || (units_[at] & 0x8000'00FFU) != byte) return std::nullopt;
      const std::uint32_t unit = units_[at];
      at ^= offset(unit);
      if ((unit >> 8 & 1U) == 0) continue;
      if (at >= units_.size()) return std::nullopt;
      const std::size_t place = units_[at] & 0x7FFF'FFFFU;
      if (place >= texts_.size() || U8_IS_TRAIL(texts_[place])) return std::nullopt;
      const std::string_view rest = std::string_view(texts_).substr(place);
      return rest.substr(0, rest.find('\0'));
    }
    return std::nullopt;
  }
  static std::size_t offset(std::uint32_t unit) { return std::size_t{unit >> 10} << ((unit & 0x200U) >> 6); }

  std::vector<std::uint32_t> units_;
  std::string texts_;
};

}  // namespace

Normalizer charsmap(std::string_view base64, Budget& budget) {
  return [map = std::make_shared<const Charsmap>(base64, budget)](std::string text, Budget& spent) {
    return (*map)(std::move(text), spent);
  };
}

}  // namespace qkscope

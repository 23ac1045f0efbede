#include "core/text/tokenizer/unigram_model.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <utility>

#include "core/base/error.h"
#include "core/base/utf8.h"
#include "core/text/tokenizer/fallback_byte.h"

namespace qkscope {
namespace {

/// The tokens of a vocabulary, byte by byte.
class Trie {
 public:
  void add(std::string_view text, int id, Budget& budget) {
    std::uint32_t node = 0;
    for (const char c : text) {
      const auto [child, is_new] =
          children_.try_emplace(key(node, c), static_cast<std::uint32_t>(ids_.size()));
      if (is_new) {
        budget.charge(64);
        ids_.push_back(-1);
      }
      node = child->second;
    }
    budget.step(1 + text.size() / 8);
    ids_[node] = id;
  }

  /// Calls `found(length, id)` for every token that `text` begins with, the shortest first.
  template <typename Found>
  void prefixes(std::string_view text, const Found& found) const {
    std::uint32_t node = 0;
    for (std::size_t length = 1; length <= text.size(); ++length) {
      const auto child = children_.find(key(node, text[length - 1]));
      if (child == children_.end()) return;
      node = child->second;
      if (ids_[node] >= 0) found(length, ids_[node]);
    }
  }

 private:
  static std::uint64_t key(std::uint32_t node, char c) {
    return std::uint64_t{node} << 8 | static_cast<unsigned char>(c);
  }

  std::vector<int> ids_ = {-1};  // of a node; -1: no token ends there
  std::unordered_map<std::uint64_t, std::uint32_t> children_;
};

class UnigramModel : public TextModel {
 public:
  UnigramModel(UnigramSettings settings, const TokenIndex& index, Budget& budget)
      : settings_(std::move(settings)), index_(index) {
    for (const auto& [text, id] : index_) trie_.add(text, id, budget);
    byte_ids_.fill(-1);
    if (settings_.byte_fallback) {
      for (const auto& [text, id] : index_) {
        if (const auto byte = fallback_byte(text)) byte_ids_[*byte] = id;
      }
    }
    double least = std::numeric_limits<double>::infinity();
    for (const double score : settings_.scores) least = std::min(least, score);
    unknown_score_ = least - 10;
  }

  void encode(std::string_view piece, TokenIds& ids, Budget& budget) const override {
    const Charge held(budget, (piece.size() + 1) * (sizeof(Node) + sizeof(Span)));
    const std::vector<Node> nodes = best_ways(piece, budget);
    std::vector<Span> path;
    for (std::int64_t end = std::ssize(piece); end > 0; end = path.back().begin) {
      const Node& node = nodes[static_cast<std::size_t>(end)];
      const bool joins = !path.empty() && node.id == settings_.unknown && path.back().id == node.id;
      if (joins) {
        path.back().begin = node.begin;
      } else {
        path.push_back({node.begin, end, node.id});
      }
    }
    for (auto span = path.rbegin(); span != path.rend(); ++span) {
      const auto text = piece.substr(static_cast<std::size_t>(span->begin),
                                     static_cast<std::size_t>(span->end - span->begin));
      put(text, ids);
    }
    budget.charge(piece.size() * sizeof(int));
  }

 private:
  /// The best way to the end of a stretch: its last token and where that begins.
  struct Node {
    double score = 0;
    std::int64_t begin = -1;  // -1: none found yet
    int id = -1;
  };
  struct Span {
    std::int64_t begin, end;
    int id;
  };

  std::vector<Node> best_ways(std::string_view piece, Budget& budget) const {
    std::vector<Node> nodes(piece.size() + 1);
    std::size_t length = 0;
    for (std::size_t at = 0; at < piece.size(); at += length) {
      length = character_length(piece.substr(at));
      const double so_far = nodes[at].score;
      bool has_single = false;
      const auto consider = [&](std::size_t size, int id, double score) {
        Node& node = nodes[at + size];
        if (node.begin < 0 || score > node.score) node = {score, static_cast<std::int64_t>(at), id};
      };
      std::size_t tried = 0;
      trie_.prefixes(piece.substr(at), [&](std::size_t size, int id) {
        consider(size, id, so_far + settings_.scores[static_cast<std::size_t>(id)]);
        has_single |= size == length;
        tried = size;
      });
      budget.step(1 + tried / 8);
      if (has_single) continue;
      if (!settings_.unknown) {
        throw Error(budget.what() +
                    " has no token for a character of the text and no unknown token (unk_id)");
      }
      consider(length, *settings_.unknown, so_far + unknown_score_);
    }
    return nodes;
  }

  void put(std::string_view text, TokenIds& ids) const {
    const auto byte_id = [&](char c) { return byte_ids_[static_cast<unsigned char>(c)]; };
    if (const auto found = index_.find(text); found != index_.end()) {
      ids.push_back(found->second);
    } else if (settings_.byte_fallback &&
               std::ranges::all_of(text, [&](char c) { return byte_id(c) >= 0; })) {
      for (const char c : text) ids.push_back(byte_id(c));
    } else {
      ids.push_back(*settings_.unknown);
    }
  }

  UnigramSettings settings_;
  const TokenIndex& index_;
  Trie trie_;
  std::array<int, 256> byte_ids_{};  // of "<0xE6>"; -1 for none
  double unknown_score_ = 0;
};

}  // namespace

std::unique_ptr<TextModel> unigram_model(UnigramSettings settings, const TokenIndex& index, Budget& budget) {
  return std::make_unique<UnigramModel>(std::move(settings), index, budget);
}

}  // namespace qkscope

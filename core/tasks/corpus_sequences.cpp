#include "core/tasks/corpus_sequences.h"

#include <algorithm>
#include <filesystem>
#include <numeric>
#include <random>

#include "core/base/budget.h"
#include "core/base/draw.h"
#include "core/base/error.h"
#include "core/base/wording.h"
#include "core/io/corpus.h"
#include "core/text/tokenizer.h"

namespace qkscope {

namespace {

/// `count` of the indices below `of`, drawn without replacement, in their order.
std::vector<std::size_t> drawn(std::size_t of, std::size_t count, std::mt19937_64& engine) {
  std::vector<std::size_t> indices(of);
  std::iota(indices.begin(), indices.end(), std::size_t{0});
  count = std::min(count, of);
  draw(indices, count, engine);
  indices.resize(count);
  std::ranges::sort(indices);
  return indices;
}

/// What stands in front of every sequence.
TokenIds beginning(const Tokenizer& tokenizer, bool bos) {
  if (!bos) return {};
  const std::optional<int> token = tokenizer.bos() ? tokenizer.bos() : tokenizer.eos();
  if (!token) {
    throw Error(tokenizer.name() +
                " has neither a BOS nor an EOS token: begin the sequences without one (--bos off)");
  }
  return {*token};
}

}  // namespace

TokenIds sequence_of(const Tokenizer& tokenizer, bool bos, const std::string& text) {
  TokenIds ids = beginning(tokenizer, bos);
  const TokenIds rest = tokenizer.encode(text, /*parse_special=*/false);
  ids.insert(ids.end(), rest.begin(), rest.end());
  if (ids.empty()) throw Error("The sentence is empty: there is not one token to run");
  return ids;
}

std::vector<TokenIds> sequences_of(const Tokenizer& tokenizer, const CorpusChoice& choice,
                                   const std::string& file, std::stop_token stop) {
  Budget budget("The corpus " + in_quotes(file), std::move(stop), Budget::usual_bytes,
                std::chrono::minutes(2));
  const std::vector<std::string> documents = read_documents(file, choice.column, budget);
  std::mt19937_64 engine(choice.seed);
  std::string text;
  for (const std::size_t i : drawn(documents.size(), static_cast<std::size_t>(choice.documents), engine))
    text += (text.empty() ? "" : choice.join) + documents[i];
  const TokenIds start = beginning(tokenizer, choice.bos),
                 ids = tokenizer.encode(text, /*parse_special=*/false, budget);
  const std::size_t piece = static_cast<std::size_t>(choice.context_length) - start.size();
  const auto sequence = [&](std::size_t from, std::size_t count) {
    TokenIds made = start;
    const auto first = ids.begin() + static_cast<std::ptrdiff_t>(from);
    made.insert(made.end(), first, first + static_cast<std::ptrdiff_t>(count));
    return made;
  };
  std::vector<TokenIds> sequences;
  if (ids.size() < piece) {
    if (ids.empty()) throw Error(in_quotes(file) + " holds no token");
    sequences.push_back(sequence(0, ids.size()));
    return sequences;
  }
  for (const std::size_t i : drawn(ids.size() / piece, static_cast<std::size_t>(choice.sequences), engine))
    sequences.push_back(sequence(i * piece, piece));
  return sequences;
}

std::string dataset_name(const std::string& file) {
  std::filesystem::path name = std::filesystem::path(file).filename();
  while (name.has_extension()) name = name.stem();
  return name.string();
}

}  // namespace qkscope

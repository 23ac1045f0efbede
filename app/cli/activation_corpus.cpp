#include "app/cli/activation_corpus.h"

#include <algorithm>
#include <numeric>
#include <random>

#include "core/base/budget.h"
#include "core/base/draw.h"
#include "core/base/wording.h"
#include "core/io/corpus.h"

namespace qkscope::cli {

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
TokenIds beginning(const LanguageModel& model, const Options& options) {
  if (options.bos == Bos::Off) return {};
  const Tokenizer& tokenizer = model.tokenizer();
  const std::optional<int> token = tokenizer.bos() ? tokenizer.bos() : tokenizer.eos();
  if (!token) throw Error(tokenizer.name() + " has neither a BOS nor an EOS token: give --bos off");
  return {*token};
}

}  // namespace

TokenIds sequence_of(const LanguageModel& model, const Options& options, const std::string& text) {
  TokenIds ids = beginning(model, options);
  const TokenIds rest = model.tokenizer().encode(text, /*parse_special=*/false);
  ids.insert(ids.end(), rest.begin(), rest.end());
  if (ids.empty()) throw Error("The sentence is empty: there is not one token to run");
  return ids;
}

std::vector<TokenIds> sequences_of(const LanguageModel& model, const Context& context,
                                   const std::string& file) {
  const ActivationOptions& asked = context.options.activations;
  Budget budget("The corpus " + in_quotes(file), context.stop, Budget::usual_bytes, std::chrono::minutes(2));
  const std::vector<std::string> documents = read_documents(file, asked.column, budget);
  std::mt19937_64 engine(asked.seed);
  std::string text;
  for (const std::size_t i : drawn(documents.size(), static_cast<std::size_t>(asked.documents), engine))
    text += (text.empty() ? "" : asked.join) + documents[i];
  const TokenIds start = beginning(model, context.options),
                 ids = model.tokenizer().encode(text, /*parse_special=*/false, budget);
  const std::size_t piece = static_cast<std::size_t>(asked.context_length) - start.size();
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
  for (const std::size_t i : drawn(ids.size() / piece, static_cast<std::size_t>(asked.sequences), engine))
    sequences.push_back(sequence(i * piece, piece));
  return sequences;
}

}  // namespace qkscope::cli

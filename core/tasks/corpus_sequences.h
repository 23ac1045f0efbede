#pragma once
#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "core/base/array.h"

namespace qkscope {

class Tokenizer;

/// Which sequences of a corpus an experiment reads.
struct CorpusChoice {
  std::string column = "text";  // the key of .jsonl and column of .csv that holds the text
  std::string join = "\n\n";    // between two documents
  int context_length = 256;     // tokens of a sequence, BOS included; at least 2
  int sequences = 8;            // at most so many of each file ...
  int documents = 500;          // ... of so many documents
  bool bos = true;              // in front of every sequence
  std::uint64_t seed = 42;      // of what is drawn
  bool operator==(const CorpusChoice&) const = default;
};

/// `text` as one sequence, with BOS in front where `bos`; where the tokenizer has none, EOS stands for it, as
/// published. Throws Error where it has neither.
TokenIds sequence_of(const Tokenizer& tokenizer, bool bos, const std::string& text);

/// The sequences of one corpus file: `documents` of its documents, drawn and joined, cut into pieces of
/// `context_length`, of which `sequences` are drawn, in the order of the text. A text that is shorter than
/// one piece is a sequence of its own. Throws Error, or Cancelled.
std::vector<TokenIds> sequences_of(const Tokenizer& tokenizer, const CorpusChoice& choice,
                                   const std::string& file, std::stop_token stop = {});

/// The name of a corpus file without its endings: "wiki" of wiki.txt.gz.
std::string dataset_name(const std::string& file);

}  // namespace qkscope

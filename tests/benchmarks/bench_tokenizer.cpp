// How fast a tokenizer encodes, on one core; on request the ids, for tests/goldens/compare_tokenizers.py.
//
//     bench_tokenizer [MODEL [TEXTS.json [IDS.json]]]
//
// MODEL is a folder or a GGUF file, by default the default model; TEXTS.json a list of texts.
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "core/base/budget.h"
#include "core/base/error.h"
#include "core/io/mapped_file.h"
#include "core/model/language_model.h"
#include "core/text/tokenizer/loaders.h"

using namespace qkscope;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

std::unique_ptr<Tokenizer> open(const fs::path& path) {
  Budget budget("The tokenizer");
  std::vector<std::string> notes;
  if (fs::is_directory(path)) {
    std::ifstream file(path / "config.json");
    const bool gpt2 = fs::exists(path / "merges.txt");
    const json config = file ? json::parse(file) : gpt2 ? json{{"model_type", "gpt2"}} : json::object();
    return folder_tokenizer(path, config, budget, notes);
  }
  const MappedFile file(path);
  const std::string name = path.string();
  return gguf_tokenizer(parse_gguf(file.bytes(), name, budget).metadata, name, budget, notes);
}

/// Words, numbers, signs, several scripts, runs of spaces: about 1 MB, a paragraph each.
std::vector<std::string> mixed_texts() {
  const std::vector<std::string> pieces = {"The quick brown fox jumps over the lazy dog, again and again.",
                                           "int main() {\n    return a[i] != 0;\n}",
                                           "In 1969, 650 million people (20 %) watched.",
                                           "Größe, café, naïve: Ångström",
                                           "Русский язык и Ελληνικά",
                                           "中文分词测试，你好世界。",
                                           "日本語のテキスト",
                                           "العربية مِن اليَمين",
                                           "हिन्दी भाषा में",
                                           "🙂🙃 👩‍👩‍👧‍👦 👍🏽",
                                           "        deep        inside",
                                           "https://example.org/a?b=c&d=%20#e",
                                           "supercalifragilisticexpialidocious"};
  std::vector<std::string> texts;
  unsigned state = 1;
  for (std::size_t bytes = 0; bytes < 1'000'000; bytes += texts.back().size()) {
    texts.emplace_back();
    for (int i = 0; i < 12; ++i) {
      state = state * 1664525U + 1013904223U;
      texts.back() +=
          pieces[(state >> 16) % pieces.size()] + (i % 4 == 3 ? "\n" : " ") + std::to_string(state % 977);
    }
  }
  return texts;
}

int run(const fs::path& model, const char* texts_file, const char* ids_file) {
  const std::unique_ptr<Tokenizer> tokenizer = open(model);
  std::vector<std::string> texts = mixed_texts();
  if (texts_file) {
    std::ifstream file(texts_file);
    texts = json::parse(file).get<std::vector<std::string>>();
  }
  std::vector<TokenIds> ids;
  ids.reserve(texts.size());
  std::size_t bytes = 0, tokens = 0;
  const std::clock_t begin = std::clock();  // processor time: other programs do not count
  for (const std::string& text : texts) ids.push_back(tokenizer->encode(text));
  const double took = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
  for (const std::string& text : texts) bytes += text.size();
  for (const TokenIds& one : ids) tokens += one.size();
  std::printf("%s: %.2f MB/s, %.2f million tokens/s\n", tokenizer->kind().c_str(),
              static_cast<double>(bytes) / 1e6 / took, static_cast<double>(tokens) / 1e6 / took);
  if (ids_file) {
    std::vector<std::string> decoded;
    for (const TokenIds& one : ids) decoded.push_back(tokenizer->decode(one));
    std::ofstream(ids_file) << json{{"ids", ids}, {"decoded", decoded}};
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc > 1 ? argv[1] : find_model(default_model_name()), argc > 2 ? argv[2] : nullptr,
               argc > 3 ? argv[3] : nullptr);
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}

#include "core/io/text_rows.h"

#include <zlib.h>

#include <algorithm>
#include <memory>

#include "core/base/budget.h"
#include "core/base/error.h"
#include "core/base/wording.h"

namespace qkscope {

std::string read_maybe_gzipped(const std::filesystem::path& path, Budget& budget) {
  if (std::filesystem::is_directory(path))
    throw Error("Cannot read " + in_quotes(path.string()) + ": it is a folder; give a text file");
  const std::unique_ptr<gzFile_s, int (*)(gzFile)> file(gzopen(path.c_str(), "rb"), gzclose);
  if (!file) throw Error("Cannot open " + in_quotes(path.string()) + "; give a text file that can be read");
  std::string text;
  std::string piece(std::size_t{1} << 20, '\0');
  for (;;) {
    const int count = gzread(file.get(), piece.data(), static_cast<unsigned>(piece.size()));
    int problem = Z_OK;
    const char* words = gzerror(file.get(), &problem);
    if (count < 0 || (problem != Z_OK && problem != Z_STREAM_END)) {
      throw Error("Cannot read " + in_quotes(path.string()) + ": its gzip stream is damaged (" + words +
                  "); fetch it again");
    }
    if (count == 0) return text;
    budget.charge(static_cast<std::uint64_t>(count));
    budget.step();
    text.append(piece, 0, static_cast<std::size_t>(count));
  }
}

void refuse_row(const std::filesystem::path& path, std::size_t line, const std::string& what) {
  throw Error(in_quotes(path.string()) + ", line " + std::to_string(line) + ": " + what);
}

void each_line(std::string_view text,
               const std::function<void(std::string_view line, std::size_t number)>& use) {
  std::size_t number = 0;
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    const std::string_view line = text.substr(start, end - start);
    start = end + 1;
    ++number;
    if (line.find_first_not_of(" \t\r") != line.npos) use(line, number);
  }
}

std::vector<std::string> csv_row(const std::filesystem::path& path, const std::string& text, std::size_t& at,
                                 std::size_t& line) {
  std::vector<std::string> fields(1);
  const std::size_t first = line;
  bool quoted = false;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '\n') ++line;
    if (quoted) {
      if (c != '"') {
        fields.back() += c;
      } else if (at + 1 < text.size() && text[at + 1] == '"') {
        fields.back() += text[++at];
      } else {
        quoted = false;
      }
    } else if (c == '"' && fields.back().empty()) {
      quoted = true;
    } else if (c == ',') {
      fields.emplace_back();
    } else if (c == '\n') {
      ++at;
      break;
    } else if (c != '\r') {
      fields.back() += c;
    }
  }
  if (quoted) refuse_row(path, first, "a quoted field has no end");
  return fields;
}

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == text.npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

}  // namespace qkscope

#include "app/cli/massive_dump.h"

#include <iostream>

#include "core/analysis/dump_layout.h"
#include "core/base/budget.h"
#include "core/base/wording.h"
#include "core/io/dump_file.h"

namespace qkscope::cli {

namespace {

/// The layouts that --layout leaves open, the likeliest first. How wide a head is no shape tells.
LayoutGuess allowed(const std::vector<Shape>& shapes, const Options& options) {
  if (!options.layout) {
    LayoutGuess guess = guess_layout(shapes);
    std::erase_if(guess.layouts, [](const DumpLayout& layout) { return layout.order == AxisOrder::Flat; });
    return guess;
  }
  for (const Shape& shape : shapes) {
    if (!fits(shape, *options.layout)) return {};
  }
  return {{*options.layout}, true};
}

/// What a person should know of a guess; empty where it is none.
std::string guess_words(const std::string& name, const Shape& shape, const LayoutGuess& guess) {
  if (guess.certain || guess.layouts.size() < 2) return {};
  return "qkscope-cli: tensor " + in_quotes(name) + " of shape " + shape_text(shape) + " is read as " +
         layout_words(shape, guess.layouts[0]) + "; it may also be " + layout_words(shape, guess.layouts[1]) +
         ": --layout says which\n";
}

}  // namespace

std::map<std::string, ReadTensor> read_dump(const Options& options) {
  const std::string where = in_quotes(options.dump);
  Budget budget(where);
  auto stored = read_dump_file(options.dump, budget);
  std::vector<Shape> shapes;
  for (const auto& [name, tensor] : stored) shapes.push_back(tensor.array.shape);
  const LayoutGuess of_all = allowed(shapes, options);
  std::map<std::string, ReadTensor> tensors;
  std::string guesses;
  for (auto& [name, tensor] : stored) {
    const Shape shape = tensor.array.shape;
    const LayoutGuess guess = of_all.layouts.empty() ? allowed({shape}, options) : of_all;
    if (guess.layouts.empty()) {
      throw Error(where + ": tensor " + in_quotes(name) + " has shape " + shape_text(shape) +
                  ", expected (position, head, dim), or with --layout bhsd (head, position, dim), or with "
                  "--layout flat:64 (position, 64 x heads); a batch of 1 may stand before them");
    }
    guesses += guess_words(name, shape, guess);
    tensors[name] = {arrange(std::move(tensor.array), guess.layouts[0]),
                     layout_words(shape, guess.layouts[0])};
  }
  std::cerr << guesses;
  return tensors;
}

}  // namespace qkscope::cli

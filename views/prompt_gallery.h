#pragma once
#include <QString>
#include <vector>

#include "views/prompt.h"

namespace qkscope {

struct GalleryEntry {
  QString title;
  Prompt prompt;
};

/// The prompts that come with the program (datasets/prompts.json), those that ask the context first.
const std::vector<GalleryEntry>& promptGallery();

}  // namespace qkscope

#pragma once
#include <QStringList>
#include <vector>

#include "app/document.h"

namespace qkscope {

/// A document that comes with the program (datasets/lessons), with what to look at and why.
struct Lesson {
  QString id;  // of its file
  QString title, about;
  QStringList panels;  // to be shown, the last in front
  Document document;
};

const std::vector<Lesson>& lessons();

}  // namespace qkscope

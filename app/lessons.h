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
/// The panels that a document's file names, as a lesson does; none where it cannot be read as one.
QStringList panelsOf(const QString& path);

}  // namespace qkscope

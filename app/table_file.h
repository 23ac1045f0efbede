#pragma once
#include <QString>
#include <functional>
#include <string>
#include <vector>

class QWidget;

namespace qkscope {

/// A way to write a table.
struct TableFormat {
  QString words;   // for a dialog: "LaTeX table"
  QString suffix;  // of its files: "tex"
  std::function<std::string()> make;
};

/// Writes a table in the format that the suffix of `path` names, or where it names none in the chosen one,
/// whose suffix a path without one is given. The path it has become. The file is the old one or the new one.
/// Throws Error where it cannot be written.
QString writeTable(QString path, const std::vector<TableFormat>& formats, std::size_t chosen);

/// Asks where to write a table, in the folder of figures and beginning with `name`, and does. `say` is told
/// what came of it, if a file was chosen.
void saveTable(QWidget* parent, const QString& title, const QString& name,
               const std::vector<TableFormat>& formats,
               const std::function<void(const QString& sentence, bool problem)>& say);

}  // namespace qkscope

#pragma once
#include <QJsonObject>
#include <QKeySequence>
#include <QStringList>
#include <functional>
#include <optional>
#include <vector>

#include "app/json_reader.h"
#include "core/model/spec.h"
#include "views/view_state.h"

namespace qkscope {

/// What is looked at and how it is drawn: the part of a document that its properties are of.
struct Sight {
  Selection selection;
  Look look;
  bool operator==(const Sight&) const = default;
};

/// One setting of a document. Its place in files, its option and help on the command line, its part in the
/// command line of a figure, its controls and its steps of undo come from this row.
struct Property {
  QString part;   // object of the document it stands in: "selection" or "look"
  QString name;   // its key there
  QString words;  // "colors"
  /// Mere looking around: no step that could be undone, nothing that would have to be saved.
  bool is_looking = false;

  struct Option {
    QString name;          // without dashes
    QString about;         // for --help
    QString value;         // what stands for the text there; empty: a flag
    QString means;         // the text that a flag stands for
    bool several = false;  // given as often as there are lines in the text
  };
  /// One that takes any text, or a flag for each text.
  std::vector<Option> options{};

  struct Value {
    QString text;
    QString words;  // for controls
    QList<QKeySequence> keys{};
  };
  std::vector<Value> values{};  // all there are; where they cannot be counted those with words of their own
  QStringList samples{};        // then some of the others

  /// Its value as the text that set() takes.
  std::function<QString(const Sight& sight)> text{};
  /// Throws UsageError naming the option, what was found and what is allowed.
  std::function<void(Sight& sight, const QString& text)> set{};
  std::function<void(const Sight& sight, QJsonObject& json)> write{};
  /// Throws Error naming the key, what was found and what is allowed. A key that is absent leaves the value.
  std::function<void(Sight& sight, const JsonReader& json)> read{};

  /// How many of its kind a model, its selected site or a prompt has.
  struct Bound {
    int count = 0;
    QString words;  // "the model has 30 layers"
  };
  /// Of an index; `positions` 0: not known yet. Nothing where any value will do.
  std::function<std::optional<Bound>(const ModelSpec& spec, Site site, int positions)> bound{};
  int first = 0;  // what the texts of an index count from

  /// "logarithmic", "4.5"
  QString valueWords(const Sight& sight) const;
};

const std::vector<Property>& properties();
/// Null where there is none.
const Property* propertyNamed(const QString& name);

}  // namespace qkscope

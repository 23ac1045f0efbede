#pragma once
#include <QLabel>
#include <QTextLayout>
#include <utility>
#include <vector>

#include "views/plot_style.h"

namespace qkscope {

/// The sizes of type and the meanings of colour that PlotStyle has, by name.
enum class Type { Small, Normal, Strong, Title, Figure, Number };
enum class Tone { Text, Muted, Disrupted, Context, Memory };

QFont fontOf(const PlotStyle& style, Type type);
const QColor& colorOf(const PlotStyle& style, Tone tone);

/// Words in a size and a colour that are looked up whenever they are measured or painted: it holds neither a
/// font nor a palette, so that a change of theme or type has nothing to catch up with. Words that come from
/// files are never read as markup.
class StyledLabel : public QLabel {
  Q_OBJECT
 public:
  /// A piece of the words that may differ from the rest.
  struct Part {
    QString words;
    Tone tone = Tone::Text;
    Type type = Type::Normal;
    bool marked = false;  // bold and underlined, for what changed
    bool operator==(const Part&) const = default;
  };

  StyledLabel(Type type, Tone tone, QWidget* parent, const QString& words = {});

  /// Words to read: they wrap, and can be chosen with the mouse.
  static StyledLabel* reading(Type type, Tone tone, QWidget* parent);

  void setTone(Tone tone);
  void setType(Type type);
  void setParts(std::vector<Part> parts);

  QSize sizeHint() const override;
  /// Of one line; of the longest word where lines may break.
  QSize minimumSizeHint() const override;
  int heightForWidth(int width) const override;

 protected:
  void paintEvent(QPaintEvent* event) override;

 private:
  /// The words in lines of at most `width`; returns what they take.
  QSizeF layOut(QTextLayout& layout, double width) const;
  /// The same without the lines. Layouts ask for it many times over.
  QSizeF measure(double width) const;

  struct Measured {
    QString words;
    QFont font;
    Type type = Type::Normal;
    bool wraps = false;
    std::vector<std::pair<double, QSizeF>> sizes;  // by width
  };

  Type type_;
  Tone tone_;
  std::vector<Part> parts_;  // together text(), or nothing where all of it is alike
  mutable Measured measured_;
};

}  // namespace qkscope

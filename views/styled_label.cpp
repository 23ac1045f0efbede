#include "views/styled_label.h"

#include <QPainter>
#include <algorithm>
#include <cmath>

namespace qkscope {

QFont fontOf(const PlotStyle& style, Type type) {
  QFont font = style.normal;
  switch (type) {
    case Type::Small:
      return style.small;
    case Type::Normal:
      return style.normal;
    case Type::Strong:
      font.setWeight(QFont::DemiBold);
      return font;
    case Type::Title:
      return style.title;
    case Type::Figure:
      font = style.title;
      font.setPointSizeF(font.pointSizeF() * 1.15);
      return font;
    case Type::Number:
      break;
  }
  font = style.mono;
  font.setPointSizeF(style.normal.pointSizeF() * 1.25);
  return font;
}

const QColor& colorOf(const PlotStyle& style, Tone tone) {
  switch (tone) {
    case Tone::Text:
      return style.text;
    case Tone::Muted:
      return style.muted;
    case Tone::Disrupted:
      return style.disrupted;
    case Tone::Context:
      return style.context;
    case Tone::Memory:
      break;
  }
  return style.memory;
}

StyledLabel::StyledLabel(Type type, Tone tone, QWidget* parent, const QString& words)
    : QLabel(parent), type_(type), tone_(tone) {
  setTextFormat(Qt::PlainText);
  setText(words);
}

StyledLabel* StyledLabel::reading(Type type, Tone tone, QWidget* parent) {
  auto* label = new StyledLabel(type, tone, parent);
  label->setWordWrap(true);
  label->setTextInteractionFlags(Qt::TextSelectableByMouse);
  return label;
}

void StyledLabel::setTone(Tone tone) {
  if (tone == tone_) return;
  tone_ = tone;
  update();
}

void StyledLabel::setType(Type type) {
  if (type == type_) return;
  type_ = type;
  updateGeometry();
  update();
}

void StyledLabel::setParts(std::vector<Part> parts) {
  QString words;
  for (const Part& part : parts) words += part.words;
  if (parts == parts_ && words == text()) return;
  parts_ = std::move(parts);
  measured_ = {};
  setText(words);
  // Also where the words are the same: what stands out may not be.
  updateGeometry();
  update();
}

QSizeF StyledLabel::layOut(QTextLayout& layout, double width) const {
  const PlotStyle style = PlotStyle::of(*this);
  QString words = text();
  QList<QTextLayout::FormatRange> formats;
  int begin = 0;
  for (const Part& part : parts_) {
    const auto length = static_cast<int>(part.words.size());
    QTextCharFormat format;
    QFont font = fontOf(style, part.type);
    font.setBold(part.marked || font.bold());
    font.setUnderline(part.marked);
    format.setFont(font);
    format.setForeground(colorOf(style, part.tone));
    formats.push_back({begin, length, format});
    begin += length;
  }
  layout.setFont(fontOf(style, type_));
  layout.setText(words.replace(u'\n', QChar::LineSeparator));
  if (begin == words.size()) layout.setFormats(formats);
  QTextOption option;
  // A word longer than the line breaks anywhere: it must not widen what it stands in.
  option.setWrapMode(wordWrap() ? QTextOption::WrapAtWordBoundaryOrAnywhere : QTextOption::NoWrap);
  layout.setTextOption(option);
  layout.beginLayout();
  QSizeF size;
  for (QTextLine line = layout.createLine(); line.isValid(); line = layout.createLine()) {
    line.setLineWidth(width);
    line.setPosition({0, size.height()});
    size = {std::max(size.width(), line.naturalTextWidth()), size.height() + line.height()};
  }
  layout.endLayout();
  return size;
}

QSizeF StyledLabel::measure(double width) const {
  if (measured_.words != text() || measured_.font != font() || measured_.type != type_ ||
      measured_.wraps != wordWrap())
    measured_ = {text(), font(), type_, wordWrap(), {}};
  const auto known = std::ranges::find(measured_.sizes, width, &std::pair<double, QSizeF>::first);
  if (known != measured_.sizes.end()) return known->second;
  QTextLayout layout;
  const QSizeF size = layOut(layout, width);
  measured_.sizes.emplace_back(width, size);
  return size;
}

QSize StyledLabel::sizeHint() const {
  const QSizeF size = measure(wordWrap() ? 300 * PlotStyle::of(*this).unit : QWIDGETSIZE_MAX);
  return {static_cast<int>(std::ceil(size.width())), static_cast<int>(std::ceil(size.height()))};
}

QSize StyledLabel::minimumSizeHint() const {
  const PlotStyle style = PlotStyle::of(*this);
  if (!wordWrap()) return sizeHint();
  const TextMetrics metrics = style.metrics(fontOf(style, type_));
  return {static_cast<int>(std::ceil(12 * metrics.averageCharWidth())),
          static_cast<int>(std::ceil(metrics.height()))};
}

int StyledLabel::heightForWidth(int width) const {
  return static_cast<int>(std::ceil(measure(width).height()));
}

void StyledLabel::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  QTextLayout layout;
  const QRect inside = contentsRect();
  const double height = layOut(layout, inside.width()).height();
  const double top = alignment() & Qt::AlignTop      ? inside.top()
                     : alignment() & Qt::AlignBottom ? inside.bottom() + 1 - height
                                                     : inside.top() + (inside.height() - height) / 2;
  painter.setPen(colorOf(PlotStyle::of(*this), isEnabled() ? tone_ : Tone::Muted));
  layout.draw(&painter, {static_cast<double>(inside.left()), std::round(top)});
}

}  // namespace qkscope

#pragma once
#include <QColor>
#include <QFont>
#include <QFontMetricsF>
#include <QHash>
#include <QPalette>
#include <QWidget>

#include "core/base/site.h"

namespace qkscope {

/// Metrics that remember how wide texts are: shaping one costs more than painting it, and every frame asks
/// for the same ones. Of one thread.
class TextMetrics : public QFontMetricsF {
 public:
  TextMetrics(const QFont& font, const QPaintDevice* device);
  using QFontMetricsF::horizontalAdvance;
  qreal horizontalAdvance(const QString& text) const;
  /// The text itself where it fits.
  QString elidedText(const QString& text, Qt::TextElideMode mode, qreal width) const;

 private:
  QHash<QString, qreal>* widths_;
};

/// Colours with a meaning that is the same everywhere, the three sizes of type, and the ground of every
/// picture. Derived from a palette, so that pictures follow the theme; or made for paper. A plain value: make
/// it anew where it is needed.
struct PlotStyle {
  bool dark = false;

  QColor background;   // behind pictures
  QColor surface;      // raised on it: cards, counters
  QColor text, muted;  // muted still has 4.5:1 on background
  QColor line;         // frames and grid
  QColor accent;       // selection

  // What is compared: blue baseline, red disrupted. What a prompt asks: violet the context, green memory.
  QColor baseline, disrupted, context, memory;
  // Q, K and V where they stand beside each other in a chart; always with their letter.
  QColor query, key, value;

  QFont small, normal, title;  // one sans, three sizes
  QFont mono;                  // tokens
  QFont figures;               // numbers under each other: figures of equal width
  double unit = 1.0;           // what 1 px at 96 dpi is on this device: every length in a picture is in it

  const QColor& site(Site site) const;
  TextMetrics metrics(const QFont& font) const { return TextMetrics(font, device_); }

  /// For painting in `widget`: its palette, font and device.
  static PlotStyle of(const QWidget& widget);
  /// For paper: white ground, lengths in the units of `device`. Type of 7 to 9 pt where a figure is as wide
  /// as a page, smaller in narrower ones, but never below 5.5 pt.
  static PlotStyle paper(const QPaintDevice& device, const QSizeF& figure);

 private:
  static PlotStyle make(const QWidget& widget);

  const QPaintDevice* device_ = nullptr;
};

/// `font` with figures of equal width: its own where it has them, else those of the system's fixed font.
QFont withTabularFigures(const QFont& font);

}  // namespace qkscope

#include "app/svg_device.h"

#include <QBuffer>
#include <QImage>
#include <QPaintEngine>
#include <QPainter>
#include <QPainterPath>
#include <QPixmap>
#include <algorithm>
#include <cmath>
#include <limits>

namespace qkscope {

namespace {

// So fine that no glyph is bent to a grid of pixels.
constexpr double kDpi = 1200, kMmPerInch = 25.4;

/// At most three decimals.
QByteArray number(double value) {
  QByteArray text = QByteArray::number(value, 'f', 3);
  while (text.endsWith('0')) text.chop(1);
  if (text.endsWith('.')) text.chop(1);
  return text == "-0" ? QByteArray("0") : text;
}

QByteArray point(const QPointF& at) {
  return number(at.x()) + ' ' + number(at.y());
}

QByteArray attribute(const QByteArray& name, const QByteArray& value) {
  QByteArray text(" ");
  return text.append(name).append("=\"").append(value).append('"');
}

/// fill="#rrggbb" and its opacity; "none" for no brush.
QByteArray paintOf(const char* name, const QBrush& brush, double opacity) {
  if (brush.style() == Qt::NoBrush) return attribute(name, "none");
  const QColor color = brush.color();
  QByteArray text = attribute(name, color.name().toLatin1());
  if (color.alphaF() * opacity < 1)
    text += attribute(name + QByteArray("-opacity"), number(color.alphaF() * opacity));
  return text;
}

QByteArray pathData(const QPainterPath& path) {
  QByteArray data;
  for (int i = 0; i < path.elementCount(); ++i) {
    const QPainterPath::Element e = path.elementAt(i);
    if (e.isMoveTo()) data += 'M' + point(e);
    if (e.isLineTo()) data += 'L' + point(e);
    if (e.isCurveTo()) {
      data += 'C' + point(e) + ' ' + point(path.elementAt(i + 1)) + ' ' + point(path.elementAt(i + 2));
      i += 2;
    }
  }
  return data;
}

}  // namespace

/// Writes what a painter draws. Shapes are put into the page's coordinates before they are written, pens
/// included, so no element carries a transform.
class SvgEngine : public QPaintEngine {
 public:
  SvgEngine()
      : QPaintEngine(PrimitiveTransform | PixmapTransform | PainterPaths | AlphaBlend | Antialiasing |
                     ConstantOpacity) {}

  bool begin(QPaintDevice*) override { return true; }
  bool end() override { return true; }
  Type type() const override { return User; }
  const QByteArray& clips() const { return clips_; }
  const QByteArray& body() const { return body_; }

  void updateState(const QPaintEngineState& now) override {
    const DirtyFlags dirty = now.state();
    if (dirty & DirtyPen) pen_ = now.pen();
    if (dirty & DirtyBrush) brush_ = now.brush();
    if (dirty & DirtyTransform) transform_ = now.transform();
    if (dirty & DirtyOpacity) opacity_ = now.opacity();
    if (dirty & (DirtyClipPath | DirtyClipRegion | DirtyClipEnabled)) {
      // What is clipped to by several steps comes as one shape in the painter's coordinates of now.
      clip_.clear();
      if (now.isClipEnabled() && now.painter()->hasClipping())
        clip_ = clipNamed(now.transform().map(now.painter()->clipPath()));
    }
  }

  void drawPath(const QPainterPath& path) override {
    write(path, paintOf("fill", brush_, opacity_) +
                    (path.fillRule() == Qt::OddEvenFill ? attribute("fill-rule", "evenodd") : QByteArray()));
  }
  void drawPolygon(const QPointF* points, int count, PolygonDrawMode mode) override {
    QPainterPath path(points[0]);
    path.setFillRule(mode == WindingMode ? Qt::WindingFill : Qt::OddEvenFill);
    for (int i = 1; i < count; ++i) path.lineTo(points[i]);
    if (mode == PolylineMode) return write(path, attribute("fill", "none"));
    path.closeSubpath();
    drawPath(path);
  }
  using QPaintEngine::drawPolygon;

  void drawPixmap(const QRectF& target, const QPixmap& pixmap, const QRectF& source) override {
    drawImage(target, pixmap.toImage(), source, Qt::AutoColor);
  }
  void drawImage(const QRectF& target, const QImage& image, const QRectF& source,
                 Qt::ImageConversionFlags) override {
    QByteArray png;
    QBuffer buffer(&png);
    buffer.open(QIODevice::WriteOnly);
    image.copy(source.toAlignedRect()).save(&buffer, "PNG");
    const QRectF place = transform_.mapRect(target);
    // A cell is a pixel: never to be smoothed. The second word is CSS's, for readers that know it alone.
    body_ += "<image" + attribute("x", number(place.x())) + attribute("y", number(place.y())) +
             attribute("width", number(place.width())) + attribute("height", number(place.height())) +
             attribute("preserveAspectRatio", "none") + attribute("image-rendering", "optimizeSpeed") +
             attribute("style", "image-rendering:pixelated") + clip_ +
             " xlink:href=\"data:image/png;base64," + png.toBase64() + "\"/>\n";
  }

 private:
  void write(const QPainterPath& path, const QByteArray& fill) {
    if (path.isEmpty()) return;
    body_ += "<path" + fill;
    if (pen_.style() != Qt::NoPen) body_ += stroke();
    body_ += clip_ + attribute("d", pathData(transform_.map(path))) + "/>\n";
  }
  QByteArray stroke() const {
    // Pictures are only moved, turned and grown evenly.
    const double grown = pen_.isCosmetic() ? 1 : std::sqrt(std::abs(transform_.determinant()));
    const double width = std::max(pen_.widthF(), pen_.widthF() > 0 ? 0.0 : 1.0);
    QByteArray text =
        paintOf("stroke", pen_.brush(), opacity_) + attribute("stroke-width", number(width * grown));
    if (pen_.capStyle() == Qt::SquareCap) text += attribute("stroke-linecap", "square");
    if (pen_.capStyle() == Qt::RoundCap) text += attribute("stroke-linecap", "round");
    if (pen_.joinStyle() == Qt::RoundJoin) text += attribute("stroke-linejoin", "round");
    if (pen_.joinStyle() == Qt::BevelJoin) text += attribute("stroke-linejoin", "bevel");
    if (pen_.style() != Qt::SolidLine) {
      QByteArrayList lengths;
      for (const double length : pen_.dashPattern()) lengths << number(length * width * grown);
      text += attribute("stroke-dasharray", lengths.join(' '));
      text += attribute("stroke-dashoffset", number(pen_.dashOffset() * width * grown));
    }
    return text;
  }
  /// The attribute that clips to `path`; equal clips in a row share a name.
  QByteArray clipNamed(const QPainterPath& path) {
    const QByteArray data = pathData(path);
    if (data != last_clip_) {
      last_clip_ = data;
      clips_ += "<clipPath id=\"c" + QByteArray::number(++clip_count_) + "\"><path d=\"" + data +
                "\" clip-rule=\"evenodd\"/></clipPath>\n";
    }
    return attribute("clip-path", "url(#c" + QByteArray::number(clip_count_) + ')');
  }

  QPen pen_;
  QBrush brush_;
  QTransform transform_;
  double opacity_ = 1;
  QByteArray clip_, clips_, body_, last_clip_;
  int clip_count_ = 0;
};

SvgDevice::SvgDevice(double width_mm, double height_mm)
    : width_mm_(width_mm),
      height_mm_(height_mm),
      size_(width_mm / kMmPerInch * kDpi, height_mm / kMmPerInch * kDpi),
      engine_(std::make_unique<SvgEngine>()) {}

SvgDevice::~SvgDevice() = default;

QPaintEngine* SvgDevice::paintEngine() const {
  return engine_.get();
}

int SvgDevice::metric(PaintDeviceMetric metric) const {
  switch (metric) {
    case PdmWidth:
      return qCeil(size_.width());
    case PdmHeight:
      return qCeil(size_.height());
    case PdmWidthMM:
      return qRound(width_mm_);
    case PdmHeightMM:
      return qRound(height_mm_);
    case PdmDpiX:
    case PdmDpiY:
    case PdmPhysicalDpiX:
    case PdmPhysicalDpiY:
      return qRound(kDpi);
    case PdmDepth:
      return 32;
    case PdmNumColors:
      return std::numeric_limits<int>::max();
    case PdmDevicePixelRatio:
      return 1;
    default:
      return QPaintDevice::metric(metric);
  }
}

QByteArray SvgDevice::file() const {
  const auto mm = [](double length) { return number(length).append("mm"); };
  QByteArray svg(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" "
      "xmlns:xlink=\"http://www.w3.org/1999/xlink\" stroke=\"none\"");
  svg.append(attribute("width", mm(width_mm_))).append(attribute("height", mm(height_mm_)));
  svg.append(attribute("viewBox", QByteArray("0 0 ").append(point({size_.width(), size_.height()}))));
  svg.append(">\n<title>").append(title_.toHtmlEscaped().toUtf8());
  svg.append("</title>\n<desc>QKScope " QKSCOPE_VERSION "</desc>\n<defs>\n").append(engine_->clips());
  return svg.append("</defs>\n").append(engine_->body()).append("</svg>\n");
}

}  // namespace qkscope

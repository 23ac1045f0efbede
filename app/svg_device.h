#pragma once
#include <QByteArray>
#include <QPaintDevice>
#include <QSizeF>
#include <QString>
#include <memory>

namespace qkscope {

class SvgEngine;

/// A page that becomes an .svg of exactly its size in mm. Not QSvgGenerator: that rounds the page to whole
/// pixels, names the font of a text, which another machine need not have, and leaves clipping out. Here text
/// is outlines, so that the file looks the same everywhere, and what is clipped is clipped. One painter at a
/// time.
class SvgDevice : public QPaintDevice {
 public:
  SvgDevice(double width_mm, double height_mm);
  ~SvgDevice() override;

  void setTitle(const QString& title) { title_ = title; }
  /// The page in the units it is painted in, 1200 an inch.
  QSizeF viewBox() const { return size_; }
  /// The file, once the painter has ended.
  QByteArray file() const;

  QPaintEngine* paintEngine() const override;

 protected:
  int metric(PaintDeviceMetric metric) const override;

 private:
  double width_mm_, height_mm_;
  QSizeF size_;
  QString title_;
  std::unique_ptr<SvgEngine> engine_;
};

}  // namespace qkscope

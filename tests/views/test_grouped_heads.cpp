#include <QSignalSpy>
#include <QTableView>

#include "tests/views/grouped.h"
#include "tests/views/sample.h"
#include "views/massive_item_model.h"
#include "views/overview_painter.h"
#include "views/picture_view.h"
#include "views/view_registry.h"

namespace qkscope::test {

namespace {

/// One registered view in a window.
struct Stage {
  Stage(const QString& id, const Look& look, const Selection& selection, QSize size = {900, 640}) {
    state.setLook(look);
    state.setSelection(selection);
    for (const ViewEntry& entry : viewRegistry()) {
      if (entry.id == id) view = entry.make(state, &window);
    }
    lightPalette(*view);
    view->resize(size);
    window.resize(size);
    window.show();
    view->setData(groupedData());
    settle();
  }
  void settle() {
    QCoreApplication::processEvents();
    QCoreApplication::processEvents();
  }
  PictureView& picture() { return *qobject_cast<PictureView*>(view); }

  ViewState state;
  QWidget window;
  View* view = nullptr;
};

}  // namespace

/// A model whose K and V have fewer heads than its Q, with another number in every cell: what one site, head
/// or layer shows can be mistaken for no other's.
class TestGroupedHeads : public TestCase {
  Q_OBJECT

  static void looks() {
    QTest::addColumn<int>("shown");
    QTest::addColumn<bool>("after_rope");
    for (const Shown shown : {Shown::Baseline, Shown::Disrupted, Shown::Difference}) {
      for (const bool after_rope : {true, false}) {
        QTest::addRow("%s, %s RoPE", qPrintable(shownWords(shown)), after_rope ? "after" : "before")
            << static_cast<int>(shown) << after_rope;
      }
    }
  }

 private Q_SLOTS:
  void headsShowTheirOwnNumbers_data() { looks(); }
  void headsShowTheirOwnNumbers() {
    QFETCH(int, shown);
    QFETCH(bool, after_rope);
    const Look look = lookAt(Picture::HeadsDims, static_cast<Shown>(shown), after_rope);
    for (int layer = 0; layer < 3; ++layer) {
      const MapModel model = headsDimsModel(groupedData(), {Site::Query, layer, 0, -1, -1}, look);
      for (std::size_t s = 0; s < sites.size(); ++s) {
        // V is the same before and after: it is not rotated.
        const bool after = after_rope || sites[s] == Site::Value;
        const Look own = lookAt(look.picture, look.shown, after);
        QCOMPARE(model.panels[s].map.rows(), headsOf(sites[s]));
        for (int head = 0; head < headsOf(sites[s]); ++head) {
          for (int dim = 0; dim < 8; ++dim) {
            QVERIFY(std::abs(static_cast<double>(model.panels[s].map.at(head, dim)) -
                             shownM(sites[s], own, layer, head, dim)) < 1e-4);
          }
        }
      }
    }
  }

  void layersShowTheirOwnNumbers_data() { looks(); }
  void layersShowTheirOwnNumbers() {
    QFETCH(int, shown);
    QFETCH(bool, after_rope);
    for (const Site site : sites) {
      const Look look =
          lookAt(Picture::AllLayers, static_cast<Shown>(shown), after_rope || site == Site::Value);
      const MapModel model = layersModel(groupedData(), {site, 1, 1, -1, -1}, look);
      for (int layer = 0; layer < 3; ++layer) {
        for (int head = 0; head < headsOf(site); ++head) {
          for (int dim = 0; dim < 8; ++dim) {
            QVERIFY(std::abs(static_cast<double>(model.panels[0].map.at(layer * headsOf(site) + head, dim)) -
                             shownM(site, look, layer, head, dim)) < 1e-4);
          }
        }
      }
    }
  }

  // A KV head stands beside the query heads it serves, whichever of them is selected.
  void positionsShowTheirHeads_data() { looks(); }
  void positionsShowTheirHeads() {
    QFETCH(int, shown);
    QFETCH(bool, after_rope);
    const Look look = lookAt(Picture::PositionsDims, static_cast<Shown>(shown), after_rope);
    struct Heads {
      Selection selection;
      int query_head, kv_head;
    };
    for (const Heads& heads :
         {Heads{{Site::Query, 1, 4, -1, -1}, 4, 1}, Heads{{Site::Query, 2, 2, -1, -1}, 2, 0},
          Heads{{Site::Key, 1, 1, -1, -1}, 3, 1}, Heads{{Site::Value, 2, 1, -1, -1}, 3, 1}}) {
      const int layer = heads.selection.layer;
      const MapModel model = positionsDimsModel(groupedData(), heads.selection, look);
      const auto arrays = mapArrays(groupedData(), heads.selection, look);
      QCOMPARE(arrays.size(), std::size_t{4});
      for (std::size_t s = 0; s < sites.size(); ++s) {
        const int head = sites[s] == Site::Query ? heads.query_head : heads.kv_head;
        QCOMPARE(model.panels[s].head, head);
        QCOMPARE(arrays[s].array.shape, (std::vector<std::int64_t>{5, 8}));
        const Look own = lookAt(look.picture, look.shown, after_rope || sites[s] == Site::Value);
        for (int position = 0; position < 5; ++position) {
          for (int dim = 0; dim < 8; ++dim) {
            const double value = shownValue(sites[s], own, layer, head, dim, position);
            // A sequential map shows magnitudes; the file keeps the signs.
            const double drawn = look.shown == Shown::Difference ? value : std::abs(value);
            QCOMPARE(static_cast<double>(model.panels[s].map.at(position, dim)), drawn);
            QCOMPARE(static_cast<double>(arrays[s].array.data[static_cast<std::size_t>(position * 8 + dim)]),
                     value);
          }
        }
        std::vector<int> massive;
        for (const Column& column : groupedMassive) {
          if (after_rope && column.site == sites[s] && column.layer == layer && column.head == head)
            massive.push_back(column.dim);
        }
        if (after_rope) QCOMPARE(model.panels[s].massive_columns, massive);
      }
      QCOMPARE(arrays[0].name, after_rope ? QStringLiteral("query") : QStringLiteral("query_pre"));
      QCOMPARE(arrays[2].name, QStringLiteral("value"));
    }
  }

  // Outlines lie at the massive cells and nowhere else: in the model, and as pixels.
  void outlinesLieAtMassiveCells() {
    for (const Site site : sites) {
      Stage stage(QStringLiteral("picture"), lookAt(Picture::AllLayers), {site, 0, 0, -1, -1});
      const QImage image = stage.view->grab().toImage();
      const MapPanel& panel = stage.picture().model().panels[0];
      std::vector<QPoint> expected;
      for (const Column& column : groupedMassive) {
        if (column.site == site)
          expected.emplace_back(column.dim, column.layer * headsOf(site) + column.head);
      }
      const auto sorted = [](std::vector<QPoint> points) {
        std::ranges::sort(points, {}, [](const QPoint& p) { return std::pair(p.y(), p.x()); });
        return points;
      };
      QCOMPARE(sorted(panel.massive), sorted(expected));
      for (int row = 0; row < panel.map.rows(); ++row) {
        for (int dim = 0; dim < 8; ++dim) {
          const bool outlined = std::ranges::find(expected, QPoint(dim, row)) != expected.end();
          const QRectF cell = stage.picture().layoutNow().cell({0, row, dim});
          const QColor edge = image.pixelColor(QPointF(cell.left() + 0.5, cell.center().y()).toPoint());
          QCOMPARE(edge == QColor(Qt::white), outlined);
        }
      }
    }
    for (int layer = 0; layer < 3; ++layer) {
      const MapModel model =
          headsDimsModel(groupedData(), {Site::Query, layer, 0, -1, -1}, lookAt(Picture::HeadsDims));
      for (std::size_t s = 0; s < sites.size(); ++s) {
        std::vector<QPoint> expected;
        for (const Column& column : groupedMassive) {
          if (column.site == sites[s] && column.layer == layer)
            expected.emplace_back(column.dim, column.head);
        }
        QCOMPARE(model.panels[s].massive, expected);
      }
    }
  }

  // Pixels against the colour of the number that belongs there, worked out here.
  void pixelsAreTheColorsOfTheNumbers_data() {
    QTest::addColumn<int>("picture");
    for (const Picture picture : {Picture::HeadsDims, Picture::PositionsDims, Picture::AllLayers})
      QTest::addRow("picture %d", static_cast<int>(picture)) << static_cast<int>(picture);
  }
  void pixelsAreTheColorsOfTheNumbers() {
    QFETCH(int, picture);
    for (const Site site : sites) {
      for (const bool log : {false, true}) {
        Look look = lookAt(static_cast<Picture>(picture));
        look.range = ColorRange::Exact;  // limits that no maximum of a wrong head can move
        look.exact_low = 0.5;
        look.exact_high = 120;
        look.scale = log ? ColorScale::Log : ColorScale::Linear;
        Stage stage(QStringLiteral("picture"), look, {site, 1, 1, -1, -1});
        const QImage image = stage.view->grab().toImage();
        const MapModel& model = stage.picture().model();
        for (std::size_t p = 0; p < model.panels.size(); ++p) {
          const MapPanel& panel = model.panels[p];
          for (int row = 0; row < panel.map.rows(); ++row) {
            for (int dim = 0; dim < 8; ++dim) {
              double number = 0;
              if (look.picture == Picture::HeadsDims) {
                number = normOf(panel.site, true, 1, row, dim);
              } else if (look.picture == Picture::AllLayers) {
                number = normOf(site, true, row / headsOf(site), row % headsOf(site), dim);
              } else {
                const int head =
                    panel.site != Site::Query ? (site == Site::Query ? 0 : 1) : (site == Site::Query ? 1 : 3);
                number = std::abs(static_cast<double>(groupedValue(panel.site, true, 1, head, dim, row)));
              }
              const double t =
                  log ? (std::log10(number) - std::log10(0.5)) / (std::log10(120) - std::log10(0.5))
                      : (number - 0.5) / 119.5;
              const ColorMap& map = colorMap(look.color_map);
              const QRectF cell = stage.picture().layoutNow().cell({p, row, dim});
              // Where neither frame nor number nor separator is.
              const QRgb pixel = image.pixel(QPointF(cell.left() + 5, cell.bottom() - 4).toPoint());
              QVERIFY2(pixel == map.at(t - 1e-6) || pixel == map.at(t + 1e-6),
                       qPrintable(
                           QStringLiteral("%1 row %2 dim %3").arg(siteLetter(panel.site)).arg(row).arg(dim)));
            }
          }
        }
      }
    }
  }

  // The pointer over a cell, and a click on it, name that cell.
  void hoverAndClickNameTheCell_data() { pixelsAreTheColorsOfTheNumbers_data(); }
  void hoverAndClickNameTheCell() {
    QFETCH(int, picture);
    const Look look = lookAt(static_cast<Picture>(picture));
    for (const Site site : sites) {
      Stage stage(QStringLiteral("picture"), look, {site, 1, 1, -1, -1});
      PictureView& view = stage.picture();
      for (std::size_t p = 0; p < view.model().panels.size(); ++p) {
        const Site shown = view.model().panels[p].site;
        for (int row = 0; row < view.model().panels[p].map.rows(); ++row) {
          const int dim = (row * 3 + 5) % 8;
          Selection cell{shown, 1, row, dim, -1};
          if (look.picture == Picture::AllLayers) {
            cell.layer = row / headsOf(site);
            cell.head = row % headsOf(site);
          } else if (look.picture == Picture::PositionsDims) {
            cell.head = view.model().panels[p].head;
            cell.position = row;
          }
          const QPoint at = view.layoutNow().cell({p, row, dim}).center().toPoint();
          QTest::mouseMove(&view, QPoint(2, 2));
          QTest::mouseMove(&view, at);
          const QString words = stage.state.hover();
          const QString number =
              cell.position < 0
                  ? QStringLiteral("M %1 · ratio %2 · ")
                        .arg(numberWords(normOf(shown, true, cell.layer, cell.head, dim)))
                        .arg(ratioOf(shown, cell.layer, cell.head, dim), 0, 'f', 1)
                  : QStringLiteral("value %1 · ")
                        .arg(numberWords(groupedValue(shown, true, cell.layer, cell.head, dim, row)));
          QVERIFY2(words.startsWith(number), qPrintable(words + QStringLiteral(" | ") + number));
          const QString head =
              shown == Site::Query
                  ? QStringLiteral("head %1 (KV head %2)").arg(cell.head + 1).arg(cell.head / 3 + 1)
                  : QStringLiteral("KV head %1").arg(cell.head + 1);
          QVERIFY2(words.contains(QStringLiteral("%1 · layer %2 · %3 · ")
                                      .arg(siteLetter(shown))
                                      .arg(cell.layer + 1)
                                      .arg(head)),
                   qPrintable(words));
          QTest::mouseClick(&view, Qt::LeftButton, {}, at);
          QCOMPARE(stage.state.selection(), cell);
          // Back, so that the next cell is found in the same picture.
          stage.state.setSelection({site, 1, 1, -1, -1});
          stage.settle();
        }
      }
    }
  }

  void tableRowsAreTheMassiveValues() {
    Stage stage(QStringLiteral("massive"), Look{}, {Site::Query, 0, 0, -1, -1}, {330, 600});
    auto* model = stage.view->findChild<MassiveItemModel*>();
    QCOMPARE(model->rowCount(), static_cast<int>(groupedMassive.size()));
    std::vector<Column> found;
    for (int row = 0; row < model->rowCount(); ++row) {
      const auto text = [&](int column) { return model->index(row, column).data().toString(); };
      const Site site = text(MassiveItemModel::SiteColumn) == QStringLiteral("Q")   ? Site::Query
                        : text(MassiveItemModel::SiteColumn) == QStringLiteral("K") ? Site::Key
                                                                                    : Site::Value;
      const Column at{site, text(MassiveItemModel::LayerColumn).toInt() - 1,
                      text(MassiveItemModel::HeadColumn).toInt() - 1,
                      text(MassiveItemModel::DimColumn).toInt()};
      found.push_back(at);
      // The same digits as the read-out's.
      QCOMPARE(text(MassiveItemModel::MColumn), numberWords(normOf(site, true, at.layer, at.head, at.dim)));
      QCOMPARE(text(MassiveItemModel::RatioColumn),
               QString::number(ratioOf(site, at.layer, at.head, at.dim), 'f', 1));
      QCOMPARE(text(MassiveItemModel::WavelengthColumn) == QStringLiteral("–"), site == Site::Value);
    }
    std::ranges::sort(found);
    QCOMPARE(found, groupedMassive);
  }

  void overviewClicksNameTheHead() {
    Stage stage(QStringLiteral("overview"), Look{}, {Site::Query, 0, 0, 3, -1}, {220, 500});
    stage.view->grab();  // the layout is made by painting
    const OverviewLayout layout =
        layoutOverview(overviewOf(groupedData(), Look{}, false), PlotStyle::of(*stage.view),
                       stage.view->rect(), stage.view->devicePixelRatioF());
    for (std::size_t s = 0; s < sites.size(); ++s) {
      for (int layer = 0; layer < 3; ++layer) {
        for (int head = 0; head < headsOf(sites[s]); ++head) {
          const QPoint at = layout.grids[s].cell(layer, head).center().toPoint();
          QTest::mouseMove(stage.view, QPoint(2, 2));
          QTest::mouseMove(stage.view, at);
          double strongest = 0;
          for (int dim = 0; dim < 8; ++dim)
            strongest = std::max(strongest, ratioOf(sites[s], layer, head, dim));
          const QString words = stage.state.hover();
          QVERIFY2(words.startsWith(QStringLiteral("max M / mean %1 · %2 · layer %3 · ")
                                        .arg(QString::number(strongest, 'f', 1), siteLetter(sites[s]))
                                        .arg(layer + 1)),
                   qPrintable(words));
          QTest::mouseClick(stage.view, Qt::LeftButton, {}, at);
          QCOMPARE(stage.state.selection(), (Selection{sites[s], layer, head, 3, -1}));
        }
      }
    }
  }

  // Which disruption, and that it acts after what is shown before RoPE.
  void captionsTellTheDisruption() {
    ViewData data = groupedData();
    auto comparison = std::make_shared<Comparison>(*data.comparison);
    comparison->request.edits = {parse_disruption("site=qk,pick=lambda:4.25,layers=2-3")};
    data.comparison = comparison;
    const QString words = QStringLiteral(": λ=4.25 on Q and K, layers 2,3"),
                  after = QStringLiteral("before RoPE (the disruption acts after it)");
    for (const Picture picture : {Picture::HeadsDims, Picture::PositionsDims, Picture::AllLayers}) {
      const auto facts = [&](Shown shown, bool after_rope, Site site = Site::Key) {
        return mapModel(data, {site, 1, 1, -1, -1}, lookAt(picture, shown, after_rope)).facts;
      };
      QVERIFY(facts(Shown::Disrupted, true).contains(QStringLiteral("disrupted") + words));
      QVERIFY(facts(Shown::Disrupted, true).contains(QStringLiteral("after RoPE")));
      QVERIFY(facts(Shown::Difference, true).contains(QStringLiteral("disrupted − baseline") + words));
      QVERIFY(facts(Shown::Disrupted, false).contains(after));
      QVERIFY(facts(Shown::Difference, false).contains(after));
      QVERIFY(facts(Shown::Baseline, false).contains(QStringLiteral("before RoPE")));
      QVERIFY(facts(Shown::Baseline, false).contains(QStringLiteral("baseline")));
    }
    const QStringList value =
        mapModel(data, {Site::Value, 1, 1, -1, -1}, lookAt(Picture::AllLayers, Shown::Disrupted, false))
            .facts;
    QVERIFY(value.contains(QStringLiteral("no RoPE")));
  }

  void exportsHoldWhatIsShown() {
    for (const Site site : sites) {
      const Selection selection{site, 2, 1, -1, -1};
      const auto heads = mapArrays(groupedData(), selection, lookAt(Picture::HeadsDims));
      for (std::size_t s = 0; s < sites.size(); ++s) {
        QCOMPARE(heads[s].array.shape, (std::vector<std::int64_t>{headsOf(sites[s]), 8}));
        QVERIFY(std::abs(static_cast<double>(heads[s].array.data[8 + 6]) - normOf(sites[s], true, 2, 1, 6)) <
                1e-4);
      }
      const auto layers = mapArrays(groupedData(), selection, lookAt(Picture::AllLayers));
      QCOMPARE(layers[0].array.shape, (std::vector<std::int64_t>{3, headsOf(site), 8}));
      const auto index = static_cast<std::size_t>((2 * headsOf(site) + 1) * 8 + 6);
      QVERIFY(std::abs(static_cast<double>(layers[0].array.data[index]) - normOf(site, true, 2, 1, 6)) <
              1e-4);
    }
  }
};

}  // namespace qkscope::test

QTEST_MAIN(qkscope::test::TestGroupedHeads)
#include "test_grouped_heads.moc"

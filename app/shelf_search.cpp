#include "app/shelf_search.h"

#include <QStringList>

#include "app/problem.h"
#include "views/counted.h"
#include "views/text.h"

namespace qkscope {

void ShelfSearch::start() {
  thread_.replace(
      {{1, [this](std::stop_token stop) {
          const auto post = [this](auto take) { QMetaObject::invokeMethod(this, std::move(take)); };
          QString words;
          const auto problem = problemOf(tr("There is not enough memory to look for models."), [&] {
            const std::vector<ShelfPlace> places = shelf_places();
            int count = 0;
            for (ShelfModel& model : list_shelf(places, stop)) {
              describe(model, stop);
              ++count;
              post([this, model] { Q_EMIT found(model); });
            }
            QStringList folders;
            for (const ShelfPlace& place : places) folders << text(place.folder.string());
            words = count > 0 ? counted(count, tr("1 model"), tr("%1 models"))
                              : tr("There is no model in any of %1.").arg(folders.join(QStringLiteral(", ")));
          });
          if (problem) post([this, said = problem->isEmpty() ? words : *problem] { Q_EMIT ended(said); });
        }}});
}

}  // namespace qkscope

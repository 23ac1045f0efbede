#pragma once
#include <QWidget>
#include <map>
#include <vector>

#include "app/shelf_search.h"
#include "app/verdict_runner.h"

class QDoubleSpinBox;
class QSpinBox;
class QTreeWidget;
class QTreeWidgetItem;

namespace qkscope {

/// Which models are judged, of those that are open and those on this machine, and by which prompts: the
/// window's, those of the gallery, the questions of tasks.
class VerdictChoice : public QWidget {
  Q_OBJECT
 public:
  VerdictChoice(Session& session, QWidget* parent);

  /// Those that are checked, the open ones first.
  std::vector<VerdictModel> models() const;
  VerdictPrompts prompts() const;
  /// Looks for the models on this machine, once.
  void search();

 Q_SIGNALS:
  void changed();

 private:
  QWidget* makeModels();
  QWidget* makePrompts();
  void showOpen();
  void addFound(const ShelfModel& found);
  void hideTwice();
  void showPrompts();

  Session& session_;
  QTreeWidget *models_ = nullptr, *prompts_ = nullptr;
  QTreeWidgetItem *open_ = nullptr, *found_ = nullptr;                         // of models_
  QTreeWidgetItem *window_ = nullptr, *gallery_ = nullptr, *tasks_ = nullptr;  // of prompts_
  QSpinBox* items_ = nullptr;
  QDoubleSpinBox* lambda_ = nullptr;
  std::map<std::string, VerdictModel> known_;  // by key
  bool searched_ = false;
  ShelfSearch search_;
};

}  // namespace qkscope

#include "app/verdict_choice.h"

#include <QDoubleSpinBox>
#include <QFormLayout>
#include <QHeaderView>
#include <QSpinBox>
#include <QTreeWidget>
#include <QVBoxLayout>

#include "app/model_dialog.h"
#include "app/session.h"
#include "app/settings.h"
#include "core/tasks/datasets.h"
#include "views/counted.h"
#include "views/prompt_gallery.h"
#include "views/styled_label.h"
#include "views/text.h"

namespace qkscope {

namespace {

constexpr int key_role = Qt::UserRole;

/// A row with a box to check.
QTreeWidgetItem* addRow(QTreeWidgetItem* parent, const QString& words, const QString& key, bool checked) {
  auto* item = new QTreeWidgetItem(parent, {words});
  item->setData(0, key_role, key);
  item->setFlags(Qt::ItemIsEnabled | Qt::ItemIsSelectable | Qt::ItemIsUserCheckable);
  item->setCheckState(0, checked ? Qt::Checked : Qt::Unchecked);
  return item;
}

QTreeWidget* makeTree(const QString& name, const QString& accessible, QWidget* parent) {
  auto* tree = new QTreeWidget(parent);
  tree->setObjectName(name);
  tree->setAccessibleName(accessible);
  tree->setHeaderHidden(true);
  tree->setUniformRowHeights(true);
  return tree;
}

/// A row of rows, which checks and unchecks them all.
QTreeWidgetItem* addGroup(QTreeWidget* tree, const QString& words) {
  auto* group = new QTreeWidgetItem(tree, {words});
  group->setFlags(Qt::ItemIsEnabled | Qt::ItemIsSelectable | Qt::ItemIsUserCheckable |
                  Qt::ItemIsAutoTristate);
  return group;
}

bool isChecked(const QTreeWidgetItem* item) {
  return item->checkState(0) == Qt::Checked && !item->isHidden();
}

}  // namespace

VerdictChoice::VerdictChoice(Session& session, QWidget* parent) : QWidget(parent), session_(session) {
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(0, 0, 0, 0);
  column->addWidget(new StyledLabel(Type::Strong, Tone::Text, this, tr("Models")));
  column->addWidget(makeModels(), 2);
  column->addWidget(new StyledLabel(Type::Strong, Tone::Text, this, tr("Prompts")));
  column->addWidget(makePrompts(), 3);
  auto* form = new QFormLayout;
  items_ = new QSpinBox(this);
  items_->setObjectName(QStringLiteral("verdictItems"));
  items_->setRange(0, 100000);
  items_->setValue(4);
  items_->setSpecialValueText(tr("all"));
  form->addRow(tr("&Questions of each task"), items_);
  lambda_ = new QDoubleSpinBox(this);
  lambda_->setObjectName(QStringLiteral("verdictLambda"));
  lambda_->setRange(0.1, 1000);
  lambda_->setDecimals(2);
  lambda_->setSingleStep(0.5);
  lambda_->setValue(5);
  lambda_->setToolTip(tr("A value of M is massive where it exceeds λ times the mean of its head."));
  form->addRow(tr("&Threshold λ"), lambda_);
  column->addLayout(form);

  for (QTreeWidget* tree : {models_, prompts_})
    connect(tree, &QTreeWidget::itemChanged, this, &VerdictChoice::changed);
  connect(items_, &QSpinBox::valueChanged, this, &VerdictChoice::changed);
  connect(lambda_, &QDoubleSpinBox::valueChanged, this, &VerdictChoice::changed);
  connect(&session_, &Session::modelsChanged, this, &VerdictChoice::showOpen);
  connect(&session_, &Session::modelChanged, this, &VerdictChoice::showOpen);
  connect(&session_, &Session::promptsChanged, this, &VerdictChoice::showPrompts);
  connect(&search_, &ShelfSearch::found, this, &VerdictChoice::addFound);
  connect(&search_, &ShelfSearch::ended, this,
          [this](const QString& words) { found_->setText(0, tr("On this machine: %1").arg(words)); });
  showOpen();
  showPrompts();
}

QWidget* VerdictChoice::makeModels() {
  models_ = makeTree(QStringLiteral("verdictModels"), tr("Models to be judged"), this);
  open_ = addGroup(models_, tr("Open"));
  found_ = addGroup(models_, tr("On this machine"));
  models_->expandAll();
  return models_;
}

QWidget* VerdictChoice::makePrompts() {
  prompts_ = makeTree(QStringLiteral("verdictPrompts"), tr("Prompts they are judged by"), this);
  window_ = new QTreeWidgetItem(prompts_);
  window_->setFlags(Qt::ItemIsEnabled | Qt::ItemIsSelectable | Qt::ItemIsUserCheckable);
  window_->setCheckState(0, Qt::Unchecked);
  gallery_ = addGroup(prompts_, tr("Gallery"));
  for (const GalleryEntry& entry : promptGallery())
    addRow(gallery_, entry.title, entry.title, false)->setToolTip(0, entry.prompt.text.toHtmlEscaped());
  tasks_ = addGroup(prompts_, tr("Questions of tasks"));
  for (const auto& path : known_tasks()) {
    const std::string name = path.stem().string();
    addRow(tasks_, text(name), text(path.string()),
           std::ranges::find(verdict_tasks, name) != verdict_tasks.end());
  }
  tasks_->setExpanded(true);
  return prompts_;
}

void VerdictChoice::search() {
  if (std::exchange(searched_, true)) return;
  found_->setText(0, tr("On this machine: looking …"));
  search_.start();
}

void VerdictChoice::showOpen() {
  const QSignalBlocker quiet(models_);
  std::map<QString, Qt::CheckState> checked;
  for (int i = 0; i < open_->childCount(); ++i)
    checked[open_->child(i)->data(0, key_role).toString()] = open_->child(i)->checkState(0);
  qDeleteAll(open_->takeChildren());
  std::erase_if(known_, [](const auto& entry) { return entry.first.starts_with("open "); });
  for (const OpenModel& model : session_.store().models()) {
    const ModelCard& card = model.model->card();
    const std::string key = "open " + std::to_string(model.id);
    known_[key] = {key, card.name, card.path, model.model};
    const auto before = checked.find(text(key));
    addRow(open_, text(card.name) + tr(" (%1 on %2)").arg(text(card.dtype), text(card.device)), text(key),
           before == checked.end() ? model.id == session_.store().shown() : before->second == Qt::Checked);
  }
  open_->setHidden(open_->childCount() == 0);
  hideTwice();
  Q_EMIT changed();
}

void VerdictChoice::addFound(const ShelfModel& found) {
  const std::string key = found.path.string();
  QTreeWidgetItem* row = nullptr;
  {
    const QSignalBlocker quiet(models_);
    known_[key] = {key, full_name(found), found.path};
    row = addRow(found_, tr("%1 (%2)").arg(text(full_name(found)), sizeWords(found.bytes)), text(key), false);
    row->setToolTip(0, text(found.problem.empty() ? key : found.problem).toHtmlEscaped());
    row->setDisabled(!found.problem.empty() || !found.missing.empty());
  }
  hideTwice();
}

void VerdictChoice::hideTwice() {
  const QSignalBlocker quiet(models_);
  for (int i = 0; i < found_->childCount(); ++i) {
    QTreeWidgetItem* row = found_->child(i);
    const std::filesystem::path path = row->data(0, key_role).toString().toStdString();
    row->setHidden(std::ranges::any_of(
        session_.store().models(), [&](const OpenModel& open) { return open.model->card().path == path; }));
  }
}

void VerdictChoice::showPrompts() {
  const QSignalBlocker quiet(prompts_);
  const auto count = static_cast<qint64>(session_.prompts().size());
  window_->setText(0, tr("The window's: %1").arg(counted(count, tr("1 prompt"), tr("%1 prompts"))));
  window_->setDisabled(count == 0);
  Q_EMIT changed();
}

std::vector<VerdictModel> VerdictChoice::models() const {
  std::vector<VerdictModel> models;
  for (const QTreeWidgetItem* group : {open_, found_}) {
    for (int i = 0; i < group->childCount(); ++i) {
      if (!isChecked(group->child(i)) || group->child(i)->isDisabled()) continue;
      models.push_back(known_.at(group->child(i)->data(0, key_role).toString().toStdString()));
    }
  }
  return models;
}

VerdictPrompts VerdictChoice::prompts() const {
  VerdictPrompts by;
  if (isChecked(window_) && !window_->isDisabled()) {
    for (Prompt prompt : session_.prompts()) {
      prompt.id = 0;
      by.prompts.push_back(std::move(prompt));
    }
  }
  for (int i = 0; i < gallery_->childCount(); ++i) {
    if (isChecked(gallery_->child(i)))
      by.prompts.push_back(promptGallery()[static_cast<std::size_t>(i)].prompt);
  }
  for (int i = 0; i < tasks_->childCount(); ++i) {
    if (isChecked(tasks_->child(i)))
      by.tasks.emplace_back(tasks_->child(i)->data(0, key_role).toString().toStdString());
  }
  by.items = static_cast<std::size_t>(items_->value());
  by.lambda = lambda_->value();
  by.data = Settings().folder(QStringLiteral("datasets")).toStdString();
  return by;
}

}  // namespace qkscope

#include "app/open_dialog.h"

#include <QDialogButtonBox>
#include <QHeaderView>
#include <QLineEdit>
#include <QPushButton>
#include <QTreeWidget>
#include <QVBoxLayout>

#include "app/model_dialog.h"
#include "views/styled_label.h"
#include "views/text.h"

namespace qkscope {

namespace {

enum Column { Name, Family, StoredType, Size, Where, State, Columns };

QString stateWords(const ShelfModel& model) {
  if (!model.missing.empty())
    return OpenDialog::tr("lacks %1").arg(text(model.missing.front())) +
           (model.missing.size() > 1 ? OpenDialog::tr(" and %1 more").arg(model.missing.size() - 1)
                                     : QString());
  return model.problem.empty() ? QString() : OpenDialog::tr("cannot be opened");
}

}  // namespace

OpenDialog::OpenDialog(QWidget* parent) : QDialog(parent) {
  setWindowTitle(tr("Open a model"));
  setObjectName(QStringLiteral("openDialog"));
  auto* column = new QVBoxLayout(this);
  name_ = new QLineEdit(this);
  name_->setObjectName(QStringLiteral("openName"));
  name_->setPlaceholderText(tr("org/name, the name of a model below, or a path"));
  name_->setAccessibleName(tr("Model"));
  column->addWidget(name_);
  list_ = new QTreeWidget(this);
  list_->setObjectName(QStringLiteral("openList"));
  list_->setAccessibleName(tr("Models on this machine"));
  list_->setColumnCount(Columns);
  list_->setHeaderLabels(
      {tr("Model"), tr("Architecture"), tr("Type"), tr("Size"), tr("Where"), tr("Complete")});
  list_->setRootIsDecorated(false);
  list_->setUniformRowHeights(true);
  list_->setAllColumnsShowFocus(true);
  list_->header()->setSectionResizeMode(QHeaderView::ResizeToContents);
  column->addWidget(list_, 1);
  state_ = new StyledLabel(Type::Small, Tone::Muted, this);
  state_->setObjectName(QStringLiteral("openState"));
  state_->setWordWrap(true);
  column->addWidget(state_);
  auto* buttons = new QDialogButtonBox(this);
  auto* open_button = buttons->addButton(tr("Open"), QDialogButtonBox::AcceptRole);
  open_button->setObjectName(QStringLiteral("openChosen"));
  open_button->setDefault(true);
  open_button->setEnabled(false);
  QPushButton* file = buttons->addButton(tr("Choose a file …"), QDialogButtonBox::ActionRole);
  QPushButton* folder = buttons->addButton(tr("Choose a folder …"), QDialogButtonBox::ActionRole);
  buttons->addButton(QDialogButtonBox::Cancel);
  column->addWidget(buttons);

  connect(name_, &QLineEdit::textChanged, open_button,
          [open_button](const QString& words) { open_button->setEnabled(!words.trimmed().isEmpty()); });
  connect(list_, &QTreeWidget::currentItemChanged, this, [this](const QTreeWidgetItem* item) {
    if (item) name_->setText(item->data(Name, Qt::UserRole).toString());
  });
  connect(list_, &QTreeWidget::itemActivated, this, &OpenDialog::choose);
  connect(buttons, &QDialogButtonBox::accepted, this, &OpenDialog::choose);
  connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
  for (const auto& [button, asks_folder] : {std::pair{file, false}, {folder, true}}) {
    connect(button, &QPushButton::clicked, this, [this, asks_folder = asks_folder] {
      reject();
      Q_EMIT browse(asks_folder);
    });
  }
  resize(860, 420);
  connect(&search_, &ShelfSearch::found, this, &OpenDialog::add);
  connect(&search_, &ShelfSearch::ended, this, [this](const QString& words) {
    if (last_number_ == 0) state_->setText(words);  // a name that was asked for says more
  });
  state_->setText(tr("Looking for models …"));
  search_.start();
}

void OpenDialog::add(const ShelfModel& model) {
  auto* item = new QTreeWidgetItem(list_);
  item->setText(Name, text(full_name(model)));
  item->setText(Family, text(model.architecture).remove(QStringLiteral("ForCausalLM")));
  item->setText(StoredType, text(model.stored_type));
  item->setText(Size, sizeWords(model.bytes));
  item->setTextAlignment(Size, Qt::AlignRight | Qt::AlignVCenter);
  item->setText(Where, text(shelf_kind_name(model.place.kind)));
  item->setText(State, stateWords(model));
  for (int i = 0; i < Columns; ++i) {
    const std::string& words = i == State ? model.problem : model.path.string();
    item->setToolTip(i, text(words).toHtmlEscaped());
  }
  // The path, not the name: two places may have the same name.
  item->setData(Name, Qt::UserRole, text(model.path.string()));
}

void OpenDialog::choose() {
  const std::string asked = name_->text().trimmed().toStdString();
  if (asked.empty()) return;
  state_->setText(tr("Looking for %1 …").arg(name_->text().trimmed()));
  thread_.replace({{++last_number_, [this, asked](std::stop_token) {
                      QString path, problem;
                      try {
                        path = text(find_model(asked).string());
                      } catch (const std::exception& error) {
                        problem = QString::fromUtf8(error.what());
                      }
                      QMetaObject::invokeMethod(this, [this, path, problem] {
                        if (!problem.isEmpty()) return state_->setText(problem);
                        accept();
                        Q_EMIT chosen(path);
                      });
                    }}});
}

}  // namespace qkscope

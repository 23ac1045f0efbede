#include "app/corpus_form.h"

#include <QCheckBox>
#include <QFileDialog>
#include <QFileInfo>
#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QSpinBox>
#include <QVBoxLayout>
#include <limits>

#include "app/settings.h"
#include "views/styled_label.h"
#include "views/text.h"

namespace qkscope {

namespace {

const QString purpose = QStringLiteral("corpus");

QString fileFilter() {
  return CorpusForm::tr("Texts (*.txt *.jsonl *.csv *.txt.gz *.jsonl.gz *.csv.gz);;All files (*)");
}

}  // namespace

CorpusForm::CorpusForm(QWidget* parent) : QWidget(parent) {
  setObjectName(QStringLiteral("corpusForm"));
  auto* column = new QVBoxLayout(this);
  column->setContentsMargins(0, 0, 0, 0);
  column->addLayout(makeFiles());
  column->addLayout(makeNumbers());
  recall();
}

void CorpusForm::label(QHBoxLayout* row, const QString& words, QWidget* field) {
  auto* made = new QLabel(words, this);
  made->setBuddy(field);
  row->addWidget(made);
}

QPushButton* CorpusForm::button(QHBoxLayout* row, const QString& words, const char* name) {
  auto* made = new QPushButton(words, this);
  made->setObjectName(QLatin1String(name));
  made->setAutoDefault(false);
  row->addWidget(made);
  return made;
}

QHBoxLayout* CorpusForm::makeFiles() {
  auto* row = new QHBoxLayout;
  corpus_ = new QLineEdit(this);
  corpus_->setObjectName(QStringLiteral("corpusFile"));
  corpus_->setPlaceholderText(tr("a .txt, .jsonl or .csv file, also .gz"));
  label(row, tr("&Corpus"), corpus_);
  row->addWidget(corpus_, 3);
  auto* browse = button(row, tr("&Browse …"), "corpusBrowse");
  column_ = new QLineEdit(QStringLiteral("text"), this);
  column_->setToolTip(tr("The key of .jsonl and column of .csv that holds the text"));
  column_->setMaximumWidth(90);
  label(row, tr("Col&umn"), column_);
  row->addWidget(column_);
  auto* tests = button(row, tr("&Perplexity of …"), "corpusTests");
  tests->setToolTip(tr("Other texts whose perplexity is measured, several at once; none chosen: the corpus"));
  tests_words_ = new StyledLabel(Type::Small, Tone::Text, this);
  tests_words_->setObjectName(QStringLiteral("corpusTestsWords"));
  row->addWidget(tests_words_, 1);
  connect(browse, &QPushButton::clicked, this, [this] {
    const QString path =
        QFileDialog::getOpenFileName(this, tr("Corpus"), Settings().folder(purpose), fileFilter());
    if (!path.isEmpty()) setCorpus(path);
  });
  connect(tests, &QPushButton::clicked, this, [this] {
    setTests(QFileDialog::getOpenFileNames(this, tr("Texts whose perplexity is measured"),
                                           Settings().folder(purpose), fileFilter()));
  });
  connect(corpus_, &QLineEdit::textChanged, this, &CorpusForm::changed);
  return row;
}

QSpinBox* CorpusForm::box(QHBoxLayout* row, const QString& words, const char* name, int low, int high,
                          int value) {
  auto* made = new QSpinBox(this);
  made->setObjectName(QLatin1String(name));
  made->setRange(low, high);
  made->setValue(value);
  label(row, words, made);
  row->addWidget(made);
  connect(made, &QSpinBox::valueChanged, this, &CorpusForm::changed);
  return made;
}

QHBoxLayout* CorpusForm::makeNumbers() {
  auto* row = new QHBoxLayout;
  const CorpusChoice usual;
  length_ = box(row, tr("Con&text length"), "corpusLength", 2, 1 << 20, usual.context_length);
  length_->setToolTip(tr("Tokens of a sequence, BOS included"));
  sequences_ = box(row, tr("Se&quences"), "corpusSequences", 1, 1 << 20, usual.sequences);
  sequences_->setToolTip(tr("At most so many of each file, drawn at random"));
  seed_ =
      box(row, tr("See&d"), "corpusSeed", 0, std::numeric_limits<int>::max(), static_cast<int>(usual.seed));
  seed_->setToolTip(tr("Of which documents and sequences are drawn"));
  bos_ = new QCheckBox(tr("BO&S in front of every sequence"), this);
  bos_->setObjectName(QStringLiteral("corpusBos"));
  bos_->setChecked(usual.bos);
  half_ = new QCheckBox(tr("Means as &float16"), this);
  half_->setToolTip(tr("Round the means of layers to float16 before they are compared, as published"));
  row->addWidget(bos_);
  row->addWidget(half_);
  row->addStretch(1);
  return row;
}

void CorpusForm::recall() {
  const QVariantMap entries = Settings().dialog(objectName());
  setCorpus(entries.value(QStringLiteral("corpus")).toString());
  setTests(entries.value(QStringLiteral("tests")).toStringList());
  column_->setText(entries.value(QStringLiteral("column"), column_->text()).toString());
  length_->setValue(entries.value(QStringLiteral("length"), length_->value()).toInt());
  sequences_->setValue(entries.value(QStringLiteral("sequences"), sequences_->value()).toInt());
  seed_->setValue(entries.value(QStringLiteral("seed"), seed_->value()).toInt());
  bos_->setChecked(entries.value(QStringLiteral("bos"), bos_->isChecked()).toBool());
  half_->setChecked(entries.value(QStringLiteral("float16"), half_->isChecked()).toBool());
}

void CorpusForm::remember() const {
  Settings().setDialog(objectName(), {{QStringLiteral("corpus"), corpus_->text()},
                                      {QStringLiteral("tests"), tests_},
                                      {QStringLiteral("column"), column_->text()},
                                      {QStringLiteral("length"), length_->value()},
                                      {QStringLiteral("sequences"), sequences_->value()},
                                      {QStringLiteral("seed"), seed_->value()},
                                      {QStringLiteral("bos"), bos_->isChecked()},
                                      {QStringLiteral("float16"), half_->isChecked()}});
}

void CorpusForm::setCorpus(const QString& path) {
  if (!path.isEmpty()) Settings().setFolder(purpose, QFileInfo(path).absolutePath());
  corpus_->setText(path);
}

void CorpusForm::setTests(const QStringList& paths) {
  tests_ = paths;
  QStringList names;
  for (const QString& path : tests_) names << text(dataset_name(path.toStdString()));
  tests_words_->setText(names.isEmpty() ? tr("the corpus") : names.join(QStringLiteral(", ")));
  tests_words_->setToolTip(tests_.join(u'\n'));
  Q_EMIT changed();
}

bool CorpusForm::hasCorpus() const {
  return !corpus_->text().isEmpty();
}

CorpusStudy CorpusForm::study() const {
  CorpusStudy study;
  study.corpus = corpus_->text().toStdString();
  for (const QString& path : tests_) study.tests.push_back(path.toStdString());
  study.choice.column = column_->text().toStdString();
  study.choice.context_length = length_->value();
  study.choice.sequences = sequences_->value();
  study.choice.bos = bos_->isChecked();
  study.choice.seed = static_cast<std::uint64_t>(seed_->value());
  study.as_float16 = half_->isChecked();
  return study;
}

}  // namespace qkscope

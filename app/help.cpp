#include "app/help.h"

#include <QAction>
#include <QCoreApplication>
#include <QDialog>
#include <QDialogButtonBox>
#include <QTextBrowser>
#include <QVBoxLayout>
#include <algorithm>
#include <map>

#include "app/command_table.h"

namespace qkscope {

namespace {

QString tr(const char* text) {
  return QCoreApplication::translate("Help", text);
}

void showText(const QString& title, const QString& html, const QSize& size, QWidget* parent) {
  auto* dialog = new QDialog(parent);
  dialog->setAttribute(Qt::WA_DeleteOnClose);
  dialog->setWindowTitle(title);
  auto* text = new QTextBrowser(dialog);
  text->setOpenExternalLinks(true);
  text->setHtml(html);
  text->setFrameShape(QFrame::NoFrame);
  auto* buttons = new QDialogButtonBox(QDialogButtonBox::Close, dialog);
  QObject::connect(buttons, &QDialogButtonBox::rejected, dialog, &QDialog::reject);
  auto* layout = new QVBoxLayout(dialog);
  layout->addWidget(text);
  layout->addWidget(buttons);
  // As large as the type.
  dialog->resize(size * std::max(1.0, dialog->fontInfo().pointSizeF() / 9.25));
  dialog->open();
}

QString row(const QString& keys, const QString& what) {
  return QStringLiteral(
             "<tr><td style='padding:2px 18px 2px 0'><b>%1</b></td><td style='padding:2px 0'>%2</td></tr>")
      .arg(keys.toHtmlEscaped(), what.toHtmlEscaped());
}

}  // namespace

void showKeyboard(const CommandTable& commands, QWidget* parent) {
  QString html = QStringLiteral("<h3>%1</h3><table>").arg(tr("In the picture"));
  html += row(tr("arrows"), tr("walk the cells")) +
          row(tr("wheel"), tr("zoom at the cursor (Ctrl: dims only, Shift: rows only)")) +
          row(tr("drag"), tr("move")) + row(tr("Ctrl+drag"), tr("zoom into a box")) +
          row(tr("Shift+click or Shift+drag"), tr("disrupt this, too, or no longer")) +
          row(tr("right button"), tr("all that can be disrupted here")) + row(tr("double click"), tr("fit")) +
          row(tr("Backspace"), tr("zoom back")) + row(tr("+ or -"), tr("zoom")) +
          row(tr("Home or End"), tr("first or last dim")) +
          row(tr("Space, held down"), tr("the baseline, until it is let go"));
  QStringList menus;
  std::map<QString, QString> rows;  // by menu
  for (const CommandTable::Row& command : commands.rows()) {
    if (command.command.keys.isEmpty()) continue;
    const QString& menu = command.menu.front();
    if (!menus.contains(menu)) menus << menu;
    rows[menu] += row(keysText(command.command.keys, tr(" or ")), plainText(command.action->text()));
  }
  for (const QString& menu : menus) {
    html += QStringLiteral("</table><h3>%1</h3><table>").arg(menu.toHtmlEscaped()) + rows[menu];
  }
  html += QStringLiteral("</table><h3>%1</h3><table>").arg(tr("On a prompt card"));
  html += row(tr("Space or Return"), tr("show it in the pictures")) + row(tr("F2"), tr("edit it")) +
          row(tr("Del"), tr("remove it"));
  showText(tr("Keyboard"), html + QStringLiteral("</table>"), {560, 640}, parent);
}

void showLimits(QWidget* parent) {
  const QString html =
      QStringLiteral("<h3>%1</h3><ul><li>%2</li><li>%3</li><li>%4</li><li>%5</li><li>%6</li></ul>")
          .arg(tr("What the pictures do not say"),
               tr("One prompt and one model are seen at a time. A pattern that holds here may not hold "
                  "elsewhere; try others."),
               tr("A massive value is one by a rule: M over λ times the mean of its head. Another λ gives "
                  "other counts."),
               tr("That the answer breaks when values are replaced shows that the model needs them on this "
                  "prompt, not what it "
                  "uses them for. The control arms (as many of the smallest, as many at random) tell whether "
                  "any replacement "
                  "would have done."),
               tr("“Facts survive” is a statement about disrupting the reading of the prompt. Disrupt every "
                  "step, or Q and K of a "
                  "small model, and facts break too."),
               tr("Perplexity depends on its definition, which stands beside every number, and cannot be "
                  "compared across "
                  "tokenizers. With the first words of an answer given, the rest may still be likely: what "
                  "is lost is the way to "
                  "the answer more than the answer."));
  showText(QCoreApplication::translate("Help", "Limits of the method"), html, {560, 420}, parent);
}

void showGlossary(QWidget* parent) {
  const std::pair<QString, QString> words[] = {
      {tr("query, key, value"),
       tr("The three vectors that attention makes of every position, for each head: a query is compared with "
          "the keys of all positions before it, and the values of those that fit are added up.")},
      {tr("head, KV head"),
       tr("One of the attentions that a layer runs side by side. In grouped-query attention (GQA) several "
          "query heads share the keys and values of one KV head.")},
      {tr("dim"), tr("One number of a head's vector, counted from 0.")},
      {tr("RoPE"),
       tr("Rotary position embedding: pairs of dims are turned by an angle that grows with the position, "
          "each pair at a frequency of its own (inv_freq), so that a product of query and key depends on "
          "their distance.")},
      {tr("wavelength"),
       tr("After how many positions a rotary pair has turned once. Low frequencies are long wavelengths.")},
      {tr("M"), tr("The L2 norm of one dim of one head over all positions of the prompt.")},
      {tr("massive value"), tr("An entry of M over λ times the mean of its head.")},
      {tr("massive activation"),
       tr("A number of the residual stream over 100 and over 1000 times the median of its layer.")},
      {tr("residual stream"),
       tr("What a layer reads and adds to: the vector of each position on its way from the embedding to "
          "the logits.")},
      {tr("attention sink"),
       tr("A position, most often the first, that draws much attention without meaning much.")},
      {tr("disruption"),
       tr("Massive values, or others as a control, are replaced, by their mean for instance, while the "
          "prompt is read.")},
      {tr("arm"), tr("One list of edits that runs beside the baseline, which has none.")},
      {tr("loss, perplexity"),
       tr("The loss of a token is −log of the probability that the model gave it; the perplexity of a text "
          "is e to the mean of its losses: as if the model had chosen among so many tokens each time.")},
      {tr("logit"), tr("The number that softmax makes a probability of.")},
      {tr("contextual, parametric"),
       tr("Knowledge that stands in the prompt, and knowledge that is stored in the weights.")}};
  QString html = QStringLiteral("<table>");
  for (const auto& [word, meaning] : words) html += row(word, meaning);
  showText(tr("Glossary"), html + QStringLiteral("</table>"), {640, 560}, parent);
}

QString citations() {
  return QStringLiteral(R"(@software{qkscope,
  title = {{QKScope}: an explorer of massive values in the attention of language models},
  version = {%1}
}
@inproceedings{jin2025massive,
  title = {Massive Values in Self-Attention Modules are the Key to Contextual Knowledge Understanding},
  author = {Jin, Mingyu and Mei, Kai and Xu, Wujiang and Sun, Mingjie and Tang, Ruixiang and Du, Mengnan and Liu, Zirui and Zhang, Yongfeng},
  booktitle = {Proceedings of the 42nd International Conference on Machine Learning},
  volume = {267},
  pages = {28063--28096},
  year = {2025}
}
@article{owen2025refined,
  title = {A Refined Analysis of Massive Activations in {LLMs}},
  author = {Owen, Louis and Roy Chowdhury, Nilabhra and Kumar, Abhay and G{\"u}ra, Fabian},
  journal = {arXiv preprint arXiv:2503.22329},
  year = {2025}
}
@article{sun2024massive,
  title = {Massive Activations in Large Language Models},
  author = {Sun, Mingjie and Chen, Xinlei and Kolter, J. Zico and Liu, Zhuang},
  journal = {arXiv preprint arXiv:2402.17762},
  year = {2024}
}
)")
      .arg(QStringLiteral(QKSCOPE_VERSION));
}

void showAbout(QWidget* parent) {
  const QString html = QStringLiteral("<h3>QKScope %1</h3><p>%2</p><p>%3</p><p>%4</p>")
                           .arg(QStringLiteral(QKSCOPE_VERSION),
                                tr("Explorer of massive values in the attention of language models."),
                                tr("Free software under the GNU General Public License, version 3 or later."),
                                tr("Built with Qt %1, QCustomPlot, libtorch, sentencepiece, Oniguruma, ICU, "
                                   "CLI11 and nlohmann/json.")
                                    .arg(QString::fromLatin1(qVersion())));
  showText(tr("About QKScope"), html, {460, 260}, parent);
}

}  // namespace qkscope

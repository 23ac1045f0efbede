#include "app/prompt_text.h"

#include <QCoreApplication>
#include <algorithm>

#include "core/base/error.h"

namespace qkscope {

namespace {

QString tr(const char* text) {
  return QCoreApplication::translate("Prompt", text);
}

}  // namespace

RenderedPrompt renderPrompt(const LanguageModel& model, const Prompt& prompt) {
  RenderedPrompt rendered;
  const std::string user = prompt.text.toStdString();
  rendered.raw = prompt.raw || model.chat_format().is_raw();
  rendered.text = rendered.raw ? user : model.chat_format().render(user);
  rendered.ids = encode_prompt(model.tokenizer(), rendered.text, prompt.bos, !rendered.raw);
  return rendered;
}

TokenIds continuationIds(const LanguageModel& model, const QString& text) {
  if (text.isEmpty()) return {};
  return model.tokenizer().encode(text.toStdString(), false);
}

QStringList pieceTexts(const LanguageModel& model, const TokenIds& ids) {
  QStringList pieces;
  for (const int id : ids) pieces << QString::fromStdString(model.tokenizer().piece_text(id));
  return pieces;
}

PromptResult describePrompt(const LanguageModel& model, const Prompt& prompt,
                            const RenderedPrompt& rendered) {
  PromptResult result;
  result.pieces = pieceTexts(model, rendered.ids);
  result.user_end = static_cast<int>(rendered.ids.size());
  result.format = rendered.raw ? QStringLiteral("raw") : QString::fromStdString(model.chat_format().name());
  if (rendered.raw && !prompt.raw)
    result.format_reason = QString::fromStdString(model.chat_format().reason());
  if (rendered.raw) return result;

  // The user's tokens are those that overlap the user's bytes in the rendered text.
  const std::string user = prompt.text.toStdString();
  const std::size_t begin = rendered.text.rfind(user);
  if (user.empty() || begin == std::string::npos) return result;
  const std::size_t end = begin + user.size();
  std::size_t offset = 0;
  result.user_begin = result.user_end;
  int last = 0;
  for (std::size_t i = 0; i < rendered.ids.size(); ++i) {
    const std::size_t next = offset + model.tokenizer().piece_bytes(rendered.ids[i]).size();
    if (next > begin && offset < end) {
      result.user_begin = std::min(result.user_begin, static_cast<int>(i));
      last = static_cast<int>(i) + 1;
    }
    offset = next;
  }
  result.user_end = std::max(result.user_begin, last);
  return result;
}

namespace {

/// The positions that the model was made for. A longer prompt would give nothing to explain, and may need
/// more memory than any machine has.
std::size_t longestPrompt(const ModelSpec& spec) {
  const double stretch =
      spec.rope() && spec.rope()->type == "dynamic" ? std::max(1.0, spec.rope()->factor) : 1.0;
  return static_cast<std::size_t>(spec.max_position_embeddings * stretch);
}

}  // namespace

ReadPrompt readPrompt(const LanguageModel& model, const Prompt& prompt) {
  ReadPrompt read;
  try {
    if (prompt.text.isEmpty()) throw Error(tr("The prompt is empty: press F2 to write one.").toStdString());
    const RenderedPrompt rendered = renderPrompt(model, prompt);
    const std::size_t longest = longestPrompt(model.spec());
    if (rendered.ids.size() > longest) {
      throw Error(tr("The prompt has %1 tokens, and %2 was made for at most %3: shorten it with F2.")
                      .arg(rendered.ids.size())
                      .arg(QString::fromStdString(model.card().name))
                      .arg(longest)
                      .toStdString());
    }
    if (rendered.ids.empty()) {
      throw Error(tr("The tokenizer makes no token of the prompt: write another with F2.").toStdString());
    }
    read.described = describePrompt(model, prompt, rendered);
    read.expected = continuationIds(model, prompt.expected);
    read.ids = rendered.ids;
  } catch (const Error& error) {
    read = {};
    read.described.problem = QString::fromUtf8(error.what());
  }
  return read;
}

namespace {

std::vector<NextToken> inWords(const LanguageModel& model, const std::vector<TokenProbability>& tokens) {
  std::vector<NextToken> words;
  for (const TokenProbability& token : tokens)
    words.push_back({QString::fromStdString(model.tokenizer().piece_text(token.id)), token.probability});
  return words;
}

}  // namespace

std::vector<NextToken> nextTokens(const LanguageModel& model, const Run& run) {
  return inWords(model, run.next_tokens);
}

std::shared_ptr<const TokenScores> tokenScores(const LanguageModel& model, const Perplexity& score) {
  auto scores = std::make_shared<TokenScores>();
  scores->nll = score.nll;
  for (const auto& tokens : score.alternatives) scores->likely.push_back(inWords(model, tokens));
  return scores;
}

void describeContinuation(const LanguageModel& model, const Perplexity& score, PromptArm& arm) {
  arm.continuation = score;
  arm.continuation_pieces = pieceTexts(model, score.tokens);
  arm.continuation_scores = tokenScores(model, score);
}

PromptArm describeRun(const LanguageModel& model, const Run& run, bool complete) {
  PromptArm arm;
  arm.answer = QString::fromStdString(model.tokenizer().decode(run.answer, true));
  arm.complete = complete;
  arm.stopped = run.stopped;
  arm.replaced = run.replaced;
  arm.next = nextTokens(model, run);
  if (run.continuation) describeContinuation(model, *run.continuation, arm);
  return arm;
}

}  // namespace qkscope

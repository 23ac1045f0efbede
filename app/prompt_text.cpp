#include "app/prompt_text.h"

#include <QCoreApplication>
#include <QDateTime>
#include <QLocale>
#include <algorithm>

#include "core/base/error.h"
#include "views/text.h"

namespace qkscope {

namespace {

QString tr(const char* text) {
  return QCoreApplication::translate("Prompt", text);
}

}  // namespace

WrittenPrompt writtenPrompt(const Prompt& prompt) {
  return {prompt.text.toStdString(), prompt.raw, prompt.bos};
}

namespace {

template <typename Piece>
QStringList pieceTexts(const TokenIds& ids, Piece piece) {
  QStringList pieces;
  for (const int id : ids) pieces << piece(id);
  return pieces;
}

template <typename Piece>
PromptResult describe(const TokenizedPrompt& read, Piece piece) {
  PromptResult result;
  result.pieces = pieceTexts(read.ids, piece);
  result.user_begin = read.user_begin;
  result.user_end = read.user_end;
  result.format = text(read.format);
  result.format_reason = text(read.format_reason);
  return result;
}

}  // namespace

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
    const TokenizedPrompt tokens =
        tokenize_prompt(model.tokenizer(), model.chat_format(), writtenPrompt(prompt));
    const std::size_t longest = longestPrompt(model.spec());
    if (tokens.ids.size() > longest) {
      throw Error(tr("The prompt has %1 tokens, and %2 was made for at most %3: shorten it with F2.")
                      .arg(tokens.ids.size())
                      .arg(text(model.card().name))
                      .arg(longest)
                      .toStdString());
    }
    if (tokens.ids.empty()) {
      throw Error(tr("The tokenizer makes no token of the prompt: write another with F2.").toStdString());
    }
    read.described = describe(tokens, [&](int id) { return text(model.tokenizer().piece_text(id)); });
    if (!prompt.expected.isEmpty())
      read.expected = model.tokenizer().encode(prompt.expected.toStdString(), false);
    read.ids = tokens.ids;
  } catch (const Error& error) {
    read = {};
    read.described.problem = QString::fromUtf8(error.what());
  }
  return read;
}

TokenTexts tokenTexts(const std::shared_ptr<const LanguageModel>& model) {
  return {[model](int id) { return text(model->tokenizer().piece_text(id)); },
          [model](const Run& run) { return text(model->tokenizer().decode(run.answer, true)); }};
}

namespace {

QString recordedPiece(const Recording& recording, int id) {
  const auto found = recording.pieces.find(id);
  return found == recording.pieces.end() ? QStringLiteral("#%1").arg(id) : text(found->second);
}

}  // namespace

TokenTexts tokenTexts(const std::shared_ptr<const Recording>& recording) {
  return {[recording](int id) { return recordedPiece(*recording, id); },
          [recording](const Run& run) {
            for (const RecordedPrompt& prompt : recording->prompts) {
              for (const RecordedRun& recorded : prompt.runs) {
                if (recorded.run.get() == &run) return text(recorded.answer);
              }
            }
            return QString();
          }};
}

const RecordedPrompt* recordedPrompt(const Recording& recording, const Prompt& prompt) {
  const auto found = std::ranges::find_if(recording.prompts, [&prompt](const RecordedPrompt& recorded) {
    return recorded.written == writtenPrompt(prompt) && text(recorded.expected) == prompt.expected;
  });
  return found == recording.prompts.end() ? nullptr : &*found;
}

ReadPrompt readRecorded(const Recording& recording, const Prompt& prompt) {
  ReadPrompt read;
  if (const RecordedPrompt* recorded = recordedPrompt(recording, prompt)) {
    read.described = describe(recorded->read, [&](int id) { return recordedPiece(recording, id); });
    read.ids = recorded->read.ids;
    read.expected = recorded->expected_ids;
  } else {
    read.described.problem =
        tr("These runs were recorded on %1, and this prompt is not among them: asking it needs the model "
           "(Ctrl+O).")
            .arg(recordedWords(recording));
  }
  return read;
}

QString recordedWords(const Recording& recording) {
  const QDateTime time = QDateTime::fromString(text(recording.recorded), Qt::ISODate);
  return time.isValid() ? QLocale().toString(time.toLocalTime().date(), QLocale::ShortFormat)
                        : text(recording.recorded);
}

namespace {

std::vector<NextToken> inWords(const TokenTexts& texts, const std::vector<TokenProbability>& tokens) {
  std::vector<NextToken> words;
  for (const TokenProbability& token : tokens) words.push_back({texts.piece(token.id), token.probability});
  return words;
}

}  // namespace

std::vector<NextToken> nextTokens(const TokenTexts& texts, const Run& run) {
  return inWords(texts, run.next_tokens);
}

std::shared_ptr<const TokenScores> tokenScores(const TokenTexts& texts, const Perplexity& score) {
  auto scores = std::make_shared<TokenScores>();
  scores->nll = score.nll;
  for (const auto& tokens : score.alternatives) scores->likely.push_back(inWords(texts, tokens));
  return scores;
}

void describeContinuation(const TokenTexts& texts, const Perplexity& score, PromptArm& arm) {
  arm.continuation = score;
  arm.continuation_pieces = pieceTexts(score.tokens, texts.piece);
  arm.continuation_scores = tokenScores(texts, score);
}

PromptArm describeRun(const TokenTexts& texts, const Run& run, bool complete) {
  PromptArm arm;
  arm.answer = texts.answer(run);
  arm.complete = complete;
  arm.stopped = run.stopped;
  arm.replaced = run.replaced;
  arm.next = nextTokens(texts, run);
  if (run.continuation) describeContinuation(texts, *run.continuation, arm);
  return arm;
}

}  // namespace qkscope

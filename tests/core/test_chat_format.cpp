// Chats as apply_chat_template renders them, with the templates of real models; and where there is none to
// render.
#include <QTemporaryDir>
#include <ctime>
#include <fstream>
#include <nlohmann/json.hpp>

#include "core/base/budget.h"
#include "core/base/error.h"
#include "core/text/chat_format.h"
#include "tests/support/errors.h"
#include "tests/support/file_bytes.h"
#include "tests/support/test_case.h"

using namespace qkscope;
using nlohmann::json;

namespace {

std::string marker(const std::string& name) {
  return "<" + ("|" + name) + "|>";
}

std::string end_of_sequence() {
  return std::string("<") + "/s>";
}

std::vector<ChatMessage> messages(const json& list) {
  std::vector<ChatMessage> out;
  for (const json& message : list)
    out.push_back({message.at("role").get<std::string>(), message.at("content").get<std::string>()});
  return out;
}

ChatFormat recognise(const std::string& source,
                     const std::map<std::string, std::string>& special_tokens = {}) {
  Budget budget("the chat template");
  return ChatFormat::recognise({source, {}}, special_tokens, budget);
}

/// Templates that tell the day are rendered on another one here.
std::string without_date(std::string text) {
  const std::string mark = "Today Date: ";
  if (const std::size_t at = text.find(mark); at != std::string::npos) {
    const std::size_t begin = at + mark.size();
    text.replace(begin, text.find('\n', begin) - begin, "TODAY");
  }
  return text;
}

}  // namespace

class TestChatFormat : public test::TestCase {
  Q_OBJECT
 private Q_SLOTS:
  void initTestCase() {
    std::ifstream file(test::golden("chats.json"));
    golden_ = json::parse(file);
  }

  void rendersAsTransformersDoes_data() {
    QTest::addColumn<int>("model");
    QTest::addColumn<int>("conversation");
    for (int m = 0; const json& model : golden_) {
      for (int c = 0; const json& conversation : model.at("conversations")) {
        QTest::addRow("%s: %s", model.at("name").get<std::string>().c_str(),
                      conversation.at("name").get<std::string>().c_str())
            << m << c++;
      }
      ++m;
    }
  }
  void rendersAsTransformersDoes() {
    QFETCH(int, model);
    QFETCH(int, conversation);
    const json& entry = golden_.at(static_cast<std::size_t>(model));
    const json& chat = entry.at("conversations").at(static_cast<std::size_t>(conversation));
    const ChatFormat format = format_of(entry);
    QVERIFY2(!format.is_raw(), format.reason().c_str());
    if (chat.contains("refusal")) {
      QKSCOPE_EXPECT_ERROR(format.render(messages(chat.at("messages"))),
                           chat.at("refusal").get<std::string>());
      return;
    }
    std::string text = format.render(messages(chat.at("messages")));
    std::string expected = chat.at("text").get<std::string>();
    if (entry.at("template").get<std::string>().find("strftime_now") != std::string::npos) {
      text = without_date(text);
      expected = without_date(expected);
    }
    QCOMPARE(QString::fromStdString(text), QString::fromStdString(expected));
  }

  void oneUserTurn() {
    for (const json& entry : golden_) {
      const ChatFormat format = format_of(entry);
      const std::vector<ChatMessage> chat = {{"user", "Hello, who are you?"}};
      QCOMPARE(format.render("Hello, who are you?"), format.render(chat));
    }
  }

  void namesTheFamily() {
    for (const json& entry : golden_) {
      const ChatFormat format = format_of(entry);
      QCOMPARE(QString::fromStdString(entry.at("name").get<std::string>() + " " + format.name()),
               QString::fromStdString(entry.at("name").get<std::string>() + " " +
                                      entry.at("family").get<std::string>()));
      QVERIFY(format.reason().empty());
    }
  }

  void findsTheEndOfATurn() {
    const std::map<std::string, std::string> expected = {
        {"SmolLM2-135M-Instruct", marker("im_end")},
        {"Qwen2-Instruct", marker("im_end")},
        {"Qwen2.5-Instruct", marker("im_end")},
        {"Llama-2-7b-chat", end_of_sequence()},
        {"Meta-Llama-3-8B-Instruct",
         marker("eot_id") + marker("start_header_id") + "assistant" + marker("end_header_id")},
        {"Llama-3.1-8B-Instruct", marker("eot_id")},
        {"Llama-3.2-3B-Instruct", marker("eot_id")},
        {"Mistral-7B-Instruct-v0.1", end_of_sequence()},
        {"Mistral-7B-Instruct-v0.3", end_of_sequence()},
        {"openchat-3.5-0106", marker("end_of_turn")},
    };
    std::size_t seen = 0;
    for (const json& entry : golden_) {
      const auto found = expected.find(entry.at("name").get<std::string>());
      if (found == expected.end()) continue;
      ++seen;
      QVERIFY2(format_of(entry).end_of_turn() == found->second,
               (found->first + ": '" + format_of(entry).end_of_turn() + "'").c_str());
    }
    QCOMPARE(seen, expected.size());
    QCOMPARE(recognise("{{ messages[0].content }}").end_of_turn(), "");
  }

  void aDayInEnglish() {
    const ChatFormat format = recognise("{{ strftime_now('%Y') }}: {{ messages[0].content }}");
    const auto year = [] {
      const std::time_t now = std::time(nullptr);
      std::tm local{};
      localtime_r(&now, &local);
      return std::to_string(local.tm_year + 1900) + ": x";
    };
    const std::string before = year(), text = format.render("x");
    QVERIFY(text == before || text == year());
  }

  void rawWithoutATemplate() {
    const ChatFormat format = recognise("");
    QVERIFY(format.is_raw());
    QCOMPARE(format.name(), "raw");
    QVERIFY(format.reason().find("no chat template") != std::string::npos);
    QCOMPARE(format.render("Hello"), "Hello");
    const std::vector<ChatMessage> chat = {{"system", "Be brief."}, {"user", "Hello"}};
    QCOMPARE(format.render(chat), "Be brief.\nHello");
    QCOMPARE(format.end_of_turn(), "");
    QVERIFY(ChatFormat().is_raw());
  }

  void rawWhereTheTemplateIsBroken() {
    for (const char* source : {"{% if %}", "{{ messages | frobnicate }}", "{% for m in messages %}",
                               "{{ nothing.at_all }}", "{{ raise_exception('only for tools') }}",
                               "{% include 'other' %}", "{{", "{% for i in range(99999999) %}{% endfor %}"}) {
      const ChatFormat format = recognise(source);
      QVERIFY2(format.is_raw(), source);
      QCOMPARE(format.name(), "raw");
      QVERIFY2(format.reason().find("the chat template") != std::string::npos, format.reason().c_str());
      QCOMPARE(format.render("Hello"), "Hello");
    }
  }

  void refusalsAreErrors() {
    const ChatFormat format = recognise(
        "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('No system role, please.') "
        "}}{% endif %}"
        "{{ m.content }}{% endfor %}");
    QVERIFY(!format.is_raw());
    const std::vector<ChatMessage> chat = {{"system", "Be brief."}, {"user", "Hello"}};
    QKSCOPE_EXPECT_ERROR(format.render(chat), "No system role, please.");
    QCOMPARE(format.render("Hello"), "Hello");
  }

  void whatIsGivenToTheTemplate() {
    const ChatFormat format = recognise(
        "{{ bos_token }}|{{ add_generation_prompt }}|{{ tools is none }}|{{ documents is none }}|{{ "
        "pad_token }}|"
        "{{ eos_token is defined }}|{{ enable_thinking is defined }}|{{ custom_instructions is defined }}",
        {{"bos_token", "B"}, {"pad_token", "P"}});
    QCOMPARE(format.render("x"), "B|True|True|True|P|False|False|False");
  }

  /// Which of a folder's templates counts, or why none can.
  void templatesOfAFolder() {
    const QTemporaryDir place;
    const std::filesystem::path folder = place.path().toStdString();
    const auto chosen = [&] {
      Budget budget("The folder");
      return choose_chat_template(folder, budget);
    };
    const auto configured = [&](const json& value) {
      test::write_file(folder / "tokenizer_config.json", json{{"chat_template", value}}.dump());
      return chosen();
    };
    QVERIFY(chosen().source.empty() && chosen().problem.empty());
    QVERIFY(configured(nullptr).source.empty() && chosen().problem.empty());
    QCOMPARE(configured("A").source, "A");
    const json tools = {{"name", "tool_use"}, {"template", "T"}};
    const json several = json::array({tools, {{"name", "default"}, {"template", "D"}}});
    QCOMPARE(configured(several).source, "D");
    QCOMPARE(configured({{"default", "E"}, {"rag", "R"}}).source, "E");
    for (const json& value : {json::array({tools}), json{{"rag", "R"}}, json(5), json::array(), json(true)}) {
      const ChatTemplate none = configured(value);
      QVERIFY2(none.source.empty() && none.problem.find("tokenizer_config.json") != std::string::npos,
               none.problem.c_str());
      Budget budget("the chat template");
      const ChatFormat format = ChatFormat::recognise(none, {}, budget);
      QVERIFY(format.is_raw() && format.is_unusable() && format.reason() == none.problem);
    }
    QVERIFY(test::has_all(configured(json::array({tools})).problem, {"'tool_use'", "none named 'default'"}));
    // Files come first, even where none of them is the default.
    configured("A");
    std::filesystem::create_directory(folder / "additional_chat_templates");
    test::write_file(folder / "additional_chat_templates" / "rag.jinja", "R");
    QVERIFY(test::has_all(chosen().problem, {"'rag'", "none named 'default'"}));
    test::write_file(folder / "additional_chat_templates" / "notes.txt", "no template");
    test::write_file(folder / "chat_template.jinja", "F");
    QCOMPARE(chosen().source, "F");
    std::filesystem::remove_all(folder / "additional_chat_templates");
    QCOMPARE(chosen().source, "F");
  }

  void aTemplateThatCostsTooMuchIsRaw() {
    Budget budget("the chat template", {}, std::uint64_t{1} << 20, std::chrono::milliseconds(200));
    const ChatFormat format = ChatFormat::recognise({"{{ 'a' * 9999999 }}", {}}, {}, budget);
    QVERIFY(format.is_raw() && format.is_unusable());
    QVERIFY2(test::has_all(format.reason(), {"the chat template needs more than 1 MiB"}),
             format.reason().c_str());
    std::stop_source stop;
    stop.request_stop();
    Budget stopped("the chat template", stop.get_token());
    QVERIFY_EXCEPTION_THROWN(
        ChatFormat::recognise({"{% for i in range(9999) %}{{ i }}{% endfor %}", {}}, {}, stopped), Cancelled);
  }

  void wordsAreNoTemplate() {
    const ChatFormat format = recognise("{% for m in messages %}{{ m.content }}{% endfor %}");
    for (const std::string words :
         {"{{ 1 + 1 }}", "{% raw %}", "{#", "", "\n", "\xff\xfe", "a\r\nb", "'\"\\n", "<b>&amp;</b>"}) {
      QCOMPARE(format.render(words), words);
    }
  }

  void copiesShareNothingThatChanges() {
    ChatFormat format = format_of(golden_.at(0));
    const ChatFormat copy = format;
    const std::string text = copy.render("x");
    format = ChatFormat();
    QCOMPARE(copy.render("x"), text);
  }

 private:
  static ChatFormat format_of(const json& entry) {
    return recognise(entry.at("template").get<std::string>(),
                     {{"bos_token", entry.at("bos_token").get<std::string>()},
                      {"eos_token", entry.at("eos_token").get<std::string>()}});
  }

  json golden_;
};

QTEST_GUILESS_MAIN(TestChatFormat)
#include "test_chat_format.moc"

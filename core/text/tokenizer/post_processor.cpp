#include "core/text/tokenizer/post_processor.h"

#include <algorithm>

#include "core/base/wording.h"
#include "core/text/tokenizer/loaders.h"

namespace qkscope {
namespace {

class PostProcessor {
 public:
  void apply(const JsonNode& node) {
    const std::string& type = node.at("type").string();
    if (type == "Sequence") {
      for (const JsonNode& processor : node.at("processors").elements()) apply(processor);
    } else if (type == "TemplateProcessing") {
      fill_template(node);
    } else if (type == "BertProcessing" || type == "RobertaProcessing") {
      check_order(node);
      TokenIds& front = frame_.front;
      front.insert(front.begin(), marked_token(node.at("cls")));
      frame_.back.push_back(marked_token(node.at("sep")));
    } else if (type != "ByteLevel") {  // which moves offsets only
      node.fail("is of the type " + in_quotes(type) +
                ", which is not supported; expected TemplateProcessing, BertProcessing, RobertaProcessing, "
                "ByteLevel or Sequence");
    }
  }

  TextFrame take() { return std::move(frame_); }

 private:
  /// tokenizers takes the parts that a template leaves for several texts when another processor follows.
  void check_order(const JsonNode& node) const {
    if (parts_ > 1) node.fail("follows a TemplateProcessing, expected that to be the last that adds tokens");
  }

  void fill_template(const JsonNode& node) {
    check_order(node);
    TokenIds front, back;
    int texts = 0;
    const std::vector<JsonNode> parts = node.at("single").elements();
    for (const JsonNode& part : parts) {
      if (const auto text = part.find("Sequence")) {
        if (text->at("id").string() != "A") text->at("id").fail("is not 'A', the one text there is");
        ++texts;
        continue;
      }
      const JsonNode name = part.at("SpecialToken").at("id");
      const auto token = node.at("special_tokens").find(name.string().c_str());
      if (!token) name.fail("is " + in_quotes(name.string()) + ", which is not among its special_tokens");
      for (const JsonNode& id : token->at("ids").elements())
        (texts == 0 ? front : back).push_back(token_id(id));
    }
    if (texts != 1) node.at("single").fail("has the text " + std::to_string(texts) + " times, expected once");
    frame_.front.insert(frame_.front.begin(), front.begin(), front.end());
    frame_.back.insert(frame_.back.end(), back.begin(), back.end());
    parts_ = parts.size();
  }

  static int token_id(const JsonNode& node) {
    const std::int64_t id = node.integer();
    if (id < 0 || id > largest_token_id) node.fail("is " + std::to_string(id) + ", which is no token's id");
    return static_cast<int>(id);
  }
  /// ["[CLS]", 101]
  static int marked_token(const JsonNode& node) {
    const std::vector<JsonNode> pair = node.elements();
    if (pair.size() != 2) node.fail("is not a token and its id");
    return token_id(pair[1]);
  }

  TextFrame frame_;
  std::size_t parts_ = 1;
};

}  // namespace

TextFrame read_post_processor(const std::optional<JsonNode>& node) {
  PostProcessor processor;
  if (node) processor.apply(*node);
  return processor.take();
}

}  // namespace qkscope

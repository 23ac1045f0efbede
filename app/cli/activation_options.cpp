#include "app/cli/activation_options.h"

#include "app/cli/validators.h"

namespace qkscope::cli {

void add_activations(CLI::App& app, Options& o) {
  ActivationOptions& a = o.activations;
  app.add_option("EXPERIMENT", a.experiment, "magnitude, existence, tokens, intervention or attention")
      ->option_text(" ")
      ->required()
      ->check(CLI::IsMember({"magnitude", "existence", "tokens", "intervention", "attention"}));
  app.add_option("--sentence", a.sentence, "The sentence of magnitude and attention (" + a.sentence + ")")
      ->option_text("TEXT")
      ->check(filled("the text that the model reads"));
  app.add_option("--corpus", a.corpora, "A .txt, .jsonl or .csv file, also .gz; may be given several times")
      ->option_text("FILE")
      ->allow_extra_args(false)
      ->check(filled("a file of text"));
  app.add_option("--test", a.tests, "Texts of intervention's perplexities, as --corpus (those of --corpus)")
      ->option_text("FILE")
      ->allow_extra_args(false)
      ->check(filled("a file of text"));
  app.add_option("--column", a.drawn.column,
                 "The key of .jsonl and column of .csv that holds the text (text)")
      ->option_text("NAME")
      ->check(filled("the name of a key or column"));
  app.add_option("--join", a.drawn.join, "What stands between two documents (two line breaks)")
      ->option_text("TEXT");
  app.add_option("--context-length", a.drawn.context_length, "Tokens of a sequence, BOS included (256)")
      ->option_text("N")
      ->check(whole_number(2, 1 << 20));
  app.add_option("--sequences", a.drawn.sequences, "At most so many sequences of each file (8)")
      ->option_text("N")
      ->check(whole_number(1, 1 << 20));
  app.add_option("--documents", a.drawn.documents, "Of so many documents, drawn at random (500)")
      ->option_text("N")
      ->check(whole_number(1, 1 << 24));
  app.add_option("--seed", a.drawn.seed, "Seed of what is drawn (42)")
      ->option_text("N")
      ->check(whole_number(0, std::numeric_limits<std::uint64_t>::max()));
  app.add_option_function<std::string>(
         "--bos", [&a](const std::string& name) { a.drawn.bos = name == "on"; },
         "Begin every sequence with the BOS token: on or off (on)")
      ->option_text("NAME")
      ->check(CLI::IsMember({"on", "off"}));
  app.add_option_function<std::string>(
         "--site", [&a](const std::string& name) { a.site = *site_from_name(name); },
         "resid_post, attn_out or mlp_out; of magnitude and existence also resid_pre, attn_in, resid_mid or "
         "mlp_in, what norms read and give (resid_post)")
      ->option_text("NAME")
      ->check(CLI::IsMember(
          {"resid_post", "attn_out", "mlp_out", "resid_pre", "attn_in", "resid_mid", "mlp_in"}));
  app.add_option("--over", a.rule.least, "Massive is |h| over X ... (100)")
      ->option_text("X")
      ->check(number(0));
  app.add_option("--times", a.rule.times_median, "... and over X times the layer's median (1000)")
      ->option_text("X")
      ->check(number(0));
  app.add_option("--top", a.top, "So many of the largest of each layer (3)")
      ->option_text("N")
      ->check(whole_number(1, 1 << 20));
  app.add_option("--keep", a.keep,
                 "Keep what is found of each sequence in FILE (.jsonl): stopped, it goes on from there")
      ->option_text("FILE")
      ->check(filled("a file to go on from"));
  app.add_flag("--float16", a.as_float16, "Round existence's means to float16 first, as published")
      ->option_text(" ");
}

}  // namespace qkscope::cli

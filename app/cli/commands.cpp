#include "app/cli/command.h"

namespace qkscope::cli {

std::string json_text(const Document& document) {
  // Paths and metadata need not be UTF-8.
  return document.dump(2, ' ', false, Document::error_handler_t::replace) + "\n";
}

const std::vector<Command>& commands() {
  constexpr const char* json_file = "Write the JSON to FILE, too";
  static const std::vector<Command> list = {
      {"info", "What a checkpoint is: architecture, sizes, RoPE, tokenizer, memory; reads no weights.",
       "Examples:\n"
       "  qkscope-cli info\n"
       "  qkscope-cli info ~/models/Llama-3.2-1B-Instruct\n"
       "  qkscope-cli info model.gguf --json",
       Model, json_file, run_info},
      {"models",
       "The models on this machine: QKScope's own and those of Hugging Face, LM Studio, Ollama, llama.cpp.",
       "A name of the first column stands for MODEL in every command, also as org/name@revision.\n\n"
       "Examples:\n"
       "  qkscope-cli models\n"
       "  qkscope-cli info org/name",
       0, json_file, run_models},
      {"tokens", "The token ids of a prompt, their texts, and the prompt as the chat format renders it.",
       "Examples:\n"
       "  qkscope-cli tokens --prompt \"What is the capital of France?\"\n"
       "  qkscope-cli tokens --raw --prompt \"Hello world\" --json",
       Model | Prompt, json_file, run_tokens},
      {"generate", "The model's answer to a prompt, greedily unless --temperature is given.",
       "Examples:\n"
       "  qkscope-cli generate --prompt \"What is the capital of France?\"\n"
       "  qkscope-cli generate --prompt \"Tell me a story.\" --temperature 0.8 --top-p 0.95 --seed 7\n"
       "  qkscope-cli generate --prompt \"What is the capital of France?\" --disrupt \"lambda 5 on K\"",
       Model | Prompt | Answer | Disrupt, json_file, run_generate},
      {"perplexity", "How surprised the model is by a text, or by an answer to a prompt.",
       "Definitions:\n"
       "  continuation   the answer after the prompt, as decoding sees it; with --disrupt the prompt is "
       "disrupted\n"
       "  text           a text in one pass, its first token not scored\n"
       "  as_published   prompt and answer in one disrupted pass, the answer scored\n"
       "The default is text for --text-file, else continuation. With --disrupt the disrupted pass is "
       "scored.\n\n"
       "Examples:\n"
       "  qkscope-cli perplexity --text-file story.txt --max-tokens 300\n"
       "  qkscope-cli perplexity --text-file story.txt --max-tokens 300 --disrupt published\n"
       "  qkscope-cli perplexity --prompt \"What is the capital of France?\" --expect \"The capital of "
       "France is "
       "Paris.\"",
       Model | Prompt | Answer | Score | Disrupt, json_file, run_perplexity},
      {"massive", "The massive values of Q, K and V: entries of M over lambda times the mean of their head.",
       "M[head, dim] is the L2 norm over the positions of the prompt. Layers, heads and KV heads are counted "
       "from 1\n"
       "in tables and options, from 0 in JSON and arrays; dims from 0 everywhere.\n\n"
       "Examples:\n"
       "  qkscope-cli massive --prompt \"What is the capital of France?\"\n"
       "  qkscope-cli massive --prompt-file passkey.txt --sites query,query_pre --layers 4-8 --lambda 4 "
       "--json\n"
       "  qkscope-cli massive --prompt-file passkey.txt --out M.safetensors\n"
       "  qkscope-cli massive --dump q_layer10.pt --rope-theta 10000\n"
       "  qkscope-cli massive --dump qkv.npz --layout bhsd",
       Model | Prompt | Sites | Massive | Disrupt | Dump | Arrays,
       "Write to FILE: M of every site as (layers, heads, head_dim) if it ends in .safetensors, else the "
       "JSON",
       run_massive},
      {"verdict",
       "Whether a model's massive values are concentrated, over many prompts: the paper's table 3.",
       "For every prompt: how many values of Q, K and V are massive, how many of them lie in the "
       "low-frequency half,\n"
       "in how many heads there is one, whether heads share their dims beyond chance, and how many massive "
       "values of K\n"
       "have one of a query head that reads them on the same rotary pair. Concentrated: at least 80 % of the "
       "heads of Q\n"
       "and K have a massive value, and 80 % of the values lie in the low-frequency half; without RoPE, "
       "heads "
       "share\n"
       "their dims with p below 0.01.\n\n"
       "Examples:\n"
       "  qkscope-cli verdict\n"
       "  qkscope-cli verdict ~/models/gpt2 ~/models/Llama-3.2-1B --tasks pass-keys --items 10\n"
       "  qkscope-cli verdict SmolLM2-135M-Instruct.Q4_1 --lambda 4 --json",
       Model | Verdicts | Massive, json_file, run_verdict},
      {"capture", "Keeps Q, K, V and other intermediates of a prompt's pass in a .safetensors file.",
       "Arrays are named layers.L.SITE, of shape (positions, heads, head_dim), and layers.L.SITE.norm, which "
       "is M of\n"
       "shape (heads, head_dim); L from 0. The header holds model, prompt, settings and version. In Python:\n"
       "  from safetensors.numpy import load_file; q = load_file(\"qkv.safetensors\")[\"layers.3.query\"]\n\n"
       "Examples:\n"
       "  qkscope-cli capture --prompt \"What is the capital of France?\" --out qkv.safetensors\n"
       "  qkscope-cli capture --prompt-file p.txt --sites query_pre,query --layers 1-4 --out q.safetensors\n"
       "  qkscope-cli capture --prompt-file p.txt --disrupt \"lambda 5 on Q\" --norms-only --out "
       "m.safetensors",
       Model | Prompt | Sites | NormsOnly | Disrupt | Arrays, "The .safetensors file to write (required)",
       run_capture},
      {"disrupt", "A prompt with and without a disruption: both answers and both perplexities.",
       "Without --disrupt it is \"lambda 5 on Q\". What is in the context is lost, what is known by heart "
       "stays.\n\n"
       "Examples:\n"
       "  qkscope-cli disrupt --prompt \"What is the capital of France?\"\n"
       "  qkscope-cli disrupt --prompt-file passkey.txt --expect \"The pass key is 48213.\" --disrupt "
       "\"lambda 5 on Q\"\n"
       "  qkscope-cli disrupt --prompt-file passkey.txt --disrupt \"same number of smallest on Q\"\n"
       "  qkscope-cli disrupt --prompt-file passkey.txt --disrupt "
       "site=qk,pick=largest:1,pool=chosen,mask=live,"
       "layers=1-10",
       Model | Prompt | Answer | Score | Disrupt, json_file, run_disrupt},
      {"record",
       "A prompt's runs with all that the window shows of them, to be opened where the model is not.",
       "The document holds both runs: M of Q, K and V and the residual stream's largest numbers in all "
       "layers, single\n"
       "values and attention patterns of the layers of --values, answers and losses. qkscope opens it and "
       "shows every\n"
       "picture of them; new edits need the model. It is a zip archive of JSON and .safetensors files.\n\n"
       "Examples:\n"
       "  qkscope-cli record --prompt \"What is the capital of France?\" --disrupt \"lambda 5 on Q\" --out "
       "paris.qkscope\n"
       "  qkscope-cli record ~/models/Llama-3.2-1B --prompt-file p.txt --values 1-4,16 --out p.qkscope",
       Model | Prompt | Answer | Score | Disrupt | Values | Recorded,
       "The .qkscope document to write (required)", run_record},
      {"effect-map",
       "Which layer, or which head, carries an answer: each disrupted alone, beside as many other values.",
       "Q, K and both are disrupted in each layer by itself: the massive values, then as many of the "
       "smallest "
       "and as\n"
       "many at random, in the layers with the largest effect first. Every cell has the perplexity of the "
       "expected\n"
       "answer (the baseline's own without --expect) and says whether the model then answers otherwise.\n\n"
       "Examples:\n"
       "  qkscope-cli effect-map --prompt-file passkey.txt --expect \"The pass key is 48213.\"\n"
       "  qkscope-cli effect-map --prompt-file passkey.txt --per-head --max-new 8 --json\n"
       "  qkscope-cli effect-map --prompt-file passkey.txt --disrupt \"pick=lambda:3,replace=zero\"",
       Model | Prompt | Answer | Score | Disrupt | PerHead, json_file, run_effect_map},
      {"activations",
       "Massive activations: the few huge numbers of the residual stream, and what the model is without "
       "them.",
       "Experiments:\n"
       "  magnitude     the largest |h| and the median of every layer, for --sentence\n"
       "  existence     which layers have massive activations, meaned over sequences of --corpus\n"
       "  tokens        at which tokens and dims they stand\n"
       "  intervention  perplexity of each --test with them set to zero or to their mean over --corpus, and "
       "with as\n"
       "                many of median size set to zero\n"
       "  attention     how much attention goes to each token of --sentence, layer by layer\n"
       "Layers are counted from 1, positions and dims from 0, in JSON, too. JSON.md names the published "
       "program's "
       "flags.\n\n"
       "Examples:\n"
       "  qkscope-cli activations magnitude\n"
       "  qkscope-cli activations magnitude --bos off --sentence \"The cat sat.\" --json\n"
       "  qkscope-cli activations tokens --corpus wiki.txt --context-length 256 --sequences 4\n"
       "  qkscope-cli activations intervention --corpus train.jsonl.gz --test wiki.txt --test books.csv "
       "--out results",
       Model | Activations,
       "The file the JSON is written to, or where it ends in .csv, the rows of the table; without an ending "
       "a folder for both and for text files as the published program writes them",
       run_activations, activations_csv},
      {"experiment", "Whole experiments: tasks under several arms, item by item, with intervals and tests.",
       "Actions:\n"
       "  run FILE [MODEL]   asks what the folder of --out has no answer for, and prints the table; stopped "
       "or "
       "killed at any\n"
       "                     moment, the next run goes on where it was\n"
       "  status FOLDER...   how far the experiments of these folders are\n"
       "  merge FOLDER...    the table of all results of these folders, those of shards among them; with "
       "--out "
       "they are\n"
       "                     put together in that folder, too\n"
       "  paper FOLDER...    the paper's tables and figures as numbers, and below them what these folders "
       "hold "
       "of them\n"
       "  slurm FILE [MODEL] writes and submits a Slurm job array of --nodes x --gpus shards and a job that "
       "merges them\n"
       "datasets/README.md tells how tasks and experiments are written.\n\n"
       "Examples:\n"
       "  qkscope-cli experiment run context-and-memory --out results\n"
       "  qkscope-cli experiment run my.json ~/models/Llama-3.2-1B-Instruct --out results --json\n"
       "  qkscope-cli experiment run my.json --shard 2/8 --out results\n"
       "  qkscope-cli experiment merge results\n"
       "  qkscope-cli experiment run table-1 --data ~/Rope_with_LLM/datasets --out results && "
       "qkscope-cli experiment paper results",
       Experiments | Model | Folder, "The folder that results are added to", run_experiment},
      {"dataset",
       "What a data set of rows holds; and of questions of knowledge: duplicates, balance, a model's "
       "answers, "
       "which to keep.",
       "Without an action: the columns of FILE, how often each value comes, its first rows. Actions on "
       "questions:\n"
       "  import FILE         the questions, the rows that are none and why, how many of each answer and "
       "category\n"
       "  duplicates FILE     the same question twice, or the same words in another order\n"
       "  balance FILE        which to drop at random so that every answer, category or both comes equally "
       "often\n"
       "  check FILE [MODEL]  asks each question that is not rejected, and judges by the corrected and the "
       "published rule\n"
       "  decide FILE         accepts or rejects the questions of --rows\n"
       "  export FILE TARGET  writes those that are not rejected, or with --accepted those that are "
       "accepted\n"
       "Decisions and answers are kept in the folder FILE.studio, which the window shares; a check that was "
       "stopped goes on\n"
       "there.\n\n"
       "Examples:\n"
       "  qkscope-cli dataset cities.csv\n"
       "  qkscope-cli dataset qa.json --columns question,answer --items 10 --json\n"
       "  qkscope-cli dataset import cities.csv --question \"Is the city of {city} in {country}?\" --answer "
       "label\n"
       "  qkscope-cli dataset duplicates qa.json --reject && qkscope-cli dataset balance qa.json --reject\n"
       "  qkscope-cli dataset check qa.json ~/models/Llama-3.2-1B-Instruct\n"
       "  qkscope-cli dataset decide qa.json --rows 3,7-9 --state rejected --reason \"out of date\"\n"
       "  qkscope-cli dataset export qa.json mine.json --format task",
       Dataset | Model, json_file, run_dataset},
      {"bench",
       "How fast the model runs here, against the bare matrix products and the memory of this machine.",
       "Prefill computes all logits and M of Q, K and V of every layer; its reference is the sum of the "
       "pass's "
       "matrix\n"
       "products, timed in turns with it: by at::linear, or on packed weights where that is faster. Decode's "
       "reference is\n"
       "the time that reading the weights takes.\n\n"
       "Examples:\n"
       "  qkscope-cli bench\n"
       "  qkscope-cli bench ~/models/Llama-3.2-1B --threads 8 --json\n"
       "  qkscope-cli bench --synthetic llama-7b --dtype bfloat16 --tokens 128,2048",
       Model | Bench, json_file, run_bench},
  };
  return list;
}

}  // namespace qkscope::cli

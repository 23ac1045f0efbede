#!/usr/bin/env python3
"""Compares ids and decoded texts with Hugging Face's tokenizers on 10,000 lines of mixed text; writes no golden.

    python3 -m venv env && env/bin/pip install transformers==5.23.0 tokenizers==0.23.3 tiktoken==0.14.0 \
        sentencepiece==0.2.3 protobuf gguf==0.19.0
    env/bin/python tests/goldens/compare_tokenizers.py build/dev/bin/bench_tokenizer ../shared/data SmolLM2-135M-Instruct.Q4_1.gguf

The judges are those of make_tokenizers.py. Prints for each tokenizer how many lines differ and the speed of both.
"""
import json
import pathlib
import random
import subprocess
import sys
import tempfile
import time

import gguf
from tokenizers import decoders

import make_tokenizers as judges

SCRIPTS = {
    "Latin": (0x41, 0x24F), "Greek": (0x370, 0x3FF), "Cyrillic": (0x400, 0x4FF), "Hebrew": (0x5D0, 0x5EA), "Arabic": (0x620, 0x64A),
    "Devanagari": (0x904, 0x94D), "Thai": (0xE01, 0xE4F), "Hangul": (0xAC00, 0xD7A3), "Jamo": (0x1100, 0x11FF), "kana": (0x3041, 0x30FF),
    "Han": (0x4E00, 0x9FA5), "rare Han": (0x20000, 0x2A6DF), "maths": (0x1D400, 0x1D7FF), "full width": (0xFF01, 0xFF5E)}
JOINED = ["\U0001f469\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466", "\U0001f44d\U0001f3fd", "\U0001f1e9\U0001f1ea", "\u2764\ufe0f",
          "\U0001f3f3\ufe0f\u200d\U0001f308", "1\ufe0f\u20e3", "\U0001f9d1\U0001f3ff\u200d\U0001f680"]
MARKS = [chr(c) for c in (0x300, 0x301, 0x308, 0x323, 0x327, 0x34F, 0x35C, 0x5B4, 0x64B, 0x651, 0x93C, 0xE31, 0x20DD, 0x3099)]
SPACES = [" ", "  ", "   ", "\t", "\n", "\r\n", "\n\n", "\u00a0", "\u3000", "\u2009", "\u2028", "\u0085", "\u200b", " \n ", "\v", "\f"]
CODE = ["if (a[i] != b->c) { return *p++; }", "def f(x, *, y=None):\n    return x  # ok", "SELECT * FROM t WHERE a >= 1.5e-3;", "#include <vector>",
        "x = {'k': [1, 2, 3], \"s\": r'\\d+'}", "<div class=\"a\">&nbsp;</div>", "\\frac{1}{2} \\cdot x_{i}^{2}", "0xDEADBEEF 1_000_000 0b1010",
        "for(;;){;}//!!", "@Override public void f(){}", "git commit -m 'x' && ls -la | wc -l", "https://example.org/a?b=c&d=%20#e", "==== ---- **** ////"]
ODD = ["\ufffd", "\ufeff", "\ufffe", "\uffff", "\ue000", "\U0010ffff", "\U000e0001", "\u0000", "\u0001", "\u001b[0m", "\u007f", "\u0080", "\u00ad",
       "\u061c", "\u180e", "\u202e", "\u2060", "\u2581", "\u0130", "\u0131", "\u017f", "\u1e9e", "\ufb03", "\ufdfa", "\u01c5", "\u2160", "\u00bd", "\u0661"]


def lines(data, special):
    """10,000 texts, the same in every run; special tokens' own texts stand in some."""
    source = random.Random(20260301)
    wiki = (data / "text/wikitext2_test.txt").read_text(encoding="utf-8").split("\n")
    stories = (data / "text/tinystories_sample.txt").read_text(encoding="utf-8").split("\n")
    reviews = (data / "datasets/imdb_sample.csv").read_text(encoding="utf-8").split("\n")
    prose = [line for line in wiki + stories + reviews if line.strip()]

    def letters(count):
        low, high = source.choice(list(SCRIPTS.values()))
        return "".join(chr(source.randint(low, high)) for _ in range(count))

    def piece():
        kind = source.randrange(12)
        if kind < 3:
            words = source.choice(prose).split(" ")
            start = source.randrange(len(words))
            return " ".join(words[start:start + source.randint(1, 8)])
        if kind == 3:
            return source.choice(CODE)
        if kind < 6:
            return letters(source.randint(1, 12))
        if kind == 6:
            return source.choice(JOINED) * source.randint(1, 3)
        if kind == 7:
            return letters(1) + "".join(source.choices(MARKS, k=source.randint(1, 6)))
        if kind == 8:
            return source.choice(SPACES) * source.choice([1, 1, 2, 3, 5, 17, 40])
        if kind == 9:
            return source.choice(ODD)
        if kind == 10:
            return str(source.randrange(10 ** source.randint(1, 20))) + source.choice(["", ".", ",", "%", "th", "\u00b2"])
        if special and source.random() < 0.5:
            name = source.choice(special)
            return source.choice([name, name, name[:-1], name[1:], name + name, name.upper()])
        return source.choice(["a", "A", "\u00e9", "\u4e2d", "=", " ", "\n", "ab", "\U0001f642"]) * source.randint(2, 300)

    texts = [source.choice(prose) for _ in range(3000)]
    while len(texts) < 10000:
        texts.append("".join(piece() + source.choice(["", "", " ", " ", "\n"]) for _ in range(source.randint(1, 12))))
    return texts


def as_json(tokenizer):
    """The judge itself, in the form in which models are published."""
    folder = pathlib.Path(tempfile.mkdtemp())
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def as_gguf(model, pre, tokens, types, scores=None, merges=None):
    path = pathlib.Path(tempfile.mkdtemp(), "vocabulary.gguf")
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_tokenizer_model(model)
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    if scores:
        writer.add_token_scores(scores)
    if merges:
        writer.add_token_merges([" ".join(merge) for merge in merges])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    return path


def sentencepiece_gguf(path):
    proto = judges.ModelProto()
    proto.ParseFromString(path.read_bytes())
    return as_gguf("llama", "default", [piece.piece for piece in proto.pieces], [piece.type for piece in proto.pieces],
                   [piece.score for piece in proto.pieces])


def byte_level_gguf(pre, tokenizer):
    """Of the vocabulary and merges that a tokenizer of Hugging Face's holds."""
    file = json.loads(tokenizer.to_str())
    vocabulary = tokenizer.get_vocab(with_added_tokens=True)
    tokens = sorted(vocabulary, key=vocabulary.get)
    added = {token["content"]: token["special"] for token in file["added_tokens"]}
    kinds = {True: gguf.TokenType.CONTROL, False: gguf.TokenType.USER_DEFINED, None: gguf.TokenType.NORMAL}
    merges = [merge if isinstance(merge, list) else merge.split(" ") for merge in file["model"]["merges"]]
    return as_gguf("gpt2", pre, tokens, [kinds[added.get(token)] for token in tokens], merges=merges)


def place(path):
    """What bench_tokenizer opens: a folder in which the file has the name that a model's folder gives it."""
    name = {".json": "tokenizer.json", ".model": "tokenizer.model", ".v3": "tokenizer.model.v3"}.get(path.suffix)
    if path.is_dir() or not name:
        return path
    folder = pathlib.Path(tempfile.mkdtemp())
    (folder / name).symlink_to(path.resolve())
    return folder


def compare(program, data, name, tokenizer, path, special):
    texts = lines(data, special)
    with tempfile.TemporaryDirectory() as folder:
        written, read = pathlib.Path(folder, "texts.json"), pathlib.Path(folder, "ids.json")
        written.write_text(json.dumps(texts))
        spoken = subprocess.run([program, str(place(path)), str(written), str(read)], check=True, capture_output=True, text=True)
        ours = json.loads(read.read_text())
    begin = time.process_time()
    expected = [tokenizer.encode(text, add_special_tokens=False).ids for text in texts]
    seconds = time.process_time() - begin
    megabytes = sum(len(text.encode()) for text in texts) / 1e6
    differs = [i for i in range(len(texts)) if ours["ids"][i] != expected[i]]
    print(f"{name}: {len(texts)} texts, {megabytes:.1f} MB, ids of {len(differs)} differ", end="")
    if hasattr(tokenizer, "decoder") and tokenizer.decoder is not None:
        decoded = tokenizer.decode_batch(ours["ids"], skip_special_tokens=False)
        odd = [i for i in range(len(texts)) if ours["decoded"][i] != decoded[i]]
        print(f", texts of {len(odd)}", end="")
        for i in odd[:3]:
            print(f"\n    {decoded[i]!r}\n    {ours['decoded'][i]!r}", end="")
    print(f"; judge {megabytes / seconds:.1f} MB/s; {spoken.stdout.strip()}")
    for i in differs[:3]:
        print(f"    {texts[i]!r}\n    {ours['ids'][i]}\n    {expected[i]}")
    return len(differs)


def main():
    program, data, smollm2 = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
    files = data / "tokenizers"
    neox, llama2 = files / "gpt_neox_20B_tokenizer.json", files / "llama2_tokenizer.model"
    mistral, llama3 = files / "mistral_mistral_instruct_tokenizer_240323.model.v3", files / "llama3_tokenizer.model"
    bars, angle, square = judges.bars, judges.angle, judges.square
    spaced = decoders.Sequence([decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    llama2_judge, mistral_judge = judges.sentencepiece(llama2), judges.sentencepiece(mistral)
    llama2_judge.decoder = mistral_judge.decoder = spaced
    gpt2, qwen2 = judges.gpt2(files / "gpt2"), judges.qwen2(files / "qwen2")
    neox_judge = judges.Tokenizer.from_file(str(neox))
    failed = 0
    for name, tokenizer, path, special in [
            ("GPT-2", gpt2, files / "gpt2", [bars("endoftext")]),
            ("Qwen2", qwen2, files / "qwen2", [bars("im_start"), bars("im_end"), bars("endoftext")]),
            ("GPT-NeoX", neox_judge, neox, [bars("endoftext"), bars("padding"), "    "]),
            ("Llama-2", llama2_judge, llama2, [angle("s"), angle("/s"), angle("unk")]),
            ("Mistral", mistral_judge, mistral, [angle("s"), square("INST"), square("/INST")]),
            ("Llama-3", judges.Tiktoken(llama3), llama3, [bars("start_header_id"), bars("eot_id")]),
            ("GPT-2, GGUF", gpt2, byte_level_gguf("gpt-2", gpt2), [bars("endoftext")]),
            ("Qwen2, GGUF", qwen2, byte_level_gguf("qwen2", qwen2), [bars("im_start"), bars("im_end")]),
            ("Llama-2, GGUF", llama2_judge, sentencepiece_gguf(llama2), [angle("s"), angle("/s")]),
            ("Mistral, GGUF", mistral_judge, sentencepiece_gguf(mistral), [angle("s"), square("INST")]),
            ("Qwen2, tokenizer.json", qwen2, as_json(qwen2), [bars("im_start"), bars("im_end")]),
            ("Llama-2, tokenizer.json", llama2_judge, as_json(llama2_judge), [angle("s"), angle("/s")]),
            ("SmolLM2", judges.smollm2(smollm2), smollm2, [bars("im_start"), bars("im_end")])]:
        failed += compare(program, data, name, tokenizer, path, special)
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())

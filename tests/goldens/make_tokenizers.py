#!/usr/bin/env python3
"""Writes tokenizers.json: ids that other implementations give for difficult texts, special tokens and added ones included.

    python3 -m venv env && env/bin/pip install transformers==5.23.0 tokenizers==0.23.3 tiktoken==0.14.0 \
        sentencepiece==0.2.3 protobuf gguf==0.19.0
    env/bin/python tests/goldens/make_tokenizers.py ../shared/data/tokenizers SmolLM2-135M-Instruct.Q4_1.gguf

Judges: Hugging Face tokenizers for byte-level BPE and for sentencepiece models converted by transformers, tiktoken for
Llama-3. The vocabularies are read where they lie and not copied. Brackets and bars in strings are written as \\u escapes.
"""
import base64
import json
import pathlib
import random
import sys

import gguf
import tiktoken
from sentencepiece.sentencepiece_model_pb2 import ModelProto
from tokenizers import (AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors,
                        trainers)
from transformers.convert_slow_tokenizer import generate_merges

GOLDEN = pathlib.Path(__file__).resolve().parent / "tokenizers.json"

TEXTS = [
    "", "a", " ", "  a", "a  ", "\n", "\n\n\n", " \n \n", "\t\ta\t", "\r\n line\r\n\r\n", "a\u00a0b\u3000c\u2028d\u0085e",
    "I'm we'LL they've It'S 'tis o'clock 's 'S",
    "0 12 345 6789 1234567890123 3.14159 1,000,000 ½ ² Ⅷ ٣٤ १२३", "x1y22z333 v2.0.1-rc3", "snake_case camelCase SCREAMING-kebab",
    "if (a[i]!=b->c) { return *p++; } // ok?!?", "$$$ ### @@@ ^^^ ~~~ ``` \\\\ \\n", "!!!???...,,,;;;",
    "don\u2019t \u201cquote\u201d \u2014 dash\u2026", "Größe, café, naïve, Ångström, ﬁnance, ℌ, ①", "cafe\u0301 A\u030a n\u0303 \u1e9b\u0323",
    "Ελληνικά Русский Türkçe İstanbul ıI ẞß", "中文分词测试，你好世界。", "日本語のテキスト、カタカナ漢字", "한국어 문장 \u1112\u1161\u11ab",
    "العربية مِن اليَمين", "עברית שלום", "हिन्दी भाषा में", "ไทยภาษา ไม่มีช่องว่าง", "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𐍈 𠀀 🜁",
    "🙂🙃 👩‍👩‍👧‍👦 🇩🇪 👍🏽 ❤️", "\ufeffBOM \u200bzero\u200dwidth\u00ad", "a\u0000b\u0001c\u007fd", "\u180e\u2060\ufffd\ufffc",
    "\U0010fffd\ue000", "▁▁ already ▁ marked", "<0x41><0xE6> not a byte", "                                  run of 34 spaces",
    "    def f(x):\n\t    return x\n\n\n        # deep", "https://example.org/a?b=c&d=%20#e", "   ",
    "supercalifragilisticexpialidocious antidisestablishmentarianism", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
]


def noise():
    """Letters, digits, spaces and signs of many scripts in no order, the same in every run."""
    source = random.Random(20250301)
    letters = "aZ09 \t\n'.,-_()é ßİжЯ中文字かな한ก्ا🙂👍🏽\u0301\u200d\u00a0½"
    return ["".join(source.choice(letters) for _ in range(60)) for _ in range(8)]


def byte_level(vocabulary, merges, normalizer, steps, added):
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    if normalizer:
        tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(steps)
    tokenizer.decoder = decoders.ByteLevel()
    for content, special in added:
        token = AddedToken(content, special=special, normalized=False)
        (tokenizer.add_special_tokens if special else tokenizer.add_tokens)([token])
    return tokenizer


def merge_lines(path):
    lines = path.read_text(encoding="utf-8").split("\n")
    return [tuple(line.split(" ")) for line in lines if line and not line.startswith("#version")]


def gpt2(folder):
    vocabulary = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
    steps = [pre_tokenizers.ByteLevel(add_prefix_space=False)]
    return byte_level(vocabulary, merge_lines(folder / "merges.txt"), None, steps, [("<|" + "endoftext|>", True)])


def qwen2(folder):
    vocabulary = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
    pattern = Regex(r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|"
                    r"\s+(?!\S)|\s+")
    steps = [pre_tokenizers.Split(pattern, "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    added = sorted(json.loads((folder / "added_tokens.json").read_text()).items(), key=lambda item: item[1])
    return byte_level(vocabulary, merge_lines(folder / "merges.txt"), normalizers.NFC(), steps,
                      [(content, True) for content, _ in added])


def smollm2(path):
    fields = gguf.GGUFReader(path).fields
    tokens = fields["tokenizer.ggml.tokens"].contents()
    types = fields["tokenizer.ggml.token_type"].contents()
    merges = [tuple(merge.split(" ")) for merge in fields["tokenizer.ggml.merges"].contents()]
    steps = [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    special = [(token, True) for token, kind in zip(tokens, types) if kind == gguf.TokenType.CONTROL]
    return byte_level({token: i for i, token in enumerate(tokens)}, merges, None, steps, special)


def sentencepiece(path):
    """A sentencepiece model of the BPE kind as transformers has made its LlamaTokenizerFast of one ("legacy")."""
    proto = ModelProto()
    proto.ParseFromString(path.read_bytes())
    vocabulary = {piece.piece: i for i, piece in enumerate(proto.pieces)}
    scores = {piece.piece: piece.score for piece in proto.pieces if piece.type == ModelProto.SentencePiece.NORMAL}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=generate_merges(vocabulary, scores), unk_token=angle("unk"),
                                     fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")])
    for kind, add in ((ModelProto.SentencePiece.UNKNOWN, tokenizer.add_special_tokens),
                      (ModelProto.SentencePiece.CONTROL, tokenizer.add_special_tokens),
                      (ModelProto.SentencePiece.USER_DEFINED, tokenizer.add_tokens)):
        add([AddedToken(piece.piece, normalized=False) for piece in proto.pieces if piece.type == kind])
    return tokenizer


class Tiktoken:
    """Llama-3's ranks behind the interface of Hugging Face's tokenizers."""

    def __init__(self, path):
        ranks = {}
        for line in path.read_bytes().splitlines():
            token, rank = line.split()
            ranks[base64.b64decode(token)] = int(rank)
        pattern = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|"
                   r"\s*[\r\n]+|\s+(?!\S)|\s+")
        names = ["begin_of_text", "end_of_text", "reserved_special_token_0", "reserved_special_token_1",
                 "reserved_special_token_2", "reserved_special_token_3", "start_header_id", "end_header_id",
                 "reserved_special_token_4", "eot_id"]
        names += [f"reserved_special_token_{i}" for i in range(5, 251)]
        special = {"<|" + name + "|>": len(ranks) + i for i, name in enumerate(names)}
        self.encoding = tiktoken.Encoding("llama3", pat_str=pattern, mergeable_ranks=ranks, special_tokens=special)
        self.encode_special_tokens = False

    def encode(self, text, add_special_tokens=False):
        self.ids = self.encoding.encode(text, allowed_special=set() if self.encode_special_tokens else "all",
                                        disallowed_special=())
        return self


def tiny_tokenizers():
    """Tokenizers small enough to be kept, one for each way in which a tokenizer.json may differ."""
    gpt2_step = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bytes_only = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    words = Regex(r"\p{L}+|\p{N}{1,3}|[^\p{L}\p{N}]+")
    mark = "\u2581"
    spaced = decoders.Sequence([decoders.Replace(mark, " "), decoders.ByteFallback(), decoders.Fuse(),
                                decoders.Strip(" ", 1, 0)])
    fallback = [f"<0x{byte:02X}>" for byte in range(256)]

    def trained(size, normalizer, steps, decoder, alphabet=(), special=(), **model):
        tokenizer = Tokenizer(models.BPE(**model))
        if normalizer:
            tokenizer.normalizer = normalizer
        if steps:
            tokenizer.pre_tokenizer = pre_tokenizers.Sequence(steps) if len(steps) > 1 else steps[0]
        tokenizer.decoder = decoder
        trainer = trainers.BpeTrainer(vocab_size=size, show_progress=False, initial_alphabet=list(alphabet),
                                      special_tokens=[AddedToken(token, special=True) for token in special])
        tokenizer.train_from_iterator([text for text in TEXTS if "0x41" not in text], trainer)
        file = json.loads(tokenizer.to_str())
        file["added_tokens"] = [token for token in file["added_tokens"] if token["content"] not in fallback]
        return Tokenizer.from_str(json.dumps(file))

    alphabet = pre_tokenizers.ByteLevel.alphabet()
    byte = decoders.ByteLevel()
    tiny = {}
    tiny["GPT-2, added tokens of every kind"] = trained(330, None, [gpt2_step], byte, alphabet, [bars("end")])
    tiny["GPT-2, added tokens of every kind"].add_special_tokens([AddedToken(bars("left"), lstrip=True),
                                                                   AddedToken(bars("right"), rstrip=True)])
    tiny["GPT-2, added tokens of every kind"].add_tokens(
        [AddedToken("word", single_word=True), AddedToken("    ", normalized=False), AddedToken("  ", normalized=False),
         AddedToken("Camel", normalized=True), AddedToken("Gr", lstrip=True, rstrip=True)])
    tiny["NFKC, words, BOS"] = trained(330, normalizers.NFKC(), [pre_tokenizers.Split(words, "isolated"), bytes_only], byte,
                                       alphabet, [bars("begin")])
    tiny["NFKC, words, BOS"].add_tokens([AddedToken("fi", normalized=True), AddedToken("ffi", normalized=True)])
    tiny["NFKC, words, BOS"].post_processor = processors.TemplateProcessing(
        single=f"{bars('begin')} $A", special_tokens=[(bars("begin"), 0)])
    tiny["space in front, digits"] = trained(330, None, [pre_tokenizers.Digits(individual_digits=True),
                                                         pre_tokenizers.ByteLevel(add_prefix_space=True)], byte, alphabet)
    tiny["digits together"] = trained(330, normalizers.NFD(), [pre_tokenizers.Digits(), gpt2_step], byte, alphabet)
    for behavior in ("removed", "merged_with_previous", "merged_with_next", "contiguous"):
        tiny[f"spaces {behavior}"] = trained(310, None, [pre_tokenizers.Split(Regex(r"\s"), behavior), bytes_only], byte,
                                             alphabet)
    tiny["not words, removed"] = trained(310, None, [pre_tokenizers.Split(words, "removed", invert=True), bytes_only], byte,
                                         alphabet)
    tiny["legacy Llama"] = trained(620, normalizers.Sequence([normalizers.Prepend(mark), normalizers.Replace(" ", mark)]), [],
                                   spaced, (), [angle("unk"), angle("s"), angle("/s")] + fallback,
                                   unk_token=angle("unk"), fuse_unk=True, byte_fallback=True)
    for scheme in ("first", "always", "never"):
        tiny[f"Metaspace {scheme}"] = trained(430, None, [pre_tokenizers.Metaspace(mark, scheme, split=scheme != "first")],
                                              decoders.Metaspace(mark, scheme), (), [angle("unk"), angle("s")],
                                              unk_token=angle("unk"), fuse_unk=scheme == "always")
    return tiny


TINY_TEXTS = [text for text in TEXTS[::2] if len(text) < 60] + ["  a", "camelCase Camel", "<0x41><0xE6> not a byte"] + [
    "word wordy sword word.", "a    b      c", "Gr\u00f6\u00dfer Gro\u0308\u00dfe  Gr ", "\ufb01x o\ufb03ce",
    "a \U0001f9ff\U0001f9ff b \u4e42", "\u1e9b\u0323 1/2 \u00bd 12 345"]


def tiny_marked(tokenizer):
    names = [bars("end"), bars("left"), bars("right"), bars("begin"), angle("s"), angle("unk")]
    texts = []
    for name in names:
        if tokenizer.token_to_id(name) is not None:
            texts += [f"a  {name}  b", f"{name}word {name}{name[:-1]}", f"x{name} \n y"]
    return texts


def marked(*names):
    """Texts with a tokenizer's special tokens in awkward places."""
    first, second = names[0], names[-1]
    return [first, first + second, f"{first}user\nHi there{second}\n{first}assistant\n", f"a {first} b{second}c", first[:-1],
            first[1:] + " " + first[:1], f" {first} ", f"{first}{first[:-1]}{second}"]


def bars(name):
    return "<|" + name + "|>"


def angle(name):
    return "<" + name + ">"


def square(name):
    return "[" + name + "]"


def main():
    data, smollm2_file = pathlib.Path(sys.argv[1]), sys.argv[2]
    cases = {
        "gpt2": (gpt2(data / "gpt2"), marked(bars("endoftext"))),
        "qwen2": (qwen2(data / "qwen2"), marked(bars("im_start"), bars("endoftext"), bars("im_end"))),
        "gpt_neox": (Tokenizer.from_file(str(data / "gpt_neox_20B_tokenizer.json")),
                     marked(bars("endoftext"), bars("padding"))),
        "llama2": (sentencepiece(data / "llama2_tokenizer.model"), marked(angle("s"), angle("/s"))),
        "mistral_v3": (sentencepiece(data / "mistral_mistral_instruct_tokenizer_240323.model.v3"), marked(angle("s"), square("INST"), square("/INST"))),
        "llama3": (Tiktoken(data / "llama3_tokenizer.model"), marked(bars("start_header_id"), bars("eot_id"))),
        "smollm2": (smollm2(smollm2_file), marked(bars("im_start"), bars("im_end"))),
    }
    texts = TEXTS + noise()
    golden = dict(texts=texts, tokenizers={})
    for name, (tokenizer, own) in cases.items():
        golden["tokenizers"][name] = dict(ids=[tokenizer.encode(text, add_special_tokens=False).ids for text in texts])
        entries = []
        for text in own:
            tokenizer.encode_special_tokens = False
            special = tokenizer.encode(text, add_special_tokens=False).ids
            tokenizer.encode_special_tokens = True
            entries.append(dict(text=text, special=special, plain=tokenizer.encode(text, add_special_tokens=False).ids))
        tokenizer.encode_special_tokens = False
        golden["tokenizers"][name]["marked"] = entries
    golden["tiny"] = []
    for name, tokenizer in tiny_tokenizers().items():
        entries = []
        for text in TINY_TEXTS + tiny_marked(tokenizer):
            encoded = tokenizer.encode(text, add_special_tokens=False).ids
            tokenizer.encode_special_tokens = True
            plain = tokenizer.encode(text, add_special_tokens=False).ids
            tokenizer.encode_special_tokens = False
            entries.append(dict(text=text, ids=encoded))
            # The decoder Metaspace drops every space of the first token, those of the text itself too.
            if not (name.startswith("Metaspace") and text[:1] == " "):
                entries[-1]["decoded"] = tokenizer.decode(encoded, skip_special_tokens=False)
            if plain != encoded:
                entries[-1]["plain"] = plain
        golden["tiny"].append(dict(name=name, file=tokenizer.to_str(), texts=entries))
    GOLDEN.write_text(written(golden))


def written(golden):
    """One text a line, strings free of control markup."""
    def dumped(value):
        if isinstance(value, str):
            return "".join(f"\\u{ord(c):04x}" if c in "<>[]|" else c for c in json.dumps(value))
        if isinstance(value, dict):
            return "{" + ", ".join(dumped(key) + ": " + dumped(item) for key, item in value.items()) + "}"
        if isinstance(value, list) and value and isinstance(value[0], int):
            return json.dumps(value, separators=(",", ":"))
        if isinstance(value, list):
            return "[\n" + ",\n".join(dumped(item) for item in value) + "]"
        return json.dumps(value)

    return dumped(golden) + "\n"


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Writes tokenizer_components.json: what Hugging Face tokenizers make of texts with every component of a tokenizer.json.

    python3 -m venv env && env/bin/pip install tokenizers==0.23.3 sentencepiece==0.2.3 protobuf
    env/bin/python tests/goldens/make_tokenizer_components.py

"bases" are whole files, trained without cuts on the texts themselves, so that every cut and every replacement shows in the
ids; a variant replaces some parts of one. Of each text's ids, and of the text these are decoded to, a hash is kept: FNV-1a in 32 bits
of the ids with commas between them, and of the UTF-8.
"""
import base64
import json
import pathlib
import tempfile

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

GOLDEN = pathlib.Path(__file__).resolve().parent / "tokenizer_components.json"
MARK = "\u2581"
ALPHABET = pre_tokenizers.ByteLevel.alphabet()

TEXTS = [
    "", "a", " ", "  lead and trail  ", "one two  three", "Hello, World! It's (really) 10:30, isn't it? do not", "a.b,c!d?e;f:g-h_i", "12 345 6789 \u0663\u00bd\u2167x\u00b2",
    "Stra\u00dfe \u0130\u0131 \u01c5 \u03a3\u03c3\u03c2 \u1e9e", "Cafe\u0301 caf\u00e9 A\u030angstro\u0308m \u1e9b\u0323", "\u4e2d\u6587abc\u5b57 \u65e5\u672c\u8a9e\u306e\u30c6\u30b9\u30c8\u30fc \ud55c\uad6d\uc5b4 \u1112\u1161\u11ab",
    "\u05e9\u05c1\u05dc\u05d5\u05b9\u05dd \u0627\u0644\u0639\u0631\u0628\u064a\u0651\u0629 \u0939\u093f\u0928\u094d\u0926\u0940 \u0e44\u0e17\u0e22\u0e19\u0e35\u0e49", "\U0001f469\u200d\U0001f469\u200d\U0001f467 \U0001f44d\U0001f3fdok \U0001f1e9\U0001f1ea \u2764\ufe0f",
    "tab\there\r\nline\n\n\nend\u000b\u000c", "a\u0000b\u0001c\u007fd\u0085e\u009ff\u00adg\ufeffh\ufffdi\u200bj\u200dk\u2028l\u3000m\u00a0n", "\u2581already\u2581 marked \u2581\u2581", "<s>one</s> <s> two<m>three <m>",
    "\ufb01ne o\ufb03ce \u2460 \u210c \u00bd \uff21\uff22 \u2026", "aaaaaaaaaaaaaaaaaaaabbbbbbbbbb", "don't Don'T we'll", "\u0430\u0431\u0432abc\u03b1\u03b2\u03b3123", "  \u4e2d \u3042 a", "$5 + 3 = 8; ^ ` ~ | < > \u20ac \u2116 \u00a7 \u00bf",
    "x\u0323\u0301\u0301y \u0344", "\U00020000\U0001d518 \U0001f701", "word##piece x##y ##z", "unaffable</w> low lower lowest", "camelCaseWords HTTPServer", "\u17b4a\u1734b\u1cf2c\u166dd \u1885e\ua9bdf \u0531\u0589g \u061ch \U000111c9i \u2e43j \u0560 \U0001ecb5k"]


def token(number, content, special, **flags):
    return dict(dict(id=number, content=content, single_word=False, lstrip=False, rstrip=False, normalized=False, special=special), **flags)


def trained(model, trainer, texts, byte_level=False):
    tokenizer = Tokenizer(model)
    if byte_level:
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.train_from_iterator([text for text in texts for _ in range(2)], trainer)
    file = json.loads(tokenizer.to_str())
    file.update(pre_tokenizer=None, added_tokens=[token(0, "<s>", True), token(0, "<m>", False)])
    return file


def bases():
    seen = [text for text in TEXTS if "<s>" not in text]
    marked = [text.replace(" ", MARK) for text in seen] + seen
    quiet = dict(show_progress=False)
    bytes_ = trained(models.BPE(), trainers.BpeTrainer(vocab_size=420, initial_alphabet=ALPHABET, **quiet), seen, True)
    bytes_.update(pre_tokenizer=byte_level(), decoder=byte_level())
    some = [text for text in marked if "\U0001f701" not in text and "\u4e2d" not in text]
    fallback = [f"<0x{byte:02X}>" for byte in range(256)]
    characters = trained(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True),
                         trainers.BpeTrainer(vocab_size=640, special_tokens=["<unk>", "</s>"] + fallback, **quiet), some)
    sparse = trained(models.BPE(unk_token="<unk>"), trainers.BpeTrainer(vocab_size=260, special_tokens=["<unk>"], limit_alphabet=60, **quiet), marked)
    unigram = trained(models.Unigram(), trainers.UnigramTrainer(vocab_size=330, special_tokens=["<unk>", "</s>"], unk_token="<unk>", **quiet), some)
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.train_from_iterator(seen, trainers.BpeTrainer(vocab_size=420, special_tokens=["<unk>"], continuing_subword_prefix="##",
                                                            end_of_word_suffix="</w>", **quiet))
    affixes = json.loads(tokenizer.to_str())
    affixes.update(added_tokens=[token(0, "<s>", True)], decoder=dict(type="BPEDecoder", suffix="</w>"))
    return dict(bytes=bytes_, characters=characters, sparse=sparse, unigram=unigram, affixes=affixes)


def byte_level(prefix=False, regex=False):
    return dict(type="ByteLevel", add_prefix_space=prefix, trim_offsets=True, use_regex=regex)


def cuts(*steps):
    return dict(pre_tokenizer=dict(type="Sequence", pretokenizers=list(steps)))


def normalizers(*steps):
    return dict(normalizer=dict(type="Sequence", normalizers=list(steps)))


def small_charsmap():
    """Made by sentencepiece of a few rules: one character to many, a combined one, removal."""
    import sentencepiece
    from sentencepiece.sentencepiece_model_pb2 import ModelProto
    rules = [("41", "61"), ("FB01", "66 69"), ("65 301", "E9"), ("301", ""), ("3000", "20"), ("2026", "2E 2E 2E"), ("64 6F 6E", "78"), ("1F44D", "2B")]
    with tempfile.TemporaryDirectory() as folder:
        table = pathlib.Path(folder, "rules.tsv")
        table.write_text("".join(f"{source}\t{target}\n" for source, target in rules))
        text = pathlib.Path(folder, "text.txt")
        text.write_text("a b c d e f g h\n" * 50)
        sentencepiece.SentencePieceTrainer.train(input=str(text), model_prefix=folder + "/m", vocab_size=12, normalization_rule_tsv=str(table),
                                                 hard_vocab_limit=False, minloglevel=2)
        proto = ModelProto()
        proto.ParseFromString(pathlib.Path(folder, "m.model").read_bytes())
    return base64.b64encode(proto.normalizer_spec.precompiled_charsmap).decode()


def metaspace(scheme, split=True, mark=MARK):
    return dict(type="Metaspace", replacement=mark, prepend_scheme=scheme, split=split)


BEHAVIORS = ["Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"]
CUTS = {
    **{f"punctuation {behavior}": dict(type="Punctuation", behavior=behavior) for behavior in BEHAVIORS},
    "whitespace": dict(type="Whitespace"), "whitespace split": dict(type="WhitespaceSplit"), "BERT's": dict(type="BertPreTokenizer"),
    "delimiter": dict(type="CharDelimiterSplit", delimiter="a"), "wide delimiter": dict(type="CharDelimiterSplit", delimiter="\u4e2d"),
    "scripts": dict(type="UnicodeScripts"), "every 1": dict(type="FixedLength", length=1), "every 5": dict(type="FixedLength", length=5),
    "digits": dict(type="Digits", individual_digits=False), "digits apart": dict(type="Digits", individual_digits=True),
    **{f"Metaspace {scheme} {split}": metaspace(scheme, split) for scheme in ("always", "first", "never") for split in (True, False)},
    "Metaspace of another mark": metaspace("always", True, "_")}
NORMALIZERS = {
    **{form: dict(type=form) for form in ("NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents", "Nmt")},
    **{f"strip {left} {right}": dict(type="Strip", strip_left=left, strip_right=right) for left in (True, False) for right in (True, False)},
    "prepend": dict(type="Prepend", prepend=MARK), "replace": dict(type="Replace", pattern=dict(String=" "), content=MARK),
    **{f"BERT's {number}": dict(type="BertNormalizer", clean_text=bool(number & 1), handle_chinese_chars=bool(number & 2),
                                strip_accents=[None, True, False][number // 8], lowercase=bool(number & 4)) for number in range(24)}}


def variants():
    for name, step in CUTS.items():
        yield f"bytes after {name}", "bytes", cuts(step, byte_level())
        yield f"{name} after bytes", "bytes", cuts(byte_level(True, True), step)
        for base in ("characters", "sparse", "unigram"):
            yield f"{name}, {base}", base, dict(pre_tokenizer=step)
        yield f"two cuts, {name}", "characters", cuts(dict(type="WhitespaceSplit"), step, dict(type="Punctuation", behavior="MergedWithNext"))
    for name, step in NORMALIZERS.items():
        yield f"{name}, bytes", "bytes", dict(normalizer=step)
        yield f"{name}, characters", "characters", dict(normalizer=step)
        yield f"{name} after a prefix", "unigram", normalizers(dict(type="Prepend", prepend=" A\u0301"), step)
    charsmap = dict(type="Precompiled", precompiled_charsmap=small_charsmap())
    yield "charsmap, bytes", "bytes", dict(normalizer=charsmap)
    yield "charsmap and more", "unigram", dict(**normalizers(charsmap, dict(type="Replace", pattern=dict(Regex=" {2,}"), content=" ")),
                                               pre_tokenizer=metaspace("always"), decoder=metaspace("always"))
    yield "bytes as a normalizer", "bytes", dict(**normalizers(dict(type="NFKC"), dict(type="ByteLevel")),
                                                 pre_tokenizer=dict(type="Split", pattern=dict(Regex="\u0120?[a-z]+"), behavior="Isolated", invert=False))
    yield "bytes twice", "bytes", cuts(byte_level(False, True), byte_level())
    for prefix in (False, True):
        for regex in (False, True):
            yield f"bytes {prefix} {regex}", "bytes", dict(pre_tokenizer=byte_level(prefix, regex), decoder=byte_level())

    for base in ("characters", "sparse"):
        for number in range(8):
            flags = dict(byte_fallback=bool(number & 1), fuse_unk=bool(number & 2), ignore_merges=bool(number & 4))
            yield f"{base} {flags}", base, dict(model=flags)
        yield f"{base} without an unknown token", base, dict(model=dict(unk_token=None, byte_fallback=False))
    yield "bytes ignore merges", "bytes", dict(model=dict(ignore_merges=True), pre_tokenizer=byte_level(False, True))
    yield "merges as strings", "bytes", dict(model=dict(merges="strings"))
    yield "dropout of zero", "bytes", dict(model=dict(dropout=0.0))
    yield "Unigram with bytes", "unigram", dict(model=dict(byte_fallback=True))
    yield "affixes", "affixes", {}
    yield "affixes, bytes first", "affixes", cuts(byte_level(True, True))

    spaced = [dict(type="Replace", pattern=dict(String=MARK), content=" "), dict(type="ByteFallback"), dict(type="Fuse")]
    for name, decoder in {
            "none": None, "Llama's": dict(type="Sequence", decoders=spaced + [dict(type="Strip", content=" ", start=1, stop=0)]),
            "Gemma's": dict(type="Sequence", decoders=spaced), "Metaspace always": metaspace("always"), "Metaspace never": metaspace("never"),
            "Metaspace first": metaspace("first"), "WordPiece": dict(type="WordPiece", prefix="##", cleanup=True),
            "WordPiece without cleaning": dict(type="WordPiece", prefix="a", cleanup=False),
            "strip": dict(type="Strip", content="a", start=2, stop=1), "bytes": byte_level(), "Fuse": dict(type="Fuse"),
            "bytes fall back": dict(type="ByteFallback"),
            "replace": dict(type="Replace", pattern=dict(Regex="[ab]+"), content="-")}.items():
        for base in ("characters", "unigram"):
            yield f"decoder {name}, {base}", base, dict(decoder=decoder, normalizer=NORMALIZERS["replace"])
    for flags in (dict(lstrip=True), dict(rstrip=True), dict(single_word=True), dict(normalized=True)):
        for base in ("characters", "unigram"):
            yield f"added {flags}, {base}", base, dict(added_tokens=[token(0, "<s>", True, **flags), token(0, "one", False, **flags)],
                                                       normalizer=dict(type="Lowercase"), pre_tokenizer=metaspace("first"))


def fnv(data):
    value = 0x811C9DC5
    for byte in data:
        value = (value ^ byte) * 0x01000193 & 0xFFFFFFFF
    return value


def changed(file, change):
    """The whole file of a variant: members of "model" are changed one by one."""
    file = json.loads(json.dumps(file))
    for part, value in change.items():
        if part != "model":
            file[part] = value
            continue
        file["model"].update({key: item for key, item in value.items() if key != "merges"})
        if "merges" in value:
            file["model"]["merges"] = [" ".join(pair) for pair in file["model"]["merges"]]
    return file


def main():
    golden = dict(texts=TEXTS, bases=bases(), variants=[])
    left_out = 0
    for name, base, change in variants():
        tokenizer = Tokenizer.from_str(json.dumps(changed(golden["bases"][base], change)))
        entry = dict(name=name, base=base, change=change, ids=[], decoded=[])
        for text in TEXTS:
            try:
                ids = tokenizer.encode(text, add_special_tokens=False).ids
                entry["ids"].append(fnv(",".join(map(str, ids)).encode()))
                entry["decoded"].append(fnv(tokenizer.decode(ids, skip_special_tokens=False).encode()))
            except BaseException:  # tokenizers panics on its own bookkeeping of offsets: no judge
                entry["ids"] = entry["ids"][:len(entry["decoded"])] + [None]
                entry["decoded"].append(None)
                left_out += 1
        golden["variants"].append(entry)
    lines = ",\n".join(written(entry) for entry in golden["variants"])
    GOLDEN.write_text(f'{{"texts": {written(TEXTS)},\n"bases": {written(golden["bases"])},\n"variants": [\n{lines}]}}\n')
    print(f"{len(golden['variants'])} variants, {left_out} texts without a judge")


def written(value):
    """JSON whose strings are free of control markup."""
    text = json.dumps(value, separators=(",", ":"))
    return "".join(f"\\u{ord(c):04x}" if c in "<>|" else c for c in text)


if __name__ == "__main__":
    main()

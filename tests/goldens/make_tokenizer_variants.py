#!/usr/bin/env python3
"""Writes tokenizer_variants.json: ids that Hugging Face tokenizers give with small changes to one tokenizer.json.

    python3 -m venv env && env/bin/pip install tokenizers==0.23.3
    env/bin/python tests/goldens/make_tokenizer_variants.py

The vocabulary is trained without a pre-tokenizer on the texts themselves, so that every cut and every replacement shows in
the ids. "base" is the whole file; a variant replaces some of its parts.
"""
import json
import pathlib
import random

from tokenizers import Tokenizer, models, pre_tokenizers, trainers

GOLDEN = pathlib.Path(__file__).resolve().parent / "tokenizer_variants.json"

TEXTS = ["a b  c", "ab12cd345 6", "one\ntwo\n\nthree", " \n x\r\n y ", "Stra\u00dfe STRASSE \u1e9e\u017f", "x\u0301y \u4e2d\u6587\u3002\uff0c",
         "aaabbbaaa", "1234567", "a.b,c!d?", "don't Don'T", "\u0663\u00bd\u2167 \u00a0\u3000z", "tab\there", "a[b](c)", "(x|y) {z}",
         "abcabcabc bcabca", "_a_ a-b", "\U0001f44d\U0001f3fdok", "<s>a<s> b", "a <m> b<m>c", "word words sword word", "  lead", ""]

REGEXES = [
    # sets
    r"[a-z&&[^b]]+", r"[a-c[x-z]]", r"[^(\s|[.,!?\u3002\uff0c])]+", r"[[:alpha:]]+", r"[[:^alpha:]]", r"[\w&&[^\d]]+", r"[a-z&&[^aeiou]&&[^x]]",
    r"[]a]", r"[a-\d]", r"[^\n]+", r"[\s\S]{2}", r"\h+", r"\H+",
    # anchors and looks
    r"^", r"$", r"^a|c$", r"\s+$|^b", r"\A.", r".\z", r".\Z", r"\G.", r"\b", r"\B", r"(?<=a)b", r"(?<!a)b", r"(?<=a|bc)a", r"(?=b)", r"(?!b)",
    r"(?<=\p{N})(?=(?:\p{N}{3})+(?!\p{N}))", r"(?<=a+)b", r"(?m:.)+", r".", r"(?s:.)", r"\K", r"a\Kb",
    # repeats
    r"a*", r"a*?", r"a++", r"a*+b", r"b{2}", r"b{,2}", r"b{1,}?", r"(?:ab)?", r"a{2}{2}", r"x*|b", r"|a", r"a|", r"(a|ab)(c|bcd)?", r"(?>a|ab)c",
    # characters
    r"\R", r"\X", r"\t", r"\x61", r"\x{4e2d}", r"\u4e2d", r"\o{141}", r"\141", r"\p{L}+", r"\P{L}", r"\p{^L}", r"\p{Han}", r"\p{Lu}",
    r"\d+", r"\D+", r"\s", r"\S+", r"\w+", r"\W+", r"\N", r"\O", r"\p{Emoji}",
    # options and groups
    r"(?i)strasse", r"(?i:'t)", r"(?i)[a-c]", r"(?x) a b # no", r"(a)\1", r"(?<n>a)\k<n>", r"(?:a)(b)", r"(?#no)b", r"(?~b)", r"(a(?:b\g<1>c)?)",
    r"(?W:\w)", r"(?i)\u1e9e",
    # what real tokenizers have
    r"\p{N}{1,3}", r" ?[^\s\p{L}\p{N}]+", r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
]
BEHAVIORS = ["Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"]
BYTES = dict(type="ByteLevel", add_prefix_space=False, trim_offsets=True, use_regex=False)


def base():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    trainer = trainers.BpeTrainer(vocab_size=460, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator([text for text in TEXTS for _ in range(2)], trainer)
    file = json.loads(tokenizer.to_str())
    file["added_tokens"] = [token(0, "<s>", True), token(0, "<m>", False)]
    return file


def token(number, content, special, **flags):
    return dict(dict(id=number, content=content, single_word=False, lstrip=False, rstrip=False, normalized=False, special=special), **flags)


def split(pattern, behavior, invert=False):
    return dict(type="Sequence", pretokenizers=[dict(type="Split", pattern=pattern, behavior=behavior, invert=invert), BYTES])


def template(*single, **ids):
    parts = [dict(Sequence=dict(id="A", type_id=0)) if name == "$A" else dict(SpecialToken=dict(id=name, type_id=0)) for name in single]
    tokens = {name: dict(id=name, ids=numbers, tokens=[name] * len(numbers)) for name, numbers in ids.items()}
    return dict(type="TemplateProcessing", single=parts, pair=parts + [dict(Sequence=dict(id="B", type_id=1))], special_tokens=tokens)


def variants():
    source = random.Random(7)
    for pattern in REGEXES:
        for behavior, invert in [("Isolated", False), (source.choice(BEHAVIORS), source.random() < 0.5)]:
            yield f"split {pattern} {behavior} {invert}", dict(pre_tokenizer=split(dict(Regex=pattern), behavior, invert))
    for behavior in BEHAVIORS:
        for invert in (False, True):
            for pattern in (dict(Regex=r"x*|b"), dict(Regex=r"\s"), dict(String="b"), dict(String=""), dict(String=".")):
                yield f"split {pattern} {behavior} {invert}", dict(pre_tokenizer=split(pattern, behavior, invert))
    for pattern in [dict(Regex=text) for text in ("", "a*", "x*|b", "(?=b)", r"^", r"\s+", r"(a)(b)", r"\Z", r"[a&&b]")] + [dict(String="ab"), dict(String="")]:
        for content in ("-", "", "$1b"):
            yield f"replace {pattern} {content}", dict(normalizer=dict(type="Replace", pattern=pattern, content=content))
    yield "prepend, replace", dict(normalizer=dict(type="Sequence", normalizers=[
        dict(type="Prepend", prepend="ab"), dict(type="Replace", pattern=dict(Regex="^a"), content="x"), dict(type="NFKC")]))
    front, back = dict(type="BertProcessing", sep=["x", 5], cls=["y", 6]), dict(type="RobertaProcessing", sep=["x", 7], cls=["y", 8],
                                                                               trim_offsets=True, add_prefix_space=False)
    for name, processor in {
            "none": None, "front": template("b", "$A", b=[9]), "back": template("$A", "b", b=[9]), "text alone": template("$A"),
            "many": template("b", "c", "$A", "c", "b", b=[9], c=[10, 11]), "bert": front, "roberta": back,
            "bytes": dict(type="ByteLevel", add_prefix_space=True, trim_offsets=False, use_regex=True),
            "nested": dict(type="Sequence", processors=[front, dict(type="Sequence", processors=[back, template("b", "$A", b=[9])])]),
            "bytes, template": dict(type="Sequence", processors=[BYTES, template("b", "$A", b=[9])])}.items():
        yield f"post-processor: {name}", dict(post_processor=processor)
    for flags in range(16):
        chosen = dict(lstrip=bool(flags & 1), rstrip=bool(flags & 2), single_word=bool(flags & 4), normalized=bool(flags & 8))
        for special in (False, True):
            yield f"added {chosen} {special}", dict(
                added_tokens=[token(0, "<s>", special, **chosen), token(0, "word", special, **chosen), token(0, "b", not special)],
                normalizer=dict(type="Replace", pattern=dict(String="<m>"), content="word"))
    yield "added, numbers", dict(added_tokens=[token(9999, "<s>", True), token(3, "<m>", False), token(1, "ab", True), token(2, "<s>", False)])


def main():
    file = base()
    golden = dict(base=file, texts=TEXTS, variants=[])
    for name, change in variants():
        entry = dict(name=name, change=change)
        try:
            tokenizer = Tokenizer.from_str(json.dumps(dict(file, **change)))
            entry["ids"] = [tokenizer.encode(text).ids for text in TEXTS]
        except BaseException as error:
            if "Oniguruma" not in str(error):
                continue  # tokenizers panics: where a text begins with what was put in, no position is left for it
            entry["refused"] = True
        golden["variants"].append(entry)
    lines = ",\n".join(written(entry) for entry in golden["variants"])
    GOLDEN.write_text(f'{{"base": {written(file)},\n"texts": {written(TEXTS)},\n"variants": [\n{lines}]}}\n')


def written(value):
    """JSON whose strings are free of control markup."""
    text = json.dumps(value, separators=(",", ":"))
    return "".join(f"\\u{ord(c):04x}" if c in "<>|" else c for c in text)


if __name__ == "__main__":
    main()

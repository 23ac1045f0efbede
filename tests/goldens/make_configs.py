#!/usr/bin/env python3
"""Writes configs.json: what Hugging Face transformers makes of config.json, key by key.

A small config.json of each family is changed in one place: a key left out, null, or of an odd value; RoPE settings in
every place and spelling. The judge is transformers: AutoConfig, the rotary embedding of the family's model, and one
forward pass wherever the sizes are small. An entry holds "family", "change" (keys to set), "absent" (keys to leave
out) and "expected": null where transformers refuses or fails, else the values that it works with. To make it again:

    python3 -m venv env && env/bin/pip install torch==2.11.0 transformers==5.23.0
    env/bin/python tests/goldens/make_configs.py
"""
import json
import pathlib
import tempfile
import warnings

import torch
import transformers
from transformers import AutoConfig, AutoModelForCausalLM

BASE = dict(vocab_size=96, hidden_size=32, intermediate_size=48, num_hidden_layers=3, num_attention_heads=4,
            num_key_value_heads=2, max_position_embeddings=256, rms_norm_eps=1e-5, hidden_act="silu",
            tie_word_embeddings=False, bos_token_id=1, eos_token_id=2)
FAMILIES = {
    "llama": dict(architectures=["LlamaForCausalLM"], model_type="llama", attention_bias=False, mlp_bias=False),
    "mistral": dict(architectures=["MistralForCausalLM"], model_type="mistral", sliding_window=100),
    "qwen2": dict(architectures=["Qwen2ForCausalLM"], model_type="qwen2", use_sliding_window=False,
                  sliding_window=100, max_window_layers=1),
}
SIZES = ["vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads",
         "num_key_value_heads", "max_position_embeddings", "head_dim"]
YARN = dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=64)
LLAMA3 = dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
              original_max_position_embeddings=64)


def without(settings, key):
    return {k: v for k, v in settings.items() if k != key}


def rope_changes(names):
    """Pairs of what to set and what to leave out."""
    for name in names:
        for value in (None, {}, dict(rope_type="default"), dict(rope_type="default", rope_theta=500.0),
                      dict(rope_type="linear", factor=4.0), dict(type="linear", factor=4.0),
                      dict(type="linear", rope_type="default", factor=4.0), dict(rope_type="linear"),
                      dict(type="dynamic", rope_type="linear", factor=4.0),
                      dict(rope_type=None, factor=4.0), dict(type=None, factor=4.0), dict(rope_type=7),
                      dict(rope_type="linear", factor=None), dict(rope_type="linear", factor="4"),
                      dict(factor=4.0), dict(rope_type="dynamic", factor=2.0), dict(rope_type="dynamic"),
                      dict(rope_type="mrope", mrope_section=[2, 1, 1]),
                      dict(rope_type="default", rope_theta=None), dict(rope_theta=500.0), YARN,
                      without(YARN, "factor"), {**YARN, "factor": None},
                      without(YARN, "original_max_position_embeddings"),
                      {**YARN, "original_max_position_embeddings": None}, {**YARN, "truncate": False},
                      {**YARN, "truncate": None}, {**YARN, "beta_fast": None, "beta_slow": None},
                      {**YARN, "beta_fast": 0, "beta_slow": 0}, {**YARN, "beta_fast": 8, "beta_slow": 2},
                      {**YARN, "attention_factor": None}, {**YARN, "attention_factor": 0.5},
                      {**YARN, "mscale": 0.7, "mscale_all_dim": 1.2}, {**YARN, "mscale": 0.7},
                      {**YARN, "mscale": 0, "mscale_all_dim": 1.2}, {**YARN, "rope_theta": 500.0}, LLAMA3,
                      without(LLAMA3, "factor"), without(LLAMA3, "low_freq_factor"),
                      without(LLAMA3, "high_freq_factor"), without(LLAMA3, "original_max_position_embeddings"),
                      {**LLAMA3, "factor": None}, {**LLAMA3, "low_freq_factor": None},
                      {**LLAMA3, "partial_rotary_factor": 0.5},
                      dict(rope_type="default", partial_rotary_factor=0.5),
                      dict(rope_type="linear", factor=4.0, partial_rotary_factor=0.5),
                      dict(rope_type="linear", factor=4.0, partial_rotary_factor=1.0),
                      dict(full_attention=dict(rope_type="default", rope_theta=500.0))):
            yield {name: value}, []
            if value and "rope_theta" not in value:
                yield {name: value, "rope_theta": 700.0}, []
        yield {name: "yarn"}, []
    for first, second in ((YARN, dict(rope_type="default", rope_theta=500.0)), ({}, YARN), (None, YARN),
                          (LLAMA3, YARN), (dict(rope_type="default"), YARN)):
        yield {"rope_scaling": first, "rope_parameters": second}, []
        yield {"rope_scaling": first, "rope_parameters": second, "rope_theta": 700.0}, []
    for theta in (700.0, 700, None, "700"):
        yield {"rope_theta": theta}, []
        yield {"rope_theta": theta, "rope_parameters": dict(rope_type="default", rope_theta=500.0)}, []
    for factor in (0.5, 1.0, None):
        yield {"partial_rotary_factor": factor}, []
        yield {"partial_rotary_factor": factor, "rope_scaling": dict(rope_type="linear", factor=4.0)}, []
    for original in (32, None):
        for settings in (YARN, LLAMA3, without(YARN, "original_max_position_embeddings"),
                         dict(rope_type="linear", factor=4.0)):
            yield {"original_max_position_embeddings": original, "rope_scaling": settings}, []
    yield {"rope_scaling": without(YARN, "original_max_position_embeddings")}, ["max_position_embeddings"]


def changes(family):
    yield {}, []
    for key in SIZES:
        yield {}, [key]
        for value in (None, 0, -4, 7, "32", True):
            if not (key == "num_hidden_layers" and value in (0, -4, True)):  # no layers: nothing to compare
                yield {key: value}, []
    yield {"head_dim": 16}, []
    yield {"num_attention_heads": 3, "num_key_value_heads": 3, "head_dim": 16}, []
    yield {"num_attention_heads": 4, "num_key_value_heads": 3}, []
    for key, values in (("rms_norm_eps", (None, 1, "x")), ("hidden_act", (None, "gelu", "swish", 3)),
                        ("tie_word_embeddings", (None, True, 1)), ("attention_bias", (None, True, "x")),
                        ("mlp_bias", (None, True)), ("sliding_window", (None, 5, "5")),
                        ("use_sliding_window", (None, True, 1)), ("max_window_layers", (None, 0, 2, -1, 9))):
        yield {}, [key]
        for value in values:
            yield {key: value}, []
            if family == "qwen2" and key in ("sliding_window", "max_window_layers"):
                yield {key: value, "use_sliding_window": True}, []
        if family == "qwen2":
            yield {"use_sliding_window": True}, [key] if key != "use_sliding_window" else []
    full, slides = "full_attention", "sliding_attention"
    for types in (None, [], [full] * 3, [slides, full, slides], [full] * 2, [full, "chunked_attention", full], "x"):
        yield {"layer_types": types}, []
        if family == "qwen2":
            yield {"layer_types": types, "use_sliding_window": True}, []
    for architectures in (None, []):
        yield {"architectures": architectures}, []
    yield {}, ["architectures"]
    # One code reads them for all families, here and there.
    yield from rope_changes(("rope_parameters", "rope_scaling") if family == "llama" else ("rope_scaling",))


def windows(family, config):
    layers = config.num_hidden_layers
    if family == "mistral":
        return [config.sliding_window or 0] * layers
    if family == "qwen2":
        return [config.sliding_window if kind == "sliding_attention" else 0 for kind in config.layer_types]
    return [0] * layers


def effective(family, config, folder):
    (folder / "config.json").write_text(json.dumps(config))
    try:
        read = AutoConfig.from_pretrained(folder)
        small = read.hidden_size * read.num_hidden_layers * read.vocab_size < 1_000_000
        with torch.device("cpu" if small else "meta"):
            model = AutoModelForCausalLM.from_config(read, attn_implementation="eager")
        if small:
            model(torch.zeros(1, 9, dtype=torch.long))
        with torch.device("cpu"):
            rotary = type(model.model.rotary_emb)(read)
        attention = model.model.layers[0].self_attn
        return dict(hidden_size=read.hidden_size, intermediate_size=read.intermediate_size,
                    num_layers=read.num_hidden_layers, num_heads=read.num_attention_heads,
                    num_kv_heads=read.num_key_value_heads, head_dim=attention.head_dim, vocab_size=read.vocab_size,
                    max_position_embeddings=read.max_position_embeddings, rms_norm_eps=read.rms_norm_eps,
                    tie_word_embeddings=read.tie_word_embeddings, qkv_bias=attention.q_proj.bias is not None,
                    attn_output_bias=attention.o_proj.bias is not None,
                    mlp_bias=model.model.layers[0].mlp.up_proj.bias is not None,
                    sliding_window=windows(family, read), inv_freq=rotary.inv_freq.tolist(),
                    attention_factor=rotary.attention_scaling)
    except Exception as error:  # whatever it is, transformers does not run this
        return None


@torch.no_grad()
def main():
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    entries = []
    with tempfile.TemporaryDirectory() as folder:
        for family, own in FAMILIES.items():
            for change, absent in changes(family):
                config = {k: v for k, v in {**BASE, **own, **change}.items() if k not in absent}
                entries.append(dict(family=family, change=change, absent=absent,
                                    expected=effective(family, config, pathlib.Path(folder))))
    golden = dict(transformers=transformers.__version__, base=BASE, families=FAMILIES, entries=entries)
    text = ",\n".join(json.dumps(entry, separators=(",", ":")) for entry in golden.pop("entries"))
    path = pathlib.Path(__file__).resolve().parent / "configs.json"
    path.write_text(json.dumps(golden)[:-1] + ', "entries": [\n' + text + "\n]}\n")
    print(len(entries), "entries,", sum(entry["expected"] is None for entry in entries), "refused")


if __name__ == "__main__":
    main()

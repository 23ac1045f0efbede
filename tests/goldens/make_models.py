#!/usr/bin/env python3
"""Writes families/<name>/ and models/<name>/: tiny random checkpoints of every family, and the numbers expected of them.

The judge is Hugging Face transformers: float32, CPU, eager attention. To make them again:

    python3 -m venv env && env/bin/pip install torch==2.11.0 transformers==5.23.0 safetensors
    env/bin/python tests/goldens/make_models.py [NAME...]

Each folder holds config.json, the weights, and expected.safetensors with (T = prompt, C = hidden size, V = vocabulary,
H = heads, KV = key-value heads, D = head dim, Dv = value dim; D may differ from layer to layer)
    prompt        (T)       int64, token ids
    continuation  (32)      int64, greedy with a KV cache, without the end token; in no step are the best two logits
                            closer than 0.01 (0.003 where no seed was that kind)
    logits        (T, V)
    embedding     (T, C)    what enters the first layer
and of layer l, counted from 0, what that layer has, as layers.l.NAME:
    resid         (T, C)    residual stream after the layer
    resid_mid     (T, C)    the same between attention and feed-forward; where these two are parallel there is none.
                            Where the norms follow the additions (OPT 350m), it and resid are what comes out of them
    attn_in       (T, C)    what the mixer reads, after the norm before it
    attn_out      (T, C)    what the mixer gives, before the norm behind it if it has one
    mlp_in, mlp_out (T, C)  the same of the feed-forward
    q_raw, k_raw  (T, H, D), (T, KV, D)  projections before a norm of Q and K, where there is one before the rotation
    q_pre, k_pre            before the rotation, and before a scale of Q by position; where there is neither, there
                            are none: they are q and k
    q, k                    as attention multiplies them, before the constant scale. Latent attention: for every head,
                            the dims without rotation first; its interleaved pairs (2i, 2i + 1) lie apart in q and k,
                            as transformers has them, and together in q_pre and k_pre
    v             (T, KV, Dv)
    pattern       (H, T, T) attention weights; with sinks, without the column of the sink
    sink          (H, T)    attention weight of the sink
    attn_heads    (T, H * Dv)  what the output projection reads
    gate          (T, H * D)   gate of attn_heads, before its sigmoid
    latent        (T, kv_lora_rank)  after its norm
    router        (T, experts)  weight of each expert, zero where it is not chosen
Folders of some variants hold only Q, K, V, the residual stream, and what they are about.

Variants named bfloat16 have, beside expected.safetensors (the numbers of their weights in float32), also
bfloat16.safetensors: logits, q, k, v and resid computed in bfloat16. models/ is of the first edition of this script: a prompt of 32 tokens,
a continuation of 12, and logits, q_pre, k_pre, q, k, v and resid alone.

The weights are seeded (weights.py). A checkpoint is saved, its config.json rewritten in the spelling under test, and
the expectation computed from what transformers reads back. Most are stored in bfloat16 to be small.
"""
import json
import pathlib
import shutil
import sys

import torch
import transformers
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM

from captures import Captures
from families import VARIANTS as FAMILIES
from families_llama import VARIANTS as LLAMA
from weights import randomize

HERE = pathlib.Path(__file__).resolve().parent
VARIANTS = {**FAMILIES, **LLAMA}
END, PROMPT_LENGTH, NEW_TOKENS, LARGEST_FILE = 2, 24, 32, 300_000
LEAST_MARGINS = (0.01, 0.003)  # the second where twenty seeds fail the first
HEADS = ("q_raw", "k_raw", "q_pre", "k_pre", "q", "k", "v", "resid", "gate", "sink", "latent", "router", "state")
HALF = ("q", "k", "v", "resid")


def respell(folder, changes):
    """Rewrites config.json in the spelling of older checkpoints; transformers must read the same from it."""
    path = folder / "config.json"
    config = json.loads(path.read_text())
    config.pop("transformers_version", None)
    before = AutoConfig.from_pretrained(folder).to_dict()
    for key, value in changes.items():
        if value is None:
            config.pop(key)
        else:
            config[key] = None if value is ... else value
    path.write_text(json.dumps(config, indent=2) + "\n")
    after = AutoConfig.from_pretrained(folder).to_dict()
    for key in before.keys() - {"transformers_version"}:
        assert after.get(key) == before[key], f"{folder.name}: {key} is now {after.get(key)}, was {before[key]}"


def greedy(model, prompt, steady):
    """Greedy ids with a cache, and the least distance between the best two logits."""
    ids, cache, chosen, margin = prompt[None], None, [], float("inf")
    for _ in range(NEW_TOKENS):
        output = model(ids, past_key_values=cache, use_cache=True)
        best = output.logits[0, -1].topk(2)
        margin = min(margin, (best.values[0] - best.values[1]).item())
        chosen.append(best.indices[0].item())
        ids, cache = best.indices[:1][None], output.past_key_values
    continuation = torch.tensor(chosen)
    if steady:
        whole = model(torch.cat([prompt, continuation])[None], use_cache=False).logits[0, len(prompt) - 1:-1]
        assert torch.equal(whole.argmax(-1), continuation) or margin < LEAST_MARGINS[-1], "the cache changes the answer"
    return continuation, margin


def chosen_numbers(numbers, variant):
    kept = HEADS + variant.also
    return {name: tensor for name, tensor in numbers.items()
            if variant.keep == "all" or "." not in name or name.rsplit(".")[-1] in kept}


def candidate(name, variant, seed):
    """A checkpoint in its folder; the prompt, its numbers and the answer."""
    folder = HERE / variant.folder / name
    shutil.rmtree(folder, ignore_errors=True)
    config = getattr(transformers, (variant.config_class or variant.model) + "Config")(**variant.config)
    model = AutoModelForCausalLM.from_config(config)
    assert type(model).__name__ in (variant.model + "ForCausalLM", variant.model + "LMHeadModel"), type(model)
    randomize(model, seed)
    model.to(getattr(torch, variant.store)).save_pretrained(
        folder, **({"max_shard_size": variant.shard} if variant.shard else {}))
    (folder / "generation_config.json").unlink(missing_ok=True)
    respell(folder, variant.respell)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    prompt = torch.randint(3, config.vocab_size, (PROMPT_LENGTH,), generator=torch.Generator().manual_seed(seed))
    captures = Captures(model, prompt)
    captures.check()
    continuation, margin = greedy(model, prompt, variant.steady)
    return model, dict(captures.numbers, prompt=prompt, continuation=continuation), margin


@torch.no_grad()
def make(name, variant, seed):
    for tried in range(100):  # until no step hangs on a rounding error and the answer is neither cut nor monotonous
        model, numbers, margin = candidate(name, variant, seed)
        answer = numbers["continuation"].tolist()
        if margin > LEAST_MARGINS[tried > 20] and END not in answer and len(set(answer)) > 4:
            break
        seed += 100
    else:
        raise AssertionError(f"{name}: no seed is good")
    folder, version = HERE / variant.folder / name, {"transformers": transformers.__version__}
    save_file(chosen_numbers(numbers, variant), folder / "expected.safetensors", metadata=version)
    if name.endswith("bfloat16"):
        half = Captures(model.to(torch.bfloat16), numbers["prompt"]).numbers
        save_file({key: value for key, value in half.items() if key == "logits" or key.rsplit(".")[-1] in HALF},
                  folder / "bfloat16.safetensors", metadata=version)
    for path in folder.iterdir():
        path.chmod(0o644)
    sizes = [path.stat().st_size for path in folder.iterdir()]
    assert max(sizes) < LARGEST_FILE, f"{name}: a file of {max(sizes)} bytes"
    print(f"{name:24} seed {seed:4}  margin {margin:.3f}  {sum(sizes) // 1000:4} kB  "
          f"|logits| {numbers['logits'].abs().max():.1f}  {len(set(answer))} ids", flush=True)


if __name__ == "__main__":
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    for number, variant in enumerate(VARIANTS):
        if variant in sys.argv[1:] or len(sys.argv) == 1:
            make(variant, VARIANTS[variant], number)

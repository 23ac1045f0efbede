#!/usr/bin/env python3
"""Writes families/<name>/ and models/<name>/: tiny random checkpoints of every family, and what is expected of them.

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
    mlp_in, mlp_out (T, C)  the same of the feed-forward; in Gemma 4 mlp_out is the sum of dense part and experts
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
    state         what a layer without attention remembers after the prompt: (heads, key dim, value dim) of the delta
                  rule, (channels, state) of Mamba
    conv          (channels, kernel)  the last inputs of its convolution
Folders of further variants hold only logits, Q, K, V, the residual stream, and what they are about.

Variants named bfloat16 have, beside expected.safetensors (the numbers of their weights in float32), also
bfloat16.safetensors: logits, q, k, v and resid computed in bfloat16, with the same experts chosen.

What lies in models/ is of the first edition of this script: a continuation of 12, and logits, q_pre, k_pre, q, k, v and
resid alone.

The weights are seeded (weights.py). A checkpoint is saved, its config.json rewritten in the spelling under test, and
the expectation computed from what transformers reads back. Most are stored in bfloat16 to be small.
"""
import json
import pathlib
import shutil
import sys
import zlib

import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForCausalLM
from transformers.models.falcon import modeling_falcon

from captures import Captures
from checks import Checked
from families_classic import VARIANTS as CLASSIC
from families_gemma import VARIANTS as GEMMA
from families_llama import VARIANTS as LLAMA
from families_modern import VARIANTS as MODERN
from weights import randomize

HERE = pathlib.Path(__file__).resolve().parent
VARIANTS = {**GEMMA, **CLASSIC, **MODERN, **LLAMA}
END, NEW_TOKENS, LARGEST_FILE = 2, 32, 300_000
LEAST_MARGINS = (0.01, 0.003)  # the second where a hundred seeds fail the first
FEW = ("q", "k", "v", "resid", "gate", "sink", "latent", "router", "state", "conv")
HEADS = FEW + ("q_raw", "k_raw", "q_pre", "k_pre", "embedding")
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
        found = after.get(key)
        if isinstance(found, dict):
            found.pop("type", None)  # the older key of rope_type is kept beside it
        assert found == before[key], f"{folder.name}: {key} is now {after.get(key)}, was {before[key]}"


def rename(folder, variant, layers):
    """Tensors as older checkpoints have them: names without a prefix, constants beside the weights, another order."""
    path = folder / "model.safetensors"
    tensors = {name.removeprefix(variant.strip): tensor for name, tensor in load_file(path).items()}
    for name, shape in variant.extras.items():
        tensors |= {name.format(layer=layer): torch.ones(shape) for layer in range(layers)}
    save_file(dict(reversed(tensors.items())), path, metadata={"format": "pt"})


def greedy(model, prompt, least):
    """Greedy ids with a cache, and the least distance between the best two logits; None where the answer is cut short,
    monotonous, or hangs on a rounding error."""
    ids, cache, chosen, margin = prompt[None], None, [], float("inf")
    while len(chosen) < NEW_TOKENS:
        output = model(ids, past_key_values=cache, use_cache=True)
        best = output.logits[0, -1].topk(2)
        margin = min(margin, (best.values[0] - best.values[1]).item())
        chosen.append(best.indices[0].item())
        if margin < least or chosen[-1] == END or len(chosen) > 8 and len(set(chosen[-8:])) == 1:
            return None
        ids, cache = best.indices[:1][None], output.past_key_values
    return (torch.tensor(chosen), margin) if len(set(chosen)) > 4 else None


def chosen_numbers(numbers, variant):
    if variant.keep == "all":
        return numbers
    kept = {"heads": HEADS, "few": FEW}[variant.keep] + variant.also + ("prompt", "continuation", "logits")
    return {name: tensor for name, tensor in numbers.items() if name.rsplit(".")[-1] in kept}


def count_alibi_once():
    """Falcon's eager attention adds the ALiBi biases twice, by themselves and in the mask; its other attentions add them
    once, as it was trained. They are bfloat16 numbers, so that half of them twice is exactly them."""
    whole = modeling_falcon.build_alibi_tensor
    modeling_falcon.build_alibi_tensor = lambda *args, **named: whole(*args, **named) / 2


def candidate(variant, seed):
    """A model with the weights of this seed, rounded as they will be stored, and a prompt."""
    config = getattr(transformers, (variant.config_class or variant.model) + "Config")(**variant.config)
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager").eval()
    assert type(model).__name__ in (variant.model + "ForCausalLM", variant.model + "LMHeadModel"), type(model)
    randomize(model, seed)
    for tensor in model.state_dict().values():
        tensor.copy_(tensor.to(getattr(torch, variant.store)))
    return model, torch.randint(3, config.vocab_size, (variant.prompt,), generator=torch.Generator().manual_seed(seed))


def saved(model, variant, folder):
    """`model` as transformers reads it back from its folder, in float32."""
    shutil.rmtree(folder, ignore_errors=True)
    shards = {"max_shard_size": variant.shard} if variant.shard else {}
    model.to(getattr(torch, variant.store)).save_pretrained(folder, **shards)
    (folder / "generation_config.json").unlink(missing_ok=True)
    respell(folder, variant.respell)
    if variant.strip or variant.extras:
        rename(folder, variant, model.config.num_hidden_layers)
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()


def check_cache(model, prompt, continuation):
    whole = model(torch.cat([prompt, continuation])[None], use_cache=False).logits[0, len(prompt) - 1:-1]
    assert torch.equal(whole.argmax(-1), continuation), "one pass over the whole text gives another answer"


def same_experts(numbers, half):
    return all(torch.equal(tensor > 0, half[name] > 0) for name, tensor in numbers.items() if name.endswith("router"))


@torch.no_grad()
def make(name, variant, seed):
    folder, version = HERE / variant.folder / name, {"transformers": transformers.__version__}
    for tried in range(500):
        least = LEAST_MARGINS[tried > 100]
        model, prompt = candidate(variant, seed + 100 * tried)
        if greedy(model, prompt, least) is None:
            continue
        model = saved(model, variant, folder)
        answer, captures, half = greedy(model, prompt, least), Checked(model, prompt), None
        if answer and variant.steady:
            check_cache(model, prompt, answer[0])
        if name.endswith("bfloat16"):
            half = Captures(model.to(torch.bfloat16), prompt).numbers
        if answer and (half is None or same_experts(captures.numbers, half)):
            break
    else:
        raise AssertionError(f"{name}: no seed is good")
    numbers = dict(captures.numbers, prompt=prompt, continuation=answer[0])
    save_file(chosen_numbers(numbers, variant), folder / "expected.safetensors", metadata=version)
    if half:
        save_file({key: value for key, value in half.items() if key == "logits" or key.rsplit(".")[-1] in HALF},
                  folder / "bfloat16.safetensors", metadata=version)
    for path in folder.iterdir():
        path.chmod(0o644)
    sizes = [path.stat().st_size for path in folder.iterdir()]
    assert max(sizes) < LARGEST_FILE, f"{name}: a file of {max(sizes)} bytes"
    print(f"{name:24} seed {tried:3}  margin {answer[1]:.3f}  {sum(sizes) // 1000:4} kB  "
          f"|logits| {numbers['logits'].abs().max():.1f}  {len(set(answer[0].tolist()))} ids", flush=True)


if __name__ == "__main__":
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    count_alibi_once()
    for wanted in sys.argv[1:] or VARIANTS:
        make(wanted, VARIANTS[wanted], zlib.crc32(wanted.encode()) % 100)

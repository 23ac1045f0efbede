"""Largest residual numbers of tiny models and perplexities with them set to zero or to their mean: activations.json; the
residual streams and attention patterns of these passes: activations.safetensors.

Needs torch 2.11, transformers 5.23 and safetensors, and the checkpoints of make_models.py.
"""
import json
import math
import pathlib

import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM

from captures import Captures, decoder_layers, first as first_of

HERE = pathlib.Path(__file__).parent
# GPT-2, Llama, Gemma 2, OPT and Falcon, in float32.
MODELS = ["families/gpt2-bare", "models/llama-default", "families/gemma2-no-caps", "families/opt-no-bias", "families/falcon-11b"]
LEAST, TIMES = 0.0, 3.5
TOP = 3


def run(model, ids, change=None):
    """What Captures tells of the pass; `change(layer, h)` returns what goes on in the place of a layer's output."""
    handles = []

    def hook(layer):
        def call(module, args, output):
            h = change(layer, first_of(output))
            return (h, *output[1:]) if isinstance(output, tuple) else h

        return call

    for i, layer in enumerate(decoder_layers(model) if change else []):
        handles.append(layer.register_forward_hook(hook(i)))
    with torch.no_grad():
        numbers = Captures(model, torch.tensor(ids)).numbers
    for handle in handles:
        handle.remove()
    return numbers


def perplexity(logits, ids):
    return math.exp(torch.nn.functional.cross_entropy(logits[:-1], torch.tensor(ids[1:])).item())


def measure(name):
    folder = HERE / name
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    generator = torch.Generator().manual_seed(7)
    vocabulary = model.config.vocab_size
    ids = torch.randint(4, vocabulary, (12,), generator=generator).tolist()
    arrays, rows, massive = {}, [], {}

    def keep(arm, numbers):
        for key, numbers in numbers.items():
            if key.endswith((".resid", ".pattern")):
                arrays[f"{name}.{arm}.{key}"] = numbers.contiguous()

    clean = run(model, ids)
    keep("original", clean)
    layers = len(decoder_layers(model))
    for layer in range(layers):
        h = clean[f"layers.{layer}.resid"]
        sizes = h.abs().flatten()
        median = sizes.median()
        top = sizes.topk(TOP)
        rows.append({"median": median.item(), "top": top.values.tolist(),
                     "places": [[i // h.shape[1], i % h.shape[1]] for i in top.indices.tolist()]})
        taken = (h.abs() > LEAST) & (h.abs() > TIMES * median)
        massive[layer] = taken.nonzero().tolist()
    first = min(layer for layer, places in massive.items() if places)
    places = massive[first]

    def mean_of(position, dim):
        group = [p for p, d in places if d == dim and (p == 0) == (position == 0)]
        return clean[f"layers.{first}.resid"][group, dim].double().mean().float()

    def arm(arm_name, value):
        def change(layer, h):
            if layer != first:
                return h
            h = h.clone()
            for position, dim in places:
                h[0, position, dim] = value(position, dim)
            return h

        numbers = run(model, ids, change)
        keep(arm_name, numbers)
        return perplexity(numbers["logits"], ids)

    return {"ids": ids, "rows": rows, "first_layer": first, "massive": places,
            "means": [mean_of(*place).item() for place in places], "original": perplexity(clean["logits"], ids),
            "zero": arm("zero", lambda p, d: 0.0), "mean": arm("mean", mean_of)}, arrays


def main():
    models, arrays = {}, {}
    for name in MODELS:
        models[name], more = measure(name)
        arrays |= more
    golden = {"rule": {"over": LEAST, "times": TIMES}, "models": models}
    (HERE / "activations.json").write_text(json.dumps(golden, indent=1) + "\n")
    save_file(arrays, HERE / "activations.safetensors")


if __name__ == "__main__":
    main()

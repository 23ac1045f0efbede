"""Largest residual numbers of tiny models and perplexities with them set to zero or to their mean: activations.json.

Needs torch 2.11 and transformers 5.23, and the checkpoints of make_models.py.
"""
import json
import math
import pathlib

import torch
from transformers import AutoModelForCausalLM

from captures import decoder_layers, first as first_of

HERE = pathlib.Path(__file__).parent
# GPT-2, Llama, Gemma 2, OPT and Falcon, in float32.
MODELS = ["families/gpt2-bare", "models/llama-default", "families/gemma2-no-caps", "families/opt-no-bias", "families/falcon-11b"]
LEAST, TIMES = 0.0, 3.5
TOP = 3


def run(model, ids, change=None):
    """Outputs of all layers (T, C) and the logits; `change(layer, h)` returns what goes on."""
    outputs, handles = {}, []

    def hook(layer):
        def call(module, args, output):
            h = first_of(output)
            if change is not None:
                h = change(layer, h)
            outputs[layer] = h[0].clone()
            return (h, *output[1:]) if isinstance(output, tuple) else h

        return call

    for i, layer in enumerate(decoder_layers(model)):
        handles.append(layer.register_forward_hook(hook(i)))
    with torch.no_grad():
        logits = model(torch.tensor([ids]), use_cache=False).logits[0].float()
    for handle in handles:
        handle.remove()
    return outputs, logits


def perplexity(logits, ids):
    return math.exp(torch.nn.functional.cross_entropy(logits[:-1], torch.tensor(ids[1:])).item())


def measure(name):
    folder = HERE / name
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    generator = torch.Generator().manual_seed(7)
    vocabulary = model.config.vocab_size
    ids = torch.randint(4, vocabulary, (12,), generator=generator).tolist()
    clean, logits = run(model, ids)
    rows, massive = [], {}
    for layer, h in clean.items():
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
        return clean[first][group, dim].double().mean().float()

    def arm(value):
        def change(layer, h):
            if layer != first:
                return h
            h = h.clone()
            for position, dim in places:
                h[0, position, dim] = value(position, dim)
            return h

        return perplexity(run(model, ids, change)[1], ids)

    return {"ids": ids, "rows": rows, "first_layer": first, "massive": places,
            "original": perplexity(logits, ids), "zero": arm(lambda p, d: 0.0), "mean": arm(mean_of)}


def main():
    golden = {"rule": {"over": LEAST, "times": TIMES}, "models": {name: measure(name) for name in MODELS}}
    text = json.dumps(golden, indent=1)
    (HERE / "activations.json").write_text(text + "\n")


if __name__ == "__main__":
    main()

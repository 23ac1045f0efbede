#!/usr/bin/env python3
"""Writes models/<name>/: tiny random checkpoints, one per architecture variant, with the numbers expected of them.

The judge is Hugging Face transformers: float32, CPU, eager attention. To make them again:

    python3 -m venv env && env/bin/pip install torch==2.11.0 transformers==5.23.0 safetensors
    env/bin/python tests/goldens/make_models.py [NAME...]

Each folder holds config.json, the weights, and expected.safetensors with (T = prompt, V = vocabulary)
    prompt        (T)              int64, token ids
    continuation  (12)             int64, greedy with a KV cache, without the end token; in no step are the best two
                                   logits closer than 0.01. With dynamic rope the frequencies change with every token
                                   beyond max_position_embeddings, while keys in the cache keep the rotation they got
    logits        (T, V)
    per layer l:  layers.l.q_pre, layers.l.q  (T, num_heads, head_dim)     before and after RoPE
                  layers.l.k_pre, layers.l.k  (T, num_kv_heads, head_dim)
                  layers.l.v                  (T, num_kv_heads, head_dim)
                  layers.l.resid              (T, hidden_size)             residual stream after the layer

Variants named bfloat16 store their weights so, and beside expected.safetensors, the numbers of these weights in
float32, have bfloat16.safetensors: the same numbers computed in bfloat16.

The weights are seeded and larger than usual initialisations, so that attention is neither flat nor one-hot; norm
weights and biases differ from their neutral values, and one rotary pair of Q and K is amplified, so that every head
has massive values. A checkpoint is saved, its config.json rewritten in the spelling under test, and the expectation
computed from what transformers reads back.
"""
import json
import pathlib
import shutil
import sys

import torch
import transformers
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM

FOLDER = pathlib.Path(__file__).resolve().parent / "models"
VOCAB, END, PROMPT_LENGTH, NEW_TOKENS, LEAST_MARGIN, LARGEST_FILE = 96, 2, 32, 12, 0.01, 300_000

SMALL = dict(vocab_size=VOCAB, hidden_size=32, intermediate_size=48, num_hidden_layers=3, num_attention_heads=2,
             num_key_value_heads=1, max_position_embeddings=256, rms_norm_eps=1e-5,
             bos_token_id=1, eos_token_id=END, pad_token_id=0, tie_word_embeddings=False)


def scaled(rope_type, **more):
    return dict(rope_type=rope_type, rope_theta=10000.0, **more)


LLAMA3 = dict(factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=64)
YARN = dict(factor=4.0, original_max_position_embeddings=256)

# name: class, config, how rope is spelled in config.json ("new": rope_parameters; "old": rope_theta + rope_scaling;
# "type": the same with the key "type" of before 2024), largest shard
VARIANTS = {
    "llama-default": ("Llama", dict(hidden_size=64, num_attention_heads=4, num_key_value_heads=2, intermediate_size=80,
                                    num_hidden_layers=2, rope_parameters=scaled("default")), "old", None),
    "llama-sharded": ("Llama", dict(rope_parameters=dict(rope_type="default", rope_theta=500000.0)), "new", "70KB"),
    "llama-linear": ("Llama", dict(rope_parameters=scaled("linear", factor=4.0)), "type", None),
    "llama-dynamic": ("Llama", dict(max_position_embeddings=20, rope_parameters=scaled("dynamic", factor=2.0)),
                      "new", None),
    "llama-dynamic-old": ("Llama", dict(max_position_embeddings=20, rope_parameters=scaled("dynamic", factor=4.0)),
                          "type", None),
    "llama-llama3": ("Llama", dict(max_position_embeddings=512, rope_parameters=scaled("llama3", **LLAMA3)),
                     "old", None),
    "llama-llama3-new": ("Llama", dict(max_position_embeddings=512, rope_parameters=scaled("llama3", **LLAMA3),
                                       num_hidden_layers=2), "new", None),
    "llama-yarn": ("Llama", dict(max_position_embeddings=1024, rope_parameters=scaled("yarn", **YARN)), "new", None),
    "llama-yarn-tuned": ("Llama", dict(max_position_embeddings=1024, num_hidden_layers=2,
                                       rope_parameters=scaled("yarn", **YARN, beta_fast=16.0, beta_slow=2.0,
                                                              attention_factor=1.25, truncate=False)), "old", None),
    "llama-bias": ("Llama", dict(attention_bias=True, mlp_bias=True, rope_parameters=scaled("default")), "new", None),
    "llama-head-dim": ("Llama", dict(num_attention_heads=4, num_key_value_heads=2, head_dim=16, num_hidden_layers=2,
                                     tie_word_embeddings=True, rope_parameters=scaled("default")), "old", None),
    "mistral-sliding": ("Mistral", dict(num_attention_heads=4, num_key_value_heads=2, head_dim=16, sliding_window=9,
                                        num_hidden_layers=2, rope_parameters=scaled("default")), "old", None),
    "mistral-full": ("Mistral", dict(sliding_window=None, rope_parameters=dict(rope_type="default",
                                                                               rope_theta=1000000.0)), "new", None),
    "qwen2": ("Qwen2", dict(num_attention_heads=4, num_key_value_heads=2, hidden_size=64, num_hidden_layers=2,
                            tie_word_embeddings=True, rope_parameters=dict(rope_type="default",
                                                                           rope_theta=1000000.0)), "old", None),
    "qwen2-sliding": ("Qwen2", dict(use_sliding_window=True, sliding_window=7, max_window_layers=1,
                                    rope_parameters=dict(rope_type="default", rope_theta=1000000.0)), "new", None),
    # An eps that no number is large beside: each of the three norms must add it.
    "llama-eps": ("Llama", dict(rms_norm_eps=0.5, num_hidden_layers=2, rope_parameters=scaled("default")), "old", None),
    "llama-bfloat16": ("Llama", dict(num_hidden_layers=2, rope_parameters=scaled("llama3", **LLAMA3),
                                     max_position_embeddings=512), "old", None),
    "mistral-bfloat16": ("Mistral", dict(num_attention_heads=4, num_key_value_heads=2, head_dim=16, sliding_window=9,
                                         num_hidden_layers=2, rope_parameters=scaled("default")), "old", None),
    "qwen2-bfloat16": ("Qwen2", dict(num_hidden_layers=2, tie_word_embeddings=True,
                                     rope_parameters=dict(rope_type="default", rope_theta=1000000.0)), "old", None),
}


def randomize(model, seed):
    """Weights that make every term of the forward pass matter."""
    generator = torch.Generator().manual_seed(seed)
    head_dim = model.model.layers[0].self_attn.head_dim
    for name, weight in model.named_parameters():
        if "norm" in name:
            weight.data.uniform_(0.5, 1.5, generator=generator)
        elif "bias" in name or "embed" in name or "lm_head" in name:
            weight.data.normal_(0.0, 0.5, generator=generator)
        else:
            weight.data.normal_(0.0, 1.6 / weight.shape[1] ** 0.5, generator=generator)
        if "q_proj.weight" in name or "k_proj.weight" in name:
            rows = weight.data.view(-1, head_dim, weight.shape[1])  # (head, dim, hidden_size)
            rows[:, [head_dim // 2 - 2, head_dim - 2]] *= 2.5  # one slow rotary pair


def respell(folder, spelling):
    """Rewrites the rope settings of config.json in an older spelling."""
    path = folder / "config.json"
    config = json.loads(path.read_text())
    config.pop("transformers_version", None)
    if spelling != "new":
        rope = config.pop("rope_parameters")
        config["rope_theta"] = rope.pop("rope_theta")
        if spelling == "type":
            rope = {"type": rope.pop("rope_type"), **rope}
        config["rope_scaling"] = None if rope.get("rope_type") == "default" else rope
    path.write_text(json.dumps(config, indent=2) + "\n")


def expected_numbers(model, prompt):
    """One pass with everything captured on the way, then the greedy continuation."""
    module = sys.modules[type(model).__module__]
    rotate = module.apply_rotary_pos_emb
    layers = model.model.layers
    numbers, hooks, heads = {}, [], model.model.layers[0].self_attn.head_dim
    layer_of_call = iter(range(len(layers)))

    def capture_rotation(q, k, *args, **kwargs):
        rotated = rotate(q, k, *args, **kwargs)
        layer = next(layer_of_call)
        for name, tensor in zip(("q_pre", "k_pre", "q", "k"), (q, k, *rotated)):
            numbers[f"layers.{layer}.{name}"] = tensor[0].transpose(0, 1).contiguous().clone()  # (T, head, dim)
        return rotated

    for index, layer in enumerate(layers):
        hooks.append(layer.self_attn.v_proj.register_forward_hook(
            lambda _, __, out, l=index: numbers.update({f"layers.{l}.v": out[0].view(len(prompt), -1, heads).clone()})))
        hooks.append(layer.register_forward_hook(
            lambda _, __, out, l=index: numbers.update({f"layers.{l}.resid": out[0].clone()})))
    module.apply_rotary_pos_emb = capture_rotation
    numbers["logits"] = model(prompt[None], use_cache=False).logits[0].clone()
    module.apply_rotary_pos_emb = rotate
    for hook in hooks:
        hook.remove()

    ids, cache, chosen, margin = prompt[None], None, [], float("inf")
    for _ in range(NEW_TOKENS):
        output = model(ids, past_key_values=cache, use_cache=True)
        best = output.logits[0, -1].topk(2)
        margin = min(margin, (best.values[0] - best.values[1]).item())
        chosen.append(best.indices[0].item())
        ids, cache = best.indices[:1][None], output.past_key_values
    numbers["continuation"] = torch.tensor(chosen)
    numbers["prompt"] = prompt
    return numbers, margin


@torch.no_grad()
def make(name, seed):
    architecture, config, spelling, shard = VARIANTS[name]
    folder, half = FOLDER / name, name.endswith("bfloat16")
    shutil.rmtree(folder, ignore_errors=True)
    config = getattr(transformers, architecture + "Config")(**{**SMALL, **config})
    model = getattr(transformers, architecture + "ForCausalLM")(config)
    while True:  # until no greedy step hangs on a rounding error and the answer is neither cut short nor monotonous
        randomize(model, seed)
        if half:
            model.to(torch.bfloat16)
        model.save_pretrained(folder, **({"max_shard_size": shard} if shard else {}))
        (folder / "generation_config.json").unlink(missing_ok=True)
        respell(folder, spelling)
        reread = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
        prompt = torch.randint(3, VOCAB, (PROMPT_LENGTH,), generator=torch.Generator().manual_seed(seed))
        numbers, margin = expected_numbers(reread, prompt)
        answer = numbers["continuation"].tolist()
        if margin > LEAST_MARGIN and END not in answer and len(set(answer)) > 4:
            break
        seed += 100
    version = {"transformers": transformers.__version__}
    save_file(numbers, folder / "expected.safetensors", metadata=version)
    if half:
        rounded, _ = expected_numbers(reread.to(torch.bfloat16), prompt)
        del rounded["continuation"], rounded["prompt"]
        save_file(rounded, folder / "bfloat16.safetensors", metadata=version)
    for path in folder.iterdir():
        path.chmod(0o644)
    largest = max(path.stat().st_size for path in folder.iterdir())
    assert largest < LARGEST_FILE, f"{name}: a file of {largest} bytes"
    print(f"{name:20} seed {seed:4}  margin {margin:.3f}  largest file {largest:7}  "
          f"|logits| {numbers['logits'].abs().max():.1f}  {answer}")


if __name__ == "__main__":
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    for number, variant in enumerate(VARIANTS):
        if variant in sys.argv[1:] or len(sys.argv) == 1:
            make(variant, number)

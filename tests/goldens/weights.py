"""Weights that make every term of a forward pass matter."""
import math

import torch
from transformers.pytorch_utils import Conv1D

PAIR_SCALE = 2.5  # of one slow rotary pair of Q and K, so that every head has massive values
HEADED = ("q_proj", "k_proj", "qkv_proj", "query_key_value", "q_b_proj", "c_attn")
INPUT_FIRST = ("GptOssExperts", "Llama4TextExperts")  # (expert, in, out)


def head_dim_of(attention):
    names = ("qk_head_dim", "head_dim", "head_size")
    return next(getattr(attention, name) for name in names if hasattr(attention, name))


def randomize(model, seed):
    """Larger than usual initialisations, so that attention is neither flat nor one-hot; norm weights, biases and every
    other constant away from their neutral values. `model` is fresh: a norm weight of zero is one that is added to 1."""
    generator = torch.Generator().manual_seed(seed)
    stored, done = set(model.state_dict()), set()  # a tied head is done with the embedding
    for prefix, module in model.named_modules():
        for name, weight in [*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)]:
            if f"{prefix}.{name}" in stored and weight.data_ptr() not in done:
                done.add(weight.data_ptr())
                fill(weight.data, module, prefix.rsplit(".")[-1], name, generator)
                if prefix.endswith(HEADED) and name == "weight":
                    attention = model.get_submodule(prefix.rsplit(".", 1)[0])
                    amplify(weight.data.T if isinstance(module, Conv1D) else weight.data, head_dim_of(attention))


def fill(weight, module, owner, name, generator):
    if name == "A_log":
        weight.uniform_(1.0, 8.0, generator=generator).log_()
    elif name in ("layer_scalar", "scale", "per_expert_scale"):
        weight.uniform_(0.7, 1.3, generator=generator)
    elif "correction_bias" in name:
        weight.normal_(0.0, 0.1, generator=generator)
    elif name == "weight" and ("norm" in owner or owner.startswith("ln_")):
        low = -0.5 if (weight == 0).all() else 0.5
        weight.uniform_(low, low + 1.0, generator=generator)
    elif hasattr(module, "embed_scale"):  # scaled on the way in, and not on the way out where it is tied
        weight.normal_(0.0, 0.3 / math.sqrt(float(module.embed_scale)), generator=generator)
    elif weight.dim() == 1 or "bias" in name or isinstance(module, (torch.nn.Embedding, torch.nn.Conv1d)):
        weight.normal_(0.0, 0.5, generator=generator)
    elif owner in ("lm_head", "embed_out"):
        weight.normal_(0.0, 0.5, generator=generator)
    else:
        transposed = isinstance(module, Conv1D) or type(module).__name__ in INPUT_FIRST
        weight.normal_(0.0, 1.6 / math.sqrt(weight.shape[-2 if transposed else -1]), generator=generator)


def amplify(rows, head_dim):
    """rows (heads * head_dim, hidden_size)"""
    rows.unflatten(0, (-1, head_dim))[:, [head_dim // 2 - 2, head_dim - 2]] *= PAIR_SCALE

#!/usr/bin/env python3
"""Writes rope.json: effective RoPE frequencies of many settings, as Hugging Face transformers computes them (float32).

    python3 -m venv env && env/bin/pip install torch==2.11.0 transformers==5.23.0
    env/bin/python tests/goldens/make_rope.py

Each case holds its rope_parameters as config.json spells them, head_dim, max_position_embeddings, sequence_length,
and the expected inv_freq and attention_factor.
"""
import json
import pathlib

import torch
from transformers import LlamaConfig
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

# name: (head_dim, max_position_embeddings, sequence_length, rope_parameters)
CASES = {
    "default": (64, 2048, 100, dict(rope_theta=10000.0)),
    "default, theta 100000": (64, 8192, 100, dict(rope_theta=100000.0)),
    "default, theta 1000000, 128 dims": (128, 32768, 100, dict(rope_theta=1000000.0)),
    "linear": (128, 4096, 100, dict(rope_type="linear", rope_theta=10000.0, factor=4.0)),
    "dynamic, within the trained length": (128, 4096, 100, dict(rope_type="dynamic", rope_theta=10000.0, factor=2.0)),
    "dynamic, beyond": (128, 4096, 9000, dict(rope_type="dynamic", rope_theta=10000.0, factor=2.0)),
    "dynamic, just beyond, factor 4": (32, 20, 21, dict(rope_type="dynamic", rope_theta=10000.0, factor=4.0)),
    "llama3.1": (128, 131072, 100, dict(rope_type="llama3", rope_theta=500000.0, factor=8.0, low_freq_factor=1.0,
                                        high_freq_factor=4.0, original_max_position_embeddings=8192)),
    "llama3.2": (64, 131072, 100, dict(rope_type="llama3", rope_theta=500000.0, factor=32.0, low_freq_factor=1.0,
                                       high_freq_factor=4.0, original_max_position_embeddings=8192)),
    "llama3, unusual bands": (64, 512, 100, dict(rope_type="llama3", rope_theta=10000.0, factor=8.0,
                                                 low_freq_factor=2.0, high_freq_factor=16.0,
                                                 original_max_position_embeddings=64)),
    "yarn": (128, 32768, 100, dict(rope_type="yarn", rope_theta=1000000.0, factor=4.0,
                                   original_max_position_embeddings=32768)),
    "yarn, tuned": (64, 4096, 100, dict(rope_type="yarn", rope_theta=10000.0, factor=16.0, beta_fast=16.0,
                                        beta_slow=2.0, original_max_position_embeddings=1024)),
    "yarn, not truncated": (64, 4096, 100, dict(rope_type="yarn", rope_theta=10000.0, factor=16.0, truncate=False,
                                                original_max_position_embeddings=1024)),
    "yarn, attention factor given": (64, 4096, 100, dict(rope_type="yarn", rope_theta=10000.0, factor=16.0,
                                                         attention_factor=1.25,
                                                         original_max_position_embeddings=1024)),
    "yarn, mscale": (64, 163840, 100, dict(rope_type="yarn", rope_theta=10000.0, factor=40.0, mscale=0.707,
                                           mscale_all_dim=1.0, original_max_position_embeddings=4096)),
    "yarn, a ramp beyond the last pair": (16, 4194304, 100, dict(rope_type="yarn", rope_theta=100.0, factor=4.0,
                                                                 beta_fast=10000.0,
                                                                 original_max_position_embeddings=1048576)),
    "yarn, all in the ramp": (16, 64, 100, dict(rope_type="yarn", rope_theta=10000.0, factor=2.0, beta_fast=32.0,
                                                beta_slow=1.0, original_max_position_embeddings=8)),
}


def frequencies(head_dim, max_position_embeddings, sequence_length, parameters):
    config = LlamaConfig(hidden_size=4 * head_dim, num_attention_heads=4, head_dim=head_dim,
                         max_position_embeddings=max_position_embeddings, rope_parameters=dict(parameters))
    rotary = LlamaRotaryEmbedding(config)
    if rotary.rope_type == "default":
        return rotary.inv_freq, rotary.attention_scaling
    return ROPE_INIT_FUNCTIONS[rotary.rope_type](config, torch.device("cpu"), seq_len=sequence_length)


def main():
    cases = []
    for name, (head_dim, length, sequence, parameters) in CASES.items():
        inv_freq, attention_factor = frequencies(head_dim, length, sequence, parameters)
        cases.append(dict(name=name, head_dim=head_dim, max_position_embeddings=length, sequence_length=sequence,
                          rope_parameters=parameters, inv_freq=[float(f"{f:.9g}") for f in inv_freq.tolist()],
                          attention_factor=float(attention_factor)))
    path = pathlib.Path(__file__).resolve().parent / "rope.json"
    path.write_text("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")


if __name__ == "__main__":
    main()

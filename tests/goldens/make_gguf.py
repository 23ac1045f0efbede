#!/usr/bin/env python3
"""Writes gguf/<name>.gguf: tiny random checkpoints as llama.cpp's own converter stores them, without a tokenizer, and
gguf/<name>.safetensors: a prompt (T) and its logits (T, vocabulary), which transformers computes in float32 from the
checkpoint that was converted, before those named q8_0 were quantized. To make them again:

    git clone https://github.com/ggml-org/llama.cpp
    python3 -m venv env && env/bin/pip install torch==2.11.0 transformers==5.23.0 safetensors
    env/bin/python tests/goldens/make_gguf.py llama.cpp [NAME...]

The variants are those of make_models.py, but for what a GGUF file cannot say and llama.cpp takes for granted.
"""
import json
import logging
import pathlib
import sys
import tempfile

import torch
import transformers
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM

from make_models import VARIANTS as MODELS
from make_models import respell
from variant import FULL, SLIDES, plain
from weights import randomize

HERE = pathlib.Path(__file__).resolve().parent
PROMPT_LENGTH, LARGEST_FILE = 16, 100_000

# name: (a variant of make_models.py, what is different; a key that is None is taken away)
VARIANTS = {
    "llama": ("llama-llama3-new", dict(attention_bias=True, num_attention_heads=4, num_key_value_heads=2)),
    "mixtral": ("mixtral-bfloat16", {}),
    "mixtral-q8_0": ("mixtral-bfloat16", dict(intermediate_size=32, num_experts_per_tok=4)),
    "ministral3": ("ministral3", {}),
    "qwen2": ("qwen2-bfloat16", {}),
    "qwen3": ("qwen3-bfloat16", {}),
    "qwen3-moe": ("qwen3-moe", {}),
    "qwen3-next": ("qwen3-next", {}),
    "qwen3.5": ("qwen3.5-bfloat16", {}),
    "qwen3.5-moe": ("qwen3.5-moe", {}),
    "gemma": ("gemma", {}),
    "gemma2": ("gemma2-bfloat16", dict(query_pre_attn_scalar=8)),
    "gemma3": ("gemma3-bfloat16", dict(num_hidden_layers=7, layer_types=[SLIDES] * 5 + [FULL, SLIDES], head_dim=8,
                                       query_pre_attn_scalar=8, intermediate_size=16)),
    "gemma4": ("gemma4", {}),
    "gemma4-shared": ("gemma4-shared", dict(attention_k_eq_v=True, num_global_key_value_heads=1)),
    "phi": ("phi", dict(intermediate_size=128)),
    "phi3": ("phi3", dict(sliding_window=7)),
    "phi3-longrope": ("phi3-partial", dict(sliding_window=None)),
    "gpt2": ("gpt2-bfloat16", {}),
    "gpt-neox": ("gpt-neox-bfloat16", {}),
    "gpt-neox-sequential": ("gpt-neox-sequential", dict(
        hidden_act="gelu", rope_parameters=dict(plain(10000.0), partial_rotary_factor=0.25))),
    "falcon-7b": ("falcon-7b-bfloat16", dict(ffn_hidden_size=128)),
    "falcon-11b": ("falcon-11b", dict(ffn_hidden_size=128, rope_parameters=plain(10000.0))),
    "falcon-40b": ("falcon-40b", dict(ffn_hidden_size=128, rope_parameters=plain(10000.0))),
    "olmo": ("olmo", {}),
    "olmo2": ("olmo2-bfloat16", {}),
    "olmo3": ("olmo3", dict(num_hidden_layers=4, layer_types=[FULL, SLIDES, SLIDES, FULL], intermediate_size=16)),
    "smollm3": ("smollm3", dict(num_hidden_layers=4, no_rope_layer_interval=4, intermediate_size=16)),
    "glm4": ("glm4", {}),
    "glm4-moe": ("glm4-moe", {}),
    "glm4-moe-lite": ("glm4-moe-lite", {}),
    "deepseek-v3": ("deepseek-v3-bfloat16", dict(rope_parameters=dict(
        rope_type="yarn", rope_theta=10000.0, factor=4.0, original_max_position_embeddings=32, mscale=0.8,
        mscale_all_dim=0.8), scoring_func="sigmoid")),
    "gpt-oss": ("gpt-oss", dict(swiglu_limit=7.0)),
    "llama4": ("llama4-bfloat16", dict(num_hidden_layers=4, no_rope_layer_interval=4, floor_scale=8192, attn_scale=0.1,
                                       attention_chunk_size=8192, intermediate_size=8, intermediate_size_mlp=16)),
    "jamba": ("jamba-bfloat16", {}),
    "gemma4-moe": ("gemma4-moe", {}),
    "mixtral-unstacked": ("mixtral-bfloat16", {}),
}


def checkpoint(name, folder, seed):
    """Writes the checkpoint to `folder`; a prompt and its logits."""
    base, changes = VARIANTS[name]
    variant = MODELS[base]
    settings = {key: value for key, value in {**variant.config, **changes}.items() if key not in changes
                or value is not None}
    config = getattr(transformers, (variant.config_class or variant.model) + "Config")(**settings)
    model = AutoModelForCausalLM.from_config(config)
    randomize(model, seed)
    model.to(torch.bfloat16).save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    if not changes:
        respell(folder, variant.respell)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    prompt = torch.randint(3, config.vocab_size, (PROMPT_LENGTH,), generator=torch.Generator().manual_seed(seed))
    return dict(prompt=prompt, logits=model(prompt[None]).logits[0].contiguous())


def as_published(config):
    """Keys that checkpoints have and the converter reads, where transformers writes others."""
    if config["model_type"] == "gpt2":
        return dict(n_ctx=config["n_positions"])
    if config["model_type"] == "gpt_neox":
        return dict(rotary_pct=config["rope_parameters"]["partial_rotary_factor"])
    if config["model_type"] == "falcon" and not config["new_decoder_architecture"]:
        return dict(num_kv_heads=1)
    return {}


def convert(folder, target):
    """With a vocabulary beside it, for the converters that count its words."""
    hparams = ModelBase.load_hparams(folder, False)
    hparams.update(as_published(hparams))
    words = {str(number): number for number in range(hparams["vocab_size"])}
    (folder / "tokenizer.json").write_text(json.dumps(dict(model=dict(vocab=words), added_tokens=[])))
    model_class = get_model_class(get_model_architecture(hparams, ModelType.TEXT), mmproj=False)
    model_class.set_vocab, model_class.no_mtp = lambda self: None, True
    ftype = gguf.LlamaFileType.MOSTLY_Q8_0 if target.stem.endswith("q8_0") else gguf.LlamaFileType.MOSTLY_BF16
    model_class(folder, ftype, target, model_name="tiny", hparams=hparams).write()


def unstack(target):
    """Writes the experts one by one, as the converter did until April 2024."""
    reader = gguf.GGUFReader(target)
    architecture = reader.get_field("general.architecture").contents()
    writer = gguf.GGUFWriter(target.with_suffix(".new"), architecture)
    for field in reader.fields.values():
        if field.name != "general.architecture" and not field.name.startswith("GGUF."):
            inner = field.types[-1] if field.types[0] == gguf.GGUFValueType.ARRAY else None
            writer.add_key_value(field.name, field.contents(), field.types[0], sub_type=inner)
    for tensor in reader.tensors:
        stem, stacked, suffix = tensor.name.partition("_exps")
        for expert, data in enumerate(tensor.data if stacked else [tensor.data]):
            name = f"{stem}.{expert}{suffix}" if stacked else tensor.name
            writer.add_tensor(name, data.copy(), raw_dtype=tensor.tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    target.with_suffix(".new").rename(target)


@torch.no_grad()
def make(name, seed):
    target = HERE / "gguf" / f"{name}.gguf"
    with tempfile.TemporaryDirectory() as folder:
        numbers = checkpoint(name, pathlib.Path(folder), seed)
        convert(pathlib.Path(folder), target)
    if name.endswith("unstacked"):
        unstack(target)
    save_file(numbers, target.with_suffix(".safetensors"), metadata={"transformers": transformers.__version__})
    for path in (target, target.with_suffix(".safetensors")):
        path.chmod(0o644)
    size = target.stat().st_size
    assert size < LARGEST_FILE, f"{name}: {size} bytes"
    print(f"{name:24} {size // 1000:3} kB  |logits| {numbers['logits'].abs().max():.1f}", flush=True)


if __name__ == "__main__":
    sys.path[:0] = [sys.argv[1], str(pathlib.Path(sys.argv[1]) / "gguf-py")]
    import gguf
    from conversion import ModelBase, ModelType, get_model_architecture, get_model_class
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    logging.disable(logging.WARNING)
    (HERE / "gguf").mkdir(exist_ok=True)
    for number, variant in enumerate(VARIANTS):
        if variant in sys.argv[2:] or len(sys.argv) == 2:
            make(variant, number)

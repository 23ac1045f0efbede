#!/usr/bin/env python3
"""Writes family_configs.json: what Hugging Face transformers makes of the config.json of every family.

For each family: its empty config ("model_type" alone), and the config.json of one of families/ with single keys left
out or null. The judge is transformers: AutoConfig, the modules of the model that it builds (on the meta device where it
is large), and one forward pass where it is small. The form is that of configs.json: "families" (a config.json each) and
"entries" of "family", "change" (keys to set), "absent" (keys to leave out) and "expected": null where transformers
refuses or fails, which "refusal" quotes. An entry with "empty" starts from nothing instead of the family's config. In
an expected config, `layers` are the different kinds of layers, and `layer_kinds` says which each layer is:
    mixer         attention, mamba or delta, which has heads of keys and of values
    window        keys that a query sees, itself included; chunk: positions that see each other; 0 where there is none
    rotary_dim    dims of a head that rotate, 0 without RoPE; inv_freq is that of the first and of the last pair
    scale         of the scores
    rms_norm_eps  of the last norm, of whatever kind; null where the family's code holds it
    experts       0 in a dense layer; intermediate_size is that of one expert
To make it again:

    python3 -m venv env && env/bin/pip install torch==2.11.0 transformers==5.23.0
    env/bin/python tests/goldens/make_family_configs.py
"""
import json
import pathlib
import tempfile
import warnings

import torch
import transformers
from transformers import AutoConfig, AutoModelForCausalLM

from captures import FFNS, MIXERS, OUTPUTS, child, decoder_layers
from weights import head_dim_of

HERE = pathlib.Path(__file__).resolve().parent
FOLDERS = ("qwen3-bias-window", "gemma", "gemma2-no-caps", "gemma3", "gemma4-shared", "phi3-bfloat16", "phi-norms",
           "gpt2-bare", "gpt-neox-sequential", "opt-350m", "falcon-40b", "olmo-bias", "olmo2-bias", "gpt-neo-relu",
           "mixtral-window", "qwen3-moe-sparse", "smollm3-window", "gpt-oss", "olmo3", "ministral3-window", "ministral",
           "llama4-no-norm", "deepseek-v3-bfloat16", "glm4-moe", "glm4", "glm4-moe-lite", "qwen3.5-bfloat16",
           "qwen3.5-moe", "qwen3-next", "jamba-bias")
KEYS = ("hidden_size", "n_embd", "n_head", "n_positions", "num_heads", "num_attention_heads", "num_key_value_heads",
        "head_dim", "num_kv_heads", "intermediate_size", "n_inner", "ffn_dim", "ffn_hidden_size", "rope_theta",
        "rope_parameters", "rope_scaling", "partial_rotary_factor", "rope_local_base_freq", "rotary_pct",
        "original_max_position_embeddings", "max_position_embeddings", "sliding_window", "use_sliding_window",
        "max_window_layers", "layer_types", "sliding_window_pattern", "attention_bias", "mlp_bias", "bias",
        "enable_bias", "tie_word_embeddings", "rms_norm_eps", "layer_norm_eps", "layer_norm_epsilon",
        "query_pre_attn_scalar", "attn_logit_softcapping", "final_logit_softcapping", "clip_qkv", "qk_layernorm",
        "use_qk_norm", "no_rope_layers", "no_rope_layer_interval", "attention_chunk_size", "interleave_moe_layer_step",
        "moe_layers", "intermediate_size_mlp", "num_experts", "num_local_experts", "n_routed_experts",
        "num_experts_per_tok", "decoder_sparse_step", "first_k_dense_replace", "moe_intermediate_size", "q_lora_rank",
        "kv_lora_rank", "v_head_dim", "rope_interleave", "attention_types", "window_size", "new_decoder_architecture",
        "multi_query", "parallel_attn", "alibi", "num_ln_in_parallel_attn", "word_embed_proj_dim",
        "do_layer_norm_before", "use_parallel_residual", "scale_attn_weights", "scale_attn_by_inverse_layer_idx",
        "global_head_dim", "num_kv_shared_layers", "hidden_size_per_layer_input", "attn_layer_period",
        "attn_layer_offset", "expert_layer_period", "mamba_dt_rank", "mamba_d_state", "mamba_expand",
        "linear_num_value_heads", "linear_conv_kernel_dim", "hidden_act", "activation", "activation_function",
        "hidden_activation", "architectures")

TOKENS = 9
WINDOWED = ("mistral", "mixtral", "ministral3", "phi3")  # in all their layers


def features(linear):
    """(in, out) of a Linear or a Conv1D."""
    return linear.weight.shape[::1 if type(linear).__name__ == "Conv1D" else -1]


def rotary_of(model, read, layer):
    """What the layer's positions rotate by: (inv_freq, factor), computed on the CPU."""
    module = next((m for name, m in model.named_modules() if name.endswith("rotary_emb")), None)
    attention = getattr(child(layer, MIXERS), "attention", child(layer, MIXERS))
    if module is None or not getattr(attention, "use_rope", True) or getattr(read, "alibi", False):
        return [], 1.0
    with torch.device("cpu"):
        rotary = type(module)(config=read)
    kind = getattr(attention, "layer_type", None) or getattr(attention, "attention_type", None)
    prefix = f"{kind}_" if hasattr(rotary, f"{kind}_inv_freq") else ""
    return getattr(rotary, f"{prefix}inv_freq").tolist(), getattr(rotary, f"{prefix}attention_scaling", 1.0)


def window_of(read, attention):
    if read.model_type == "gpt_neo":
        return read.window_size if attention.attention_type == "local" else 0
    if read.model_type == "smollm3":  # the mask of a layer goes by its type alone
        return read.sliding_window if read.layer_types[attention.layer_idx] == "sliding_attention" else 0
    if hasattr(attention, "sliding_window"):
        return attention.sliding_window or 0
    return getattr(read, "sliding_window", None) or 0 if read.model_type in WINDOWED else 0


def mixer_of(model, read, layer):
    mixer = child(layer, MIXERS)
    if hasattr(layer, "mamba"):
        return dict(mixer="mamba", inner=mixer.intermediate_size, state=mixer.ssm_state_size,
                    kernel=mixer.conv_kernel_size, dt_rank=mixer.time_step_rank)
    if hasattr(layer, "linear_attn"):
        return dict(mixer="delta", key_heads=mixer.num_k_heads, value_heads=mixer.num_v_heads,
                    key_dim=mixer.head_k_dim, value_dim=mixer.head_v_dim, kernel=mixer.conv_kernel_size)
    attention = getattr(mixer, "attention", mixer)
    head_dim = head_dim_of(attention)
    value_dim = getattr(attention, "v_head_dim", head_dim)
    heads = features(child(attention, OUTPUTS))[0] // value_dim
    projection = child(attention, ("q_proj", "q_b_proj", "qkv_proj", "query_key_value", "c_attn"))
    projection = attention.q_b_proj if projection is None else projection
    if getattr(attention, "k_proj", None) is not None:
        kv_heads = features(attention.k_proj)[1] // head_dim
    elif hasattr(attention, "kv_b_proj"):
        kv_heads = heads
    else:
        kv_heads = next((getattr(attention, name) for name in ("num_key_value_heads", "num_kv_heads")
                         if hasattr(attention, name)), heads)
    inv_freq, factor = rotary_of(model, read, layer)
    scale = 1.0 if read.model_type == "gpt_neo" else next(
        getattr(attention, name) for name in ("scaling", "inv_norm_factor") if hasattr(attention, name))
    chunked = getattr(read, "layer_types", None) and "chunked_attention" == read.layer_types[attention.layer_idx]
    return dict(mixer="attention", num_heads=heads, num_kv_heads=kv_heads, head_dim=head_dim, value_dim=value_dim,
                window=window_of(read, attention), chunk=read.attention_chunk_size if chunked else 0,
                rotary_dim=2 * len(inv_freq), inv_freq=inv_freq[:1] + inv_freq[-1:], attention_factor=factor,
                scale=scale, qkv_bias=projection.bias is not None,
                attn_output_bias=child(attention, OUTPUTS).bias is not None)


def ffn_of(layer):
    ffn = child(layer, FFNS) or layer
    experts = getattr(ffn, "experts", None) or getattr(layer, "experts", None)
    if experts is None:
        down = child(ffn, ("down_proj", "c_proj", "dense_4h_to_h", "fc2"))
        return dict(intermediate_size=features(down)[0], mlp_bias=down.bias is not None, experts=0)
    sizes = ("intermediate_dim", "intermediate_size", "expert_dim")
    return dict(intermediate_size=next(getattr(experts, name) for name in sizes if hasattr(experts, name)),
                experts=experts.num_experts)


def norm_eps_of(model):
    norm = [m for name, m in model.named_modules() if "norm" in type(m).__name__.lower()][-1]
    return next((getattr(norm, name) for name in ("variance_epsilon", "eps") if hasattr(norm, name)), None)


def description(model, read):
    layers = [dict(mixer_of(model, read, layer), **ffn_of(layer)) for layer in decoder_layers(model)]
    kinds = [layer for index, layer in enumerate(layers) if layer not in layers[:index]]
    return dict(architecture=type(model).__name__, hidden_size=read.hidden_size, num_layers=len(layers),
                vocab_size=read.vocab_size, max_position_embeddings=read.max_position_embeddings,
                tie_word_embeddings=bool(read.tie_word_embeddings), rms_norm_eps=norm_eps_of(model),
                layer_kinds=[kinds.index(layer) for layer in layers], layers=kinds)


def effective(config, folder):
    (folder / "config.json").write_text(json.dumps(config))
    try:
        read = AutoConfig.from_pretrained(folder)
        read = read.get_text_config()
        small = read.hidden_size * read.num_hidden_layers * read.vocab_size < 1_000_000
        with torch.device("cpu" if small else "meta"):
            model = AutoModelForCausalLM.from_config(read, attn_implementation="eager").eval()
        patterns = model(torch.ones(1, TOKENS, dtype=torch.long), output_attentions=True).attentions if small else ()
        found = description(model, read)
    except Exception as error:  # whatever it is, transformers does not run this
        return f"{type(error).__name__}: {' '.join(str(error).split())}"[:160]
    check_seen(found, [pattern for pattern in patterns if pattern is not None])
    return found


def check_seen(found, patterns):
    """Does the last token see as many keys as `window` and `chunk` say?"""
    layers = [found["layers"][kind] for kind in found["layer_kinds"]]
    for layer, pattern in zip([layer for layer in layers if layer["mixer"] == "attention"], patterns):
        expected = (TOKENS - 1) % layer["chunk"] + 1 if layer["chunk"] else min(TOKENS, layer["window"] or TOKENS)
        seen = (pattern[0, :, -1] > 0).sum(-1)
        assert (seen == expected).all(), f"{found['architecture']}: {seen.tolist()} keys seen, {expected} expected"


@torch.no_grad()
def main():
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    families, entries = {}, []
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)

        def add(family, change, absent, config, **more):
            found = effective(config, folder)
            why = dict(refusal=found) if isinstance(found, str) else {}
            entries.append(dict(family=family, **more, change=change, absent=absent,
                                expected=None if why else found, **why))

        for family in ("llama", "mistral", "qwen2"):  # whose keys are in configs.json
            families[family] = {"model_type": family}
            add(family, {"model_type": family}, [], {"model_type": family}, empty=True)
        for name in FOLDERS:
            config = json.loads((HERE / "families" / name / "config.json").read_text())
            family = config["model_type"]
            families[family] = config
            add(family, {"model_type": family}, [], {"model_type": family}, empty=True)
            add(family, {}, [], config)
            for key in KEYS:
                if key in config:
                    add(family, {}, [key], {k: v for k, v in config.items() if k != key})
                    if config[key] is not None:
                        add(family, {key: None}, [], {**config, key: None})
            print(family, len(entries), flush=True)
    golden = dict(transformers=transformers.__version__, base={}, families=families)
    text = ",\n".join(json.dumps(entry, separators=(",", ":")) for entry in entries)
    (HERE / "family_configs.json").write_text(json.dumps(golden)[:-1] + ', "entries": [\n' + text + "\n]}\n")
    print(len(entries), "entries,", sum(entry["expected"] is None for entry in entries), "refused")


if __name__ == "__main__":
    main()

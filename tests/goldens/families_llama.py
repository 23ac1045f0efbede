"""The variants that make_models.py writes to models/: Llama, Mistral and Qwen2, with weights in float32."""
from variant import Variant, old_rope, plain

SMALL = dict(vocab_size=96, hidden_size=32, intermediate_size=48, num_hidden_layers=3, num_attention_heads=2,
             num_key_value_heads=1, max_position_embeddings=256, rms_norm_eps=1e-5,
             bos_token_id=1, eos_token_id=2, pad_token_id=0, tie_word_embeddings=False)
LLAMA3 = dict(rope_type="llama3", rope_theta=10000.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
              original_max_position_embeddings=64)
YARN = dict(rope_type="yarn", rope_theta=10000.0, factor=4.0, original_max_position_embeddings=256)
TUNED = dict(YARN, beta_fast=16.0, beta_slow=2.0, attention_factor=1.25, truncate=False)
LINEAR = dict(rope_type="linear", rope_theta=10000.0, factor=4.0)


def dynamic(factor):
    return dict(rope_type="dynamic", rope_theta=10000.0, factor=factor)


def variant(model, rope, spelling="new", store="float32", shard="", steady=True, **config):
    respell = {} if spelling == "new" else old_rope(rope, "type" if spelling == "type" else "rope_type")
    return Variant(model, {**SMALL, **config, "rope_parameters": rope}, respell=respell, store=store, shard=shard,
                   folder="models", prompt=32, steady=steady)


def small(**config):
    return dict(num_hidden_layers=2, **config)


GROUPS = small(num_attention_heads=4, num_key_value_heads=2)
VARIANTS = {
    "llama-default": variant("Llama", plain(10000.0), "old", **GROUPS, hidden_size=64, intermediate_size=80),
    "llama-sharded": variant("Llama", plain(500000.0), shard="70KB"),
    "llama-linear": variant("Llama", LINEAR, "type"),
    # The frequencies change with every token beyond max_position_embeddings, while keys in the cache keep the rotation
    # they got.
    "llama-dynamic": variant("Llama", dynamic(2.0), max_position_embeddings=20, steady=False),
    "llama-dynamic-old": variant("Llama", dynamic(4.0), "type", max_position_embeddings=20, steady=False),
    "llama-llama3": variant("Llama", LLAMA3, "old", max_position_embeddings=512),
    "llama-llama3-new": variant("Llama", LLAMA3, **small(max_position_embeddings=512)),
    "llama-yarn": variant("Llama", YARN, max_position_embeddings=1024),
    "llama-yarn-tuned": variant("Llama", TUNED, "old", **small(max_position_embeddings=1024)),
    "llama-bias": variant("Llama", plain(10000.0), attention_bias=True, mlp_bias=True),
    "llama-head-dim": variant("Llama", plain(10000.0), "old", **GROUPS, head_dim=16, tie_word_embeddings=True),
    # An eps that no number is large beside: each of the three norms must add it.
    "llama-eps": variant("Llama", plain(10000.0), "old", **small(rms_norm_eps=0.5)),
    "llama-bfloat16": variant("Llama", LLAMA3, "old", "bfloat16", **small(max_position_embeddings=512)),
    "mistral-sliding": variant("Mistral", plain(10000.0), "old", **GROUPS, head_dim=16, sliding_window=9),
    "mistral-full": variant("Mistral", plain(1e6), sliding_window=None),
    "mistral-bfloat16": variant("Mistral", plain(10000.0), "old", "bfloat16", **GROUPS, head_dim=16, sliding_window=9),
    "qwen2": variant("Qwen2", plain(1e6), "old", **GROUPS, hidden_size=64, tie_word_embeddings=True),
    "qwen2-sliding": variant("Qwen2", plain(1e6), use_sliding_window=True, sliding_window=7, max_window_layers=1),
    "qwen2-bfloat16": variant("Qwen2", plain(1e6), "old", "bfloat16", **small(tie_word_embeddings=True)),
}

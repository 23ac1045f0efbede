"""Variants of Phi, GPT-2, GPT-NeoX, OPT, Falcon, OLMo and GPT-Neo."""
from variant import LLAMA3, SMALL, Variant, old_rope, plain

HEADLESS = {key: value for key, value in SMALL.items() if key != "head_dim"}  # head_dim = hidden_size / heads = 8
PLAIN = {key: value for key, value in HEADLESS.items() if key not in ("intermediate_size", "num_key_value_heads")}
GPT2 = dict(vocab_size=96, n_embd=32, n_layer=2, n_head=4, n_positions=128, bos_token_id=1, eos_token_id=2)
GPT_NEO = dict(vocab_size=96, hidden_size=32, num_layers=2, num_heads=4, max_position_embeddings=128,
               attention_types=[[["global", "local"], 1]], window_size=7, bos_token_id=1, eos_token_id=2)
NEOX = dict(PLAIN, intermediate_size=48)
NEOX_ROPE = dict(rope_type="default", rope_theta=10000.0, partial_rotary_factor=0.5)
OPT = dict(PLAIN, ffn_dim=48)
FALCON = dict(PLAIN, ffn_hidden_size=48)
PHI_ROPE = dict(rope_type="default", rope_theta=10000.0, partial_rotary_factor=0.5)


def longrope(pairs, original, **more):
    return dict(rope_type="longrope", rope_theta=10000.0, original_max_position_embeddings=original,
                short_factor=[1.0 + 0.1 * i for i in range(pairs)], long_factor=[1.0 + 1.5 * i for i in range(pairs)],
                partial_rotary_factor=1.0, **more)


VARIANTS = {
    "phi3": Variant("Phi3", dict(HEADLESS, rope_parameters=dict(plain(10000.0), partial_rotary_factor=1.0)),
                    keep="few", respell=old_rope(plain(10000.0))),
    "phi3-longrope-short": Variant("Phi3", dict(HEADLESS, num_key_value_heads=4, original_max_position_embeddings=64,
                                                rope_parameters=longrope(4, 64)), keep="few"),
    "phi3-bfloat16": Variant("Phi3", dict(HEADLESS, original_max_position_embeddings=8,
                                          rope_parameters=longrope(4, 8)),
                             respell=dict(rope_parameters=None, rope_theta=10000.0, rope_scaling={
                                 name: longrope(4, 8)[key] for name, key in (
                                     ("type", "rope_type"), ("short_factor", "short_factor"),
                                     ("long_factor", "long_factor"))})),
    "phi3-partial": Variant("Phi3", dict(HEADLESS, num_attention_heads=2, num_key_value_heads=1, sliding_window=7,
                                         tie_word_embeddings=True, original_max_position_embeddings=8,
                                         rope_parameters=dict(longrope(6, 8), partial_rotary_factor=0.75)),
                            keep="heads", also=("pattern",)),
    "phi": Variant("Phi", dict(HEADLESS, num_key_value_heads=4, rope_parameters=PHI_ROPE),
                   respell=dict(old_rope(plain(10000.0)), partial_rotary_factor=0.5)),
    "phi-norms": Variant("Phi", dict(HEADLESS, qk_layernorm=True, rope_parameters=PHI_ROPE, hidden_act="gelu"),
                         keep="few", also=("q_raw", "k_raw")),
    "gpt2-bfloat16": Variant("GPT2", GPT2),
    # Names and constants as OpenAI's own checkpoint has them.
    "gpt2-bare": Variant("GPT2", dict(GPT2, n_positions=48, n_inner=48, scale_attn_weights=False,
                                      scale_attn_by_inverse_layer_idx=True), keep="few",
                         strip="transformer.", extras={"h.{layer}.attn.bias": (1, 1, 48, 48)}),
    "gpt-neox-bfloat16": Variant("GPTNeoX", dict(NEOX, rope_parameters=NEOX_ROPE),
                                 respell=dict(rope_parameters=None, rotary_emb_base=10000, rotary_pct=0.5),
                                 extras={"gpt_neox.layers.{layer}.attention.masked_bias": (),
                                         "gpt_neox.layers.{layer}.attention.rotary_emb.inv_freq": (2,),
                                         "gpt_neox.layers.{layer}.attention.bias": (1, 1, 16, 16)}),
    "gpt-neox-sequential": Variant("GPTNeoX", dict(NEOX, use_parallel_residual=False, attention_bias=False,
                                                   tie_word_embeddings=True, hidden_act="gelu_fast",
                                                   rope_parameters=dict(LLAMA3, partial_rotary_factor=1.0)),
                                   keep="few", also=("resid_mid",)),
    "opt": Variant("OPT", OPT),
    "opt-350m": Variant("OPT", dict(OPT, do_layer_norm_before=False, word_embed_proj_dim=24), keep="few",
                        also=("resid_mid", "mlp_in", "mlp_out", "attn_in", "attn_out")),
    "opt-no-bias": Variant("OPT", dict(OPT, enable_bias=False, layer_norm_elementwise_affine=False,
                                       tie_word_embeddings=False, activation_function="gelu"), keep="few"),
    "falcon-7b-bfloat16": Variant("Falcon", dict(FALCON, multi_query=True, rope_parameters=plain(10000.0)),
                                  respell=dict(rope_parameters=None)),
    "falcon-40b": Variant("Falcon", dict(FALCON, new_decoder_architecture=True, num_kv_heads=2,
                                         tie_word_embeddings=False), keep="heads", also=("attn_in", "mlp_in")),
    "falcon-11b": Variant("Falcon", dict(FALCON, new_decoder_architecture=True, num_kv_heads=2,
                                         num_ln_in_parallel_attn=1, tie_word_embeddings=False,
                                         rope_parameters=plain(500042.0)), keep="few"),
    "falcon-rw": Variant("Falcon", dict(FALCON, hidden_size=48, num_attention_heads=6, ffn_hidden_size=40, alibi=True,
                                        multi_query=False, parallel_attn=False, bias=True), keep="few",
                         also=("pattern", "resid_mid")),
    "falcon3": Variant("Llama", dict(SMALL, head_dim=12, rope_parameters=plain(1000042.0)), keep="few",
                       respell=old_rope(plain(1000042.0))),
    "olmo": Variant("Olmo", dict(HEADLESS, clip_qkv=1.5, rope_parameters=plain(10000.0)),
                    respell=old_rope(plain(10000.0))),
    "olmo-bias": Variant("Olmo", dict(HEADLESS, num_key_value_heads=4, attention_bias=True, tie_word_embeddings=True),
                         keep="few"),
    "olmo2-bfloat16": Variant("Olmo2", dict(HEADLESS, rope_parameters=plain(500000.0)),
                              respell=old_rope(plain(500000.0))),
    "olmo2-bias": Variant("Olmo2", dict(HEADLESS, num_key_value_heads=1, attention_bias=True), keep="few"),
    "gpt-neo-bfloat16": Variant("GPTNeo", GPT_NEO),
    "gpt-neo-relu": Variant("GPTNeo", dict(GPT_NEO, intermediate_size=48, activation_function="relu",
                                           attention_types=[[["local"], 1], [["global"], 1]]), keep="few"),
}

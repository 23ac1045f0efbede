"""Variants of the families with mixtures of experts, sinks, layers without RoPE, latent or no attention."""
from variant import FULL, SLIDES, SMALL, YARN, Variant, old_rope, plain

EXPERTS = dict(SMALL, intermediate_size=16)
HEADLESS = {key: value for key, value in SMALL.items() if key != "head_dim"}
QWEN_MOE = dict(SMALL, moe_intermediate_size=16, num_experts=4, num_experts_per_tok=2)
OSS = dict(EXPERTS, num_local_experts=3, num_experts_per_tok=2, sliding_window=7, swiglu_limit=2.0,
           rope_parameters=dict(YARN, truncate=False))
MINISTRAL3 = dict(YARN, original_max_position_embeddings=5, mscale=1.0, mscale_all_dim=1.0, llama_4_scaling_beta=0.3)
LLAMA4 = dict(EXPERTS, intermediate_size_mlp=40, num_local_experts=4, attention_chunk_size=7, floor_scale=4,
              attn_scale=0.5, rope_parameters=plain(500000.0))
LATENT = dict(HEADLESS, num_key_value_heads=4, moe_intermediate_size=16, n_routed_experts=4, num_experts_per_tok=2,
              kv_lora_rank=12, qk_rope_head_dim=8, qk_nope_head_dim=8, v_head_dim=12)
DEEP_ROPE = dict(YARN, mscale=1.0, mscale_all_dim=0.8)
GROUPED = dict(n_routed_experts=8, n_group=4, topk_group=2, routed_scaling_factor=1.7)
GLM_MOE = dict(SMALL, head_dim=12, moe_intermediate_size=16, n_routed_experts=4, num_experts_per_tok=2,
               first_k_dense_replace=1, routed_scaling_factor=1.5)
HALF = dict(rope_type="default", rope_theta=10000.0, partial_rotary_factor=0.5)

QWEN35 = dict(HEADLESS, head_dim=16, linear_num_key_heads=2, linear_num_value_heads=4, linear_key_head_dim=8,
              linear_value_head_dim=6, layer_types=["linear_attention", "full_attention"],
              rope_parameters=dict(rope_type="default", rope_theta=1e7, partial_rotary_factor=0.25,
                                   mrope_section=[1, 1, 0], mrope_interleaved=True))
QWEN_NEXT = {key: value for key, value in QWEN35.items() if key != "rope_parameters"}
QWEN35_MOE = dict(moe_intermediate_size=16, shared_expert_intermediate_size=24, num_experts=4, num_experts_per_tok=2)
JAMBA = dict(HEADLESS, num_hidden_layers=3, attn_layer_period=3, attn_layer_offset=1, num_experts=3,
             intermediate_size=16, mamba_d_state=4, mamba_dt_rank=3)

VARIANTS = {
    "mixtral-bfloat16": Variant("Mixtral", dict(EXPERTS, num_local_experts=4, rope_parameters=plain(1e6)),
                                respell=old_rope(plain(1e6))),
    "mixtral-window": Variant("Mixtral", dict(EXPERTS, num_local_experts=3, num_experts_per_tok=1, sliding_window=7,
                                              num_key_value_heads=4, tie_word_embeddings=True), keep="few"),
    "qwen2-moe": Variant("Qwen2Moe", dict(HEADLESS, moe_intermediate_size=16, num_experts=3, num_experts_per_tok=2,
                                          shared_expert_intermediate_size=24, use_sliding_window=True,
                                          sliding_window=7, max_window_layers=2, norm_topk_prob=True), keep="heads",
                         also=("mlp_in", "mlp_out")),
    "qwen3-moe": Variant("Qwen3Moe", dict(QWEN_MOE, norm_topk_prob=True, rope_parameters=plain(1e6)), keep="heads",
                         also=("mlp_in", "mlp_out"),
                         respell=dict(num_local_experts=None, num_experts=4, **old_rope(plain(1e6)))),
    "qwen3-moe-sparse": Variant("Qwen3Moe", dict(QWEN_MOE, num_hidden_layers=3, decoder_sparse_step=2,
                                                 num_key_value_heads=1, mlp_only_layers=[], attention_bias=True,
                                                 use_sliding_window=True, sliding_window=7), keep="few"),
    "smollm3": Variant("SmolLM3", dict(HEADLESS, no_rope_layer_interval=2, tie_word_embeddings=True,
                                       rope_parameters=plain(2e6)), keep="heads", also=("pattern",),
                       respell=dict(layer_types=None, no_rope_layers=None, **old_rope(plain(2e6)))),
    "smollm3-window": Variant("SmolLM3", dict(HEADLESS, no_rope_layers=[0, 1], use_sliding_window=True,
                                              sliding_window=7, attention_bias=True, mlp_bias=True,
                                              tie_word_embeddings=False), keep="few", also=("pattern",)),
    "gpt-oss": Variant("GptOss", OSS, store="float32", respell=old_rope(OSS["rope_parameters"])),
    "gpt-oss-bfloat16": Variant("GptOss", dict(OSS, layer_types=[FULL, SLIDES], num_key_value_heads=1,
                                               attention_bias=False), keep="few"),
    "olmo3": Variant("Olmo3", dict(HEADLESS, sliding_window=7, layer_types=[SLIDES, FULL],
                                   rope_parameters={FULL: dict(YARN, rope_theta=500000.0), SLIDES: plain(500000.0)}),
                     keep="heads", also=("pattern", "resid_mid"),
                     respell=dict(rope_parameters=None, rope_theta=500000.0, rope_scaling={
                         key: value for key, value in YARN.items() if key != "rope_theta"})),
    "ministral3": Variant("Ministral3", dict(SMALL, rope_parameters=MINISTRAL3), keep="heads", also=("pattern",)),
    "ministral3-window": Variant("Ministral3", dict(SMALL, head_dim=12, num_key_value_heads=1, sliding_window=7,
                                                    tie_word_embeddings=True,
                                                    rope_parameters=dict(MINISTRAL3, mscale=0.7)), keep="few"),
    "ministral": Variant("Ministral", dict(SMALL, sliding_window=7, layer_types=[SLIDES, FULL],
                                           rope_parameters=plain(1e6)), keep="few"),
    "llama4-bfloat16": Variant("Llama4", dict(LLAMA4, interleave_moe_layer_step=2, no_rope_layer_interval=2),
                               config_class="Llama4Text"),
    "llama4-no-norm": Variant("Llama4", dict(LLAMA4, use_qk_norm=False, no_rope_layers=[0, 1], attention_bias=True,
                                             attn_temperature_tuning=False, num_experts_per_tok=2, head_dim=12),
                              config_class="Llama4Text", keep="few", also=("pattern",)),
    "deepseek-v3-bfloat16": Variant("DeepseekV3", dict(LATENT, **GROUPED, q_lora_rank=16, first_k_dense_replace=1,
                                                       rope_parameters=DEEP_ROPE),
                                    respell=dict(head_dim=None, qk_head_dim=None, **old_rope(DEEP_ROPE, "type"))),
    "deepseek-v3-no-q-lora": Variant("DeepseekV3", dict(LATENT, q_lora_rank=None, n_group=1, topk_group=1,
                                                        first_k_dense_replace=0, rope_interleave=False,
                                                        attention_bias=True, norm_topk_prob=False, n_shared_experts=2,
                                                        rope_parameters=plain(10000.0)), keep="few"),
    "glm4-moe": Variant("Glm4Moe", dict(GLM_MOE, use_qk_norm=True, attention_bias=True, rope_parameters=HALF),
                        keep="heads", also=("mlp_in", "mlp_out"),
                        respell=dict(old_rope(plain(10000.0)), partial_rotary_factor=0.5)),
    "glm4": Variant("Glm4", dict(SMALL, head_dim=12, rope_parameters=HALF), keep="heads",
                    also=("resid_mid", "attn_out", "mlp_out"),
                    respell=dict(old_rope(plain(10000.0)), partial_rotary_factor=0.5)),
    "glm4-no-bias": Variant("Glm4", dict(SMALL, attention_bias=False, num_key_value_heads=1, tie_word_embeddings=True),
                            keep="few"),
    "glm4-moe-lite": Variant("Glm4MoeLite", dict(LATENT, q_lora_rank=16, routed_scaling_factor=1.8), keep="heads",
                             also=("mlp_in", "mlp_out")),
    "qwen3.5-bfloat16": Variant("Qwen3_5", QWEN35, config_class="Qwen3_5Text"),
    "qwen3.5-tied": Variant("Qwen3_5", dict(QWEN35, layer_types=["full_attention", "linear_attention"],
                                            num_key_value_heads=1, linear_num_key_heads=2, linear_num_value_heads=2,
                                            linear_conv_kernel_dim=3, attention_bias=True, tie_word_embeddings=True),
                            config_class="Qwen3_5Text", keep="few"),
    "qwen3.5-moe": Variant("Qwen3_5Moe", dict(QWEN35, **QWEN35_MOE), config_class="Qwen3_5MoeText", keep="heads",
                           also=("mlp_in", "mlp_out")),
    "qwen3-next": Variant("Qwen3Next", dict(QWEN_NEXT, **QWEN35_MOE, decoder_sparse_step=1), keep="few"),
    "jamba-bfloat16": Variant("Jamba", JAMBA),
    "jamba-bias": Variant("Jamba", dict(JAMBA, num_key_value_heads=4, attn_layer_offset=0, expert_layer_offset=0,
                                        mamba_proj_bias=True, mamba_conv_bias=False, mamba_expand=1, mamba_d_conv=3,
                                        num_hidden_layers=2, tie_word_embeddings=True), keep="few"),
}

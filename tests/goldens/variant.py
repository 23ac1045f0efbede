"""What a variant is, and the settings that many of them share."""
from dataclasses import dataclass, field


@dataclass
class Variant:
    """`model` and `config` of transformers; `config_class` where its name is another. `keep`: "all" numbers; "heads":
    Q, K and V at every stage, the residual stream and what only some families have; "few": Q, K and V as attention
    uses them, and the rest. `also`: names kept besides. `respell`: keys of config.json that are taken away (None), set
    to null (...) or set, in the spelling of older checkpoints; transformers must read the same config from it.
    `store`: dtype of the weights in the file, whose largest shard is `shard`."""
    model: str
    config: dict
    keep: str = "all"
    also: tuple = ()
    respell: dict = field(default_factory=dict)
    store: str = "bfloat16"
    config_class: str = ""
    shard: str = ""
    strip: str = ""  # prefix of tensor names that older files lack
    extras: dict = field(default_factory=dict)  # shapes of tensors that older files have and that mean nothing
    folder: str = "families"
    prompt: int = 16  # tokens
    steady: bool = True  # decode with a cache gives what one pass over the whole text gives


SMALL = dict(vocab_size=96, hidden_size=32, intermediate_size=40, num_hidden_layers=2, num_attention_heads=4,
             num_key_value_heads=2, head_dim=8, max_position_embeddings=128,
             bos_token_id=1, eos_token_id=2, pad_token_id=0)
YARN = dict(rope_type="yarn", rope_theta=10000.0, factor=4.0, original_max_position_embeddings=32)
LLAMA3 = dict(rope_type="llama3", rope_theta=10000.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
              original_max_position_embeddings=32)
SLIDES, FULL = "sliding_attention", "full_attention"


def plain(theta):
    return dict(rope_type="default", rope_theta=theta)


def old_rope(rope, key="rope_type"):
    """RoPE settings as config.json had them before `rope_parameters`; before 2024 with the key "type"."""
    scaling = {key if name == "rope_type" else name: value for name, value in rope.items() if name != "rope_theta"}
    return dict(rope_parameters=None, rope_theta=rope["rope_theta"],
                rope_scaling=... if rope["rope_type"] == "default" else scaling)

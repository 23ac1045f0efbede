"""What a transformers model computes on the way to its logits, caught from outside: hooks on its layers, its attention
function and its rotation. No forward pass is written again here; checks.py proves that what was caught fits together.
Names and shapes: make_models.py.
"""
import contextlib
import sys

import torch

MIXERS = ("self_attn", "attention", "self_attention", "attn", "mamba", "linear_attn")
FFNS = ("mlp", "feed_forward")
OUTPUTS = ("o_proj", "out_proj", "dense", "c_proj")
NORMS = ("q_norm", "k_norm", "q_layernorm", "k_layernorm")
ROTATIONS = ("apply_rotary_pos_emb", "apply_rotary_pos_emb_interleave", "apply_rotary_emb")


def child(module, names):
    return next((getattr(module, name) for name in names if hasattr(module, name)), None)


def decoder_layers(model):
    count = model.config.num_hidden_layers
    return next(m for m in model.modules() if isinstance(m, torch.nn.ModuleList) and len(m) == count)


def first(output):
    return output[0] if isinstance(output, tuple) else output


def same(a, b):
    """Is it the same memory, perhaps in another shape?"""
    return a is not None and b is not None and a.data_ptr() == b.data_ptr() and a.numel() == b.numel()


def close(found, expected, what):
    error = (found.float() - expected.float()).abs().max().item()
    limit = (2e-5 if found.dtype == torch.float32 else 0.05) * max(1.0, expected.float().abs().max().item())
    if not error <= limit:
        raise AssertionError(f"{what}: off by {error}")


class Captures:
    """Of one prefill without a cache: `numbers` by name."""

    def __init__(self, model, prompt):
        self.count = len(prompt)
        self.layers = decoder_layers(model)
        self.module = sys.modules[type(self.layers[0]).__module__]
        self.family = self.module.__name__.rsplit("modeling_")[-1]
        self.factors = {value for module in model.modules() for name, value in vars(module).items()
                        if name.endswith("attention_scaling")}
        self.layer, self.numbers = None, {}
        self.seen = {}  # by name, the very tensors whose copies are in numbers; all live on, so that `same` means it
        self.calls = [[] for _ in self.layers]  # per layer: (what a direct child read, what it gave)
        with contextlib.ExitStack() as stack:
            self.stack = stack
            for index, layer in enumerate(self.layers):
                self._hook_layer(index, layer)
            self._watch_functions()
            self.numbers["logits"] = model(prompt[None], use_cache=False).logits[0]
        self._put_states(model(prompt[None], use_cache=True).past_key_values)
        for self.layer in range(len(self.layers)):
            self._finish_heads()
            self._finish_residual()
        self.numbers = {name: tensor.contiguous().clone() for name, tensor in self.numbers.items()}

    def put(self, name, tensor):
        self.seen[self.layer, name] = tensor
        self.numbers[f"layers.{self.layer}.{name}"] = tensor.clone()

    def get(self, name):
        return self.numbers.get(f"layers.{self.layer}.{name}")

    def take(self, name):
        return self.numbers.pop(f"layers.{self.layer}.{name}", None)

    def rows(self, tensor):
        return tensor.reshape(self.count, -1)

    def heads(self, tensor):
        """(1, head, T, dim) or (1, T, head, dim) to (T, head, dim)."""
        tensor = tensor[0]
        return tensor if tensor.shape[0] == self.count else tensor.transpose(0, 1)

    # --- hooks on modules

    def hook(self, module, before=None, after=None):
        if module is not None and before:
            handle = module.register_forward_pre_hook(
                lambda _, args, kwargs: before(args[0] if args else kwargs["hidden_states"]), with_kwargs=True)
            self.stack.callback(handle.remove)
        if module is not None and after:
            handle = module.register_forward_hook(lambda _, __, output: after(output))
            self.stack.callback(handle.remove)

    def _hook_layer(self, index, layer):
        self.hook(layer, before=lambda x: self._enter(index, x),
                  after=lambda out: self.put("resid", self.rows(first(out))))
        for part in layer.children():
            handle = part.register_forward_hook(
                lambda _, args, kwargs, out: self.calls[index].append(
                    (args[0] if args else kwargs.get("hidden_states"), first(out))), with_kwargs=True)
            self.stack.callback(handle.remove)
        self._hook_mixer(child(layer, MIXERS))
        ffn = child(layer, FFNS)  # OPT has its two matrices in the layer itself
        self.hook(ffn or layer.fc1, before=lambda x: self.put("mlp_in", self.rows(x)))
        self.hook(ffn or layer.fc2, after=lambda out: self.put("mlp_out", self.rows(first(out))))
        for name, part in layer.named_modules():
            if name.rsplit(".")[-1] == "experts" and self.family != "llama4":  # whose experts see every token
                self._hook_experts(part)
        if self.family == "llama4":
            self.hook(getattr(ffn, "router", None), after=lambda out: self.put("router", out[0]))
        if self.family == "gemma4":  # the experts stand beside the dense part, and both come together here
            self.hook(layer.post_feedforward_layernorm, before=lambda x: self.put("mlp_out", self.rows(x)))

    def _enter(self, layer, x):
        self.layer = layer
        self.seen[layer, "entered"] = x
        if layer == 0:
            self.numbers["embedding"] = self.rows(x).clone()

    def _hook_mixer(self, mixer):
        self.hook(mixer, before=lambda x: self.put("attn_in", self.rows(x)),
                  after=lambda out: self.put("attn_out", self.rows(first(out))))
        mixer = getattr(mixer, "attention", mixer)  # GPT-Neo has one in the other
        self.hook(child(mixer, OUTPUTS), before=lambda x: self.put("attn_heads", self.rows(x)))
        for name in NORMS:
            self.hook(getattr(mixer, name, None),
                      before=lambda x, n=name[0]: self.put(f"{n}_raw", self.heads(x) if x.dim() == 4 else x[0]))
        self.hook(getattr(mixer, "q_proj", None), after=lambda out: self.put("q_proj", out[0]))
        self.hook(getattr(mixer, "kv_a_layernorm", None), after=lambda out: self.put("latent", self.rows(out)))

    def _hook_experts(self, experts):
        def before(module, args, kwargs):
            read, chosen, weights = (*args, *kwargs.values())
            dense = torch.zeros(self.count, module.num_experts, dtype=weights.dtype)
            self.put("router", dense.scatter(1, chosen, weights))
            self.seen[self.layer, "experts"] = (module, read)
        self.stack.callback(experts.register_forward_pre_hook(before, with_kwargs=True).remove)
        self.hook(experts, after=lambda out: self.seen.update({(self.layer, "expert_sum"): out}))

    # --- functions of the family's module

    def replace(self, owner, name, function):
        self.stack.callback(setattr, owner, name, getattr(owner, name))
        setattr(owner, name, function)

    def _watch_functions(self):
        for name in ROTATIONS:
            if hasattr(self.module, name):
                self.replace(self.module, name, self._watched_rotation(getattr(self.module, name)))
        if hasattr(self.module, "eager_attention_forward"):
            self.replace(self.module, "eager_attention_forward",
                         self._watched_attention(self.module.eager_attention_forward))
        if self.family == "gpt_neo":
            self._watch_gpt_neo(self.module.GPTNeoSelfAttention)
        if self.family == "falcon":
            self._watch_falcon(self.module.FalconAttention)

    def _watch_gpt_neo(self, attention):
        attend = attention._attn

        def watched(module, query, key, value, mask=None):
            output, pattern = attend(module, query, key, value, mask)
            self.put_attention(query, key, value, pattern)
            return output, pattern
        self.replace(attention, "_attn", watched)

    def _watch_falcon(self, attention):
        split = attention._split_heads

        def watched(module, fused):
            parts = split(module, fused)
            for name, tensor in zip("qkv", parts):
                self.put(name, self.heads(tensor))
            return parts
        self.replace(attention, "_split_heads", watched)
        for layer in self.layers:
            self.hook(layer.self_attention, after=lambda out: self.put("pattern", out[1][0]))

    def _watched_rotation(self, rotate):
        if self.family == "gemma4":
            return self._watched_single_rotation(rotate)

        def watched(q, k, *args, **kwargs):
            rotated = rotate(q, k, *args, **kwargs)
            for name, before, after in zip("qk", (q, k), rotated):
                self.put(f"{name}_pre", self.heads(before))
                self.put(f"{name}_rotated", self.heads(after))
            return rotated
        return watched

    def _watched_single_rotation(self, rotate):
        """Q is rotated first, then K if the layer has one of its own."""
        def watched(x, *args, **kwargs):
            rotated = rotate(x, *args, **kwargs)
            name = "q" if self.get("q_pre") is None else "k"
            self.put(f"{name}_pre", self.heads(x))
            self.put(f"{name}_rotated", self.heads(rotated))
            return rotated
        return watched

    def _watched_attention(self, attend):
        def watched(module, query, key, value, mask, *args, **kwargs):
            output, pattern = attend(module, query, key, value, mask, *args, **kwargs)
            self.put_attention(query, key, value, pattern)
            if hasattr(module, "sinks"):
                groups = query.shape[1] // key.shape[1]
                scores = query @ key.repeat_interleave(groups, 1).transpose(2, 3) * kwargs["scaling"] + mask
                sinks = module.sinks[None, :, None, None].expand(*scores.shape[:3], 1)
                self.put("sink", torch.cat([scores, sinks], -1).softmax(-1)[0, :, :, -1])
            return output, pattern
        return watched

    def put_attention(self, query, key, value, pattern):
        """query (1, H, T, D), key (1, KV, T, D), value (1, KV, T, Dv), pattern (1, H, T, T)."""
        for name, tensor in (("q", query), ("k", key), ("v", value)):
            self.put(name, self.heads(tensor))
        self.put("pattern", pattern[0])

    # --- afterwards

    def _put_states(self, cache):
        for self.layer, layer in enumerate(self.layers):
            if hasattr(layer, "mamba") or hasattr(layer, "linear_attn"):
                self.put("state", cache.get_recurrent_state(self.layer, state_idx=0)[0])
                self.put("conv", cache.get_conv_state(self.layer, state_idx=0)[0])

    def _finish_heads(self):
        projected, q = self.take("q_proj"), self.get("q")
        if q is None:
            return
        if self.family == "falcon":
            self._finish_falcon()
        if projected is not None and projected.numel() == 2 * q.numel():  # Qwen3.5: each head's Q, then its gate
            self.put("gate", self.rows(projected.view(self.count, q.shape[1], 2, -1)[:, :, 1]))
        elif projected is not None and self.get("q_pre") is None and not torch.equal(projected, self.rows(q)):
            projected = projected.view(q.shape)
            if self.family == "opt":  # scales Q before it is cut into heads
                self.put("q", projected)
            else:  # scaled by position
                self.put("q_pre", projected)
                self.put("k_pre", self.get("k"))
        for name in "qk":
            used, raw, rotated = self.get(name), self.get(f"{name}_raw"), self.take(f"{name}_rotated")
            if raw is not None:
                self.put(f"{name}_raw", raw.reshape(used.shape))
            if rotated is not None:
                self.put(f"{name}_pre", whole_head(self.get(f"{name}_pre"), rotated, used))

    def _finish_falcon(self):
        """Q and K were seen before their rotation, and K and V once for every head of Q."""
        mixer = self.layers[self.layer].self_attention
        repeats = mixer.num_heads // mixer.num_kv_heads if mixer.new_decoder_architecture else 1
        for name in ("k", "k_pre", "k_rotated", "v"):
            if self.get(name) is not None:
                self.put(name, self.get(name)[:, ::repeats])
        for name in "qk":
            if self.get(f"{name}_rotated") is not None:
                self.put(name, self.get(f"{name}_rotated"))

    def _finish_residual(self):
        """resid_mid is what the norm before the feed-forward reads, where that is not what the layer reads."""
        reads = self.seen[self.layer, "mlp_in"]
        middle = reads if self.is_post_norm() else next(
            (x for x, out in self.calls[self.layer] if same(out, reads)), reads)
        if not same(middle, self.seen[self.layer, "entered"]):
            self.put("resid_mid", self.rows(middle))

    def is_post_norm(self):
        return not getattr(self.layers[self.layer], "do_layer_norm_before", True)


def whole_head(before, rotated, used):
    """What went into the rotation, (T, head, rotary dims), with the dims of the head that did not."""
    width = before.shape[-1]
    before, rotated = (x.expand(-1, used.shape[1], -1) for x in (before, rotated))  # MLA: one key for all heads
    if width == used.shape[-1]:
        return before
    if torch.equal(rotated, used[..., :width]):
        return torch.cat([before, used[..., width:]], -1)
    close(rotated, used[..., -width:], "the rotated dims")
    return torch.cat([used[..., :-width], before], -1)

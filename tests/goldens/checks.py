"""Does what was caught of a model fit together? Numbers that do not are never written to a golden."""
import torch

from captures import MIXERS, Captures, child, close, same


class Checked(Captures):
    """Captures in float32 of which every part was held against another. Raises AssertionError."""

    def __init__(self, model, prompt):
        super().__init__(model, prompt)
        self.check()

    def check(self):
        """Do the parts add up?"""
        before = self.numbers["embedding"]
        for self.layer, layer in enumerate(self.layers):
            attn, mid, resid = self.behind("attn_out"), self.get("resid_mid"), self.get("resid")
            if self.is_post_norm():
                close(mid, layer.self_attn_layer_norm(before + attn), f"layer {self.layer} resid_mid")
                close(resid, layer.final_layer_norm(mid + self.get("mlp_out")), f"layer {self.layer} resid")
            else:
                if mid is not None:
                    close(mid, before + attn, f"layer {self.layer} resid_mid")
                after = before + attn + self.behind("mlp_out")
                if self.family == "gemma4":
                    after = self._gemma4_end(layer, after)
                close(resid, after, f"layer {self.layer} resid")
            before = resid
            self._check_experts()
            self._check_latent(child(layer, MIXERS))
            if self.get("pattern") is not None:
                self._check_attention()

    def behind(self, name):
        """The output `name` of attention or feed-forward, after the norm that reads it, if there is one."""
        output = self.seen[self.layer, name]
        out = next((out for x, out in self.calls[self.layer] if same(x, output)), None)
        return self.get(name) if out is None else self.rows(out)

    def _gemma4_end(self, layer, after):
        if layer.hidden_size_per_layer_input:
            after = after + self.rows(self.calls[self.layer][-1][1])  # what the layer's last norm gave
        return after * layer.layer_scalar

    def _check_attention(self):
        pattern, v, gate, sink = (self.get(name) for name in ("pattern", "v", "gate", "sink"))
        total = pattern.sum(-1) + (0 if sink is None else sink)
        close(total, torch.ones_like(total), f"layer {self.layer} pattern")
        self._check_rotation()
        self._check_scores(pattern)
        each = v.repeat_interleave(pattern.shape[0] // v.shape[1], 1).transpose(0, 1)  # (H, T, Dv)
        heads = self.rows((pattern @ each).transpose(0, 1))
        expected = heads if gate is None else heads * gate.sigmoid()
        close(self.get("attn_heads"), expected, f"layer {self.layer} attn_heads")

    def _check_experts(self):
        """All experts with the weights of `router` give what the chosen ones gave."""
        if (self.layer, "experts") in self.seen:
            module, read = self.seen[self.layer, "experts"]
            everyone = torch.arange(module.num_experts).expand(self.count, -1)
            close(module(read, everyone, self.get("router")), self.seen[self.layer, "expert_sum"],
                  f"layer {self.layer} router")

    def _check_latent(self, mixer):
        """V comes from the latent; a state has its dims in order."""
        if self.get("latent") is not None:
            heads = mixer.kv_b_proj(self.get("latent")).view(self.count, mixer.num_heads, -1)
            close(heads[..., -mixer.v_head_dim:], self.get("v"), f"layer {self.layer} latent")
        if self.get("state") is not None:
            dims = (mixer.intermediate_size, mixer.ssm_state_size) if self.family == "jamba" else (
                mixer.num_v_heads, mixer.head_k_dim, mixer.head_v_dim)
            assert self.get("state").shape == dims, f"layer {self.layer} state: {self.get('state').shape}"

    def _check_rotation(self):
        """Position 0 is not rotated: there the stages differ by the factor of the rotation, and by an order of dims."""
        for name in "qk":
            before, after = self.get(f"{name}_pre"), self.get(name)
            if before is None or self.family == "llama4":  # which norms behind the rotation
                continue
            before, after = before[0], after[0]
            width = getattr(child(self.layers[self.layer], MIXERS), "qk_rope_head_dim", 0)  # these change their order
            if width:
                before, after = (torch.cat([x[..., :-width], x[..., -width:].sort(-1).values], -1)
                                 for x in (before, after))
            factors = {1.0, *self.factors}
            distance = torch.stack([(after - factor * before).abs() for factor in factors]).amin(0)
            close(distance, torch.zeros_like(distance), f"layer {self.layer} {name} at position 0")

    def _check_scores(self, pattern):
        """Is the pattern the softmax of q k^T over the keys that are seen?"""
        mixer = child(self.layers[self.layer], MIXERS)
        if getattr(mixer.config if hasattr(mixer, "config") else None, "alibi", False):
            return
        q, k, sink = (self.get(name) for name in ("q", "k", "sink"))
        keys = k.repeat_interleave(q.shape[1] // k.shape[1], 1)
        scale = getattr(mixer, "scaling", 1.0 if self.family == "gpt_neo" else q.shape[-1] ** -0.5)
        scores = torch.einsum("qhd,khd->hqk", q, keys) * scale
        cap = getattr(mixer, "attn_logit_softcapping", None) if self.family == "gemma2" else None
        scores = torch.tanh(scores / cap) * cap if cap else scores
        seen = scores.masked_fill(pattern == 0, -torch.inf).softmax(-1)
        close(seen * (1 if sink is None else (1 - sink)[..., None]), pattern, f"layer {self.layer} scores")

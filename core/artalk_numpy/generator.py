# SPDX-License-Identifier: GPL-3.0-or-later
"""The autoregressive transformer: speech features, style and the window before -> bits (`core.artalk.generator`).

What is known of a scale never changes, so keys and values are kept from scale to scale.
"""

from __future__ import annotations

import math

import numpy as np

from ..artalk.config import ArtalkConfig
from .bsq import Bits, MultiScaleBsq
from .layers import Linear, attend, gelu_tanh, norm, side_by_side, silu, split_heads
from .weights import Array, Weights


class Generator:
    """Predicts the bits of one window."""

    def __init__(self, weights: Weights, config: ArtalkConfig) -> None:
        width, codec, audio = config.generator.width, config.codec, config.audio.width
        self.scales = codec.scales
        self.null_style = weights.take("generator.null_style_cond", 1, 1, width)[0]
        self.style_embed = Linear(weights, "generator.style_cond_embed", config.style.width, width)
        self.feature_embed = Linear(weights, "generator.vqfeat_embed", codec.code_dim, width)
        levels = np.repeat(
            weights.take("generator.lvl_embed.weight", len(codec.scales), width), np.array(codec.scales), axis=0
        )
        self.position = levels + weights.take("generator.pos_embed", 1, codec.tokens, width)[0]
        self.context_position = levels + weights.take("generator.prev_pos_embed", 1, codec.tokens, width)[0]
        self.blocks = [
            GeneratorBlock(weights, f"generator.attn_blocks.{i}", config) for i in range(config.generator.depth)
        ]
        # every token's modulation depends on the audio alone: one large product for all blocks and the head
        ada_lins = [f"generator.attn_blocks.{i}.ada_lin.1" for i in range(config.generator.depth)]
        self.ada_lin = side_by_side(
            [Linear(weights, name, audio, 6 * width) for name in ada_lins]
            + [Linear(weights, "generator.cond_logits_head.ada_lin.1", audio, 2 * width)]
        )
        self.logits_head = Linear(weights, "generator.logits_head", width, 2 * codec.code_dim)

    def style_token(self, style: Array | None, guidance: float) -> Array:
        """Style feature (S,), or None for no style -> style token (1, W), pushed away from 'no style'."""
        if style is None:
            return self.null_style
        return np.float32(guidance) * self.style_embed(style[None]) + np.float32(1 - guidance) * self.null_style

    def context(self, style_token: Array, features: Array) -> Array:
        """Style token and the next-scale features (tokens - 1, d) of the window before -> (tokens, W)."""
        return np.concatenate([style_token, self.feature_embed(features)]) + self.context_position

    def generate(self, context: Array, style_token: Array, audio: Array, quantiser: MultiScaleBsq) -> list[Bits]:
        """Scale by scale, the likelier value of each bit -> bits per scale (n, d); a tie is 0.

        context (tokens, W), style_token (1, W), audio (tokens, A): features averaged to each scale.
        """
        width = context.shape[1]
        modulation = self.ada_lin(silu(audio))
        pasts = [KeysValues(block, context) for block in self.blocks]
        total = np.zeros((quantiser.scales[-1], quantiser.gains.shape[1]), np.float32)
        x, start, result = style_token, 0, []
        for scale, length in enumerate(self.scales):
            span = slice(start, start + length)
            x = x + self.position[span]
            for i, (block, past) in enumerate(zip(self.blocks, pasts, strict=True)):
                x = block(x, modulation[span, 6 * width * i : 6 * width * (i + 1)], past)
            gain, shift = np.split(modulation[span, -2 * width :], 2, axis=1)
            logits = self.logits_head(norm(x, 1e-6) * (1 + gain) + shift).reshape(length, -1, 2)
            result.append(logits[..., 1] > logits[..., 0])
            if scale + 1 < len(self.scales):
                total = total + quantiser.spread_codes(result[-1], scale)
                x = self.feature_embed(quantiser.pool[scale + 1] @ total)
            start += length
        return result


class GeneratorBlock:
    """Attention and feed-forward, both scaled, shifted and gated by the audio of each token."""

    def __init__(self, weights: Weights, name: str, config: ArtalkConfig) -> None:
        width, hidden = config.generator.width, config.generator.ffn_ratio * config.generator.width
        self.heads = config.generator.heads
        sharpness = weights.take(f"{name}.attn.scale_mul_1H11", 1, self.heads, 1, 1)[0]
        self.sharpness = np.exp(np.minimum(sharpness, np.float32(math.log(100.0))))
        self.query_key_value = side_by_side(
            [
                Linear(weights, f"{name}.attn.query", width, width),
                Linear(weights, f"{name}.attn.key", width, width, bias=False),
                Linear(weights, f"{name}.attn.value", width, width),
            ]
        )
        self.proj = Linear(weights, f"{name}.attn.proj", width, width)
        self.widen = Linear(weights, f"{name}.ffn.0", width, hidden)
        self.narrow = Linear(weights, f"{name}.ffn.2", hidden, width)

    def queries_keys_values(self, x: Array) -> tuple[Array, Array, Array]:
        """Tokens (L, W) -> unit queries and keys and values, (H, L, D) each; queries times their sharpness."""
        q, k, v = (split_heads(part, self.heads) for part in np.split(self.query_key_value(x), 3, axis=1))
        return _unit(q) * self.sharpness, _unit(k), v

    def __call__(self, x: Array, modulation: Array, past: KeysValues) -> Array:
        """Tokens (L, W) with their modulation (L, 6 W) -> tokens; adds them to the past."""
        gamma1, gamma2, scale1, scale2, shift1, shift2 = np.split(modulation, 6, axis=1)
        q, k, v = self.queries_keys_values(norm(x, 1e-6) * (1 + scale1) + shift1)
        past.add(k, v)
        x = x + gamma1 * self.proj(attend(q, past.keys, past.values, 1.0))
        return x + gamma2 * self.narrow(gelu_tanh(self.widen(norm(x, 1e-6) * (1 + scale2) + shift2)))


class KeysValues:
    """What one block has seen: keys and values (H, L, D), with room for all tokens of the context and of the window."""

    def __init__(self, block: GeneratorBlock, context: Array) -> None:
        _, k, v = block.queries_keys_values(context)
        heads, tokens, size = k.shape
        self._keys, self._values = (np.empty((heads, 2 * tokens, size), np.float32) for _ in range(2))
        self._length = 0
        self.add(k, v)

    def add(self, keys: Array, values: Array) -> None:
        """Put more behind what is there."""
        end = self._length + keys.shape[1]
        self._keys[:, self._length : end] = keys
        self._values[:, self._length : end] = values
        self._length = end

    @property
    def keys(self) -> Array:
        """All keys so far."""
        return self._keys[:, : self._length]

    @property
    def values(self) -> Array:
        """All values so far."""
        return self._values[:, : self._length]


def _unit(x: Array) -> Array:
    """(H, L, D) with each row divided by its length."""
    return np.asarray(x / np.maximum(np.sqrt(np.einsum("hld,hld->hl", x, x))[..., None], np.float32(1e-12)))

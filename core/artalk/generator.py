# SPDX-License-Identifier: GPL-3.0-or-later
"""The autoregressive transformer: from speech features, style and the window before to the bits of this window.

ARTalk (Chu et al. 2025), section 3.2. Tokens go from coarse to fine: the style token stands for scale 0, the tokens of
each later scale carry the sum of the codes so far. A token sees the whole context and all tokens of its own and of
coarser scales, so what is known of a scale never changes: keys and values are kept from scale to scale.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .bsq import MultiScaleBsq, area_pool, upsample
from .config import CodecConfig, GeneratorConfig

KeysValues = tuple[Tensor, Tensor]
"""Normalised keys and values, (B, heads, L, head width) each."""


def pool_scales(features: Tensor, scales: Sequence[int]) -> Tensor:
    """Audio features (B, T, A) averaged to the length of each scale, one after another (B, sum of scales, A)."""
    return torch.cat([area_pool(features, length) for length in scales], dim=1)


class ContextAttention(nn.Module):
    """Attention with unit-length queries and keys, and one learned sharpness per head."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.scale_mul_1H11 = nn.Parameter(torch.full((1, heads, 1, 1), math.log(4.0)))
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width)
        self.proj = nn.Linear(width, width)

    def _heads(self, x: Tensor) -> Tensor:
        B, L, W = x.shape
        return x.view(B, L, self.heads, W // self.heads).transpose(1, 2)

    def keys_values(self, x: Tensor) -> KeysValues:
        """Tokens (B, L, W) -> what later tokens see of them."""
        return F.normalize(self._heads(self.key(x)), dim=-1, eps=1e-12), self._heads(self.value(x))

    def forward(self, x: Tensor, past: KeysValues, visible: Tensor | None = None) -> tuple[Tensor, KeysValues]:
        """Tokens (B, L, W) look at the past and at each other.

        visible: (L, past + L) bool, True where a token sees another; None when all see all.
        Returns the output (B, L, W) and the past with these tokens added.
        """
        k, v = self.keys_values(x)
        k, v = torch.cat([past[0], k], dim=2), torch.cat([past[1], v], dim=2)
        sharpness = self.scale_mul_1H11.clamp_max(math.log(100.0)).exp()
        q = F.normalize(self._heads(self.query(x)), dim=-1, eps=1e-12) * sharpness
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=visible, scale=1.0)
        return self.proj(y.transpose(1, 2).reshape(x.shape)), (k, v)


class GeneratorBlock(nn.Module):
    """Attention and feed-forward, both scaled, shifted and gated by the audio of each token."""

    def __init__(self, width: int, heads: int, ffn_ratio: int, audio_width: int) -> None:
        super().__init__()
        self.attn = ContextAttention(width, heads)
        self.ffn = nn.Sequential(
            nn.Linear(width, ffn_ratio * width), nn.GELU(approximate="tanh"), nn.Linear(ffn_ratio * width, width)
        )
        self.ada_lin = nn.Sequential(nn.SiLU(), nn.Linear(audio_width, 6 * width))

    def forward(
        self, x: Tensor, modulation: Tensor, past: KeysValues, visible: Tensor | None = None
    ) -> tuple[Tensor, KeysValues]:
        """Tokens (B, L, W) with their modulation (B, L, 6 W) -> tokens, and the past with them."""
        gamma1, gamma2, scale1, scale2, shift1, shift2 = modulation.chunk(6, dim=-1)
        y, past = self.attn(torch.addcmul(shift1, _norm(x), 1 + scale1), past, visible)
        x = torch.addcmul(x, gamma1, y)
        return torch.addcmul(x, gamma2, self.ffn(torch.addcmul(shift2, _norm(x), 1 + scale2))), past


class LogitsNorm(nn.Module):
    """The last norm, scaled and shifted by the audio of each token."""

    def __init__(self, width: int, audio_width: int) -> None:
        super().__init__()
        self.ada_lin = nn.Sequential(nn.SiLU(), nn.Linear(audio_width, 2 * width))

    def forward(self, x: Tensor, modulation: Tensor) -> Tensor:
        """(B, L, W) with modulation (B, L, 2 W) -> (B, L, W)."""
        scale, shift = modulation.chunk(2, dim=-1)
        return _norm(x) * (1 + scale) + shift


def _norm(x: Tensor) -> Tensor:
    return F.layer_norm(x, x.shape[-1:], eps=1e-6)


class Generator(nn.Module):
    """Predicts the bits of one window. Attribute names are those of the published state dict."""

    levels: Tensor
    visible: Tensor

    def __init__(self, config: GeneratorConfig, codec: CodecConfig, audio_width: int, style_width: int) -> None:
        super().__init__()
        width, tokens = config.width, codec.tokens
        self.scales = codec.scales
        self.null_style_cond = nn.Parameter(torch.randn(1, 1, width) * 0.02)
        self.style_cond_embed = nn.Linear(style_width, width)
        self.vqfeat_embed = nn.Linear(codec.code_dim, width)
        self.pos_embed = nn.Parameter(torch.randn(1, tokens, width) * 0.02)
        self.prev_pos_embed = nn.Parameter(torch.randn(1, tokens, width) * 0.02)
        self.lvl_embed = nn.Embedding(len(codec.scales), width)
        nn.init.normal_(self.lvl_embed.weight, std=0.02)
        self.attn_blocks: Sequence[GeneratorBlock] = nn.ModuleList(  # type: ignore[assignment]
            GeneratorBlock(width, config.heads, config.ffn_ratio, audio_width) for _ in range(config.depth)
        )
        self.cond_logits_head = LogitsNorm(width, audio_width)
        self.logits_head = nn.Linear(width, 2 * codec.code_dim)
        levels = torch.repeat_interleave(torch.arange(len(codec.scales)), torch.tensor(codec.scales))
        self.register_buffer("levels", levels, persistent=False)
        self.register_buffer("visible", visibility(levels), persistent=False)

    def style_token(self, style: Tensor | None, guidance: float, batch: int = 1) -> Tensor:
        """Style feature (B, S), or None for no style -> style token (B, 1, W), pushed away from 'no style'."""
        if style is None:
            return self.null_style_cond.expand(batch, -1, -1)
        embedded: Tensor = self.style_cond_embed(style)[:, None]
        return guidance * embedded + (1 - guidance) * self.null_style_cond

    def context(self, style_token: Tensor, features: Tensor) -> Tensor:
        """Style token and the next-scale features (B, tokens - 1, d) of the window before -> (B, tokens, W)."""
        tokens = torch.cat([style_token, self.vqfeat_embed(features)], dim=1)
        return tokens + self.lvl_embed(self.levels) + self.prev_pos_embed

    def forward(self, context: Tensor, style_token: Tensor, features: Tensor, audio: Tensor) -> Tensor:
        """All scales at once, knowing the codes (teacher forcing).

        context: (B, tokens, W); features: next-scale features of this window (B, tokens - 1, d);
        audio: (B, tokens, A) by `pool_scales`. Returns logits (B, tokens, d, 2) of each bit being 0 or 1.
        """
        x = torch.cat([style_token, self.vqfeat_embed(features)], dim=1)
        x = x + self.lvl_embed(self.levels) + self.pos_embed
        for block in self.attn_blocks:
            x, _ = block(x, block.ada_lin(audio), block.attn.keys_values(context), self.visible)
        return self._logits(x, self.cond_logits_head.ada_lin(audio))

    def generate(self, context: Tensor, style_token: Tensor, audio: Tensor, quantiser: MultiScaleBsq) -> list[Tensor]:
        """Scale by scale, the likelier value of each bit -> bits per scale (B, n, d) bool; a tie is 0.

        context (B, tokens, W), style_token (B, 1, W), audio (B, tokens, A) by `pool_scales`.
        """
        return [
            logits[..., 1] > logits[..., 0] for logits in self.generate_logits(context, style_token, audio, quantiser)
        ]

    def generate_logits(
        self, context: Tensor, style_token: Tensor, audio: Tensor, quantiser: MultiScaleBsq
    ) -> list[Tensor]:
        """As `generate`, but the logits (B, n, d, 2) the bits were read from, per scale."""
        # every token's modulation depends on the audio alone: one large product instead of one per scale
        modulations = [block.ada_lin(audio) for block in self.attn_blocks]
        head_modulation = self.cond_logits_head.ada_lin(audio)
        pasts = [block.attn.keys_values(context) for block in self.attn_blocks]
        position = self.lvl_embed(self.levels) + self.pos_embed
        total = torch.zeros((), device=context.device)
        x, start, result = style_token, 0, []
        for scale, length in enumerate(self.scales):
            span = slice(start, start + length)
            x = x + position[:, span]
            for i, block in enumerate(self.attn_blocks):
                x, pasts[i] = block(x, modulations[i][:, span], pasts[i])
            logits = self._logits(x, head_modulation[:, span])
            result.append(logits)
            if scale + 1 < len(self.scales):
                codes = quantiser.codes(logits[..., 1] > logits[..., 0], scale)
                total = total + upsample(codes, quantiser.frames)
                x = self.vqfeat_embed(area_pool(total, self.scales[scale + 1]))
            start += length
        return result

    def _logits(self, x: Tensor, modulation: Tensor) -> Tensor:
        logits: Tensor = self.logits_head(self.cond_logits_head(x, modulation))
        return logits.view(*logits.shape[:-1], -1, 2)


def visibility(levels: Tensor) -> Tensor:
    """(L,) scale of each token -> (L, 2 L) bool: all of the context, then the tokens of no finer scale."""
    own = levels[:, None] >= levels[None, :]
    return torch.cat([torch.ones_like(own), own], dim=1)

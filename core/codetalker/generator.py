# SPDX-License-Identifier: GPL-3.0-or-later
"""Stage 2 of CodeTalker (Xing et al. 2023, section 3.2): speech and a speaker's style -> codes, frame by frame.

A frame's token is made of the decoded offsets of the frame before, and is never made again when later frames change
them. So what is known of a token stays: keys and values are kept from frame to frame, and those of the speech are made
once. The published code runs all frames again at each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..artalk.style import sinusoids
from .codec import GrowingDecoder, MotionCodec
from .config import CodetalkerConfig

KeysValues = tuple[Tensor, Tensor]
"""Keys and values, (B, heads, L, head width) each."""


class MultiHeadAttention(nn.Module):
    """Attention whose query, key and value weights lie in one matrix; names are those of torch's own."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.in_proj_weight = nn.Parameter(torch.randn(3 * width, width) * width**-0.5)
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * width))
        self.out_proj = nn.Linear(width, width)

    def _heads(self, x: Tensor) -> Tensor:
        return x.view(*x.shape[:2], self.heads, -1).transpose(1, 2)

    def keys_values(self, x: Tensor) -> KeysValues:
        """Tokens (B, L, W) -> what others see of them."""
        W = x.shape[-1]
        k, v = F.linear(x, self.in_proj_weight[W:], self.in_proj_bias[W:]).chunk(2, dim=-1)
        return self._heads(k), self._heads(v)

    def forward(self, x: Tensor, seen: KeysValues, bias: Tensor | None = None) -> Tensor:
        """Tokens (B, L, W) look at what is seen; bias: added to the scores, (heads, L, seen). Returns (B, L, W)."""
        W = x.shape[-1]
        q = self._heads(F.linear(x, self.in_proj_weight[:W], self.in_proj_bias[:W]))
        y = F.scaled_dot_product_attention(q, *seen, attn_mask=bias)
        out: Tensor = self.out_proj(y.transpose(1, 2).flatten(2))
        return out


class GeneratorLayer(nn.Module):
    """Looks at the frames so far, then at the speech of its own frame; post-norm."""

    def __init__(self, width: int, heads: int, ffn_width: int) -> None:
        super().__init__()
        self.self_attn = MultiHeadAttention(width, heads)
        self.multihead_attn = MultiHeadAttention(width, heads)
        self.linear1 = nn.Linear(width, ffn_width)
        self.linear2 = nn.Linear(ffn_width, width)
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(width) for _ in range(3))

    def forward(self, x: Tensor, past: KeysValues | None, bias: Tensor, heard: KeysValues) -> tuple[Tensor, KeysValues]:
        """The next token (B, 1, W) with the keys and values of the tokens before -> the token, and all with its own."""
        own = self.self_attn.keys_values(x)
        seen = own if past is None else (torch.cat([past[0], own[0]], dim=2), torch.cat([past[1], own[1]], dim=2))
        x = self.norm1(x + self.self_attn(x, seen, bias))
        x = self.norm2(x + self.multihead_attn(x, heard))
        return self.norm3(x + self.linear2(F.relu(self.linear1(x)))), seen


class Generator(nn.Module):
    """Speech encoder and transformer. Attribute names are near those of the published state dict."""

    def __init__(self, config: CodetalkerConfig) -> None:
        from transformers import Wav2Vec2Config, Wav2Vec2Model

        super().__init__()
        sizes, width = config.generator, config.codec.width
        self.config = config
        options = {"hidden_size": sizes.audio_width, **sizes.audio_options}
        self.audio_encoder: Any = Wav2Vec2Model(Wav2Vec2Config(**options))
        self.audio_feature_map = nn.Linear(sizes.audio_width, width)
        self.learnable_style_emb = nn.Embedding(len(config.speakers), width)
        self.vertice_map = nn.Linear(config.codec.coordinates, width)
        self.layers: Sequence[GeneratorLayer] = nn.ModuleList(  # type: ignore[assignment]
            GeneratorLayer(width, sizes.heads, sizes.ffn_width) for _ in range(sizes.depth)
        )
        self.feat_map = nn.Linear(width, width, bias=False)

    def speech_features(self, audio: Tensor) -> Tensor:
        """A whole clip (B, n) at 16 kHz -> features (B, frames * audio_per_frame, audio width)."""
        centred = audio - audio.mean(-1, keepdim=True)
        # the library that the model was published with adds 1e-5; today's add 1e-7, which differs on quiet sounds
        heard = centred / (centred.square().mean(-1, keepdim=True) + 1e-5).sqrt()
        x = self.audio_encoder.feature_extractor(heard)
        frames = self.config.frame_count(audio.shape[-1])
        if self.config.generator.audio_per_frame > 1:
            x = x[..., : frames * self.config.generator.audio_per_frame]
        else:
            x = F.interpolate(x, size=frames, mode="linear", align_corners=True)
        projected, _ = self.audio_encoder.feature_projection(x.transpose(1, 2))
        features: Tensor = self.audio_encoder.encoder(projected).last_hidden_state
        return features

    def style(self, weights: Tensor) -> Tensor:
        """How much of each speaker (B, S) -> style (B, 1, W)."""
        out: Tensor = weights @ self.learnable_style_emb.weight
        return out[:, None]

    def generate(self, features: Tensor, style: Tensor, codec: MotionCodec) -> Iterator[Tensor]:
        """Speech features (B, frames * audio_per_frame, A) and style (B, 1, W) -> codes (B, 1, parts) of each frame."""
        sizes = self.config.generator
        frames = features.shape[1] // sizes.audio_per_frame
        memory = self.audio_feature_map(features)
        heard = [layer.multihead_attn.keys_values(memory) for layer in self.layers]
        pasts: list[KeysValues | None] = [None] * len(self.layers)
        positions = sinusoids(sizes.period, self.config.codec.width).to(style)
        penalties = recency(frames, sizes.period, sizes.heads).to(style)
        decoder = GrowingDecoder(codec.decoder)
        token = style
        for frame in range(frames):
            x = token + positions[frame % sizes.period]
            # the farther back, the lower the score: the newest frame's row of penalties ends at the present
            bias = penalties[:, None, frames - 1 - frame :]
            own = slice(frame * sizes.audio_per_frame, (frame + 1) * sizes.audio_per_frame)
            for i, layer in enumerate(self.layers):
                k, v = heard[i]
                x, pasts[i] = layer(x, pasts[i], bias, (k[:, :, own], v[:, :, own]))
            codes = codec.nearest(self.feat_map(x))
            yield codes
            if frame + 1 < frames:
                token = self.vertice_map(decoder.add(codec.features(codes))) + style


def recency(frames: int, period: int, heads: int) -> Tensor:
    """(heads, frames) added to the scores of the frames so far, the newest last: a step down for each period back.

    A head's step is 1/4 of the step of the head before, in models of four heads (Press et al. 2022, ALiBi).
    """
    steps = 2.0 ** (-8.0 / heads * torch.arange(1, heads + 1))
    back = torch.arange(frames - 1, -1, -1) // period
    return -steps[:, None] * back

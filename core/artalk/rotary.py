# SPDX-License-Identifier: GPL-3.0-or-later
"""Codec and generator of ARTalk's training code, the generation after the released one.

The quantiser and the outline are those of `core.artalk`; what differs: tokens know their time by rotary positions (Su
et al. 2021), every window is coded alone, and the generator looks at the speech by cross-attention, with style and
history as windows of codes in front. Attribute names are those of the published state dicts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..basis import FLAME_EYES
from .audio_encoder import AudioEncoder, build_audio_encoder
from .bsq import Quantised
from .codec import CodecTransformer, MotionCodec, WindowAttention
from .config import ArtalkConfig, CodecConfig, GeneratorConfig
from .positions import rotate

TRAINED = ArtalkConfig(
    codec=CodecConfig(motion_dim=len(FLAME_EYES), scales=(1, 10, 20, 50, 100)),
    generator=GeneratorConfig(width=512, depth=8, heads=8),
    basis=FLAME_EYES.name,
    guidance=2.0,
    family="training",
)
"""The sizes that the training code comes with."""


class RotaryAttention(WindowAttention):
    """Pre-norm self-attention with rotary positions."""

    def __init__(self, width: int, heads: int, eps: float = 1e-5) -> None:
        super().__init__(width, heads, 0)
        self.scale = (width // heads) ** -0.5
        self.norm.eps = eps

    def forward(self, x: Tensor, positions: Tensor | None = None, visible: Tensor | None = None) -> Tensor:
        """(B, L, W) -> (B, L, W); positions (L,), by default 0, 1, …; visible (L, L) bool, by default all."""
        B, L, W = x.shape
        positions = torch.arange(L, device=x.device) if positions is None else positions
        qkv = self.to_qkv(self.norm(x)).view(B, L, 3, self.heads, W // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        q, k = rotate(q, positions), rotate(k, positions)
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=visible, scale=self.scale)
        out: Tensor = self.to_out(y.transpose(1, 2).reshape(B, L, W))
        return out


class RotaryCodec(MotionCodec):
    """Windows of motion (B, T, C) <-> bits, each window by itself."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__(config)
        del self.enc_pos_embed, self.dec_pos_embed
        for transformer in (self.encoder.encoder_transformer, self.decoder.decoder_transformer):
            _turn(transformer, config)

    def encode_features(self, motion: Tensor) -> Tensor:
        """Motion of one window (B, T, C) -> features before quantising (B, T, d)."""
        out: Tensor = self.encoder((motion - self.motion_mean) / (self.motion_std + 1e-8))
        return out

    def decode_window(self, feature: Tensor) -> Tensor:
        """Summed code feature (B, T, d) -> motion (B, T, C)."""
        out: Tensor = self.decoder(feature) * self.motion_std + self.motion_mean
        return out

    def reconstruct(self, motion: Tensor) -> tuple[Tensor, Quantised]:
        """Motion of one window (B, T, C) -> what its bits say of it, and the bits."""
        quantised = self.quantise(motion)
        return self.decode_window(quantised.feature), quantised


def _turn(transformer: CodecTransformer, config: CodecConfig) -> None:
    for i in range(0, len(transformer), 2):
        transformer[i] = RotaryAttention(config.width, config.heads)


class AudioAttention(nn.Module):
    """Every token looks at all of the speech."""

    def __init__(self, width: int, heads: int, audio_width: int) -> None:
        super().__init__()
        self.heads = heads
        self.q_proj = nn.Linear(width, width)
        self.k_proj = nn.Linear(audio_width, width)
        self.v_proj = nn.Linear(audio_width, width)
        self.out_proj = nn.Linear(width, width)
        self.self_norm = nn.LayerNorm(width, eps=1e-6)
        self.context_norm = nn.LayerNorm(audio_width, eps=1e-6)

    def forward(self, x: Tensor, audio: Tensor, positions: Tensor, audio_positions: Tensor) -> Tensor:
        """Tokens (B, L, W) and audio features (B, T, A) -> (B, L, W)."""
        context = self.context_norm(audio)
        q = rotate(self._heads(self.q_proj(self.self_norm(x))), positions)
        k = rotate(self._heads(self.k_proj(context)), audio_positions)
        y = F.scaled_dot_product_attention(q, k, self._heads(self.v_proj(context)))
        out: Tensor = self.out_proj(y.transpose(1, 2).reshape(x.shape))
        return out

    def _heads(self, x: Tensor) -> Tensor:
        return x.view(*x.shape[:2], self.heads, -1).transpose(1, 2)


class RotaryBlock(nn.Module):
    """Self-attention, attention to the speech and feed-forward, each with a norm before and a skip around."""

    def __init__(self, width: int, heads: int, ffn_ratio: int, audio_width: int) -> None:
        super().__init__()
        self.self_attn = RotaryAttention(width, heads, eps=1e-6)
        self.audio_attn = AudioAttention(width, heads, audio_width)
        self.ffn = nn.Sequential(
            nn.LayerNorm(width, eps=1e-6),
            nn.Linear(width, ffn_ratio * width),
            nn.GELU(approximate="tanh"),
            nn.Linear(ffn_ratio * width, width),
        )

    def forward(self, x: Tensor, audio: Tensor, positions: Tensor, audio_positions: Tensor, visible: Tensor) -> Tensor:
        """(B, L, W) -> (B, L, W)."""
        x = x + self.self_attn(x, positions, visible)
        x = x + self.audio_attn(x, audio, positions, audio_positions)
        out: Tensor = x + self.ffn(x)
        return out


class RotaryBlocks(nn.Module):
    """The transformer with the vectors that tell its kinds of tokens apart."""

    def __init__(self, config: GeneratorConfig, scales: int, audio_width: int) -> None:
        super().__init__()
        self.style_pos = nn.Parameter(torch.randn(1, 1, config.width) * 0.02)
        self.prev_pos = nn.Parameter(torch.randn(1, 1, config.width) * 0.02)
        self.audio_pos = nn.Parameter(torch.randn(1, 1, audio_width) * 0.02)
        self.attn_blocks = nn.ModuleList(
            RotaryBlock(config.width, config.heads, config.ffn_ratio, audio_width) for _ in range(config.depth)
        )
        self.lvl_embed = nn.Embedding(scales, config.width)
        nn.init.normal_(self.lvl_embed.weight, std=0.02)


class RotaryGenerator(nn.Module):
    """Predicts the bits of one window from speech, a window of style and the window before."""

    levels: Tensor
    positions: Tensor
    visible: Tensor

    def __init__(self, config: GeneratorConfig, codec: RotaryCodec, audio_width: int) -> None:
        super().__init__()
        sizes = codec.config
        self.sos_embed = nn.Parameter(torch.randn(1, 1, config.width) * 0.02)
        self.base_codec = codec
        self.code_token_embed = nn.Linear(sizes.code_dim, config.width)
        self.attn_blocks = RotaryBlocks(config, len(sizes.scales), audio_width)
        self.logits_head = nn.Sequential(nn.LayerNorm(config.width), nn.Linear(config.width, 2 * sizes.code_dim))
        levels = torch.repeat_interleave(torch.arange(len(sizes.scales)), torch.tensor(sizes.scales))
        self.register_buffer("levels", levels, persistent=False)
        self.register_buffer("positions", token_positions(sizes.scales), persistent=False)
        self.register_buffer("visible", token_visibility(levels, 2 * sizes.frames), persistent=False)

    def forward(self, audio: Tensor, style: Tensor, previous: Tensor, features: Tensor) -> Tensor:
        """All scales at once, knowing the codes (teacher forcing).

        audio: (B, T, A) features of this window; style, previous: summed code features (B, frames, d) of a window in
        the same style and of the one before; features: next-scale features of this window (B, tokens - 1, d).
        Returns logits (B, tokens, d, 2) of each bit being 0 or 1.
        """
        blocks = self.attn_blocks
        start = self.sos_embed.expand(len(features), -1, -1)
        current = torch.cat([start, self.code_token_embed(features)], dim=1) + blocks.lvl_embed(self.levels)
        x = torch.cat(
            [
                self.code_token_embed(style) + blocks.style_pos,
                self.code_token_embed(previous) + blocks.prev_pos,
                current,
            ],
            dim=1,
        )
        audio_positions = speech_positions(audio.shape[1], self.base_codec.config.frames).to(x.device)
        for block in blocks.attn_blocks:
            x = block(x, audio + blocks.audio_pos, self.positions, audio_positions, self.visible)
        logits: Tensor = self.logits_head(x[:, -len(self.levels) :])
        return logits.view(*logits.shape[:-1], -1, 2)


def token_positions(scales: Sequence[int]) -> Tensor:
    """Rotary position of every token: style, the window before, then the centre of each span of this window, (L,)."""
    frames = scales[-1]
    current = [torch.linspace(0, frames - 1, 2 * length + 1)[1::2].round() for length in scales]
    return torch.cat([torch.arange(2 * frames), torch.cat(current).long() + 2 * frames])


def speech_positions(features: int, frames: int) -> Tensor:
    """Rotary position of every audio feature of a window, (features,)."""
    return 2 * frames + torch.linspace(0, frames, features + 1)[:-1].floor().long()


def token_visibility(levels: Tensor, context: int) -> Tensor:
    """(tokens,) scale of each token -> (L, L) bool: the context sees itself, a token the context and no finer scale."""
    all_levels = F.pad(levels, (context, 0), value=-1)
    return all_levels[:, None] >= all_levels[None, :]


class RotaryModel(nn.Module):
    """Speech encoder and generator, with the codec in it."""

    def __init__(self, config: ArtalkConfig) -> None:
        super().__init__()
        self.config = config
        self.audio_encoder = build_audio_encoder(config.audio)
        self.generator = RotaryGenerator(config.generator, RotaryCodec(config.codec), config.audio.width)

    @property
    def encoder(self) -> AudioEncoder:
        """The audio encoder as the pipeline sees it."""
        return cast(AudioEncoder, self.audio_encoder)

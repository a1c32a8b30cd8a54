# SPDX-License-Identifier: GPL-3.0-or-later
"""The motion codec, stage 1 of CodeTalker (Xing et al. 2023, section 3.1): offsets of vertices <-> codebook entries.

Offsets are the vertices' distances from the neutral face. Both halves look at all frames at once, and so does the
normalisation over time inside them: one more frame changes the decoded motion of all.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .config import CodecConfig

REACH = 2
"""Frames that the convolution sees on either side."""


class Attention(nn.Module):
    """Pre-norm self-attention over all frames."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        # the published model divides by the square root of the full width, not of one head's
        self.scale = width**-0.5
        self.norm = nn.LayerNorm(width)
        self.to_qkv = nn.Linear(width, 3 * width, bias=False)
        self.to_out = nn.Linear(width, width)

    def forward(self, x: Tensor, only_last: bool = False) -> Tensor:
        """(B, T, W) -> (B, T, W), or what the last frame gets, (B, 1, W)."""
        W = x.shape[-1]
        y = self.norm(x)
        q = F.linear(y[:, -1:] if only_last else y, self.to_qkv.weight[:W])
        k, v = F.linear(y, self.to_qkv.weight[W:]).chunk(2, dim=-1)
        q, k, v = (part.view(*part.shape[:2], self.heads, -1).transpose(1, 2) for part in (q, k, v))
        y = F.scaled_dot_product_attention(q, k, v, scale=self.scale)
        out: Tensor = self.to_out(y.transpose(1, 2).flatten(2))
        return out


class FeedForward(nn.Module):
    """Pre-norm feed-forward layer."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.l1 = nn.Linear(width, hidden)
        self.l2 = nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, W) -> (B, T, W)."""
        out: Tensor = self.l2(F.gelu(self.l1(self.norm(x)), approximate="tanh"))
        return out


class Transformer(nn.Module):
    """Attention and feed-forward layers in turn, each with a skip connection."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.depth = config.depth
        self.net = nn.ModuleList()
        for _ in range(config.depth):
            self.net.append(Attention(config.width, config.heads))
            self.net.append(FeedForward(config.width, config.ffn_width))

    def forward(self, x: Tensor, only_last: bool = False) -> Tensor:
        """(B, T, W) -> (B, T, W), or the last frame of it, (B, 1, W)."""
        for i in range(self.depth):
            last = only_last and i == self.depth - 1
            x = (x[:, -1:] if last else x) + self.net[2 * i](x, last)
            x = x + self.net[2 * i + 1](x)
        return x


class TimeMix(nn.Module):
    """A convolution over time whose frames are normalised over time thereafter."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(width, width, 2 * REACH + 1, padding=REACH, padding_mode="replicate")

    def mix(self, x: Tensor) -> Tensor:
        """(B, T, W) -> (B, T, W); a frame depends on those within REACH of it alone."""
        return F.leaky_relu(self.conv(x.transpose(1, 2)), 0.2).transpose(1, 2)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, W) -> (B, T, W)."""
        return normalise(self.mix(x))


def normalise(x: Tensor) -> Tensor:
    """(B, T, W) -> the same with mean 0 and variance 1 over time; a single frame becomes 0.

    The published code cannot normalise one frame and puts it in twice, which has the same result but for rounding.
    """
    centred = x - x.mean(1, keepdim=True)
    return centred / (centred.square().mean(1, keepdim=True) + 1e-5).sqrt()


def first_position(width: int, device: torch.device) -> Tensor:
    """(W,) 0, 1, 0, 1, …: what the published code adds to every frame, the sinusoid of position 0."""
    return torch.arange(width, device=device) % 2


class Encoder(nn.Module):
    """Offsets -> features to be quantised. Attribute names are near those of the published state dict."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        width = config.width
        self.vertice_mapping = nn.Sequential(nn.Linear(config.coordinates, width), nn.LeakyReLU(0.2))
        self.squasher = TimeMix(width)
        self.encoder_linear_embedding = nn.Linear(width, width)
        self.encoder_transformer = Transformer(config)
        self.encoder_linear_embedding_post = nn.Linear(width, width) if config.wide_mesh else nn.Identity()

    def forward(self, offsets: Tensor) -> Tensor:
        """(B, T, 3 V) -> (B, T, W)."""
        x = self.encoder_linear_embedding(self.squasher(self.vertice_mapping(offsets)))
        x = self.encoder_transformer(x + first_position(x.shape[-1], x.device))
        out: Tensor = self.encoder_linear_embedding_post(x)
        return out


class Decoder(nn.Module):
    """Features of the codes -> offsets. Attribute names are near those of the published state dict."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        width = config.width
        self.decoder_linear_embedding_pre = nn.Linear(width, width) if config.wide_mesh else nn.Identity()
        self.expander = TimeMix(width)
        self.decoder_linear_embedding = nn.Linear(width, width)
        self.decoder_transformer = Transformer(config)
        self.vertice_map_reverse = nn.Linear(width, config.coordinates, bias=not config.wide_mesh)

    def forward(self, features: Tensor) -> Tensor:
        """(B, T, W) -> (B, T, 3 V)."""
        return self.finish(self.expander.mix(self.decoder_linear_embedding_pre(features)))

    def finish(self, mixed: Tensor, only_last: bool = False) -> Tensor:
        """Frames after the convolution (B, T, W) -> offsets (B, T, 3 V), or the last frame's, (B, 1, 3 V)."""
        x = self.decoder_linear_embedding(normalise(mixed))
        x = self.decoder_transformer(x + first_position(x.shape[-1], x.device), only_last)
        out: Tensor = self.vertice_map_reverse(x)
        return out


class GrowingDecoder:
    """Decodes a clip that grows frame by frame, the newest frame each time, as if all frames were decoded anew.

    What one more frame does not change is kept: the convolution of all frames but the last two.
    """

    def __init__(self, decoder: Decoder) -> None:
        self.decoder = decoder
        self.entered: Tensor | None = None
        self.mixed: Tensor | None = None

    def add(self, feature: Tensor) -> Tensor:
        """Features of the next frame (B, 1, W) -> its offsets as the last frame so far (B, 1, 3 V)."""
        entered = self.decoder.decoder_linear_embedding_pre(feature)
        if self.entered is not None and self.mixed is not None:
            known = self.mixed[:, : max(0, self.mixed.shape[1] - REACH)]
            self.entered = torch.cat([self.entered, entered], dim=1)
            changed = self.decoder.expander.mix(self.entered[:, -(2 * REACH + 1) :])[:, -(REACH + 1) :]
            self.mixed = torch.cat([known, changed], dim=1)
        else:
            self.entered, self.mixed = entered, self.decoder.expander.mix(entered)
        return self.decoder.finish(self.mixed, only_last=True)


class MotionCodec(nn.Module):
    """Offsets (B, T, 3 V) <-> codes (B, T, parts), numbers of codebook entries."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.parts = config.parts
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)
        self.codebook = nn.Embedding(config.entries, config.part_width)

    def encode(self, offsets: Tensor) -> Tensor:
        """(B, T, 3 V) -> codes (B, T, parts)."""
        return self.nearest(self.encoder(offsets))

    def nearest(self, features: Tensor) -> Tensor:
        """Features (B, T, W) -> the nearest codebook entry of each part, (B, T, parts)."""
        parts = features.view(*features.shape[:2], self.parts, -1)
        entries = self.codebook.weight
        distance = parts.square().sum(-1, keepdim=True) + entries.square().sum(-1) - 2 * (parts @ entries.T)
        return distance.argmin(-1)

    def features(self, codes: Tensor) -> Tensor:
        """Codes (B, T, parts) -> their entries side by side, (B, T, W)."""
        found: Tensor = self.codebook(codes)
        return found.flatten(-2)

    def decode(self, codes: Tensor) -> Tensor:
        """Codes (B, T, parts) -> offsets (B, T, 3 V)."""
        out: Tensor = self.decoder(self.features(codes))
        return out

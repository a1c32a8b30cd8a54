# SPDX-License-Identifier: GPL-3.0-or-later
"""The lower layers of Moonshine's encoder (Jeffries et al. 2024), which has learned to hear words from many people.

Its upper layers are left out: phones are read best half-way up. Names of parameters are those of `transformers`.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .listening import (
    CONV_STEPS,
    CONV_TAPS,
    FFN_RATIO,
    HEADS,
    HEARD_STEP,
    LEAST_SAMPLES,
    ROTARY_SHARE,
    between_frames,
    sounding,
)
from .positions import rotate


class Moonshine(nn.Module):
    """16 kHz audio -> features of `width` numbers; 288 is that of Moonshine tiny."""

    def __init__(self, layers: int, width: int = 288) -> None:
        super().__init__()
        self.width = width
        self.conv1 = nn.Conv1d(1, width, CONV_TAPS[0], CONV_STEPS[0], bias=False)
        self.groupnorm = nn.GroupNorm(1, width)
        self.conv2 = nn.Conv1d(width, 2 * width, CONV_TAPS[1], CONV_STEPS[1])
        self.conv3 = nn.Conv1d(2 * width, width, CONV_TAPS[2], CONV_STEPS[2])
        self.layers = nn.ModuleList(Layer(width) for _ in range(layers))

    def forward(self, audio: Tensor) -> Tensor:
        """Audio (B, n) -> its own frames (B, T, width), one every 24 ms (`listening.FRAME_STEP`)."""
        x = self.groupnorm(self.conv1(audio[:, None]).tanh())
        x = F.gelu(self.conv3(F.gelu(self.conv2(x)))).transpose(1, 2)
        for layer in self.layers:
            x = layer(x)
        return x

    def hear(self, audio: Tensor) -> Tensor:
        """Audio (n,) at a level of `listening.LEVEL` -> features (n / HEARD_STEP, width) at 50 Hz.

        They are 0 in the digital silence at either end.
        """
        features = audio.new_zeros(len(audio) // HEARD_STEP, self.width)
        begin, end = sounding(audio.cpu().numpy())
        if end == 0:
            return features
        piece = F.pad(audio[begin:end], (0, max(0, LEAST_SAMPLES - (end - begin))))
        first, last = begin // HEARD_STEP, min(end // HEARD_STEP, len(features))
        features[first:last] = self.at_50_hz(piece[None])[0, : last - first]
        return features

    def at_50_hz(self, audio: Tensor) -> Tensor:
        """Audio (B, n) of at least `listening.LEAST_SAMPLES` -> features (B, n / HEARD_STEP, width)."""
        frames = self(audio)
        left, share = between_frames(audio.shape[1] // HEARD_STEP, frames.shape[1])
        weight = torch.from_numpy(share).to(frames)[:, None]
        between: Tensor = frames[:, left] * (1 - weight) + frames[:, left + 1] * weight
        return between


class Layer(nn.Module):
    """Self-attention with rotary positions (Su et al. 2021), then a mix of each frame's numbers; norms and skips."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.input_layernorm = nn.LayerNorm(width, bias=False)
        self.self_attn = Attention(width)
        self.post_attention_layernorm = nn.LayerNorm(width, bias=False)
        self.mlp = Mix(width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, W) -> (B, T, W)."""
        x = x + self.self_attn(self.input_layernorm(x))
        mixed: Tensor = self.mlp(self.post_attention_layernorm(x))
        return x + mixed


class Attention(nn.Module):
    """Every frame looks at every other."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.q_proj, self.k_proj, self.v_proj, self.o_proj = (nn.Linear(width, width, bias=False) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, W) -> (B, T, W)."""
        q, k, v = (
            project(x).unflatten(-1, (HEADS, -1)).transpose(1, 2) for project in (self.q_proj, self.k_proj, self.v_proj)
        )
        out: Tensor = self.o_proj(F.scaled_dot_product_attention(_turned(q), _turned(k), v).transpose(1, 2).flatten(2))
        return out


class Mix(nn.Module):
    """Two linear maps with a GELU between."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, FFN_RATIO * width), nn.Linear(FFN_RATIO * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, W) -> (B, T, W)."""
        out: Tensor = self.fc2(F.gelu(self.fc1(x)))
        return out


def _turned(x: Tensor) -> Tensor:
    """Queries or keys (B, heads, T, d), of which the first numbers are turned by their time."""
    end = int(x.shape[-1] * ROTARY_SHARE) // 2 * 2
    return torch.cat([rotate(x[..., :end], torch.arange(x.shape[2], device=x.device)), x[..., end:]], dim=-1)

# SPDX-License-Identifier: GPL-3.0-or-later
"""The speech encoder of artalk-mini: log-mel spectrum and Moonshine's features, then convolutions in both directions.

What comes before both is plain arithmetic (Hann window, discrete Fourier transform, mel matrix, logarithm, means), so
another engine can repeat it digit by digit.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .listening import LEVEL
from .mel import (
    ACTIVE_RANGE,
    BAND_RANGE,
    EVEN_ABOVE,
    EVEN_DROP,
    EVEN_MOST,
    EVEN_REACH,
    EVEN_SMOOTH,
    FFT,
    HOP,
    LOUDNESS_SPAN,
    POWER_FLOOR,
    QUIETEST,
    RELATIVE_FLOOR,
    WINDOW,
    mel_matrix,
    tower_context,
)
from .moonshine import Moonshine


def mel_power(audio: Tensor, matrix: Tensor) -> Tensor:
    """Audio (n,), n a multiple of HOP -> mel power (n / HOP, bands); frame k is centred on sample k * HOP."""
    padded = F.pad(audio, (WINDOW // 2, WINDOW // 2))
    frames = padded.unfold(0, WINDOW, HOP)[: len(audio) // HOP]
    spectrum = torch.fft.rfft(frames * torch.hann_window(WINDOW, device=audio.device), n=FFT)
    return spectrum.abs().square() / FFT @ matrix


def normalise(power: Tensor, span: Tensor, reference: Tensor) -> Tensor:
    """Log-mel features that depend neither on the level nor on the colour of the recording.

    power: (T, bands) mel power; span: (S, bands) mel power of the passage whose loudness counts;
    reference: (bands,) mean of the bands in average speech. Returns (T, bands).
    """
    spoken = _spoken(span)
    loud = _mean_log(spoken)
    mean = _relative_log(spoken, loud).mean(0)
    correction = (mean - reference).clamp(-BAND_RANGE, BAND_RANGE)
    return _relative_log(power, loud) - reference - correction


def loudness(span: Tensor) -> Tensor:
    """Mean log of mel power (S, bands), all bands together, where somebody speaks; a number of one element."""
    return _mean_log(_spoken(span))


def _mean_log(spoken: Tensor) -> Tensor:
    return (spoken.sum(1) + POWER_FLOOR).log().mean().clamp_min(QUIETEST)


def _spoken(span: Tensor) -> Tensor:
    """The frames of mel power (S, bands) that are near its loudest."""
    smooth = _smooth((span.sum(1) + POWER_FLOOR).log(), 5)
    return span[smooth > smooth.max() - ACTIVE_RANGE]


def raised(power: Tensor, span: Tensor) -> Tensor:
    """How far (T,) the log of mel power (T, bands) is raised towards the loudest of `span` (S, bands); pauses are not.

    Who turns away or speaks aside is heard like the rest: the model has learned from clips of one loudness each.
    """
    smooth, around = (_smooth((part.sum(1) + POWER_FLOOR).log(), 5) for part in (power, span))
    loudest = F.max_pool1d(smooth[None], EVEN_REACH, stride=1, padding=EVEN_REACH // 2)[0]
    voiced = (loudest - torch.quantile(around, 0.1) - EVEN_ABOVE).clamp(0, 1)
    return _smooth((around.max() - EVEN_DROP - loudest).clamp(0, EVEN_MOST) * voiced, EVEN_SMOOTH)


def levelled(audio: Tensor, lift: Tensor, loud: Tensor) -> Tensor:
    """Audio (T * HOP,) at the level that `Moonshine` hears: of loudness `loud`, with its log power raised by (T,)."""
    return (audio * ((lift - loud) / 2).exp().mul(LEVEL).repeat_interleave(HOP)).clamp(-1, 1)


def _smooth(values: Tensor, size: int) -> Tensor:
    """Mean over `size` neighbours of (T,), as far as there are any."""
    return F.avg_pool1d(values[None], size, stride=1, padding=size // 2, count_include_pad=False)[0]


def _relative_log(power: Tensor, loudness: Tensor) -> Tensor:
    return (power * (-loudness).exp() + RELATIVE_FLOOR).log()


class ConvBlock(nn.Module):
    """Depthwise convolution over time, norm and a mix of channels, with a skip (ConvNeXt, Liu et al. 2022)."""

    def __init__(self, width: int, kernel: int, expansion: int, dropout: float) -> None:
        super().__init__()
        self.reach = kernel // 2
        self.depthwise = nn.Conv1d(width, width, kernel, groups=width)
        self.norm = nn.LayerNorm(width)
        self.mix = nn.Sequential(nn.Linear(width, expansion * width), nn.GELU(), nn.Linear(expansion * width, width))
        self.dropout = nn.Dropout1d(dropout)  # whole channels: on a processor a mask for every number costs a quarter

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, W) -> (B, T, W)."""
        return self._skip(x, _convolve(self.depthwise, x, self.reach))

    def inner(self, x: Tensor) -> Tensor:
        """(B, T, W) -> (B, T - kernel + 1, W): the frames that see no edge."""
        return self._skip(x[:, self.reach : -self.reach], _convolve(self.depthwise, x, 0))

    def _skip(self, x: Tensor, convolved: Tensor) -> Tensor:
        mixed: Tensor = self.mix(self.norm(convolved))
        return x + self.dropout(mixed.transpose(1, 2)).transpose(1, 2)


def _convolve(convolution: nn.Conv1d, x: Tensor, padding: int) -> Tensor:
    """The convolution of frames (B, T, C) -> (B, T', C') with so many zeros at either end.

    Taken for a picture one row high: torch is twice as quick with channels that lie side by side there.
    """
    row = x.transpose(1, 2).unsqueeze(2)
    weight = convolution.weight.unsqueeze(2)
    stride, groups = (1, convolution.stride[0]), convolution.groups
    y = F.conv2d(row, weight, convolution.bias, stride, (0, padding), groups=groups)
    return y.squeeze(2).transpose(1, 2)


class Tower(nn.Module):
    """Convolutions over log-mels and what `Moonshine` has heard, both ways, at 50 and then at 25 frames a second.

    heard: numbers in Moonshine's features; 0 where log-mels are all there is.
    """

    def __init__(
        self,
        width: int,
        bands: int,
        *,
        heard: int = 0,
        kernel: int = 7,
        blocks_50: int = 6,
        blocks_25: int = 4,
        expansion: int = 2,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.down_50 = nn.Conv1d(bands, width, 4, stride=2)
        self.listen = nn.Sequential(nn.LayerNorm(heard), nn.Linear(heard, width)) if heard else None
        self.blocks_50 = nn.Sequential(*(ConvBlock(width, kernel, expansion, dropout) for _ in range(blocks_50)))
        self.down_25 = nn.Conv1d(width, width, 4, stride=2)
        self.blocks_25 = nn.Sequential(*(ConvBlock(width, kernel, expansion, dropout) for _ in range(blocks_25)))
        self.norm = nn.LayerNorm(width)
        self.context = tower_context(kernel, blocks_50, blocks_25)

    def phone_features(self, mels: Tensor, heard: Tensor | None = None) -> Tensor:
        """Normalised log-mels (B, T, bands) at 100 Hz, heard (B, T / 2, H) -> features (B, T / 2, width) at 50 Hz."""
        out: Tensor = self.blocks_50(self._join(_convolve(self.down_50, mels, 1), heard))
        return out

    def frame_features(self, phone_features: Tensor) -> Tensor:
        """(B, T, width) at 50 Hz -> features (B, T / 2, width) at 25 Hz."""
        out: Tensor = self.norm(self.blocks_25(_convolve(self.down_25, phone_features, 1)))
        return out

    def inner(self, mels: Tensor, heard: Tensor | None = None) -> Tensor:
        """Log-mels (B, T + 2 context, bands), heard (B, T / 2 + context - 1, H) -> features (B, T / 4, width).

        The same numbers as both of the above give for the T in between, without computing frames at the edges that
        nothing needs.
        """
        x = self._join(_convolve(self.down_50, mels, 0), heard)
        for block in self.blocks_50:
            x = cast(ConvBlock, block).inner(x)
        x = _convolve(self.down_25, x, 0)
        for block in self.blocks_25:
            x = cast(ConvBlock, block).inner(x)
        out: Tensor = self.norm(x)
        return out

    def _join(self, halved: Tensor, heard: Tensor | None) -> Tensor:
        return F.gelu(halved if self.listen is None else halved + self.listen(heard))


class LogMelEncoder(nn.Module):
    """16 kHz audio -> features at 25 frames a second. It sees `context` frames at 100 Hz to either side of a window.

    moonshine_layers: how many layers of Moonshine's encoder listen along; 0 for log-mels alone.
    """

    memory_windows = LOUDNESS_SPAN

    mel: Tensor
    band_reference: Tensor

    def __init__(
        self,
        width: int = 256,
        *,
        bands: int = 64,
        moonshine_layers: int = 0,
        moonshine_width: int = 288,
        **sizes: Any,  # noqa: ANN401 (those of Tower)
    ) -> None:
        super().__init__()
        self.width = width
        self.register_buffer("mel", torch.from_numpy(mel_matrix(bands)), persistent=False)
        self.register_buffer("band_reference", torch.full((bands,), -6.0))
        self.moonshine = Moonshine(moonshine_layers, moonshine_width) if moonshine_layers else None
        heard = moonshine_width if moonshine_layers else 0
        self.tower = Tower(width, bands, heard=heard, **sizes)
        self.context = self.tower.context
        self.mix = nn.Linear(width, width)

    def forward(self, mels: Tensor, heard: Tensor | None = None) -> Tensor:
        """Log-mels and what is heard, as `Tower.inner` takes them -> features (B, T / 4, width)."""
        out: Tensor = self.mix(self.tower.inner(mels, heard))
        return out

    def encode_clip(self, audio: Tensor, window: int, first: int = 0) -> Iterator[Tensor]:
        """Audio (n,) of whole windows of `window` samples -> features (T, width) of each, from window `first` on.

        Memory is flat: of a long clip only the windows that a window's loudness is taken from are held at a time.
        """
        count = len(audio) // window
        silence = audio.new_zeros(self.context, self.mel.shape[1])
        powers: dict[int, Tensor] = {}
        for index in range(first, count):
            near = range(max(0, index - LOUDNESS_SPAN), min(count, index + LOUDNESS_SPAN + 1))
            powers = {i: powers[i] if i in powers else self._window_power(audio, i, window) for i in near}
            before = powers[index - 1][-self.context :] if index > 0 else silence
            after = powers[index + 1][: self.context] if index + 1 < count else silence
            power = torch.cat([before, powers[index], after])
            span = torch.cat([powers[i] for i in near])
            lift = raised(power, span)
            mels = normalise(power * lift.exp()[:, None], span, self.band_reference)
            heard = None
            if self.moonshine is not None:
                reach = HOP * (self.context - 1)
                around = excerpt(audio, index * window - reach, (index + 1) * window + reach)
                heard = self.moonshine.hear(levelled(around, lift[1:-1], loudness(span)))[None]
            yield self(mels[None], heard)[0]

    def _window_power(self, audio: Tensor, index: int, window: int) -> Tensor:
        """Mel power of one window, whose first and last frames look into the neighbours."""
        margin = HOP * math.ceil(WINDOW / 2 / HOP)
        piece = excerpt(audio, index * window - margin, (index + 1) * window + margin)
        first = margin // HOP
        return mel_power(piece, self.mel)[first : first + window // HOP]


def excerpt(audio: Tensor, start: int, end: int) -> Tensor:
    """Samples `start` to `end` of audio (n,), with silence where they lie outside."""
    return F.pad(audio[max(0, start) : end], (max(0, -start), max(0, end - len(audio))))

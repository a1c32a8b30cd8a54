# SPDX-License-Identifier: GPL-3.0-or-later
"""Speech encoders: windows of 16 kHz audio to features."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from ..resample import resample
from .config import SAMPLE_RATE, AudioEncoderConfig

XLS_R_300M: dict[str, Any] = {
    "hidden_size": 1024,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "intermediate_size": 4096,
    "conv_dim": [512] * 7,
    "conv_bias": True,
    "do_stable_layer_norm": True,
    "feat_extract_norm": "layer",
    "mask_time_prob": 0.075,
}
"""What the wav2vec 2.0 XLS-R 300M layout differs in from the defaults of `transformers`."""


class AudioEncoder(Protocol):
    """What a pipeline asks of a speech encoder, which is a torch module besides."""

    width: int
    """Numbers in one feature."""
    memory_windows: int
    """How many earlier windows a live stream has to keep for it; 0 when it sees each window alone."""

    def encode_clip(self, audio: Tensor, window: int, first: int = 0) -> Iterable[Tensor]:
        """Audio (n,) of whole windows of `window` samples -> features (T, width) of each window in turn.

        first: the number of the window to begin with; those before it are only looked back upon. An encoder may look
        across the borders of windows, but works through a clip of any length in flat memory.
        """
        ...


class WindowEncoder(nn.Module):
    """Base of the published encoders, which see each window alone."""

    memory_windows = 0

    def encode_clip(self, audio: Tensor, window: int, first: int = 0) -> Iterator[Tensor]:
        """See `AudioEncoder.encode_clip`."""
        for start in range(first * window, len(audio), window):
            yield self(audio[None, start : start + window])[0]


class Wav2Vec2Encoder(WindowEncoder):
    """The layout of wav2vec 2.0 XLS-R (Babu et al. 2021); `options` are those of transformers' Wav2Vec2Config."""

    published_prefix = ""
    renamed: Mapping[str, str] = {}

    def __init__(self, width: int = 1024, **options: Any) -> None:  # noqa: ANN401 (transformers checks them)
        from transformers import Wav2Vec2Config, Wav2Vec2Model

        super().__init__()
        self.width = width
        self.model: Any = Wav2Vec2Model(Wav2Vec2Config(**{**XLS_R_300M, "hidden_size": width, **options}))

    def forward(self, audio: Tensor) -> Tensor:
        """Windows (B, n) -> (B, T, width), each window normalised by itself; silence stays zero."""
        centred = audio - audio.mean(-1, keepdim=True)
        features: Tensor = self.model(centred / (audio.std(-1, keepdim=True) + 1e-6)).last_hidden_state
        return features


class MimiEncoder(WindowEncoder):
    """Kyutai's mimi (Défossez et al. 2024): 24 kHz audio -> 32 codebooks at 12.5 Hz -> their summed vectors."""

    published_prefix = "acoustic_model."
    renamed: Mapping[str, str] = {
        "encoder.encoder_seanet.": "encoder.",
        "encoder.encoder_transformer.": "encoder_transformer.",
        "encoder.downsample.": "downsample.",
        "decoder.decoder_seanet.": "decoder.",
        "decoder.decoder_transformer.": "decoder_transformer.",
        "decoder.upsample.": "upsample.",
    }
    """Names of transformers 5 -> names of transformers 4.45, which the published state dict uses."""

    def __init__(self, width: int = 512, **options: Any) -> None:  # noqa: ANN401 (transformers checks them)
        from transformers import MimiConfig, MimiModel

        super().__init__()
        self.width = width
        self.model: Any = MimiModel(MimiConfig(hidden_size=width, **options))

    def codes(self, audio: Tensor) -> Tensor:
        """Windows (B, n) at 16 kHz -> codebook entries (B, 32, T)."""
        rate = self.model.config.sampling_rate
        resampled = torch.stack([torch.from_numpy(resample(x.cpu().numpy(), SAMPLE_RATE, rate)) for x in audio])
        codes: Tensor = self.model.encode(resampled[:, None].to(audio.device)).audio_codes
        return codes

    def forward(self, audio: Tensor) -> Tensor:
        """Windows (B, n) -> (B, T, width)."""
        features: Tensor = self.model.quantizer.decode(self.codes(audio))
        return features.transpose(1, 2)


def build_audio_encoder(config: AudioEncoderConfig) -> nn.Module:
    """The encoder a config asks for, untrained; it fulfils `AudioEncoder`."""
    if config.kind == "wav2vec2":
        return Wav2Vec2Encoder(config.width, **config.options)
    if config.kind == "mimi":
        return MimiEncoder(config.width, **config.options)
    from .log_mel import LogMelEncoder

    return LogMelEncoder(config.width, **config.options)

# SPDX-License-Identifier: GPL-3.0-or-later
"""A model of ours on numpy: what `core.artalk.windows.SpeechPipeline` asks of an engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..artalk.files import check_basis, file_hash, read_config, unnamed
from ..artalk.windows import SpeechPipeline
from ..errors import InputError
from .encoder import LogMelEncoder
from .model import NumpyModel
from .weights import Array, Weights, read_safetensors


def load_pipeline(path: Path, variant: str) -> NumpyPipeline:
    """A model from a `.safetensors` of ours, ready to speak; variant: its name in the registry.

    Raises InputError when the file cannot be read, is not that model, or needs torch.
    """
    arrays, metadata = read_safetensors(path)
    config = read_config(metadata, path)
    check_basis(config, path, variant)
    if config.audio.kind != "log_mel":
        raise InputError(
            f"'{path.name}' hears through '{config.audio.kind}', which needs torch: choose the engine torch, "
            "or a model trained with the log-mel encoder."
        )
    weights = Weights(path.name, arrays)
    try:
        model = NumpyModel(weights, config)
    except (TypeError, ValueError, AttributeError, ArithmeticError):
        raise unnamed(path) from None
    weights.finish()
    return NumpyPipeline(model, {"model": variant, "weights_sha256": file_hash(path)})


class NumpyPipeline(SpeechPipeline):
    """A loaded model on numpy."""

    memory_windows = LogMelEncoder.memory_windows

    def __init__(self, model: NumpyModel, meta: dict[str, Any] | None = None) -> None:
        super().__init__(model.config, meta)
        self.model = model

    def embed_style(self, values: Array | None, guidance: float | None = None) -> Array:
        """See `SpeechPipeline.embed_style`."""
        return self.model.style_token(values, guidance)

    def features(self, audio: Array, first: int = 0) -> Iterator[Array]:
        """See `SpeechPipeline.features`."""
        return self.model.encoder.encode_clip(audio, self.config.window_samples, first)

    def begin(
        self,
        style_token: Array,
        before: Array | None = None,
        seed: int = 0,  # noqa: ARG002 (the likelier bit is taken)
    ) -> WindowLoop:
        """See `SpeechPipeline.begin`."""
        loop = WindowLoop(self.model, style_token)
        if before is not None:
            loop.history = self.model.remember(before, style_token)
        return loop


class WindowLoop:
    """Windows one after another, each knowing the one before."""

    def __init__(self, model: NumpyModel, style_token: Array) -> None:
        self.model = model
        self.history = model.rest(style_token)

    def next(self, features: Array, style_token: Array) -> Array:
        """Audio features (T, A) of the next window -> its motion (frames, C)."""
        _, motion = self.model.generate_window(features, style_token, self.history)
        self.history = self.model.remember(motion, style_token)
        return motion

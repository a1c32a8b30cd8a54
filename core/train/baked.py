# SPDX-License-Identifier: GPL-3.0-or-later
"""Training data as they lie in files: what is heard of a corpus, what should be, and what to make of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..whole_files import write_whole

BANDS = 64
"""Of log-mels."""
BAND_REFERENCE = -6.0
"""Mean of each band in average speech."""
FRAME_SAMPLES = 640
"""Samples in a frame at 25 Hz."""
LOUDEST = 32767
"""What a sample of 1 is stored as."""
PROCESSOR = torch.device("cpu")
Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Baked:
    """Training data of many clips, end to end.

    mels: (4 T, bands) float16 normalised log-mels at 100 Hz; audio: (640 T,) int16 sound as Moonshine is given it;
    clear: (2 T, H) float16 features at 50 Hz of what Moonshine would hear without room, noise and line;
    phones: (2 T,) uint8 articulation classes at 50 Hz; signals: (T, 12) float16 teacher signals at 25 Hz;
    starts: first frame at 25 Hz of each clip.
    """

    mels: NDArray[np.float16]
    audio: NDArray[np.int16]
    clear: NDArray[np.float16]
    phones: NDArray[np.uint8]
    signals: NDArray[np.float16]
    starts: NDArray[np.int64]

    @classmethod
    def join(cls, parts: list[Baked]) -> Baked:
        """Several of them as one."""
        offsets = np.cumsum([0] + [len(part.signals) for part in parts[:-1]])
        return cls(
            np.concatenate([part.mels for part in parts]),
            np.concatenate([part.audio for part in parts]),
            np.concatenate([part.clear for part in parts]),
            np.concatenate([part.phones for part in parts]),
            np.concatenate([part.signals for part in parts]),
            np.concatenate([part.starts + offset for part, offset in zip(parts, offsets, strict=True)]),
        )

    def listened_to(self) -> Baked:
        """The same without what nothing needs after it has been listened to."""
        return replace(self, audio=np.zeros(0, np.int16), clear=np.zeros((0, 0), np.float16))


def read_baked(paths: list[Path]) -> Baked:
    """Baked files as one set in memory."""
    return Baked.join([Baked(**_read_arrays(path)) for path in paths])


def cut(values: NDArray[Any], starts: NDArray[np.int64], frames: int, per_frame: int = 1) -> NDArray[Any]:
    """Passages (B, per_frame * frames, ...) of `frames` frames at 25 Hz that begin at the frames `starts` (B,)."""
    return np.stack([values[per_frame * first : per_frame * (first + frames)] for first in starts])


def weights_hash(state: Mapping[str, Tensor], rule: str = "") -> str:
    """Twelve digits that are others when the weights of a state dict are, or the rule by which they are used."""
    weights = b"".join(tensor.cpu().numpy().tobytes() for tensor in state.values())
    return sha256(weights + rule.encode()).hexdigest()[:12]


def remembered(path: Path, make: Callable[[], Arrays]) -> Arrays:
    """What `make` gives, from the file where an earlier call left it."""
    if path.is_file():
        return _read_arrays(path)
    arrays = make()
    write_arrays(path, arrays)
    return arrays


def _read_arrays(path: Path) -> Arrays:
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def write_arrays(path: Path, arrays: Arrays) -> None:
    """Write an .npz, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, lambda partial: np.savez(partial, **arrays))

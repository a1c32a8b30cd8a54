# SPDX-License-Identifier: GPL-3.0-or-later
"""What a model has to beat: the jaw that flaps with the loudness, which many tools ship."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..audio import RATE
from ..basis import ARKIT
from ..models import Cancel, Progress
from ..motion import Motion

_JAW_FULL = 0.45
"""`jawOpen` of a wide open [ɑ]."""


class EnergyFlap:
    """Jaw by loudness: 0 at 35 dB under the loudest frame (at least -55 dBFS), full 30 dB above that."""

    basis = ARKIT
    fps = 25.0

    def generate(
        self,
        audio: NDArray[np.float32],
        *,
        style: Motion | None = None,  # noqa: ARG002 - the baseline knows no styles
        seed: int = 0,  # noqa: ARG002 - and no chance
        progress: Progress | None = None,
        cancel: Cancel | None = None,  # noqa: ARG002 - it is done at once
    ) -> Motion:
        """Audio (n,) at 16 kHz -> motion in which only `jawOpen` moves."""
        hop = int(RATE / self.fps)
        frames = np.pad(audio, (0, -len(audio) % hop)).reshape(-1, hop)
        level = 10 * np.log10(np.maximum(np.square(frames, dtype=np.float64).mean(axis=1), 1e-12))
        opening = np.clip((level - max(level.max() - 35, -55)) / 30, 0, 1)
        values = np.zeros((len(frames), len(ARKIT)), np.float32)
        values[:, ARKIT.index("jawOpen")] = _JAW_FULL * opening
        if progress:
            progress(1.0)
        return Motion(values, ARKIT, self.fps)

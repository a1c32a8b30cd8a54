# SPDX-License-Identifier: GPL-3.0-or-later
"""The speech that the benchmarks animate: the recordings of the demo, over and over."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..core.audio import RATE, read

FOLDER = Path(__file__).resolve().parent.parent / "demo" / "speech"


@cache
def _recordings() -> NDArray[np.float32]:
    return np.concatenate([read(path) for path in sorted(FOLDER.glob("*.flac"))])


def speech(seconds: float, start: float = 0.0) -> NDArray[np.float32]:
    """So many seconds at 16 kHz, from second `start` of the endless repetition."""
    once = _recordings()
    return once[np.arange(round(start * RATE), round((start + seconds) * RATE)) % len(once)]

# SPDX-License-Identifier: GPL-3.0-or-later
"""What many tests share: a voice made of arithmetic, and the recordings beside the project."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def sentence() -> Path:
    """A human recording that ships with the project."""
    return ROOT / "demo" / "speech" / "austen_0930.flac"


@pytest.fixture(scope="session")
def voice() -> np.ndarray:
    """3 s at 16 kHz: 1 s of buzz, .6 s of silence, 1 s of buzz, .4 s of silence."""
    seconds = np.arange(3 * 16000) / 16000
    buzz = 0.2 * np.sin(2 * np.pi * 140 * seconds) + 0.1 * np.sin(2 * np.pi * 700 * seconds)
    spoken = ((seconds < 1) | ((seconds >= 1.6) & (seconds < 2.6))).astype(float)
    return (buzz * spoken).astype(np.float32)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The development recordings and the real head; tests that need them are skipped where they are absent."""
    folder = ROOT.parent / "shared"
    if not (folder / "speech" / "eval" / "labels.json").is_file():
        pytest.skip("the development recordings are not on this machine")
    return folder

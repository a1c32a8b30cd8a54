# SPDX-License-Identifier: GPL-3.0-or-later
"""The numbers of the listening part of the speech encoder (`moonshine`) that every engine shares; without torch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

HEARD_STEP = 320
"""Samples from one feature to the next, 50 a second."""
FRAME_STEP, FRAME_CENTRE = 384, 447
"""Samples from one of Moonshine's own frames to the next, and to the centre of the first (strides of 64, 3 and 2; half
of what kernels of 127, 7 and 3 see)."""
CONV_TAPS, CONV_STEPS = (127, 7, 3), (64, 3, 2)
HEADS, FFN_RATIO = 8, 4
ROTARY_BASE, ROTARY_SHARE = 10000.0, 0.9
"""First against last turn of a pair, and the share of a head's numbers that are turned."""
LEVEL = 0.32
"""Amplitude for a loudness of 1 (`log_mel.normalise`), which brings speech to about -21 dBFS."""
LEAST_SAMPLES = 1600
"""What is listened to at least: Moonshine needs 1279 samples for two frames."""


def sounding(audio: NDArray[np.float32]) -> tuple[int, int]:
    """First and last but one sample of audio (n,) without the digital silence at either end, in whole HEARD_STEP.

    Moonshine normalises what it hears by its loudness: empty space that a window is filled up with would make the rest
    louder.
    """
    (places,) = np.nonzero(audio)
    if len(places) == 0:
        return 0, 0
    return int(places[0]) // HEARD_STEP * HEARD_STEP, -(-(int(places[-1]) + 1) // HEARD_STEP) * HEARD_STEP


def between_frames(features: int, frames: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Where features at 50 Hz lie between Moonshine's own frames, which are fewer.

    Returns the frame to the left of each, at most the last but one, and the share (0 to 1) of the frame after it.
    """
    centres = (np.arange(features) + 0.5) * HEARD_STEP
    place = np.clip((centres - FRAME_CENTRE) / FRAME_STEP, 0, frames - 1)
    left = np.minimum(place.astype(np.int64), frames - 2)
    return left, (place - left).astype(np.float32)

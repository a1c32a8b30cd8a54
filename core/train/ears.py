# SPDX-License-Identifier: GPL-3.0-or-later
"""How Moonshine listens to a clip in training: window by window, as in the model when it speaks."""

from __future__ import annotations

import torch
from torch import Tensor

from ..artalk.listening import HEARD_STEP
from ..artalk.log_mel import excerpt
from ..artalk.moonshine import Moonshine

MOONSHINE_LAYERS = 4
"""How many layers of Moonshine are listened to: from the fourth, phones of people are read best."""
WINDOW, BEYOND = 64000, 6080
"""Samples that are heard at a time, and what is heard of their neighbours."""
MARGIN = BEYOND // HEARD_STEP
"""The same in features."""


@torch.inference_mode()
def hear(listener: Moonshine, audio: Tensor) -> Tensor:
    """Levelled audio (n,) -> features (n / HEARD_STEP, H)."""
    windows = [excerpt(audio, start - BEYOND, start + WINDOW + BEYOND) for start in range(0, len(audio), WINDOW)]
    return torch.cat([listener.hear(window)[MARGIN:-MARGIN] for window in windows])[: len(audio) // HEARD_STEP]

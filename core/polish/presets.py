# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of the layers to begin with: what differs from the defaults of `core.generate.Options`."""

from __future__ import annotations

PRESETS: dict[str, dict[str, float]] = {
    "Natural": {},
    "Calm": {"jaw": 0.9, "lips": 0.9, "brows": 0.6, "head": 0.6, "blinks": 1.0, "smoothing": 0.15},
    "Lively": {"jaw": 1.1, "lips": 1.15, "brows": 1.4, "head": 1.4},
    "On stage": {"jaw": 1.35, "lips": 1.35, "brows": 1.7, "head": 1.6},
    "Mumbling": {"jaw": 0.55, "lips": 0.65, "brows": 0.8, "head": 0.8, "smoothing": 0.3},
    "Mouth only": {"brows": 0.0, "head": 0.0, "eyes": 0.0, "blinks": 0.0, "gaze": 0.0, "breath": 0.0},
}
"""By the name that the panel shows."""

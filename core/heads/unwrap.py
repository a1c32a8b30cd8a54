# SPDX-License-Identifier: GPL-3.0-or-later
"""Texture coordinates: each part in its own box, skin and hair rolled off a cylinder, the rest from the front.

The skin folds over itself behind the ears and under the lids; everything that a painter sees lies free.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .assembly import Assembly
from .form import Array
from .surfaces import Surface
from .topology import AXIS_Z


@dataclass(frozen=True)
class Box:
    """Where a part lies in the texture: left, bottom, width, height."""

    left: float
    bottom: float
    width: float
    height: float
    rolled: bool = False


INSIDE_OF_MOUTH = "mouth"
BOXES = {
    "skin": Box(0, 0.3, 1, 0.7, rolled=True),
    "hair": Box(0, 0, 0.5, 0.29, rolled=True),
    INSIDE_OF_MOUTH: Box(0.51, 0.15, 0.15, 0.14),
    "tongue": Box(0.51, 0, 0.15, 0.14),
    "upper_teeth": Box(0.67, 0.15, 0.1, 0.07),
    "lower_teeth": Box(0.67, 0, 0.1, 0.07),
    "upper_gum": Box(0.67, 0.22, 0.1, 0.07),
    "lower_gum": Box(0.67, 0.07, 0.1, 0.07),
    "eye_left": Box(0.78, 0.15, 0.1, 0.14),
    "eye_right": Box(0.89, 0.15, 0.1, 0.14),
    "caruncle_left": Box(0.78, 0.06, 0.1, 0.05),
    "caruncle_right": Box(0.89, 0.06, 0.1, 0.05),
    "brow_left": Box(0.78, 0, 0.1, 0.05),
    "brow_right": Box(0.89, 0, 0.1, 0.05),
}


def unwrap(assembly: Assembly) -> NDArray[np.float32]:
    """(F, 4, 2) coordinates 0..1 of each face's corners; 0 for the missing corner of a triangle."""
    out = np.zeros((*assembly.faces.shape, 2), np.float32)
    corners = assembly.points[assembly.faces]
    first = assembly.faces[:, 0]
    for name, box in BOXES.items():
        start, stop = assembly.spans["skin" if name == INSIDE_OF_MOUTH else name]
        chosen = (start <= first) & (first < stop)
        if name in ("skin", INSIDE_OF_MOUTH):
            chosen &= (assembly.surfaces == Surface.MOUTH) == (name == INSIDE_OF_MOUTH)
        flat = _rolled(corners[chosen]) if box.rolled else corners[chosen][..., :2]
        real = assembly.faces[chosen] >= 0
        low, high = flat[real].min(0), flat[real].max(0)
        placed = (flat - low) / (high - low) * [box.width, box.height] + [box.left, box.bottom]
        out[chosen] = np.where(real[..., None], placed, 0)
    return out


def _rolled(corners: Array) -> Array:
    """(N, 4, 2) azimuth and height; the seam is at the back, and no face is torn by it."""
    azimuth = np.arctan2(corners[..., 0], corners[..., 2] - AXIS_Z)
    centre = corners.mean(axis=1)
    middle = np.arctan2(centre[:, 0], centre[:, 2] - AXIS_Z)[:, None]
    azimuth = middle + (azimuth - middle + np.pi) % (2 * np.pi) - np.pi
    return np.stack([azimuth, corners[..., 1]], axis=-1)

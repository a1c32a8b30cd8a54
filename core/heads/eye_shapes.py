# SPDX-License-Identifier: GPL-3.0-or-later
"""The shapes of the eyes: lids that slide on the eyeball, and eyeballs that turn.

The gaze shapes turn the eyeball too, as their names say; the eye bones do the same, so only one of the two is driven.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from . import lids
from .fields import Fields
from .form import EYE_CENTRE, Array

CLOSING = 0.22  # where the lids meet, from the lower margin to the upper one
BLINK_LIFT = 0.9  # mm that the closed upper lid rises; half closed, the chord of its way takes as much off again
OVERLAP = 0.8  # degrees that the upper lid closes beyond the lower one
MARGIN = next(lid for lid in lids.LIDS if lid.ring == lids.MARGIN)
FACING = (lids.STATIONS - np.arange(lids.STATIONS)) % lids.STATIONS


def shapes(fields: Fields) -> dict[str, Array]:
    """Every eye shape as a (V, 3) field in mm."""
    margin = lids.latitude(MARGIN.upper, MARGIN.lower)
    upper = np.where(lids.SIDE > 0, margin, margin[FACING])
    lower = np.where(lids.SIDE < 0, margin, margin[FACING])
    opening = upper - lower
    open_share = opening / opening.max()  # 0 in the corners
    meeting = lower + CLOSING * opening
    close_upper = np.where(opening > 0, meeting - OVERLAP - upper, 0)

    def lid_field(up: ArrayLike, down: ArrayLike, lift: float = 0.35) -> Array:
        return fields.whole(fields.lid_field(up, down, lift))

    soft, softer = open_share**0.5, open_share**0.7
    left = {
        "eyeBlink": lid_field(close_upper, meeting - lower, BLINK_LIFT),
        "eyeLookDown": lid_field(-17 * soft, -4.5 * soft) + _turned_eye(fields, 0, -22),
        "eyeLookUp": lid_field(8 * soft, 1.5 * open_share) + _turned_eye(fields, 0, 20),
        "eyeLookOut": lid_field(0.5 * open_share, 0) + _turned_eye(fields, 26, 0),
        "eyeLookIn": lid_field(0.5 * open_share, 0) + _turned_eye(fields, -26, 0),
        "eyeSquint": lid_field(-4 * softer, 8 * softer)
        + fields.whole(fields.push((34, 18, 90), (14, 7, 12), (0, 2.2, 0.8))),
        "eyeWide": lid_field(7.5 * soft, -3.5 * open_share**0.6)
        + fields.whole(fields.push((34, 58, 92), (16, 8, 14), (0, 1.5, 0))),
    }
    right = {f"{name}Right": fields.mirrored(field) for name, field in left.items()}
    return {f"{name}Left": field for name, field in left.items()} | right


def cheek_squint_lids(fields: Fields) -> Array:
    """Skin field of the left lids when the cheek rises."""
    margin = lids.latitude(MARGIN.upper, MARGIN.lower)
    opening = np.abs(margin - margin[FACING])
    share = (opening / opening.max()) ** 0.7
    return fields.lid_field(-1.5 * share, 7 * share)


def _turned_eye(fields: Fields, left: float, up: float) -> Array:
    """(V, 3) field of the left eyeball turned by degrees."""
    span = fields.assembly.span("eye_left")
    offset = fields.assembly.points[span] - EYE_CENTRE
    yaw, pitch = np.radians(left), np.radians(up)
    about_x = np.array([[1, 0, 0], [0, np.cos(pitch), np.sin(pitch)], [0, -np.sin(pitch), np.cos(pitch)]])
    about_y = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    out = np.zeros_like(fields.assembly.points)
    out[span] = offset @ about_x.T @ about_y.T - offset
    return out

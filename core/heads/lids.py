# SPDX-License-Identifier: GPL-3.0-or-later
"""The eyelids: rings of 24 vertices about the eyeball's centre, from behind the lid over its margin to the socket.

A ring's vertex has a station: 0 in the inner corner, 1-11 along the upper lid, 12 in the outer corner, 13-23 back
along the lower lid; stations k and 24 - k face each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import form
from .form import EYE_CENTRE, EYE_RADIUS, Array
from .layout import Layout, Ring, Skin, spread
from .surfaces import Surface

STATIONS = 24
PLACE = np.concatenate([spread(13), spread(13)[1:-1][::-1]])  # -1 inner corner, 1 outer corner
SIDE = np.concatenate([np.zeros(1), np.ones(11), np.zeros(1), -np.ones(11)])  # 1 upper lid, 0 corner, -1 lower lid
INNER_CORNER, OUTER_CORNER = -51.0, 55.0  # longitude, degrees
HUGGING = 0.75  # mm from the inside of the lids' corners to the eyeball


@dataclass(frozen=True)
class Lid:
    """One ring: degrees wider than the corners, latitudes in the middle, mm over the eyeball, and how far it follows
    the margin when the lid closes (0..1)."""

    ring: str
    wider: float
    upper: float
    lower: float
    upper_rise: float
    lower_rise: float
    follows: float


LIDS = (
    Lid("lid_inner2", 9, 33, 31, 1.3, 1.3, 0.9),
    Lid("lid_inner1", 2.5, 23, 21.5, 1.4, 1.3, 1.0),
    Lid("lid_edge0", 0, 20, 17.5, 1.5, 1.4, 1.0),
    Lid("lid_edge1", 0.8, 19.4, 17.8, 2.6, 2.2, 1.0),
    Lid("lid1", 2.4, 22.2, 19.8, 3.0, 2.6, 0.92),
    Lid("lid2", 5, 27.8, 24.4, 3.0, 2.6, 0.72),
    Lid("lid3", 7.5, 34, 31, 2.7, 2.4, 0.46),
    Lid("lid_crease", 9.5, 38.5, 37, 1.9, 2.9, 0.20),
    Lid("lid_fold", 12, 43, 43.5, 3.4, 4.0, 0.07),
)
AROUND = ("eye_skin0", "eye_skin1")
AROUND_SHARE = (0.35, 0.68)  # of the way from the fold to the hole's edge
FOLLOWS = {lid.ring: lid.follows for lid in LIDS} | {"eye_skin0": 0.02}
MARGIN = "lid_edge0"
RINGS = (*(lid.ring for lid in LIDS), *AROUND)


def latitude(upper: float, lower: float) -> Array:
    """(24,) degrees about the eyeball's centre of a lid curve with the given heights in the middle."""
    corner = np.interp(PLACE, [-1, 1], [-4.5, 3.5])
    tilt = 1 - PLACE**2
    upper_arch = np.clip(1 - np.abs(PLACE + 0.06 * tilt) ** 2.1, 0, 1) ** 0.78
    lower_arch = np.clip(1 - np.abs(PLACE - 0.10 * tilt) ** 2.3, 0, 1) ** 0.85
    return np.asarray(corner + np.where(SIDE > 0, upper * upper_arch, np.where(SIDE < 0, -lower * lower_arch, 0)))


def on_sphere(longitudes: ArrayLike, latitudes: ArrayLike, radii: ArrayLike) -> Array:
    """(N, 3) points about the left eyeball's centre; degrees, mm; longitude grows to the character's left."""
    lon, lat = np.radians(longitudes), np.radians(latitudes)
    unit = np.column_stack([np.sin(lon) * np.cos(lat), np.sin(lat), np.cos(lon) * np.cos(lat)])
    return np.asarray(EYE_CENTRE + unit * np.asarray(radii)[:, None])


def build(layout: Layout, edge: Ring) -> list[Ring]:
    """Lay lids into the hole whose edge (24 vertices from the inner upper corner) is given; rings from inside out."""
    edge = edge[-3:] + edge[:-3]  # to start in the middle of the inner side, at the corner of the eye
    rings = [_ring(layout, lid) for lid in LIDS]
    fold, rim = layout.at(rings[-1]), layout.at(edge)
    for name, share in zip(AROUND, AROUND_SHARE, strict=True):
        points = fold * (1 - share) + rim * share
        points[:, 2] += (form.front(points[:, :2])[:, 2] - points[:, 2]) * share
        rings.append(layout.ring(points, name))
    rings.append(edge)
    for i, (inner, outer) in enumerate(pairwise(rings)):
        for k in range(STATIONS):
            following = (k + 1) % STATIONS
            lash = i in (2, 3) and 1 <= k < STATIONS // 2  # a dark upper margin draws the lash line
            corners = (inner[k], outer[k], outer[following], inner[following])
            layout.quad(corners, Surface.LASH if lash else Surface.SKIN)
    return rings


def _ring(layout: Layout, lid: Lid) -> Ring:
    longitude = np.where(PLACE < 0, -(INNER_CORNER - lid.wider) * PLACE, (OUTER_CORNER + lid.wider) * PLACE)
    rise = np.where(SIDE > 0, lid.upper_rise, lid.lower_rise)
    rise = np.where(SIDE == 0, (lid.upper_rise + lid.lower_rise) / 2, rise)
    if lid.ring.startswith("lid_inner"):
        # the corners, which hardly move, lie on the eyeball: nobody shall look in beside it
        rise = HUGGING + (rise - HUGGING) * (1 - PLACE**2)
    return layout.ring(on_sphere(longitude, latitude(lid.upper, lid.lower), EYE_RADIUS + rise), lid.ring)


def pairs(skin: Skin, side: int) -> NDArray[np.int32]:
    """(11, 2) upper and lower vertices of the margins that face each other, inner to outer corner."""
    chosen = np.flatnonzero(skin.named(MARGIN) & (skin.side == side))
    at = {int(skin.stations[i]): int(i) for i in chosen}
    return np.array([(at[k], at[STATIONS - k]) for k in range(1, STATIONS // 2)], np.int32)

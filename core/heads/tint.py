# SPDX-License-Identifier: GPL-3.0-or-later
"""Colour by vertex: warmer cheeks, nose, ears, lids and chin; the eye; the dark inside of the mouth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import lips, topology
from .assembly import Assembly
from .form import EYE_CENTRE, Array, Triple
from .parts import EYE_AROUND


@dataclass(frozen=True)
class Blush:
    """A soft warm spot on both sides, mm."""

    strength: float
    centre: Triple
    reach: Triple


BLUSHES = (
    Blush(0.85, (42, 2, 80), (15, 12, 25)),
    Blush(0.6, (0, 2, 122), (9, 8, 14)),
    Blush(0.8, (84, 26, -6), (10, 16, 22)),
    Blush(0.15, (34, 36, 92), (20, 16, 14)),
    Blush(0.3, (0, -64, 104), (16, 9, 20)),
)
ABSORBED = np.array([0.03, 0.19, 0.19])  # of red, green, blue where the blush is full


IRIS_START, IRIS_STOP = 11.6, 24.0  # degrees from the pupil's centre
INNER_IRIS, OUTER_IRIS, STREAK, LOWER_IRIS = 0.75, 1.35, 0.13, 0.45
LIGHT_UNTIL, DARKENING, DEEPEST = 100.0, 45.0, 0.12  # z and mm into the mouth; share of light left there
IN_THE_NOSE = 0.3  # share of light left
SCLERA_EDGE = np.array([0.95, 0.80, 0.76])  # of red, green, blue, far from the iris


def tint(assembly: Assembly) -> NDArray[np.float32]:
    """(V, 3) linear colour to multiply into each surface's; 1 where nothing changes."""
    out = np.ones((len(assembly.points), 3), np.float32)
    skin = assembly.span("skin")
    out[skin] -= _blush(assembly.points[skin])
    inside = np.flatnonzero(assembly.skin.named(*lips.INSIDE))
    out[inside] = _depth(assembly.points[inside, 2])[:, None]
    out[np.flatnonzero(assembly.skin.named(topology.INSIDE_NOSE))] = IN_THE_NOSE
    for side, mirrored in (("left", 1), ("right", -1)):
        eye = assembly.span(f"eye_{side}")
        out[eye] = _eye(assembly.points[eye] - EYE_CENTRE * [mirrored, 1, 1])
    return out


def _blush(points: Array) -> Array:
    """(N, 3) what the blood under the skin absorbs."""
    folded = np.abs(points * [1, 0, 0]) + points * [0, 1, 1]
    warmth = np.zeros(len(points))
    for blush in BLUSHES:
        warmth += blush.strength * np.exp(-0.5 * (((folded - blush.centre) / blush.reach) ** 2).sum(1))
    return np.outer(np.clip(warmth, 0, 1), ABSORBED)


def _eye(offset: Array) -> Array:
    """(N, 3) of an eyeball: an iris that is lighter outside and below, streaked; a white that reddens away from it."""
    x, y, z = offset.T / np.linalg.norm(offset, axis=1)
    angle, turn = np.degrees(np.arccos(z)), np.arctan2(y, x)
    iris = np.interp(angle, [IRIS_START, IRIS_STOP], [INNER_IRIS, OUTER_IRIS])
    iris += STREAK * np.cos(turn * EYE_AROUND / 2)
    iris *= 1 - LOWER_IRIS * np.sin(turn)
    white = 1 - np.outer(np.clip((angle - 35) / 40, 0, 1), 1 - SCLERA_EDGE)
    return np.where(angle[:, None] <= IRIS_STOP, iris[:, None], white)


def _depth(z: Array) -> Array:
    """(N,) how much light is left inside the mouth."""
    return np.asarray(1 - (1 - DEEPEST) * np.clip((LIGHT_UNTIL - z) / DARKENING, 0, 1))

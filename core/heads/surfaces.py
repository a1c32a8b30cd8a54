# SPDX-License-Identifier: GPL-3.0-or-later
"""The surfaces of the default head, by number and by look."""

from __future__ import annotations

from enum import IntEnum

from .mesh import Material


class Surface(IntEnum):
    """Index of each surface in MATERIALS."""

    SKIN = 0
    LIPS = 1
    MOUTH = 2
    LASH = 3
    SCLERA = 4
    IRIS = 5
    PUPIL = 6
    LIMBUS = 7
    TEETH = 8
    GUM = 9
    TONGUE = 10
    BROW = 11
    HAIR = 12


MATERIALS = (
    Material("skin", (0.90, 0.53, 0.37), 0.48, 0.10),
    Material("lips", (0.66, 0.27, 0.23), 0.36, 0.10),
    Material("mouth", (0.40, 0.09, 0.08), 0.45, 0.0),
    Material("lash", (0.035, 0.02, 0.015), 0.6, 0.0),
    Material("sclera", (0.86, 0.84, 0.82), 0.12, 0.0),
    Material("iris", (0.10, 0.23, 0.30), 0.12, 0.0),
    Material("pupil", (0.004, 0.004, 0.004), 0.1, 0.0),
    Material("limbus", (0.02, 0.05, 0.07), 0.12, 0.0),
    Material("teeth", (0.96, 0.94, 0.88), 0.30, 0.05),
    Material("gum", (0.55, 0.18, 0.18), 0.35, 0.05),
    Material("tongue", (0.84, 0.36, 0.34), 0.4, 0.05),
    Material("brow", (0.06, 0.035, 0.02), 0.7, 0.0),
    Material("hair", (0.07, 0.04, 0.025), 0.55, 0.0),
)

# SPDX-License-Identifier: GPL-3.0-or-later
"""The five joints and which of them carries what."""

from __future__ import annotations

import numpy as np

from .assembly import Assembly
from .fields import smoothstep
from .form import EYE_CENTRE, Array
from .jaw import HINGE

JOINTS = ("root", "neck", "jaw", "left_eye", "right_eye")
PARENTS = (-1, 0, 1, 1, 1)
# the neck turns between the ears, where the skull sits on the spine; the root carries the bust
HEADS = np.array([(0, -150, -20), (0, -5, -12), HINGE, EYE_CENTRE, EYE_CENTRE * [-1, 1, 1]])
EYES = {"eye_left": 3, "eye_right": 4}
BUST_TOP, NECK_TOP = -135.0, -62.0  # mm: below the root's alone, above the neck's alone


def weights(assembly: Assembly, jaw: Array) -> Array:
    """(V, 5) rows that sum to 1; jaw (V,) is the share that moves with the jaw."""
    out = np.zeros((len(assembly.points), len(JOINTS)))
    height = assembly.points[:, 1] + 0.25 * np.minimum(assembly.points[:, 2], 0)
    head = smoothstep(BUST_TOP, NECK_TOP, height)
    head[len(assembly.skin.points) :] = 1
    out[:, 0], out[:, 1], out[:, 2] = 1 - head, head * (1 - jaw), head * jaw
    for part, joint in EYES.items():
        out[assembly.span(part)] = np.eye(len(JOINTS))[joint]
    return out

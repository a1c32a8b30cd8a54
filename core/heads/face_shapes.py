# SPDX-License-Identifier: GPL-3.0-or-later
"""The shapes of brows, cheeks, nose and tongue."""

from __future__ import annotations

import numpy as np

from . import parts
from .eye_shapes import cheek_squint_lids
from .fields import Fields, LipMove, smoothstep
from .form import Array
from .lip_shapes import constant, left_corner, left_half, middle


def shapes(fields: Fields) -> dict[str, Array]:
    """browInnerUp, cheekPuff, tongueOut and the paired shapes of brows, cheeks and nose; (V, 3) fields in mm."""
    left = {
        "browOuterUp": fields.push((43, 60, 86), (15, 13, 18), (0, 7.4, 0)),
        "browDown": fields.push((16, 56, 100), (13, 9, 15), (-2.0, -4.2, 1.2))
        + fields.push((40, 59, 90), (14, 9, 15), (-0.6, -3.4, 0.6)),
        "cheekSquint": fields.push((37, 10, 88), (15, 11, 16), (0.5, 5.2, 3.2)) + cheek_squint_lids(fields),
        "noseSneer": _sneer(fields),
    }
    out = {f"{name}Left": fields.whole(field) for name, field in left.items()}
    out |= {f"{name}Right": fields.mirrored(out[f"{name}Left"]) for name in left}
    return out | {
        "browInnerUp": fields.whole(_brow_inner_up(fields)),
        "cheekPuff": fields.whole(_cheek_puff(fields)),
        "tongueOut": _tongue_out(fields),
    }


def _brow_inner_up(fields: Fields) -> Array:
    left = fields.push((13, 57, 100), (13, 12, 16), (-0.3, 5.4, 0.3))
    right = fields.push((-13, 57, 100), (13, 12, 16), (0.3, 5.4, 0.3))
    return left + right + fields.push((0, 58, 104), (9, 12, 16), (0, 1.0, 0))


def _cheek_puff(fields: Fields) -> Array:
    puff = (
        sum(fields.push((44 * side, -26, 70), (16, 17, 18), (10.0 * side, -0.5, 7.0)) for side in (1, -1))
        * (~fields.lips)[:, None]
    )
    lip = LipMove(left=lambda s: -0.6 * s, forward=lambda s: 3.2 * middle(s), roll=constant(4))
    return np.asarray(puff + fields.lip_field(lip, lip))


def _sneer(fields: Fields) -> Array:
    upper = LipMove(
        up=lambda s: 6.2 * left_half(s) * middle(s, 2.4) ** 0.8 + 1.8 * left_corner(s, 2),
        forward=lambda s: 0.3 * left_half(s),
    )
    lower = LipMove(up=lambda s: 1.8 * left_corner(s, 2))
    wing = fields.push((15, -2, 112), (7, 8, 11), (0.6, 5.4, -0.6))
    bridge = fields.push((12, 22, 100), (8, 9, 10), (-0.5, 2.2, 1.4))
    brow = fields.push((14, 54, 100), (11, 8, 14), (-0.8, -2.2, 0.8))
    return fields.lip_field(upper, lower) + wing + bridge + brow


def _tongue_out(fields: Fields) -> Array:
    """Between the teeth, over the lower ones, its tip on the lower lip; thinner and narrower as it goes."""
    span = fields.assembly.span("tongue")
    x, y, z = fields.assembly.points[span].T
    share = smoothstep(z.min() + 2, z.max(), z)
    rings = y.reshape(-1, parts.TONGUE_AROUND)
    over_middle = (rings - rings.mean(1, keepdims=True)).ravel()
    out_of_way = smoothstep(0, 0.5, share)
    up = 4.0 * out_of_way - 6.0 * share**8 - 0.54 * out_of_way * over_middle
    out = np.zeros_like(fields.assembly.points)
    out[span] = np.column_stack([-0.4 * out_of_way * x, up, 25 * share])
    return out

# SPDX-License-Identifier: GPL-3.0-or-later
"""The shapes of the lips.

Two rules keep the lips honest. A shape that does not open the mouth moves both lips' contact alike; one that opens it
only moves them apart. So no mix of non-negative weights with mouthClose <= jawOpen can cross the lips.
"""

from __future__ import annotations

import numpy as np

from .fields import Curve, Fields, Handle, LipMove, smoothstep
from .form import Array

# places along the crease from nose to mouth, mm, and its depth there
FOLD = (((21, -9, 103), 0.7), ((27, -18, 97), 1.0), ((32.5, -28, 91), 1.0))


# the chin stays where only the red of the lips moves
STILL_CHIN = Handle((0, -66, 108), 9, (0, 0, 0))


def middle(along: Array, power: float = 2.0) -> Array:
    """1 in the middle of the mouth, 0 in both corners; a greater power is fuller."""
    return np.asarray(np.clip(1 - np.abs(along) ** power, 0, 1))


def left_corner(along: Array, power: float = 1.7, reach: float = 0.25) -> Array:
    """1 in the left corner, 0 from `reach` beyond the middle on the right; a greater power is more local."""
    return np.asarray(np.clip((along + reach) / (1 + reach), 0, 1) ** power)


def left_half(along: Array) -> Array:
    """1 on the left, 0 on the right, soft between."""
    return smoothstep(-0.35, 0.45, along)


def constant(value: float) -> Curve:
    """The same everywhere."""
    return lambda along: np.full(len(along), value)


def outwards(along: Array, power: float) -> Array:
    """-1 in the right corner to 1 in the left one."""
    return np.asarray(np.sign(along) * np.abs(along) ** power)


def shapes(fields: Fields) -> dict[str, Array]:
    """Every mouth shape but mouthClose as a (V, 3) field in mm."""
    out = {name: fields.whole(field) for name, field in _both_sides(fields).items()}
    for name, field in _left(fields).items():
        out[f"{name}Left"] = fields.whole(field)
        out[f"{name}Right"] = fields.mirrored(out[f"{name}Left"])
    return out


def _both_sides(fields: Fields) -> dict[str, Array]:
    return {
        "mouthPucker": _pucker(fields),
        "mouthFunnel": _funnel(fields),
        "mouthRollLower": _roll_lower(fields),
        "mouthRollUpper": _roll_upper(fields),
        "mouthShrugLower": _shrug_lower(fields),
        "mouthShrugUpper": _shrug_upper(fields),
    }


def _left(fields: Fields) -> dict[str, Array]:
    return {
        "mouth": _aside(fields),
        "mouthSmile": _smile(fields),
        "mouthFrown": _frown(fields),
        "mouthDimple": _dimple(fields),
        "mouthStretch": _stretch(fields),
        "mouthPress": _press(fields),
        "mouthUpperUp": _upper_up(fields),
        "mouthLowerDown": _lower_down(fields),
    }


def _pucker(fields: Fields) -> Array:
    def move(thin: float) -> LipMove:
        return LipMove(
            left=lambda s: -4.9 * outwards(s, 1.1),
            up=lambda s: 1.6 * np.abs(s) ** 3,
            forward=lambda s: 7.5 * middle(s, 2.2) - 1.0 + 3.2 * np.abs(s) ** 4,
            roll=constant(-9),
            thin=constant(thin),
        )

    return fields.lip_field(move(-0.10), move(-0.06))


def _funnel(fields: Fields) -> Array:
    def move(up: float, forward: float) -> LipMove:
        return LipMove(
            left=lambda s: -3.5 * outwards(s, 1.1),
            up=lambda s: up * middle(s, 2.4) ** 0.7,
            forward=lambda s: forward * middle(s) + 1.0,
            roll=constant(-16),
        )

    return fields.lip_field(move(4.9, 5.5), move(-6.2, 5.0))


def _aside(fields: Fields) -> Array:
    move = LipMove(
        left=constant(12.5),
        up=lambda s: 2.4 * np.clip(s, 0, 1),
        forward=lambda s: -1.5 - 4.7 * s + 1.2 * s**2,  # along the teeth
    )
    return fields.lip_field(move, move)


def _smile(fields: Fields) -> Array:
    def move(roll: float) -> LipMove:
        return LipMove(
            left=lambda s: 8.7 * left_corner(s, 1.5),
            up=lambda s: 7.2 * left_corner(s, 1.9) + 1.2 * left_corner(s, 0.8, 0.6),
            forward=lambda s: -5.0 * left_corner(s, 1.9) - 1.2 * left_corner(s, 0.8, 0.6),
            roll=lambda s: roll * left_corner(s, 1, 0.4),
        )

    cheek = Handle((38, 1, 92), 7, (1.6, 5.0, 3.2))
    beside = Handle((30.5, -29, 100), 4, (8.2, 8.0, -5.6))  # the skin next to the corner comes along
    return fields.lip_field(move(7), move(5), [cheek, beside]) + _fold(fields, 2.2)


def _fold(fields: Fields, depth: float) -> Array:
    """The crease from the left wing of the nose past the corner of the mouth, that a lifted cheek makes."""
    field = np.zeros_like(fields.points)
    for place, share in FOLD:
        field += fields.push(place, (4, 6, 12), (-0.5 * depth * share, 0, -1.8 * depth * share))
    # it fades out towards the corner, so that the lips, which it spares, do not stick out
    away = np.linalg.norm(fields.points - fields.points[fields.mouth & (fields.along == 1)].mean(0), axis=1)
    return field * (smoothstep(4, 13, away) * ~fields.lips)[:, None]


def _frown(fields: Fields) -> Array:
    def move(roll: float) -> LipMove:
        return LipMove(
            left=lambda s: 2.2 * left_corner(s),
            up=lambda s: -4.8 * left_corner(s, 1.9),
            forward=lambda s: -1.5 * left_corner(s),
            roll=constant(roll),
        )

    return fields.lip_field(move(0), move(-3))


def _dimple(fields: Fields) -> Array:
    move = LipMove(
        left=lambda s: 2.6 * left_corner(s, 2.4),
        up=lambda s: 2.4 * left_corner(s, 2.4),
        forward=lambda s: -6.6 * left_corner(s, 2.8),
        roll=constant(4),
    )
    return fields.lip_field(move, move)


def _stretch(fields: Fields) -> Array:
    move = LipMove(
        left=lambda s: 7.2 * left_corner(s, 1.4),
        up=lambda s: -1.6 * left_corner(s, 1.8),
        forward=lambda s: -3.8 * left_corner(s, 1.9),
        roll=constant(4),
    )
    return fields.lip_field(move, move)


def _press(fields: Fields) -> Array:
    move = LipMove(
        up=lambda s: 0.4 * left_half(s),
        forward=lambda s: -1.0 * left_half(s) * middle(s, 4),
        thin=lambda s: 0.4 * left_half(s),
    )
    return fields.lip_field(move, move, [STILL_CHIN])


def _upper_up(fields: Fields) -> Array:
    upper = LipMove(
        left=lambda s: 0.4 * left_half(s),
        up=lambda s: 7.6 * left_half(s) * middle(s, 2.6) ** 0.8 + 1.6 * left_corner(s, 2),
        forward=lambda s: 0.4 * left_half(s),
        roll=lambda s: -6 * left_half(s),
    )
    lower = LipMove(left=upper.left, up=lambda s: 1.6 * left_corner(s, 2))
    return fields.lip_field(upper, lower)


def _lower_down(fields: Fields) -> Array:
    lower = LipMove(
        left=lambda s: 0.3 * left_half(s),
        up=lambda s: -6.8 * left_half(s) * middle(s, 2.6) ** 0.8 - 0.6 * left_corner(s, 2),
        forward=lambda s: -0.4 * left_half(s),
        roll=lambda s: -6 * left_half(s),
    )
    upper = LipMove(left=lower.left, up=lambda s: -0.6 * left_corner(s, 2))
    return fields.lip_field(upper, lower)


def _roll_lower(fields: Fields) -> Array:
    lower = LipMove(
        up=lambda s: 0.2 * middle(s),
        forward=lambda s: -4.6 * middle(s, 4),
        roll=constant(3),
        thin=lambda s: 0.56 * middle(s, 6),
    )
    upper = LipMove(up=lower.up, forward=lambda s: -0.5 * middle(s, 4))
    return fields.lip_field(upper, lower, [STILL_CHIN])


def _roll_upper(fields: Fields) -> Array:
    upper = LipMove(
        up=lambda s: -0.2 * middle(s),
        forward=lambda s: -3.4 * middle(s, 4),
        roll=constant(5),
        thin=lambda s: 0.56 * middle(s, 6),
    )
    lower = LipMove(up=upper.up, forward=lambda s: -0.5 * middle(s, 4))
    return fields.lip_field(upper, lower)


def _shrug_lower(fields: Fields) -> Array:
    def move(roll: float) -> LipMove:
        return LipMove(
            up=lambda s: 5.4 * middle(s, 1.6) - 0.2 * np.abs(s) ** 3,
            forward=lambda s: 1.6 * middle(s),
            roll=constant(roll),
        )

    chin = Handle((0, -64, 106), 9, (0, 6.5, 1.8))
    return fields.lip_field(move(6), move(-10), [chin])


def _shrug_upper(fields: Fields) -> Array:
    def move(roll: float) -> LipMove:
        return LipMove(up=lambda s: 4.4 * middle(s, 1.8), forward=lambda s: 1.2 * middle(s), roll=constant(roll))

    return fields.lip_field(move(-8), move(0), [STILL_CHIN])

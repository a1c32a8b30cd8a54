# SPDX-License-Identifier: GPL-3.0-or-later
"""What moves with the jaw, and the shapes that move it.

jawOpen is the jaw bone's turn written as a shape, so that in ARKit motion a linear mouthClose can undo it exactly; the
bone itself serves rotations of the jaw. Never both at once.
"""

from __future__ import annotations

import numpy as np

from . import ears, lips
from .fields import Fields, LipMove, Mask, smoothstep, turned_down
from .form import Array

HINGE = np.array([0, 6.0, 10.0])
OPEN_DEGREES = 16.7
OPEN_SLIDE = np.array([0, -1, 1.5])  # mm
CORNER_TUCK = 2.2  # mm that the corners of the open mouth come inwards
CORNER_WEIGHT, UPPER_WEIGHT = 0.44, 0.01  # how much the mouth's corner and the upper lip move with the jaw
UPPER_SHARE = 0.72  # of the way that mouthClose leaves to the upper lip's own place
TONGUE_SHIFTED = 0.6  # of the jaw's way forward and aside: there it is between both rows of teeth
# mm; the teeth have to come apart for it
FORWARD, SIDEWAYS = np.array([0, -2.0, 7.5]), np.array([8.5, -2.2, 0.5])


def weights(fields: Fields) -> Array:
    """(V,) share 0..1 of the jaw's movement that each vertex takes."""
    assembly = fields.assembly
    out = np.zeros(len(assembly.points))
    out[: fields.count] = _skin_weights(fields)
    for part in ("lower_teeth", "lower_gum"):
        out[assembly.span(part)] = 1
    depth = assembly.points[assembly.span("tongue"), 2]
    out[assembly.span("tongue")] = 0.5 + 0.5 * smoothstep(-10, 30, depth - depth.min())
    return out


def shapes(fields: Fields, jaw: Array) -> dict[str, Array]:
    """jawOpen, jawForward, jawLeft, jawRight and mouthClose as (V, 3) fields in mm."""
    points = fields.assembly.points
    opened = turned_down(points, OPEN_DEGREES, HINGE) + OPEN_SLIDE - points
    jaw_open = opened * jaw[:, None] + fields.whole(_corner_tuck(fields))
    shifted = jaw[:, None].copy()
    shifted[fields.assembly.span("tongue")] *= TONGUE_SHIFTED
    sideways = _sealed(fields, SIDEWAYS * shifted)
    return {
        "jawOpen": jaw_open,
        "jawForward": _sealed(fields, FORWARD * shifted),
        "jawLeft": sideways,
        "jawRight": fields.mirrored(sideways),
        "mouthClose": _mouth_close(fields, jaw_open[: fields.count]),
    }


def _skin_weights(fields: Fields) -> Array:
    """Written on lips, chin and jaw bone, 0 above the cheeks and below the throat, harmonic between."""
    skin, (y, z) = fields.skin, fields.points.T[1:]
    fullness = np.clip(1 - np.abs(fields.along) ** 2.4, 0, 1)
    lower_lip = CORNER_WEIGHT + (1 - CORNER_WEIGHT) * fullness**0.62
    under_teeth = CORNER_WEIGHT + (1 - CORNER_WEIGHT) * fullness**0.3
    upper_lip = UPPER_WEIGHT + (CORNER_WEIGHT - UPPER_WEIGHT) * (1 - fullness**0.55)
    lip = np.where(fields.lip_side > 0, upper_lip, np.where(fields.lip_side < 0, lower_lip, CORNER_WEIGHT))
    below, above = fields.lip_side < 0, fields.lip_side > 0
    chin = _chin(fields)
    bone = (skin.rows >= 6) & (skin.rows <= 7) & (z > 22) & ~chin
    floor = skin.named("lip_inner3", "mouth_bag1") & below
    deep_floor = skin.named("mouth_bag2", "mouth_bag3") & below
    roof = skin.named("lip_inner3", "mouth_bag1", "mouth_bag2", "mouth_bag3") & above
    value = np.select(
        [fields.lips, chin, bone, floor, deep_floor],
        [lip, np.ones(fields.count), 0.5 + 0.5 * smoothstep(5, 70, z), under_teeth, 0.95 * under_teeth],
        0.0,
    )
    held = fields.lips | chin | bone | floor | deep_floor | roof
    outside = ~skin.named(*lips.RINGS, lips.WALL)
    still = ((y > 2) & outside) | (y < -108) | ((z < -8) & outside) | skin.named(*ears.RINGS)
    out = np.clip(fields.solve(held, value[:, None], still & ~held, membrane=True)[:, 0], 0, 1)
    for _ in range(3):  # the harmonic solution has kinks at what it was held by
        out = np.where(fields.lips | floor | roof, out, fields.averaged(out))
    return np.asarray(out)


def _chin(fields: Fields) -> Mask:
    x, y, z = fields.points.T
    mouth = fields.skin.named(*lips.RINGS, lips.WALL)
    return np.asarray((y > -84) & (y < -56) & (z > 62) & (np.abs(x) < 30) & ~mouth)


def _corner_tuck(fields: Fields) -> Array:
    def inwards(along: Array) -> Array:
        return np.asarray(-CORNER_TUCK * np.sign(along) * np.abs(along) ** 2.2)

    return fields.lip_field(LipMove(left=inwards), LipMove(left=inwards))


def _sealed(fields: Fields, field: Array) -> Array:
    """The same movement without shearing the lips apart: both contacts take the mean of the two lips, in height nearer
    to the upper one's, as in mouthClose."""
    skin_field = field[: fields.count]
    own, other = np.arange(fields.count), fields.partner
    upper, lower = np.where(fields.lip_side >= 0, (own, other), (other, own))
    mean = (skin_field + skin_field[other]) / 2
    mean[:, 1] = UPPER_SHARE * skin_field[upper, 1] + (1 - UPPER_SHARE) * skin_field[lower, 1]
    wanted = np.where(fields.contact[:, None], mean, (skin_field + mean) / 2)
    still = (fields.still | _chin(fields) | fields.skin.named("mouth_bag2")) & ~fields.lips
    out = field.copy()
    out[: fields.count] += fields.solve(fields.lips, wanted - skin_field, still)
    return out


def _mouth_close(fields: Fields, jaw_open: Array) -> Array:
    """What brings the lips of the open jaw together again: with jawOpen at the same weight they are sealed exactly."""
    own = np.where(fields.contact, np.arange(fields.count), fields.pivot)
    other = fields.partner[own]
    upper, lower = np.where(fields.lip_side >= 0, (own, other), (other, own))
    meeting = UPPER_SHARE * jaw_open[upper] + (1 - UPPER_SHARE) * jaw_open[lower]
    # floor and roof of the mouth stay with their teeth
    bag = fields.skin.named("mouth_bag1", "mouth_bag2")
    still = fields.still | bag | (_chin(fields) & (fields.points[:, 1] < -66))
    return fields.whole(fields.solve(fields.lips, meeting - jaw_open[own], still))

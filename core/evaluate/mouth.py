# SPDX-License-Identifier: GPL-3.0-or-later
"""What a mouth does, measured in millimetres on a head: ARKit motion -> the tracks that the scorer reads."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..basis import ARKIT, ARKIT_SHAPES
from ..errors import InputError
from ..motion import Motion

Array = NDArray[np.float64]

# vertex ranges and landmarks (of the usual 68) of the ICT-FaceKit head
_ICT_SKIN = 9409
_ICT_INCISORS = slice(17991, 18295)
_ICT_LOWER_TEETH = slice(20263, 20435)
_INNER_UPPER, _INNER_LOWER = (61, 62, 63), (67, 66, 65)
_CORNERS = (48, 54)
_LIPS_FRONT = (50, 51, 52, 56, 57, 58)
_INNER_MIDDLE_LOWER, _OUTER_MIDDLE_LOWER = 66, 57
_ICT_SPLIT = {"browInnerUp": ("browInnerUp_L", "browInnerUp_R"), "cheekPuff": ("cheekPuff_L", "cheekPuff_R")}
_UNSIDED = frozenset({"jawLeft", "jawRight", "mouthLeft", "mouthRight"})


@dataclass(frozen=True)
class MouthTracks:
    """A mouth over time, each (T,), at `fps`.

    aperture: gap of the inner lips, mm.     jaw: how far the lower teeth are below their rest, mm.
    round:    0 to about 1: lips forward and mouth narrow.     fv: 0 to 1: lower lip on the upper teeth.
    """

    fps: float
    aperture: Array
    jaw: Array
    round: Array
    fv: Array


@dataclass(frozen=True)
class MouthProbe:
    """The vertices of one head that tell what its mouth does: positions at rest and their move per shape, mm."""

    upper: Array
    """(N, 1 + 52, 3): inner points of the upper lip; entry 0 is the rest, the others the ARKit shapes."""
    lower: Array
    corners: Array
    front: Array
    incisors: Array
    lower_teeth: Array
    lower_lip: Array
    forward_full: float
    """mm by which fully rounded lips come forward, and below, by which the mouth narrows."""
    narrow_full: float
    fv_contact: float
    """mm from lower lip to upper incisors at which f and v count as fully made, and below, as not at all."""
    fv_free: float

    def tracks(self, motion: Motion) -> MouthTracks:
        """Measure motion in the ARKit basis; weights are clipped to [0, 1] as a rig's sliders would."""
        if motion.basis != ARKIT:
            raise InputError(f"Mouth measures need ARKit motion, and this one is '{motion.basis.name}'.")
        weights = np.clip(motion.values[:, : len(ARKIT_SHAPES)].astype(np.float64), 0, 1)
        pose = np.concatenate([np.ones((len(weights), 1)), weights], axis=1)
        upper, lower, corners, front, incisors, teeth, lip = (
            np.einsum("ts,vsk->tvk", pose, points)
            for points in (
                self.upper,
                self.lower,
                self.corners,
                self.front,
                self.incisors,
                self.lower_teeth,
                self.lower_lip,
            )
        )
        gap = (upper[..., 1] - lower[..., 1]).mean(axis=1)
        width = np.linalg.norm(corners[:, 0] - corners[:, 1], axis=1)
        rest_width = float(np.linalg.norm(self.corners[0, 0] - self.corners[1, 0]))
        # an open mouth carries the lips' front backwards with the jaw: half of a third of the gap is given back
        forward = (front[..., 2] - self.front[:, 0, 2]).mean(axis=1) + np.maximum(0, gap - 1) / 6
        distance = np.linalg.norm(incisors[:, :, None] - lip[:, None], axis=3).min(axis=(1, 2))
        contact = np.clip((self.fv_free - distance) / (self.fv_free - self.fv_contact), 0, 1)
        return MouthTracks(
            motion.fps,
            aperture=np.maximum(0, gap),
            jaw=np.maximum(0, self.lower_teeth[:, 0, 1].mean() - teeth[..., 1].mean(axis=1)),
            round=np.clip(forward / self.forward_full / 2 + (rest_width - width) / self.narrow_full / 2, 0, 2),
            fv=contact * np.clip((gap - 1.2) / 0.8, 0, 1),
        )


def default_head_probe() -> MouthProbe:
    """The probe of the head that ships with artalk."""
    from ..heads.default_head import load

    head = load()
    rest = head.vertices.astype(np.float64) * 1000
    deltas = head.shape_deltas.astype(np.float64) * 1000

    def points(index: NDArray[np.intp]) -> Array:
        return np.concatenate([rest[None, index], deltas[:, index]]).transpose(1, 0, 2)

    pairs = head.lips
    across = np.argsort(np.abs(rest[pairs[:, 0], 0]))[:9]  # three columns, each three deep
    outermost = pairs[[rest[pairs[:, 0], 0].argmin(), rest[pairs[:, 0], 0].argmax()], 0]
    start, stop = head.parts["upper_teeth"]
    teeth = np.arange(start, stop)[np.abs(rest[start:stop, 0]) < 9]
    edge = teeth[rest[teeth, 1] < rest[teeth, 1].min() + 0.6]
    start, stop = head.parts["lower_teeth"]
    lower_teeth = np.arange(start, stop)[np.abs(rest[start:stop, 0]) < 9]
    skin = np.arange(*head.parts["skin"])
    middle_low = pairs[across[0], 1]
    lip = skin[(np.abs(rest[skin, 0]) < 8) & (np.linalg.norm(rest[skin] - rest[middle_low], axis=1) < 9)]
    lip = lip[rest[lip, 1] < rest[middle_low, 1] + 0.3]
    pucker = deltas[ARKIT_SHAPES.index("mouthPucker")]
    return MouthProbe(
        points(pairs[across, 0]),
        points(pairs[across, 1]),
        points(outermost),
        points(pairs[across].ravel()),
        points(edge),
        points(lower_teeth),
        points(lip),
        forward_full=float(pucker[pairs[across, 0], 2].mean()),
        narrow_full=2 * float(np.abs(pucker[outermost, 0]).sum()),
        fv_contact=0.9,
        fv_free=1.7,
    )


def ict_probe(folder: Path) -> MouthProbe:
    """The probe of the ICT-FaceKit head, from a folder with `ict_facekit.npz` and `landmarks68_mm.csv`."""
    try:
        head = np.load(folder / "ict_facekit.npz")
        landmarks = np.loadtxt(folder / "landmarks68_mm.csv", delimiter=",", skiprows=1)[:, 1].astype(int)
    except OSError:
        raise InputError(f"The folder '{folder}' does not hold the ICT-FaceKit head with its landmarks.") from None
    rest = head["neutral_cm"] * 10.0
    offsets = dict(zip(head["shape_names"].astype(str), pairwise(head["shape_offset"]), strict=True))
    deltas = np.zeros((len(ARKIT_SHAPES), len(rest), 3))
    for row, name in enumerate(ARKIT_SHAPES):
        plain = name if name in _UNSIDED else name.replace("Left", "_L").replace("Right", "_R")
        for part in _ICT_SPLIT.get(name, (plain,)):
            if part not in offsets:
                continue  # this head has no tongueOut
            start, stop = offsets[part]
            deltas[row, head["shape_vertex"][start:stop]] += head["shape_delta_cm"][start:stop] * 10.0

    def points(index: NDArray[np.intp]) -> Array:
        return np.concatenate([rest[None, index], deltas[:, index]]).transpose(1, 0, 2)

    teeth = np.arange(_ICT_INCISORS.start, _ICT_INCISORS.stop)
    edge = teeth[rest[teeth, 1] < np.percentile(rest[teeth, 1], 15)]
    inner, outer = rest[landmarks[_INNER_MIDDLE_LOWER]], rest[landmarks[_OUTER_MIDDLE_LOWER]]
    skin = rest[:_ICT_SKIN]
    near = np.linalg.norm(skin - (inner + outer) / 2, axis=1) < 9
    red = (skin[:, 1] < inner[1] + 0.3) & (skin[:, 1] > outer[1] - 1) & (np.abs(skin[:, 0]) < 8)
    return MouthProbe(
        points(landmarks[list(_INNER_UPPER)]),
        points(landmarks[list(_INNER_LOWER)]),
        points(landmarks[list(_CORNERS)]),
        points(landmarks[list(_LIPS_FRONT)]),
        points(edge),
        points(np.arange(_ICT_LOWER_TEETH.start, _ICT_LOWER_TEETH.stop)),
        points(np.flatnonzero(near & red)),
        forward_full=7.5,
        narrow_full=18.5,
        fv_contact=1.2,
        fv_free=2.8,
    )

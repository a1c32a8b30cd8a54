# SPDX-License-Identifier: GPL-3.0-or-later
"""Do the lips move? The greatest movement that the keys ask for, and whether the evaluated mesh makes it."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ..core.movement import movement
from . import keyframes, mesh_points, rigs
from .key_extremes import Extremes
from .plan import Owner

_MOVED = 0.3
"""Share of the expected movement from which on the lips count as moving: a clamped or mixed shape moves less."""
_UPPER_FACE = ("eye", "brow", "blink", "look", "squint", "head", "neck")


@dataclass(frozen=True)
class Asked:
    """The greatest movement that the keys ask for: between which frames, which points (V,), how far (mesh units).

    share: the part of these points that may stay behind. A shape moves all of them, and the throat, which is one of
    them, moves with the neck as well; of a face that bones move, nobody knows which points they are.
    """

    frames: tuple[int, int]
    lips: NDArray[np.bool_]
    still: NDArray[np.bool_]
    distance: float
    share: float = 0.5


def greatest(item: Any, shapes: Sequence[Any], extremes: Extremes) -> Asked | None:
    """Of all keyed `shapes` that are not of the eyes and brows, the one that moves the mesh the furthest.

    A face that bones alone move is asked to change its form at all, between the ends of the widest turn of a bone.
    None where the keys ask for nothing. extremes: of the character's keys
    """
    blocks = {key.name: key for key in shapes if not _is_of_upper_face(key.name)}
    if not blocks:  # it may have some all the same, which have nothing to do with speech
        return _greatest_turn(item, extremes)
    rest = mesh_points.of_shape(item.data.shape_keys.reference_key)
    most: tuple[float, float, tuple[int, int], NDArray[np.float32]] | None = None
    for name, (first, last) in _of_owner(extremes, "shapes"):
        key, change = blocks.get(keyframes.quoted(name)), float(last[1] - first[1])
        if key is None or change < 1e-3:
            continue
        shift = mesh_points.of_shape(key) - rest
        # along one axis: the length of all shifts of all shapes takes ten times as long
        furthest = change * float(np.abs(shift).max())
        if most is None or furthest > most[0]:
            most = furthest, change, (round(float(first[0])), round(float(last[0]))), shift
    if most is None:
        return None
    _, change, frames, shift = most
    reach = np.linalg.norm(shift, axis=1)
    distance = change * float(reach.max())
    lips = reach > 0.5 * reach.max()
    return Asked(frames, lips, _around(rest, lips, reach < 0.01 * reach.max()), distance)


def _of_owner(extremes: Extremes, owner: Owner) -> list[tuple[str, NDArray[np.float32]]]:
    return [(name, ends) for (of, name), ends in extremes.items() if of == owner]


def _is_of_upper_face(name: str) -> bool:
    return any(word in name.lower() for word in _UPPER_FACE)


def _greatest_turn(item: Any, extremes: Extremes) -> Asked | None:
    widest: tuple[float, tuple[int, int]] | None = None
    for name, (first, last) in _of_owner(extremes, "bones"):
        change = float(last[1] - first[1])
        if _is_of_upper_face(keyframes.quoted(name)):
            continue
        if change > 1e-3 and (widest is None or change > widest[0]):
            widest = change, (round(float(first[0])), round(float(last[0])))
    if widest is None:
        return None
    rest = mesh_points.of_mesh(item.data)
    every = np.ones(len(rest), bool)
    return Asked(widest[1], every, every, 0.01 * float(np.ptp(rest, axis=0).max()), share=1.0)


def _around(points: NDArray[np.float32], lips: NDArray[np.bool_], still: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The still points nearest to the lips, as many as the lips have: neck and shoulders turn otherwise."""
    distance = np.linalg.norm(points - points[lips].mean(axis=0), axis=1)
    distance[~still] = np.inf
    count = max(10, min(int(lips.sum()), int(still.sum())))
    chosen = np.zeros(len(points), bool)
    chosen[np.argsort(distance, kind="stable")[:count]] = True
    return chosen


def seen(scene: bpy.types.Scene, item: bpy.types.Object, asked: Asked) -> bool:
    """Whether the evaluated mesh moves as the keys ask for; the scene is shown at two frames, and then as it was."""
    if asked.distance == 0:
        return False
    now, part = scene.frame_current, scene.frame_subframe
    shown = []
    try:
        for frame in asked.frames:
            scene.frame_set(frame)
            shown.append(mesh_points.evaluated(item))
    finally:
        scene.frame_set(now, subframe=part)
    return _has_moved(asked, shown)


def seen_by_steps(character: int, asked: Asked) -> Generator[None, None, bool]:
    """The same of a character by its session identifier, a frame a step; False also when it is gone.

    Between two steps nothing of Blender is kept, and the scene stands where the user has it.
    """
    if asked.distance == 0:
        return False
    shown = []
    for frame in asked.frames:
        yield
        item = rigs.in_a_scene(character)
        if item is None:
            return False
        scene = item.users_scene[0]
        now, part = scene.frame_current, scene.frame_subframe
        scene.frame_set(frame)
        shown.append(mesh_points.evaluated(item))
        # which is evaluated when it is drawn next
        scene.frame_current, scene.frame_subframe = now, part
    return _has_moved(asked, shown)


def _has_moved(asked: Asked, shown: Sequence[NDArray[np.float32]]) -> bool:
    """Whether two shapes of the evaluated mesh, (N, 3) each, differ as the keys ask for."""
    count = len(asked.lips)
    if any(len(points) < count for points in shown):
        # a modifier has made another mesh of it, without knowing which point is which; or it is hidden
        return len(shown[0]) == len(shown[1]) > 0 and bool(np.abs(shown[0] - shown[1]).max() > _MOVED * asked.distance)
    before, after = (points[:count].astype(np.float64) for points in shown)
    distance = movement(before, after, asked.still)
    return float(np.quantile(distance[asked.lips], asked.share)) > _MOVED * asked.distance

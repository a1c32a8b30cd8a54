# SPDX-License-Identifier: GPL-3.0-or-later
"""Make generated curves plain ones: a key at every frame, edits and modifiers in it, and nothing of artalk left."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from ..core.errors import InputError
from . import baked_strips, compat, export, generation, keyframes, lines, rigs
from .keys import Keys, together
from .plan import outside


def bake_character(item: bpy.types.Object) -> int:
    """Bake all generated curves of a character at whole frames; returns the number of keys.

    What the artist added, drove or reduced is in the keys afterwards, which are the artist's own from then on: artalk
    neither regenerates them nor turns their layers. Raises InputError when there are none.
    """
    character = rigs.describe(item)
    first, last = export.keyed_range(character)
    owners = list(keyframes.owners(character).values())
    if not owners:
        raise InputError(f"There are no keys of artalk on '{item.name}': generate first.")
    spans = ((float(first), float(last)),)
    spoken = generation.lines_of(character)
    count = 0
    for owner in owners:
        mine = keyframes.owned(owner)
        for curve in compat.fcurves_of(owner):
            if keyframes.label(curve.data_path, curve.array_index) in mine and len(curve.keyframe_points):
                count += _bake(curve, spans)
    for owner in owners:
        _disown(owner)
        owner.update_tag()
    baked_strips.mark(character, spoken)
    return count


def _bake(curve: compat.FCurve, spans: tuple[tuple[float, float], ...]) -> int:
    old = keyframes.read(curve)
    start, end = np.ceil(max(spans[0][0], old.frames[0])), np.floor(min(spans[0][1], old.frames[-1]))
    frames = np.arange(start, end + 1, dtype=np.float32)
    values = np.array([curve.evaluate(frame) for frame in frames.tolist()], np.float32)
    for modifier in list(curve.modifiers):
        curve.modifiers.remove(modifier)
    keys = together([old.take(outside(old.frames, spans)), Keys.plain(frames, values)])
    keyframes.replace(curve.keyframe_points, keys)
    curve.update()
    return len(keys)


def _disown(owner: Any) -> None:
    action: Any = compat.action_of(owner)
    for name in (keyframes.OWNED, lines.STORED):
        if action is not None and name in action:
            del action[name]

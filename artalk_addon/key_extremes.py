# SPDX-License-Identifier: GPL-3.0-or-later
"""The lowest and the highest key of each curve of ours: at once, or a curve a step where there are many keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import compat, keyframes, rigs
from .plan import Owner

Extremes = dict[tuple[Owner, str], NDArray[np.float32]]
"""By owner and label of each curve that has keys: the lowest key and the highest, (2, 2) frames and values."""


def of(owners: Mapping[Owner, Any]) -> Extremes:
    """Read those of a character's datablocks; None for what it does not have."""
    found: Extremes = {}
    for owner, datablock in owners.items():
        for name, curve in _named(datablock).items() if datablock else ():
            found |= _ends(owner, name, curve)
    return found


def by_steps(character: int) -> Iterator[Extremes]:
    """Read those of a character, by its session identifier, a curve a step; the last step has them all.

    Between two steps nothing of Blender is kept. Raises InputError when it is no character any more.
    """
    item = rigs.in_a_scene(character)
    if item is None:
        return
    described, found = rigs.describe(item), Extremes()
    every = [(owner, name) for owner, datablock in keyframes.owners(described).items() for name in _named(datablock)]
    for owner, name in every:
        curve = _named(keyframes.owners(described)[owner]).get(name)
        if curve is not None:
            found |= _ends(owner, name, curve)
        yield found


def _named(datablock: Any) -> dict[str, compat.FCurve]:
    return {keyframes.label(curve.data_path, curve.array_index): curve for curve in keyframes.own_curves(datablock)}


def _ends(owner: Owner, name: str, curve: compat.FCurve) -> Extremes:
    places = keyframes.places(curve)
    return {(owner, name): places[[places[:, 1].argmin(), places[:, 1].argmax()]]} if len(places) else {}

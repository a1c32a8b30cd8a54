# SPDX-License-Identifier: GPL-3.0-or-later
"""Which strips' keys were baked on a character: these are the artist's own, and no line of artalk any more."""

from __future__ import annotations

import json
from typing import Any

from . import compat, keyframes, strips
from .line import Line
from .plan import Character

_BAKED = "artalk_baked"
"""Custom property of an action: the strips whose keys are baked in it, as scene, name, identifier, start."""

Marks = list[tuple[str, str, str, float]]


def marks(character: Character) -> Marks:
    """What says which strips' keys on a character were baked, for `is_baked`."""
    action: Any = compat.action_of(_keeper(character))
    return [tuple(each) for each in json.loads(action[_BAKED])] if action and _BAKED in action else []


def mark(character: Character, lines: list[Line]) -> None:
    """Keep in a character's action that the keys of these lines' strips are baked now."""
    there = marks(character) + [(line.scene, line.strip, line.strip_id, line.start) for line in lines]
    if there:
        action: Any = compat.action_of(_keeper(character))
        action[_BAKED] = json.dumps(there)


def is_baked(strip: compat.Strip, there: Marks) -> bool:
    """Whether a character with these marks has the keys of a strip baked."""
    known_by, left = strips.identifier(strip), compat.strip_timing(strip).left
    return any(
        (scene, name) == (strip.id_data.name, strip.name)
        # renamed; copies stand elsewhere
        or (known_by and identifier == known_by and abs(start - left) < 1)
        for scene, name, identifier, start in there
    )


def _keeper(character: Character) -> Any:
    return next(iter(keyframes.owners(character).values()))

# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of shape keys taken apart, so that one table of names knows all common spellings."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from ..basis import ARKIT_SHAPES

Side = Literal["left", "right", ""]

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_a-zA-Z]+")
_SIDES: dict[str, Side] = {
    "left": "left", "l": "left", "lf": "left", "lt": "left",
    "right": "right", "r": "right", "rt": "right", "rgt": "right",
}  # fmt: skip
_TAILS = frozenset({"shape", "shapes", "key", "bs", "blendshape", "morph", "morpher", "target", "geo", "mesh", "tgt"})
"""Words behind a name that say nothing."""

Arkit = tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Name:
    """A name taken apart. words: in small letters, without the side; number: what a duplicate ends with ('001')."""

    words: tuple[str, ...]
    side: Side
    number: str = ""


def taken_apart(name: str) -> Name:
    """'Head_Mesh.mouthSmile_L' -> head mesh mouth smile, left; 'JAWOPEN.001' -> jawopen, number 001."""
    words = [word.lower() for word in _WORDS.findall(name)]
    number = words.pop() if len(words) > 1 and words[-1].isdigit() else ""
    while len(words) > 1 and words[-1] in _TAILS:
        words.pop()
    side: Side = ""
    # the side stands last, or first, or anywhere: the last one counts ('left_head_mouthSmile_R')
    for at in range(len(words) - 1, -1, -1):
        if words[at] in _SIDES:
            side = _SIDES[words.pop(at)]
            break
    if not side and words:
        for word in ("left", "right"):
            if words[-1].endswith(word) and len(words[-1]) > len(word):
                words[-1], side = words[-1][: -len(word)], _SIDES[word]
                break
    return Name(tuple(words), side, number)


def _bases() -> dict[str, dict[Side, str]]:
    """ARKit's names without their side, as one word: which channels there are of it."""
    bases: dict[str, dict[Side, str]] = {}
    for channel in ARKIT_SHAPES:
        name = taken_apart(channel)
        bases.setdefault("".join(name.words), {})[name.side] = channel
    return bases


ARKIT_BASES = _bases()
_OTHER_WORDS = {
    "browdrop": "browdown", "browraiseinner": "browinnerup", "browraiseouter": "browouterup",
    "mouthdownlower": "mouthlowerdown", "mouthupupper": "mouthupperup",
    "eyeclosed": "eyeblink", "eyesblink": "eyeblink", "blink": "eyeblink", "jawfwd": "jawforward",
    "mouthrollinlower": "mouthrolllower", "mouthrollinupper": "mouthrollupper", "cheekraiser": "cheeksquint",
}  # fmt: skip
"""Other names in use for shapes of ARKit's."""
_ONLY_SIDED = {"jaw", "mouth"}
"""Words that mean a shape only together with a side."""


@dataclass(frozen=True)
class Seen:
    """What a shape key was recognised as.

    sources: ARKit channels and their weights: one, or both sides by half for a key that has no side
    half:    which half of a shape that ARKit has in one piece; empty for a whole one
    """

    sources: Arkit
    half: Side = ""


def arkit_shape(name: str) -> tuple[Seen, int] | None:
    """Which of ARKit's shapes a key is, and how far its name is from the plain one; None when it is none of them.

    Words in front that are a shape themselves make it a combination, which is none.
    """
    apart = taken_apart(name)
    for start in range(len(apart.words)):
        word = "".join(apart.words[start:])
        if word in _ONLY_SIDED and not apart.side:
            continue
        found = ARKIT_BASES.get(_OTHER_WORDS.get(word, word))
        if found is None:
            continue
        if any("".join(apart.words[at:start]) in ARKIT_BASES for at in range(start)):
            return None
        return _of_side(found, apart.side), 2 * start + bool(apart.number) + (word in _OTHER_WORDS)
    return None


def _of_side(found: dict[Side, str], side: Side) -> Seen:
    if side in found:
        return Seen(((found[side], 1.0),))
    if side:
        return Seen(((found[""], 1.0),), half=side)
    return Seen(((found["left"], 0.5), (found["right"], 0.5)))

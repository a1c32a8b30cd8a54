# SPDX-License-Identifier: GPL-3.0-or-later
"""Bones of any armature: which is the head's, the jaw's, the eyes', and how the head stands in the rest pose."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .mapping import Axis, Row, parse_sources

Floats = NDArray[np.float64]

UPRIGHT = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
"""The head's axes (x left, y up, z forward) as columns, in an armature whose character faces -Y with Z up."""

JAW_OPEN = 0.35
"""Turn of a jaw bone at jawOpen 1, radians: the chin of a life-size head drops by some 28 mm, 85 mm from its hinge."""
_JAW_ASIDE = 0.1
_JAW_FORWARD = 0.11  # distances between the eyes
_SNAP = np.cos(np.radians(25.0))


@dataclass(frozen=True)
class RestBone:
    """A bone at rest, in armature space. head: (3,) its origin; held: whether a constraint decides where it turns."""

    name: str
    head: Floats
    parent: str | None = None
    held: bool = False


@lru_cache(maxsize=8192)
def plain(name: str) -> str:
    """A bone's name in small letters, without what is no letter or digit, and without a namespace before a colon.

    Kept, as a panel asks for all of a rig's hundreds of bones at every redraw.
    """
    return "".join(letter for letter in name.rpartition(":")[2].lower() if letter.isalnum())


@cache
def _role_names() -> dict[str, tuple[str, ...]]:
    with (Path(__file__).parent / "bones.csv").open(encoding="utf-8", newline="") as file:
        return {row["role"]: tuple(row["names"].split()) for row in csv.DictReader(file)}


def has_jaw(names: Iterable[str]) -> bool:
    """Whether one of the bones is a jaw."""
    known = set(_role_names()["jaw"])
    return any(plain(name) in known for name in names)


def roles(bones: Sequence[RestBone]) -> dict[str, RestBone]:
    """The bones that play a role (head, jaw, left_eye, right_eye): the best name, free bones before held ones."""
    found = {}
    for role, names in _role_names().items():
        rank = {name: number for number, name in enumerate(names)}
        fitting = [bone for bone in bones if plain(bone.name) in rank]
        if fitting:
            found[role] = min(fitting, key=lambda bone: (bone.held, rank[plain(bone.name)]))
    return found


def head_axes(bones: Sequence[RestBone], fallback: Floats = UPRIGHT) -> Floats:
    """How a character stands in its rest pose: (3, 3), columns left, up and forward of the head in armature space.

    Left is from right-hand bones to left-hand ones of the same name; up from the first bone to the head's; forward
    towards the eyes or the jaw where there are any. A mirrored character gets left-handed axes. Axes within 25 degrees
    of the armature's own are taken as these. fallback: the axes where the bones do not tell.
    """
    found = roles(bones)
    left = _sideways(bones)
    left = fallback[:, 0] if left is None else _snapped(left)
    up = _upwards(bones, found)
    up = fallback[:, 1] if up is None else _snapped(up)
    up = up - left * (left @ up)
    if np.linalg.norm(up) < 0.1:
        return fallback
    up = _snapped(up)
    forward = np.cross(left, up)
    eyes = [found[role].head for role in ("left_eye", "right_eye") if role in found]
    if len(eyes) == 2 and "head" in found:
        ahead = float((np.mean(eyes, axis=0) - found["head"].head) @ forward)
        if ahead < 0 and abs(ahead) > 0.05 * np.linalg.norm(eyes[0] - eyes[1]):
            forward = -forward
    return np.stack([left, up, forward], axis=1)


def eye_distance(bones: Sequence[RestBone]) -> float:
    """The unit of all moves, in the armature's: between the eyes, else guessed from neighbours; 0 if nothing tells."""
    found = roles(bones)
    if "left_eye" in found and "right_eye" in found:
        return float(np.linalg.norm(found["left_eye"].head - found["right_eye"].head))
    corners = {plain(bone.name): bone.head for bone in bones}
    for left, right in (("lipsl", "lipsr"), ("lipendl001", "lipendr001")):
        if left in corners and right in corners:
            # a mouth at rest is some four fifths as wide as the eyes are apart
            return float(np.linalg.norm(corners[left] - corners[right])) / 0.8
    return 0.0


def turn_in_armature(vectors: Floats, axes: Floats) -> Floats:
    """Rotation vectors (T, 3) of the head's frame in armature space; axial, so mirrored axes turn them over."""
    turned: Floats = np.sign(np.linalg.det(axes)) * (vectors @ axes.T)
    return turned


def _sideways(bones: Sequence[RestBone]) -> Floats | None:
    at = {plain(bone.name): bone.head for bone in bones}
    total = np.zeros(3)
    for bone in bones:
        name = plain(bone.name)
        for left, right in (("left", "right"), ("l", "r")):
            for other in _other_sides(bone.name, left, right):
                if other in at:
                    total += at[name] - at[other]
    length = np.linalg.norm(total)
    return total / length if length > 1e-6 else None


@lru_cache(maxsize=8192)
def _other_sides(name: str, left: str, right: str) -> tuple[str, ...]:
    """Plain names of a left bone's partner; empty for a bone that is not on the left."""
    words = name.rpartition(":")[2]
    found = []
    lower = words.lower()
    if len(left) > 1:
        if left in lower:
            found.append(plain(lower.replace(left, right)))
    else:
        if lower.startswith("l_") or lower.startswith("l."):
            found.append(plain("r" + lower[1:]))
        parts = lower.replace(".", "_").replace("-", "_").split("_")
        found += [plain("_".join([*parts[:at], right, *parts[at + 1 :]])) for at, p in enumerate(parts) if p == left]
    return tuple(dict.fromkeys(found))


def _upwards(bones: Sequence[RestBone], found: Mapping[str, RestBone]) -> Floats | None:
    if "head" not in found:
        return None
    by_name = {bone.name: bone for bone in bones}
    first = found["head"]
    while first.parent in by_name:
        first = by_name[first.parent]
    rise = found["head"].head - first.head
    length = np.linalg.norm(rise)
    return rise / length if length > 1e-6 else None


def _snapped(direction: Floats) -> Floats:
    """The nearest axis of the armature if it is within 25 degrees, else the direction itself at length 1."""
    direction = direction / np.linalg.norm(direction)
    axis = int(np.abs(direction).argmax())
    if abs(direction[axis]) < _SNAP:
        return direction
    return np.eye(3)[axis] * np.sign(direction[axis])


# --- rows -----------------------------------------------------------------------------------------------------------


def role_rows(bones: Sequence[RestBone], *, jaw_speaks: bool) -> list[Row]:
    """The rows of head, jaw and eyes. jaw_speaks: whether the jaw's bone opens the mouth, as no shape does."""
    found = roles(bones)
    rows = []
    if "head" in found:
        rows += [_turn(found["head"], axis, f"head_{axis}") for axis in "xyz"]
    if "jaw" in found:
        speech = f" + {JAW_OPEN} jawOpen - {JAW_OPEN} mouthClose", f" + {_JAW_ASIDE} jawLeft - {_JAW_ASIDE} jawRight"
        rows.append(_turn(found["jaw"], "x", "jaw_x" + speech[0] * jaw_speaks, low=0.0 if jaw_speaks else None))
        rows += [_turn(found["jaw"], "y", "jaw_y" + speech[1] * jaw_speaks), _turn(found["jaw"], "z", "jaw_z")]
    targets = _rigify_eye_targets(bones)
    for eye in ("left_eye", "right_eye"):
        if eye in targets:
            rows += targets[eye]
        elif eye in found:
            rows += [_turn(found[eye], axis, f"{eye}_{axis}") for axis in "xy"]
    return rows


def _turn(bone: RestBone, axis: str, sources: str, low: float | None = None) -> Row:
    turn: dict[str, Axis] = {"x": "turn_x", "y": "turn_y", "z": "turn_z"}
    return Row(bone.name, parse_sources(sources), turn[axis], low=low)


@cache
def _rigify_table() -> list[dict[str, str]]:
    with (Path(__file__).parent / "rigify.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def is_rigify(names: Iterable[str]) -> bool:
    """Whether a rig has the face controls that Rigify makes, of its old or its new face."""
    known = set(names)
    return {"lip.T", "lip.B", "jaw_master"} <= known


def _rigify_eye_targets(bones: Sequence[RestBone]) -> dict[str, list[Row]]:
    """Rows of what Rigify's eyes look at: whatever else is turned there, its eyeballs follow these bones alone."""
    at = {bone.name: bone.head for bone in bones}
    apart = eye_distance(bones)
    if not is_rigify(at) or not apart:
        return {}
    rows = {}
    for eye, side in (("left_eye", "L"), ("right_eye", "R")):
        target, ball = f"eye.{side}", f"ORG-eye.{side}"
        if target in at and ball in at:
            ahead = round(float(np.linalg.norm(at[target] - at[ball])) / apart, 3)
            rows[eye] = [
                Row(target, ((f"{eye}_y", ahead),), "move_x"),
                Row(target, ((f"{eye}_x", -ahead),), "move_y"),
            ]
    return rows


LIP_AT_OPEN = (-0.43, -0.22)
"""Where the default head's lower lip goes at jawOpen 1: up and forward, in distances between the eyes."""


def _rigify_jaw(bones: Sequence[RestBone]) -> list[Row]:
    """How the jaw slides as it opens, where its turn alone does not take the lower lip where it ought to go.

    Rigify's hinge stands as high as the eyes and not far behind them, so that the chin goes backward more than down.
    """
    at = {bone.name: bone.head for bone in bones}
    apart = eye_distance(bones)
    if not apart:
        return []
    _, up, ahead = (at["lip.B"] - at["jaw_master"]) @ head_axes(bones) / apart
    sine, cosine = np.sin(JAW_OPEN), np.cos(JAW_OPEN)
    turned = up * cosine - ahead * sine - up, ahead * cosine + up * sine - ahead
    rise, forward = (round(float(wanted - gone), 3) for wanted, gone in zip(LIP_AT_OPEN, turned, strict=True))
    return [
        Row("jaw_master", (("jawOpen", rise), ("mouthClose", -rise)), "move_y", high=0.0 if rise < 0 else None),
        Row("jaw_master", (("jawForward", _JAW_FORWARD), ("jawOpen", forward), ("mouthClose", -forward)), "move_z"),
    ]


def rigify_rows(bones: Sequence[RestBone]) -> list[Row]:
    """Rows of the jaw, lips, tongue, cheeks, lids and brows that a Rigify face has; it speaks by these."""
    known = {bone.name for bone in bones}
    rows = _rigify_jaw(bones)
    axes: dict[str, Axis] = {"move_x": "move_x", "move_y": "move_y", "move_z": "move_z"}
    for row in _rigify_table():
        bone = next((name for name in row["bones"].split() if name in known), None)
        if bone is not None:
            low, high = (float(row[end]) if row[end] else None for end in ("low", "high"))
            rows.append(Row(bone, parse_sources(row["sources"]), axes[row["axis"]], low=low, high=high))
    return rows

# SPDX-License-Identifier: GPL-3.0-or-later
"""Few editable keys in place of one a frame; how far they may be off is measured on the character's own mesh."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import bpy
import numpy as np
from bpy.props import FloatProperty
from numpy.typing import NDArray

from ..core.errors import InputError
from ..core.polish.key_reduction import LONGEST, Face, Reduction, lip_pairs, reduce_keys
from . import compat, edits, generation, keyframes, lines, mesh_points, operators, rigs
from .keys import Keys, together
from .line import Line, Written
from .plan import Character, outside
from .translations import told

BOUND = 0.3
"""How far a point of the face may be off, mm on a life-size head."""

_FACE_HEIGHT = 0.152
"""Metres between the highest and the lowest point that the shapes of the default head move by half."""
_LIFE_SIZE = (0.6, 1.7)
"""Faces this much smaller or larger than that are taken as they are; others stand for a life-size one."""
_GAZE_LEVER = 34.0
"""Millimetres that a turn of an eye by 1 rad counts for: 0.3 mm is half a degree, which is as much as people see."""
_TOUCHING = 1.0
_SOME = 500
"""Points that are watched on a face without shapes."""
_EYES = ("left_eye", "right_eye")
_BEZIER, _LINEAR, _ALIGNED = 2, 1, 3  # as .blend files number them

Floats = NDArray[np.float64]
Spans = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Report:
    """What came of it. worst: the greatest distance of a point, mm; edited: curves left alone, as they hold edits."""

    name: str
    before: int
    after: int
    worst: float
    bound: float
    edited: int

    def __str__(self) -> str:
        many = f"{self.edited} curves with your edits are" if self.edited > 1 else "1 curve with your edits is"
        left = f"; {many} left alone" if self.edited else ""
        return (
            f"'{self.name}': {self.before} keys became {self.after}, no point is off by more than "
            f"{self.worst:.2f} mm (bound {self.bound:g} mm){left}."
        )


@dataclass(frozen=True)
class _Curve:
    """One F-curve to be reduced. name: its label; owner: the datablock it moves."""

    owner: Any
    fcurve: compat.FCurve
    name: str
    keys: Keys


def reduce_character(item: bpy.types.Object, bound: float = BOUND, names: Collection[str] | None = None) -> Report:
    """Reduce the keys of a character's lines; curves that an artist has edited stay as they are.

    names: of the lines, None for all. They stay reduced when sliders move them or they are generated again. Raises
    InputError, nothing changed, when there are no keys or the bound is none.
    """
    character = rigs.describe(item)
    owners = keyframes.owners(character)
    keeper = next(iter(owners.values()))
    kept = [line for line in lines.load(keeper) if names is None or line.name in names]
    every = [curve for owner in owners.values() for curve in _curves_of(owner)]
    if not every:
        raise InputError(f"There are no keys of artalk on '{item.name}': generate first.")
    chosen = [curve for curve in every if not _is_edited(curve, kept)]
    spans = _spans(kept) or _runs(chosen)
    frames = _frames(spans)
    if not chosen or not len(frames):
        raise InputError(f"Every curve of '{item.name}' holds edits of yours, so its keys were left as they are.")
    values = np.array([[curve.fcurve.evaluate(frame) for curve in chosen] for frame in frames.tolist()], np.float64)
    reduced = reduce_keys(frames, values, _face(item, character, chosen), bound)
    after = 0
    for column, curve in enumerate(chosen):
        fresh = _keys(frames, values, reduced, column)
        beside = curve.keys.take(outside(curve.keys.frames, spans))
        keyframes.replace(curve.fcurve.keyframe_points, together([beside, fresh]))
        curve.fcurve.update()
        after += len(beside) + len(fresh)
    for owner in owners.values():
        owner.update_tag()
    if kept:
        lines.save(keeper, [replace(_as_written(line, chosen), bound=bound) for line in kept])
    edited = [curve for curve in every if curve not in chosen]
    left = sum(len(curve.keys) for curve in edited)
    before = sum(len(curve.keys) for curve in every)
    return Report(item.name, before, after + left, reduced.worst, bound, len(edited))


def again(item: bpy.types.Object, most: int | None = None) -> bool:
    """Reduce the lines that were reduced before and have been written anew, at most so many; whether any is left.

    A line whose every curve holds edits is left as it is.
    """
    loose = [line for line in lines.load(_keeper(item)) if line.is_loose]
    for line in loose[:most]:
        try:
            reduce_character(item, line.bound, {line.name})
        except InputError:
            lines.save(_keeper(item), [replace(line, bound=0.0)])
    return len(loose[:most]) < len(loose)


def _keeper(item: bpy.types.Object) -> Any:
    return next(iter(keyframes.owners(rigs.describe(item)).values()))


def _curves_of(owner: Any) -> list[_Curve]:
    mine = keyframes.owned(owner)
    named = ((keyframes.label(c.data_path, c.array_index), c) for c in compat.fcurves_of(owner))
    return [_Curve(owner, c, name, keyframes.read(c)) for name, c in named if name in mine and len(c.keyframe_points)]


def _is_edited(curve: _Curve, kept: Iterable[Line]) -> bool:
    """Whether an artist has changed a curve, or put a modifier on it."""
    for line in kept:
        base = line.written.get(curve.name)
        if base and edits.find(curve.keys.take(~outside(curve.keys.frames, base.spans)), base.keys) is not None:
            return True
    return len(curve.fcurve.modifiers) > 0


def _spans(kept: Iterable[Line]) -> Spans:
    """The stretches of frames that lines have keys in, in the order of time, none of which touches another."""
    merged: list[tuple[float, float]] = []
    for first, last in sorted({span for line in kept for base in line.written.values() for span in base.spans}):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], last))
        else:
            merged.append((first, last))
    return tuple(merged)


def _runs(chosen: Sequence[_Curve]) -> Spans:
    """The same from the keys alone: a longer pause than reduced keys ever have lies between two lines."""
    if not chosen:
        return ()
    at = np.unique(np.concatenate([curve.keys.frames for curve in chosen]))
    cuts = np.flatnonzero(np.diff(at) > LONGEST)
    starts, stops = np.concatenate([[0], cuts + 1]), np.concatenate([cuts, [len(at) - 1]])
    return tuple((float(at[a]), float(at[b])) for a, b in zip(starts, stops, strict=True))


def _frames(spans: Spans) -> NDArray[np.int64]:
    whole = [np.arange(np.ceil(first), np.floor(last) + 1) for first, last in spans]
    return np.unique(np.concatenate(whole)).astype(np.int64) if whole else np.zeros(0, np.int64)


def _keys(frames: NDArray[np.int64], values: Floats, reduced: Reduction, column: int) -> Keys:
    """The keys of one curve; handles reach a third of the way, so that Blender draws exactly the cubic meant."""
    at = np.flatnonzero(reduced.kept[:, column])
    x, y, slope = frames[at].astype(np.float64), values[at, column], reduced.slopes[at, column]
    length = np.diff(x)
    after = np.append(length, length[-1:] if len(length) else [1.0]) / 3
    before = np.insert(length, 0, length[0] if len(length) else 1.0) / 3
    # what follows the last one is of another line, or nothing
    straight = reduced.straight[at] | (at == len(frames) - 1)
    keys = Keys.plain(x.astype(np.float32), y.astype(np.float32)).copy()
    keys.numbers["handle_left"][:] = np.stack([x - before, y - before * slope], axis=1)
    keys.numbers["handle_right"][:] = np.stack([x + after, y + after * slope], axis=1)
    keys.numbers["interpolation"][:, 0] = np.where(straight, _LINEAR, _BEZIER)
    for side in ("left", "right"):
        keys.numbers[f"handle_{side}_type"][:] = _ALIGNED
    return keys


def _as_written(line: Line, chosen: Iterable[_Curve]) -> Line:
    """The line with the reduced keys as those that artalk wrote: only what changes from now on is an edit."""
    written = dict(line.written)
    spans = _spans([line])
    for curve in chosen:
        if curve.name in written:
            now = keyframes.read(curve.fcurve)
            written[curve.name] = Written(now.take(~outside(now.frames, spans)), spans)
    return replace(line, written=written)


# --- the face -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Mesh:
    """The character's mesh at rest: points (V, 3), by how much each keyed shape moves them, mm in a unit."""

    item: Any
    character: Character
    rest: Floats
    moved: dict[str, Floats]
    mm: float


def _face(item: Any, character: Character, chosen: Sequence[_Curve]) -> Face:
    """What the curves do to lips, to the point that each shape moves most, to head and gaze, in mm."""
    keys = item.data.shape_keys
    rest = (mesh_points.of_shape(keys.reference_key) if keys else mesh_points.of_mesh(item.data)).astype(np.float64)
    shapes = {keyframes.quoted(curve.name): column for column, curve in enumerate(chosen) if curve.owner == keys}
    moved = {name: mesh_points.of_shape(keys.key_blocks[name]) - rest for name in shapes if name in keys.key_blocks}
    mesh = _Mesh(item, character, rest, moved, _mm_per_unit(item, rest, moved.values()))
    tops = {int(np.linalg.norm(shift, axis=1).argmax()) for shift in moved.values()}
    watched = np.array(sorted({*_lips(mesh).tolist(), *tops}), np.int64)
    turned = {column: keyframes.quoted(curve.name) for column, curve in enumerate(chosen) if curve.owner != keys}
    bones = list(dict.fromkeys(turned.values()))
    shifts = np.zeros((len(chosen), len(watched) + len(bones), 3))
    levers = np.zeros(shifts.shape[:2])
    for name, shift in moved.items():
        shifts[shapes[name], : len(watched)] = mesh.mm * shift[watched]
    for column, bone in turned.items():
        reach = _levers(mesh, chosen[column], watched)
        if _role(character, bone) in {"head", *_EYES}:
            # the lips go along with the head and never with the eyes: these turns are held to the bound by themselves
            levers[column, len(watched) + bones.index(bone)] = reach.max(initial=0)
        else:
            levers[column, : len(watched)] = reach
    # where the jaw is a bone, its turn is not in the gaps, so closures are kept by the bound alone
    by_jaw = any(_role(character, bone) == "jaw" for bone in bones)
    pairs, ways = (np.zeros((0, 2), np.int64), np.zeros((0, 3))) if by_jaw else _lip_pairs(mesh)

    def apart(points: Floats) -> Floats:
        return mesh.mm * ways @ (points[pairs[:, 0]] - points[pairs[:, 1]]).T

    gaps = np.zeros((len(chosen), len(ways), len(pairs)))
    for name, shift in moved.items():
        gaps[shapes[name]] = apart(shift)
    return Face(shifts, levers, gaps, apart(rest))


def _mm_per_unit(item: Any, rest: Floats, moved: Iterable[Floats]) -> float:
    """Millimetres in a unit of the mesh; a giant or a doll counts as if it were life-size."""
    metres = float(np.mean(np.abs(item.matrix_world.to_scale()))) * compat.scene(bpy.context).unit_settings.scale_length
    far = np.zeros(len(rest), bool)
    for shift in moved:
        far |= _by_more_than(shift, 0.5)
    height = float(np.ptp(rest[far], axis=0).max()) if far.any() else 0.0
    if height and not _LIFE_SIZE[0] < height * metres / _FACE_HEIGHT < _LIFE_SIZE[1]:
        metres = _FACE_HEIGHT / height
    return 1000 * metres


def _by_more_than(shift: Floats, share: float) -> NDArray[np.bool_]:
    """Which points (V,) a shape moves by more than a share of what it moves any."""
    distance = np.linalg.norm(shift, axis=1)
    moves: NDArray[np.bool_] = distance > share * max(float(distance.max()), 1e-12)
    return moves


def _lips(mesh: _Mesh) -> NDArray[np.int64]:
    """The points that a shape of the mouth moves by half of what it moves any; some of all, where bones move it."""
    if not mesh.moved:
        return np.arange(0, len(mesh.rest), max(1, len(mesh.rest) // _SOME))
    mouth = {key for channel, key in mesh.character.shapes.items() if channel.startswith("mouth")} or set(mesh.moved)
    found = np.zeros(len(mesh.rest), bool)
    for name in mouth & mesh.moved.keys():
        found |= _by_more_than(mesh.moved[name], 0.5)
    return np.flatnonzero(found)


def _lip_pairs(mesh: _Mesh) -> tuple[NDArray[np.int64], Floats]:
    """Points (Q, 2) of upper and lower lip that touch at rest, and the ways (D, 3) in which these part.

    Jaws open downwards and back, lips upwards and downwards: what is shut on one of the ways need not be on the other.
    """

    def of(word: str) -> tuple[Floats, Floats]:
        named = {key for channel, key in mesh.character.shapes.items() if channel.startswith(word)}
        shift = sum((mesh.moved[key] for key in named & mesh.moved.keys()), np.zeros_like(mesh.rest))
        distance = np.linalg.norm(shift, axis=1)
        return shift, distance / max(float(distance.max()), 1e-12)

    (raised, by_upper), (lowered, by_lower) = of("mouthUpperUp"), of("mouthLowerDown")
    upper, lower = (by_upper > 0.2) & (by_upper > by_lower), (by_lower > 0.2) & (by_lower > by_upper)
    jaw = mesh.moved.get(mesh.character.shapes.get("jawOpen", ""))
    if jaw is None or not upper.any() or not lower.any():
        return np.zeros((0, 2), np.int64), np.zeros((0, 3))
    pairs = lip_pairs(mesh.mm * mesh.rest, np.flatnonzero(upper).tolist(), np.flatnonzero(lower).tolist(), _TOUCHING)
    ways = [jaw[upper].mean(axis=0) - jaw[lower].mean(axis=0), raised[upper].mean(axis=0) - lowered[lower].mean(axis=0)]
    return pairs, np.array([way / max(float(np.linalg.norm(way)), 1e-12) for way in ways])


def _role(character: Character, bone: str) -> str:
    """What a bone is to the character; empty for one of no known role."""
    return next((role for role, known in character.bones.items() if known.name == bone), "")


def _levers(mesh: _Mesh, curve: _Curve, watched: NDArray[np.int64]) -> Floats:
    """How far at most each watched point (P,) goes for a unit of a bone's curve, mm."""
    bone = curve.owner.data.bones.get(keyframes.quoted(curve.name))
    role = _role(mesh.character, keyframes.quoted(curve.name))
    if bone is None:
        return np.zeros(len(watched))
    pivot = np.array(mesh.item.matrix_world.inverted() @ curve.owner.matrix_world @ bone.head_local)
    if ".location" in curve.name:
        reach = np.full(len(watched), mesh.mm)
    elif role in _EYES:
        reach = np.full(len(watched), _GAZE_LEVER)
    else:
        reach = mesh.mm * np.linalg.norm(mesh.rest[watched] - pivot, axis=1)
    if role not in {"head", *_EYES}:
        reach = reach * _weights(mesh.item, watched, {bone.name, *(child.name for child in bone.children_recursive)})
    return reach * _sensitivity(curve.name)


def _weights(item: Any, watched: NDArray[np.int64], bones: set[str]) -> Floats:
    """The share (P,) of some bones in moving the watched points."""
    groups = {group.index for group in item.vertex_groups if group.name in bones}
    weights = [
        sum(entry.weight for entry in item.data.vertices[point].groups if entry.group in groups)
        for point in watched.tolist()
    ]
    return np.minimum(np.array(weights, np.float64), 1.0)


def _sensitivity(name: str) -> float:
    """Radians of turn for a unit of a curve: half-angles in quaternions, and an axis counts by its angle."""
    if ".rotation_quaternion" in name:
        return 2.0
    if ".rotation_axis_angle" in name and not name.endswith("[0]"):
        return float(np.pi)
    return 1.0


# --- the button -----------------------------------------------------------------------------------------------------

Result = Any  # the stubs' set of literals differs from version to version


class ARTALK_OT_reduce(bpy.types.Operator):
    """Keep only the keys that are needed, so that the speech can be edited by hand; undo brings all of them back"""

    bl_idname = "artalk.reduce"
    bl_label = "Reduce Keys"
    bl_options = {"REGISTER", "UNDO"}

    bound: FloatProperty(
        name="Bound (mm)",
        description="How far a point of the face may be off, on a life-size head",
        default=BOUND,
        min=0.01,
        soft_max=2.0,
        precision=2,
    )

    def execute(self, context: bpy.types.Context) -> Result:
        """Reduce the panel's character, and say by how much."""
        try:
            item = operators.character_of(context, compat.sequencer_scene(context))
            report = reduce_character(item, self.bound)
        except InputError as error:
            self.report({"ERROR"}, told(error))
            return {"CANCELLED"}
        scene = compat.scene(context)
        scene.frame_set(scene.frame_current)
        self.report({"INFO"}, told(report))
        return {"FINISHED"}


class ARTALK_OT_loosen(bpy.types.Operator):
    """Give reduced speech one key a frame again; your edits stay"""

    bl_idname = "artalk.loosen"
    bl_label = "One Key a Frame"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> Result:
        """Do so for the panel's character, and say for how many lines."""
        try:
            item = operators.character_of(context, compat.sequencer_scene(context))
            count = generation.loosen(item)
            if count == 0:
                raise InputError(f"No line of '{item.name}' is reduced: there is one key a frame already.")
        except InputError as error:
            self.report({"ERROR"}, told(error))
            return {"CANCELLED"}
        self.report({"INFO"}, told(f"{count} line{'s' if count != 1 else ''} of '{item.name}' with one key a frame."))
        return {"FINISHED"}


register, unregister = bpy.utils.register_classes_factory((ARTALK_OT_reduce, ARTALK_OT_loosen))

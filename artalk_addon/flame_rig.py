# SPDX-License-Identifier: GPL-3.0-or-later
"""FLAME in Blender: a mesh, an armature and drivers that together are FLAME's forward pass.

Blender's own shape keys and skinning do most of it. Two things they cannot do alone, and simple-expression drivers do,
which are evaluated without Python and so also where scripts are disabled:

- Pose correctives are linear in the entries of R - I of a joint: one shape key for each entry, its value a quadratic of
  the bone's quaternion.
- FLAME's joints are regressed from the shaped face, so an expression moves them, while Blender's resting bones stay
  where they are. So every joint has two bones: one that turns and is moved by d, as its joint is, and one inside it
  that skins, turns with it and is moved back by -d. d is a weighted sum of all shape keys, too long for the expression
  of one driver, so in partial sums.
"""

from __future__ import annotations

import hashlib
import json
import re
import string
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..core.basis import ARKIT, FLAME, Basis
from ..core.errors import InputError
from ..core.heads import flame
from ..core.heads.flame import JOINTS, PARENTS, FlameModel
from ..core.heads.flame_basis import BasisChange, change, require_basis, require_head, require_own
from ..core.heads.flame_files import read_flame
from ..core.motion import Motion
from ..core.retarget.bases import model_of_file
from ..core.retarget.flame_fit import FlameFit, fit
from ..core.retarget.flame_shapes import FlameShapes
from . import compat, mesh_points
from .plan import HEAD_TO_ARMATURE, Bone, Character

INFO = "artalk_flame"
"""Custom property of a mesh: the JSON of its FlameInfo."""

_ROLES = {"head": "root", "jaw": "jaw", "left_eye": "left_eye", "right_eye": "right_eye"}
_BONE_LENGTH = {"root": 0.1, "neck": 0.1, "jaw": 0.08, "left_eye": 0.04, "right_eye": 0.04}
_UPRIGHT = ("root", "neck")
_LETTERS = string.ascii_letters
_TERMS = string.ascii_lowercase  # a driver's expression holds 255 letters: room for so many weighted terms
_SCALE = 9999  # the largest whole number that stands for a weight
_LIMIT = 10.0  # the widest range that Blender gives a shape key
_EYE_SHARE = 0.99

_TURNS = {
    (0, 0): "-2*(y*y+z*z)", (0, 1): "2*(x*y-w*z)", (0, 2): "2*(x*z+w*y)",
    (1, 0): "2*(x*y+w*z)", (1, 1): "-2*(x*x+z*z)", (1, 2): "2*(y*z-w*x)",
    (2, 0): "2*(x*z-w*y)", (2, 1): "2*(y*z+w*x)", (2, 2): "-2*(x*x+y*y)",
}  # fmt: skip
"""The entries of R - I of a unit quaternion."""


@dataclass(frozen=True)
class FlameInfo:
    """What is known of a FLAME mesh; empty where artalk did not import it from a file.

    fingerprint: of its expression basis; file, sha256: name of its file and what that held
    """

    fingerprint: str = ""
    file: str = ""
    sha256: str = ""


def is_flame(item: bpy.types.Object) -> bool:
    """Whether an object is a mesh with FLAME's expressions as shape keys."""
    keys = getattr(item.data, "shape_keys", None)
    return item.type == "MESH" and keys is not None and "exp001" in expression_table(keys.key_blocks.keys())


def expression_table(names: Iterable[str]) -> dict[str, str]:
    """Channel -> shape key for the FLAME expressions among `names`: Exp001, exp1, EXP_12 and so on."""
    found: dict[str, str] = {}
    for name in names:
        if match := re.fullmatch(r"exp[ _]?0*([1-9]\d{0,2})", name, re.IGNORECASE):
            found.setdefault(f"exp{int(match[1]):03d}", name)
    return dict(sorted(found.items()))


def info(item: bpy.types.Object) -> FlameInfo:
    """What the import noted on a mesh."""
    mesh: Any = item.data
    return FlameInfo(**json.loads(mesh[INFO])) if INFO in mesh else FlameInfo()


def describe(item: bpy.types.Object, armature: Any, axes: NDArray[np.float64]) -> Character:
    """A FLAME head as plain data: its expressions, and its bones under FLAME's names, all turning about the root.

    axes: as in Character.
    """
    bones = {}
    for role, name in _ROLES.items():
        if armature and name in armature.pose.bones:
            bone = armature.pose.bones[name]
            bones[role] = Bone(name, np.array(bone.bone.matrix_local.to_3x3()), bone.rotation_mode)
    return Character(
        name=item.name,
        mesh=item.session_uid,
        shapes=expression_table(_keys_of(item).key_blocks.keys()),
        armature=armature.session_uid if armature else None,
        bones=bones,
        axes=axes,
        basis=FLAME.name,
    )


def require_fit(character: Character, weights: Path | None, own: Path | None) -> None:
    """Raise InputError when a FLAME head lacks expressions that a model of FLAME motion moves, or is another FLAME.

    weights: the model's; own: the FLAME file that they are meant for, by which their motion is fitted to this head.
    """
    wanted = [channel for channel in FLAME.channels if channel.startswith("exp")]
    if missing := [channel for channel in wanted if channel not in character.shapes]:
        raise InputError(
            f"'{character.name}' has {len(wanted) - len(missing)} of the {len(wanted)} expressions that the model "
            "moves: import a FLAME file with all of them."
        )
    head = flame.fingerprint(model_of_file(own)) if own else info(_object(character.mesh)).fingerprint
    require_basis(character.name, head, weights)


def require_no_other(character: Character, own: Path | None) -> None:
    """Raise InputError when a FLAME file is chosen that is another version than the head, which ARKit motion moves."""
    head = info(_object(character.mesh)).fingerprint
    if own and head and (other := flame.fingerprint(model_of_file(own))) != head:
        raise InputError(
            f"The FLAME File '{own.name}' is another version of FLAME than '{character.name}' (basis {other}, not "
            f"{head}), and this model needs none: clear FLAME File, or choose the file that the head was made from."
        )


def taking(basis: Basis, character: Character, own: Path | None) -> Callable[[Motion], Motion]:
    """What turns motion into what a character takes: for a FLAME head, ARKit's is fitted to it, as is another FLAME's.

    It touches nothing of Blender, so any thread may call it; it raises InputError for motion of yet another FLAME.
    basis: of the motion; own: the FLAME file that FLAME motion is meant for; None: this head's
    Raises InputError as `fit_of` does.
    """
    if character.basis != FLAME.name:
        return _as_it_is
    item = _object(character.mesh)
    if basis == ARKIT:
        return partial(_fitted, fit_of(item))
    known = info(item).fingerprint
    if own is None:
        return partial(_of_this_head, known, item.name)
    meant = flame.fingerprint(model_of_file(own))
    other = known and meant != known
    change = _change_of(own, own.stat().st_mtime_ns, item.session_uid, known) if other else None
    return partial(_of_another, meant, own, change)


def _fitted(found: Callable[[], FlameFit], motion: Motion) -> Motion:
    return found().to_flame(motion, eyes=True)


def _as_it_is(motion: Motion) -> Motion:
    return motion


def _of_this_head(known: str, name: str, motion: Motion) -> Motion:
    require_head(motion, known, name)
    return motion


def _of_another(meant: str, own: Path, change: BasisChange | None, motion: Motion) -> Motion:
    require_own(motion, meant, own)
    return change.of(motion) if change else motion


def fit_of(item: bpy.types.Object) -> Callable[[], FlameFit]:
    """What gives the fit that turns ARKit motion into this head's, kept until its mesh changes.

    The fit takes long the first time, and any thread may ask for it, as the mesh is read here. Raises InputError for a
    head without jaw or eyes.
    """
    keys = _keys_of(item)
    # reading all of the mesh takes longer than a slider may
    return _kept_fit(
        item.session_uid, mesh_points.of_shape(keys.reference_key).tobytes(), tuple(keys.key_blocks.keys())
    )


def shapes_of(item: bpy.types.Object) -> FlameShapes:
    """A FLAME head's shapes, weights and joints, read from its mesh and armature, in FLAME's axes.

    Raises InputError when it has no bones for jaw and eyes, or its mesh hangs on none of them.
    """
    armature: Any = next((m.object for m in _modifiers(item) if m.type == "ARMATURE" and m.object), item.parent)
    bones = armature.data.bones if armature is not None and armature.type == "ARMATURE" else {}
    groups = {group.name: group.index for group in item.vertex_groups}
    skins = [next((n for n in (f"{joint}_skin", joint) if n in groups), "") for joint in JOINTS]
    if not all(joint in bones for joint in _MOVED) or not all(skins[JOINTS.index(joint)] for joint in _MOVED):
        raise InputError(
            f"'{item.name}' has no bones jaw, left_eye and right_eye that move its mesh, which ARKit motion needs: "
            "import your FLAME file with Import FLAME Head."
        )
    keys = _keys_of(item)
    mesh: Any = item.data
    table = expression_table(keys.key_blocks.keys())
    rest = _positions(keys.reference_key)
    into_mesh = item.matrix_world.inverted_safe() @ armature.matrix_world
    heads = [into_mesh @ bones[joint].head_local if joint in bones else (0, 0, 0) for joint in JOINTS]
    corners = np.empty(3 * len(mesh.loop_triangles or _triangulated(mesh)), np.int32)
    mesh.loop_triangles.foreach_get("vertices", corners)
    return FlameShapes(
        _to_flame(rest),
        corners.reshape(-1, 3).astype(np.int64),
        np.stack([_to_flame(_positions(keys.key_blocks[name]) - rest) for name in table.values()], axis=2),
        _skin_weights(mesh, [groups.get(name, -1) for name in skins]),
        np.stack([_bend(keys, rest, row, column) for row in range(3) for column in range(3)], axis=2),
        _to_flame(np.array(heads)),
    )


def import_head(
    context: bpy.types.Context,
    model: FlameModel,
    name: str = "FLAME head",
    *,
    betas: ArrayLike = (),
    keep_identity: bool = False,
    location: Sequence[float] = (0.0, 0.0, 0.0),
) -> bpy.types.Object:
    """Make a FLAME head, mesh and armature, in the active collection; returns the mesh, active and selected.

    It faces -Y with Z up; `location` is where FLAME's origin comes to lie.
    betas: the identity, baked into the mesh, or with `keep_identity` kept as shape keys Shape001 and so on with these
           values; source: name of the file, to be noted. Raises InputError when the file has no faces or fewer shapes.
    """
    if not len(model.faces):
        raise InputError("This FLAME file has no faces, so no mesh can be made: give FLAME's own file.")
    identity = np.asarray(betas, np.float32)
    kept = len(identity) if keep_identity else 0
    whole = flame.with_identity(model, identity)
    base = model if keep_identity else whole
    if context.object is not None and context.object.mode != "OBJECT":
        bpy.ops.object.mode_set(mode="OBJECT")
    armature = _make_armature(context, base, name)
    mesh = _make_mesh(base, name, identity[:kept].tolist())
    _note(mesh, FlameInfo(flame.fingerprint(model)))
    context.collection.objects.link(mesh)
    armature.location = location
    mesh.parent = armature
    _skin(mesh, armature, base.weights)
    _drive_correctives(mesh, armature, base)
    _drive_joints(mesh, armature, base, kept)
    _select_only(context, mesh)
    return mesh


def import_file(context: bpy.types.Context, path: Path, **choices: Any) -> bpy.types.Object:
    """Make a FLAME head from a file; choices as for `import_head`. InputError for whatever is wrong with the file."""
    head = import_head(context, read_flame(path), **choices)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    _note(head, FlameInfo(info(head).fingerprint, path.name, digest))
    return head


def _note(head: bpy.types.Object, known: FlameInfo) -> None:
    mesh: Any = head.data
    mesh[INFO] = json.dumps(asdict(known))


_MOVED = ("jaw", "left_eye", "right_eye")


@lru_cache(maxsize=4)
def _kept_fit(head: int, _rest: bytes, _names: tuple[str, ...]) -> Callable[[], FlameFit]:
    return cache(partial(fit, shapes_of(_object(head))))


@lru_cache(maxsize=2)
def _change_of(own: Path, _stamp: int, head: int, _fingerprint: str) -> BasisChange:
    return change(model_of_file(own).expressions, shapes_of(_object(head)).expressions)


def _object(session_uid: int) -> bpy.types.Object:
    return next(item for item in bpy.data.objects if item.session_uid == session_uid)


def _modifiers(item: bpy.types.Object) -> list[Any]:
    return list(item.modifiers)


def _triangulated(mesh: Any) -> Any:
    mesh.calc_loop_triangles()
    return mesh.loop_triangles


def _positions(key: Any) -> NDArray[np.float64]:
    return mesh_points.of_shape(key).astype(np.float64)


def _to_flame(points: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.ascontiguousarray(points @ HEAD_TO_ARMATURE)


def _bend(keys: Any, rest: NDArray[np.float64], row: int, column: int) -> NDArray[np.float64]:
    """What entry (row, column) of R - I of the jaw does, (V, 3)."""
    name = _corrective_name(JOINTS.index("jaw"), row, column)
    key = keys.key_blocks.get(name)
    return _to_flame(_positions(key) - rest) if key else np.zeros_like(rest)


def _skin_weights(mesh: Any, groups: Sequence[int]) -> NDArray[np.float64]:
    """(V, 5) from vertex groups; -1 for a joint that has none."""
    place = {group: joint for joint, group in enumerate(groups) if group >= 0}
    weights = np.zeros((len(mesh.vertices), len(groups)))
    for vertex in mesh.vertices:
        for member in vertex.groups:
            if member.group in place:
                weights[vertex.index, place[member.group]] = member.weight
    return weights


# --- mesh -----------------------------------------------------------------------------------------------------------


def _make_mesh(model: FlameModel, name: str, identity: Sequence[float]) -> bpy.types.Object:
    mesh = bpy.data.meshes.new(name)
    rest = _to_blender(model.template)
    mesh.from_pydata(rest.tolist(), [], model.faces.tolist())
    mesh.shade_smooth()
    if model.uv is not None:
        layer = mesh.uv_layers.new(name="UVMap")
        layer.data.foreach_set("uv", np.ascontiguousarray(model.uv, np.float32).ravel())
    _add_materials(mesh, model)
    item = bpy.data.objects.new(name, mesh)
    item.shape_key_add(name="Basis", from_mix=False)
    for number, value in enumerate(identity):
        _add_key(item, f"Shape{number + 1:03d}", rest, model.identities[:, :, number], _LIMIT).value = value
    for number in range(model.expressions.shape[2]):
        _add_key(item, f"Exp{number + 1:03d}", rest, model.expressions[:, :, number], _LIMIT)
    for joint, row, column in _correctives(model):
        shape = model.correctives[:, :, 9 * (joint - 1) + 3 * row + column]
        _add_key(item, _corrective_name(joint, row, column), rest, shape, 2.0)
    return item


def _add_key(
    item: bpy.types.Object, name: str, rest: NDArray[np.float32], shape: NDArray[np.float32], limit: float
) -> bpy.types.ShapeKey:
    key = item.shape_key_add(name=name, from_mix=False)
    key.slider_min, key.slider_max = -limit, limit
    key.value = 0.0  # some versions make it with 1
    mesh_points.set_shape(key, rest + _to_blender(shape))
    return key


def _add_materials(mesh: bpy.types.Mesh, model: FlameModel) -> None:
    """Skin, and eyes where faces hang on the eye joints alone."""
    on_eyes = model.weights[:, [JOINTS.index("left_eye"), JOINTS.index("right_eye")]].sum(1) > _EYE_SHARE
    eyes = on_eyes[model.faces].all(1)
    mesh.materials.append(_make_material("FLAME skin", (0.8, 0.58, 0.48), 0.5))
    if eyes.any():
        mesh.materials.append(_make_material("FLAME eyes", (0.85, 0.85, 0.85), 0.15))
        mesh.polygons.foreach_set("material_index", eyes.astype(np.int32))


def _make_material(name: str, colour: tuple[float, float, float], roughness: float) -> bpy.types.Material:
    material: Any = bpy.data.materials.new(name)
    material.diffuse_color = (*colour, 1.0)
    shader = next(node for node in compat.give_nodes(material).nodes if node.type == "BSDF_PRINCIPLED")
    inputs: Any = shader.inputs
    inputs["Base Color"].default_value = (*colour, 1.0)
    inputs["Roughness"].default_value = roughness
    return material


def _skin(mesh: bpy.types.Object, armature: bpy.types.Object, weights: NDArray[np.float32]) -> None:
    """The file's own weights to the last bit, and an armature that skins linearly."""
    for joint in range(len(JOINTS)):
        group = mesh.vertex_groups.new(name=_skin_name(joint))
        values, which = np.unique(weights[:, joint], return_inverse=True)
        order = np.argsort(which, kind="stable")
        for value, members in zip(values, np.split(order, np.cumsum(np.bincount(which))[:-1]), strict=True):
            if value > 0:
                group.add(members.tolist(), float(value), "REPLACE")
    deform: Any = mesh.modifiers.new("Armature", "ARMATURE")
    deform.object = armature
    deform.use_deform_preserve_volume = False


def _to_blender(points: NDArray[np.float32]) -> NDArray[np.float32]:
    return points @ HEAD_TO_ARMATURE.T.astype(np.float32)


# --- armature -------------------------------------------------------------------------------------------------------


def _make_armature(context: bpy.types.Context, model: FlameModel, name: str) -> Any:
    data = bpy.data.armatures.new(f"{name} rig")
    data.display_type = "STICK"
    armature: Any = bpy.data.objects.new(f"{name} rig", data)
    armature.show_in_front = True
    context.collection.objects.link(armature)
    _select_only(context, armature)
    bpy.ops.object.mode_set(mode="EDIT")
    pivots = _to_blender(model.regressor @ model.template)
    skinning = data.collections.new("skinning")
    for joint, bone_name in enumerate(JOINTS):
        turning = _add_bone(data, bone_name, bone_name, pivots[joint])
        turning.use_deform = False
        if PARENTS[joint] >= 0:
            turning.parent = data.edit_bones[JOINTS[PARENTS[joint]]]
        inner = _add_bone(data, _skin_name(joint), bone_name, pivots[joint])
        inner.parent = turning
        skinning.assign(inner)
    skinning.is_visible = False
    bpy.ops.object.mode_set(mode="OBJECT")
    for bone in armature.pose.bones:
        bone.rotation_mode = "QUATERNION"
        bone.lock_location = (True, True, True)
    return armature


def _add_bone(data: Any, name: str, joint: str, pivot: NDArray[np.float32]) -> Any:
    """A bone along one of the axes, so that turns and moves along FLAME's axes are exact in its own."""
    bone = data.edit_bones.new(name)
    upright = joint in _UPRIGHT
    bone.head = pivot.tolist()
    bone.tail = (pivot + np.multiply((0, 0, 1) if upright else (0, -1, 0), _BONE_LENGTH[joint])).tolist()
    if not upright:
        bone.align_roll((0.0, 0.0, 1.0))
    return bone


def _skin_name(joint: int) -> str:
    return f"{JOINTS[joint]}_skin"


def _select_only(context: bpy.types.Context, item: bpy.types.Object) -> None:
    for other in context.view_layer.objects:
        other.select_set(False)
    item.select_set(True)
    context.view_layer.objects.active = item


def _axes(armature: Any, joint: int) -> NDArray[np.float64]:
    """FLAME's axes in a bone's own, (3, 3): a bone's numbers = axes @ FLAME's. Exact, as bones lie along the axes."""
    rest = np.array(armature.data.bones[JOINTS[joint]].matrix_local.to_3x3())
    return np.round(rest.T @ HEAD_TO_ARMATURE)


# --- drivers --------------------------------------------------------------------------------------------------------


def _correctives(model: FlameModel) -> list[tuple[int, int, int]]:
    """Joint, row and column of the correctives that do anything."""
    used = np.any(model.correctives.reshape(-1, 36), axis=0).reshape(-1, 3, 3)
    return [(int(joint) + 1, int(row), int(column)) for joint, row, column in np.argwhere(used)]


def _corrective_name(joint: int, row: int, column: int) -> str:
    return f"Pose {JOINTS[joint]} {row + 1}{column + 1}"


def _drive_correctives(mesh: bpy.types.Object, armature: Any, model: FlameModel) -> None:
    """R - I in FLAME's axes from the bone's quaternion as it is evaluated, so in every rotation mode."""
    keys = _keys_of(mesh)
    for joint, row, column in _correctives(model):
        axes = _axes(armature, joint)
        # entry (row, column) of axes.T R axes, where every row of the axes has one entry, 1 or -1
        own_row, own_column = int(np.abs(axes[:, row]).argmax()), int(np.abs(axes[:, column]).argmax())
        sign = axes[own_row, row] * axes[own_column, column]
        expression = _TURNS[own_row, own_column]
        key = keys.key_blocks[_corrective_name(joint, row, column)]
        driver = _driver(key, "value", -1, expression if sign > 0 else f"-({expression})")
        for part in (part for part in "wxyz" if part in expression):
            variable = driver.variables.new()
            variable.name, variable.type = part, "TRANSFORMS"
            target = variable.targets[0]
            target.id, target.bone_target = armature, JOINTS[joint]
            target.transform_type, target.transform_space = f"ROT_{part.upper()}", "LOCAL_SPACE"
            target.rotation_mode = "QUATERNION"


def _drive_joints(mesh: bpy.types.Object, armature: Any, model: FlameModel, kept: int) -> None:
    """The locations of the bones from the shape keys that move their joints."""
    keys = _keys_of(mesh)
    shapes = np.concatenate([model.identities[:, :, :kept], model.expressions], axis=2)
    names = [key.name for key in keys.key_blocks[1 : 1 + shapes.shape[2]]]
    moved = HEAD_TO_ARMATURE @ np.einsum("jv,vck->jck", model.regressor.astype(np.float64), shapes)
    terms = [slice(first, first + len(_TERMS)) for first in range(0, len(names), len(_TERMS))]
    for joint in range(len(JOINTS)):
        for axis in range(3):
            for part, these in enumerate(terms):
                _drive_sum(keys, _part(joint, axis, part), names[these], moved[joint, axis, these])
    for joint in range(len(JOINTS)):
        _drive_locations(keys, armature, joint, len(terms))


def _part(joint: int, axis: int, part: int) -> str:
    """Name of the property that holds a partial sum: how far some of the keys move a joint along an axis of Blender's.

    Properties of one number each: drivers of the elements of one array overwrite one another's when run in parallel.
    They are with the shape keys, where they are in nobody's way.
    """
    return f"{JOINTS[joint]} {'xyz'[axis]} {part + 1}"


def _drive_sum(keys: Any, name: str, shapes: Sequence[str], weights: NDArray[np.float64]) -> None:
    """One partial sum of shape key values times weights. Whole numbers keep the expression short."""
    scale = float(np.abs(weights).max()) / _SCALE
    whole = np.round(weights / scale).astype(int) if scale > 0 else np.zeros(len(weights), int)
    used = [(letter, shape, weight) for letter, shape, weight in zip(_TERMS, shapes, whole, strict=False) if weight]
    expression = "".join(f"{weight:+d}*{letter}" for letter, _, weight in used) or "0"
    keys[name] = 0.0
    driver = _driver(keys, f'["{name}"]', -1, f"{scale:.6g}*({expression})")
    _add_variables(driver, keys, {letter: f'key_blocks["{shape}"].value' for letter, shape, _ in used})


def _drive_locations(keys: Any, armature: Any, joint: int, parts: int) -> None:
    """The turning bone follows its joint away from its parent's, the skinning bone in it goes back all the way."""
    parent = PARENTS[joint]
    for name, sign, relative in ((JOINTS[joint], 1, parent), (_skin_name(joint), -1, -1)):
        bone = armature.pose.bones[name]
        axes = np.round(np.array(bone.bone.matrix_local.to_3x3()).T) * sign
        for axis in range(3):
            # every row has one entry, 1 or -1
            source = int(np.abs(axes[axis]).argmax())
            plus, minus = ("+", "-") if axes[axis, source] > 0 else ("-", "+")
            terms = [(plus, _part(joint, source, part)) for part in range(parts)]
            if relative >= 0:
                terms += [(minus, _part(relative, source, part)) for part in range(parts)]
            expression = "".join(f"{mark}{letter}" for (mark, _), letter in zip(terms, _LETTERS, strict=False))
            paths = {letter: f'["{part}"]' for (_, part), letter in zip(terms, _LETTERS, strict=False)}
            _add_variables(_driver(bone, "location", axis, expression), keys, paths)


def _driver(owner: Any, path: str, index: int, expression: str) -> Any:
    driver = compat.new_driver(owner, path, index)
    driver.type, driver.expression = "SCRIPTED", expression
    return driver


def _add_variables(driver: Any, keys: Any, paths: Mapping[str, str]) -> None:
    """Variables that read properties of shape keys: name -> path."""
    for name, path in paths.items():
        variable = driver.variables.new()
        variable.name, variable.type = name, "SINGLE_PROP"
        target = variable.targets[0]
        target.id_type = "KEY"
        target.id, target.data_path = keys, path


def _keys_of(mesh: bpy.types.Object) -> Any:
    data: Any = mesh.data
    return data.shape_keys

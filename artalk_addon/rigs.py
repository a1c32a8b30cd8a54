# SPDX-License-Identifier: GPL-3.0-or-later
"""Characters in Blender: the default head is made here, and anyone's ARKit head is recognised here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import bpy
import numpy as np
from mathutils import Vector
from numpy.typing import NDArray

from ..core import retarget
from ..core.errors import InputError
from ..core.heads import default_head
from ..core.heads.mesh import HeadMesh, Material
from ..core.retarget import Detection, detect
from ..core.retarget import bones as rigging
from ..core.retarget.bones import RestBone
from ..core.retarget.detect import arkit_table, listed, missing_for_speech, speaks
from ..core.retarget.seal import CLOSING, Seal, seal_of
from . import compat, flame_rig, mapping, mesh_points
from .plan import HEAD_TO_ARMATURE, Bone, Character

_BONE_LENGTH = {"root": 0.1, "neck": 0.12, "jaw": 0.09, "left_eye": 0.04, "right_eye": 0.04}
_UPRIGHT = ("root", "neck")


# --- anyone's character ---------------------------------------------------------------------------------------------


def is_character(item: bpy.types.Object | None) -> bool:
    """Whether an object is a mesh that can speak: by its shapes, by a mapping of its own or by the jaw of its rig."""
    return item is not None and item.type == "MESH" and (_has_mouth(item) or _has_jaw(armature_of(item)))


def find_character(scene: bpy.types.Scene, active: bpy.types.Object | None) -> bpy.types.Object:
    """The mesh meant: the active one, one that the active armature moves, or the only character of the scene.

    Of several meshes on one armature, one with a mouth of shapes comes before the active one without.
    Raises InputError when there is none, or several to choose from.
    """
    near = [item for item in _candidates(scene, active) if item.type == "MESH"]
    for can_speak in (_has_mouth, is_character):
        if found := next((item for item in near if can_speak(item)), None):
            return found
    others = _one_for_each_armature([item for item in scene.objects if item.type == "MESH"])
    if len(others) == 1:
        return others[0]
    if others:
        raise InputError(f"There are {len(others)} characters in the scene: choose one in the panel or make it active.")
    if active is not None and active.type == "MESH" and getattr(active.data, "shape_keys", None):
        require(active)
    raise InputError(
        "There is no character: press New ARTalk Head, or select a mesh with ARKit shape keys, with visemes, "
        "or on a rig with a jaw."
    )


def _one_for_each_armature(meshes: Sequence[bpy.types.Object]) -> list[bpy.types.Object]:
    """One mesh with a mouth of each armature or parent, and one mesh of each armature that has a jaw and no such mesh.

    Teeth, brows and beards often have all the shapes of the face: the face is the mesh with the most points.
    """
    found: list[bpy.types.Object] = []
    for item in sorted((item for item in meshes if _has_mouth(item)), key=lambda item: -len(_points_of(item))):
        if not any(_is_beside(item, other) for other in found):
            found.append(item)
    taken = {armature_of(item) for item in found}
    for item in meshes:
        armature = armature_of(item)
        if armature not in taken and _has_jaw(armature):
            found.append(item)
            taken.add(armature)
    return found


def beside(item: bpy.types.Object) -> list[bpy.types.Object]:
    """The other meshes of a character that have shape keys of the same names: teeth, brows, lashes, a beard."""
    names = set(_shape_names(item)[1:])
    return [
        other
        for other in bpy.data.objects
        if other.users_scene
        and other.data != item.data
        and names & set(_shape_names(other)[1:])
        and _is_beside(item, other)
    ]


def share_shapes(item: bpy.types.Object) -> list[str]:
    """Have the meshes beside a character's move by the same curves; returns the names of those that newly do.

    One whose shapes have an action or drivers of their own is left to these; so is one that is linked and read-only.
    """
    mine: Any = item.data.shape_keys if item.data else None
    if mine is None or compat.action_of(mine) is None:
        return []
    joined = []
    for other in beside(item):
        keys: Any = other.data.shape_keys
        animation = keys.animation_data
        if keys.library or (animation and (animation.action or len(animation.drivers))):
            continue
        compat.share_action(mine, keys)
        joined.append(other.name)
    return joined


def _is_beside(item: bpy.types.Object, other: bpy.types.Object) -> bool:
    """Whether two meshes are of one character: on one armature, or without any on one parent and in one place."""
    armatures = armature_of(item), armature_of(other)
    if any(armatures):
        return armatures[0] == armatures[1]
    parented = other.parent == item or item.parent == other or (item.parent is not None and item.parent == other.parent)
    return parented and _meet(item, other)


def _meet(item: bpy.types.Object, other: bpy.types.Object) -> bool:
    """Whether the boxes around two objects touch: two characters on one parent stand apart."""
    (low, high), (low_there, high_there) = (
        (corners.min(axis=0), corners.max(axis=0))
        for corners in (
            np.array([each.matrix_world @ Vector(corner) for corner in each.bound_box]) for each in (item, other)
        )
    )
    return bool((low <= high_there).all() and (low_there <= high).all())


def _points_of(item: bpy.types.Object) -> Any:
    mesh: Any = item.data
    return mesh.vertices


def require(item: bpy.types.Object) -> None:
    """Raise InputError, naming the missing shapes, when the object is no character."""
    if not is_character(item):
        missing = missing_for_speech(_shape_names(item))
        raise InputError(
            f"'{item.name}' cannot speak, as it lacks the shape keys {', '.join(missing)}: "
            "choose a mesh with ARKit shape keys or visemes, or press New ARTalk Head."
        )


def in_a_scene(session_uid: int) -> bpy.types.Object | None:
    """The object of a session identifier, if it is in any scene."""
    return next((item for item in bpy.data.objects if item.session_uid == session_uid and item.users_scene), None)


def describe(item: bpy.types.Object) -> Character:
    """What can be animated on a character, as plain data; InputError when it is none.

    Its own mapping says what moves what; without one it is what `recognise` finds.
    """
    require(item)
    armature = armature_of(item)
    own = mapping.stored(item)
    if own is None and flame_rig.is_flame(item):
        return flame_rig.describe(item, armature, _stance(armature) if armature else rigging.UPRIGHT)
    rest = rest_bones(armature) if armature else []
    found = None if own else _recognised(item, rest)
    table = own or (found.mapping if found else None)
    assert table is not None
    lacking = absent(item, table)
    table = table.without(lacking)
    shapes: dict[str, str] = {}
    for row in table.active():
        if not row.is_bone:
            first = row.sources[0][0]
            shapes[first if row.mode == "sum" and first not in shapes else row.target] = row.target
    return Character(
        name=item.name,
        mesh=item.session_uid,
        shapes=shapes,
        armature=armature.session_uid if armature else None,
        bones=_moved_bones(armature, rest, {row.target for row in table.active() if row.is_bone}) if armature else {},
        mapping=table,
        axes=rigging.head_axes(rest, _stance(armature)) if armature else rigging.UPRIGHT,
        eye_distance=rigging.eye_distance(rest),
        notes=(*(found.notes if found else mapping.faults(item)), *_absent_note(lacking, item.name)),
    )


def has_shapes(item: bpy.types.Object, described: Character) -> bool:
    """Whether a character still has all shape keys that were found on it when it was described."""
    return set(described.shapes.values()) <= set(_shape_names(item))


def absent(item: bpy.types.Object, table: retarget.Mapping) -> list[str]:
    """The shape keys and bones that a mapping names and a character lacks."""
    armature = armature_of(item)
    return table.absent(_shape_names(item), armature.data.bones.keys() if armature else [])


def recognise(item: bpy.types.Object, family: str | None = None) -> Detection:
    """What the names of a character's shapes and bones say; family: take it for one of this family (see FAMILIES)."""
    armature = armature_of(item)
    return _recognised(item, rest_bones(armature) if armature else [], family)


def _recognised(item: bpy.types.Object, rest: Sequence[RestBone], family: str | None = None) -> Detection:
    names = _shape_names(item)
    return detect(names, rest, _seal(item, rest, arkit_table(names)), family)


def _absent_note(lacking: Sequence[str], name: str) -> list[str]:
    if not lacking:
        return []
    return [f"The mapping names {listed(lacking)}, which '{name}' does not have; the rest works."]


def _shape_names(item: bpy.types.Object) -> list[str]:
    keys = getattr(item.data, "shape_keys", None) if item.type == "MESH" else None
    return list(keys.key_blocks.keys()) if keys else []


def _has_mouth(item: bpy.types.Object) -> bool:
    return speaks(_shape_names(item)) or mapping.has_own(item) or flame_rig.is_flame(item)


def _has_jaw(armature: Any) -> bool:
    return armature is not None and rigging.has_jaw(armature.data.bones.keys())


def _candidates(scene: bpy.types.Scene, active: bpy.types.Object | None) -> Iterable[bpy.types.Object]:
    """The active object, then whatever the same armature moves."""
    if active is None:
        return
    yield active
    armature = active if active.type == "ARMATURE" else armature_of(active)
    if armature is not None:
        yield from (item for item in scene.objects if item.type == "MESH" and armature_of(item) == armature)


def armature_of(item: bpy.types.Object) -> Any:
    """The armature object that deforms or carries an object, if any, through as many parents as there are."""
    modifiers: Iterable[Any] = item.modifiers
    targets = [modifier.object for modifier in modifiers if modifier.type == "ARMATURE" and modifier.object]
    if targets:
        return targets[0]
    parent = item.parent
    while parent and parent.type != "ARMATURE":
        parent = parent.parent
    return parent


def rest_bones(armature: Any) -> list[RestBone]:
    """All bones of an armature at rest."""
    return [
        RestBone(
            bone.name,
            np.array(bone.bone.head_local),
            bone.parent.name if bone.parent else None,
            any(c.type in _HOLDING and not c.mute and c.influence > 0.5 for c in bone.constraints),
        )
        for bone in armature.pose.bones
    ]


_HOLDING = {"COPY_ROTATION", "COPY_TRANSFORMS", "DAMPED_TRACK", "LOCKED_TRACK", "TRACK_TO", "IK"}
"""Constraints after which a bone's own rotation is no longer seen."""


def _moved_bones(armature: Any, rest: Sequence[RestBone], moved: set[str]) -> dict[str, Bone]:
    """The bones that a mapping moves, those with a role under its name."""
    named = {bone.name: role for role, bone in rigging.roles(rest).items()}
    found = {}
    for bone in (armature.pose.bones[name] for name in sorted(moved)):
        axes = np.array(bone.bone.matrix_local.to_3x3())
        slides = axes if bone.bone.use_local_location else np.eye(3)
        found[named.get(bone.name, bone.name)] = Bone(bone.name, axes, bone.rotation_mode, slides)
    return found


def _stance(armature: Any) -> NDArray[np.float64]:
    """The head's axes by how the armature stands in the world, where its bones do not tell: as made, or with Y up."""
    up = np.array(armature.matrix_world.to_3x3().inverted_safe() @ Vector((0, 0, 1)))
    return np.eye(3) if abs(up).argmax() == 1 and up[1] > 0 else rigging.UPRIGHT


def _seal(item: bpy.types.Object, rest: Sequence[RestBone], table: Mapping[str, str]) -> Seal:
    names = tuple(name for name in CLOSING if name in table)
    if not names:
        return Seal()
    keys: Any = item.data.shape_keys
    there = (keys.reference_key, *(keys.key_blocks[table[name]] for name in names))
    return _seal_of(names, _up(item, rest), *(mesh_points.of_shape(key).tobytes() for key in there))


def _up(item: bpy.types.Object, rest: Sequence[RestBone]) -> tuple[float, ...]:
    """Where up is for a mesh, in its own space."""
    armature = armature_of(item)
    up: Any = Vector((0, 0, 1))
    if armature:
        axes = rigging.head_axes(rest, _stance(armature))
        up = armature.matrix_world.to_3x3() @ Vector(axes[:, 1].tolist())
    # rounded, so that a head that turns a little is not measured again
    return tuple(round(part, 3) for part in (item.matrix_world.to_3x3().inverted_safe() @ up).normalized())


@lru_cache(maxsize=16)
def _seal_of(names: tuple[str, ...], up: tuple[float, ...], *positions: bytes) -> Seal:
    """`seal_of` of raw float32 positions, at rest and of each shape; kept, as a panel asks at every redraw."""
    rest, *shapes = (np.frombuffer(raw, np.float32).reshape(-1, 3).astype(np.float64) for raw in positions)
    return seal_of(rest, {name: shape - rest for name, shape in zip(names, shapes, strict=True)}, np.array(up))


def evaluated_vertices(item: bpy.types.Object, count: int) -> NDArray[np.float32]:
    """The first `count` vertices (count, 3) of the evaluated default head, in its own frame: metres, x left, y up.

    Subdivision keeps the original vertices in front. The turn of the neck is taken out again.
    """
    seen = mesh_points.evaluated(item)
    armature = armature_of(item).evaluated_get(bpy.context.evaluated_depsgraph_get())
    neck = armature.pose.bones["neck"]
    turn = np.array(neck.matrix @ neck.bone.matrix_local.inverted())
    upright = (seen[:count] - turn[:3, 3]) @ turn[:3, :3]
    return (upright @ HEAD_TO_ARMATURE).astype(np.float32)


# --- the default head -----------------------------------------------------------------------------------------------


def new_head(context: bpy.types.Context, location: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> bpy.types.Object:
    """Make the default head, mesh and armature, in the active collection; returns the mesh, active and selected.

    It faces -Y with Z up, life-size in metres; `location` is where the middle between its ears comes to lie.
    """
    mesh = add_head(context, default_head.load(), "artalk head", location)
    smooth: Any = mesh.modifiers.new("Subdivision", "SUBSURF")
    smooth.levels, smooth.render_levels = 1, 2
    return mesh


def add_head(
    context: bpy.types.Context, head: HeadMesh, title: str, location: tuple[float, float, float] = (0.0, 0.0, 0.0)
) -> bpy.types.Object:
    """Make any head, mesh and armature, in the active collection; returns the mesh, active and selected."""
    if context.object is not None and context.object.mode != "OBJECT":
        bpy.ops.object.mode_set(mode="OBJECT")
    armature = _make_armature(context, head, title)
    mesh = _make_mesh(head, title)
    context.collection.objects.link(mesh)
    armature.location = location
    mesh.parent = armature
    for index, name in enumerate(head.joint_names):
        _fill_group(mesh.vertex_groups.new(name=name), head.weights[:, index])
    deform: Any = mesh.modifiers.new("Armature", "ARMATURE")
    deform.object = armature
    _select_only(context, mesh)
    return mesh


def _select_only(context: bpy.types.Context, item: bpy.types.Object) -> None:
    for other in context.view_layer.objects:
        other.select_set(False)
    item.select_set(True)
    context.view_layer.objects.active = item


def _make_mesh(head: HeadMesh, title: str) -> bpy.types.Object:
    mesh = bpy.data.meshes.new(title)
    faces = [[int(v) for v in face if v >= 0] for face in head.faces]
    vertices = _to_blender(head.vertices)
    mesh.from_pydata(vertices.tolist(), [], faces)
    for material in head.materials:
        mesh.materials.append(_make_material(material))
    mesh.polygons.foreach_set("material_index", head.material_index.astype(np.int32))
    mesh.shade_smooth()
    _add_colours(mesh, head)
    item = bpy.data.objects.new(title, mesh)
    item.shape_key_add(name="Basis", from_mix=False)
    for name, delta in zip(head.shape_names, head.shape_deltas, strict=True):
        key = item.shape_key_add(name=name, from_mix=False)
        key.value = 0.0  # some versions make it with 1
        mesh_points.set_shape(key, vertices + _to_blender(delta))
    return item


def _to_blender(points: Any) -> Any:
    return points @ HEAD_TO_ARMATURE.T.astype(np.float32)


def _add_colours(mesh: bpy.types.Mesh, head: HeadMesh) -> None:
    """The tint of every vertex, and the texture coordinates of every corner."""
    tint: Any = mesh.color_attributes.new("tint", "FLOAT_COLOR", "POINT")
    colours = np.concatenate([head.tint, np.ones((len(head.tint), 1))], axis=1).astype(np.float32)
    tint.data.foreach_set("color", colours.ravel())
    corners = (head.faces >= 0).ravel()
    layer = mesh.uv_layers.new(name="UVMap")
    layer.data.foreach_set("uv", np.ascontiguousarray(head.uv.reshape(-1, 2)[corners], np.float32).ravel())


def _make_material(surface: Material) -> Any:
    """A plain Principled surface whose colour is the surface's colour times the vertex tint."""
    material: Any = bpy.data.materials.new(f"artalk {surface.name}")
    material.diffuse_color = (*surface.colour, 1.0)
    tree: Any = compat.give_nodes(material)
    shader = next(node for node in tree.nodes if node.type == "BSDF_PRINCIPLED")
    shader.inputs["Roughness"].default_value = surface.roughness
    shader.inputs["Subsurface Weight"].default_value = surface.subsurface
    shader.inputs["Subsurface Radius"].default_value = (0.01, 0.004, 0.002)
    tint = tree.nodes.new("ShaderNodeVertexColor")
    tint.layer_name = "tint"
    tint.location = (-500, 200)
    mix = tree.nodes.new("ShaderNodeMix")
    mix.data_type, mix.blend_type = "RGBA", "MULTIPLY"
    mix.location = (-250, 200)
    factor, colour, other = (next(s for s in mix.inputs if s.identifier == n) for n in _MIX_SOCKETS)
    factor.default_value = 1.0
    colour.default_value = (*surface.colour, 1.0)
    tree.links.new(tint.outputs["Color"], other)
    tree.links.new(next(s for s in mix.outputs if s.identifier == "Result_Color"), shader.inputs["Base Color"])
    return material


_MIX_SOCKETS = ("Factor_Float", "A_Color", "B_Color")


def _fill_group(group: bpy.types.VertexGroup, weights: Any) -> None:
    """Weights into a vertex group; one call for all vertices that share a weight."""
    values, which = np.unique(np.round(weights, 4), return_inverse=True)
    for number, value in enumerate(values):
        if value > 0:
            group.add(np.flatnonzero(which == number).tolist(), float(value), "REPLACE")


def _make_armature(context: bpy.types.Context, head: HeadMesh, title: str) -> bpy.types.Object:
    data = bpy.data.armatures.new(f"{title} rig")
    data.display_type = "STICK"
    armature = bpy.data.objects.new(f"{title} rig", data)
    armature.show_in_front = True
    context.collection.objects.link(armature)
    _select_only(context, armature)
    bpy.ops.object.mode_set(mode="EDIT")
    heads = _to_blender(head.joint_heads)
    for index, name in enumerate(head.joint_names):
        bone = data.edit_bones.new(name)
        # upright bones keep the head's own axes; the others point forward, with their Z up
        direction = (0.0, 0.0, 1.0) if name in _UPRIGHT else (0.0, -1.0, 0.0)
        bone.head = heads[index].tolist()
        bone.tail = (heads[index] + np.multiply(direction, _BONE_LENGTH[name])).tolist()
        if name not in _UPRIGHT:
            bone.align_roll((0.0, 0.0, 1.0))
        if head.joint_parents[index] >= 0:
            bone.parent = data.edit_bones[head.joint_names[head.joint_parents[index]]]
    bpy.ops.object.mode_set(mode="OBJECT")
    pose: Any = armature.pose
    for bone in pose.bones:
        bone.rotation_mode = "XYZ"
    return armature

# SPDX-License-Identifier: GPL-3.0-or-later
"""Characters in Blender: the default head is made here, and anyone's ARKit head is recognised here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError
from ..core.heads import default_head
from ..core.heads.mesh import HeadMesh, Material
from . import compat
from .plan import HEAD_TO_ARMATURE, Bone, Character, shape_table

NEEDED = ("jawOpen", "mouthClose", "mouthFunnel", "mouthPucker")
"""Without these shapes no mouth speaks."""

BONE_NAMES: dict[str, tuple[str, ...]] = {
    "head": ("head", "defhead", "neck", "mixamorighead"),
    "jaw": ("jaw", "defjaw", "jawmaster"),
    "left_eye": ("lefteye", "eyeleft", "eyel", "leye", "mastereyel", "mixamoriglefteye"),
    "right_eye": ("righteye", "eyeright", "eyer", "reye", "mastereyer", "mixamorigrighteye"),
}
"""Names by which a bone is known, best first; compared without capitals and without what is no letter or digit."""

_BONE_LENGTH = {"root": 0.1, "neck": 0.12, "jaw": 0.09, "left_eye": 0.04, "right_eye": 0.04}
_UPRIGHT = ("root", "neck")


# --- anyone's character ---------------------------------------------------------------------------------------------


def is_character(item: bpy.types.Object | None) -> bool:
    """Whether an object is a mesh with the shapes that speech needs."""
    return item is not None and not _missing(item)


def find_character(scene: bpy.types.Scene, active: bpy.types.Object | None) -> bpy.types.Object:
    """The mesh meant: the active one, one that the active armature moves, or the only character of the scene.

    Raises InputError when there is none, or several to choose from.
    """
    for item in _candidates(scene, active):
        if is_character(item):
            return item
    others = [item for item in scene.objects if is_character(item)]
    if len(others) == 1:
        return others[0]
    if others:
        raise InputError(f"There are {len(others)} characters in the scene: choose one in the panel or make it active.")
    if active is not None and active.type == "MESH" and getattr(active.data, "shape_keys", None):
        require(active)
    raise InputError("There is no character: press New ARTalk Head, or select a mesh with ARKit shape keys.")


def require(item: bpy.types.Object) -> None:
    """Raise InputError, naming the missing shapes, when the object is no character."""
    if missing := _missing(item):
        raise InputError(
            f"'{item.name}' cannot speak, as it lacks the shape keys {', '.join(missing)}: "
            "choose a mesh with ARKit shape keys or press New ARTalk Head."
        )


def describe(item: bpy.types.Object) -> Character:
    """What can be animated on a character, as plain data; InputError when it is none."""
    require(item)
    mesh: Any = item.data
    armature = _armature_of(item)
    return Character(
        name=item.name,
        mesh=item.session_uid,
        shapes=shape_table(mesh.shape_keys.key_blocks.keys()),
        armature=armature.session_uid if armature else None,
        bones=_bones(armature) if armature else {},
    )


def _missing(item: bpy.types.Object) -> list[str]:
    keys = getattr(item.data, "shape_keys", None)
    found = shape_table(keys.key_blocks.keys()) if item.type == "MESH" and keys else {}
    return [name for name in NEEDED if name not in found]


def _candidates(scene: bpy.types.Scene, active: bpy.types.Object | None) -> Iterable[bpy.types.Object]:
    """The active object, then whatever the same armature moves."""
    if active is None:
        return
    yield active
    armature = active if active.type == "ARMATURE" else _armature_of(active)
    if armature is not None:
        yield from (item for item in scene.objects if item.type == "MESH" and _armature_of(item) == armature)


def _armature_of(item: bpy.types.Object) -> Any:
    """The armature object that deforms or carries an object, if any."""
    modifiers: Iterable[Any] = item.modifiers
    targets = [modifier.object for modifier in modifiers if modifier.type == "ARMATURE" and modifier.object]
    if targets:
        return targets[0]
    return item.parent if item.parent and item.parent.type == "ARMATURE" else None


def _bones(armature: Any) -> dict[str, Bone]:
    plain = {"".join(c for c in bone.name.lower() if c.isalnum()): bone for bone in reversed(armature.pose.bones)}
    found = {}
    for role, names in BONE_NAMES.items():
        bone = next((plain[name] for name in names if name in plain), None)
        if bone is not None:
            rest = np.array(bone.bone.matrix_local.to_3x3())
            found[role] = Bone(bone.name, rest, bone.rotation_mode)
    return found


def evaluated_vertices(item: bpy.types.Object, count: int) -> NDArray[np.float32]:
    """The first `count` vertices (count, 3) of the evaluated default head, in its own frame: metres, x left, y up.

    Subdivision keeps the original vertices in front. The turn of the neck is taken out again.
    """
    depsgraph = bpy.context.evaluated_depsgraph_get()
    evaluated: Any = item.evaluated_get(depsgraph)
    points = np.zeros((len(evaluated.data.vertices), 3), np.float32)
    evaluated.data.vertices.foreach_get("co", points.ravel())
    armature = _armature_of(item).evaluated_get(depsgraph)
    neck = armature.pose.bones["neck"]
    turn = np.array(neck.matrix @ neck.bone.matrix_local.inverted())
    upright = (points[:count] - turn[:3, 3]) @ turn[:3, :3]
    return (upright @ HEAD_TO_ARMATURE).astype(np.float32)


# --- the default head -----------------------------------------------------------------------------------------------


def new_head(context: bpy.types.Context, location: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> bpy.types.Object:
    """Make the default head, mesh and armature, in the active collection; returns the mesh, active and selected.

    It faces -Y with Z up, life-size in metres; `location` is where the middle between its ears comes to lie.
    """
    if context.object is not None and context.object.mode != "OBJECT":
        bpy.ops.object.mode_set(mode="OBJECT")
    head = default_head.load()
    armature = _make_armature(context, head)
    mesh = _make_mesh(head)
    context.collection.objects.link(mesh)
    armature.location = location
    mesh.parent = armature
    for index, name in enumerate(head.joint_names):
        _fill_group(mesh.vertex_groups.new(name=name), head.weights[:, index])
    deform: Any = mesh.modifiers.new("Armature", "ARMATURE")
    deform.object = armature
    smooth: Any = mesh.modifiers.new("Subdivision", "SUBSURF")
    smooth.levels, smooth.render_levels = 1, 2
    _select_only(context, mesh)
    return mesh


def _select_only(context: bpy.types.Context, item: bpy.types.Object) -> None:
    for other in context.view_layer.objects:
        other.select_set(False)
    item.select_set(True)
    context.view_layer.objects.active = item


def _make_mesh(head: HeadMesh) -> bpy.types.Object:
    mesh = bpy.data.meshes.new("artalk head")
    faces = [[int(v) for v in face if v >= 0] for face in head.faces]
    vertices = _to_blender(head.vertices)
    mesh.from_pydata(vertices.tolist(), [], faces)
    for material in head.materials:
        mesh.materials.append(_make_material(material))
    mesh.polygons.foreach_set("material_index", head.material_index.astype(np.int32))
    mesh.shade_smooth()
    _add_colours(mesh, head)
    item = bpy.data.objects.new("artalk head", mesh)
    item.shape_key_add(name="Basis", from_mix=False)
    for name, delta in zip(head.shape_names, head.shape_deltas, strict=True):
        key = item.shape_key_add(name=name, from_mix=False)
        key.value = 0.0  # some versions make it with 1
        key.data.foreach_set("co", np.ascontiguousarray(vertices + _to_blender(delta), np.float32).ravel())
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


def _make_armature(context: bpy.types.Context, head: HeadMesh) -> bpy.types.Object:
    data = bpy.data.armatures.new("artalk head rig")
    data.display_type = "STICK"
    armature = bpy.data.objects.new("artalk head rig", data)
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

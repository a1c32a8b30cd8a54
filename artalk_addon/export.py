# SPDX-License-Identifier: GPL-3.0-or-later
"""A character and its speech leave Blender: glTF, FBX, USD, Alembic, or the values alone as Live Link Face CSV.

Thin over Blender's own exporters, with the settings that carry shape keys and bones frame by frame. Modifiers after the
armature are left behind, as shape keys cannot go through them.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from shutil import disk_usage
from typing import Any

import bpy
import numpy as np
from bpy.props import StringProperty
from numpy.typing import NDArray

from ..core.basis import ARKIT
from ..core.errors import InputError
from ..core.motion import Motion
from . import compat, headless, keyframes, operators, rigs, strips
from .plan import HEAD_TO_ARMATURE, ROLES, Character
from .translations import told

ENDINGS = (".glb", ".fbx", ".usd", ".usda", ".usdc", ".abc", ".csv")


def export_character(item: bpy.types.Object, out: Path, step: float = 1.0) -> tuple[int, int]:
    """Write a character from its first key to its last; the ending of `out` says how. Returns these two frames.

    step: frames between two samples of bones and shapes, in FBX and CSV; below 1 it keeps what lies between frames.
    The file appears whole or not at all, and the open file stays as it is. Raises InputError when there is nothing to
    write, nowhere to write it, or no exporter.
    """
    out = out.absolute()
    if out.suffix.lower() not in ENDINGS:
        raise InputError(f"'{out.suffix}' is no format that artalk exports: use one of {', '.join(ENDINGS)}.")
    if not out.parent.is_dir():
        raise InputError(f"The folder '{out.parent}' does not exist: make it or choose another place.")
    if not 0.01 <= step <= 1:
        raise InputError(
            f"A step of {step:g} frames is not between 0.01 and 1: leave it out, or halve the frames by 0.5."
        )
    character = rigs.describe(item)
    first, last = keyed_range(character)
    scene = _scene_of(item)
    partial = out.with_name(f".{out.stem}.partial{out.suffix.lower()}")
    try:
        if out.suffix.lower() == ".csv":
            sampled(scene, item, character, (first, last), step).save(partial)
        else:
            with _in_a_window(), _alone(scene, item, first, last), headless.quiet():
                _exporters()[out.suffix.lower()](partial, step)
        partial.replace(out)
    except (OSError, RuntimeError) as error:
        raise InputError(f"'{out}' cannot be written ({headless.reason(error)}): choose another place.") from None
    finally:
        partial.unlink(missing_ok=True)
    return first, last


def keyed_range(character: Character) -> tuple[int, int]:
    """The whole frames from a character's first key of ours to its last; InputError when there is none."""
    ranges = [
        curve.range()
        for owner in keyframes.owners(character).values()
        for curve in compat.fcurves_of(owner)
        if keyframes.label(curve.data_path, curve.array_index) in keyframes.owned(owner) and len(curve.keyframe_points)
    ]
    if not ranges:
        raise InputError(f"There are no keys of artalk on '{character.name}': generate first.")
    return int(np.floor(min(r[0] for r in ranges) + 1e-4)), int(np.ceil(max(r[1] for r in ranges) - 1e-4))


def sampled(
    scene: bpy.types.Scene, item: bpy.types.Object, character: Character, span: tuple[int, int], step: float = 1.0
) -> Motion:
    """What a character does, drivers and all, as ARKit motion; the first frame of `span` is its first row.

    Raises InputError for a character without ARKit shapes. The scene is left at the frame at which it was.
    """
    keys: Any = getattr(item.data, "shape_keys", None)
    shapes = {c: k for c, k in character.shapes.items() if c in ARKIT.channels and keys and k in keys.key_blocks}
    if not shapes:
        raise InputError(f"'{item.name}' has no ARKit shapes, which a CSV holds: export .glb, .fbx, .usdc or .abc.")
    armature = next((o for o in bpy.data.objects if o.session_uid == character.armature), None)
    count = int(np.floor((span[1] - span[0]) / step + 1e-6)) + 1
    values = np.zeros((count, len(ARKIT)), np.float32)
    now, part = scene.frame_current, scene.frame_subframe
    try:
        for row in range(count):
            frame = span[0] + row * step
            scene.frame_set(int(np.floor(frame)), subframe=frame - float(np.floor(frame)))
            for channel, key in shapes.items():
                values[row, ARKIT.index(channel)] = keys.key_blocks[key].value
            for channel, turn in _turns(armature, character).items():
                values[row, ARKIT.index(channel)] = turn
    finally:
        scene.frame_set(now, subframe=part)
    return Motion(values, ARKIT, strips.rate(scene) / step)


def _turns(armature: Any, character: Character) -> Mapping[str, float]:
    """Rotation vectors of head and eyes in the head's own frame, by channel, at the frame shown now."""
    turns: dict[str, float] = {}
    for role, bone in character.bones.items() if armature is not None else ():
        pose = armature.pose.bones.get(bone.name)
        if pose is None or role not in ROLES:
            continue
        axis, angle = pose.matrix_basis.to_quaternion().to_axis_angle()
        angle = angle - 2 * np.pi if angle > np.pi else angle
        rest: NDArray[np.float64] = np.array(pose.bone.matrix_local.to_3x3())
        vector = HEAD_TO_ARMATURE.T @ rest @ np.array(axis) * angle
        turns |= {c: float(v) for c, v in zip(ROLES[role], vector, strict=True) if c in ARKIT.channels}
    return turns


# --- Blender's exporters --------------------------------------------------------------------------------------------


def _exporters() -> dict[str, Callable[[Path, float], None]]:
    return {".glb": _gltf, ".fbx": _fbx, ".usd": _usd, ".usda": _usd, ".usdc": _usd, ".abc": _alembic}


def _gltf(out: Path, _step: float) -> None:
    _call(
        "export_scene.gltf",
        filepath=str(out),
        export_format="GLB",
        use_selection=True,
        export_apply=False,
        export_morph=True,
        export_morph_animation=True,
        export_skins=True,
        export_animations=True,
        export_animation_mode="SCENE",
        export_anim_scene_split_object=False,
        export_force_sampling=True,
        export_frame_range=True,
        export_optimize_animation_size=False,
        export_optimize_animation_keep_anim_armature=True,
    )


def _fbx(out: Path, step: float) -> None:
    _call(
        "export_scene.fbx",
        filepath=str(out),
        use_selection=True,
        object_types={"ARMATURE", "MESH"},
        use_mesh_modifiers=False,
        add_leaf_bones=False,
        bake_anim=True,
        bake_anim_use_all_bones=True,
        bake_anim_use_nla_strips=False,
        bake_anim_use_all_actions=False,
        bake_anim_force_startend_keying=True,
        bake_anim_step=step,
        bake_anim_simplify_factor=0.0,
    )


def _usd(out: Path, _step: float) -> None:
    _call(
        "wm.usd_export",
        filepath=str(out),
        selected_objects_only=True,
        export_animation=True,
        export_shapekeys=True,
        export_armatures=True,
        export_subdivision="IGNORE",
        export_textures=False,
        export_textures_mode="KEEP",
        convert_world_material=False,
    )


def _alembic(out: Path, _step: float) -> None:
    scene = compat.scene(bpy.context)
    layer: Any = bpy.context.view_layer
    points = sum(len(each.data.vertices) for each in layer.objects if each.select_get() and each.type == "MESH")
    # Blender's writer ends the whole process when the disk is full
    if disk_usage(out.parent).free < 12 * points * (scene.frame_end - scene.frame_start + 1):
        raise OSError(errno.ENOSPC, "there is not enough room on the disk")
    _call(
        "wm.alembic_export",
        filepath=str(out),
        start=scene.frame_start,
        end=scene.frame_end,
        selected=True,
        apply_subdiv=False,
        as_background_job=False,
        evaluation_mode="RENDER",
    )


def _call(name: str, **settings: Any) -> None:
    """Run one of Blender's exporters with those of the settings that it knows in this version."""
    group, _, word = name.partition(".")
    operator = getattr(getattr(bpy.ops, group), word)
    try:
        known = {prop.identifier for prop in operator.get_rna_type().properties}
    except KeyError:
        raise InputError(
            f"This Blender cannot write '{settings['filepath'].rpartition('.')[2]}' files: switch the exporter on in "
            "the preferences, or use a build from blender.org."
        ) from None
    operator(**{key: value for key, value in settings.items() if key in known})


@contextmanager
def _in_a_window() -> Iterator[None]:
    """A command runs outside of all windows, where Blender's exporters find nothing active or selected."""
    windows = bpy.context.window_manager.windows
    with bpy.context.temp_override(window=bpy.context.window or next(iter(windows), None)):
        yield


@contextmanager
def _alone(scene: bpy.types.Scene, item: bpy.types.Object, first: int, last: int) -> Iterator[None]:
    """Only the character selected, the scene from `first` to `last`, without what comes after the armature; then back.

    Other meshes on the same armature (teeth, hair) belong to the character. What is hidden is shown meanwhile, as the
    exporters pass it over; raises InputError when its collection is what hides it.
    """
    layer: Any = bpy.context.view_layer
    if layer.objects.active is not None and layer.objects.active.mode != "OBJECT":
        bpy.ops.object.mode_set(mode="OBJECT")
    armature = rigs.armature_of(item)
    members = [item, *(o for o in scene.objects if armature and o.type == "MESH" and rigs.armature_of(o) == armature)]
    members += [armature] if armature else []
    members = [member for member in members if member.name in layer.objects]
    hidden = [(member, member.hide_get(), member.hide_viewport) for member in members]
    selected, active = [o for o in layer.objects if o.select_get()], layer.objects.active
    now, part, start, end = scene.frame_current, scene.frame_subframe, scene.frame_start, scene.frame_end
    shown = [
        (modifier, modifier.show_viewport, modifier.show_render)
        for member in members
        for modifier in member.modifiers
        if modifier.type == "SUBSURF"
    ]
    try:
        for member in members:
            member.hide_viewport = False
            member.hide_set(False)
        if not item.visible_get():
            raise InputError(f"'{item.name}' lies in a collection that is hidden or excluded: show it to export it.")
        for other in layer.objects:
            other.select_set(other in members)
        layer.objects.active = item
        scene.frame_start, scene.frame_end = first, last
        for modifier, _, _ in shown:
            modifier.show_viewport = modifier.show_render = False
        yield
    finally:
        for modifier, viewport, render in shown:
            modifier.show_viewport, modifier.show_render = viewport, render
        scene.frame_start, scene.frame_end = start, end
        for other in layer.objects:
            other.select_set(other in selected)
        layer.objects.active = active
        for member, by_eye, by_screen in hidden:
            member.hide_set(by_eye)
            member.hide_viewport = by_screen
        scene.frame_set(now, subframe=part)


def _scene_of(item: bpy.types.Object) -> bpy.types.Scene:
    """The window's scene; the exporters write no other."""
    scene = compat.scene(bpy.context)
    if item.name not in scene.objects:
        raise InputError(f"'{item.name}' is not in the scene '{scene.name}': open its scene to export it.")
    return scene


# --- the menu -------------------------------------------------------------------------------------------------------

Result = Any  # the stubs' set of literals differs from version to version


class ARTALK_OT_export(bpy.types.Operator):
    """Write the character with its speech to .glb, .fbx, .usdc or .abc, or its values alone to .csv; the scene stays"""

    bl_idname = "artalk.export"
    bl_label = "Export ARTalk Character"
    bl_options = {"REGISTER"}

    filepath: StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_glob: StringProperty(default=";".join(f"*{ending}" for ending in ENDINGS), options={"HIDDEN"})

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> Result:
        """Ask where to; the ending decides on the format."""
        if not self.filepath:
            self.filepath = bpy.path.ensure_ext(bpy.data.filepath.removesuffix(".blend") or "character", ".glb")
        manager: Any = context.window_manager
        manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> Result:
        """Write the panel's character."""
        try:
            item = operators.character_of(context, compat.sequencer_scene(context))
            first, last = export_character(item, Path(bpy.path.abspath(self.filepath)))
        except InputError as error:
            self.report({"ERROR"}, told(error))
            return {"CANCELLED"}
        self.report({"INFO"}, told(f"'{item.name}', frames {first} to {last}: {self.filepath}"))
        return {"FINISHED"}


def _draw_menu(menu: Any, _context: bpy.types.Context) -> None:
    menu.layout.operator("artalk.export", text="ARTalk character…")


def register() -> None:
    """Make the operator known, and put it into File > Export."""
    bpy.utils.register_class(ARTALK_OT_export)
    menu: Any = bpy.types.TOPBAR_MT_file_export
    menu.append(_draw_menu)


def unregister() -> None:
    """Take both away."""
    menu: Any = bpy.types.TOPBAR_MT_file_export
    menu.remove(_draw_menu)
    bpy.utils.unregister_class(ARTALK_OT_export)

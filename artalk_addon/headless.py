# SPDX-License-Identifier: GPL-3.0-or-later
"""From plain Python with the bpy module: a recording becomes a finished .blend, and frames become pictures."""

from __future__ import annotations

import io
import math
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, Literal

import bpy
import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError
from ..core.generate import Options
from ..core.heads import default_head, mesh
from ..core.heads.flame import JOINTS
from ..core.heads.flame_files import read_flame
from ..core.models import Cancel, Progress
from . import compat, flame_rig, generation, keyframes, rigs, strips
from .plan import HEAD_TO_ARMATURE

Engine = Literal["CYCLES", "BLENDER_WORKBENCH"]

_FIRST_FRAME = 1


def generate_blend(
    audio_path: Path | str,
    out_path: Path | str,
    options: Options,
    progress: Progress = lambda _fraction: None,
    cancel: Cancel = lambda: False,
    *,
    flame: Path | None = None,
) -> None:
    """A recording becomes a .blend: its sound strip, a head with keyframes, camera and lights.

    flame: a FLAME file whose head speaks; None: the default head

    The frame rate is that of the options, else the model's own 25. The sound is packed into the file, so that it can
    be moved about. The file appears whole or not at all. Replaces what is open in this Blender.
    Raises InputError for bad input, Cancelled when `cancel` said so.
    """
    out = Path(out_path).absolute()
    audio = Path(audio_path).absolute()
    fps = options.fps or 25.0
    # a new file, without the user's start-up file but with the user's add-ons left alone
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    scene = compat.scene(bpy.context)
    set_rate(scene, fps)
    strip = add_sound(scene, audio)
    head = rigs.new_head(bpy.context) if flame is None else _flame_head(flame)
    task = generation.prepare(scene, [strip], head, options)
    generation.apply(task, generation.speak(task, progress, cancel))
    strip.sound.pack()
    strip.sound.filepath = f"//{audio.name}"
    scene.frame_start = _FIRST_FRAME
    scene.frame_end = max(_FIRST_FRAME, math.ceil(compat.strip_timing(strip).right) - 1)
    light(scene)
    save_atomically(out)


def _flame_head(path: Path) -> bpy.types.Object:
    """A FLAME head with its eyes where the default head has its own, where the camera looks."""
    model, ours = read_flame(path), default_head.load()
    wanted = ours.joint_heads[[ours.joint_names.index(eye) for eye in _EYES]].mean(axis=0)
    found = (model.regressor @ model.template)[[JOINTS.index(eye) for eye in _EYES]].mean(axis=0)
    location = HEAD_TO_ARMATURE @ (wanted - found)
    return flame_rig.import_file(bpy.context, path, location=location.tolist())


_EYES = ("left_eye", "right_eye")


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the talk of Blender and of its graphics driver off both outputs; what fails raises all the same."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = [os.dup(stream) for stream in (1, 2)]
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    try:
        # Blender says some things through Python, of which nothing must be left in its buffer
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            yield
    finally:
        for stream, descriptor in zip((1, 2), kept, strict=True):
            os.dup2(descriptor, stream)
            os.close(descriptor)
        os.close(nowhere)


def set_rate(scene: bpy.types.Scene, fps: float) -> None:
    """Give a scene a frame rate; 29.97 and its like become 30000 / 1001."""
    whole = round(fps)
    scene.render.fps = max(1, whole)
    scene.render.fps_base = 1.001 if abs(whole / 1.001 - fps) < 5e-3 else whole / fps


def add_sound(scene: bpy.types.Scene, path: Path) -> compat.Strip:
    """A selected sound strip of a file from the first frame on; InputError where this Blender has no sound."""
    if not path.is_file():
        raise InputError(f"The sound file '{path}' is missing: check the path.")
    try:
        strip = compat.ensure_strips(scene).new_sound(path.stem, str(path), 1, _FIRST_FRAME)
    except RuntimeError:
        raise InputError(
            "This build of Blender has no sound, so no strip can be made: use Blender 4.5 or newer."
        ) from None
    scene.sync_mode = "AUDIO_SYNC"
    return strip


def save_atomically(out: Path) -> None:
    """Save the open file under a name beside `out`, then put it in its place; InputError when it cannot be written."""
    partial = out.with_name(f".{out.stem}.partial.blend")
    try:
        with quiet():
            bpy.ops.wm.save_as_mainfile(filepath=str(partial), compress=True, copy=True, relative_remap=False)
        partial.replace(out)
    except (OSError, RuntimeError) as error:
        partial.unlink(missing_ok=True)
        raise InputError(f"'{out}' cannot be written ({reason(error)}): choose another place.") from None


def reason(error: Exception) -> str:
    """What an error of Blender's or of the disk says, in a line: of a traceback inside it only what was raised."""
    lines = [line for line in str(error).splitlines() if line.strip() and not line.startswith("Location:")]
    said = lines[-1] if any("Traceback" in line for line in lines) else " ".join(lines)
    return " ".join(said.removeprefix("Error: ").split())


def remember() -> None:
    """Note how the open file lies on the disk: after it was opened or saved."""
    global _on_disk  # noqa: PLW0603 - Blender has no place for it
    _on_disk = bpy.data.filepath, _stamp(Path(bpy.data.filepath))


def require_unchanged() -> None:
    """Raise InputError when the open file has been changed on the disk since it was opened."""
    path = Path(bpy.data.filepath)
    if _on_disk[0] == bpy.data.filepath and _on_disk[1] != _stamp(path):
        raise InputError(
            f"'{path}' was changed on the disk since it was opened, by another Blender perhaps, so it was not saved: "
            "open it again and repeat this."
        )


def save() -> None:
    """Save the open file in its place, whole or not at all; InputError when it cannot, or when others have."""
    require_unchanged()
    try:
        with quiet():
            # under another name first, by Blender itself, which then renames it
            bpy.ops.wm.save_mainfile()
    except RuntimeError as error:
        raise InputError(
            f"'{bpy.data.filepath}' cannot be saved ({reason(error)}): make room, or copy it elsewhere."
        ) from None


_on_disk: tuple[str, tuple[int, int] | None] = ("", None)


def _stamp(path: Path) -> tuple[int, int] | None:
    """Time and size of a file; None when there is none."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size


def light(scene: bpy.types.Scene) -> None:
    """A camera on the face, a key, a fill and a rim light, and a plain grey world."""
    lens = bpy.data.cameras.new("Camera")
    lens.lens = 85
    camera = bpy.data.objects.new("Camera", lens)
    _look(camera, at=(0.0, 0.0, -0.008), position=(0.15, -0.72, 0.035))
    scene.collection.objects.link(camera)
    scene.camera = camera
    for name, position, power, size in (
        ("Key", (0.6, -0.9, 0.5), 7.0, 0.5),
        ("Fill", (-0.9, -0.8, -0.1), 3.0, 0.9),
        ("Rim", (-0.4, 0.8, 0.6), 8.0, 0.4),
    ):
        data: Any = bpy.data.lights.new(name, "AREA")
        data.energy, data.size = power, size
        lamp = bpy.data.objects.new(name, data)
        _look(lamp, at=(0.0, 0.0, 0.0), position=position)
        scene.collection.objects.link(lamp)
    scene.world = bpy.data.worlds.new("World")
    background: Any = next(node for node in compat.give_nodes(scene.world).nodes if node.type == "BACKGROUND")
    background.inputs["Color"].default_value = (0.20, 0.23, 0.28, 1.0)
    scene.view_settings.view_transform = "Standard"


def render_frames(
    frames: Iterable[int], out_dir: Path | str, size: int, engine: Engine = "CYCLES", samples: int = 16
) -> list[Path]:
    """Square pictures of the open file at some whole frames, `0012.png` and so on in `out_dir`; returns their paths.

    size is in pixels; samples are Cycles' per pixel, on the processor.
    """
    scene: Any = bpy.context.scene
    scene.render.engine = engine
    scene.render.resolution_x = scene.render.resolution_y = size
    scene.render.resolution_percentage = 100
    scene.render.image_settings.file_format = "PNG"
    # drawn by the graphics driver, in software where there is no card: quick matters more than fine
    scene.display.render_aa, scene.display.shading.studio_light = "FXAA", "paint.sl"
    # else the picture is of the strips, not of the head
    scene.render.use_sequencer = False
    if engine == "CYCLES":
        scene.cycles.device, scene.cycles.samples = "CPU", samples
        scene.cycles.use_denoising = _has_denoiser()
    folder = Path(out_dir).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for frame in frames:
        scene.frame_set(int(frame))
        paths.append(folder / f"{frame:04d}.png")
        scene.render.filepath = str(paths[-1])
        with quiet():
            bpy.ops.render.render(write_still=True)
    return paths


def _has_denoiser() -> bool:
    """Whether this build of Cycles can denoise on the processor; some distributions' cannot."""
    import _cycles

    return bool(getattr(_cycles, "with_openimagedenoise", False))


def scene_rate() -> float:
    """Frames per second of the open file."""
    return strips.rate(compat.scene(bpy.context))


def keyed_frames() -> NDArray[np.int64]:
    """The frames of the open file from its character's first key to its last."""
    head = rigs.find_character(compat.scene(bpy.context), None)
    curves = compat.fcurves_of(keyframes.owners(rigs.describe(head))["shapes"])
    first, last = curves[0].range()
    return np.arange(round(first), round(last) + 1)


def lip_gaps_mm(frames: Iterable[int]) -> NDArray[np.float64]:
    """How far the default head's lips are apart at each frame, mm, measured on the evaluated mesh; 0 when sealed.

    Subdivision rounds the rims of the lips, so from corner to corner the nearest of the three depths counts.
    """
    scene = compat.scene(bpy.context)
    item = rigs.find_character(scene, None)
    head = default_head.load()
    gaps = []
    for frame in frames:
        scene.frame_set(int(frame))
        apart = mesh.lip_gaps_mm(head, rigs.evaluated_vertices(item, len(head.vertices)))
        gaps.append(float(apart.reshape(3, -1).min(axis=0).max()))
    return np.array(gaps)


def _look(item: bpy.types.Object, at: Iterable[float], position: Iterable[float]) -> None:
    """Place an object so that it looks (along its -Z) at a point."""
    from mathutils import Vector

    item.location = Vector(tuple(position))
    item.rotation_euler = (Vector(tuple(at)) - item.location).to_track_quat("-Z", "Y").to_euler()

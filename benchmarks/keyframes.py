# SPDX-License-Identifier: GPL-3.0-or-later
"""`keyframes`: our writer of keys against the barest bulk write that Blender knows, and against `keyframe_insert`.

Ratio: our time over the bare one. `keyframe_insert` is quadratic in the keys of a curve, so it is measured on one curve
at three lengths, and its time for everything is that of the curve a n + b n² through them: an extrapolation.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.errors import InputError
from .measure import interleaved


def run(channels: int = 112, frames: int = 15000, sample: int = 4000, rounds: int = 5) -> float:
    """Time of our writer over that of the bare bulk write, for `channels` curves of `frames` keys each."""
    try:
        import bpy
    except ModuleNotFoundError:
        raise InputError("This benchmark needs Blender's Python module: install it with `pip install bpy`.") from None
    from ..artalk_addon import compat, keyframes
    from ..artalk_addon.plan import Character, Curve

    item, names = _character(channels)
    keys = item.data.shape_keys
    values = np.random.default_rng(0).random((channels, frames), np.float32)
    at = np.arange(1, frames + 1, dtype=np.float32)
    spans = ((float(at[0]), float(at[-1])),)
    paths = [f'key_blocks["{name}"].value' for name in names]
    curves = [Curve("shapes", path, 0, "artalk", at, row, spans) for path, row in zip(paths, values, strict=True)]
    character = Character("bench", item.session_uid, {name: name for name in names}, None, {})
    interpolation: Any = bpy.types.Keyframe.bl_rna.properties["interpolation"]
    linear = interpolation.enum_items["LINEAR"].value

    def fresh() -> None:
        keys.animation_data_clear()
        for action in list(bpy.data.actions):
            bpy.data.actions.remove(action)

    def bare() -> None:
        fresh()
        compat.assign_action(keys, bpy.data.actions.new("bare"))
        for path, row in zip(paths, values, strict=True):
            curve = compat.ensure_fcurve(keys, path, 0, "artalk")
            curve.keyframe_points.add(frames)
            curve.keyframe_points.foreach_set("co", np.stack([at, row], axis=1).ravel())
            curve.keyframe_points.foreach_set("interpolation", np.full(frames, linear, np.int32))
            curve.update()

    def ours() -> None:
        fresh()
        keyframes.write(character, curves)

    def again() -> None:
        keyframes.write(character, curves)

    def inserted(count: int) -> None:
        fresh()
        block = keys.key_blocks[names[0]]
        for frame in range(1, count + 1):
            block.value = float(values[0, frame - 1])
            block.keyframe_insert("value", frame=frame)

    counts = (sample // 4, sample // 2, sample)
    works: dict[str, Any] = {"bare bulk write": bare, "ours": ours, "ours, written again": again}
    works |= {f"insert {count} keys": (lambda count=count: inserted(count)) for count in counts}
    times = interleaved(works, rounds)
    fresh()
    print(f"{channels} curves of {frames} keys, {rounds} rounds, Blender {bpy.app.version_string}")
    for name, spent in times.items():
        print(f"  {name:20s} {spent}")
    whole = channels * _extrapolated(counts, [times[f"insert {count} keys"].median for count in counts], frames)
    print(f"  keyframe_insert of all, extrapolated: {whole / 60:.1f} min, {whole / times['ours'].median:.0f} × ours")
    return times["ours"].median / times["bare bulk write"].median


def _extrapolated(counts: tuple[int, ...], seconds: list[float], count: int) -> float:
    """Seconds for `count` keys on one curve by the least squares of a n + b n², a and b not below 0."""
    from scipy.optimize import nnls

    n = np.array(counts, float)
    (a, b), _residual = nnls(np.stack([n, n * n], axis=1), np.array(seconds))
    return float(a * count + b * count**2)


def _character(channels: int) -> tuple[Any, list[str]]:
    """A triangle with so many shape keys, alone in a new file."""
    import bpy

    from ..artalk_addon import compat

    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    mesh = bpy.data.meshes.new("bench")
    mesh.from_pydata([(0, 0, 0), (1, 0, 0), (0, 1, 0)], [], [(0, 1, 2)])
    item = bpy.data.objects.new("bench", mesh)
    compat.scene(bpy.context).collection.objects.link(item)
    item.shape_key_add(name="Basis")
    names = [f"shape{number:03d}" for number in range(channels)]
    for name in names:
        item.shape_key_add(name=name)
    return item, names

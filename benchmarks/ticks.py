# SPDX-License-Identifier: GPL-3.0-or-later
"""`ticks`: how long the queue of lines holds the window, one step of its timer at a time.

Ratio: the longest step of the queue over writing such a line in one call, both on a head that has lines already, in
processor time of the main thread, which a busy machine does not change. In a window comes what Blender itself does: the
undo step that is saved with a line, and the drawing of the frame.
"""

from __future__ import annotations

import tempfile
import time
import wave
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from ..core.errors import InputError

_SPEED = 0.005
"""Seconds between two steps."""


def run(seconds: float = 10.0, lines: int = 6, long: float = 600.0, head: str = "") -> float:
    """The longest step while `lines` lines of so many seconds are generated one after another, over one line at once.

    After that the same on a FLAME head, on a head whose sliders have keys, and with two lines of `long` seconds, where
    only the steps are printed.
    head: the folder or file of ICT-FaceKit's head to begin with; empty for the default head
    """
    try:
        import bpy
    except ModuleNotFoundError:
        raise InputError("This benchmark needs Blender's Python module: install it with `pip install bpy`.") from None
    from ..artalk_addon import layers, properties

    registered = hasattr(bpy.types.WindowManager, "artalk")
    if not registered:
        properties.register()
        layers.register()
    try:
        longest, at_once = _case("", lambda: _new_head(head), seconds, lines)
        _case("FLAME head", _flame_head, seconds, min(lines, 3))
        _case("sliders with keys", _head_with_keyed_sliders, seconds, min(lines, 3))
        _case("long lines", _new_head, long, 2)
    finally:
        if not registered:
            layers.unregister()
            properties.unregister()
    return longest / at_once


def _case(title: str, make: Callable[[], Any], seconds: float, lines: int) -> tuple[float, float]:
    """Print how long each kind of step takes; returns the longest, and that of writing a line in one call."""
    import bpy

    from ..artalk_addon import compat, generation, job_queue
    from ..core.generate import Options

    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    item = make()
    # as Blender runs it: torch in its process makes Python's collections of garbage three times as long
    scene, options = compat.scene(bpy.context), Options(device="cpu", engine="numpy")
    times: dict[str, list[tuple[float, float]]] = {}
    with tempfile.TemporaryDirectory(prefix="artalk_") as folder:
        strips = [_strip(scene, Path(folder), seconds, number) for number in range(lines + 1)]
        button, _ = _timed(lambda: job_queue.get_ready(scene, item, options))
        job_queue.add(scene, [(strip, item) for strip in strips[:-1]], options, again=False)
        while _step(job_queue, times):
            time.sleep(_SPEED)
        task = generation.prepare(scene, strips[-1:], item, options)
        spoken = generation.speak(task, lambda _fraction: None, lambda: False)
        at_once, _ = _timed(lambda: generation.apply(task, spoken))
    print(
        f"{title or item.name}: {lines} lines of {seconds:g} s, Blender {bpy.app.version_string}, ms of processor",
        flush=True,
    )
    for name, spent in [*times.items(), ("the button", [button]), ("one line in one call", [at_once])]:
        used, waited = ([1000 * each[part] for each in spent] for part in (0, 1))
        most = f"at most {max(used):.1f} ({max(waited):.1f} on the clock)"
        print(f"  {name:26s} {len(spent):5d} × {median(used):.1f}, {most}")
    return max(used for spent in times.values() for used, _ in spent), at_once[0]


def _new_head(free: str = "") -> Any:
    """The default head, or the free one from its file."""
    import bpy

    from ..artalk_addon import ict_head, rigs

    return ict_head.import_head(bpy.context, Path(free)) if free else rigs.new_head(bpy.context)


def _flame_head() -> Any:
    import bpy

    from ..artalk_addon import flame_rig
    from ..tests.flame_like import flame_like

    return flame_rig.import_head(bpy.context, flame_like())


def _head_with_keyed_sliders() -> Any:
    item = _new_head()
    for name in ("jaw", "head"):
        for value, frame in ((0.5, 1), (1.0, 200)):
            setattr(item.artalk, name, value)
            item.keyframe_insert(f"artalk.{name}", frame=frame)
    return item


def _timed(work: Callable[[], object]) -> tuple[tuple[float, float], object]:
    """Seconds of processor of this thread and on the clock that a work took, and what it returned."""
    clock, used = time.perf_counter(), time.thread_time()
    made = work()
    return (time.thread_time() - used, time.perf_counter() - clock), made


def _step(job_queue: Any, times: dict[str, list[tuple[float, float]]]) -> bool:
    """One step of the queue, timed under what it did; whether there is more to do."""
    before = [(entry.state, entry.finish) for entry in job_queue.QUEUE.entries]
    shown, kept, looks = job_queue._unseen, job_queue._step_of_undo, not job_queue.QUEUE.busy
    spent, goes_on = _timed(job_queue.step)
    changed = [
        (old, entry.state)
        for (old, finish), entry in zip(before, job_queue.QUEUE.entries, strict=True)
        if (old, finish) != (entry.state, entry.finish)
    ]
    kinds = {
        ("waiting", "running"): "strip and character read",
        ("running", "running"): "keys read, or kept aside",
        ("running", "done"): "keys written",
    }
    name = "frame shown" if shown else "Blender's step of undo" if kept else "lips looked at" if looks else "only news"
    times.setdefault(kinds.get(changed[0], "other") if changed else name, []).append(spent)
    return bool(goes_on)


def _strip(scene: Any, folder: Path, seconds: float, number: int) -> Any:
    """A strip of the demo's speech, a second after the one before it."""
    from ..artalk_addon import compat
    from ..artalk_addon.strips import rate
    from .speech import speech

    path = folder / f"line {number}.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes((speech(seconds, number * seconds) * 32767).astype("<i2").tobytes())
    start = 1 + round(number * (seconds + 1) * rate(scene))
    return compat.ensure_strips(scene).new_sound(path.stem, str(path), 1, start)

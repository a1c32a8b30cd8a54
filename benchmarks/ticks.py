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


def run(seconds: float = 10.0, lines: int = 6, head: str = "") -> float:
    """The longest step while `lines` lines of so many seconds are generated one after another, over one line at once.

    head: the folder or file of ICT-FaceKit's head; empty for the default head
    """
    try:
        import bpy
    except ModuleNotFoundError:
        raise InputError("This benchmark needs Blender's Python module: install it with `pip install bpy`.") from None
    from ..artalk_addon import compat, generation, ict_head, job_queue, layers, properties, rigs
    from ..core.generate import Options

    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    registered = hasattr(bpy.types.WindowManager, "artalk")
    if not registered:
        properties.register()
        layers.register()
    item: Any = ict_head.import_head(bpy.context, Path(head)) if head else rigs.new_head(bpy.context)
    scene, options = compat.scene(bpy.context), Options(device="cpu")
    times: dict[str, list[tuple[float, float]]] = {}
    try:
        with tempfile.TemporaryDirectory(prefix="artalk_") as folder:
            strips = [_strip(scene, Path(folder), seconds, number) for number in range(lines + 1)]
            job_queue.add(scene, [(strip, item) for strip in strips[:-1]], options, again=False)
            while _step(job_queue, times):
                time.sleep(_SPEED)
            task = generation.prepare(scene, strips[-1:], item, options)
            spoken = generation.speak(task, lambda _fraction: None, lambda: False)
            at_once, _ = _timed(lambda: generation.apply(task, spoken))
    finally:
        if not registered:
            layers.unregister()
            properties.unregister()
    print(
        f"{lines} lines of {seconds:g} s on '{item.name}', Blender {bpy.app.version_string}, milliseconds of processor"
    )
    for name, spent in [*times.items(), ("one line in one call", [at_once])]:
        used, waited = ([1000 * each[part] for each in spent] for part in (0, 1))
        most = f"at most {max(used):.1f} ({max(waited):.1f} on the clock)"
        print(f"  {name:26s} {len(spent):5d} × {median(used):.1f}, {most}")
    return max(used for spent in times.values() for used, _ in spent) / at_once[0]


def _timed(work: Callable[[], object]) -> tuple[tuple[float, float], object]:
    """Seconds of processor of this thread and on the clock that a work took, and what it returned."""
    clock, used = time.perf_counter(), time.thread_time()
    made = work()
    return (time.thread_time() - used, time.perf_counter() - clock), made


def _step(job_queue: Any, times: dict[str, list[tuple[float, float]]]) -> bool:
    """One step of the queue, timed under what it did; whether there is more to do."""
    before = [(entry.state, entry.finish) for entry in job_queue.QUEUE.entries]
    shown, looks = job_queue._unseen, not job_queue.QUEUE.busy
    spent, goes_on = _timed(job_queue.step)
    changed = [
        (old, entry.state)
        for (old, finish), entry in zip(before, job_queue.QUEUE.entries, strict=True)
        if (old, finish) != (entry.state, entry.finish)
    ]
    kinds = {
        ("waiting", "running"): "strip and character read",
        ("running", "running"): "keys read",
        ("running", "done"): "keys written",
    }
    name = "frame shown" if shown else "lips looked at" if looks else "nothing but news"
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

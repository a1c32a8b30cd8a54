# SPDX-License-Identifier: GPL-3.0-or-later
"""`layers`: a slider of a character with one line of 10 s, against generating it. Ratio: the first by the second.

A slider does the layers again on the kept motion, plans, compares, and writes the curves that change.
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from ..core.errors import InputError
from .measure import interleaved


def run(rounds: int = 9) -> float:
    """Time of moving a slider over that of generating the line anew, both as the panel does it."""
    try:
        import bpy
    except ModuleNotFoundError:
        raise InputError("This benchmark needs Blender's Python module: install it with `pip install bpy`.") from None
    from ..artalk_addon import compat, generation, layers, rigs
    from ..artalk_addon.strips import Source
    from ..core.audio import RATE, read
    from ..core.generate import Options

    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    head: Any = rigs.new_head(bpy.context)
    recording = Path(__file__).resolve().parent.parent / "demo" / "speech" / "austen_0930.flac"
    samples = np.resize(read(recording), 10 * RATE)
    scene = compat.scene(bpy.context).name
    character = rigs.describe(head)
    packed = BytesIO()
    soundfile.write(packed, samples, RATE, format="WAV")
    source = Source("line", 1.0, 1.0, 10.0, recording, packed.getvalue(), 0.0, 1.0)
    task = generation.Task((source,), character, scene, 24.0, Options(device="cpu"), (None,))

    def generate() -> None:
        generation.apply(task, generation.speak(task, lambda _fraction: None, lambda: False))

    registered = layers.sliders(head) is not None
    if not registered:
        layers.register()
    try:
        generate()

        def move(**values: tuple[float, float]) -> None:
            for name, (one, other) in values.items():
                setattr(head.artalk, name, other if getattr(head.artalk, name) == one else one)

        works: dict[str, Any] = {
            "generate": generate,
            "jaw": lambda: move(jaw=(1.0, 0.5)),
            "head": lambda: move(head=(1.0, 0.5)),
            "smoothing": lambda: move(smoothing=(0.0, 0.5)),
            "take": lambda: move(seed=(0, 1)),
        }
        times = interleaved(works, rounds)
    finally:
        if not registered:
            layers.unregister()
    print(f"a line of 10 s at 24 fps, {rounds} rounds, Blender {bpy.app.version_string}")
    for name, spent in times.items():
        print(f"  {name:10s} {spent}")
    return max(times[name].median for name in works if name != "generate") / times["generate"].median

# SPDX-License-Identifier: GPL-3.0-or-later
"""`mini`: artalk-mini on one processor core against the length of the speech itself.

The work is what an animator waits for: a sound file is decoded, the model speaks and all layers are added. Ratio:
seconds of speech per second of one core. Nothing waits for anything but the core, so on an idle one that is the clock;
on a shared one the clock also counts the others' work. Beside it the time from a full window of sound to its frames.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from ..core.audio import RATE, read
from ..core.errors import InputError
from ..core.generate import Options, generate, load_model
from .measure import interleaved
from .speech import speech


def run(seconds: float = 60.0, rounds: int = 7) -> float:
    """Seconds of speech animated in one second of one core, the model loaded."""
    try:
        import soundfile
        import torch

        from ..core.artalk.pipeline import ArtalkPipeline
    except ModuleNotFoundError as missing:
        raise InputError(f"This benchmark needs the Python package '{missing.name}': install it first.") from None
    options = Options(device="cpu")
    model = load_model(options)
    assert isinstance(model, ArtalkPipeline)
    audio, window = speech(seconds), speech(model.config.window_samples / RATE)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "speech.flac"
            soundfile.write(path, audio, RATE)
            works = {
                "file to motion": lambda: generate(read(path), options),
                "first frame": lambda: model.stream().feed(window),
                "decoding": lambda: read(path),
                "model": lambda: model.generate(audio),
            }
            times = interleaved(works, rounds)
    finally:
        torch.set_num_threads(threads)
    print(f"{seconds:g} s of speech, {rounds} rounds, one thread, Python {sys.version.split()[0]}")
    for name, spent in times.items():
        print(f"  {name:15s} {spent}")
    print("  (the first frame counts from a full window of 4 s, which a live voice has to fill first)")
    whole = times["file to motion"]
    print(f"  × real time: {seconds / whole.median:.1f} on the clock, {seconds / whole.processor:.1f} of one core")
    return seconds / whole.processor

# SPDX-License-Identifier: GPL-3.0-or-later
"""`memory`: an hour of speech through the stream of artalk-mini, in the memory of five minutes.

Each length runs in a process of its own. Ratio: peak memory of the longest over that of the shortest.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import numpy as np

from ..core.errors import InputError
from ..core.generate import Options, generate, load_model
from .speech import speech

STATUS = Path("/proc/self/status")
PIECE = 10.0
"""Seconds fed at once."""


def run(minutes: Sequence[float] = (5, 30, 60), ways: Sequence[str] = ("stream", "generate")) -> float:
    """Peak memory of the last length of speech over that of the first.

    Raises InputError where the system does not tell a process its peak, and RuntimeError when the long speech begins
    otherwise than the short one.
    """
    if not STATUS.is_file():
        raise InputError("Peak memory is read from /proc, which this system has not: run this benchmark on Linux.")
    reports = {}
    for way in ways:
        for length in minutes:
            report = reports[way, length] = _in_process(way, length, minutes[0])
            print(f"  {way:8s} {length:4g} min: peak {report['peak']:.0f} MB, {report['frames']} frames", flush=True)
        if len({reports[way, length]["start"] for length in minutes}) > 1:
            raise RuntimeError(f"{way}: long speech does not begin as short speech does")
    print(f"  the first {minutes[0] - 0.5:g} min are equal in all lengths, to the last bit")
    print("  (generate holds the whole recording and motion as well; the ratio is the stream's)")
    return reports[ways[0], minutes[-1]]["peak"] / reports[ways[0], minutes[0]]["peak"]


def _in_process(way: str, minutes: float, shortest: float) -> dict[str, float]:
    command = [sys.executable, "-m", __name__, way, str(minutes), str(shortest)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def child(way: str, minutes: float, shortest: float) -> None:
    """Animate so many minutes and print as JSON: peak MB, frames, hash of the beginning."""
    options = Options(device="cpu", post="none")
    # the model hears a little ahead, so the end of the shortest speech is left out
    compared = round((shortest - 0.5) * 60 * 25)
    beginning = sha256()
    frames = 0
    if way == "stream":
        stream = load_model(options).stream()
        for start in np.arange(0, minutes * 60, PIECE):
            values = stream.feed(speech(min(PIECE, minutes * 60 - start), start)).values
            beginning.update(values[: max(0, compared - frames)].tobytes())
            frames += len(values)
        frames += len(stream.finish())
    else:
        values = generate(speech(minutes * 60), options).values
        beginning.update(values[:compared].tobytes())
        frames = len(values)
    peak = next(line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM"))
    print(json.dumps({"peak": int(peak.split()[1]) / 1024, "frames": frames, "start": beginning.hexdigest()}))


if __name__ == "__main__":
    child(sys.argv[1], float(sys.argv[2]), float(sys.argv[3]))

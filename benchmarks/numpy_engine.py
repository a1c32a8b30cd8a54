# SPDX-License-Identifier: GPL-3.0-or-later
"""`numpy_engine`: artalk-mini on numpy against artalk-mini on torch, each on one processor core.

Ratio: processor time of torch by that of numpy for the same speech, the model alone; 1 means as fast. Set
OMP_NUM_THREADS=1 to hold numpy's own threads back, which it cannot be asked to do from inside.
"""

from __future__ import annotations

import sys

import numpy as np

from ..core import models
from ..core.errors import InputError
from .measure import interleaved
from .speech import speech


def run(seconds: float = 60.0, rounds: int = 7) -> float:
    """Processor time of torch by that of numpy."""
    try:
        import torch
    except ModuleNotFoundError:
        raise InputError("This benchmark needs the Python package 'torch': install it first.") from None
    audio = speech(seconds)
    on_torch, on_numpy = (models.load("mini", None, "cpu", engine) for engine in ("torch", "numpy"))
    apart = np.abs(on_torch.generate(audio).values - on_numpy.generate(audio).values).max()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        works = {"torch": lambda: on_torch.generate(audio), "numpy": lambda: on_numpy.generate(audio)}
        times = interleaved(works, rounds)
    finally:
        torch.set_num_threads(threads)
    print(f"{seconds:g} s of speech, {rounds} rounds, numpy {np.__version__}, Python {sys.version.split()[0]}")
    for name, spent in times.items():
        print(f"  {name:6s} {spent}, {seconds / spent.processor:.1f} × real time of one core")
    print(f"  motion apart by {apart:.1g} at most")
    return times["torch"].processor / times["numpy"].processor

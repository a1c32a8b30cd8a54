# SPDX-License-Identifier: GPL-3.0-or-later
"""Timing of several works in one run, so that a busy or a slow machine is so for all of them alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median

Work = Callable[[], object]


@dataclass(frozen=True)
class Times:
    """Seconds of one work, one entry a round. wall: on the clock; cpu: of all threads of this process together."""

    wall: list[float]
    cpu: list[float]

    @property
    def median(self) -> float:
        """Median seconds on the clock."""
        return median(self.wall)

    @property
    def processor(self) -> float:
        """Median seconds of processor time."""
        return median(self.cpu)

    def __str__(self) -> str:
        """Median and range on the clock, and the median processor time."""
        return (
            f"{self.median:.3f} s (from {min(self.wall):.3f} to {max(self.wall):.3f}; processor {self.processor:.3f} s)"
        )


def interleaved(works: Mapping[str, Work], rounds: int) -> dict[str, Times]:
    """Do every work once to warm up, then all of them in turn, `rounds` times."""
    for work in works.values():
        work()
    times: dict[str, Times] = {name: Times([], []) for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            wall, cpu = time.perf_counter(), time.process_time()
            work()
            times[name].wall.append(time.perf_counter() - wall)
            times[name].cpu.append(time.process_time() - cpu)
    return times

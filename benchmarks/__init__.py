# SPDX-License-Identifier: GPL-3.0-or-later
"""What `artalk bench` measures: each benchmark is a module whose `run()` prints its figures and returns a ratio."""

from __future__ import annotations

import sys
from importlib import import_module

from ..core.errors import InputError

NAMES = ("mini", "numpy_engine", "memory", "keyframes", "layers", "ticks", "artalk", "codetalker")


def run(name: str | None = None) -> None:
    """Run one benchmark, or all when no name is given; the last line of each is `NAME: ratio R`.

    Raises InputError for an unknown name, and where a benchmark named alone cannot run here; among all it is left out.
    """
    if name is not None:
        _run_one(name)
        return
    for each in NAMES:
        try:
            _run_one(each)
        except InputError as error:
            print(f"artalk: left out {each}: {error}", file=sys.stderr)


def _run_one(name: str) -> None:
    if name not in NAMES:
        raise InputError(f"There is no benchmark '{name}': choose one of {', '.join(NAMES)}.")
    ratio: float = import_module(f".{name}", __package__).run()
    print(f"{name}: ratio {ratio:.3g}", flush=True)

# SPDX-License-Identifier: GPL-3.0-or-later
"""How many processor threads the models may use: in numpy's BLAS, in torch, and in the engine environment."""

from __future__ import annotations

import ctypes
import os
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

_OPENBLAS = ("scipy_openblas_{}64_", "openblas_{}64_", "scipy_openblas_{}", "openblas_{}")
"""What numpy's builds call OpenBLAS's functions, the newest first."""
_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

_found: dict[str, Any] = {}
"""What was set before the first limit, by library or variable."""


def limit(count: int) -> None:
    """Let models use `count` threads from now on; 0: as many as before the first limit.

    Holds for what is loaded, for torch if it is loaded later, and for engines that start later, which inherit the
    variables. A numpy with another BLAS than OpenBLAS keeps its own number.
    """
    if not count and not _found:
        return
    for name in _VARIABLES:
        before = _found.setdefault(name, os.environ.get(name))
        wanted = str(count) if count else before
        if wanted is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = wanted
    if (blas := _openblas()) is not None:
        get, set_to = blas
        before = _found.setdefault("numpy", get())
        set_to(count or before)
    if (torch := sys.modules.get("torch")) is not None:
        before = _found.setdefault("torch", torch.get_num_threads())
        torch.set_num_threads(count or before)


def in_numpy() -> int | None:
    """How many threads numpy's BLAS uses; None where that is not OpenBLAS."""
    blas = _openblas()
    return int(blas[0]()) if blas else None


@cache
def _openblas() -> tuple[Any, Any] | None:
    """The functions that get and set the number of threads, of the OpenBLAS that numpy has loaded."""
    package = Path(np.__file__).parent
    # a symbol is looked for in what a library needs, too; on Windows only in the library itself
    for path in (*package.glob("linalg/_umath_linalg*.*"), *package.parent.glob("numpy.libs/*openblas*")):
        try:
            library = ctypes.CDLL(str(path))
        except OSError:
            continue
        for name in _OPENBLAS:
            if hasattr(library, name.format("set_num_threads")):
                return getattr(library, name.format("get_num_threads")), getattr(
                    library, name.format("set_num_threads")
                )
    return None

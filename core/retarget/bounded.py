# SPDX-License-Identifier: GPL-3.0-or-later
"""Least squares within bounds, for all frames at once. numpy only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_SWEEPS, _SETTLED = 100, 1e-4


def bounded_least_squares(gram: Floats, aims: Floats, low: Floats, high: Floats) -> Floats:
    """The rows x (T, N) within `low` and `high` (N,) that minimise x gram x / 2 - aim x, one for each aim (T, N).

    gram: (N, N), positive definite. Each number in turn takes its best place while the others stay (cyclic coordinate
    descent), until none moves by more than 1e-4 of its range; a row that no bound touches is solved at once.
    """
    free = np.linalg.solve(gram, aims.T).T
    found = np.clip(free, low, high)
    touched = np.flatnonzero((found != free).any(axis=1))
    if not len(touched):
        return found
    # numbers in front, so that each is one piece of memory
    x = found[touched].T.copy()
    slope = gram @ x - aims[touched].T
    for _ in range(_SWEEPS):
        before = x.copy()
        for j, row in enumerate(gram):
            new = np.minimum(np.maximum(x[j] - slope[j] / row[j], low[j]), high[j])
            slope += row[:, None] * (new - x[j])
            x[j] = new
        if (np.abs(x - before).max(axis=1) / (high - low)).max() < _SETTLED:
            break
    found[touched] = x.T
    return found

# SPDX-License-Identifier: GPL-3.0-or-later
"""The way back through a mapping: from what a character's shapes and bones do to the channels of a motion."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..basis import ARKIT_SHAPES, Basis
from .bounded import bounded_least_squares
from .mapping import Row

Floats = NDArray[np.float64]

_RIDGE = 1e-4
"""How much a channel's own size counts beside the rows: of channels that only work together each takes its share."""
_FREE = 10.0
"""Bound of channels that are no ARKit shapes: rotations, FLAME's expressions."""


def channels_of(rows: Sequence[tuple[Row, Floats]], basis: Basis) -> NDArray[np.float32]:
    """Values (T,) of a mapping's rows -> channels (T, C) that would move them so; channels that no row has are 0.

    Visemes are what they look like, each by its weight. All else is least squares on the rows, ARKit's shapes within
    0 and 1, the rest of a row (offset, gain) taken out. A row whose gain is 0 says nothing.
    """
    count = len(rows[0][1]) if rows else 0
    values = np.zeros((count, len(basis)))
    looks = np.zeros_like(values)
    matrix, seen = [], []
    for row, value in rows:
        if row.gain == 0:
            continue
        weights = np.zeros(len(basis))
        for channel, weight in row.sources:
            if channel in basis.channels:
                weights[basis.index(channel)] += weight
        if row.mode == "fit":
            looks += ((value - row.offset) / row.gain)[:, None] * weights
        elif weights.any():
            matrix.append(weights)
            seen.append((value - row.offset) / row.gain)
    if matrix:
        table = np.array(matrix)
        used = np.flatnonzero(table.any(axis=0))
        table = table[:, used]
        aims = (np.array(seen).T - looks[:, used] @ table.T) @ table
        shapes = np.array([basis.channels[c] in ARKIT_SHAPES for c in used])
        low, high = np.where(shapes, 0.0, -_FREE), np.where(shapes, 1.0, _FREE)
        values[:, used] = bounded_least_squares(table.T @ table + _RIDGE * np.eye(len(used)), aims, low, high)
    values += looks
    bounded = [basis.index(name) for name in ARKIT_SHAPES if name in basis.channels]
    values[:, bounded] = np.clip(values[:, bounded], 0.0, 1.0)
    return values.astype(np.float32)

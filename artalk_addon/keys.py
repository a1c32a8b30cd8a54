# SPDX-License-Identifier: GPL-3.0-or-later
"""The keys of one F-curve as plain arrays: pure, without Blender. `keyframes` reads and writes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

NUMBERS: dict[str, tuple[int, type]] = {
    "co": (2, np.float32),
    "handle_left": (2, np.float32),
    "handle_right": (2, np.float32),
    "interpolation": (1, np.int32),
    "handle_left_type": (1, np.int32),
    "handle_right_type": (1, np.int32),
    "type": (1, np.int32),
    "easing": (1, np.int32),
    "back": (1, np.float32),
    "amplitude": (1, np.float32),
    "period": (1, np.float32),
}
"""Everything that a key holds: how many numbers of which kind, under Blender's names."""

PLAIN = {"interpolation": 1, "handle_left_type": 4, "handle_right_type": 4}
"""The form of a key that artalk makes: linear, handles found by Blender; all else is 0. These are the numbers of .blend
files, which never change."""

_HANDLES_BY_HAND = (0, 3, 5)
"""The types of handles that Blender does not place itself: free and the two kinds of aligned."""


@dataclass(frozen=True)
class Keys:
    """The keys of one curve, in the order of time. numbers: see NUMBERS, each (n, size)."""

    numbers: dict[str, NDArray[Any]]

    @classmethod
    def plain(cls, frames: NDArray[np.float32], values: NDArray[np.float32]) -> Keys:
        """Keys as artalk makes them, (n,) each."""
        co = np.stack([frames, values], axis=1).astype(np.float32, copy=False)
        return cls({**_plain_form(len(frames)), **dict.fromkeys(_PLACES, co)})

    @classmethod
    def none(cls) -> Keys:
        """No keys."""
        return cls.plain(np.zeros(0, np.float32), np.zeros(0, np.float32))

    def __len__(self) -> int:
        return len(self.numbers["co"])

    @property
    def frames(self) -> NDArray[np.float32]:
        """When they stand, (n,)."""
        return self.numbers["co"][:, 0]

    @property
    def values(self) -> NDArray[np.float32]:
        """What they hold, (n,)."""
        return self.numbers["co"][:, 1]

    @property
    def is_plain(self) -> bool:
        """Whether all have the form that artalk gives."""
        return all((self.numbers[n] == PLAIN.get(n, 0)).all() for n in NUMBERS if n not in _PLACES)

    @property
    def has_handles_by_hand(self) -> bool:
        """Whether any handle stands where somebody has put it, and not where Blender finds it."""
        types = (self.numbers[f"handle_{side}_type"] for side in ("left", "right"))
        # np.isin would take ten times as long, and this is asked for each curve that is written
        return any((each == by_hand).any() for each in types for by_hand in _HANDLES_BY_HAND)

    def copy(self) -> Keys:
        """The same keys in arrays of their own, which may be written to: plain ones share theirs."""
        return Keys({name: array.copy() for name, array in self.numbers.items()})

    def take(self, which: NDArray[Any]) -> Keys:
        """Some of them, by a mask or by their numbers."""
        return Keys({name: array[which] for name, array in self.numbers.items()})

    def moved(self, frames: float, values: NDArray[np.float32] | float) -> Keys:
        """All of them later and higher, with their handles."""
        by = np.stack(np.broadcast_arrays(np.float32(frames), np.asarray(values, np.float32)), axis=-1)
        return Keys({name: array + by if name in _PLACES else array for name, array in self.numbers.items()})

    def form(self) -> NDArray[np.float64]:
        """Everything of each key but its place, (n, m): handles count from the key, and only where set by hand."""
        columns = [self.numbers[name] for name in NUMBERS if name not in _PLACES]
        for side in ("left", "right"):
            by_hand = np.isin(self.numbers[f"handle_{side}_type"], _HANDLES_BY_HAND)
            columns.append(np.where(by_hand, self.numbers[f"handle_{side}"] - self.numbers["co"], 0))
        return np.concatenate(columns, axis=1).astype(np.float64)


_PLACES = ("co", "handle_left", "handle_right")


@lru_cache(maxsize=64)
def _plain_form(count: int) -> dict[str, NDArray[Any]]:
    """All but the places of so many plain keys, in the order of NUMBERS; not to be written to."""
    form: dict[str, NDArray[Any]] = {}
    for name, (size, kind) in NUMBERS.items():
        form[name] = np.full((count, size), PLAIN.get(name, 0), kind)
        form[name].flags.writeable = False
    return form


def together(parts: Sequence[Keys]) -> Keys:
    """Keys of several, in the order of time; of two at one frame the one of the later part stays."""
    every = {name: np.concatenate([part.numbers[name] for part in parts]) for name in NUMBERS}
    order = np.argsort(every["co"][:, 0], kind="stable")
    frames = every["co"][order, 0]
    last = np.append(frames[1:] - frames[:-1] > 1e-3, True) if len(frames) else np.zeros(0, bool)
    return Keys(every).take(order[last])

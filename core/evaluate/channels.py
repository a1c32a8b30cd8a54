# SPDX-License-Identifier: GPL-3.0-or-later
"""Channels of a motion that move together, for measures that are told group by group."""

from __future__ import annotations

from ..basis import ARKIT, EYE_ROTATION, FLAME, HEAD_ROTATION, JAW_ROTATION, Basis

_SMILE = ("mouthSmile", "cheekSquint", "eyeSquint")


def channel_groups(basis: Basis) -> dict[str, list[int]]:
    """Name of each group -> its columns; in a basis that is not known, all channels are one group."""
    if basis == FLAME:
        return {
            "expression": basis.indices(basis.channels[:100]),
            "jaw": basis.indices(JAW_ROTATION),
            "head": basis.indices(HEAD_ROTATION),
        }
    if basis != ARKIT:
        return {"all": list(range(len(basis)))}
    groups = {
        "jaw": ("jaw", "mouthClose"),
        "lips": ("mouth", "tongue"),
        "smile": _SMILE,
        "brows": ("brow",),
        "lids": ("eyeBlink", "eyeWide"),
        "gaze": ("eyeLook", *EYE_ROTATION),
        "head": HEAD_ROTATION,
    }
    taken = {"lips": ("mouthClose", *_SMILE)}
    return {
        name: [
            column
            for column, channel in enumerate(basis.channels)
            if channel.startswith(starts) and not channel.startswith(taken.get(name, ("-",)))
        ]
        for name, starts in groups.items()
    }

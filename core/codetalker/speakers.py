# SPDX-License-Identifier: GPL-3.0-or-later
"""A style of CodeTalker is how much there is of each speaker it was trained on, a motion of one frame; no torch."""

from __future__ import annotations

import math

import numpy as np

from ..basis import Basis
from ..errors import InputError
from ..motion import Motion


def speaker_style(text: str, speakers: Basis) -> Motion:
    """`NAME`, a number from 0, or a mix as `NAME:0.3+NAME:0.7` -> shares of the speakers (1, S), which sum to 1.

    Raises InputError for a speaker that is not there and for shares that are no amounts.
    """
    shares = np.zeros((1, len(speakers)), np.float32)
    for part in text.split("+"):
        name, _, share = part.partition(":")
        shares[0, _number(name.strip(), speakers)] += _amount(share, text)
    total = float(shares.sum())
    if total == 0:
        raise InputError(f"The style '{text}' has nothing of any speaker: give one of them a share above 0.")
    return Motion(shares / np.float32(total), speakers, 1.0)


def _number(name: str, speakers: Basis) -> int:
    if name in speakers.channels:
        return speakers.index(name)
    if name.isdecimal() and int(name) < len(speakers):
        return int(name)
    raise InputError(
        f"This model has no speaker '{name}': choose one of {', '.join(speakers.channels)}, "
        f"or a number from 0 to {len(speakers) - 1}."
    )


def _amount(share: str, text: str) -> float:
    if not share:
        return 1.0
    try:
        amount = float(share)
    except ValueError:
        amount = math.nan
    if not 0 <= amount < math.inf:
        raise InputError(f"The style '{text}' has a share '{share}': give a number from 0 up, as in NAME:0.3+NAME:0.7.")
    return amount

# SPDX-License-Identifier: GPL-3.0-or-later
"""The default head: shipped as a file, made by the code beside it."""

from __future__ import annotations

from pathlib import Path

from . import mesh

PATH = Path(__file__).with_name("default_head.npz")


def load() -> mesh.HeadMesh:
    """The head that is shipped with artalk; needs numpy only."""
    return mesh.load(PATH)

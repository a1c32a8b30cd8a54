# SPDX-License-Identifier: GPL-3.0-or-later
"""Motion out of the files that people have: artalk's own, Live Link Face's, published styles, FLAME of other tools."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from .basis import FLAME, HEAD_ROTATION, JAW_ROTATION
from .errors import InputError
from .live_link import read_csv
from .motion import Motion
from .styles import load as load_style

ENDINGS = (".npz", ".csv", ".pt")

_EXPRESSION = ("expression", "expressions", "expr", "exp", "expcode", "expression_params")
_HEAD = ("global_pose", "global_orient", "global_rotation", "rotation", "head_pose")
_JAW = ("jaw_pose", "jaw", "jaw_rotation", "jaw_params")
_POSE = ("pose", "pose_params", "posecode")
_RATE = ("fps", "mocap_frame_rate", "frame_rate")
_SMPLX = 165  # numbers of a body's pose, of which the jaw's are these
_SMPLX_JAW = slice(66, 69)


def read_motion(path: Path, fps: float | None = None) -> Motion:
    """Motion from a `.npz`, `.csv` or `.pt` file; fps: its rate, where the file does not tell.

    A `.npz` of other tools is FLAME's: expressions (T, up to 100) with jaw and head as rotation vectors (T, 3), or
    together as a pose (T, 6), head first. Raises InputError for anything else, and for motion without frames.
    """
    motion = _read(path, fps)
    if len(motion) == 0:
        raise InputError(f"'{path.name}' holds no frames: give a motion that lasts.")
    return motion


def _read(path: Path, fps: float | None) -> Motion:
    ending = path.suffix.lower()
    if ending == ".csv":
        return read_csv(path, fps)
    if ending == ".pt":
        return load_style(path)
    if ending != ".npz":
        raise InputError(f"'{path.name}' is no motion: give a {', '.join(ENDINGS[:-1])} or {ENDINGS[-1]} file.")
    try:
        with np.load(path, allow_pickle=False) as file:
            found = {name: file[name] for name in file.files} if "values" not in file else None
    except FileNotFoundError:
        raise InputError(f"There is no file '{path}': check the path.") from None
    except (OSError, ValueError, EOFError, BadZipFile):
        raise InputError(f"'{path.name}' is damaged or no motion: give one made by `artalk generate`.") from None
    return Motion.load(path) if found is None else _of_another_tool(found, path, fps)


def _of_another_tool(found: Mapping[str, NDArray[Any]], path: Path, fps: float | None) -> Motion:
    expression = _first(found, _EXPRESSION)
    if expression is None:
        raise InputError(f"'{path.name}' holds no motion of artalk's and no FLAME expressions: give another file.")
    rate = fps or _first(found, _RATE)
    if rate is None:
        raise InputError(f"'{path.name}' does not say its frame rate: give it with --from-fps.")
    shapes = expression.reshape(-1, expression.shape[-1])
    jaw, head = _first(found, _JAW), _first(found, _HEAD)
    pose = _first(found, (*_POSE, "poses"))
    if pose is not None and pose.shape[-1] == 6:
        head, jaw = pose[..., :3] if head is None else head, pose[..., 3:] if jaw is None else jaw
    elif pose is not None and pose.shape[-1] == _SMPLX:
        jaw = pose[..., _SMPLX_JAW] if jaw is None else jaw
    count = shapes.shape[1]
    if not 0 < count <= len(FLAME) - 6:
        raise InputError(f"'{path.name}' has {count} expressions and FLAME motion up to {len(FLAME) - 6}: cut them.")
    values = np.zeros((len(shapes), len(FLAME)), np.float32)
    values[:, :count] = shapes
    for part, channels in ((head, HEAD_ROTATION), (jaw, JAW_ROTATION)):
        if part is None:
            continue
        if part.size != 3 * len(shapes):
            raise InputError(f"The rotations of '{path.name}' are not one vector for each of its {len(shapes)} frames.")
        values[:, FLAME.indices(channels)] = part.reshape(-1, 3)
    if not np.isfinite(values).all():
        raise InputError(f"'{path.name}' holds values that are not numbers: make it again.")
    return Motion(values, FLAME, float(rate), {"source": path.name})


def _first(found: Mapping[str, NDArray[Any]], names: tuple[str, ...]) -> NDArray[Any] | None:
    return next((found[name] for name in names if name in found), None)

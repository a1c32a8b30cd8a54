# SPDX-License-Identifier: GPL-3.0-or-later
"""What a motion codec keeps of the teacher's motion, and how it uses its bits."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..basis import ARKIT, HEAD_ROTATION
from ..errors import InputError
from ..models import SpeechModel
from ..motion import Motion
from ..train import teacher
from .channels import channel_groups
from .clips import Clip
from .mouth import MouthProbe
from .systems import Recordings
from .tables import Cell, Table

if TYPE_CHECKING:
    from ..artalk.codec import MotionCodec

Bits = NDArray[np.bool_]


def codec_of(model: SpeechModel) -> MotionCodec:
    """The codec of a model of the ARTalk family in the ARKit basis; InputError for another model."""
    from ..artalk.pipeline import ArtalkPipeline

    if not isinstance(model, ArtalkPipeline) or model.basis != ARKIT:
        raise InputError("--codec needs a model of the ARTalk family with ARKit motion: leave it out for this one.")
    return model.model.codec


def through_codec(codec: MotionCodec, motion: Motion) -> tuple[Motion, list[Bits]]:
    """Motion coded and decoded window by window, as between the windows of a generation, and its bits.

    Bits are (windows, n, d) for each scale; before the first window lies a window of rest.
    """
    import torch

    size = codec.config.frames
    count = -(-len(motion) // size)
    padded = np.zeros((count * size, motion.values.shape[1]), np.float32)
    padded[: len(motion)] = motion.values
    padded[len(motion) :] = motion.values[-1]
    windows = np.concatenate([np.zeros((1, *padded[:size].shape), np.float32), padded.reshape(count, size, -1)])
    with torch.inference_mode():
        bits = codec.encode(torch.from_numpy(windows).to(codec.motion_mean.device))
        features = codec.feature(bits)
        decoded = codec.decode(features[:-1], features[1:])
    values = decoded.float().cpu().numpy().reshape(padded.shape)[: len(motion)]
    return motion.with_values(values), [scale[1:].cpu().numpy() for scale in bits]


def measure(codec: MotionCodec, clips: Sequence[Clip], recordings: Recordings, probe: MouthProbe) -> list[Table]:
    """Two tables: the error of the teacher's motion through the codec, and the use of the codebook.

    Each clip of speech goes through in the neutral style and in one unseen style.
    """
    pairs, bits = [], []
    for number, clip in enumerate(clip for clip in clips if clip.kind == "speech"):
        signals = teacher.signals(recordings[clip.id], clip.phones)
        for style in (teacher.NEUTRAL, teacher.Style.sample(random.Random(f"evaluate codec {number}"))):
            motion = Motion(teacher.motion(signals, style.vector()), ARKIT, teacher.FPS)
            decoded, codes = through_codec(codec, motion)
            pairs.append((motion, decoded))
            bits.append(codes)
    if not pairs:
        raise InputError("--codec needs clips of speech: give some.")
    return [error_table(pairs, probe), codebook_table([np.concatenate(scale) for scale in zip(*bits, strict=True)])]


def error_table(pairs: Sequence[tuple[Motion, Motion]], probe: MouthProbe) -> Table:
    """Root mean square of the difference between motions and what came back, beside their own deviation."""
    rows = {}
    for group, columns in channel_groups(ARKIT).items():
        if group in ("lids", "gaze"):
            continue  # layers, which no codec sees
        unit = 180 / np.pi if columns == ARKIT.indices(HEAD_ROTATION) else 1.0
        name = f"{group}, degrees" if unit != 1 else f"{group}, weight"
        rows[name] = _error(
            [unit * motion.values[:, columns] for motion, _ in pairs],
            [unit * decoded.values[:, columns] for _, decoded in pairs],
        )
    tracks = [(probe.tracks(motion), probe.tracks(decoded)) for motion, decoded in pairs]
    for name, unit_name in (("aperture", "mm"), ("jaw", "mm"), ("round", "share"), ("fv", "share")):
        before, after = zip(*((getattr(a, name), getattr(b, name)) for a, b in tracks), strict=True)
        rows[f"{name}, {unit_name}"] = _error(before, after)
    return Table("codec: error", rows, note="The teacher's motion, neutral and in unseen styles, through the codec.")


def codebook_table(bits: Sequence[Bits]) -> Table:
    """Use of the codes of each scale: bits (windows, n, d) per scale.

    distinct: share of different codes among all that were used (or could have been, where those are fewer).
    entropy: mean over the bits of their entropy, 1 when 0 and 1 are equally frequent; `stuck`: bits that never change.
    """
    rows: dict[str, dict[str, Cell]] = {}
    for scale in bits:
        codes = scale.reshape(-1, scale.shape[-1])
        possible = min(len(codes), 2.0 ** codes.shape[1])
        p = codes.mean(axis=0)
        inside = np.clip(p, 1e-12, 1 - 1e-12)
        entropy = -(inside * np.log2(inside) + (1 - inside) * np.log2(1 - inside))
        rows[f"scale {scale.shape[1]}"] = {
            "codes": len(codes),
            "distinct": len(np.unique(codes, axis=0)) / possible,
            "entropy": float(entropy.mean()),
            "stuck": int(((p == 0) | (p == 1)).sum()),
        }
    return Table("codec: use of the codebook", rows)


def _error(before: Sequence[NDArray[Any]], after: Sequence[NDArray[Any]]) -> dict[str, Cell]:
    first, second = (np.concatenate(values).astype(np.float64) for values in (before, after))
    error = float(np.sqrt(np.mean((first - second) ** 2)))
    moved = float(np.sqrt(first.var(axis=0).mean()))
    return {"error": error, "movement": moved, "error / movement": error / moved if moved > 1e-9 else float("nan")}

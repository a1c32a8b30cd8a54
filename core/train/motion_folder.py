# SPDX-License-Identifier: GPL-3.0-or-later
"""A user's own folder of sounds and FLAME motion as training data: checked, packed, cut into passages."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import audio as sound
from ..basis import FLAME
from ..errors import InputError
from ..motion import Motion

FPS = 25.0
FRAME_SAMPLES = 640
WINDOW_FRAMES = 100
STYLE_FRAMES = 50
LARGEST_DIFFERENCE = 0.2
"""Seconds by which a sound and its motion may differ in length."""
SOUND_ENDINGS = (".wav", ".flac", ".ogg", ".mp3", ".aif", ".aiff")
MOTION_ENDINGS = (".npz", ".csv")


@dataclass(frozen=True)
class Batch:
    """Passages of two windows: the first is history, the second is to be predicted.

    motion: (B, 200, 106), zero before a clip begins; audio: (B, 128000) at 16 kHz, silent there;
    style: (B, 50, 106), another place of the same clip.
    """

    motion: NDArray[np.float32]
    audio: NDArray[np.float32]
    style: NDArray[np.float32]


@dataclass(frozen=True)
class MotionFolder:
    """All clips end to end, on disk: motion (F, 106), audio (640 F,) int16; `frames` of each clip."""

    motion: NDArray[np.float32]
    audio: NDArray[np.int16]
    frames: NDArray[np.int64]

    @property
    def minutes(self) -> float:
        """Length of all clips."""
        return float(self.frames.sum()) / FPS / 60

    def batch(self, rng: np.random.Generator, count: int) -> Batch:
        """`count` passages from anywhere: every place of every clip is as likely as any other."""
        ends = np.cumsum(self.frames - WINDOW_FRAMES + 1)
        drawn = rng.integers(0, ends[-1], count)
        clips = np.searchsorted(ends, drawn, side="right")
        places = drawn - (ends - (self.frames - WINDOW_FRAMES + 1))[clips]
        others = [int(rng.integers(0, self.frames[clip] - STYLE_FRAMES + 1)) for clip in clips]
        starts = (np.cumsum(self.frames) - self.frames)[clips]
        motion = np.zeros((count, 2 * WINDOW_FRAMES, len(FLAME)), np.float32)
        audio = np.zeros((count, 2 * WINDOW_FRAMES * FRAME_SAMPLES), np.float32)
        for i, (start, place) in enumerate(zip(starts, places, strict=True)):
            first, last = start + max(0, place - WINDOW_FRAMES), start + place + WINDOW_FRAMES
            motion[i, -(last - first) :] = self.motion[first:last]
            audio[i, -(last - first) * FRAME_SAMPLES :] = self.audio[first * FRAME_SAMPLES : last * FRAME_SAMPLES]
        style = [self.motion[s + o : s + o + STYLE_FRAMES] for s, o in zip(starts, others, strict=True)]
        return Batch(motion, audio / np.float32(32767), np.stack(style))


def open_folder(folder: Path, work: Path) -> MotionFolder:
    """The pairs of a folder, packed under `work` at the first call and when a file has changed.

    A pair is a sound and a motion (`.npz` or `.csv` of the basis flame) of the same name but for the ending. Clips
    shorter than a window of 4 s are left out. Raises InputError that names the file that is wrong.
    """
    pairs = _pairs(folder)
    listing = [[path.name, path.stat().st_size, path.stat().st_mtime_ns] for pair in pairs for path in pair]
    index = work / "index.json"
    if not index.is_file() or json.loads(index.read_text())["files"] != listing:
        _pack(pairs, work, listing)
    frames = np.array(json.loads(index.read_text())["frames"], np.int64)
    motion: Any = np.memmap(work / "motion.f32", np.float32, "r").reshape(-1, len(FLAME))
    return MotionFolder(motion, np.memmap(work / "audio.i16", np.int16, "r"), frames)


def _pairs(folder: Path) -> list[tuple[Path, Path]]:
    if not folder.is_dir():
        raise InputError(f"There is no folder '{folder}': give the one with your sounds and motions.")
    files = sorted(folder.iterdir())
    motions = {path.stem: path for path in files if path.suffix.lower() in MOTION_ENDINGS}
    sounds = [path for path in files if path.suffix.lower() in SOUND_ENDINGS]
    pairs = [(path, motions[path.stem]) for path in sounds if path.stem in motions]
    if not pairs:
        what = (
            "sounds but no motions" if sounds else "motions but no sounds" if motions else "neither sounds nor motions"
        )
        raise InputError(
            f"The folder '{folder}' holds {what} of the same name: put each a.wav beside its a.npz or a.csv."
        )
    return pairs


def _pack(pairs: list[tuple[Path, Path]], work: Path, listing: list[list[Any]]) -> None:
    work.mkdir(parents=True, exist_ok=True)
    (work / "index.json").unlink(missing_ok=True)
    frames = []
    with (work / "motion.f32").open("wb") as motion_file, (work / "audio.i16").open("wb") as audio_file:
        for sound_path, motion_path in pairs:
            values, samples = read_pair(sound_path, motion_path)
            if len(values) < WINDOW_FRAMES:
                continue
            frames.append(len(values))
            motion_file.write(values.tobytes())
            audio_file.write((samples.clip(-1, 1) * 32767).astype(np.int16).tobytes())
    if not frames:
        raise InputError("All clips are shorter than 4 s, the window that the model learns: join them or give others.")
    (work / "index.json").write_text(json.dumps({"files": listing, "frames": frames}))


def read_pair(sound_path: Path, motion_path: Path) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Motion (T, 106) at 25 fps and its sound (640 T,) at 16 kHz; InputError when they do not belong together."""
    motion = read_motion(motion_path).resample(FPS)
    samples = sound.read(sound_path)
    difference = len(samples) / sound.RATE - motion.duration
    if abs(difference) > LARGEST_DIFFERENCE:
        raise InputError(
            f"'{sound_path.name}' lasts {len(samples) / sound.RATE:.2f} s but its motion '{motion_path.name}' "
            f"{motion.duration:.2f} s: cut both to the same length."
        )
    frames = min(len(motion), -(-len(samples) // FRAME_SAMPLES))
    padded = np.zeros(frames * FRAME_SAMPLES, np.float32)
    padded[: len(samples)] = samples[: len(padded)]
    return motion.values[:frames], padded


def read_motion(path: Path) -> Motion:
    """A motion of the basis flame from `.npz` or `.csv`; InputError when it is of another or not moving at all."""
    motion = _read_csv(path) if path.suffix.lower() == ".csv" else Motion.load(path)
    if motion.basis != FLAME:
        raise InputError(
            f"The motion '{path.name}' is of the basis '{motion.basis.name}', not flame: fit FLAME to it first."
        )
    if len(motion) == 0 or not np.ptp(motion.values, axis=0).any():
        raise InputError(f"Nothing moves in '{path.name}': leave this clip out or track it again.")
    return motion


def _read_csv(path: Path) -> Motion:
    """A table with one named column per FLAME channel, 25 rows a second; other columns are ignored."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        values = np.array([[float(row[name]) for name in FLAME.channels] for row in rows], np.float32)
    except KeyError:
        raise InputError(
            f"The motion '{path.name}' has no columns exp001 to exp100, head_x to head_z and jaw_x to jaw_z: "
            "write it as a motion of the basis flame."
        ) from None
    except (ValueError, TypeError, UnicodeDecodeError, csv.Error):
        raise InputError(f"The table '{path.name}' holds cells that are not numbers: write it again.") from None
    if not np.isfinite(values).all():
        raise InputError(f"The motion '{path.name}' holds values that are not numbers: make it again.")
    return Motion(values.reshape(-1, len(FLAME)), FLAME, FPS)

# SPDX-License-Identifier: GPL-3.0-or-later
"""`artalk demo`: a human recording becomes a .blend, a contact sheet, a plot, and a film where ffmpeg is there."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..core import audio as sound
from ..core.errors import InputError
from ..core.evaluate.clips import SHIPPED_CLIPS, load_clips
from ..core.generate import Options
from ..core.phones import BILABIALS, lookup
from . import headless

RECORDING = SHIPPED_CLIPS / "austen_0920.flac"
_SHEET_COLUMNS, _SHEET_ROWS = 6, 3
_SHEET_SIZE, _FILM_SIZE = 300, 480


def run_demo(out: Path, recording: Path | None = None) -> Iterator[Path]:
    """Do the main job on a recording and yield each file that was made, as soon as it is there."""
    recording = recording or RECORDING
    samples = sound.read(recording)
    sound.require_speech(samples, f"The sound '{recording.name}'")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"The folder '{out}' cannot be made ({error.strerror}): choose another --out.") from None
    blend = out / "demo.blend"
    _say("animating the recording")
    headless.generate_blend(recording, blend, Options())
    yield blend
    frames = headless.keyed_frames()
    gaps = headless.lip_gaps_mm(frames)
    yield _plot(out / "lips.png", samples, frames, gaps, closures(recording))
    with tempfile.TemporaryDirectory() as folder:
        _say("rendering the contact sheet")
        chosen = telling_frames(frames, gaps, _SHEET_COLUMNS * _SHEET_ROWS)
        pictures = headless.render_frames(chosen, Path(folder) / "sheet", _SHEET_SIZE, samples=8)
        yield _sheet(out / "contact-sheet.png", chosen, pictures, gaps[np.searchsorted(frames, chosen)])
        if shutil.which("ffmpeg") is None:
            _say("no film: ffmpeg is not installed")
            return
        _say(f"rendering the film, {len(frames)} frames")
        headless.render_frames(frames, Path(folder) / "film", _FILM_SIZE, "BLENDER_WORKBENCH")
        yield _film(out / "demo.mp4", Path(folder) / "film", int(frames[0]), recording)


def telling_frames(frames: NDArray[np.int64], gaps: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """`count` frames spread over the clip, each the widest or the most closed of its stretch in turn."""
    chosen = []
    for number, stretch in enumerate(np.array_split(np.arange(len(frames)), min(count, len(frames)))):
        pick = gaps[stretch].argmax() if number % 2 else gaps[stretch].argmin()
        chosen.append(frames[stretch[pick]])
    return np.array(chosen)


def closures(recording: Path) -> list[tuple[float, float, str]]:
    """Start, end and phone of each p b m of a shipped recording; none of another, whose phones are not known."""
    if recording.parent != SHIPPED_CLIPS:
        return []
    clip = next(clip for clip in load_clips(SHIPPED_CLIPS) if clip.path == recording)
    return [
        (start, end, lookup(phone)[0].ipa) for start, end, phone in clip.phones if lookup(phone)[0].ipa in BILABIALS
    ]


def _say(text: str) -> None:
    print(f"artalk demo: {text}", file=sys.stderr)


def _plot(
    path: Path,
    samples: NDArray[np.float32],
    frames: NDArray[np.int64],
    gaps: NDArray[np.float64],
    spoken: list[tuple[float, float, str]],
) -> Path:
    """The sound above, how far the lips are apart below; the spans of `spoken` are shaded."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, (top, bottom) = plt.subplots(2, 1, sharex=True, figsize=(12, 4.2), layout="constrained")
    top.plot(np.arange(len(samples)) / sound.RATE, samples, linewidth=0.4, color="#35506b")
    top.set_ylabel("sound")
    seconds = (frames - frames[0]) / headless.scene_rate()
    bottom.fill_between(seconds, gaps, color="#c2554a", alpha=0.35)
    bottom.plot(seconds, gaps, color="#c2554a", linewidth=1.2)
    for start, end, phone in spoken:
        bottom.axvspan(start, end, color="#35506b", alpha=0.18, linewidth=0)
        bottom.text((start + end) / 2, gaps.max(), phone, ha="center", va="top", color="#35506b")
    bottom.axhline(1.0, color="grey", linewidth=0.6, linestyle=":")
    bottom.set_ylabel("lips apart, mm")
    bottom.set_xlabel("seconds")
    bottom.margins(x=0)
    figure.savefig(path, dpi=110)
    plt.close(figure)
    return path


def _sheet(path: Path, frames: NDArray[np.int64], pictures: list[Path], gaps: NDArray[np.float64]) -> Path:
    from PIL import Image, ImageDraw

    rows = -(-len(pictures) // _SHEET_COLUMNS)
    sheet = Image.new("RGB", (_SHEET_COLUMNS * _SHEET_SIZE, rows * _SHEET_SIZE))
    draw = ImageDraw.Draw(sheet)
    for number, (frame, picture, gap) in enumerate(zip(frames, pictures, gaps, strict=True)):
        corner = (number % _SHEET_COLUMNS * _SHEET_SIZE, number // _SHEET_COLUMNS * _SHEET_SIZE)
        with Image.open(picture) as image:
            sheet.paste(image.convert("RGB"), corner)
        draw.text((corner[0] + 8, corner[1] + 6), f"frame {frame}   lips {gap:.1f} mm", fill="white")
    sheet.save(path, optimize=True)
    return path


def _film(path: Path, folder: Path, first: int, recording: Path) -> Path:
    rate = f"{headless.scene_rate():.6f}"
    command = ["ffmpeg", "-loglevel", "error", "-y", "-framerate", rate, "-start_number", str(first)]
    command += ["-i", str(folder / "%04d.png"), "-i", str(recording), "-pix_fmt", "yuv420p", "-c:v", "libx264"]
    command += ["-crf", "20", "-c:a", "aac", "-shortest", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise InputError(f"ffmpeg could not write the film ({done.stderr.strip().splitlines()[-1]}): check the disk.")
    return path

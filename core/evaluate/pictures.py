# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures for the report: curves over the phones that were spoken, and frames of the default head."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..audio import RATE
from ..errors import InputError
from ..generate import Options
from ..phones import PhoneSpan, is_silence, lookup
from .clips import Clip
from .mouth import MouthTracks

if TYPE_CHECKING:
    from PIL.Image import Image

LONGEST = 6.0
"""Seconds of a clip that a picture shows: more, and the phones cannot be read."""
_PANELS = (("aperture", "lips apart, mm"), ("round", "rounded"), ("fv", "lip on teeth"))
_INK, _MODEL, _TARGET = "#35506b", "#c2554a", "#8a9aa9"
_CONTACTS = {"bilabial": _INK, "labiodental": "#b8860b"}
_SHEET_COLUMNS, _SHEET_SIZE, _SHEET_SAMPLES = 5, 210, 6
_RENDERED, _FACE = 290, (40, 26, 250, 236)
"""Pixels of a rendered frame, and the box in it with the face."""
_LABEL = 34


def phone_curves(
    clip: Clip, samples: NDArray[np.float32], tracks: Mapping[str, MouthTracks], target: MouthTracks
) -> bytes:
    """A PNG of the sound, and of lip gap, rounding and lip-to-teeth contact against their target, phones above.

    `tracks` are the systems to draw by name, the first one thick. Only the first seconds of a long clip are shown.
    """
    plt = _pyplot()
    figure, axes = plt.subplots(
        4, 1, sharex=True, figsize=(15, 6.4), height_ratios=(1, 3, 1.3, 1.3), layout="constrained"
    )
    axes[0].plot(np.arange(len(samples)) / RATE, samples, linewidth=0.4, color=_INK)
    axes[0].set_ylabel("sound")
    axes[0].set_yticks([])
    for axis, (name, label) in zip(axes[1:], _PANELS, strict=True):
        wanted = getattr(target, name)
        seconds = np.arange(len(wanted)) / target.fps
        axis.fill_between(seconds, wanted, color=_TARGET, alpha=0.35, linewidth=0, label="target (true phones)")
        for number, (system, track) in enumerate(tracks.items()):
            values = getattr(track, name)
            style: dict[str, Any] = {"linewidth": 0.8, "alpha": 0.7} if number else {"linewidth": 1.6, "color": _MODEL}
            axis.plot(np.arange(len(values)) / track.fps, values, label=system, **style)
        axis.set_ylabel(label)
        axis.set_ylim(bottom=0)
    for axis in axes[2:]:
        axis.set_ylim(0, 1.1)
    axes[1].axhline(1.0, color="grey", linewidth=0.7, linestyle=":")
    axes[1].legend(loc="upper right", fontsize=8, framealpha=0.9, ncols=1 + len(tracks))
    # room for the legend above the curves
    axes[1].set_ylim(0, 1.25 * axes[1].get_ylim()[1])
    end = min(clip.duration, LONGEST)
    for span in clip.phones:
        _mark_phone(axes, span, end)
    axes[0].set_xlim(0, end)
    axes[-1].set_xlabel("seconds")
    return _png(figure)


def contact_sheet(clip: Clip, options: Options, count: int = 10) -> bytes:
    """A PNG of the default head at `count` telling phones of a clip; InputError where Blender's module is missing.

    The head is animated and rendered by Blender, with the gap of the evaluated lips under each picture.
    """
    try:
        from ...artalk_addon import headless
    except ModuleNotFoundError as missing:
        if missing.name != "bpy":
            raise
        raise InputError(
            "Pictures of the head need Blender's Python module: install it with `pip install bpy`."
        ) from None
    from PIL import Image

    chosen = telling_phones(clip.phones, count)
    with tempfile.TemporaryDirectory() as folder:
        headless.generate_blend(clip.path, Path(folder) / "clip.blend", options)
        keyed = headless.keyed_frames()
        middles = [round((start + end) / 2 * headless.scene_rate()) for start, end, _ in chosen]
        frames = [int(keyed[min(middle, len(keyed) - 1)]) for middle in middles]
        gaps = headless.lip_gaps_mm(frames)
        pictures = []
        for path in headless.render_frames(sorted(set(frames)), folder, _RENDERED, samples=_SHEET_SAMPLES):
            with Image.open(path) as opened:
                pictures.append((int(path.stem), opened.convert("RGB").crop(_FACE)))
    shown = dict(pictures)
    labels = [
        f"{spelled(phone)}   {(start + end) / 2:.2f} s\nlips {gap:.1f} mm"
        for (start, end, phone), gap in zip(chosen, gaps, strict=True)
    ]
    return _sheet([shown[frame] for frame in frames], labels)


def telling_phones(phones: Sequence[PhoneSpan], count: int) -> list[PhoneSpan]:
    """At most `count` phones spread over a clip, of as many kinds as it holds.

    Of each stretch the phone whose kind was taken least so far; of these one in which the lips touch, or the longest.
    """
    spoken = [span for span in phones if not is_silence(span[2])]
    taken: Counter[str] = Counter()

    def rank(span: PhoneSpan) -> tuple[int, bool, float]:
        kind = lookup(span[2])[0].kind
        return taken[kind], kind not in _CONTACTS, span[0] - span[1]

    chosen: list[PhoneSpan] = []
    if not spoken:
        return chosen
    for stretch in np.array_split(np.arange(len(spoken)), min(count, len(spoken))):
        chosen.append(min((spoken[i] for i in stretch), key=rank))
        taken[lookup(chosen[-1][2])[0].kind] += 1
    return chosen


def spelled(phone: str) -> str:
    """A phone in IPA, as it is looked up."""
    return "".join(dict.fromkeys(part.ipa for part in lookup(phone)))


def _mark_phone(axes: Sequence[Any], span: PhoneSpan, end: float) -> None:
    """Edges, name and colour of one phone: shut lips in one shade, lip on teeth in another."""
    start, stop, phone = span
    if start >= end or is_silence(phone):
        return
    shade = _CONTACTS.get(lookup(phone)[0].kind)
    for axis in axes:
        axis.axvline(start, color="grey", linewidth=0.25)
        if shade:
            axis.axvspan(start, stop, color=shade, alpha=0.16, linewidth=0)
    middle = (start + min(stop, end)) / 2
    axes[0].text(middle, 1.06, spelled(phone), transform=axes[0].get_xaxis_transform(), ha="center", fontsize=9)


def _sheet(pictures: Sequence[Image], labels: Sequence[str]) -> bytes:
    from PIL import Image, ImageDraw, ImageFont

    rows = -(-len(pictures) // _SHEET_COLUMNS)
    size = (min(len(pictures), _SHEET_COLUMNS) * _SHEET_SIZE, rows * (_SHEET_SIZE + _LABEL))
    sheet = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(sheet)
    font = ImageFont.truetype(_font_file(), 13)
    for number, (picture, label) in enumerate(zip(pictures, labels, strict=True)):
        corner = (number % _SHEET_COLUMNS * _SHEET_SIZE, number // _SHEET_COLUMNS * (_SHEET_SIZE + _LABEL))
        sheet.paste(picture, corner)
        pen.text((corner[0] + 6, corner[1] + _SHEET_SIZE), label, fill=_INK, font=font, spacing=1)
    out = BytesIO()
    # few colours: a palette keeps the file small and does not show
    sheet.quantize(256).save(out, "PNG", optimize=True)
    return out.getvalue()


def _font_file() -> str:
    """A font with the letters of the IPA, which comes with matplotlib."""
    from matplotlib.font_manager import FontProperties, findfont

    return str(findfont(FontProperties(family="DejaVu Sans")))


def _pyplot() -> Any:  # noqa: ANN401 (the module itself)
    try:
        import matplotlib as mpl
    except ModuleNotFoundError:
        raise InputError(
            "The report's pictures need matplotlib: install it with `pip install matplotlib pillow`, "
            "or give --pictures 0."
        ) from None
    mpl.use("Agg")
    import matplotlib.pyplot as plt

    return plt


def _png(figure: Any) -> bytes:  # noqa: ANN401 (a figure of a library without types)
    out = BytesIO()
    figure.savefig(out, dpi=95)
    _pyplot().close(figure)
    return out.getvalue()

# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture of docs/styles.md: one sentence in several styles, a row each, the same moments below one another.

python docs/tools/render_styles.py OUT.jpg [STYLE…]
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from artalk.artalk_addon import headless
from artalk.core import styles
from artalk.core.basis import ARKIT
from artalk.core.generate import Options
from PIL import Image, ImageDraw, ImageFont

SENTENCE = Path(__file__).resolve().parent.parent.parent / "demo" / "speech" / "austen_0930.flac"
FRAMES = (9, 15, 27, 60)
SIZE, FACE = 300, (45, 0, 265, 240)
"""Pixels of a picture, and what is shown of it: left, upper, right, lower."""
FONT = ImageFont.load_default(16)


def main(out: Path, names: list[str]) -> None:
    """Render and put together."""
    rows = [(name, render(name)) for name in names]
    width, height = FACE[2] - FACE[0], FACE[3] - FACE[1]
    sheet = Image.new("RGB", (width * len(FRAMES), height * len(rows)))
    draw = ImageDraw.Draw(sheet)
    for y, (name, pictures) in enumerate(rows):
        for x, picture in enumerate(pictures):
            sheet.paste(picture.crop(FACE), (x * width, y * height))
        draw.text((8, y * height + 6), name, fill="white", font=FONT)
    sheet.save(out, quality=85)


def render(name: str) -> list[Image.Image]:
    """The moments of one style."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "line.blend"
        headless.generate_blend(SENTENCE, path, Options(style=styles.find(name, ARKIT, None), engine="numpy"))
        pictures = headless.render_frames(FRAMES, folder, SIZE, engine="BLENDER_WORKBENCH")
        return [Image.open(picture).convert("RGB").copy() for picture in pictures]


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:] or ["stern", "smiling", "broad"])

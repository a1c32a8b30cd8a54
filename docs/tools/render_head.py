# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of the default head: neutral, visemes and all shapes.

python docs/tools/render_head.py [neutral] [visemes] [shapes] [--out docs/images]
python docs/tools/render_head.py --look mouth:jawOpen=0.5 --look face3 --out /tmp    close looks, for who works on it
"""

from __future__ import annotations

import argparse
import math
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
from artalk.artalk_addon import rigs
from artalk.core.basis import ARKIT_SHAPES
from mathutils import Euler, Vector
from PIL import Image, ImageDraw


@dataclass(frozen=True)
class View:
    """A camera: what it looks at (mm, the head's axes), degrees to the side and up, width of the picture in mm."""

    centre: tuple[float, float, float]
    side: float
    up: float
    width: float


VIEWS = {
    "front": View((0, 2, 20), 0, 0, 350),
    "three": View((0, 2, 20), 35, 4, 350),
    "profile": View((0, 2, 15), 90, 0, 350),
    "face": View((0, 5, 60), 0, 0, 190),
    "face3": View((0, 5, 60), 32, 3, 190),
    "lower": View((0, -14, 80), 14, 0, 150),
    "mouth": View((0, -36, 100), 0, 0, 84),
    "mouth3": View((0, -36, 100), 38, 4, 84),
    "nose3": View((0, 5, 110), 35, -12, 80),
    "eyes": View((0, 38, 90), 0, 0, 124),
    "eye3": View((33, 36, 90), 40, 0, 64),
    "ear": View((75, 25, -8), 80, 0, 90),
}


def both(**weights: float) -> dict[str, float]:
    """The same weight on the left and the right."""
    return {f"{name}{side}": weight for name, weight in weights.items() for side in ("Left", "Right")}


VISEMES = {
    "rest": {},
    "M B P": {"jawOpen": 0.08, "mouthClose": 0.08, "mouthRollLower": 0.25, "mouthRollUpper": 0.15}
    | both(mouthPress=0.45),
    "AA": {"jawOpen": 0.58} | both(mouthLowerDown=0.2, mouthUpperUp=0.15),
    "EE": {"jawOpen": 0.14} | both(mouthStretch=0.4, mouthSmile=0.35, mouthUpperUp=0.2, mouthLowerDown=0.25),
    "OH": {"jawOpen": 0.38, "mouthFunnel": 0.5, "mouthPucker": 0.4},
    "UW": {"jawOpen": 0.05, "mouthPucker": 1.0, "mouthFunnel": 0.16},
    "F V": {"jawOpen": 0.07, "mouthRollLower": 0.55} | both(mouthUpperUp=0.26),
    "S Z": {"jawOpen": 0.04} | both(mouthStretch=0.35, mouthUpperUp=0.25, mouthLowerDown=0.35),
    "TH": {"jawOpen": 0.2, "tongueOut": 0.42} | both(mouthUpperUp=0.2, mouthLowerDown=0.25),
    "smile": both(mouthSmile=0.8, cheekSquint=0.4, mouthUpperUp=0.25),
    "lids half": both(eyeBlink=0.5),
    "lids shut": both(eyeBlink=1.0),
}
# shapes that only show together with another one
COMPANIONS = {"mouthClose": {"jawOpen": 1.0}, "tongueOut": {"jawOpen": 0.35}}
LAMPS = (  # direction from the head, watts at half a metre, size in m, colour
    (Vector((-0.32, -0.44, 0.36)), 2.3, 0.13, (1, 0.93, 0.84)),
    (Vector((0.38, -0.40, 0.02)), 0.55, 0.30, (0.85, 0.92, 1)),
    (Vector((0.18, 0.45, 0.36)), 1.7, 0.16, (0.9, 0.95, 1)),
)
Cell = tuple[str, str, dict[str, float]]  # label, view, weights
LENS, SENSOR = 85.0, 36.0  # mm


class Studio:
    """A scene with the default head, three lamps and a camera."""

    def __init__(self, size: int, samples: int, subdivisions: int = 2) -> None:
        bpy.ops.wm.read_factory_settings(use_empty=True)
        self.scene: Any = bpy.context.scene
        self.head: Any = rigs.new_head(bpy.context)
        self.head.modifiers["Subdivision"].render_levels = subdivisions
        self.camera: Any = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
        self.camera.data.lens, self.camera.data.sensor_width = LENS, SENSOR
        self.camera.data.clip_start = 0.01
        self.scene.collection.objects.link(self.camera)
        self.scene.camera = self.camera
        self.lamps = [self._lamp(*lamp[1:]) for lamp in LAMPS]
        self._world()
        self._engine(size, samples)

    def shoot(self, view: View, weights: dict[str, float], path: Path) -> None:
        """Render one picture; raises KeyError for a shape that the head lacks."""
        keys = self.head.data.shape_keys.key_blocks
        for name in ARKIT_SHAPES:
            keys[name].value = 0
        for name, weight in weights.items():
            keys[name].value = weight
        side, up = math.radians(view.side), math.radians(view.up)
        towards = Vector((math.sin(side) * math.cos(up), -math.cos(side) * math.cos(up), math.sin(up)))
        x, y, z = view.centre
        distance = view.width / 1000 * LENS / SENSOR
        self.camera.location = Vector((x, -z, y)) / 1000 + towards * distance
        self.camera.rotation_euler = (-towards).to_track_quat("-Z", "Y").to_euler()
        for lamp, (place, *_) in zip(self.lamps, LAMPS, strict=True):
            lamp.location = place.copy()
            lamp.location.rotate(Euler((0, 0, side * 0.6)))  # the lamps go part of the way round with the camera
            lamp.rotation_euler = (Vector((0, -0.04, 0.02)) - lamp.location).to_track_quat("-Z", "Y").to_euler()
        self.scene.render.filepath = str(path)
        bpy.ops.render.render(write_still=True)

    def _lamp(self, power: float, size: float, colour: tuple[float, float, float]) -> bpy.types.Object:
        light: Any = bpy.data.lights.new("lamp", "AREA")
        light.energy, light.size, light.color = power, size, colour
        lamp = bpy.data.objects.new("lamp", light)
        self.scene.collection.objects.link(lamp)
        return lamp

    def _world(self) -> None:
        world: Any = bpy.data.worlds.new("world")
        self.scene.world = world
        world.use_nodes = True
        background = world.node_tree.nodes["Background"]
        background.inputs["Color"].default_value = (0.16, 0.20, 0.26, 1)
        background.inputs["Strength"].default_value = 0.75

    def _engine(self, size: int, samples: int) -> None:
        render = self.scene.render
        render.engine = "CYCLES"
        render.resolution_x = render.resolution_y = size
        render.image_settings.file_format = "PNG"
        render.use_persistent_data = True
        cycles = self.scene.cycles
        cycles.device, cycles.samples, cycles.use_denoising = "CPU", samples, True
        cycles.max_bounces, cycles.diffuse_bounces, cycles.glossy_bounces = 4, 2, 2
        self.scene.view_settings.view_transform = "Standard"
        self.scene.view_settings.exposure = 0.35


def sheet(studio: Studio, cells: list[Cell], columns: int, path: Path) -> None:
    """Render cells of (label, view, weights) and put them into one picture."""
    with tempfile.TemporaryDirectory() as folder:
        pictures = []
        for number, (label, view, weights) in enumerate(cells):
            picture = Path(folder) / f"{number}.png"
            studio.shoot(VIEWS[view], weights, picture)
            with Image.open(picture) as opened:
                pictures.append((label, opened.convert("RGB")))
    width, height = pictures[0][1].size
    whole = Image.new("RGB", (width * columns, height * -(-len(pictures) // columns)), (60, 60, 60))
    pen = ImageDraw.Draw(whole)
    for number, (label, image) in enumerate(pictures):
        corner = (number % columns * width, number // columns * height)
        whole.paste(image, corner)
        pen.text((corner[0] + 4, corner[1] + 3), label, fill=(255, 255, 255))
    if len(cells) > len(VISEMES):
        whole = whole.quantize(128)  # many small faces: a palette keeps the file small and does not show
    whole.save(path, optimize=True)


def neutral(folder: Path) -> None:
    """The head at rest from three sides."""
    sheet(Studio(420, 12), [("", view, {}) for view in ("front", "three", "profile")], 3, folder / "head_neutral.png")


def visemes(folder: Path) -> None:
    """The mouths of speech and the lids."""
    cells = [(label, "eyes" if "lids" in label else "lower", weights) for label, weights in VISEMES.items()]
    sheet(Studio(240, 8), cells, 4, folder / "head_visemes.png")


def shapes(folder: Path) -> None:
    """Every shape at 1."""
    cells: list[Cell] = [("neutral", "face", {})]
    for name in ARKIT_SHAPES:
        companion = COMPANIONS.get(name, {})
        label = " + ".join([name, *(f"{other} {weight:g}" for other, weight in companion.items())])
        cells.append((label, "face", {name: 1.0} | companion))
    sheet(Studio(160, 4, subdivisions=1), cells, 9, folder / "head_shapes.png")


def looks(wanted: list[str], folder: Path) -> None:
    """Close looks written as VIEW or VIEW:shape=weight,shape=weight."""
    cells: list[Cell] = []
    for look in wanted:
        view, _, pose = look.partition(":")
        weights = {name: float(weight) for name, _, weight in (pair.partition("=") for pair in pose.split(",") if pair)}
        cells.append((look, view, weights))
    sheet(Studio(360, 8), cells, min(len(cells), 3), folder / "head_looks.png")


SHEETS = {"neutral": neutral, "visemes": visemes, "shapes": shapes}


def main() -> None:
    """Render what the command line names; all three sheets when it names nothing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sheets", nargs="*", metavar="SHEET", help=", ".join(SHEETS))
    parser.add_argument("--look", action="append", default=[], metavar="VIEW[:SHAPE=WEIGHT,...]")
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "images")
    options = parser.parse_args()
    if options.look:
        looks(options.look, options.out)
    for name in options.sheets or ([] if options.look else SHEETS):
        SHEETS[name](options.out)


if __name__ == "__main__":
    main()

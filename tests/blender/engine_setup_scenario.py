# SPDX-License-Identifier: GPL-3.0-or-later
"""Setting the engine up in Blender from a folder of wheels: it asks, keeps to its own folder, and goes again.

python engine_setup_scenario.py ZIP FOLDER WHEELS        writes one JSON line per check to FOLDER/report.jsonl
"""

from __future__ import annotations

import sys
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).parent))
import scenario
from scenario import ARGUMENTS, PACKAGE, ZIP, check, room

scenario.CHECKS.clear()
SET_UP = {"device": "cpu", "consent": True}
BEFORE = {}


class Layout:
    """Stands for Blender's: collects the words that are drawn."""

    def __init__(self):
        self.words = []

    def __getattr__(self, name):
        def draw(*arguments, **options):
            self.words += [str(word) for word in (*arguments, options.get("text", ""))]
            return self

        return draw


def drawn():
    layout = Layout()
    room("artalk_addon.engine_setup").draw(layout)
    return " ".join(layout.words)


def refused(operator, words, **options):
    """It reports one sentence with these words and does nothing."""
    said = ""
    try:
        operator(**options)
    except RuntimeError as error:
        said = str(error)
    assert words in said, said
    assert not room("artalk_addon.engine_setup").folder().exists()


def files_of_blender():
    """What must stay as it is: the extension's own folder, and the packages of Blender's Python."""
    extension = Path(room("artalk_addon").__file__).parent.parent
    mine = {path for path in extension.rglob("*") if "__pycache__" not in path.parts}
    return mine | {path for place in sys.path if place.endswith("site-packages") for path in Path(place).iterdir()}


def preference():
    return bpy.context.preferences.addons[PACKAGE].preferences.engine_python


@check
def it_asks_and_keeps_off_the_network():
    bpy.ops.extensions.package_install_files(filepath=str(ZIP), repo="user_default", enable_on_install=True)
    BEFORE["files"] = files_of_blender()
    bpy.context.preferences.system.use_online_access = False
    assert not bpy.app.online_access
    refused(bpy.ops.artalk.set_up_engine, "tick 'Install this' to agree", device="cpu", wheels=ARGUMENTS[2])
    refused(bpy.ops.artalk.set_up_engine, "Online access is off: turn on 'Allow Online Access'", **SET_UP)
    refused(bpy.ops.artalk.set_up_engine, "has no wheels", **SET_UP, wheels=str(scenario.FOLDER))
    refused(bpy.ops.artalk.remove_engine, "was not set up by artalk")
    assert "No engine" in drawn()
    assert "artalk.set_up_engine" in drawn()


@check
def from_a_folder_of_wheels_it_becomes_the_preferences_engine():
    assert bpy.ops.artalk.set_up_engine(**SET_UP, wheels=ARGUMENTS[2]) == {"FINISHED"}
    python = Path(preference())
    assert python.exists()
    assert python.is_relative_to(bpy.utils.extension_path_user(PACKAGE))
    assert "PyTorch 2.13.0+fake, on cpu, cuda" in drawn()
    assert "The engine is ready: PyTorch 2.13.0+fake for Processor." in drawn()
    assert files_of_blender() == BEFORE["files"]


@check
def it_is_removed_and_forgotten():
    assert bpy.ops.artalk.remove_engine() == {"FINISHED"}
    assert preference() == ""
    assert not room("artalk_addon.engine_setup").folder().exists()
    assert "The engine is removed." in drawn()


if __name__ == "__main__":
    scenario.main()

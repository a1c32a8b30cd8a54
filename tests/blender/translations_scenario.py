# SPDX-License-Identifier: GPL-3.0-or-later
"""Habits of the interface in Blender itself: every label and tooltip has a German one, menus, undo names, registration.

python translations_scenario.py ZIP FOLDER        writes one JSON line per check to FOLDER/report.jsonl
"""

from __future__ import annotations

import inspect
import sys
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).parent))
import scenario
from scenario import FOLDER, PACKAGE, check, installed, new_file, room

scenario.CHECKS.clear()


def classes():
    """All classes that the extension has registered."""
    modules = [module for name, module in sys.modules.items() if name.startswith(f"{PACKAGE}.")]
    found = {cls for module in modules for cls in vars(module).values() if inspect.isclass(cls)}
    return sorted(
        (cls for cls in found if cls.__module__.startswith(PACKAGE) and getattr(cls, "is_registered", False)),
        key=lambda cls: cls.__name__,
    )


def operators():
    return [cls for cls in classes() if issubclass(cls, bpy.types.Operator)]


def rna_of(cls):
    if not issubclass(cls, bpy.types.Operator):
        return cls.bl_rna
    area, _, name = cls.bl_idname.partition(".")
    return getattr(getattr(bpy.ops, area), name).get_rna_type()


def words(cls):
    """The labels and tooltips that Blender shows of a class; what has no name of its own is never shown."""
    rna = rna_of(cls)
    if issubclass(cls, bpy.types.Operator):
        yield from (rna.name, rna.description)
    elif issubclass(cls, bpy.types.Panel | bpy.types.Menu):
        yield cls.bl_label
    theirs = {p.identifier for base in cls.__bases__ if hasattr(base, "bl_rna") for p in base.bl_rna.properties}
    for each in rna.properties:
        if each.identifier in theirs | {"rna_type"} or each.is_hidden or each.name == each.identifier:
            continue
        yield from (each.name, each.description)
        if each.type == "ENUM":
            yield from (text for item in each.enum_items for text in (item.name, item.description))


@check
def every_label_and_tooltip_has_a_german_one():
    installed()
    wording = room("artalk_addon.translations")._WORDINGS["de"]
    shown = {text: cls.__name__ for cls in classes() for text in words(cls) if any(map(str.isalpha, text))}
    assert len(shown) > 150, len(shown)
    missing = {text: owner for text, owner in shown.items() if wording.whole(text) is None}
    assert not missing, missing
    return f"{len(shown)} texts"


@check
def every_operator_says_what_it_does():
    installed()
    for cls in operators():
        tooltip = rna_of(cls).description
        assert len(tooltip) > 20, (cls.bl_idname, tooltip)
        assert not tooltip.endswith("."), (cls.bl_idname, tooltip)  # Blender's own have none


@check
def every_operator_stands_in_a_menu_or_is_a_button_of_a_panel():
    installed()
    drawn = "".join(
        path.read_text(encoding="utf-8") for path in Path(room("artalk_addon").__file__).parent.glob("*.py")
    )
    for cls in operators():
        assert f'"{cls.bl_idname}"' in drawn.replace(f'bl_idname = "{cls.bl_idname}"', ""), cls.bl_idname


@check
def blenders_menus_have_our_entries_once_and_none_when_switched_off():
    installed()

    def ours():
        menus = room("artalk_addon.menus")._PLACES
        functions = [f for name, _ in menus for f in getattr(bpy.types, name)._dyn_ui_initialize()]
        return [f.__name__ for f in functions if f.__module__.startswith(PACKAGE)]

    before = ours()
    assert len(before) == len(set(before)) + 2, before  # the speech menu stands in three places
    bpy.ops.preferences.addon_disable(module=PACKAGE)
    assert ours() == []
    assert not hasattr(bpy.types, "ARTALK_MT_speech")
    bpy.ops.preferences.addon_enable(module=PACKAGE)
    assert ours() == before


@check
def switching_off_and_on_leaves_nothing_behind():
    installed()
    handlers = [name for name in dir(bpy.app.handlers) if isinstance(getattr(bpy.app.handlers, name), list)]

    def left():
        mine = [f for name in handlers for f in getattr(bpy.app.handlers, name) if f.__module__.startswith(PACKAGE)]
        names = [name for name in dir(bpy.types) if name.startswith("ARTALK_")]
        owners = (bpy.types.Scene, bpy.types.Object, bpy.types.WindowManager)
        return mine, names, [owner.__name__ for owner in owners for name in dir(owner) if "artalk" in name.lower()]

    before = [len(part) for part in left()]
    bpy.ops.preferences.addon_disable(module=PACKAGE)
    assert left() == ([], [], []), left()
    bpy.ops.preferences.addon_enable(module=PACKAGE)
    assert [len(part) for part in left()] == before


@check
def no_key_of_the_keyboard_is_taken():
    installed()
    configuration = bpy.context.window_manager.keyconfigs.addon
    maps = configuration.keymaps if configuration else []
    assert [item.idname for keymap in maps for item in keymap.keymap_items if "artalk" in item.idname] == []


@check
def a_number_of_threads_is_kept_to():
    installed()
    threads = room("core.threads")
    before = threads.in_numpy()
    if before is None:
        return "skipped: this numpy has another BLAS than OpenBLAS"
    chosen = bpy.context.preferences.addons[PACKAGE].preferences
    for count in (2, 1):
        chosen.threads = count
        assert threads.in_numpy() == count
    chosen.threads = 0
    assert threads.in_numpy() == before
    return f"{before} by itself"


@check
def the_folder_of_models_is_the_users_choice():
    installed()
    preferences = room("artalk_addon.preferences")
    chosen = bpy.context.preferences.addons[PACKAGE].preferences
    assert preferences.models_folder(bpy.context).parts[-4:-1] == (".user", "user_default", "artalk")
    chosen.models_folder = str(FOLDER)
    assert preferences.models_folder(bpy.context) == FOLDER
    chosen.models_folder = ""


@check
def sentences_stay_english_in_a_blender_without_languages():
    installed()
    new_file()
    sentence = "No sound strip is selected: select one or more in the sequencer and try again."
    if not bpy.app.build_options.international:
        assert room("artalk_addon.translations").told(sentence) == sentence


if __name__ == "__main__":
    scenario.main()

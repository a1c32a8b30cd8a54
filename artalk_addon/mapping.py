# SPDX-License-Identifier: GPL-3.0-or-later
"""A character's own mapping: kept with its object in the file, and presets in the user's folder."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, cast

import bpy
from bpy.props import BoolProperty, CollectionProperty, EnumProperty, FloatProperty, IntProperty, StringProperty

from ..core.errors import InputError
from ..core.retarget import Mapping, Row
from ..core.retarget.mapping import load, parse_sources, save, sources_text

_AXES = (
    ("shape", "Shape", "A shape key"),
    ("turn_x", "Nod", "Turns about the axis to the character's left; more lowers the chin"),
    ("turn_y", "Turn", "Turns about the upright axis; more is to the character's left"),
    ("turn_z", "Tilt", "Turns about the axis forward; more is towards the right shoulder"),
    ("move_x", "Left", "Moves to the character's left, in distances between the eyes"),
    ("move_y", "Up", "Moves up, in distances between the eyes"),
    ("move_z", "Forward", "Moves forward, in distances between the eyes"),
)
_MODES = (
    ("sum", "Sum", "The channels are added up"),
    ("fit", "Viseme", "The channels are what the target looks like; all visemes are fitted together"),
)
_NO_LIMIT = 1e6


class MappingRow(bpy.types.PropertyGroup):
    """One row of the table; the same as `core.retarget.Row`."""

    target: StringProperty(name="Target", description="Shape key or bone that is moved")
    sources: StringProperty(
        name="Channels", description="What moves it, such as 'jawOpen' or '0.5 eyeBlinkLeft + 0.5 eyeBlinkRight'"
    )
    axis: EnumProperty(items=_AXES, name="Kind", description="What is done to the target")
    mode: EnumProperty(items=_MODES, name="Mode", description="How its value comes about")
    gain: FloatProperty(name="Gain", description="Factor on its value", default=1.0, soft_min=0.0, soft_max=2.0)
    offset: FloatProperty(name="Offset", description="Added to its value", soft_min=-1.0, soft_max=1.0)
    low: FloatProperty(name="Least", description="Its value is never below", default=-_NO_LIMIT)
    high: FloatProperty(name="Most", description="Its value is never above", default=_NO_LIMIT)
    on: BoolProperty(name="On", description="Make keys for it", default=True)


class CharacterMapping(bpy.types.PropertyGroup):
    """The table of one character; without rows it is recognised anew each time."""

    title: StringProperty(name="Name", description="Preset or family of names that it came from")
    rows: CollectionProperty(type=MappingRow)
    active: IntProperty()


def table(item: bpy.types.Object) -> Any:
    """The property group of a character; None where artalk is not installed as an extension."""
    return getattr(item, "artalk_mapping", None)


def has_own(item: bpy.types.Object) -> bool:
    """Whether a mapping is kept with an object."""
    kept = table(item)
    return kept is not None and len(kept.rows) > 0


def stored(item: bpy.types.Object) -> Mapping | None:
    """The mapping kept with an object, if any, less the rows that were edited into nonsense (see `faults`)."""
    if not has_own(item):
        return None
    kept = table(item)
    return Mapping(kept.title, tuple(_row(row) for row in kept.rows if not fault(row)))


def faults(item: bpy.types.Object) -> list[str]:
    """A sentence for each row of an object's mapping that cannot be read."""
    return [sentence for row in table(item).rows if (sentence := fault(row))] if has_own(item) else []


def fault(row: Any) -> str:
    """What is wrong with a row's channels; empty when nothing is."""
    try:
        parse_sources(row.sources)
    except InputError as error:
        return str(error)
    return ""


def _row(row: Any) -> Row:
    return Row(
        row.target,
        parse_sources(row.sources),
        row.axis,
        row.mode,
        row.gain,
        row.offset,
        row.low if row.low > -_NO_LIMIT else None,
        row.high if row.high < _NO_LIMIT else None,
        row.on,
    )


def keep(item: bpy.types.Object, mapping: Mapping) -> None:
    """Keep a mapping with an object, in place of the one it had; InputError where the object may not be changed."""
    kept = table(item)
    if kept is None:
        raise InputError("A mapping is kept by the artalk extension: install and enable it in this Blender.")
    if not item.is_editable:
        raise InputError(f"'{item.name}' is linked from another file: make it local or a library override first.")
    kept.rows.clear()
    kept.title, kept.active = mapping.name, 0
    for row in mapping.rows:
        new = kept.rows.add()
        new.target, new.sources, new.axis, new.mode = row.target, sources_text(row.sources), row.axis, row.mode
        new.gain, new.offset, new.on = row.gain, row.offset, row.on
        new.low = -_NO_LIMIT if row.low is None else row.low
        new.high = _NO_LIMIT if row.high is None else row.high


def forget(item: bpy.types.Object) -> None:
    """Let a character be recognised anew each time."""
    table(item).rows.clear()


# --- presets --------------------------------------------------------------------------------------------------------


def folder() -> Path:
    """Where presets with a name are kept, beside the user's other presets."""
    return Path(bpy.utils.user_resource("SCRIPTS", path="presets/artalk/mappings"))


def names() -> list[str]:
    """The names of all presets."""
    return sorted(path.stem for path in folder().glob("*.json"))


def save_preset(mapping: Mapping, name: str) -> Path:
    """Write a preset under a name, in place of an older one; InputError for a name that is no file's."""
    if not re.fullmatch(r"[\w\- ]+", name):
        raise InputError(f"'{name}' cannot be a preset's name: use letters, digits, spaces, '-' and '_'.")
    path = folder() / f"{name}.json"
    save(Mapping(name, mapping.rows), path)
    return path


def preset(name_or_file: str) -> Mapping:
    """A preset by its name, or any mapping file by its path; InputError when there is none."""
    named = folder() / f"{name_or_file}.json"
    if named.is_file():
        return load(named)
    path = Path(bpy.path.abspath(name_or_file))
    if path.suffix == ".json" or path.is_file():
        return load(path)
    known = ", ".join(names()) or "none yet"
    raise InputError(f"There is no mapping '{name_or_file}': give a file, or a preset ({known}).")


_CLASSES = (MappingRow, CharacterMapping)


def register() -> None:
    """Give every object a table."""
    for cls in _CLASSES:
        bpy.utils.register_class(cls)
    cast(Any, bpy.types.Object).artalk_mapping = bpy.props.PointerProperty(type=CharacterMapping)


def unregister() -> None:
    """Take it away."""
    del cast(Any, bpy.types.Object).artalk_mapping
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)

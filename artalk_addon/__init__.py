# SPDX-License-Identifier: GPL-3.0-or-later
"""The only room that knows Blender: one thin module per Blender concern."""


def register() -> None:
    """Make operators, panels and settings known to Blender."""
    from . import checks, command, operators, panels, preferences, properties

    for module in (preferences, properties, operators, checks, panels, command):
        module.register()


def unregister() -> None:
    """Undo `register` in the opposite order, and stop a job that still runs."""
    from . import checks, command, operators, panels, preferences, properties

    for module in (command, panels, checks, operators, properties, preferences):
        module.unregister()

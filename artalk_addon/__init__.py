# SPDX-License-Identifier: GPL-3.0-or-later
"""The only room that knows Blender: one thin module per Blender concern."""


def register() -> None:
    """Make operators, panels and settings known to Blender."""
    from . import (
        checks,
        command,
        editing,
        export,
        ict_head,
        layers,
        mapping_panel,
        operators,
        panels,
        preferences,
        properties,
        reduce,
    )

    for module in (
        preferences,
        properties,
        layers,
        operators,
        editing,
        checks,
        reduce,
        export,
        ict_head,
        panels,
        mapping_panel,
        command,
    ):
        module.register()


def unregister() -> None:
    """Undo `register` in the opposite order, and stop a job that still runs."""
    from . import (
        checks,
        command,
        editing,
        export,
        ict_head,
        layers,
        mapping_panel,
        operators,
        panels,
        preferences,
        properties,
        reduce,
    )

    for module in (
        command,
        mapping_panel,
        panels,
        ict_head,
        export,
        reduce,
        checks,
        editing,
        operators,
        layers,
        properties,
        preferences,
    ):
        module.unregister()

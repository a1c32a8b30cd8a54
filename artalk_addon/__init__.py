# SPDX-License-Identifier: GPL-3.0-or-later
"""The only room that knows Blender: one thin module per Blender concern."""

from types import ModuleType


def register() -> None:
    """Make operators, panels and settings known to Blender."""
    for module in _modules():
        module.register()


def unregister() -> None:
    """Undo `register` in the opposite order, and stop a job that still runs."""
    for module in reversed(_modules()):
        module.unregister()


def _modules() -> tuple[ModuleType, ...]:
    """What registers with Blender, settings before the panels that show them. Loaded here, where Blender is."""
    from . import (
        bug_report,
        checks,
        command,
        dialogue_panel,
        editing,
        engine_setup,
        export,
        ict_head,
        job_queue,
        layers,
        mapping_panel,
        menus,
        operators,
        panels,
        preferences,
        properties,
        reduce,
        seen,
        style_operators,
        style_settings,
        translations,
        weights_operators,
    )

    return (
        translations,
        preferences,
        properties,
        style_settings,
        engine_setup,
        weights_operators,
        layers,
        job_queue,
        operators,
        style_operators,
        seen,
        editing,
        checks,
        reduce,
        export,
        ict_head,
        bug_report,
        panels,
        dialogue_panel,
        mapping_panel,
        menus,
        command,
    )

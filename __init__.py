# SPDX-License-Identifier: GPL-3.0-or-later
"""artalk: dialogue becomes facial animation in Blender."""


def register() -> None:
    """Called by Blender when the extension is enabled."""
    from . import artalk_addon

    artalk_addon.register()


def unregister() -> None:
    """Called by Blender when the extension is disabled."""
    from . import artalk_addon

    artalk_addon.unregister()

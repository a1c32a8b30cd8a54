# SPDX-License-Identifier: GPL-3.0-or-later
"""What artalk says in Blender, in German."""

GERMAN = {
    "Generate": "Erzeugen",
}

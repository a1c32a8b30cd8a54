# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes index.json beside the extension's zip: the folder is then a remote repository, which Blender updates from.

python tools/repository_index.py ZIP      checks the zip, writes the index and prints its path

Blender's own extension tool does both. It comes with the bpy module and needs no Blender running.
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path


def write_index(archive: Path) -> Path:
    """Check the zip and list it, and no other, in an index.json in its folder; CalledProcessError when it is bad."""
    tool = _extension_tool()
    subprocess.run([sys.executable, tool, "validate", archive], check=True, stdout=subprocess.DEVNULL)
    with tempfile.TemporaryDirectory() as folder:
        # alone, as the older versions that may lie beside it would be listed too
        shutil.copy(archive, folder)
        command = [sys.executable, tool, "server-generate", "--repo-dir", folder]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return Path(shutil.copy(Path(folder) / "index.json", archive.parent))


def _extension_tool() -> Path:
    """Blender's extension tool in the bpy module, which is not imported: that takes seconds."""
    module = importlib.util.find_spec("bpy")
    if module is None or module.origin is None:
        raise SystemExit("repository_index.py: this Python has no bpy: run 'make dist', which sets one up.")
    return next(Path(module.origin).parent.glob("*/scripts/addons_core/bl_pkg/cli/blender_ext.py"))


if __name__ == "__main__":
    print(write_index(Path(sys.argv[1]).absolute()))

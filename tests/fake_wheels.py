# SPDX-License-Identifier: GPL-3.0-or-later
"""Wheels that have the names of what the engine environment needs, and little more."""

from __future__ import annotations

import zipfile

TORCH = """
__version__ = "2.13.0+fake"
class cuda:
    is_available = staticmethod(lambda: True)
class backends:
    class mps:
        is_available = staticmethod(lambda: False)
"""
VERSIONS = {"numpy": "2.0", "scipy": "1.12", "safetensors": "0.6", "transformers": "5.0", "torch": "2.13.0"}


def wheel(folder, name, version, code=""):
    """The smallest wheel that pip takes."""
    about = f"{name}-{version}.dist-info"
    files = {
        f"{name}/__init__.py": code,
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{about}/RECORD"] = "".join(f"{path},,\n" for path in (*files, f"{about}/RECORD"))
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)


def wheels_in(folder, *left_out):
    for name, version in VERSIONS.items():
        if name not in left_out:
            wheel(folder, name, version, TORCH if name == "torch" else "")
    return folder

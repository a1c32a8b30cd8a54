# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the extension's zip, as `blender --command extension build` does, without needing a Blender.

python tools/build_extension.py FOLDER      writes FOLDER/artalk-VERSION.zip and prints its path
"""

from __future__ import annotations

import re
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same tree gives the same bytes


def build(root: Path, folder: Path) -> Path:
    """Zip all that the manifest of `root` does not exclude; returns the zip's path."""
    manifest = tomllib.loads((root / "blender_manifest.toml").read_text(encoding="utf-8"))
    excluded = [_expression(pattern) for pattern in manifest["build"]["paths_exclude_pattern"]]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{manifest['id']}-{manifest['version']}.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in _files(root, root, excluded):
            entry = zipfile.ZipInfo(file.relative_to(root).as_posix(), _EPOCH)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, file.read_bytes(), zipfile.ZIP_DEFLATED)
    return path


def _files(root: Path, folder: Path, excluded: list[re.Pattern[str]]) -> Iterator[Path]:
    """The files to pack, in order; an excluded folder is not entered."""
    for path in sorted(folder.iterdir()):
        name = f"/{path.relative_to(root).as_posix()}{'/' if path.is_dir() else ''}"
        if any(pattern.search(name) for pattern in excluded):
            continue
        if path.is_dir():
            yield from _files(root, path, excluded)
        else:
            yield path


def _expression(pattern: str) -> re.Pattern[str]:
    """A pattern in the style of .gitignore (/ in front: from the root; / behind: a folder; *) for '/path/of/file'."""
    start = "^" if pattern.startswith("/") else ""
    body = "".join("[^/]*" if c == "*" else "[^/]" if c == "?" else re.escape(c) for c in pattern.strip("/"))
    return re.compile(f"{start}/{body}{'/$' if pattern.endswith('/') else '/?$'}")


if __name__ == "__main__":
    print(build(ROOT, Path(sys.argv[1]).absolute()))

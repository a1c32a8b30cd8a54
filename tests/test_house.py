# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of the house that a machine can check."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib

import pytest

from .conftest import ROOT

SOURCES = sorted([*ROOT.glob("core/**/*.py"), *ROOT.glob("artalk_addon/**/*.py"), ROOT / "__init__.py"])
BLENDER = {"bpy", "mathutils", "gpu", "aud", "bpy_extras", "addon_utils", "bmesh"}


def imported(path):
    """Absolute module names that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_file_keeps_the_house_rules(path):
    roots = {name.partition(".")[0] for name in imported(path)}
    assert "artalk" not in roots, "imports of the package itself are relative"
    if "core" in path.relative_to(ROOT).parts:
        assert not roots & BLENDER, "core never imports Blender"
    assert path.read_text(encoding="utf-8").startswith("# SPDX-License-Identifier: GPL-3.0-or-later\n")


def test_core_and_root_import_without_torch_scipy_or_blender():
    """As inside a Blender that has numpy alone."""
    code = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition('.')[0] in {'torch', 'transformers', 'scipy', 'soundfile', 'safetensors', 'bpy'}:
            raise ModuleNotFoundError(f'refused {name}', name=name)
sys.meta_path.insert(0, Refuse())
import artalk, artalk.core.generate, artalk.core.motion, artalk.core.audio, artalk.core.cli
import artalk.core.heads.default_head as head
head.load()
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_versions_agree():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    manifest = tomllib.loads((ROOT / "blender_manifest.toml").read_text())
    assert project["version"] == manifest["version"]
    assert f"## {project['version']}" in (ROOT / "CHANGELOG.md").read_text()


def test_every_package_is_listed_for_installation():
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    folders = {path.parent.relative_to(ROOT) for path in SOURCES if path.name == "__init__.py"}
    assert set(listed) == {".".join(("artalk", *folder.parts)) for folder in folders}


def test_every_data_file_is_installed():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    patterns = project["tool"]["setuptools"]["package-data"]["artalk"]
    files = [path for room in ("core", "weights", "demo") for path in (ROOT / room).rglob("*")]
    data = {
        path for path in files if path.is_file() and path.suffix not in (".py", ".pyc") and "output" not in path.parts
    }
    assert data - {path for pattern in patterns for path in ROOT.glob(pattern)} == set()

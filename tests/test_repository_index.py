# SPDX-License-Identifier: GPL-3.0-or-later
"""The extension's manifest as Blender's own tool sees it, and the index that Blender updates from."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import shutil
import subprocess

import pytest

from .conftest import ROOT


def tool(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def archive(tmp_path):
    """A zip with our manifest, and a file in place of all that it stands for."""
    source = tmp_path / "source"
    source.mkdir()
    shutil.copy(ROOT / "blender_manifest.toml", source)
    (source / "__init__.py").touch()
    return tool("build_extension").build(source, tmp_path / "dist")


def test_the_index_lists_the_zip_beside_it_and_no_other(archive):
    shutil.copy(archive, archive.with_name("artalk-0.0.1.zip"))
    path = tool("repository_index").write_index(archive)
    assert path == archive.with_name("index.json")
    index = json.loads(path.read_text())
    assert (index["version"], len(index["data"])) == ("v1", 1)
    entry = index["data"][0]
    assert (entry["id"], entry["archive_url"]) == ("artalk", f"./{archive.name}")
    assert entry["archive_size"] == archive.stat().st_size
    assert entry["archive_hash"] == f"sha256:{hashlib.sha256(archive.read_bytes()).hexdigest()}"


def test_a_manifest_that_blender_refuses_is_not_listed(archive):
    manifest = archive.parent.parent / "source" / "blender_manifest.toml"
    manifest.write_text(manifest.read_text().replace('network = "', 'network = "' + "very " * 20))
    bad = tool("build_extension").build(manifest.parent, archive.parent)
    with pytest.raises(subprocess.CalledProcessError):
        tool("repository_index").write_index(bad)
    assert not archive.with_name("index.json").exists()

# SPDX-License-Identifier: GPL-3.0-or-later
"""Setting the engine environment up, without a network: from wheels made here that have the names and little more."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest
from artalk.core.engine import setup
from artalk.core.errors import Cancelled, InputError

from .conftest import ROOT
from .fake_wheels import TORCH, wheels_in

PYTHON = Path(sys.executable)


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    """One environment through its life: lacking torch, cancelled, half unpacked, finished."""
    base = tmp_path_factory.mktemp("engine")
    wheels, folder = wheels_in(base / "wheels", "torch"), base / "user data" / "engine"
    plan = setup.plan(folder, "cpu", PYTHON, wheels)
    said, fractions = [], []
    with pytest.raises(Cancelled):
        setup.install(plan, fractions.append, cancel=lambda: "Looking at scipy" in said, say=said.append)
    after_cancel = (setup.begun(folder), setup.installed(folder), said[-1])
    with pytest.raises(InputError) as lacking:
        setup.install(plan)
    packages = next((folder / setup.ENVIRONMENT).rglob("site-packages"))
    kept = (packages / "numpy").stat().st_ino
    after_failure = (setup.begun(folder), setup.installed(folder))
    wheels_in(wheels)
    # as a pip leaves it that is ended while it unpacks
    half = packages / "torch-2.13.0.dist-info"
    half.mkdir()
    (half / "METADATA").write_text("Metadata-Version: 2.1\nName: torch\nVersion: 2.13.0\n")
    fractions.clear()
    engine = setup.install(plan, fractions.append)
    return SimpleNamespace(**locals())


@pytest.mark.slow
def test_a_cancel_ends_pip_and_leaves_what_can_be_resumed(story):
    assert story.after_cancel == (True, None, "Looking at scipy")


@pytest.mark.slow
def test_a_wheel_that_lacks_is_one_sentence_and_nothing_counts_as_complete(story):
    assert str(story.lacking.value).startswith(f"The folder '{story.wheels}' has no wheel of 'torch' that fits ")
    assert str(story.lacking.value).endswith(": add it and set up again, which goes on.")
    assert story.after_failure == (True, None)


@pytest.mark.slow
def test_it_resumes_and_is_complete(story):
    assert story.engine == setup.Engine(setup.python_in(story.folder), "2.13.0+fake", ("cpu", "cuda"))
    assert setup.installed(story.folder) == story.engine
    assert (story.packages / "numpy").stat().st_ino == story.kept, "what was installed stays"
    assert (story.packages / "torch" / "__init__.py").read_text() == TORCH
    assert story.fractions == sorted(story.fractions)
    assert story.fractions[-1] == 1.0
    code = "import sys; print(sys.prefix != sys.base_prefix)"
    said = subprocess.run([story.engine.python, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout == "True\n"
    assert "Successfully installed torch-2.13.0" in (story.folder / setup.LOG).read_text()


@pytest.mark.slow
def test_it_is_removed_and_what_is_not_ours_stays(story):
    (story.folder / "notes.txt").write_text("mine")
    setup.remove(story.folder)
    assert [path.name for path in story.folder.iterdir()] == ["notes.txt"]
    assert setup.installed(story.folder) is None
    with pytest.raises(InputError, match="has other files in it: choose an empty folder"):
        setup.install(story.plan)


@pytest.mark.parametrize("stamp", [None, "x", "[]", "{}"])
def test_a_folder_without_our_stamp_is_never_removed(tmp_path, stamp):
    (tmp_path / setup.ENVIRONMENT).mkdir()
    if stamp is not None:
        (tmp_path / setup.STAMP).write_text(stamp)
    with pytest.raises(InputError, match="was not set up by artalk, so it is left alone: delete it yourself"):
        setup.remove(tmp_path)
    assert (tmp_path / setup.ENVIRONMENT).is_dir()


def test_an_engine_whose_python_is_gone_is_none(tmp_path):
    (tmp_path / setup.STAMP).write_text('{"complete": true, "torch": "2.13.0", "devices": ["cpu"]}')
    assert setup.begun(tmp_path)
    assert setup.installed(tmp_path) is None


def test_a_folder_without_wheels_is_one_sentence_and_nothing_is_made(tmp_path):
    (tmp_path / "wheels").mkdir()
    with pytest.raises(InputError, match=r"^The folder '.*wheels' has no wheels: choose the one with the \.whl files"):
        setup.plan(tmp_path / "engine", "cpu", PYTHON, tmp_path / "wheels")
    assert not (tmp_path / "engine").exists()


@pytest.mark.parametrize(
    ("system", "device", "index", "words"),
    [
        (
            "linux",
            "rocm",
            "",
            r"does not find the build for AMD graphics card \(ROCm\) by itself .*: paste the address",
        ),
        ("linux", "metal", "", r"no build of PyTorch for Apple graphics \(Metal\) on this system: choose another"),
        ("win32", "cuda", "", r"does not find the build for NVIDIA graphics card \(CUDA\) by itself"),
        ("darwin", "cuda", "https://example.org/cuda", r"no build of PyTorch for NVIDIA graphics card"),
        ("linux", "rocm", "get started", r"'get started' is no address of an index: copy the one after --index-url"),
        ("linux", "tpu", "", r"no build for 'tpu': choose one of cpu, cuda, rocm, metal"),
    ],
)
def test_a_device_that_cannot_be_had_is_one_sentence(tmp_path, monkeypatch, system, device, index, words):
    monkeypatch.setattr(setup, "sys", SimpleNamespace(platform=system))
    with pytest.raises(InputError, match=words):
        setup.plan(tmp_path, device, PYTHON, index=index)


@pytest.mark.parametrize(
    ("system", "device", "index", "size"),
    [
        ("linux", "cuda", "", "about 3 GB to download, about 7 GB on disk"),
        # the build that pip finds by itself also runs on the processor, and is as big for it
        ("linux", "cpu", "", "about 3 GB to download, about 7 GB on disk"),
        ("linux", "cpu", "https://example.org/cpu", "about 0.3 GB to download, about 1.3 GB on disk"),
        ("linux", "rocm", "https://example.org/rocm", "several GB"),
        ("darwin", "metal", "", "about 0.2 GB to download, about 1.3 GB on disk"),
    ],
)
def test_the_plan_says_what_how_big_and_where(tmp_path, monkeypatch, system, device, index, size):
    monkeypatch.setattr(setup, "sys", SimpleNamespace(platform=system))
    facts = dict(setup.plan(tmp_path / "engine", device, PYTHON, index=index).facts())
    assert facts["Size"].startswith(f"{size}; ")
    assert facts["Where"] == str(tmp_path / "engine")
    assert facts["From"] == f"{index or 'pip’s own index'}, over the network"
    assert (facts["For"], facts["Made with"]) == (setup.BUILDS[device].title, str(PYTHON))


def test_a_full_disk_is_said_before_anything_is_made(tmp_path, monkeypatch):
    monkeypatch.setattr(setup, "free_gb", lambda _folder: 0.4)
    plan = setup.plan(tmp_path / "engine", "cpu", PYTHON, wheels_in(tmp_path / "wheels"))
    with pytest.raises(InputError, match=r"needs about 1\.3 GB and 0\.4 GB are free: free some space first\.$"):
        setup.install(plan)
    assert not plan.folder.exists()


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device"], "disk is full"),
        (
            [
                "WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError'",
                "ERROR: No matching distribution found for torch<2.14,>=2.6",
            ],
            "cannot reach its index: check the connection and set up again, which goes on",
        ),
        (["ERROR: No matching distribution found for torch<2.14,>=2.6"], "finds no 'torch' for .*: choose another"),
        (["ERROR: something", "hint"], "pip failed, saying 'ERROR: something': set up again"),
    ],
)
def test_what_pip_says_becomes_one_sentence(tmp_path, lines, words):
    assert setup.re.search(words, setup._why(setup.Plan(tmp_path, "cpu", PYTHON), lines))


def test_downloads_are_followed():
    said = []
    talk = setup._Talk(said.append)
    for line in (
        "Collecting torch<2.14,>=2.6",
        "Downloading torch-2.13.0-cp313-cp313-manylinux_2_28_x86_64.whl (539.4 MB)",
        "Progress 100 of 1000",
        "Progress 1000 of 1000",
        "Collecting sympy>=1.13.3 (from torch)",
        "Downloading sympy-1.14.0-py3-none-any.whl (6.3 MB)",
        "Progress 10 of 20",
        r"Processing c:\wheels\hf_xet-1.4-cp313-none-win_amd64.whl (from transformers)",
        "Collecting hf-xet<2,>=1.4 (from transformers)",
        "Installing collected packages: sympy, torch",
    ):
        talk.hear(line)
    assert said == [
        "Looking at torch",
        "Downloading torch (539.4 MB)",
        "Looking at sympy",
        "Downloading sympy (6.3 MB)",
        "Looking at hf_xet",
        "Looking at hf-xet",
        "Unpacking",
    ]
    assert talk.bytes == 1010


@pytest.mark.skipif(os.name == "nt", reason="scripts that stand for a Python")
def test_a_python_is_found_or_asked_for(tmp_path, monkeypatch):
    for name, answer in {"python3.12": "echo 3 10", "python3": "exit 1", "python": "echo 3 12"}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{answer}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert setup.find_python() == tmp_path / "python"
    (tmp_path / "python").unlink()
    assert setup.find_python() == PYTHON, "the program's own is the last resort"
    monkeypatch.setattr(setup, "sys", SimpleNamespace(platform="linux", executable=str(tmp_path / "python3")))
    with pytest.raises(InputError, match=r"no Python 3\.11 to 3\.14 with venv on this machine: install one"):
        setup.find_python()
    with pytest.raises(InputError, match=r"python3\.12' is no Python 3\.11 to 3\.14 with venv: choose another"):
        setup.find_python(tmp_path / "python3.12")


def test_pip_keeps_to_the_folder_of_wheels(monkeypatch):
    monkeypatch.setenv("PIP_FIND_LINKS", "/elsewhere")
    assert setup._environment(offline=False)["PIP_FIND_LINKS"] == "/elsewhere"
    offline = setup._environment(offline=True)
    assert "PIP_FIND_LINKS" not in offline
    assert offline["PIP_CONFIG_FILE"] == os.devnull


def test_the_engine_has_what_the_package_needs():
    needed = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"])
    elsewhere = ("soundfile", "platformdirs", "huggingface-hub")
    there = {name for name in needed if not name.startswith(elsewhere)}
    assert there == {setup.TORCH, *setup.LIBRARIES}, "sound and weights are found here; the hub's library comes along"

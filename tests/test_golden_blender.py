# SPDX-License-Identifier: GPL-3.0-or-later
"""Golden vectors of the released ARTalk at full size through Blender: `blender/golden_scenario.py`, in one Blender."""

from __future__ import annotations

import os
import wave

import numpy as np
import pytest
import torch
from artalk.core.basis import FLAME
from artalk.core.motion import Motion
from golden.fill import audio_i16, flame_arrays
from golden.models import golden, golden_motion, state

from .blender_runs import assert_passed, names, reporter
from .conftest import ROOT

SCENARIO = ROOT / "tests" / "blender" / "golden_scenario.py"
MEMORY_GB = 8.0
"""What this process and Blender hold of a model of 2 GB."""


@pytest.fixture(scope="session")
def material(tmp_path_factory):
    """The golden model as a published checkpoint, its recording, style and motion, and a head of FLAME's form."""
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
    if free + _cache_gb() < MEMORY_GB:
        pytest.skip(f"{MEMORY_GB:g} GB of memory are needed for the model at full size")
    folder = tmp_path_factory.mktemp("golden")
    expected = golden("artalk_full_multi")
    np.save(folder / "expected.npy", expected["style_motion_rows3"])
    np.savez(folder / "flame.npz", **flame_arrays())
    Motion(golden_motion("style9", 50)[0].numpy(), FLAME, 25.0).save(folder / "style9.npz")
    with wave.open(str(folder / "speech.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes(audio_i16(int(expected["samples"]), int(expected["audio_seed"])).astype("<i2").tobytes())
    torch.save(state("full"), folder / "ARTalk_wav2vec.pt")
    yield folder
    (folder / "ARTalk_wav2vec.pt").unlink()


def _cache_gb():
    """Memory that the system gives up when asked; 0 where it does not say."""
    try:
        with open("/proc/meminfo", encoding="ascii") as file:  # noqa: PTH123 (not a file on a disk)
            return next(int(line.split()[1]) / 1e6 for line in file if line.startswith("Cached:"))
    except OSError:
        return 0.0


@pytest.mark.slow
@pytest.mark.parametrize("name", names(SCENARIO))
def test_in_blender(tmp_path_factory, material, name):
    assert_passed(reporter(SCENARIO, tmp_path_factory, material)("bpy"), name)

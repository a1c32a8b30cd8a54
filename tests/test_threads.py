# SPDX-License-Identifier: GPL-3.0-or-later
"""The number of threads reaches numpy, torch and the engine environment, each in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from artalk.core import threads
from artalk.core.engine.process import Child

NUMPY = (
    "from artalk.core import threads; before = threads.in_numpy(); threads.limit({}); print(before, threads.in_numpy())"
)
TORCH = (
    "from artalk.core import threads; threads.limit(1); import torch; print(torch.get_num_threads()); "
    "threads.limit(3); print(torch.get_num_threads())"
)


def said(program):
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True)
    return done.stdout.split()


def test_numpy_uses_as_many_as_are_allowed():
    if threads.in_numpy() is None:
        pytest.skip("this numpy has another BLAS than OpenBLAS")
    assert said(NUMPY.format(1))[1] == "1"
    before, after = said(NUMPY.format(0))
    assert before == after


def test_what_was_there_first_comes_back():
    program = "import os; from artalk.core import threads; a = threads.in_numpy(); threads.limit(1); threads.limit(0); "
    program += "print(a == threads.in_numpy(), 'OMP_NUM_THREADS' in os.environ)"
    clean = {"PATH": "/usr/bin"}
    done = subprocess.run([sys.executable, "-c", program], env=clean, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "False"]


def test_torch_uses_as_many_whether_loaded_before_or_later():
    assert said(TORCH) == ["1", "3"]


def test_an_engine_is_told(tmp_path):
    """It says, in place of a greeting, what it was given."""
    start = tmp_path / "start.py"
    start.write_text("import os, sys; sys.stderr.write(os.environ['OMP_NUM_THREADS'] + '\\n'); sys.exit(3)")
    try:
        threads.limit(3)
        with pytest.raises(Exception, match="it said '3'"):
            Child(Path(sys.executable), start)
    finally:
        threads.limit(0)

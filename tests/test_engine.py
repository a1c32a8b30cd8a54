# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine environment: another Python speaks over pipes, is cancelled, dies and comes back, or is none at all."""

from __future__ import annotations

import io
import os
import signal
import sys
from pathlib import Path

import numpy as np
import pytest
from artalk.core import models
from artalk.core.basis import ARKIT, FLAME
from artalk.core.engine import process
from artalk.core.engine.protocol import VERSION, Message, receive, send
from artalk.core.errors import Cancelled, InputError
from artalk.core.motion import Motion
from artalk.core.styles import SHIPPED
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

PYTHON = Path(sys.executable)
SECOND = 16000


@pytest.fixture(scope="module")
def there():
    """artalk-mini in a child process; the Python of the tests is the one the user names."""
    yield models.load("mini", None, "cpu", "environment", PYTHON)
    process.stop()


@pytest.fixture(scope="module")
def here():
    return models.load("mini", None, "cpu", "numpy")


def noise(seconds):
    return np.random.default_rng(1).normal(0, 0.1, int(seconds * SECOND)).astype(np.float32)


@pytest.mark.slow
def test_the_motion_is_the_one_made_here(there, here):
    done = []
    style = Motion(np.full((50, len(ARKIT)), 0.3, np.float32), ARKIT, 25.0)
    motion = there.generate(noise(5), style=style, progress=done.append)
    expected = here.generate(noise(5), style=style)
    np.testing.assert_allclose(motion.values, expected.values, atol=1e-4, rtol=0)
    assert (motion.basis, motion.fps, motion.meta) == (ARKIT, 25.0, expected.meta)
    assert done == [0.5, 1.0]
    assert process.running(PYTHON).hello.content["version"] == VERSION


@pytest.mark.slow
def test_guidance_and_seed_motion_arrive(there, here):
    chosen = {
        "style": Motion.load(SHIPPED / "smiling.npz"),
        "guidance": 3.0,
        "seed_motion": Motion(np.full((120, len(ARKIT)), 0.1, np.float32), ARKIT, 30.0),
    }
    expected = here.generate(noise(3), **chosen)
    assert np.abs(there.generate(noise(3), **chosen).values - expected.values).max() < 1e-5
    assert np.abs(expected.values - here.generate(noise(3)).values).max() > 0.05


def test_cancel_ends_the_work_and_not_the_engine(there):
    done = []
    with pytest.raises(Cancelled):
        there.generate(noise(24), progress=done.append, cancel=lambda: bool(done))
    assert max(done) < 1
    child = process.running(PYTHON)
    assert len(there.generate(noise(1))) == 25
    assert process.running(PYTHON) is child


@pytest.mark.slow
def test_an_engine_that_dies_is_one_sentence_and_the_next_job_starts_it_anew(there):
    def kill(_fraction):
        os.kill(process.running(PYTHON)._process.pid, signal.SIGKILL)

    with pytest.raises(InputError, match=r"^The engine has ended unexpectedly .*: generate again.*\.$"):
        there.generate(noise(24), progress=kill)
    assert len(there.generate(noise(1))) == 25


@pytest.mark.slow
def test_what_is_wrong_is_said_there_as_here(there, here, tmp_path):
    style = Motion(np.zeros((5, len(FLAME)), np.float32), FLAME, 25.0)
    said = []
    for model in (there, here):
        with pytest.raises(InputError) as error:
            model.generate(noise(1), style=style)
        said.append(str(error.value))
    assert said[0] == said[1]
    (tmp_path / "bad.safetensors").write_bytes(b"x")
    with pytest.raises(InputError, match=r"'bad\.safetensors' is damaged"):
        models.load("mini", tmp_path / "bad.safetensors", "cpu", "environment", PYTHON)


def start_of(tmp_path, code):
    path = tmp_path / "start.py"
    path.write_text(f"import sys\n{code}\n")
    return path


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("print('welcome')", r"has ended unexpectedly"),
        ("sys.exit('no numpy here')", r"exit status 1; it said 'no numpy here'"),
        ("""print('{"kind": "hello", "arrays": {}, "version": 99}'); input()""", r"speaks version 99 .* version 1: "),
        ("""print('{"kind": "welcome", "arrays": {}}'); input()""", r"does not answer as an engine: "),
        ("import time; time.sleep(60)", r"does not answer as an engine: "),
    ],
)
def test_a_program_that_is_no_engine_of_ours_is_one_sentence(tmp_path, monkeypatch, code, words):
    monkeypatch.setattr(process, "HELLO_SECONDS", 5.0 if "sleep" in code else 60.0)
    with pytest.raises(InputError, match=words):
        process.Child(PYTHON, start_of(tmp_path, "sys.stdout.reconfigure(line_buffering=True)\n" + code))


def test_a_child_that_ignores_cancel_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(process, "CANCEL_SECONDS", 0.2)
    hello = f'{{"kind": "hello", "arrays": {{}}, "version": {VERSION}}}'
    child = process.Child(PYTHON, start_of(tmp_path, f"print('{hello}', flush=True)\nimport time; time.sleep(600)"))
    with pytest.raises(Cancelled):
        child.ask(Message("generate"), cancel=lambda: True)
    assert not child.alive


def test_a_python_that_is_not_there_is_one_sentence(tmp_path):
    with pytest.raises(InputError, match=r"cannot be started \(No such file or directory\): choose the Python"):
        models.load("mini", None, "cpu", "environment", tmp_path / "python")


@given(
    st.dictionaries(st.sampled_from("abc"), st.one_of(st.text(), st.integers(), st.none())),
    st.dictionaries(
        st.text(min_size=1), arrays.arrays(np.float32, arrays.array_shapes(min_side=0, max_dims=3)), max_size=3
    ),
    st.integers(1, 50),
)
def test_what_is_sent_arrives_whole_or_not_at_all(content, sent, missing):
    pipe = io.BytesIO()
    send(pipe, Message("done", content, sent))
    whole = pipe.getvalue()
    pipe.seek(0)
    message = receive(pipe)
    assert (message.kind, message.content) == ("done", content)
    assert message.arrays.keys() == sent.keys()
    for name, array in sent.items():
        np.testing.assert_array_equal(message.arrays[name], array)
    assert receive(pipe) is None
    with pytest.raises(ValueError):  # noqa: PT011 - any reason will do
        receive(io.BytesIO(b"x" + whole[: max(1, len(whole) - missing)]))

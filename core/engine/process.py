# SPDX-License-Identifier: GPL-3.0-or-later
"""The parent's side: a model that speaks in the engine environment, as any other model to the rest of artalk."""

from __future__ import annotations

import atexit
import subprocess
import threading
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..basis import basis_named
from ..errors import Cancelled, InputError
from ..models import Cancel, Progress
from ..motion import Motion
from .protocol import VERSION, Message, receive, send

START = Path(__file__).with_name("start.py")
HELLO_SECONDS = 60.0
CANCEL_SECONDS = 20.0
"""A child that goes on so long after a cancel is ended by force."""
_TICK = 0.05


@dataclass(frozen=True)
class Ended:
    """Stands at the end of a child's messages."""


class Child:
    """A running engine. All is done by one thread at a time, the caller's; two threads of its own only read."""

    def __init__(self, python: Path, start: Path = START) -> None:
        self.python = python
        try:
            self._process = subprocess.Popen(
                # -B: an extension's folder is not ours to write compiled files into
                [str(python), "-I", "-B", str(start)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError as error:
            raise InputError(
                f"The engine's Python '{python}' cannot be started ({error.strerror}): choose the Python of an "
                "environment with torch."
            ) from None
        self._messages: SimpleQueue[Message | Ended] = SimpleQueue()
        self._said: deque[str] = deque(maxlen=20)
        threading.Thread(target=self._read_messages, name="artalk engine", daemon=True).start()
        self._listener = threading.Thread(target=self._read_talk, name="artalk engine talk", daemon=True)
        self._listener.start()
        self.hello = self._greet()

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()

    def ask(self, request: Message, progress: Progress | None = None, cancel: Cancel | None = None) -> Message:
        """Send a request, wait for its answer; InputError when it is refused or the child dies, Cancelled as told."""
        assert self._process.stdin is not None
        try:
            send(self._process.stdin, request)
        except OSError:
            raise self._died() from None
        cancelled_at: float | None = None
        while True:
            message = self._next(_TICK)
            if cancelled_at is None and cancel and cancel():
                cancelled_at = time.monotonic()
                self._cancel()
            if message is None:
                if cancelled_at is not None and time.monotonic() - cancelled_at > CANCEL_SECONDS:
                    self.close()
                    raise Cancelled
            elif message.kind != "progress":
                return _settled(message)
            elif progress:
                progress(float(message.content["fraction"]))

    def _cancel(self) -> None:
        assert self._process.stdin is not None
        try:
            send(self._process.stdin, Message("cancel"))
        except OSError:
            raise self._died() from None

    def _greet(self) -> Message:
        hello = self._next(HELLO_SECONDS)
        if hello is None or hello.kind != "hello":
            self.close()
            raise InputError(f"'{self.python}' does not answer as an engine: choose the Python of an environment.")
        if hello.content["version"] != VERSION:
            self.close()
            raise InputError(
                f"The engine speaks version {hello.content['version']} of the protocol and artalk version {VERSION}: "
                "restart Blender, or set the engine up again."
            )
        return hello

    def _next(self, seconds: float) -> Message | None:
        """The next message, None when none came in that time; InputError when the child has ended."""
        try:
            message = self._messages.get(timeout=seconds)
        except Empty:
            return None
        if isinstance(message, Ended):
            raise self._died()
        return message

    def _died(self) -> InputError:
        status = self._process.wait()
        self._listener.join(1.0)
        said = f"; it said '{self._said[-1]}'" if self._said else ""
        return InputError(
            f"The engine has ended unexpectedly (exit status {status}{said}): generate again, which starts it anew, "
            "or choose another Python for it."
        )

    def _read_messages(self) -> None:
        assert self._process.stdout is not None
        try:
            while (message := receive(self._process.stdout)) is not None:
                self._messages.put(message)
        except (ValueError, OSError):
            # it speaks another language: nothing after this can be understood
            self._process.kill()
        self._messages.put(Ended())

    def _read_talk(self) -> None:
        assert self._process.stderr is not None
        try:
            for line in self._process.stderr:
                if text := line.decode(errors="replace").strip():
                    self._said.append(text)
        except (ValueError, OSError):
            return


def _settled(message: Message) -> Message:
    """The answer itself, or what it says went wrong."""
    if message.kind == "cancelled":
        raise Cancelled
    if message.kind == "refused":
        raise InputError(str(message.content["sentence"]))
    if message.kind == "failed":
        raise RuntimeError(f"in the engine: {message.content['trace']}")
    return message


_child: Child | None = None


def running(python: Path) -> Child:
    """The child of that Python, started when it does not run yet; one of another Python ends."""
    global _child  # noqa: PLW0603 - one engine for all models, as each would hold its own torch
    if _child is None or not _child.alive or _child.python != python:
        stop()
        _child = Child(python)
    return _child


def stop() -> None:
    """End the running child, if any."""
    global _child  # noqa: PLW0603
    if _child is not None:
        _child.close()
        _child = None


atexit.register(stop)


class EngineModel:
    """A model loaded in the engine environment: `core.models.SpeechModel`."""

    def __init__(self, python: Path, name: str, weights: Path, device: str) -> None:
        self._python = python
        self._request = {"model": name, "weights": str(weights.absolute()), "device": device}
        about = running(python).ask(Message("load", self._request)).content
        self.basis = basis_named(about["basis"], about["channels"])
        self.fps = float(about["fps"])

    def generate(
        self,
        audio: NDArray[np.float32],
        *,
        style: Motion | None = None,
        guidance: float | None = None,
        seed_motion: Motion | None = None,
        seed: int = 0,
        progress: Progress | None = None,
        cancel: Cancel | None = None,
    ) -> Motion:
        """See `core.models.SpeechModel.generate`."""
        content: dict[str, Any] = {**self._request, "seed": seed}
        arrays = {"audio": np.asarray(audio, np.float32)}
        if guidance is not None:
            content["guidance"] = guidance
        for name, motion in (("style", style), ("seed_motion", seed_motion)):
            if motion is not None:
                content[name] = {"basis": motion.basis.name, "channels": motion.basis.channels, "fps": motion.fps}
                arrays[name] = motion.values
        answer = running(self._python).ask(Message("generate", content, arrays), progress, cancel)
        return Motion(answer.arrays["values"], self.basis, self.fps, dict(answer.content["meta"]))

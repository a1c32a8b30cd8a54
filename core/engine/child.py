# SPDX-License-Identifier: GPL-3.0-or-later
"""The child's side: keeps one model loaded and generates with it, until its input ends."""

from __future__ import annotations

import os
import platform
import sys
import threading
import traceback
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from queue import SimpleQueue
from typing import IO, Any

from .. import models
from ..basis import basis_named
from ..errors import Cancelled, InputError
from ..models import SpeechModel
from ..motion import Motion
from .protocol import VERSION, Message, receive, send


def serve() -> None:
    """Answer messages on stdin by messages on stdout, what libraries print there goes to stderr."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    send(out, Message("hello", {"version": VERSION, "python": platform.python_version(), "torch": _torch_version()}))
    requests: SimpleQueue[Message | None] = SimpleQueue()
    cancel = threading.Event()
    threading.Thread(target=_listen, args=(sys.stdin.buffer, requests, cancel), daemon=True).start()
    while (request := requests.get()) is not None:
        send(out, _answer(request, out, cancel))


def _listen(stream: IO[bytes], requests: SimpleQueue[Message | None], cancel: threading.Event) -> None:
    """Sort what comes in; a parent that is gone cancels the work."""
    while (message := receive(stream)) is not None:
        if message.kind == "cancel":
            cancel.set()
        else:
            # here and not when the work begins, so that a cancel that comes at once is not lost
            cancel.clear()
            requests.put(message)
    cancel.set()
    requests.put(None)


def _answer(request: Message, out: IO[bytes], cancel: threading.Event) -> Message:
    try:
        model = _model(request)
        if request.kind == "load":
            return Message("loaded", {"basis": model.basis.name, "channels": model.basis.channels, "fps": model.fps})
        motion = model.generate(
            request.arrays["audio"],
            style=_motion(request, "style"),
            seed=request.content["seed"],
            progress=lambda fraction: send(out, Message("progress", {"fraction": fraction})),
            cancel=cancel.is_set,
            **_family_options(request),
        )
    except Cancelled:
        return Message("cancelled")
    except InputError as error:
        return Message("refused", {"sentence": str(error)})
    except Exception as error:  # noqa: BLE001 - the parent is the one to tell
        return Message("failed", {"error": f"{type(error).__name__}: {error}", "trace": traceback.format_exc()})
    return Message("done", {"meta": motion.meta}, {"values": motion.values})


def _model(request: Message) -> SpeechModel:
    path = Path(request.content["weights"])
    stamp = path.stat().st_mtime_ns if path.is_file() else 0
    return _load(request.content["model"], path, request.content["device"], stamp)


@lru_cache(maxsize=1)
def _load(name: str, weights: Path, device: str, _stamp: int) -> SpeechModel:
    return models.load(name, weights, device)


def _motion(request: Message, name: str) -> Motion | None:
    if name not in request.arrays:
        return None
    about = request.content[name]
    return Motion(request.arrays[name], basis_named(about["basis"], about["channels"]), about["fps"])


def _family_options(request: Message) -> dict[str, Any]:
    """What only models of the ARTalk family take, where it is asked for."""
    options = {"guidance": request.content.get("guidance"), "seed_motion": _motion(request, "seed_motion")}
    return {name: value for name, value in options.items() if value is not None}


def _torch_version() -> str | None:
    try:
        return version("torch")
    except PackageNotFoundError:
        return None

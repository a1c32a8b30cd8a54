# SPDX-License-Identifier: GPL-3.0-or-later
"""The registry: every model that can be picked, what it is, and where its weights are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .basis import ARKIT, FLAME, FLAME_EYES, Basis
from .codetalker.config import BIWI, VOCASET
from .errors import InputError
from .motion import Motion
from .releases import ARTALK, Release, codetalker

Progress = Callable[[float], None]
Cancel = Callable[[], bool]

ENGINES = ("auto", "torch", "numpy", "environment")
"""What computes: torch in this Python, numpy in this Python (artalk-mini alone, with equal codec bits), or torch in
another Python, the engine environment. auto: the first of these that can."""

WEIGHTS_FOLDER = Path(__file__).resolve().parent.parent / "weights"


class SpeechModel(Protocol):
    """What every model can do. No part of artalk outside its own room knows more about a model than this."""

    basis: Basis
    fps: float

    def generate(
        self,
        audio: NDArray[np.float32],
        *,
        style: Motion | None = None,
        seed: int = 0,
        progress: Progress | None = None,
        cancel: Cancel | None = None,
    ) -> Motion:
        """Speech (n,) mono at 16 kHz -> the model's own motion, no post-processing.

        Models of the ARTalk family also take `guidance` and `seed_motion`, see `artalk.windows.SpeechPipeline`.
        `progress` is called with the fraction done, `cancel` asked between windows; raises Cancelled when it says yes.
        """
        ...


@dataclass(frozen=True)
class ModelEntry:
    """One line of the registry."""

    name: str
    title: str
    basis: Basis
    licence: str
    weights: Path | None
    """Where the shipped weights lie; None when the user has to bring them."""
    speakers: Basis | None = None
    """Those whose style the model can take on, alone or mixed; None when a motion shows it the style."""
    release: Release | None = None
    """What was published of it and has to be got; None when nothing was, or it is shipped."""


MODELS: dict[str, ModelEntry] = {
    entry.name: entry
    for entry in (
        ModelEntry(
            "mini", "artalk-mini (shipped)", ARKIT, "GPL-3.0-or-later", WEIGHTS_FOLDER / "artalk-mini.safetensors"
        ),
        ModelEntry(
            "artalk",
            "ARTalk, released weights (wav2vec 2.0)",
            FLAME,
            "see its model card; yours to get",
            None,
            release=ARTALK,
        ),
        ModelEntry(
            "artalk-mimi", "ARTalk with the mimi audio encoder", FLAME, "see its model card; yours to get", None
        ),
        ModelEntry("artalk-trained", "ARTalk, trained by its published code (with eyes)", FLAME_EYES, "yours", None),
        *(
            ModelEntry(
                f"codetalker-{config.dataset}",
                f"CodeTalker, released weights ({config.dataset.upper()}, vertices)",
                config.basis,
                "see its repository; yours to get",
                None,
                config.styles,
                codetalker(config.dataset),
            )
            for config in (VOCASET, BIWI)
        ),
    )
}


def entry(name: str) -> ModelEntry:
    """The registry's entry of that name; InputError that lists the names when there is none."""
    if name not in MODELS:
        raise InputError(f"There is no model '{name}': choose one of {', '.join(MODELS)}.")
    return MODELS[name]


def load(
    name: str, weights: Path | None = None, device: str = "auto", engine: str = "auto", python: Path | None = None
) -> SpeechModel:
    """Load a model with its own weights or the file given; InputError when they are missing or do not fit.

    device: cpu, cuda, mps, or auto: the best one that is here. engine: one of ENGINES.
    python: the engine environment's own.
    """
    if engine not in ENGINES:
        raise InputError(f"There is no engine '{engine}': choose one of {', '.join(ENGINES)}.")
    model = entry(name)
    path = weights or model.weights
    if path is None:
        get = f"get them by 'artalk weights get {name}', or " if model.release and model.release.repository else ""
        raise InputError(f"The weights of '{name}' do not come with artalk: {get}give the file with --weights FILE.")
    # a model with speakers comes as two files in a folder
    if not (path.is_file() or (model.speakers and path.is_dir())):
        raise InputError(
            f"The weights file '{path}' of the model '{name}' is missing: reinstall artalk or give the file."
        )
    if engine == "auto" and not _has_torch():
        engine = _without_torch(path, device, python)
    if engine == "numpy":
        return _load_numpy(path, name, device)
    if engine == "environment":
        return _load_elsewhere(path, name, device, python)
    try:
        if model.speakers:
            from .codetalker.checkpoint import load_pipeline as load_codetalker

            return load_codetalker(path, variant=name, device=device)
        from .artalk.checkpoint import load_pipeline

        return load_pipeline(path, variant=name, device=device)
    except ModuleNotFoundError as missing:
        raise InputError(
            f"'{path.name}' needs torch, but this Python lacks the package '{missing.name}': choose the model 'mini' "
            "with the engine auto, or name a Python that has it as the engine environment."
        ) from None


def _without_torch(path: Path, device: str, python: Path | None) -> str:
    """The engine that `auto` stands for where torch is missing; torch, to say so, when nothing can."""
    readable = path.suffix == ".safetensors"
    if python is not None and (not readable or device not in ("auto", "cpu")):
        return "environment"
    return "numpy" if readable else "torch"


def _load_numpy(path: Path, name: str, device: str) -> SpeechModel:
    if device not in ("auto", "cpu"):
        raise InputError(f"There is no device '{device}' without torch: choose cpu or auto.")
    from .artalk_numpy.pipeline import load_pipeline

    return load_pipeline(path, variant=name)


def _load_elsewhere(path: Path, name: str, device: str, python: Path | None) -> SpeechModel:
    if python is None:
        raise InputError("There is no engine environment: name its Python in the preferences or by --engine-python.")
    from .engine.process import EngineModel

    return EngineModel(python, name, path, device)


def _has_torch() -> bool:
    """Whether torch and what is needed around it can be imported; a broken one counts as none."""
    try:
        import_module(".artalk.checkpoint", __package__)
    except (ImportError, OSError):
        return False
    return True

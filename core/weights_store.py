# SPDX-License-Identifier: GPL-3.0-or-later
"""Where weights that the user got are kept, and how they come there: fetched after consent, or imported from a file.

Each model has a folder of its name; a file appears there whole and checked, or not at all.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import hub_download, models
from .artalk.files import file_hash, read_config
from .artalk_numpy.weights import read_metadata
from .basis import ARKIT
from .errors import Cancelled, InputError
from .models import Cancel, Progress
from .releases import FLAME_FILE, STYLES_FOLDER, Release, ReleaseFile
from .torch_files import named_tensors

_TICK = 0.1
_HIDDEN: int = getattr(subprocess, "CREATE_NO_WINDOW", 0)
_ENDINGS = (".pt", ".pth", ".tar", ".safetensors")


def installed(name: str, folder: Path) -> Path | None:
    """The weights of a model that lie in a folder of models, None when there are none: a file, or a folder of two."""
    entry, own = models.entry(name), folder / name
    if entry.speakers:
        wanted = entry.release.files if entry.release else ()
        return own if wanted and all((own / file.name).is_file() for file in wanted) else None
    found = sorted(path for path in own.glob("*") if path.suffix in _ENDINGS and path.is_file())
    return found[0] if found else None


# --- fetching -------------------------------------------------------------------------------------------------------


def fetch(
    name: str,
    folder: Path,
    python: Path,
    progress: Progress = lambda _fraction: None,
    cancel: Cancel = lambda: False,
) -> Path:
    """Get a model's published files into a folder of models; returns its weights.

    The caller has the user's consent. python: one that has huggingface_hub. What is there and right is not fetched
    again; after a cancel, or a connection that broke, the next call goes on where this one stopped.
    Raises InputError when the model cannot be had so, the network or the disk fails, or a file is not the published
    one; Cancelled when `cancel` said so.
    """
    release = _release(name)
    if not release.repository:
        names = _listed(file.name for file in release.files)
        raise InputError(
            f"The weights of '{name}' cannot be fetched by artalk: get {names} from {release.page}, then import them."
        )
    own = folder / name
    waiting = [file for file in release.all_files if not _is_there(own / file.name, file)]
    _require_space(folder, sum((file.size or 0) - _size(_partial(own, file)) for file in waiting))
    try:
        if waiting:
            child = _start(release, own, waiting, python)
            code, said = _watch(child, lambda: progress(_share(release, own)), cancel)
            _judge(code, said, python, release)
        for file in waiting:
            _require_published(_partial(own, file), file, release)
            _partial(own, file).replace(own / file.name)
    except OSError as error:
        raise InputError(f"'{own}' cannot be written ({error.strerror}): choose another folder of models.") from None
    path = installed(name, folder)
    assert path is not None
    return path


def _start(release: Release, own: Path, waiting: Sequence[ReleaseFile], python: Path) -> subprocess.Popen[str]:
    arguments = [text for file in waiting for text in (file.name, str(file.size or 0), str(_partial(own, file)))]
    own.mkdir(parents=True, exist_ok=True)
    try:
        return subprocess.Popen(
            [python, "-I", "-B", hub_download.__file__, release.repository, "main", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            creationflags=_HIDDEN,
        )
    except OSError as error:
        raise InputError(f"'{python}' cannot be started ({error.strerror}): set the engine up again.") from None


def _watch(child: subprocess.Popen[str], tell: Callable[[], None], cancel: Cancel) -> tuple[int, str]:
    """Wait for the child; returns its exit code and what it said. Ends it, raising Cancelled, when `cancel` says so."""
    try:
        while child.poll() is None:
            if cancel():
                raise Cancelled
            tell()
            time.sleep(_TICK)
    finally:
        child.kill()
        said, _ = child.communicate()
    return child.returncode, said


def _share(release: Release, own: Path) -> float:
    """How much of all files is there, 0 to 1."""
    here = sum(max(_size(own / file.name), _size(_partial(own, file))) for file in release.all_files)
    return min(here / max(1, release.size), 1.0)


def _judge(code: int, said: str, python: Path, release: Release) -> None:
    if code == hub_download.NO_LIBRARY:
        raise InputError(
            f"'{python}' lacks the package huggingface_hub: set the engine up, or get the files from {release.page} "
            "and import them."
        )
    if code != 0:
        why = said.strip().splitlines()[-1] if said.strip() else "the download ended unexpectedly"
        raise InputError(
            f"The weights did not come ({why}): get them again, which goes on where it stopped, or get them from "
            f"{release.page} by other means and import them."
        )


def _partial(own: Path, file: ReleaseFile) -> Path:
    return own / f"{file.name}.partial"


def _is_there(path: Path, file: ReleaseFile) -> bool:
    """Whether a file was fetched before: only what was checked gets its final name."""
    return path.is_file() and (file.size is None or _size(path) == file.size)


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _require_space(folder: Path, wanted: int) -> None:
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    free = shutil.disk_usage(there).free
    if wanted > free:
        raise InputError(
            f"The weights need {wanted / 1e9:.1f} GB and '{there}' has {free / 1e9:.1f} GB free: make room, or choose "
            "another folder of models."
        )


def _require_published(path: Path, file: ReleaseFile, release: Release) -> None:
    """Raise InputError, the file deleted, when what came is not what was published."""
    if file.sha256 is not None and (found := file_hash(path)) != file.sha256:
        path.unlink()
        raise InputError(
            f"What came as '{file.name}' is not the published file (its SHA-256 begins {found[:8]}, not "
            f"{file.sha256[:8]}), so it was deleted: get it again, or see {release.page} whether there is a newer one."
        )


# --- files that the user has ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Imported:
    """What an import did. weights: where the model's weights are now; origin: what is known of them, a sentence."""

    model: str
    weights: Path
    origin: str


def import_weights(path: Path, folder: Path, *, link: bool = False) -> Imported:
    """Take weights that the user has, a file or a folder of one model's files, into a folder of models.

    What belongs to them comes along: a folder `style_motion`, the folder of the speech encoder.
    link: point to the files instead of copying them. Raises InputError when it is no model's, or not whole.
    """
    files = [path]
    if path.is_dir():
        files = sorted(file for file in path.glob("*") if file.suffix in _ENDINGS and file.name != FLAME_FILE)
    if not files:
        raise InputError(f"The folder '{path}' has no weights: give the one with the .pt or .pth.tar files.")
    names = {file: recognise(file) for file in files}
    if len(set(names.values())) > 1:
        raise InputError(f"'{path}' has weights of several models, {_listed(set(names.values()))}: import one file.")
    name, place = names[files[0]], files[0].parent
    encoders = [file.parent for file in place.glob("*/config.json")] if name == "artalk-trained" else []
    if name == "artalk-trained" and not encoders and path.suffix != ".safetensors":
        raise InputError(
            f"'{path.name}' holds no speech encoder: put the folder of the wav2vec 2.0 that it was trained with "
            "(facebook/wav2vec2-xls-r-300m) beside it, then import it."
        )
    origins = {provenance(file, name) for file, name in names.items()}
    styles = sorted((place / STYLES_FOLDER).glob("*.pt")) if name == "artalk" else []
    heard = [part for encoder in encoders for part in encoder.iterdir() if part.is_file()]
    for file in (*files, *styles, *heard):
        _place(file, folder / name / file.relative_to(place), link=link)
    found = installed(name, folder)
    if found is None:
        missing = [file.name for file in _release(name).files if not (folder / name / file.name).is_file()]
        raise InputError(f"'{name}' needs {_listed(missing)} as well, under this name: import that too.")
    return Imported(name, found, " ".join(sorted(origins)))


def recognise(path: Path) -> str:
    """The model that a file of weights belongs to, by the names in it; InputError when it is no model's."""
    if path.suffix == ".safetensors":
        return _recognise_own(path)
    tensors = named_tensors(path)
    if {"flame_model"} & tensors.keys() or path.name == FLAME_FILE:
        raise InputError(f"'{path.name}' is a FLAME head, no model that speaks: import it as a head.")
    if any(name.startswith("base_codec.") for name in tensors):
        return "artalk-trained"
    if any(name.startswith("encoder.code_mapping") for name in tensors):
        raise InputError(
            f"'{path.name}' is the codec of ARTalk's training code alone, which does not hear: import its generator."
        )
    for dataset, width, speakers in (("vocaset", 64, 8), ("biwi", 128, 6)):
        for key, shape in (
            ("quantize.embedding.weight", (256, width)),
            ("learnable_style_emb.weight", (speakers, 1024)),
        ):
            if key in tensors and tensors[key].shape == shape:
                return f"codetalker-{dataset}"
    if any(name.startswith("basic_vae.") for name in tensors):
        mimi = any(name.startswith("audio_encoder.acoustic_model.") for name in tensors)
        return "artalk-mimi" if mimi else "artalk"
    raise InputError(f"'{path.name}' holds weights of no model that artalk knows: see 'artalk weights list'.")


def _recognise_own(path: Path) -> str:
    """A file written by artalk says what motion it makes."""
    config = read_config(read_metadata(path), path)
    if config.basis == ARKIT.name:
        raise InputError(f"'{path.name}' is of artalk-mini's kind, which needs no import: give it with --weights.")
    return "artalk-trained" if config.family == "training" else "artalk"


def provenance(path: Path, name: str) -> str:
    """Whether a file is the published one, a sentence."""
    if path.suffix == ".safetensors":
        return f"'{path.name}' was written by artalk."
    release = models.entry(name).release
    known = {file.sha256 for file in release.files if file.sha256} if release else set()
    if not known:
        return f"No hash was published for '{path.name}': not verified."
    if file_hash(path) in known:
        return f"'{path.name}' is the published file."
    return f"'{path.name}' is not the published file, though it has the same names in it: not verified."


def _place(path: Path, target: Path, *, link: bool) -> None:
    """Copy a file to its place or point there to it; it appears whole."""
    if target.exists() and target.samefile(path):
        return
    partial = target.with_name(f"{target.name}.partial")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        partial.unlink(missing_ok=True)
        if link:
            partial.symlink_to(path.absolute())
        else:
            shutil.copyfile(path, partial)
        partial.replace(target)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise InputError(f"'{target}' cannot be written ({error.strerror}): choose another folder of models.") from None


def _release(name: str) -> Release:
    """What was published of a model; InputError when nothing was."""
    release = models.entry(name).release
    if release is None:
        raise InputError(f"No weights of '{name}' are published: give your own with --weights, or import them.")
    return release


def _listed(names: Iterable[str]) -> str:
    return " and ".join(sorted(names))

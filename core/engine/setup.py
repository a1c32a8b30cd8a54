# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets the engine environment up: a virtual environment of its own, which pip fills in a child process.

`plan` says what would be done, `install` does it and, after a cancel or a failure, goes on where it stopped; `remove`
takes it away. All of it lies in one folder: `env`, the environment; `setup.log`, what pip said; and a stamp, without
which nothing is ever removed.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from ..errors import Cancelled, InputError
from ..models import Cancel, Progress

TORCH = "torch>=2.6,<2.14"
LIBRARIES = ("numpy>=1.26", "scipy>=1.11", "safetensors>=0.5", "transformers>=4.50")
OLDEST, NEWEST = (3, 11), (3, 14)
"""The Pythons that artalk runs on and TORCH exists for."""

STAMP = "artalk_engine.json"
ENVIRONMENT = "env"
LOG = "setup.log"

_TICK = 0.1
_HIDDEN: int = getattr(subprocess, "CREATE_NO_WINDOW", 0)
_LIBRARIES_GB = 0.1
_RAW_PROGRESS_SINCE = (24, 1)
"""The pip that can say how far a download is, one line at a time."""


@dataclass(frozen=True)
class Build:
    """A build of torch. download, disk: of the whole environment, in GB and roughly; None: not known."""

    title: str
    download: float | None
    disk: float | None


BUILDS = {
    "cpu": Build("Processor", 0.3, 1.3),
    "cuda": Build("NVIDIA graphics card (CUDA)", 3.0, 7.0),
    "rocm": Build("AMD graphics card (ROCm)", None, None),
    "metal": Build("Apple graphics (Metal)", 0.2, 1.3),
}
"""Downloads as summed from the packages; disk measured for the processor's build, the others' estimated from it."""

_PIPS_OWN = {"linux": "cuda", "darwin": "metal", "win32": "cpu"}
_ELSEWHERE = {"darwin": ("cuda", "rocm"), "linux": ("metal",), "win32": ("metal",)}


def default_device() -> str:
    """The build that pip's own index gives on this system: a key of BUILDS."""
    return _PIPS_OWN.get(sys.platform, "cpu")


def devices() -> list[str]:
    """The keys of BUILDS that exist for this system."""
    return [device for device in BUILDS if device not in _ELSEWHERE.get(sys.platform, ())]


@dataclass(frozen=True)
class Plan:
    """What `install` would do.

    folder: where everything goes
    device: what the environment is to run on, a key of BUILDS
    python: makes the environment; nothing is installed into it
    wheels: a folder to install from without a network, or None
    index: the address of an index with torch for that device; empty: pip's own
    """

    folder: Path
    device: str
    python: Path
    wheels: Path | None = None
    index: str = ""

    @property
    def build(self) -> Build:
        """The build that will come, which runs on the device."""
        chosen = self.wheels is not None or self.index
        return BUILDS[self.device if chosen else default_device()]

    def facts(self) -> list[tuple[str, str]]:
        """What to tell before asking: (heading, words) each."""
        source = str(self.wheels) if self.wheels else f"{self.index or 'pip’s own index'}, over the network"
        return [
            ("What", "PyTorch, transformers, SciPy, NumPy and safetensors"),
            ("For", BUILDS[self.device].title),
            ("From", source),
            ("Size", self._size()),
            ("Where", str(self.folder)),
            ("Made with", str(self.python)),
        ]

    def _size(self) -> str:
        free = f"{free_gb(self.folder):.0f} GB are free"
        if self.build.download is None or self.build.disk is None:
            return f"several GB; {free}"
        disk = f"about {self.build.disk:g} GB on disk; {free}"
        return disk if self.wheels else f"about {self.build.download:g} GB to download, {disk}"


def plan(folder: Path, device: str, python: Path, wheels: Path | None = None, index: str = "") -> Plan:
    """Check a choice against this machine; InputError when it cannot work. See `Plan` for what is asked."""
    build = BUILDS.get(device)
    if build is None:
        raise InputError(f"There is no build for '{device}': choose one of {', '.join(BUILDS)}.")
    if device not in devices():
        raise InputError(f"There is no build of PyTorch for {build.title} on this system: choose another device.")
    if wheels is not None and index:
        raise InputError("A folder of wheels and an address are both given: choose one of them.")
    if wheels is not None and not any(wheels.glob("*.whl")):
        raise InputError(f"The folder '{wheels}' has no wheels: choose the one with the .whl files of PyTorch.")
    if index and not re.match(r"(https?|file)://\S+$", index):
        raise InputError(f"'{index}' is no address of an index: copy the one after --index-url from PyTorch's page.")
    if wheels is None and not index and device not in ("cpu", default_device()):
        raise InputError(
            f"pip does not find the build for {build.title} by itself on this system: paste the address after "
            "--index-url from PyTorch's 'Get Started' page, or give a folder of wheels."
        )
    return Plan(folder, device, python, wheels, index)


def find_python(named: Path | None = None) -> Path:
    """A Python that can make the environment: the named one or the first that fits; InputError when none does.

    The Python of the program itself is the last resort: an environment made from Blender's ends with that Blender.
    """
    if named is not None:
        if _fits(named):
            return named
        raise InputError(f"'{named}' is no Python {_span()} with venv: choose another, or leave the field empty.")
    names = ("python3.13", "python3.12", "python3.11", "python3.14", "python3", "python")
    found = [Path(path) for path in map(shutil.which, names) if path]
    for candidate in (*found, Path(sys.executable)):
        if _fits(candidate):
            return candidate
    raise InputError(f"There is no Python {_span()} with venv on this machine: install one, then set the engine up.")


def _span() -> str:
    return f"{'.'.join(map(str, OLDEST))} to {'.'.join(map(str, NEWEST))}"


def _fits(python: Path) -> bool:
    if sys.platform == "darwin" and python == Path("/usr/bin/python3"):
        # where the developer tools are missing, it opens a window that offers them
        return False
    code = "import sys, venv, ensurepip; print(*sys.version_info[:2])"
    try:
        answer = subprocess.run(
            [python, "-I", "-B", "-c", code],
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
            creationflags=_HIDDEN,
        )
        return OLDEST <= _numbers(answer.stdout) <= NEWEST
    except (OSError, subprocess.SubprocessError):
        return False


def _numbers(text: str) -> tuple[int, int]:
    found = re.search(r"(\d+)[. ](\d+)", text)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def free_gb(folder: Path) -> float:
    """Free space where the folder is or will be."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    return shutil.disk_usage(there).free / 1e9


# --- what is there ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Engine:
    """An environment that is complete. torch: its version; devices: what it sees here, of cpu, cuda, mps."""

    python: Path
    torch: str
    devices: tuple[str, ...]


def python_in(folder: Path) -> Path:
    """Where the Python of an environment lies."""
    parts = ("Scripts", "python.exe") if sys.platform == "win32" else ("bin", "python")
    return folder.joinpath(ENVIRONMENT, *parts)


def begun(folder: Path) -> bool:
    """Whether a set-up was begun there, finished or not."""
    return _read_stamp(folder) is not None


def installed(folder: Path) -> Engine | None:
    """The engine there, None when there is none or it is not finished."""
    stamp = _read_stamp(folder) or {}
    if not stamp.get("complete") or not python_in(folder).exists():
        return None
    return Engine(python_in(folder), str(stamp["torch"]), tuple(map(str, stamp["devices"])))


def remove(folder: Path) -> None:
    """Delete what `install` put there; InputError when it was not `install` or something is in use."""
    if not begun(folder):
        raise InputError(
            f"'{folder}' was not set up by artalk, so it is left alone: delete it yourself if you want to."
        )
    try:
        if (folder / ENVIRONMENT).exists():
            shutil.rmtree(folder / ENVIRONMENT)
        (folder / LOG).unlink(missing_ok=True)
        # last, so that a removal that failed can be repeated
        (folder / STAMP).unlink()
        if not any(folder.iterdir()):
            folder.rmdir()
    except OSError as error:
        raise InputError(
            f"'{error.filename}' cannot be removed ({error.strerror}): close every Blender that uses the engine and "
            "try again."
        ) from None


def _read_stamp(folder: Path) -> dict[str, Any] | None:
    try:
        stamp = json.loads((folder / STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return stamp if isinstance(stamp, dict) and "complete" in stamp else None


def _write_stamp(plan: Plan, **content: object) -> None:
    stamp = {"device": plan.device, "index": plan.index, **content}
    (plan.folder / STAMP).write_text(json.dumps(stamp, indent=2) + "\n", encoding="utf-8")


# --- setting up ------------------------------------------------------------------------------------------------------

Say = Callable[[str], None]


def install(
    plan: Plan, progress: Progress | None = None, cancel: Cancel | None = None, say: Say | None = None
) -> Engine:
    """Set up as planned, or finish what was begun; `say` gets each step in a few words.

    Raises Cancelled, the child ended and what is installed kept, and InputError when the folder is somebody else's, the
    disk is full, or pip or torch fail.
    """
    _claim(plan)
    step = _Steps(plan, progress or (lambda _fraction: None), cancel or (lambda: False), say or (lambda _words: None))
    step.environment()
    if plan.wheels is None:
        step.pip(0.06, 0.01, "--upgrade", "pip")
    _forget_half_installed(plan)
    step.pip(0.2, _LIBRARIES_GB, *LIBRARIES)
    step.pip(0.95, plan.build.download or 5.0, *(("--index-url", plan.index) if plan.index else ()), TORCH)
    engine = step.ask()
    _write_stamp(plan, complete=True, torch=engine.torch, devices=engine.devices)
    step.progress(1.0)
    return engine


def _claim(plan: Plan) -> None:
    """Mark the folder as ours and unfinished; an environment for another device is no use and goes."""
    stamp = _read_stamp(plan.folder)
    if stamp is None and plan.folder.exists() and any(plan.folder.iterdir()):
        raise InputError(f"'{plan.folder}' has other files in it: choose an empty folder for the engine.")
    needed = plan.build.disk or 0.0
    if stamp is None and free_gb(plan.folder) < needed:
        raise InputError(f"The engine needs about {needed:g} GB and {_size_there(plan.folder)}: free some space first.")
    if stamp is not None and (stamp.get("device"), stamp.get("index")) != (plan.device, plan.index):
        remove(plan.folder)
    plan.folder.mkdir(parents=True, exist_ok=True)
    _write_stamp(plan, complete=False)


def _size_there(folder: Path) -> str:
    return f"{free_gb(folder):.1f} GB are free"


def _forget_half_installed(plan: Plan) -> None:
    """Forget packages that a killed pip left half unpacked: it writes INSTALLER when the files are there."""
    for metadata in (plan.folder / ENVIRONMENT).rglob("*.dist-info"):
        if not (metadata / "INSTALLER").exists():
            shutil.rmtree(metadata)


class _Steps:
    """The steps of one installation, each a child process."""

    def __init__(self, plan: Plan, progress: Progress, cancel: Cancel, say: Say) -> None:
        self.progress = progress
        self._plan, self._cancel, self._say = plan, cancel, say
        self._python = python_in(plan.folder)
        self._fraction = 0.0

    def environment(self) -> None:
        """Make the environment, unless a whole one is there."""
        if not self._python.exists() or self._run([self._python, "-I", "-m", "pip", "--version"]).status:
            self._say("Making the environment")
            target = self._plan.folder / ENVIRONMENT
            # -B: not even compiled files are written where that Python lives
            said = self._run([self._plan.python, "-I", "-B", "-m", "venv", "--clear", target])
            if said.status:
                raise InputError(
                    f"'{self._plan.python}' cannot make an environment ({said.last}): choose another Python."
                )
        self._advance(0.05)

    def pip(self, until: float, expected_gb: float, *arguments: str) -> None:
        """Install; `until` is the fraction of the whole afterwards, `expected_gb` what comes over the network."""
        version = self._run([self._python, "-I", "-m", "pip", "--version"]).last
        bar = "raw" if _numbers(version) >= _RAW_PROGRESS_SINCE else "off"
        # wheels alone: nothing is ever compiled or run on the way
        options = ["install", "--disable-pip-version-check", "--only-binary=:all:", f"--progress-bar={bar}"]
        if self._plan.wheels is not None:
            options += ["--no-index", f"--find-links={self._plan.wheels}"]
        start = self._fraction
        talk = _Talk(self._say)

        def hear(line: str) -> None:
            talk.hear(line)
            share = min(1.0, talk.bytes / (expected_gb * 1e9))
            self.progress(start + (until - start) * share)

        said = self._run([self._python, "-I", "-u", "-X", "utf8", "-m", "pip", *options, *arguments], hear)
        if said.status:
            raise InputError(_why(self._plan, said.lines))
        self._advance(until)

    def ask(self) -> Engine:
        """Have the new environment import everything and say what torch sees."""
        self._say("Trying it")
        code = (
            "import json, numpy, scipy, safetensors, transformers, torch\n"
            "seen = {'cuda': torch.cuda.is_available(), 'mps': torch.backends.mps.is_available()}\n"
            "print(json.dumps([torch.__version__, ['cpu', *(name for name in seen if seen[name])]]))"
        )
        said = self._run([self._python, "-I", "-c", code])
        if said.status:
            raise InputError(f"The engine is installed and does not start ({said.last}): remove it and set it up anew.")
        torch, devices = json.loads(said.last)
        return Engine(self._python, torch, tuple(devices))

    def _advance(self, fraction: float) -> None:
        self._fraction = fraction
        self.progress(fraction)

    def _run(self, command: Sequence[str | Path], hear: Say | None = None) -> _Said:
        offline = self._plan.wheels is not None
        with (self._plan.folder / LOG).open("a", encoding="utf-8") as log:
            return _run(command, offline, log.write, self._cancel, hear)


@dataclass(frozen=True)
class _Said:
    status: int
    lines: list[str]

    @property
    def last(self) -> str:
        return self.lines[-1] if self.lines else "it said nothing"


def _run(
    command: Sequence[str | Path], offline: bool, log: Callable[[str], object], cancel: Cancel, hear: Say | None
) -> _Said:
    """Run a child to its end, or end it; lines: the last that it said, on either stream."""
    process = subprocess.Popen(
        [str(part) for part in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=_environment(offline),
        # a group of its own, to be ended with all that it started
        start_new_session=True,
        encoding="utf-8",
        errors="replace",
        creationflags=_HIDDEN,
    )
    lines: SimpleQueue[str | None] = SimpleQueue()
    threading.Thread(target=partial(_read, process, lines), name="artalk set-up", daemon=True).start()
    kept: deque[str] = deque(maxlen=50)
    while True:
        if cancel():
            _kill(process)
            raise Cancelled
        try:
            line = lines.get(timeout=_TICK)
        except Empty:
            continue
        if line is None:
            return _Said(process.wait(), list(kept))
        if not line.startswith("Progress "):
            log(line + "\n")
            kept.append(line)
        if hear is not None:
            hear(line)


def _read(process: subprocess.Popen[str], lines: SimpleQueue[str | None]) -> None:
    assert process.stdout is not None
    with process.stdout as stream:
        for line in stream:
            if text := line.strip():
                lines.put(text)
    lines.put(None)


def _kill(process: subprocess.Popen[str]) -> None:
    if sys.platform == "win32":
        process.kill()
    else:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _environment(offline: bool) -> dict[str, str]:
    """The user's own settings of pip hold, proxies and mirrors among them; without a network, none may add places."""
    if not offline:
        return dict(os.environ)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    return kept | {"PIP_CONFIG_FILE": os.devnull}


class _Talk:
    """Follows what pip says. bytes: downloaded up to now."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._whole = 0
        self._now = 0

    @property
    def bytes(self) -> int:
        return self._whole + self._now

    def hear(self, line: str) -> None:
        word, _, rest = line.partition(" ")
        if word == "Progress" and (found := re.match(r"(\d+) of (\d+)$", rest)):
            self._now = int(found[1])
        elif word in ("Downloading", "Collecting", "Processing"):
            self._whole, self._now = self.bytes, 0
            # a requirement such as hf-xet>=1.4, or a file: its name ends at the first dash
            part = re.match(r"[\w.-]+" if word == "Collecting" else r"(?:.*[/\\])?([\w.]+)", rest)
            name = part[part.re.groups] if part else rest
            size = re.search(r"\(.*?B\)", rest)
            doing = "Downloading" if word == "Downloading" else "Looking at"
            self._say(f"{doing} {name}{f' {size[0]}' if size else ''}")
        elif line.startswith("Installing collected packages"):
            self._say("Unpacking")


_UNREACHABLE = ("Max retries exceeded", "NewConnectionError", "NameResolutionError", "ReadTimeout", "Retrying (Retry(")
_FULL = ("No space left on device", "not enough space on the disk")


def _why(plan: Plan, lines: Sequence[str]) -> str:
    """What pip's last lines come to, in one sentence."""
    text = "\n".join(lines)
    if any(words in text for words in _FULL):
        return f"The disk is full ({_size_there(plan.folder)}): free some space and set up again, which goes on."
    missing = re.search(r"No matching distribution found for ([\w.-]+)", text)
    if missing and plan.wheels:
        return (
            f"The folder '{plan.wheels}' has no wheel of '{missing[1]}' that fits {platform.system()} and "
            f"'{plan.python}': add it and set up again, which goes on."
        )
    if any(words in text for words in _UNREACHABLE):
        return "pip cannot reach its index: check the connection and set up again, which goes on where it stopped."
    if missing:
        return f"pip finds no '{missing[1]}' for '{plan.python}': choose another Python, or another address."
    said = next((line for line in reversed(lines) if line.startswith("ERROR")), lines[-1] if lines else "nothing")
    return f"pip failed, saying '{said}': set up again, which goes on, or read '{plan.folder / LOG}'."

# SPDX-License-Identifier: GPL-3.0-or-later
"""From speech to finished motion: the one function behind the panel, the Blender command and the command line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from . import models, styles
from .artalk.config import GUIDANCE_RANGE
from .audio import RATE
from .basis import ARKIT, FLAME, FLAME_FAMILY, HEAD_ROTATION
from .codetalker.speakers import speaker_style
from .errors import InputError
from .heads.flame import fingerprint
from .heads.flame_basis import BASIS_KEY, require_basis, trained_basis
from .models import Cancel, Progress, SpeechModel
from .motion import Motion
from .polish.amounts import BROWS, EYES, JAW, LIDS, LIPS, Amount, going_on, scale, scale_mouth, shift, smooth
from .polish.blinks import add_blinks
from .polish.breath import add_breath
from .polish.brows import add_brows
from .polish.gaze import add_gaze, gaze_shifts
from .polish.head import add_head, ease_jumps, turn_home
from .polish.limits import within_limits
from .polish.phrases import Phrase
from .polish.prosody import Prosody, listen
from .polish.seals import hold_seals, pressed, shut_slits
from .polish.seams import ease_seams
from .polish.silence import hold_in_silence
from .retarget.bases import in_basis, model_of_file, require_way

Post = Literal["artalk", "published", "none"]
POSTS: tuple[Post, ...] = get_args(Post)


OverTime = Mapping[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]]
"""Amounts that change along a motion: name of the option -> function from seconds (T,) to amounts (T,)."""

ANIMATED = ("jaw", "lips", "brows", "head", "eyes", "blinks", "hold_in_silence")
"""The options that may change along a motion."""


@dataclass(frozen=True)
class Options:
    """What a user can choose for one generation. Those from `jaw` on are for ARKit motion and need no model.

    post: 'artalk' = our layers (below), 'published' = the smoothing and zeroing of ARTalk's own tools, 'none' = the
          model's own output, exact.
    fps:  rate of the result; None keeps the model's own.
    style: file of a motion whose first two seconds to take on; for a model with speakers one of them.
    guidance: how much of the style, 1 as it is, above 1 more; None for what the model was made for.
    seed_motion: file of what the face did in the seconds before, which the motion goes on from.
    fix_head: the head stays still.
    basis: name of the basis of the result; None keeps the model's own. Our layers are for ARKit motion: FLAME motion
           becomes ARKit's before them, ARKit motion becomes FLAME's after them.
    flame: the FLAME file that the model's FLAME motion is meant for, or that ARKit motion is to move.
    jaw, lips, brows, head, eyes, blinks: how much each moves in all, 0 none, 1 as people do.
    gaze, breath, hold_in_silence: how much of a layer, 0 none, 1 all.
    smoothing: of the model's own motion, 0 none, 1 a Gaussian of 100 ms; lips that meet still do.
    mouth_offset, brows_offset, head_offset: seconds by which these come later, below 0 earlier.
    """

    model: str = "mini"
    weights: Path | None = None
    style: Path | None = None
    guidance: float | None = None
    seed_motion: Path | None = None
    fix_head: bool = False
    seed: int = 0
    fps: float | None = None
    post: Post = "artalk"
    basis: str | None = None
    flame: Path | None = None
    device: str = "auto"
    engine: str = "auto"
    engine_python: Path | None = None
    jaw: float = 1.0
    lips: float = 1.0
    brows: float = 1.0
    head: float = 1.0
    eyes: float = 1.0
    blinks: float = 1.0
    gaze: float = 1.0
    breath: float = 1.0
    hold_in_silence: float = 1.0
    smoothing: float = 0.0
    mouth_offset: float = 0.0
    brows_offset: float = 0.0
    head_offset: float = 0.0


@dataclass(frozen=True)
class Spoken:
    """What the model and the layers need the sound for: with this, everything else can be done again without it."""

    raw: Motion
    voice: Prosody


@dataclass(frozen=True)
class Afterwards:
    """How a face goes on when it has spoken: it listens and waits.

    seconds: for how long
    fade, rest: in how many seconds it goes to rest, and how far, 0 to 1
    voice:   when the next words are heard, in seconds from the beginning of the motion; None for never
    home:    whether the head turns home
    """

    seconds: float
    fade: float = 0.4
    rest: float = 1.0
    voice: float | None = None
    home: bool = True


def generate(
    audio: NDArray[np.float32],
    options: Options,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Motion:
    """Speech (n,) mono at 16 kHz -> finished motion with its provenance in `meta`.

    Raises InputError for a choice that cannot be met and Cancelled when `cancel` said so.
    """
    spoken = speak(audio, options, progress, cancel)
    return in_basis(polish(spoken.raw, spoken.voice, options), options.basis, options.flame)


def speak(
    audio: NDArray[np.float32],
    options: Options,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
    before: NDArray[np.float32] | None = None,
) -> Spoken:
    """The slow half of `generate`: the model's own motion with its provenance, and the voice as the layers hear it.

    FLAME motion that is to become ARKit's does so here.

    before: what the same voice said before and the silence since, (m,); the model hears it, so that motion goes on
            from there, but nothing of it is in the result. Whole frames of the model, best a whole window.
    """
    check(options)
    model = load_model(options)
    style = _style(options)
    lead = np.zeros(0, np.float32) if before is None else before
    heard = np.concatenate([lead, audio]) if len(lead) else audio
    more = _family_options(options)
    raw = model.generate(heard, style=style, seed=options.seed, progress=progress, cancel=cancel, **more)
    meta = {**raw.meta, **_version(raw, options), **provenance(audio, options, lead)}
    motion = Motion(raw.values[round(len(lead) / RATE * raw.fps) :], raw.basis, raw.fps, meta)
    if options.basis == ARKIT.name and motion.basis in FLAME_FAMILY:
        motion = in_basis(_smoothed(motion, options), options.basis, options.flame)
    return Spoken(motion, listen(audio))


def _version(motion: Motion, options: Options) -> dict[str, str]:
    """Which version of FLAME a model's FLAME motion is meant for, as far as its weights or the FLAME file tell."""
    if motion.basis not in FLAME_FAMILY:
        return {}
    weights = options.weights or models.entry(options.model).weights
    version = trained_basis(weights) if weights else ""
    if not version and options.flame:
        version = fingerprint(model_of_file(options.flame))
    return {BASIS_KEY: version} if version else {}


def _smoothed(motion: Motion, options: Options) -> Motion:
    """FLAME motion with the published smoothing, where that is chosen."""
    if options.post == "none" or motion.basis != FLAME:
        return motion
    from .artalk.postprocess import PUBLISHED_LIMIT, published

    # the published tools cut at 30 s, which nobody wants of a long line
    return published(motion, limit=PUBLISHED_LIMIT if options.post == "published" else None)


def check(options: Options) -> None:
    """Raise InputError when the options contradict each other or name what is not there; loads nothing."""
    entry = models.entry(options.model)
    if options.post not in POSTS:
        raise InputError(f"There is no post-processing '{options.post}': choose one of {', '.join(POSTS)}.")
    require_way(options.model, entry.basis, options.basis, options.flame)
    weights = options.weights or entry.weights
    if options.flame and entry.basis in FLAME_FAMILY and weights and trained_basis(weights):
        require_basis(options.flame.name, fingerprint(model_of_file(options.flame)), weights)
    if options.post == "published" and entry.basis != FLAME:
        raise InputError(
            f"The published post-processing is for FLAME motion: with '{options.model}' choose artalk or none."
        )
    if entry.speakers:
        _style(options)
    elif options.style is not None:
        styles.two_seconds(styles.load(options.style), options.style.name)
    if entry.speakers and (options.guidance is not None or options.seed_motion is not None or options.fix_head):
        raise InputError(f"'{options.model}' has no style guidance, seed motion or head that turns: leave them out.")
    if options.seed_motion is not None:
        _seed_motion(options.seed_motion)
    least, most = GUIDANCE_RANGE
    if options.guidance is not None and not least <= options.guidance <= most:
        raise InputError(
            f"A style guidance of {options.guidance:g} is outside {least:g} to {most:g}: 1 is the style as it is."
        )
    if options.seed < 0:
        raise InputError(f"A seed of {options.seed} is below 0: choose a whole number from 0 up.")
    if options.fps is not None and not 1 <= options.fps <= 1000:
        raise InputError(f"A frame rate of {options.fps:g} is outside 1 to 1000: choose the rate of your scene.")


def load_model(options: Options) -> SpeechModel:
    """The model of these options; the last one used is kept, unless its file has changed since."""
    path = options.weights or models.entry(options.model).weights
    stamp = path.stat().st_mtime_ns if path and path.exists() else 0
    return _load_cached(options.model, options.weights, options.device, options.engine, options.engine_python, stamp)


@lru_cache(maxsize=1)
def _load_cached(
    name: str, weights: Path | None, device: str, engine: str, python: Path | None, _stamp: int
) -> SpeechModel:
    return models.load(name, weights, device, engine, python)


def _style(options: Options) -> Motion | None:
    """What the model is told of the style; `style` is a file, or a speaker for a model that has speakers."""
    if options.style is None:
        return None
    speakers = models.entry(options.model).speakers
    if speakers:
        return speaker_style(str(options.style), speakers)
    style, basis = styles.two_seconds(styles.load(options.style), options.style.name), models.entry(options.model).basis
    return styles.as_shown(in_basis(style, basis.name, options.flame) if options.flame else style)


def _family_options(options: Options) -> dict[str, Any]:
    """What models of the ARTalk family take besides, where it was chosen."""
    more: dict[str, Any] = {} if options.guidance is None else {"guidance": options.guidance}
    if options.seed_motion is not None:
        more["seed_motion"] = _seed_motion(options.seed_motion)
    return more


def _seed_motion(path: Path) -> Motion:
    if path.suffix.lower() not in styles.ENDINGS:
        raise InputError(f"The seed motion '{path.name}' is no motion: give a .npz made by artalk, or a published .pt.")
    return styles.load(path)


def polish(
    raw: Motion,
    voice: Prosody,
    options: Options,
    over_time: OverTime | None = None,
    afterwards: Afterwards | None = None,
) -> Motion:
    """Post-processing of a model's own motion, at the rate asked for: pure, seeded, and quick beside the model.

    over_time: amounts of ANIMATED options that change along the motion; they go before those in `options`.
    afterwards: what follows the speech, in our layers; the speech itself is the same without it
    """
    layered = options.post == "artalk" and raw.basis == ARKIT
    motion = _smoothed(raw, options)
    turned = _Amounts(options, over_time or {})
    if layered:
        # only models of ARKit's shapes press lips: from FLAME's motion the press is fitted where lips are open wide
        meant = pressed(motion) if models.entry(options.model).basis == ARKIT else np.ones(len(motion), bool)
        # on the model's own frames: afterwards a jump or a seal is spread over more of them
        motion = smooth(shut_slits(ease_seams(ease_jumps(within_limits(motion))), meant), options.smoothing)
        motion = hold_seals(scale_mouth(motion, turned("jaw", motion), turned("lips", motion)), meant)
        if afterwards:
            motion = going_on(motion, afterwards.seconds, afterwards.fade, afterwards.rest, HEAD_ROTATION)
    motion = motion.resample(options.fps or motion.fps)
    motion = _add_layers(motion, voice, turned, raw.duration, afterwards) if layered else motion
    return scale(motion, HEAD_ROTATION, 0.0) if options.fix_head else motion


@dataclass(frozen=True)
class _Amounts:
    """What an option is along a motion: one number, or one for each of its frames."""

    options: Options
    over_time: OverTime

    def __call__(self, name: str, motion: Motion) -> Amount:
        if name == "head" and self.options.fix_head:
            return 0.0  # so that the eyes do not turn against a head that stays
        if name in self.over_time:
            return self.over_time[name](np.arange(len(motion)) / motion.fps)
        return float(getattr(self.options, name))


def _add_layers(
    motion: Motion, voice: Prosody, amount: _Amounts, spoken: float, afterwards: Afterwards | None
) -> Motion:
    """Our layers on ARKit motion at its final rate: saccades and blinks are too quick to be resampled.

    spoken: seconds of it that are speech. The order matters: the eyes turn against the finished head, and nothing
    touches the eyes after the blinks.
    """
    options, seed = amount.options, amount.options.seed
    later = afterwards.voice if afterwards else None
    coming = [] if later is None else [Phrase(later, later)]
    motion = hold_in_silence(motion, voice.phrases, amount("hold_in_silence", motion))
    motion = add_breath(motion, [*voice.phrases, *coming], options.breath)
    motion = scale(add_brows(motion, voice.accents, seed), BROWS, amount("brows", motion))
    motion = scale(add_head(motion, voice, seed, coming=coming), HEAD_ROTATION, amount("head", motion))
    motion = shift(shift(motion, BROWS, options.brows_offset), HEAD_ROTATION, options.head_offset)
    if afterwards and afterwards.home:
        motion = turn_home(motion, spoken + _HOME_AFTER, _HOME * afterwards.rest)
    blinks = amount("blinks", motion)
    motion = scale(motion, LIDS, np.minimum(blinks, 1.0))
    shifts = gaze_shifts(motion.duration, voice.phrases, seed, spoken) if options.gaze else []
    motion = scale(add_gaze(motion, shifts, options.gaze), EYES, amount("eyes", motion))
    motion = add_blinks(motion, voice.phrases, seed, blinks, shifts, idle_from=spoken)
    return shift(motion, (*JAW, *LIPS), options.mouth_offset)


_HOME_AFTER = 0.6
"""Seconds after the speech in which the head stays as it is turned."""
_HOME = 0.7


def provenance(
    audio: NDArray[np.float32], options: Options, before: NDArray[np.float32] | None = None
) -> dict[str, object]:
    """What the meta of a motion made of audio (n,) with these options says; before: what was heard before it, (m,)."""
    heard = {} if before is None or not len(before) else {"before_sha256": sha256(before.tobytes()).hexdigest()}
    return {
        **heard,
        "model": options.model,
        "seed": options.seed,
        "post": options.post,
        "style": options.style.name if options.style else None,
        **_shown(options),
        "audio_sha256": sha256(audio.tobytes()).hexdigest(),
    }


SHOWN = ("style_sha256", "guidance", "seed_motion_sha256")
"""What the meta says of how the model was shown a style, beside its name; only what was chosen."""


def _shown(options: Options) -> dict[str, object]:
    files = {"style_sha256": options.style, "seed_motion_sha256": options.seed_motion}
    shown: dict[str, object] = {
        name: sha256(path.read_bytes()).hexdigest() for name, path in files.items() if path and path.is_file()
    }
    return shown if options.guidance is None else {**shown, "guidance": options.guidance}

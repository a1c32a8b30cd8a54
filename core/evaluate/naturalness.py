# SPDX-License-Identifier: GPL-3.0-or-later
"""Does a talking face move as people do? Fourteen checks on ten minutes of speech.

Each check is a function of plain curves that returns its measures with the range they must lie in. The ranges come
from published observations of blinks (Bentivoglio 1997, Cruz et al. 2011, Nakano and Kitazawa 2010, Trutoiu 2011),
gaze (Lee, Badler and Badler 2002, recorded video calls), head (Hadar et al. 1983, Graf et al. 2002, recorded
speakers) and lips (Chandrasekaran et al. 2009, Schwartz and Savariaux 2014).
Angles are in degrees: pitch (chin down is positive), yaw, roll.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import erf, inf

import numpy as np
from numpy.typing import NDArray

from .. import audio as sound
from ..basis import ARKIT, HEAD_ROTATION
from ..errors import InputError
from ..generate import Options, generate
from ..models import SpeechModel
from ..motion import Motion
from ..phones import BILABIALS, PhoneSpan, is_silence, lookup
from ..polish.phrases import HOP
from ..polish.prosody import pitch_semitones
from .clips import Clip
from .mouth import MouthTracks, default_head_probe
from .scorer import SEALED_MM, score
from .systems import Recordings
from .tables import Table

Array = NDArray[np.float64]
Span = tuple[float, float]

SECONDS, FPS = 600.0, 60.0
_PHRASE_PAUSE = 0.15
_LONG_PAUSE = 1.0
_MOVING = 2.0
_SACCADE_SPEED = 12.0
_CONTROLS = 200


@dataclass(frozen=True)
class Measure:
    """One figure of a check and the range in which it must lie."""

    check: int
    name: str
    value: float
    low: float
    high: float

    @property
    def passed(self) -> bool:
        """Whether the figure lies in its range; one that could not be measured does not."""
        return self.low <= self.value <= self.high


# --- blinks ---


@dataclass(frozen=True)
class Blink:
    """A blink: when the lids begin to close (s), how far they close, and for how long (s) at half and at 10 %."""

    start: float
    peak: float
    half_width: float
    width: float


def find_blinks(closure: Array, fps: float) -> list[Blink]:
    """The blinks in lid closure (T,), 0 open to 1 shut: whatever passes .5, widths counted from the resting lid."""
    out: list[Blink] = []
    for first, last in _runs(closure > 0.5):
        near = closure[max(0, first - round(fps)) : last + round(fps)]
        # lids follow eyes that look down, so that a blink starts from where they are, not from 0
        rest = float(np.median(near))
        peak = float(closure[first:last].max())
        start, end = _around(closure, (first, last), rest + 0.1 * (peak - rest))
        half_start, half_end = _around(closure, (first, last), rest + 0.5 * (peak - rest))
        out.append(Blink(start / fps, peak, (half_end - half_start) / fps, (end - start) / fps))
    return out


def blink_rate(blinks: Sequence[Blink], duration: float) -> list[Measure]:
    """Check 1."""
    return [Measure(1, "blinks a minute", 60 * len(blinks) / duration, 12, 30)]


def blink_intervals(blinks: Sequence[Blink]) -> list[Measure]:
    """Check 2: intervals over .6 s are log-normal."""
    gaps = np.diff([blink.start for blink in blinks])
    logs = np.sort(np.log(gaps[gaps > 0.6]))
    spread = float(logs.std(ddof=1)) if len(logs) > 2 else float("nan")
    return [
        Measure(2, "sd of ln of their intervals", spread, 0.4, 0.8),
        Measure(2, "… distance from normal (KS)", _distance_from_normal(logs), 0, 0.10),
    ]


def blinks_at_ends(blinks: Sequence[Blink], ends: Sequence[float], duration: float) -> list[Measure]:
    """Check 3: blinks gather at the ends of phrases, against the same blinks shifted round the clock."""
    starts, at = np.array([blink.start for blink in blinks]), np.array(ends)

    def near(times: Array) -> float:
        return float((np.abs(times[:, None] - at).min(axis=1) < 0.3).sum()) if len(times) and len(at) else 0.0

    shifts = np.linspace(0, duration, _CONTROLS + 2)[1:-1]
    by_chance = float(np.mean([near((starts + shift) % duration) for shift in shifts]))
    return [
        Measure(3, "blinks at phrase ends / by chance", near(starts) / by_chance if by_chance else np.nan, 1.15, inf)
    ]


def blink_shape(blinks: Sequence[Blink]) -> list[Measure]:
    """Check 4: lids that shut, neither a flicker nor a doze."""
    if not blinks:
        return [Measure(4, "blink width at half, ms", float("nan"), 85, 240)]
    return [
        Measure(4, "blink width at half, ms", 1000 * float(np.median([b.half_width for b in blinks])), 85, 240),
        Measure(4, "… share that closes by .9", float(np.mean([b.peak >= 0.9 for b in blinks])), 0.8, 1),
        Measure(4, "… share longer than 450 ms", float(np.mean([b.width > 0.45 for b in blinks])), 0, 0.05),
    ]


# --- head ---


def head_spread(head: Array, fps: float) -> list[Measure]:
    """Check 5: standard deviation of head (T, 3), over all and inside 3 s."""
    size = round(3 * fps)
    inside = np.median([head[i : i + size, 0].std() for i in range(0, len(head) - size + 1, size)])
    limits = (("pitch", 2, 6), ("yaw", 2, 8), ("roll", 1, 4.5))
    spread = [
        Measure(5, f"head {name} sd, deg", float(head[:, axis].std()), low, high)
        for axis, (name, low, high) in enumerate(limits)
    ]
    return [*spread, Measure(5, "… of pitch inside 3 s", float(inside), 1, 3)]


def head_spectrum(head: Array, fps: float) -> list[Measure]:
    """Check 6: share of the power of head (T, 3) at low frequencies; 10 s windows, detrended; the worst axis."""
    from scipy.signal import welch

    frequency, power = welch(head, fps, "hann", round(10 * fps), detrend="linear", axis=0)
    below_2, below_1 = (power[frequency < limit].sum(axis=0) / power.sum(axis=0) for limit in (2.0, 1.0))
    return [
        Measure(6, "head power below 2 Hz, least axis", float(below_2.min()), 0.90, 1),
        Measure(6, "… below 1 Hz, least axis", float(below_1.min()), 0.75, 0.99),
        Measure(6, "… below 1 Hz, largest axis", float(below_1.max()), 0.75, 0.99),
    ]


def head_speed(head: Array, fps: float) -> list[Measure]:
    """Check 7: speed of rotation of head (T, 3)."""
    speed = _speed(head, fps)
    return [
        Measure(7, "head speed median, deg/s", float(np.median(speed)), 4, 14),
        Measure(7, "… 99 in 100 below", float(np.percentile(speed, 99)), 20, 60),
        Measure(7, "… largest", float(speed.max()), 0, 90),
    ]


def head_moving(head: Array, fps: float, spoken: Sequence[Span]) -> list[Measure]:
    """Check 8: the head moves (over 2 deg/s) in speech and comes to rest in pauses over 1 s."""
    moving = _speed(head, fps) > _MOVING
    seconds = (np.arange(len(moving)) + 0.5) / fps
    pauses = [(a[1], b[0]) for a, b in pairwise(spoken) if b[0] - a[1] > _LONG_PAUSE]
    return [
        Measure(8, "time moving in speech", _share(moving, _inside(seconds, spoken)), 0.85, 1),
        Measure(8, "… in pauses over 1 s", _share(moving, _inside(seconds, pauses)), 0, 0.4),
    ]


def head_loop(head: Array, fps: float) -> list[Measure]:
    """Check 13: head yaw does not repeat itself 5 to 60 s later."""
    yaw = head[:, 1] - head[:, 1].mean()
    size = 2 * len(yaw)
    correlation = np.fft.irfft(np.abs(np.fft.rfft(yaw, size)) ** 2, size)[: len(yaw)]
    # overlap shrinks with the lag
    correlation /= np.maximum(1, len(yaw) - np.arange(len(yaw)))
    largest = correlation[round(5 * fps) : round(60 * fps)].max() / max(correlation[0], 1e-12)
    return [Measure(13, "head yaw against itself 5-60 s later", float(largest), -1, 0.3)]


def nods_on_accents(pitch: Array, fps: float, accents: Sequence[float]) -> list[Measure]:
    """Check 14: mean head pitch (T,) about accents (s) has its peak in the .35 s after them, above a shifted control.

    The control are the same accents at 200 shifts round the clock.
    """
    if not accents:
        return [Measure(14, "head pitch peaks after accents, s", float("nan"), 0, 0.35)]
    lags = np.arange(round(-0.4 * fps), round(0.8 * fps) + 1)
    after = (lags >= 0) & (lags <= 0.35 * fps)
    frames = np.round(np.array(accents) * fps).astype(int)
    flat = pitch - pitch.mean()

    def mean_about(shift: int) -> Array:
        about = flat[(frames[:, None] + shift + lags) % len(flat)].mean(axis=0)
        # a slow slope through the accent is no beat
        return about - np.linspace(about[0], about[-1], len(about))

    found = np.abs(mean_about(0))
    shifts = np.linspace(0, len(flat), _CONTROLS + 2)[1:-1].astype(int)
    control = [np.abs(mean_about(int(shift)))[after].max() for shift in shifts]
    return [
        Measure(14, "head pitch peaks after accents, s", float(lags[found.argmax()] / fps), 0, 0.35),
        Measure(
            14, "… peak / 95 % of shifted controls", float(found[after].max() / np.percentile(control, 95)), 1, inf
        ),
    ]


# --- gaze ---


def reflex(eyes: Array, head: Array, fps: float) -> list[Measure]:
    """Check 9: slope of the velocity of the eyes (T, 2) over the head's (T, 2) between saccades, where it turns."""
    between = ~_in_saccade(eyes + head, fps)
    turn, counter = np.diff(head, axis=0) * fps, np.diff(eyes, axis=0) * fps
    used = between & (np.linalg.norm(turn, axis=1) > _MOVING)
    slopes = [
        float((turn[used, axis] @ counter[used, axis]) / max(turn[used, axis] @ turn[used, axis], 1e-12))
        for axis in (0, 1)
    ]
    return [
        Measure(9, f"eye over head velocity, {name}", slope, -1.0, -0.85)
        for name, slope in zip(("pitch", "yaw"), slopes, strict=True)
    ]


def gaze_steps(gaze: Array, fps: float) -> list[Measure]:
    """Check 10: how often the direction of gaze (T, 2) jumps, how far, and how long it stays on its target."""
    sizes = np.array([size for _, _, size in saccades(gaze, fps)])
    away = np.linalg.norm(gaze - np.median(gaze, axis=0), axis=1)
    median, large = (float(np.percentile(sizes, share)) if len(sizes) else float("nan") for share in (50, 90))
    return [
        Measure(10, "saccades a second", len(sizes) / (len(gaze) / fps), 1, 2),
        Measure(10, "… median size, deg", median, 0.8, 2.5),
        Measure(10, "… 90 in 100 below, deg", large, 4, 18),
        Measure(10, "time within 5 deg of the target", float((away < 5).mean()), 0.55, 0.95),
    ]


def saccade_durations(gaze: Array, eyes: Array, fps: float) -> list[Measure]:
    """Check 11: saccades of 5 deg and more in gaze (T, 2) last 25 ms + 2.4 ms a degree; no eye (T, 2) is quicker."""
    errors = np.array(
        [
            _length(np.linalg.norm(np.diff(gaze[first : last + 1], axis=0), axis=1)) / fps - (0.025 + 0.0024 * size)
            for first, last, size in saccades(gaze, fps)
            if size >= 5
        ]
    )
    right = float((np.abs(errors) <= 1 / fps + 1e-9).mean()) if len(errors) else float("nan")
    return [
        Measure(11, "saccades of the right length", right, 0.95, 1),
        Measure(11, "fastest eye, deg/s", float(_speed(eyes, fps).max()), 0, 700),
    ]


def _length(steps: Array) -> float:
    """Frames that a quick move takes, from its steps: those of a minimum-jerk move spread by its length / sqrt(28).

    Counting frames would be off by one or two, as a move begins and ends inside frames.
    """
    at, share = np.arange(len(steps)), steps / steps.sum()
    variance = float(share @ (at - share @ at) ** 2)
    # each step is the mean over a frame, which widens the spread by that of a frame
    return float(np.sqrt(28 * max(0.0, variance - 1 / 12)))


def saccades(gaze: Array, fps: float) -> list[tuple[int, int, float]]:
    """First and last frame and size (deg) of each jump in the direction of gaze (T, 2)."""
    return [
        (first, last, float(np.linalg.norm(gaze[last] - gaze[first]))) for first, last in _runs(_in_saccade(gaze, fps))
    ]


# --- lips ---


def lips(mouth: MouthTracks, clip: Clip) -> list[Measure]:
    """Check 12: rhythm and speed of the lip gap (mm), length of the seals on p, b and m, and lag behind the voice."""
    from scipy.signal import welch

    frequency, power = welch(mouth.aperture, mouth.fps, "hann", round(4 * mouth.fps), detrend="linear")
    rhythm = power[(frequency >= 2) & (frequency <= 7)].sum() / max(power[frequency > 7].sum(), 1e-12)
    seals = seal_lengths(mouth, clip.phones)
    held = float((seals >= 0.06).mean()) if len(seals) else float("nan")
    speed = np.abs(np.diff(mouth.aperture)) * mouth.fps
    lag = score([clip], {clip.id: mouth}).get("lag_ms", float("nan"))
    return [
        Measure(12, "lip power 2-7 Hz / above", float(rhythm), 3, inf),
        Measure(12, "… share of seals held 60 ms", held, 0.95, 1),
        Measure(12, "… lag, ms", lag, -40, 20),
        Measure(12, "… speed, 99 in 100 below, mm/s", float(np.percentile(speed, 99)), 0, 350),
    ]


def seal_lengths(mouth: MouthTracks, phones: Sequence[PhoneSpan]) -> Array:
    """Seconds for which the lips stay within 1 mm of each other at each p, b and m that they close for."""
    runs = [
        (start / mouth.fps, end / mouth.fps)
        for start, end in (_around(-mouth.aperture, run, -SEALED_MM) for run in _runs(mouth.aperture <= SEALED_MM))
    ]
    starts, ends = np.array(runs).reshape(-1, 2).T
    lengths = []
    for start, end, phone in phones:
        if lookup(phone)[0].ipa in BILABIALS:
            met = np.flatnonzero((ends >= start - 0.04) & (starts <= end + 0.04))
            lengths += [float(max(ends[met] - starts[met]))] if len(met) else []
    return np.array(lengths)


# --- the recording, and all of it ---


def long_recording(
    clips: Sequence[Clip], recordings: Recordings, seconds: float, seed: int
) -> tuple[NDArray[np.float32], Clip]:
    """Speech end to end, in other orders again and again, as one recording of `seconds` with its phones.

    English speech, or what there is where none is English; InputError when no clip is speech.
    """
    speech = [clip for clip in clips if clip.kind == "speech"]
    spoken = [clip for clip in speech if clip.language.startswith("en")] or speech
    if not spoken:
        raise InputError("--naturalness needs clips of speech: give some.")
    rng = np.random.default_rng(seed)
    parts: list[NDArray[np.float32]] = []
    phones: list[PhoneSpan] = []
    length = 0
    while length < seconds * sound.RATE:
        for number in rng.permutation(len(spoken)):
            at = length / sound.RATE
            clip = spoken[number]
            phones += [(at + start, at + end, phone) for start, end, phone in clip.phones]
            parts.append(recordings[clip.id])
            length += len(parts[-1])
    audio = np.concatenate(parts)[: round(seconds * sound.RATE)]
    kept = tuple((start, min(end, seconds), phone) for start, end, phone in phones if start < seconds)
    return audio, Clip("long", spoken[0].path, seconds, "speech", "", "en", kept)


def spoken_spans(phones: Sequence[PhoneSpan], pause: float = _PHRASE_PAUSE) -> list[Span]:
    """Stretches of speech that pauses of `pause` seconds or more divide."""
    spans: list[Span] = []
    for start, end, phone in phones:
        if is_silence(phone):
            continue
        if spans and start - spans[-1][1] < pause:
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
    return spans


def pitch_accents(audio: NDArray[np.float32], phones: Sequence[PhoneSpan]) -> list[float]:
    """Starts of the vowels whose pitch stands 1.5 semitones above the middle of the 2 s around them.

    Found from the labels and the pitch alone, so that a layer which picks accents by itself is put to the test.
    """
    pitch = pitch_semitones(audio)
    vowels = []
    for start, end, phone in phones:
        if lookup(phone)[0].kind == "vowel" and end - start >= 0.06:
            at = slice(round(start / HOP), max(round(end / HOP), round(start / HOP) + 1))
            around = pitch[max(0, round((start - 1) / HOP)) : round((end + 1) / HOP)]
            vowels.append((start, float(pitch[at].mean() - np.median(around))))
    starts, heights = np.array(vowels).reshape(-1, 2).T
    first, last = np.searchsorted(starts, starts - 0.4), np.searchsorted(starts, starts + 0.4)
    highest = [heights[i:j].max() for i, j in zip(first, last, strict=True)]
    return [float(start) for start in starts[(heights >= 1.5) & (heights >= highest)]]


def measures(motion: Motion, audio: NDArray[np.float32], clip: Clip) -> list[Measure]:
    """All fourteen checks on ARKit motion made from audio (n,) at 16 kHz with the phones of `clip`."""
    fps, duration = motion.fps, motion.duration
    spans = spoken_spans(clip.phones)
    head = np.degrees(motion.values[:, motion.basis.indices(HEAD_ROTATION)]).astype(np.float64)
    eyes = np.degrees(motion.values[:, motion.basis.indices(("left_eye_x", "left_eye_y"))]).astype(np.float64)
    gaze = eyes + head[:, :2]
    blinks = find_blinks(motion.channel("eyeBlinkLeft").astype(np.float64), fps)
    found: list[list[Measure]] = [
        blink_rate(blinks, duration),
        blink_intervals(blinks),
        blinks_at_ends(blinks, [end for _, end in spans], duration),
        blink_shape(blinks),
        head_spread(head, fps),
        head_spectrum(head, fps),
        head_speed(head, fps),
        head_moving(head, fps, spans),
        reflex(eyes, head[:, :2], fps),
        gaze_steps(gaze, fps),
        saccade_durations(gaze, eyes, fps),
        lips(default_head_probe().tracks(motion), clip),
        head_loop(head, fps),
        nods_on_accents(head[:, 0], fps, pitch_accents(audio, clip.phones)),
    ]
    return [one for group in found for one in group]


def check(model: SpeechModel) -> None:
    """Raise InputError when the model does not give ARKit motion, which has the eyes to look at."""
    if model.basis != ARKIT:
        raise InputError(f"--naturalness needs ARKit motion, and this model gives '{model.basis.name}': leave it out.")


def measure(options: Options, clips: Sequence[Clip], recordings: Recordings) -> Table:
    """The fourteen checks on ten minutes of speech made of the clips, animated at 60 frames a second."""
    audio, clip = long_recording(clips, recordings, SECONDS, options.seed)
    motion = generate(audio, replace(options, fps=options.fps or FPS))
    return table(measures(motion, audio, clip))


def table(found: Sequence[Measure]) -> Table:
    """What is measured, the figure, the range in which it must lie, and whether it does."""
    failed = {one.check for one in found if not one.passed}
    checks = {one.check for one in found}
    names = {one: f"{one.check}. {one.name}" for one in found}
    return Table(
        "naturalness: ten minutes of speech",
        {
            names[one]: {
                "measured": one.value,
                "from": one.low,
                "to": one.high if one.high < inf else "–",
                "result": "pass" if one.passed else "FAIL",
            }
            for one in found
        },
        {(names[one], "result"): "goal" if one.passed else "missed" for one in found},
        f"{len(checks) - len(failed)} of {len(checks)} checks pass",
    )


def _runs(flags: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """First frame and the one after the last of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    for first, last in edges.reshape(-1, 2):
        yield int(first), int(last)


def _around(curve: Array, run: tuple[int, int], level: float) -> tuple[float, float]:
    """Where the curve passes `level` before and after a run of frames above it, in fractions of frames."""
    first, last = run
    while first > 0 and curve[first - 1] > level:
        first -= 1
    while last < len(curve) and curve[last] > level:
        last += 1
    start = first - (curve[first] - level) / (curve[first] - curve[first - 1]) if first > 0 else 0.0
    end = last - (level - curve[last]) / (curve[last - 1] - curve[last]) if last < len(curve) else len(curve) - 1.0
    return float(start), float(end)


def _speed(angles: Array, fps: float) -> Array:
    """Degrees a second between frames, (T - 1,)."""
    return np.asarray(np.linalg.norm(np.diff(angles, axis=0), axis=1) * fps)


def _in_saccade(gaze: Array, fps: float) -> NDArray[np.bool_]:
    """Whether the gaze jumps between a frame and the next, (T - 1,)."""
    return _speed(gaze, fps) > _SACCADE_SPEED


def _inside(seconds: Array, spans: Sequence[Span]) -> NDArray[np.bool_]:
    inside = np.zeros(len(seconds), bool)
    for start, end in spans:
        inside |= (seconds >= start) & (seconds < end)
    return inside


def _share(flags: NDArray[np.bool_], where: NDArray[np.bool_]) -> float:
    return float(flags[where].mean()) if where.any() else float("nan")


def _distance_from_normal(ordered: Array) -> float:
    """Kolmogorov-Smirnov distance of sorted values from the normal distribution of their mean and deviation."""
    if len(ordered) < 3 or ordered.std() == 0:
        return float("nan")
    scores = (ordered - ordered.mean()) / ordered.std(ddof=1)
    expected = np.array([0.5 * (1 + erf(score / np.sqrt(2))) for score in scores])
    steps = np.arange(len(ordered) + 1) / len(ordered)
    return float(max(np.abs(expected - steps[:-1]).max(), np.abs(expected - steps[1:]).max()))

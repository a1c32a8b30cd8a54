# SPDX-License-Identifier: GPL-3.0-or-later
"""The teacher: what a face does while it says given phones, as ARKit curves.

Speech becomes twelve neutral signals at 25 frames a second: eight articulation tracks (`core.phones`) and four of
prosody (nod, turn, tilt, brow accent). A style turns these into motion. Everything is a function of the audio and its
phones, so a model that hears the audio can learn it.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, maximum_filter1d

from ..audio import RATE
from ..basis import ARKIT
from ..phones import CHANNELS, PhoneSpan, articulate, is_silence, lookup

FPS = 25
PROSODY = ("nod", "turn", "tilt", "accent")
SIGNALS = (*CHANNELS, *PROSODY)
Array = NDArray[np.float32]
_SAMPLES_PER_FRAME = RATE // FPS


@dataclass(frozen=True)
class Style:
    """How a speaker moves. The defaults are the neutral style, which a model without style should show."""

    jaw: float = 1.0
    """Factor on how far the jaw opens, .8 to 1.25."""
    lips: float = 1.0
    """Factor on spreading, rounding and lip raising, .85 to 1.2; closures are never scaled."""
    smile: float = 0.03
    """Resting smile, 0 to .2."""
    brow: float = 1.0
    """Factor on brow accents, 0 to 1.8."""
    brow_rest: float = 0.0
    """Resting brow, -.12 (lowered) to .2 (raised)."""
    head: float = 1.0
    """Factor on head motion, .4 to 1.6."""

    @classmethod
    def sample(cls, rng: random.Random) -> Style:
        """A random style."""
        return cls(
            jaw=rng.uniform(0.8, 1.25),
            lips=rng.uniform(0.85, 1.2),
            smile=rng.uniform(0.0, 0.2),
            brow=rng.uniform(0.0, 1.8),
            brow_rest=rng.uniform(-0.12, 0.2),
            head=rng.uniform(0.4, 1.6),
        )

    def vector(self) -> Array:
        """The six numbers in the order above, (6,)."""
        return np.array([self.jaw, self.lips, self.smile, self.brow, self.brow_rest, self.head], np.float32)


NEUTRAL = Style()


def frame_count(samples: int) -> int:
    """Frames of motion for so many samples, rounded up."""
    return -(-samples // _SAMPLES_PER_FRAME)


def signals(samples: NDArray[np.float32], phones: Sequence[PhoneSpan]) -> Array:
    """Neutral signals (T, 12) of clean speech (n,) at 16 kHz and its phones; columns are SIGNALS."""
    frames = frame_count(len(samples))
    level = _level(samples, frames)
    speaking = _speaking(phones, frames)
    tracks = articulate(phones, (frames - 0.5) / FPS, FPS)[:frames]
    loudness = np.clip(1 + 0.035 * (gaussian_filter1d(level, 1.5) - _typical(level, speaking)), 0.75, 1.25)
    jaw, aperture = CHANNELS.index("jaw"), CHANNELS.index("aperture")
    tracks[:, [aperture, jaw]] *= loudness[:, None]
    prosody = _prosody(level, _pitch(samples, frames), speaking, phones, frames)
    return np.concatenate([tracks, prosody], axis=1).astype(np.float32)


def rest(frames: int) -> Array:
    """The signals of a face that does not speak, (frames, 12)."""
    silence = lookup("SIL")[0].targets
    return np.tile(np.concatenate([silence, np.zeros(len(PROSODY))]), (frames, 1)).astype(np.float32)


def motion(signal: Array, style: Array) -> Array:
    """Neutral signals (..., T, 12) in a style (..., 6) -> ARKit motion (..., T, 59).

    The articulation map is linear but for its gates: at full press the lips meet whatever the style, and the lower lip
    tucks under the teeth only when `fv` is nearly on.
    """
    aperture, jaw, width, rounding, press, fv, tongue, sib, nod, turn, tilt, accent = np.moveaxis(signal, -1, 0)
    jaw_amount, lips, smile, brow, brow_rest, head = (x[..., None] for x in np.moveaxis(style, -1, 0))
    # where both are doubtful, a seal would hide the teeth
    seal = _smooth_step(press - np.maximum(0, fv - 0.3), 0.35, 0.8)
    tuck = _smooth_step(fv, 0.42, 0.85) * (1 - seal)
    free = (1 - seal) * (1 - tuck)
    jaw_open = 0.45 * jaw * (1 + (jaw_amount - 1) * free)
    aperture = np.maximum(aperture, 0.15 * tuck)  # lips that meet would hide an f
    opening = 0.45 * aperture * (1 + (jaw_amount - 1) * free)
    raised = np.maximum(0, opening / 0.45 - jaw_open / 0.45)
    spread = np.maximum(0, 2 * width - 1)
    funnel = lips * (0.15 * rounding + 0.55 * rounding * aperture) * (1 - seal)
    out = np.zeros((*signal.shape[:-1], len(ARKIT)), np.float32)

    def put(names: str, values: Array) -> None:
        for name in names.split():
            for side in ("Left", "Right") if name[-1] == "*" else ("",):
                out[..., ARKIT.index(name.rstrip("*") + side)] += values

    put("jawOpen", jaw_open)
    # a funnel alone parts the lips by 11 mm, so it is closed again by most of that
    put("mouthClose", np.maximum(0, jaw_open - opening) + 0.2 * funnel)
    put("mouthLowerDown*", free * lips * (0.45 * raised + 0.15 * sib + 0.10 * aperture + 0.12 * spread))
    put("mouthUpperUp*", lips * (free * (0.25 * raised + 0.08 * sib + 0.06 * aperture) + 0.20 * tuck))
    put("mouthPucker", lips * 0.70 * rounding * (1 - 0.6 * aperture))
    put("mouthFunnel", funnel)
    put("mouthStretch*", lips * 0.35 * spread * (1 - rounding))
    put("mouthSmile*", lips * 0.12 * spread + smile)
    put("mouthPress*", 0.32 * press)
    put("mouthRollUpper", 0.18 * press)
    # lips roll in only where they meet: a lower lip that rolls while they part looks like an f
    put("mouthRollLower", 0.15 * press * seal + 0.45 * tuck)
    put("mouthShrugLower", 0.08 * press + 0.10 * tuck)
    # of parted lips the lower one stands before the upper teeth, else every narrow opening looks like an f
    parted = (1 - tuck) * _smooth_step(aperture, 0.0, 0.08) * (1 - _smooth_step(aperture, 0.4, 0.7))
    put("jawForward", 0.06 * sib + 0.18 * parted)
    put("tongueOut", 0.15 * np.clip((tongue - 0.7) * 5, 0, 1) * (1 - _smooth_step(sib, 0.15, 0.35)))
    put("cheekSquint*", 0.5 * smile + 0 * press)
    put("eyeSquint*", 0.3 * smile + 0 * press)
    put("browInnerUp", 0.22 * brow * accent + np.maximum(0, brow_rest))
    put("browOuterUp*", 0.15 * brow * accent + 0.7 * np.maximum(0, brow_rest))
    put("browDown*", np.maximum(0, -brow_rest) + 0 * accent)
    put("head_x", head * nod)
    put("head_y", head * turn)
    put("head_z", head * tilt)
    return np.clip(out, _LOWEST, _HIGHEST)


_LOWEST = np.array([0.0] * 52 + [-0.35, -0.44, -0.21] + [0.0] * 4, np.float32)
_HIGHEST = np.array([1.0] * 52 + [0.35, 0.44, 0.21] + [0.0] * 4, np.float32)


def _smooth_step(x: Array, low: float, high: float) -> Array:
    t = np.clip((x - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def _level(samples: NDArray[np.float32], frames: int) -> NDArray[np.float64]:
    """Level in dB of the 80 ms around each frame, not under -70."""
    padded = np.zeros((frames + 1) * _SAMPLES_PER_FRAME)
    padded[_SAMPLES_PER_FRAME : _SAMPLES_PER_FRAME + len(samples)] = np.asarray(samples, np.float64) ** 2
    power = padded.reshape(frames + 1, _SAMPLES_PER_FRAME).mean(1)
    return np.asarray(10 * np.log10((power[:-1] + power[1:]) / 2 + 1e-7))


def _pitch(samples: NDArray[np.float32], frames: int) -> NDArray[np.float64]:
    """Log of the pitch in Hz at each frame by autocorrelation of 64 ms, unvoiced frames bridged; 0 when all are."""
    size = 1024
    padded = np.pad(samples, (size // 2, size // 2 + _SAMPLES_PER_FRAME))
    pieces = np.lib.stride_tricks.sliding_window_view(padded, size)[::_SAMPLES_PER_FRAME][:frames]
    spectrum = np.abs(np.fft.rfft((pieces * np.hanning(size)).astype(np.float32), 2 * size)) ** 2
    correlation = np.fft.irfft(spectrum)[:, : RATE // 60]
    shortest = RATE // 400
    best = correlation[:, shortest:].argmax(1) + shortest
    strength = correlation[np.arange(frames), best] / (correlation[:, 0] + 1e-6)
    voiced = np.flatnonzero((strength > 0.45) & (correlation[:, 0] > 1e-2))
    if len(voiced) < 3:
        return np.zeros(frames)
    pitch = np.log(RATE / best[voiced])
    # octave errors and creaks lie far from the voice's own middle
    kept = np.abs(pitch - np.sort(pitch)[len(pitch) // 2]) < 0.5
    return np.interp(np.arange(frames), voiced[kept], pitch[kept])


def _speaking(phones: Sequence[PhoneSpan], frames: int) -> NDArray[np.float64]:
    """1 while a phone sounds, 0 in pauses, per frame."""
    speaking = np.zeros(frames)
    for start, end, phone in phones:
        if not is_silence(phone):
            speaking[round(start * FPS) : max(round(end * FPS), round(start * FPS) + 1)] = 1
    return speaking


def _typical(values: NDArray[np.float64], speaking: NDArray[np.float64]) -> float:
    return float(np.median(values[speaking > 0])) if speaking.any() else 0.0


def _prosody(
    level: NDArray[np.float64],
    pitch: NDArray[np.float64],
    speaking: NDArray[np.float64],
    phones: Sequence[PhoneSpan],
    frames: int,
) -> NDArray[np.float64]:
    """Nod, turn and tilt in radians, and brow accents 0 to 1: (T, 4).

    Head up with the pitch (Munhall et al. 2004), a nod of .7 s on an accented syllable (Graf et al. 2002), brows up
    from 60 ms before it (Flecha-Garcia 2010), the chin settling at the end of a phrase; slow turns follow the
    difference of short and long means of level and pitch, as poses change with phrases.
    """
    loud = np.clip((level - _typical(level, speaking)) / 8, -1.5, 1.5) * speaking
    high = np.clip((pitch - _typical(pitch, speaking)) / 0.18, -1.8, 1.8) * speaking
    present = gaussian_filter1d(speaking, 0.25 * FPS)
    strength = _accents(loud, high, phones, frames)
    beat = np.convolve(strength, _NOD)[_NOD_LEAD : _NOD_LEAD + frames]
    settle = gaussian_filter1d(np.maximum(0, gaussian_filter1d(speaking, 8) - gaussian_filter1d(speaking, 3)), 2)
    nod = 0.12 * beat - 0.055 * gaussian_filter1d(high, 4) + 0.12 * settle
    slow_loud = gaussian_filter1d(loud + 0.6 * speaking, 12) - gaussian_filter1d(loud + 0.6 * speaking, 40)
    slow_high = gaussian_filter1d(high, 10) - gaussian_filter1d(high, 35)
    turn = 0.34 * slow_loud * present
    tilt = 0.14 * slow_high * present
    brow = np.convolve(strength**1.5, _BROW)[_BROW_LEAD : _BROW_LEAD + frames]
    return np.stack([nod * present, turn, tilt, np.clip(brow, 0, 1)], axis=1)


def _bump(rise: int, fall: int) -> NDArray[np.float64]:
    """Half cosines up over `rise` and down over `fall` frames."""
    up = 0.5 - 0.5 * np.cos(np.pi * np.arange(rise) / rise)
    down = 0.5 + 0.5 * np.cos(np.pi * np.arange(fall + 1) / fall)
    return np.concatenate([up, down])


_NOD, _NOD_LEAD = _bump(7, 11), 5
_BROW, _BROW_LEAD = _bump(6, 8), 5


def _accents(
    loud: NDArray[np.float64], high: NDArray[np.float64], phones: Sequence[PhoneSpan], frames: int
) -> NDArray[np.float64]:
    """Strength 0 to 1 of the accent at each vowel's middle frame, 0 elsewhere; only the strongest within .35 s."""
    salience = np.zeros(frames)
    for start, end, phone in phones:
        if lookup(phone)[0].kind == "vowel":
            middle = min(round((start + end) / 2 * FPS), frames - 1)
            salience[middle] = loud[middle] + 0.8 * high[middle] + 2.0 * min(end - start, 0.25) - 0.35
    strongest = salience >= maximum_filter1d(salience, 17)
    return np.clip(salience, 0, 1.4) / 1.4 * strongest

# SPDX-License-Identifier: GPL-3.0-or-later
"""The teacher: closures in every style, silence shut, lip on teeth, timing, prosody from the voice."""

import random

import numpy as np
import pytest
from artalk.core.basis import ARKIT
from artalk.core.evaluate.mouth import default_head_probe
from artalk.core.evaluate.scorer import FV_ON
from artalk.core.motion import Motion
from artalk.core.phones import CHANNELS, lookup, table
from artalk.core.train.teacher import FPS, NEUTRAL, RATE, SIGNALS, Style, motion, rest, signals
from hypothesis import given, settings
from hypothesis import strategies as st

PHONES = sorted(name for name in table() if name.isascii() and name.isupper() and name not in ("SIL", "AX"))
SHAPES = slice(0, 52)


def column(values, name):
    return values[..., ARKIT.index(name)]


def lip_gap(values):
    """Parting of the inner lips in units of jawOpen, from the shapes that part them."""
    lowered = 0.2 * column(values, "mouthLowerDownLeft") + 0.24 * column(values, "mouthUpperUpLeft")
    closed = 1.25 * column(values, "mouthClose")
    return column(values, "jawOpen") - closed + lowered + 0.36 * column(values, "mouthFunnel")


def timed(names, seconds=0.12, pause=0.3):
    """Phones of equal length between two pauses, and a hum of that length."""
    ends = pause + seconds * np.arange(len(names) + 1)
    spans = [(0.0, pause, "SIL")]
    spans += [(float(a), float(b), name) for a, b, name in zip(ends, ends[1:], names, strict=False)]
    end = float(ends[-1])
    spans.append((end, end + pause, "SIL"))
    time = np.arange(round((end + pause) * RATE)) / RATE
    hum = 0.3 * np.sin(2 * np.pi * 120 * time) * ((time > pause) & (time < end))
    return hum.astype(np.float32), spans


def frames_inside(start, end):
    return range(int(np.ceil(start * FPS)), int(np.floor(end * FPS)) + 1)


@settings(max_examples=60, deadline=None)
@given(
    names=st.lists(st.sampled_from(PHONES), min_size=1, max_size=14),
    seconds=st.floats(0.045, 0.25),
    style_seed=st.integers(0, 10**6),
)
def test_lips_meet_in_p_b_m_in_every_style(names, seconds, style_seed):
    names = [*names, "M", "AA", "P", "IY", "B", "UW"]
    hum, spans = timed(names, seconds)
    style = Style.sample(random.Random(style_seed))
    moved = motion(signals(hum, spans), style.vector())
    gap = lip_gap(moved)
    for start, end, name in spans:
        if name in ("P", "B", "M"):
            # the first three quarters of p and b are shut, at least 60 ms, so that a frame always falls inside
            middle = start + (0.375 if name in "PB" else 0.5) * (end - start)
            shut = range(int(np.floor((middle - 0.03) * FPS)), int(np.ceil((middle + 0.03) * FPS)) + 1)
            assert min(gap[i] for i in shut) < 0.03
            assert max(column(moved, "mouthPressLeft")[i] for i in shut) > 0.2


@settings(max_examples=30, deadline=None)
@given(names=st.lists(st.sampled_from(PHONES), min_size=1, max_size=14), style_seed=st.integers(0, 10**6))
def test_values_are_shape_weights_and_small_rotations(names, style_seed):
    hum, spans = timed(names)
    moved = motion(signals(hum, spans), Style.sample(random.Random(style_seed)).vector())
    assert np.isfinite(moved).all()
    assert moved[:, SHAPES].min() >= 0
    assert moved[:, SHAPES].max() <= 1
    assert np.abs(moved[:, ARKIT.index("head_x") : ARKIT.index("head_z") + 1]).max() < np.radians(26)
    left_to_others = [
        i for i, name in enumerate(ARKIT.channels) if "Blink" in name or "Look" in name or "_eye_" in name
    ]
    assert not moved[:, left_to_others].any()


@pytest.mark.parametrize("seed", range(5))
def test_silence_is_shut_in_every_style(seed):
    moved = motion(rest(50), Style.sample(random.Random(seed)).vector())
    assert column(moved, "jawOpen").max() < 0.02
    assert np.abs(lip_gap(moved)).max() < 0.02
    assert not np.abs(moved[:, ARKIT.index("head_x") : ARKIT.index("head_z") + 1]).any()


@pytest.mark.parametrize("name", ["F", "V"])
def test_the_lower_lip_tucks_under_the_teeth_only_in_f_and_v(name):
    hum, spans = timed(["AA", name, "AA", "S", "AA"])
    tuck = column(motion(signals(hum, spans), NEUTRAL.vector()), "mouthRollLower")
    start, end, _ = spans[2]
    assert max(tuck[i] for i in frames_inside(start, end)) > 0.4
    for start, end, other in spans:
        if other in ("AA", "S"):
            middle = (start + end) / 2
            assert tuck[round(middle * FPS)] < 0.15


@pytest.mark.parametrize(("aperture", "press"), [(0.0, 0.0), (0.02, 0.6), (0.3, 0.0)])
def test_an_f_is_seen_beside_closed_lips_and_a_doubtful_seal(aperture, press):
    signal = rest(1)
    for name, value in {"aperture": aperture, "jaw": 0.1, "press": press, "fv": 1.0}.items():
        signal[:, SIGNALS.index(name)] = value
    moved = Motion(motion(signal, NEUTRAL.vector()), ARKIT, FPS)
    assert default_head_probe().tracks(moved).fv[0] >= FV_ON


@pytest.mark.parametrize("jaw", [0.1, 0.15, 0.2])
def test_a_narrow_opening_is_no_f(jaw):
    opening = np.linspace(0.1, 0.5, 9, dtype=np.float32)
    signal = rest(len(opening))
    signal[:, SIGNALS.index("aperture")] = opening
    signal[:, SIGNALS.index("jaw")] = jaw
    moved = Motion(motion(signal, NEUTRAL.vector()), ARKIT, FPS)
    assert (default_head_probe().tracks(moved).fv >= FV_ON).mean() < 0.35


def test_teeth_close_in_sibilants_and_lips_round_in_w():
    hum, spans = timed(["AA", "S", "AA", "W", "AA"])
    moved = motion(signals(hum, spans), NEUTRAL.vector())
    frame = [round((start + end) / 2 * FPS) for start, end, _ in spans]
    assert column(moved, "jawOpen")[frame[2]] < 0.4 * column(moved, "jawOpen")[frame[1]]
    assert column(moved, "mouthPucker")[frame[4]] > 0.4
    assert column(moved, "mouthPucker")[frame[1]] < 0.1


def test_the_jaw_opens_when_the_vowel_sounds():
    hum, spans = timed(["AA"], seconds=0.3)
    jaw = column(motion(signals(hum, spans), NEUTRAL.vector()), "jawOpen")
    start, end, _ = spans[1]
    peak = (jaw * np.arange(len(jaw))).sum() / jaw.sum() / FPS
    assert abs(peak - (start + end) / 2) < 0.03


def test_jaw_and_smile_follow_the_style():
    hum, spans = timed(["AA", "EH", "M", "AE"])
    neutral = signals(hum, spans)
    small, large = (motion(neutral, Style(jaw=amount).vector()) for amount in (0.8, 1.25))
    assert column(large, "jawOpen").max() > 1.4 * column(small, "jawOpen").max()
    smiling = motion(neutral, Style(smile=0.2).vector())
    assert column(smiling, "mouthSmileLeft").min() >= 0.2


def test_an_accent_nods_and_raises_the_brows():
    hum, spans = timed(["AA", "N", "AE", "N", "AA"], seconds=0.2)
    middle = (spans[3][0] + spans[3][1]) / 2
    time = np.arange(len(hum)) / RATE
    accented = hum * (1 + 2 * np.exp(-(((time - middle) / 0.08) ** 2))).astype(np.float32)
    drawn = signals(accented, spans)
    accent = drawn[:, SIGNALS.index("accent")]
    assert accent.max() > 0.15
    assert abs(accent.argmax() / FPS - middle) < 0.2
    assert drawn[:, SIGNALS.index("nod")].max() > 0.02


def test_signals_cover_the_audio_and_louder_vowels_open_more():
    hum, spans = timed(["AA", "N", "AA", "N", "AA"])
    assert signals(hum, spans).shape == (-(-len(hum) * FPS // RATE), len(SIGNALS))
    start, end, _ = spans[5]
    louder = hum.copy()
    louder[round(start * RATE) : round(end * RATE)] *= 2
    frame = round((start + end) / 2 * FPS)
    jaw = CHANNELS.index("jaw")
    assert signals(louder, spans)[frame, jaw] > 1.05 * signals(hum, spans)[frame, jaw]


def test_every_phone_of_the_table_has_a_teacher():
    for name in table():
        hum, spans = timed(["AA", name, "AA"])
        assert np.isfinite(motion(signals(hum, spans), NEUTRAL.vector())).all()
        assert len(lookup(name)) in (1, 2)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures of the motion beyond the mouth: style, seeds, codec, borders of windows, drift."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from artalk.core import audio as sound
from artalk.core.artalk.codec import MotionCodec
from artalk.core.artalk.config import CodecConfig
from artalk.core.basis import ARKIT, FLAME
from artalk.core.cli import main
from artalk.core.errors import InputError
from artalk.core.evaluate import codec_quality, diversity, seams, style_transfer
from artalk.core.evaluate.baselines import EnergyFlap
from artalk.core.evaluate.channels import channel_groups
from artalk.core.evaluate.clips import SHIPPED_CLIPS, load_clips
from artalk.core.evaluate.mouth import default_head_probe
from artalk.core.motion import Motion
from artalk.core.train import teacher
from artalk.core.train.teacher import NEUTRAL, Style
from hypothesis import given, settings
from hypothesis import strategies as st

CLIPS = load_clips(SHIPPED_CLIPS)
RECORDINGS = {clip.id: sound.read(clip.path) for clip in CLIPS}
SHORTEST = min(CLIPS, key=lambda clip: clip.duration)


def test_groups_part_the_channels():
    for basis in (ARKIT, FLAME):
        columns = sorted(column for found in channel_groups(basis).values() for column in found)
        assert len(columns) == len(set(columns))
        assert set(range(len(basis))) - set(columns) <= set(
            ARKIT.indices(["cheekPuff", "noseSneerLeft", "noseSneerRight"])
        )
    groups = channel_groups(ARKIT)
    assert ARKIT.index("mouthClose") in groups["jaw"]
    assert ARKIT.index("mouthSmileLeft") in groups["smile"]
    assert ARKIT.index("mouthPucker") in groups["lips"]
    assert groups["head"] == ARKIT.indices(["head_x", "head_y", "head_z"])


# --- style


class Imitator:
    """Speaks as the teacher does, and goes `share` of the way to the style that it is shown."""

    def __init__(self, share):
        self.share = share
        self.signals = {len(RECORDINGS[clip.id]): teacher.signals(RECORDINGS[clip.id], clip.phones) for clip in CLIPS}

    def __call__(self, audio, /, *, style=None, seed=0):  # noqa: ARG002
        neutral = NEUTRAL.vector()
        shown = neutral if style is None else np.array(style.meta["style"], np.float32)
        wanted = neutral + self.share * (shown - neutral)
        return Motion(teacher.motion(self.signals[len(audio)], wanted), ARKIT, 25)


@pytest.mark.parametrize("share", [0, 0.5, 1])
def test_the_share_of_a_style_is_what_was_taken_on(share, monkeypatch):
    def show(_signals, style, _seed):
        return Motion(np.zeros((50, len(ARKIT)), np.float32), ARKIT, 25, {"style": style.vector().tolist()})

    monkeypatch.setattr(style_transfer, "style_motion", show)
    table = style_transfer.measure(Imitator(share), CLIPS, RECORDINGS, count=3, lines=2)
    assert set(table.rows) == {"jaw", "lips", "smile", "brows", "head"}
    for group, row in table.rows.items():
        for kind, found in row.items():
            assert found == pytest.approx(share, abs=1e-6 if share in (0, 1) else 0.15), (group, kind)
            assert table.marks[group, kind] == ("goal" if share == 1 else "missed")


def test_a_style_motion_is_two_seconds_of_the_teacher_in_that_style():
    signals = teacher.signals(RECORDINGS[SHORTEST.id], SHORTEST.phones)
    grin = style_transfer.style_motion(signals, replace(NEUTRAL, smile=0.2), 3)
    plain = style_transfer.style_motion(signals, NEUTRAL, 3)
    assert len(grin) == 50
    assert (grin.channel("mouthSmileLeft") - plain.channel("mouthSmileLeft")).mean() == pytest.approx(0.17, abs=0.01)
    assert np.array_equal(plain.channel("jawOpen"), style_transfer.style_motion(signals, NEUTRAL, 3).channel("jawOpen"))


def test_corner_styles_lie_at_the_ends_of_the_ranges():
    styles = style_transfer.unseen_styles(8)
    assert {style.head for style in styles["corner styles"]} == {0.4, 1.6}
    assert {style.smile for style in styles["corner styles"]} == {0.0, 0.2}
    assert all(0.4 < style.head < 1.6 for style in styles["random styles"])
    assert styles == style_transfer.unseen_styles(8)
    assert isinstance(styles["corner styles"][0], Style)


def test_style_needs_two_clips_and_arkit():
    with pytest.raises(InputError, match="two clips"):
        style_transfer.measure(EnergyFlap().generate, [SHORTEST], RECORDINGS)
    flame = EnergyFlap()
    flame.basis = FLAME
    with pytest.raises(InputError, match="--style"):
        style_transfer.check(flame)
    with pytest.raises(InputError, match="--codec"):
        codec_quality.codec_of(EnergyFlap())


# --- seeds


class Chance:
    """A head that turns by chance, 0.1 rad around; forgets its seed if `careless`."""

    def __init__(self, careless=False):
        self.careless = careless
        self.calls = 0

    def __call__(self, audio, /, *, style=None, seed=0):  # noqa: ARG002
        self.calls += 1
        values = np.zeros((50, len(ARKIT)), np.float32)
        rng = np.random.default_rng(self.calls if self.careless else seed)
        values[:, ARKIT.index("head_y")] = 0.1 * rng.standard_normal(50)
        values[:, ARKIT.index("jawOpen")] = np.linspace(0, 1, 50)
        return Motion(values, ARKIT, 25)


def test_seeds_spread_the_head_but_not_the_jaw():
    table = diversity.measure(Chance(), [SHORTEST], RECORDINGS, seeds=8)
    head, jaw = table.rows["head, degrees"], table.rows["jaw"]
    one_axis = np.degrees(0.1) / np.sqrt(3)
    assert head["spread"] == pytest.approx(one_axis, rel=0.2)
    assert head["spread / movement"] == pytest.approx(1, abs=0.2)
    assert jaw["spread"] == 0
    assert jaw["movement"] > 0.1
    assert head["same seed"] == "identical"
    assert set(table.marks.values()) == {"goal"}


def test_a_model_that_forgets_its_seed_is_found_out():
    table = diversity.measure(Chance(careless=True), [SHORTEST], RECORDINGS, seeds=2)
    assert table.marks["head, degrees", "same seed"] == "missed"
    assert table.marks["jaw", "same seed"] == "goal"


# --- codec


@pytest.fixture(scope="module")
def small_codec():
    torch.manual_seed(0)
    return MotionCodec(CodecConfig(motion_dim=len(ARKIT), code_dim=8, width=16, depth=1, heads=2)).eval()


def test_motion_goes_through_the_codec_window_by_window(small_codec):
    rng = np.random.default_rng(0)
    motion = Motion(rng.uniform(0, 1, (230, len(ARKIT))).astype(np.float32), ARKIT, 25)
    decoded, bits = codec_quality.through_codec(small_codec, motion)
    assert len(decoded) == 230
    assert [scale.shape for scale in bits] == [(3, n, 8) for n in (1, 5, 25, 50, 100)]
    with torch.inference_mode():
        windows = torch.from_numpy(motion.values[:200].reshape(2, 100, -1))
        feature = small_codec.feature(small_codec.encode(windows))
        second = small_codec.decode(feature[:1], feature[1:])
    np.testing.assert_allclose(decoded.values[100:200], second[0].numpy(), atol=1e-5)
    start, _ = codec_quality.through_codec(small_codec, motion.with_values(motion.values[:100]))
    np.testing.assert_allclose(start.values, decoded.values[:100], atol=1e-5)


def test_codec_errors_are_told_in_millimetres():
    probe = default_head_probe()
    values = np.zeros((20, len(ARKIT)), np.float32)
    values[:, ARKIT.index("jawOpen")] = np.linspace(0.2, 0.4, 20)
    worse = values.copy()
    worse[:, ARKIT.index("jawOpen")] += 0.1
    worse[:, ARKIT.index("head_y")] = np.radians(3)
    motion, decoded = Motion(values, ARKIT, 25), Motion(worse, ARKIT, 25)
    exact = codec_quality.error_table([(motion, motion)], probe).rows
    assert all(row["error"] == 0 for row in exact.values())
    found = codec_quality.error_table([(motion, decoded)], probe).rows
    millimetres = probe.tracks(decoded).jaw - probe.tracks(motion).jaw
    assert found["jaw, mm"]["error"] == pytest.approx(np.sqrt(np.mean(millimetres**2)))
    assert found["head, degrees"]["error"] == pytest.approx(3 / np.sqrt(3), rel=1e-4)
    assert found["lips, weight"]["error"] == 0


def test_use_of_the_codebook():
    rng = np.random.default_rng(0)
    free = rng.random((50, 25, 32)) > 0.5
    lazy = free.copy()
    lazy[..., 4:] = True
    rows = codec_quality.codebook_table([free, lazy[:, :5]]).rows
    assert rows["scale 25"]["codes"] == 1250
    assert rows["scale 25"]["distinct"] == 1
    assert rows["scale 25"]["entropy"] > 0.99
    assert rows["scale 25"]["stuck"] == 0
    assert rows["scale 5"]["distinct"] == pytest.approx(16 / 250)
    assert rows["scale 5"]["entropy"] < 0.15
    assert rows["scale 5"]["stuck"] == 28


@given(st.integers(1, 6), st.integers(1, 30))
@settings(max_examples=20, deadline=None)
def test_shares_of_codes_lie_between_0_and_1(dim, count):
    bits = np.random.default_rng(dim * 100 + count).random((count, 2, dim)) > 0.5
    (row,) = codec_quality.codebook_table([bits]).rows.values()
    assert 0 < row["distinct"] <= 1
    assert 0 <= row["entropy"] <= 1 + 1e-9


# --- borders of windows


class Windowed(EnergyFlap):
    """The flap with a head that nods with it, and a jump of both at every border of windows."""

    def __init__(self, jump=0.0, drift=0.0):
        self.jump, self.drift = jump, drift

    def __call__(self, audio, /, *, style=None, seed=0):  # noqa: ARG002
        motion = self.generate(audio)
        values = motion.values.copy()
        frames = np.arange(len(values))
        jaw = ARKIT.index("jawOpen")
        values[:, jaw] += self.jump * (frames // 100 % 2)
        values[:, ARKIT.index("head_x")] = values[:, jaw] / 2
        values[:, ARKIT.index("head_z")] += np.radians(self.drift) * frames / 25 / 60
        return motion.with_values(values)


@pytest.fixture(scope="module")
def minute():
    return seams.long_speech(CLIPS, RECORDINGS, minutes=1)


def test_speech_without_borders_has_no_seams(minute):
    assert len(minute) == 60 * 16000
    table = seams.measure(Windowed(), minute, default_head_probe())
    for name in ("jerk of the lips", "jerk of the head"):
        assert table.rows[name]["borders / elsewhere"] == pytest.approx(1, abs=1e-6)
        assert table.marks[name, "borders / elsewhere"] == "goal"
    assert table.rows["drift of head_y"]["degrees/min"] == 0


def test_a_jump_at_every_border_is_found(minute):
    table = seams.measure(Windowed(jump=0.4, drift=1.0), minute, default_head_probe())
    for name in ("jerk of the lips", "jerk of the head"):
        assert table.rows[name]["borders / elsewhere"] > 1.3
        assert table.marks[name, "borders / elsewhere"] == "missed"
    assert table.rows["drift of head_z"]["degrees/min"] == pytest.approx(1, abs=0.01)
    assert table.marks["drift of head_z", "degrees/min"] == "missed"


def test_borders_lie_every_four_seconds_and_never_at_the_start():
    near = np.flatnonzero(seams.near_border(380, 25, 0.0))
    # a border lies between frames 99 and 100; difference number 98 spans frames 98 to 101
    assert near[:5].tolist() == [96, 97, 98, 99, 100]
    assert len(near) == 15
    late = np.flatnonzero(seams.near_border(400, 25, 2.0))
    assert late[:5].tolist() == [46, 47, 48, 49, 50]


def test_seams_of_a_basis_without_a_mouth_and_of_nothing():
    values = np.random.default_rng(0).standard_normal((10, len(FLAME))).astype(np.float32)
    assert seams.lip_values(Motion(values, FLAME, 25), default_head_probe()).shape == (10, 103)
    with pytest.raises(InputError, match="--seams"):
        seams.long_speech([], {})


# --- the command


def test_the_command_prints_what_was_asked_for(capsys, monkeypatch):
    ids = [argument for clip in CLIPS[:2] for argument in ("--only", clip.id)]
    monkeypatch.setattr(seams, "long_speech", partial(seams.long_speech, minutes=0.2))
    monkeypatch.setattr(style_transfer, "measure", partial(style_transfer.measure, count=1))
    assert main(["evaluate", *ids, "--style", "--diversity", "--codec", "--seams"]) == 0
    out = capsys.readouterr().out
    for title in ("style adaptation", "diversity over seeds", "codec: error", "codebook", "seams and drift"):
        assert title in out
    assert "conditions" not in out
    assert "by language" not in out
    header = out.splitlines()[0]
    assert header.index("energy flap") < header.index("codec") < header.index("ceiling")

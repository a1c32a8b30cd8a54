# SPDX-License-Identifier: GPL-3.0-or-later
"""What the generator aims at: doubtful sounds become the mean of what they might be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from artalk.core.phones import CHANNELS, articulation_class, articulation_classes, articulation_targets, lookup
from artalk.core.train.baked import Baked
from artalk.core.train.encoder import EncoderTeacher, EncoderTraining, _mask, _varied
from artalk.core.train.hearing import expected_signals, hear
from artalk.core.train.teacher import SIGNALS

ROUND, APERTURE, JAW = (CHANNELS.index(name) for name in ("round", "aperture", "jaw"))


def logits_of(*phones: str) -> torch.Tensor:
    """Logits (1, 2, classes) by which each of the phones is equally likely and nothing else is."""
    logits = torch.full((1, 2, articulation_classes()), -40.0)
    for phone in phones:
        logits[..., articulation_class(lookup(phone)[0])] = 0.0
    return logits


def test_doubt_between_rounded_and_spread_is_half_rounded() -> None:
    drawn = torch.zeros(1, 1, len(SIGNALS))
    sure = expected_signals(logits_of("UW"), drawn)[0, 0, ROUND]
    doubtful = expected_signals(logits_of("UW", "IY"), drawn)[0, 0, ROUND]
    assert sure == pytest.approx(lookup("UW")[0].targets[ROUND], abs=1e-4)
    assert doubtful == pytest.approx(float(sure) / 2, abs=1e-4)


def test_only_vowels_change_how_far_the_mouth_opens() -> None:
    drawn = torch.full((1, 1, len(SIGNALS)), 0.3)
    open_vowel = expected_signals(logits_of("AA"), drawn)[0, 0, APERTURE]
    closure = expected_signals(logits_of("P"), drawn)[0, 0, APERTURE]
    assert open_vowel > 0.6
    assert closure == pytest.approx(0.3)


def test_a_short_rounded_sound_stands_out_from_its_neighbours() -> None:
    frames = 21
    logits = logits_of("IY").repeat(1, frames, 1)
    logits[:, 19:21] = logits_of("UW")
    rounding = expected_signals(logits, torch.zeros(1, frames, len(SIGNALS)))[0, :, ROUND]
    assert rounding[10] > 1.2 * lookup("UW")[0].targets[ROUND]
    assert rounding[9] < 0 < rounding[10]


def test_the_jaw_goes_further_than_doubt_lets_it_and_the_aperture_does_not() -> None:
    frames = 21
    logits = logits_of("IY", "AA").repeat(1, frames, 1)
    logits[:, 19:21] = logits_of("AA")
    tracks = expected_signals(logits, torch.zeros(1, frames, len(SIGNALS)))[0]
    likely = {name: 0.8 * lookup("AA")[0].targets[CHANNELS.index(name)] for name in ("jaw", "aperture")}
    assert tracks[10, JAW] > 1.02 * likely["jaw"]
    assert tracks[9, JAW] < tracks[0, JAW] < tracks[10, JAW]
    assert tracks[10, APERTURE] == pytest.approx(likely["aperture"], abs=1e-3)


def test_a_signal_shows_what_is_said_at_its_time_not_after_it() -> None:
    logits = logits_of("IY").repeat(1, 10, 1)
    logits[:, 9:11] = logits_of("AA")  # from .18 to .22 s, with a middle at .2 s: frame 5
    opening = expected_signals(logits, torch.zeros(1, 10, len(SIGNALS)))[0, :, APERTURE]
    assert opening[5] > 0.6
    assert opening[[4, 6]] == pytest.approx(float(opening[0]), abs=1e-4)


def test_the_mouth_hardly_opens_where_silence_is_heard() -> None:
    drawn = torch.full((1, 1, len(SIGNALS)), 0.3)
    silent = expected_signals(logits_of("SIL"), drawn)[0, 0, [APERTURE, JAW]]
    said = expected_signals(logits_of("K"), drawn)[0, 0, [APERTURE, JAW]]
    shut = expected_signals(logits_of("SIL"), 0 * drawn)[0, 0, [APERTURE, JAW]]
    assert silent == pytest.approx([0.04, 0.06], abs=1e-4)
    assert said == pytest.approx(0.3, abs=1e-4)
    assert shut == pytest.approx(0, abs=1e-4)


def test_the_jaw_does_not_swing_beyond_shut_in_a_short_silence() -> None:
    logits = logits_of("AA").repeat(1, 21, 1)
    logits[:, 17:23] = logits_of("SIL").repeat(1, 3, 1)
    jaw = expected_signals(logits, torch.zeros(1, 21, len(SIGNALS)))[0, :, JAW]
    assert jaw[8] > 0.5
    assert (jaw[[9, 10, 11]] >= 0).all()
    assert (jaw[[9, 10, 11]] <= 0.06).all()


def test_targets_of_classes_are_those_of_their_phones() -> None:
    for phone in ("AA", "UW", "M", "F", "SIL"):
        part = lookup(phone)[0]
        assert np.array_equal(articulation_targets()[articulation_class(part)], part.targets)


def test_silence_and_prosody_are_kept_and_a_second_call_reads_the_file(tmp_path: Path) -> None:
    config = EncoderTraining(width=16, blocks_50=1, blocks_25=1, heard=8)
    torch.manual_seed(0)
    teacher = EncoderTeacher(config)
    frames = 40
    rng = np.random.default_rng(0)
    phones = np.zeros(2 * frames, np.uint8)
    phones[frames:] = 3
    phones[-4:] = 0  # from frame 38 on, which shows what is said around its time
    signals = rng.uniform(0, 1, (frames, len(SIGNALS))).astype(np.float16)
    mels, sound = (rng.normal(size=size).astype(np.float16) for size in ((4 * frames, 64), (2 * frames, 8)))
    data = Baked(mels, np.zeros(640 * frames, np.int16), np.zeros_like(sound), phones, signals, np.zeros(1, np.int64))
    heard = hear(teacher, data, sound, tmp_path)
    assert heard.features.shape == (frames, 16)
    still = slice(0, frames // 2)
    kept = [column for column in range(len(SIGNALS)) if column not in (APERTURE, JAW)]
    assert np.array_equal(heard.signals[still][:, kept], signals[still][:, kept])
    opening = heard.signals[still][:, [APERTURE, JAW]]
    assert (opening <= signals[still][:, [APERTURE, JAW]]).all()
    assert (opening < signals[still][:, [APERTURE, JAW]]).any()
    assert np.array_equal(heard.signals[:, len(CHANNELS) :], signals[:, len(CHANNELS) :])
    assert not np.allclose(heard.signals[frames // 2 : 38, kept], signals[frames // 2 : 38, kept])
    assert not np.array_equal(heard.signals[38, kept], signals[38, kept])
    assert np.array_equal(heard.signals[39, kept], signals[39, kept])
    written = [path.stat().st_mtime_ns for path in tmp_path.iterdir()]
    again = hear(teacher, data, sound, tmp_path)
    assert np.array_equal(again.signals, heard.signals)
    assert [path.stat().st_mtime_ns for path in tmp_path.iterdir()] == written


def test_half_of_the_passages_have_no_log_mels() -> None:
    torch.manual_seed(0)
    masked = _mask(torch.randn(200, 40, 64), np.random.default_rng(0))
    empty = ~masked.flatten(1).any(1)
    assert 0.4 < empty.float().mean() < 0.6
    assert masked[~empty].std() > 0.5


def test_what_moonshine_hears_decides_where_there_are_no_log_mels() -> None:
    torch.manual_seed(0)
    teacher = EncoderTeacher(EncoderTraining(width=16, blocks_50=1, blocks_25=1, heard=8)).eval()
    mels = torch.zeros(1, 40, 64)
    one, other = (teacher(mels, torch.randn(1, 20, 8))[0] for _ in range(2))
    assert (one - other).abs().mean() > 0.05


def test_each_feature_is_varied_throughout_a_passage_and_otherwise_in_another() -> None:
    torch.manual_seed(0)
    varied = _varied(torch.ones(50, 7, 32))
    assert torch.equal(varied[:, :1].expand_as(varied), varied)
    assert 0.35 < varied.std(0).mean() < 0.45

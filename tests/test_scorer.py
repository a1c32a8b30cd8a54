# SPDX-License-Identifier: GPL-3.0-or-later
"""The scorer knows good lips from bad ones, on the phones of the shipped sentences."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from artalk.core.errors import InputError
from artalk.core.evaluate.clips import SHIPPED_CLIPS, load_clips
from artalk.core.evaluate.mouth import MouthTracks, default_head_probe, ict_probe
from artalk.core.evaluate.scorer import auc, score, spearman
from artalk.core.phones import CHANNELS, articulate, is_silence, lookup

CLIPS = load_clips(SHIPPED_CLIPS)


def ideal(clip, fps=25.0):
    tracks = articulate(clip.phones, clip.duration, fps)
    column = {name: tracks[:, i] for i, name in enumerate(CHANNELS)}
    return MouthTracks(fps, 14 * column["aperture"], 12 * column["jaw"], column["round"], column["fv"])


def scored(change):
    return score(CLIPS, {clip.id: change(ideal(clip)) for clip in CLIPS})


def test_ideal_tracks_score_high():
    found = scored(lambda t: t)
    assert found["bilabial_f1"] > 0.95
    assert found["fv_f1"] > 0.95
    assert found["openness_rho"] > 0.6
    assert found["round_auc"] > 0.9
    assert found["silence_closed"] > 0.95
    assert abs(found["lag_ms"]) < 5
    assert found["jerk_ratio"] == pytest.approx(1, abs=0.05)
    assert found["overall"] > 0.88


def test_a_shut_mouth_is_found_out():
    found = scored(lambda t: replace(t, aperture=0 * t.aperture))
    assert found["bilabial_recall"] == 1
    assert found["false_seal"] == 1
    assert found["bilabial_f1"] < 0.35


def test_an_open_mouth_is_found_out():
    found = scored(lambda t: replace(t, aperture=0 * t.aperture + 10))
    assert found["bilabial_f1"] == 0
    assert found["silence_closed"] == 0


@pytest.mark.parametrize("frames", [-2, 1, 3])
def test_a_shift_is_measured_as_lag(frames):
    found = scored(lambda t: replace(t, aperture=np.roll(t.aperture, frames)))
    assert found["lag_ms"] == pytest.approx(40 * frames, abs=10)


def test_smoothing_and_jitter_show_in_the_jerk():
    kernel = np.hanning(11) / np.hanning(11).sum()
    smooth = scored(lambda t: replace(t, aperture=np.convolve(t.aperture, kernel, "same")))
    rng = np.random.default_rng(0)
    rough = scored(lambda t: replace(t, aperture=t.aperture + rng.uniform(0, 3, len(t.aperture))))
    assert smooth["jerk_ratio"] < 0.6
    assert rough["jerk_ratio"] > 1.5


def test_clips_without_speech_count_as_their_kind():
    clip = replace(CLIPS[0], id="hum", kind="noise", phones=((0.0, 2.0, "SIL"),), duration=2.0)
    mouth = MouthTracks(25, *(np.r_[np.zeros(25), np.full(26, 5.0)] for _ in range(4)))
    assert score([clip], {"hum": mouth})["closed_noise"] == pytest.approx(0.5, abs=0.03)


def test_lookup_reads_every_spelling():
    spelled = ("AH0", "aa1", "tʃ", "aɪ", "ɑː", "SIL", "p", "S", "s", "ʃ", "ç", "ä", "t̪ʰ", "ax", "ẽ")
    wanted = ["ə", "ɑ", "tʃ", "a", "ɑ", "", "p", "s", "s", "ʃ", "ç", "a", "t", "ə", "e"]
    assert [lookup(phone)[0].ipa for phone in spelled] == wanted
    assert is_silence("pau")
    assert not is_silence("m")


def test_small_statistics():
    assert spearman(np.array([1, 2, 3.0]), np.array([5, 6, 9.0])) == pytest.approx(1)
    assert spearman(np.array([1, 2, 3.0]), np.array([1, 1, 1.0])) == 0
    assert auc([1, 2], [0, 1]) == pytest.approx(0.875)


def test_the_default_head_measures_a_closed_and_an_open_mouth():
    from artalk.core.basis import ARKIT
    from artalk.core.motion import Motion

    values = np.zeros((3, len(ARKIT)), np.float32)
    values[1, ARKIT.index("jawOpen")] = 0.5
    values[2, ARKIT.index("jawOpen")] = values[2, ARKIT.index("mouthClose")] = 0.5
    tracks = default_head_probe().tracks(Motion(values, ARKIT, 25))
    assert tracks.aperture[0] < 0.1
    assert tracks.aperture[1] > 8
    assert tracks.aperture[2] < 0.3
    assert tracks.jaw[1] > 8


def test_folders_without_labels_get_one_sentence(tmp_path):
    with pytest.raises(InputError, match=r"labels\.json"):
        load_clips(tmp_path)
    (tmp_path / "labels.json").write_text("[1]")
    with pytest.raises(InputError, match="not a list"):
        load_clips(tmp_path)


def test_agrees_with_the_scorer_it_was_rewritten_from(shared, tmp_path):
    """The development scorer, run on the same noisy motion, gives the same numbers on the real head."""
    from artalk.core.basis import ARKIT
    from artalk.core.motion import Motion
    from artalk.core.train import teacher

    clips = [clip for clip in load_clips(shared / "speech" / "eval") if clip.group in ("hand", "nonspeech", "cards")]
    probe = ict_probe(shared / "characters")
    rng = np.random.default_rng(0)
    tracks = {}
    (tmp_path / "motion").mkdir()
    for clip in clips:
        signal = np.pad(articulate(clip.phones, clip.duration, 25), ((0, 0), (0, 4))).astype(np.float32)
        values = teacher.motion(signal, teacher.NEUTRAL.vector())
        values[:, :52] = np.clip(values[:, :52] + rng.normal(0, 0.02, (len(values), 52)), 0, 1)
        motion = Motion(values, ARKIT, 25)
        motion.save(tmp_path / "motion" / f"{clip.id}.npz")
        tracks[clip.id] = probe.tracks(motion)
    tool = shared / "speech"
    subprocess.run([sys.executable, tool / "arkit_tracks.py", tmp_path / "motion", tmp_path / "tracks"], check=True)
    subprocess.run(
        [
            sys.executable, tool / "score.py", "--labels", tool / "eval" / "labels.json",
            "--pred", tmp_path / "tracks", "--json", tmp_path / "out.json",
        ],
        check=True, capture_output=True,
    )  # fmt: skip
    theirs = json.loads((tmp_path / "out.json").read_text())
    ours = score(clips, tracks)
    assert {name: theirs[name] for name in ours} == pytest.approx(ours, abs=1e-6)

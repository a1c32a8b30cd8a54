# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: files out, exit codes, one sentence for each bad input."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import soundfile
from artalk.core import cli
from artalk.core.basis import ARKIT
from artalk.core.cli import main
from artalk.core.generate import Options, generate
from artalk.core.models import MODELS
from artalk.core.motion import Motion

MINI = MODELS["mini"].weights


def refused(capsys, *arguments, says):
    """The command ends with 2, prints one sentence that says so, and nothing on stdout."""
    assert main([str(argument) for argument in arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith("artalk: ")
    assert says in err


def test_generate_writes_motion_with_its_provenance(tmp_path, sentence, capsys):
    out = tmp_path / "line.npz"
    assert main(["generate", str(sentence), "--out", str(out), "--model", "mini", "--basis", "arkit"]) == 0
    assert capsys.readouterr().out.strip() == str(out)
    motion = Motion.load(out)
    assert motion.basis == ARKIT
    assert motion.fps == 25
    assert abs(motion.duration - 3.29) <= 0.04
    assert motion.meta["model"] == "mini"
    assert motion.meta["seed"] == 0
    assert len(motion.meta["audio_sha256"]) == 64
    assert motion.channel("jawOpen").max() > 0.15
    assert motion.channel("eyeBlinkLeft").max() > 0.5 or motion.duration < 4


def test_csv_rate_and_folder(tmp_path, sentence):
    assert main(["generate", str(sentence), "--out", str(tmp_path / "a.csv"), "--fps", "30"]) == 0
    rows = (tmp_path / "a.csv").read_text().splitlines()
    assert abs(len(rows) - 1 - 3.29 * 30) < 3
    other = shutil.copy(sentence, tmp_path / "other.flac")
    assert main(["generate", str(sentence), str(other), "--out", str(tmp_path / "many")]) == 0
    assert sorted(path.name for path in (tmp_path / "many").iterdir()) == [f"{sentence.stem}.npz", "other.npz"]


def test_same_seed_same_motion_other_seed_other_blinks(sentence):
    from artalk.core.audio import read

    samples = np.tile(read(sentence), 3)
    one, same, other = (generate(samples, Options(seed=seed)) for seed in (1, 1, 2))
    assert np.array_equal(one.values, same.values)
    assert not np.array_equal(one.channel("eyeBlinkLeft"), other.channel("eyeBlinkLeft"))
    assert np.array_equal(one.channel("jawOpen"), other.channel("jawOpen"))


def test_post_none_is_the_model_alone(sentence):
    from artalk.core.audio import read

    samples = read(sentence)
    bare = generate(samples, Options(post="none"))
    assert not bare.channel("left_eye_x").any()
    assert generate(samples, Options()).channel("left_eye_x").any()


def test_style_from_a_motion_changes_the_result(tmp_path, sentence):
    from artalk.core.audio import read

    values = np.zeros((50, len(ARKIT)), np.float32)
    values[:, ARKIT.indices(["mouthSmileLeft", "mouthSmileRight"])] = 0.2
    Motion(values, ARKIT, 25).save(tmp_path / "smile.npz")
    samples = read(sentence)
    plain = generate(samples, Options(post="none"))
    styled = generate(samples, Options(post="none", style=tmp_path / "smile.npz"))
    assert styled.meta["style"] == "smile.npz"
    assert not np.array_equal(plain.values, styled.values)


def test_lips_close_in_a_human_recording(sentence):
    """p b m of a shipped sentence: most are sealed on the shipped head, and vowels are open."""
    from artalk.core.audio import read
    from artalk.core.evaluate.clips import SHIPPED_CLIPS, load_clips
    from artalk.core.evaluate.mouth import default_head_probe
    from artalk.core.evaluate.scorer import score

    clips = load_clips(SHIPPED_CLIPS)
    probe = default_head_probe()
    tracks = {clip.id: probe.tracks(generate(read(clip.path), Options())) for clip in clips}
    found = score(clips, tracks)
    assert found["bilabial_f1"] > 0.5
    assert found["openness_rho"] > 0.3
    assert max(np.percentile(track.aperture, 95) for track in tracks.values()) > 4


def test_what_is_no_audio(tmp_path, capsys):
    (tmp_path / "a.wav").write_text("hello")
    refused(capsys, "generate", tmp_path / "a.wav", "--out", tmp_path / "a.npz", says="not an audio file")
    refused(capsys, "generate", tmp_path / "none.wav", "--out", tmp_path / "a.npz", says="missing")
    assert not (tmp_path / "a.npz").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["generate"], "required: AUDIO, --out: see `artalk generate --help`"),
        (["generate", "a.wav", "--out", "a.npz", "--seed", "one"], "--seed: invalid int value"),
        (["genrate"], "invalid choice"),
        (["bench", "mini", "--quick"], "Unrecognized arguments: --quick: see `artalk bench --help`"),
    ],
)
def test_a_mistyped_command_is_told_in_one_sentence(capsys, arguments, says):
    refused(capsys, *arguments, says=says)


def test_a_host_with_a_handler_of_its_own_for_interrupts_keeps_it(monkeypatch, capsys):
    # as in `blender -b`: Python cannot put back what it did not set
    monkeypatch.setattr(cli.signal, "getsignal", lambda _number: None)
    monkeypatch.setattr(cli.signal, "signal", lambda *_: pytest.fail("it would be lost"))
    refused(capsys, "generate", says="required: AUDIO")


def test_silence_is_refused(tmp_path, capsys):
    soundfile.write(tmp_path / "s.wav", np.zeros(16000), 16000)
    refused(capsys, "generate", tmp_path / "s.wav", "--out", tmp_path / "s.npz", says="only silence")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--out", "x.fbx"], "no output that artalk writes"),
        (["--out", "nowhere/x.npz"], "does not exist"),
        (["--out", "x.npz", "--model", "artalk"], "do not come with artalk"),
        (["--out", "x.npz", "--basis", "flame"], "give your FLAME file (--head FILE"),
        (["--out", "x.npz", "--post", "published"], "for FLAME motion"),
        (["--out", "x.npz", "--fps", "0"], "frame rate"),
        (["--out", "x.npz", "--seed", "-1"], "seed"),
        (["--out", "x.npz", "--style", "voice.wav"], "There is no style"),
        (["--out", "x.npz", "--weights", "none.safetensors"], "is missing"),
        (["--out", "x.npz", "--style", "none.npz"], "none.npz"),
    ],
)
def test_choices_that_cannot_be_met(tmp_path, monkeypatch, capsys, sentence, arguments, says):
    monkeypatch.chdir(tmp_path)
    refused(capsys, "generate", sentence, *arguments, says=says)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("damage", ["empty", "truncated", "text"])
def test_damaged_weights(tmp_path, capsys, sentence, damage):
    whole = MINI.read_bytes()
    content = {"empty": b"", "truncated": whole[: len(whole) // 2], "text": b"these are not weights at all"}[damage]
    path = tmp_path / "w.safetensors"
    path.write_bytes(content)
    refused(capsys, "generate", sentence, "--out", tmp_path / "o.npz", "--weights", path, says="w.safetensors")


def test_one_bad_line_does_not_stop_the_batch(tmp_path, capsys, sentence):
    (tmp_path / "bad.wav").write_text("hello")
    out = tmp_path / "out"
    assert main(["generate", str(tmp_path / "bad.wav"), str(sentence), "--out", str(out), "--format", "csv"]) == 2
    printed, said = capsys.readouterr()
    assert printed.strip() == str(out / f"{sentence.stem}.csv")
    assert "bad.wav" in said
    assert "1 of 2 sounds" in said
    assert [path.name for path in out.iterdir()] == [f"{sentence.stem}.csv"]


def test_a_folder_with_a_file_ending_is_not_written_into(tmp_path, capsys, sentence):
    (tmp_path / "shot.blend").mkdir()
    refused(capsys, "generate", sentence, "--out", tmp_path / "shot.blend", says="is a folder")


def test_a_style_that_is_no_numbers(tmp_path, capsys, sentence):
    Motion(np.full((50, len(ARKIT)), np.nan, np.float32), ARKIT, 25).save(tmp_path / "nan.npz")
    refused(
        capsys, "generate", sentence, "--out", tmp_path / "o.npz", "--style", tmp_path / "nan.npz", says="not numbers"
    )


def test_two_inputs_for_one_file(tmp_path, capsys, sentence):
    refused(capsys, "generate", sentence, sentence, "--out", tmp_path / "o.npz", says="one file")
    refused(capsys, "generate", sentence, sentence, "--out", tmp_path / "o", says="same name")


def test_weights_list_and_verify(capsys):
    assert main(["weights", "list"]) == 0
    assert "mini" in capsys.readouterr().out
    assert main(["weights", "verify", "--model", "mini"]) == 0
    assert "fits" in capsys.readouterr().out


def test_evaluate_prints_the_table_and_writes_the_report(tmp_path, capsys):
    assert main(["evaluate", "--model", "mini", "--report", str(tmp_path / "r"), "--pictures", "0"]) == 0
    out = capsys.readouterr().out
    for metric in ("bilabial_f1", "openness_rho", "silence_closed", "overall", "energy flap", "ceiling"):
        assert metric in out
    assert (tmp_path / "r" / "scores.json").stat().st_size > 100

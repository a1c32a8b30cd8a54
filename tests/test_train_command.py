# SPDX-License-Identifier: GPL-3.0-or-later
"""`artalk train`: what is given on the command line reaches the stages."""

from __future__ import annotations

from pathlib import Path

import pytest
from artalk.core import cli
from artalk.core.artalk.files import file_hash
from artalk.core.train import mini, moonshine_package

SHIPPED = Path(__file__).parent.parent / "weights" / "artalk-mini.safetensors"


def config_of(monkeypatch, folder, *arguments):
    given = []
    monkeypatch.setattr(mini, "train_mini", lambda *stage, **_: given.append(stage[2]))
    assert cli.main(["train", "mini", "--work", str(folder), *arguments]) == 0
    return given[0]


def test_steps_reach_every_stage(monkeypatch, tmp_path):
    config = config_of(
        monkeypatch,
        tmp_path,
        *("--listener-steps", "10", "--encoder-steps", "11", "--codec-steps", "12", "--generator-steps", "13"),
        *("--seed", "4"),
    )
    assert config.listener.schedule.steps == 10
    stages = (config.encoder, config.codec, config.generator)
    assert [stage.schedule.steps for stage in stages] == [11, 12, 13]
    assert config.seed == 4


def test_weights_to_go_on_from_reach_the_training_at_half_its_rates(monkeypatch, tmp_path):
    whole = config_of(monkeypatch, tmp_path)
    config = config_of(monkeypatch, tmp_path, "--from", str(SHIPPED), "--encoder-steps", "7", "--codec-steps", "8")
    assert whole.start is None
    assert (config.start.weights, config.start.sha256) == (SHIPPED, file_hash(SHIPPED))
    assert (config.encoder.schedule.steps, config.codec.schedule.steps) == (7, 8)
    for stage in ("encoder", "codec", "generator"):
        ours, theirs = getattr(config, stage), getattr(whole, stage)
        assert ours.schedule.learning_rate == theirs.schedule.learning_rate / 2


def test_without_moonshine_nothing_is_made_before_it_is_said(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(moonshine_package, "_file", lambda: None)
    for stage in ("corpus", "listener", "encoder", "codec", "generator"):
        assert "pip install moonshine-voice==" in refused(capsys, stage, "--work", tmp_path)
    assert not list(tmp_path.iterdir())


def test_weights_that_cannot_be_gone_on_from_are_said_before_anything_is_made(tmp_path, capsys):
    work, out = tmp_path / "work" / "new", tmp_path / "out" / "new.safetensors"
    (tmp_path / "text.safetensors").write_text("no weights")
    places = ("--work", work, "--out", out)
    for given, said in (
        (tmp_path / "missing.safetensors", "missing.safetensors' cannot be read"),
        (tmp_path, "cannot be read (Is a directory)"),
        (tmp_path / (300 * "a"), "cannot be read"),
        (tmp_path / "text.safetensors", "'text.safetensors' is damaged"),
    ):
        assert said in refused(capsys, "mini", *places, "--from", given)
    given = (*places, "--from", SHIPPED, "--listener-steps", "9")
    assert "leave out --listener-steps" in refused(capsys, "mini", *given)
    assert not work.parent.exists()
    assert not out.parent.exists()


@pytest.mark.parametrize("stage", ["codec", "generator"])
def test_own_data_and_weights_of_artalk_mini_do_not_go_together(tmp_path, capsys, stage):
    given = ("--data", tmp_path, "--out", tmp_path / "o.safetensors", "--from", "some.safetensors")
    assert "--from is of artalk-mini's training" in refused(capsys, stage, *given)


def test_a_codec_that_is_given_does_not_learn(tmp_path, capsys):
    given = ("--data", tmp_path, "--out", tmp_path / "o.safetensors", "--codec", "c.safetensors", "--codec-steps", "9")
    assert "leave out --codec-steps" in refused(capsys, "generator", *given)


@pytest.mark.parametrize("stage", ["listener", "encoder", "codec", "generator"])
def test_no_steps_are_one_sentence(stage, capsys):
    assert cli.main(["train", "mini", f"--{stage}-steps", "0"]) != 0
    assert f"more than 0 steps: give another --{stage}-steps" in capsys.readouterr().err


def refused(capsys, *arguments):
    assert cli.main(["train", *map(str, arguments)]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    return err


@pytest.mark.parametrize("stage", ["corpus", "listener", "encoder", "codec", "mini"])
def test_a_work_folder_that_cannot_be_is_one_sentence(stage, tmp_path, capsys):
    file = tmp_path / "afile"
    file.touch()
    for work in (file, "/proc/x"):
        assert f"'{work}' cannot be written to" in refused(capsys, stage, "--work", work)


@pytest.mark.parametrize("hours", ["nan", "inf", "-1", "0"])
def test_hours_that_are_none_are_one_sentence(hours, capsys):
    assert "give --hours above 0" in refused(capsys, "corpus", f"--hours={hours}")


@pytest.mark.parametrize("jobs", ["0", "-2"])
def test_no_jobs_are_one_sentence(jobs, capsys):
    assert "give --jobs 1 or more" in refused(capsys, "corpus", f"--jobs={jobs}")


def test_a_seed_below_0_is_one_sentence(capsys):
    assert "below 0" in refused(capsys, "corpus", "--seed=-1")


@pytest.mark.parametrize(
    ("stage", "option", "value"),
    [
        ("codec", "--out", "x.safetensors"),
        ("codec", "--batch", "2"),
        ("codec", "--size", "full"),
        ("generator", "--audio-encoder", "small"),
    ],
)
def test_what_is_for_own_data_is_refused_without_them(stage, option, value, capsys):
    assert f"{option} is for training on your own data" in refused(capsys, stage, option, value)


def test_weights_that_cannot_be_written_are_said_before_training(tmp_path, capsys):
    work = ("--work", tmp_path / "work")
    (tmp_path / "afile").touch()
    for folder in (tmp_path / "afile", Path("/proc/x")):
        err = refused(capsys, "mini", *work, "--out", folder / "new.safetensors")
        assert f"'{folder}' cannot be written to" in err
    assert "give another by --out" in refused(capsys, "mini", *work, "--out", tmp_path / f"{300 * 'a'}.safetensors")
    for out in (tmp_path, tmp_path / "new.pt"):
        assert "--out NAME.safetensors" in refused(capsys, "mini", *work, "--out", out)

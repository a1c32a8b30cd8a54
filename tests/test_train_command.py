# SPDX-License-Identifier: GPL-3.0-or-later
"""`artalk train`: what is given on the command line reaches the stages."""

from __future__ import annotations

import pytest
from artalk.core import cli
from artalk.core.train import mini


def config_of(monkeypatch, *arguments):
    given = []
    monkeypatch.setattr(mini, "train_mini", lambda *stage, **_: given.append(stage[2]))
    assert cli.main(["train", "mini", *arguments]) == 0
    return given[0]


def test_steps_reach_every_tower_and_stage(monkeypatch):
    config = config_of(
        monkeypatch, "--encoder-steps", "11", "--codec-steps", "12", "--generator-steps", "13", "--seed", "4"
    )
    assert [tower.schedule.steps for tower in config.encoder] == [11, 11]
    assert (config.codec.schedule.steps, config.generator.schedule.steps) == (12, 13)
    assert config.seed == 4


@pytest.mark.parametrize("stage", ["encoder", "codec", "generator"])
def test_no_steps_are_one_sentence(stage, capsys):
    assert cli.main(["train", "mini", f"--{stage}-steps", "0"]) != 0
    assert "more than 0 steps" in capsys.readouterr().err

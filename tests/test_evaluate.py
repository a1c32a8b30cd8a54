# SPDX-License-Identifier: GPL-3.0-or-later
"""`artalk evaluate`: what stands beside the model, groups, conditions, the report."""

from __future__ import annotations

import io
import json
import sys
from dataclasses import replace

import numpy as np
import pytest
from artalk.core import audio as sound
from artalk.core.cli import main
from artalk.core.errors import InputError
from artalk.core.evaluate import report, scores
from artalk.core.evaluate.clips import SHIPPED_CLIPS, load_clips
from artalk.core.evaluate.conditions import CONDITIONS, Condition, in_a_room, through_telephone, with_noise
from artalk.core.evaluate.goals import GOALS, goal_columns
from artalk.core.evaluate.mouth import MouthTracks, default_head_probe
from artalk.core.evaluate.pauses import quiet_pauses
from artalk.core.evaluate.pictures import contact_sheet, phone_curves, spelled, telling_phones
from artalk.core.evaluate.rhubarb import OPEN_MM, RhubarbFolder, read_cues, tracks
from artalk.core.evaluate.systems import ceiling
from artalk.core.evaluate.tables import Table
from artalk.core.generate import Options
from artalk.core.phones import lookup

RATE = 16000
CLIPS = load_clips(SHIPPED_CLIPS)
RECORDINGS = {clip.id: sound.read(clip.path) for clip in CLIPS}
SHORTEST = min(CLIPS, key=lambda clip: clip.duration)


@pytest.fixture(scope="module")
def probe():
    return default_head_probe()


@pytest.fixture(scope="module")
def ideal(probe):
    return {clip.id: probe.tracks(ceiling(clip)) for clip in CLIPS}


# --- Rhubarb


def test_rhubarb_tracks_hold_each_shape_until_the_next():
    made = tracks([(0.0, "X"), (0.1, "D"), (0.2, "F"), (0.3, "G"), (0.4, "A")], 0.5)
    assert made.aperture[1] == 0
    assert made.aperture[3] == OPEN_MM
    assert made.round[5] == 1
    assert made.fv[8] == 1
    assert made.fv[9] == 1
    assert made.aperture[10] == made.fv[10] == 0


def test_rhubarb_results_are_read_in_both_forms(tmp_path):
    (tmp_path / "a.tsv").write_text("0.00\tX\n0.25\tB\n")
    (tmp_path / "b.json").write_text(
        '{"mouthCues": [{"start": 0, "end": 0.25, "value": "X"}, {"start": 0.25, "value": "B"}]}'
    )
    assert read_cues(tmp_path / "a.tsv") == read_cues(tmp_path / "b.json") == [(0.0, "X"), (0.25, "B")]


@pytest.mark.parametrize("text", ["", "hello", "0.0\tZ", "0.0 X extra"])
def test_what_is_not_rhubarb_gets_one_sentence(tmp_path, text):
    (tmp_path / "a.tsv").write_text(text)
    with pytest.raises(InputError, match="not a result of Rhubarb"):
        read_cues(tmp_path / "a.tsv")


def test_a_clip_without_a_rhubarb_result_is_named(tmp_path):
    with pytest.raises(InputError, match=SHORTEST.id):
        RhubarbFolder(tmp_path).tracks(SHORTEST)


# --- conditions


def spectrum(samples):
    power = np.abs(np.fft.rfft(samples)) ** 2
    return np.fft.rfftfreq(len(samples), 1 / RATE), power


def test_noise_lies_20_db_under_the_speech(voice):
    noise = with_noise(voice, np.random.default_rng(0)) - voice
    spoken = voice[np.abs(voice) > 0]
    assert 10 * np.log10(np.mean(spoken**2) / np.mean(noise**2)) == pytest.approx(20, abs=0.5)


def test_telephone_keeps_its_band_and_is_not_late():
    rng = np.random.default_rng(0)
    click = np.zeros(RATE, np.float32)
    click[8000] = 1
    assert abs(int(np.abs(through_telephone(click, rng)).argmax()) - 8000) <= 1
    hertz, power = spectrum(through_telephone(rng.standard_normal(2 * RATE).astype(np.float32), rng))
    inside = power[(hertz > 500) & (hertz < 3000)].mean()
    assert power[hertz < 150].mean() < 1e-3 * inside
    assert power[hertz > 4200].mean() < 1e-3 * inside


def test_a_room_rings_after_the_sound_and_is_not_late():
    click = np.zeros(RATE, np.float32)
    click[4000] = 1
    wet = in_a_room(click, np.random.default_rng(0))
    assert not wet[:3990].any() or np.abs(wet[:3990]).max() < 1e-6
    assert wet[4000] == pytest.approx(1, abs=1e-5)
    tail = wet[4001:]
    assert np.sum(tail**2) == pytest.approx(0.5, abs=0.05)
    early, late = (np.mean(tail[int(a * RATE) : int((a + 0.05) * RATE)] ** 2) for a in (0.05, 0.3))
    assert 10 * np.log10(early / late) == pytest.approx(60 * 0.25 / 0.5, abs=3)


def test_conditions_are_repeatable_and_move_the_labels(voice):
    clip = replace(SHORTEST, id="buzz", duration=3.0, phones=((0.0, 1.0, "AA"), (1.0, 1.6, "SIL"), (1.6, 2.6, "IY")))
    pytest.importorskip("parselmouth", reason="other voices need Praat's module")
    for condition in CONDITIONS:
        altered, samples = condition.apply(clip, voice)
        assert np.array_equal(samples, condition.apply(clip, voice)[1])
        assert not np.array_equal(samples, voice)
        assert altered.duration == pytest.approx(3 * condition.stretch)
        assert altered.phones[1][1] == pytest.approx(1.6 * condition.stretch)
        # the pause lies where its label says
        assert len(samples) / RATE == pytest.approx(altered.duration, abs=0.03)
        start, end = (int(t * RATE) for t in altered.phones[1][:2])
        pause, spoken = samples[start + 1600 : end - 1600], samples[1600 : start - 1600]
        if condition.name != "room":
            assert np.mean(pause**2) < 0.02 * np.mean(spoken**2), condition.name


def test_a_childs_voice_is_higher(voice):
    parselmouth = pytest.importorskip("parselmouth", reason="other voices need Praat's module")
    by_name = {condition.name: condition for condition in CONDITIONS}
    heard = {}
    for name in ("child-like voice", "deep voice"):
        samples = by_name[name].apply(SHORTEST, voice)[1]
        pitch = parselmouth.Sound(samples.astype(float), RATE).to_pitch().selected_array["frequency"]
        heard[name] = np.median(pitch[pitch > 0])
    assert heard["child-like voice"] == pytest.approx(1.5 * 140, rel=0.1)
    assert heard["deep voice"] == pytest.approx(0.75 * 140, rel=0.1)


def test_a_condition_that_spoils_the_sound_costs_points(ideal, probe):
    """A mouth that is shut in silence, though lips and teeth still move: each measure is marked by what it lost."""
    silent = Condition("silence", lambda samples, _: 0 * samples, noise=True)

    def measure(clip, samples):
        heard = ideal[clip.id]
        return heard if samples.any() else replace(heard, aperture=0 * heard.aperture)

    recordings = {clip.id: np.ones(RATE, np.float32) for clip in CLIPS}
    (table,) = scores.by_condition(CLIPS, recordings, measure, [silent])
    assert table.rows["clean"]["change"] == 0
    assert table.rows["silence"]["change"] < -0.2
    assert {row for row, _ in table.marks} == {"silence"}
    lost = {metric for (_, metric), mark in table.marks.items() if mark == "missed"}
    assert {"change", "overall", "bilabial_f1", "openness_rho", "false_seal"} <= lost
    assert not lost & {"fv_f1", "round_auc", "sibilant_jaw", "bilabial_recall", "silence_closed"}
    for metric in lost - {"change", "openness_rho", "vowel_rho"}:
        assert abs(table.rows["silence"][metric] - table.rows["clean"][metric]) > 0.05
        assert f"silence {metric} " in table.note
    assert "fv_f1" not in table.note


# --- groups and goals


def test_groups_are_scored_apart(ideal):
    foreign = replace(SHORTEST, id="foreign", language="es-MX", group="mine")
    hum = MouthTracks(25, *(np.zeros(51) for _ in range(4)))
    noise = replace(SHORTEST, id="hum", kind="noise", language="", phones=((0.0, 2.0, "SIL"),), duration=2.0)
    shut = replace(ideal[SHORTEST.id], aperture=0 * ideal[SHORTEST.id].aperture)
    found = scores.by_group([*CLIPS, foreign, noise], {**ideal, "foreign": shut, "hum": hum}).rows
    assert list(found) == ["language en", "language es-MX", "set austen", "set mine", "kind noise"]
    assert found["language en"]["clips"] == len(CLIPS)
    assert found["set mine"]["false_seal"] == 1
    assert found["set austen"]["false_seal"] < 0.1
    assert found["kind noise"] == {"clips": 1, "closed_noise": 1.0}


def test_marks_follow_the_goals(ideal):
    late = {name: replace(t, aperture=np.roll(t.aperture, 3)) for name, t in ideal.items()}
    table = scores.side_by_side("english", CLIPS, {"mini": late, "ceiling": ideal}, "mini", RECORDINGS)
    assert table.marks["lag_ms", "mini"] == "missed"
    assert table.marks["sibilant_jaw", "mini"] in ("goal", "ship")
    assert ("lag_ms", "ceiling") not in table.marks
    assert table.rows["lag_ms"]["goal"] == "-10 … 10"
    assert table.rows["overall"]["ship"] == "≥ 0.79"
    assert "ship" not in scores.side_by_side("other languages", CLIPS, {"mini": late}, "mini", RECORDINGS).columns


def test_a_pause_as_loud_as_speech_is_the_labels_fault():
    rng = np.random.default_rng(1)
    loudness = np.repeat([0.3, 0.001, 0.3, 0.2, 0.3], RATE // 2)
    spoken = (loudness * rng.standard_normal(len(loudness))).astype(np.float32)
    phones = [(i / 2, i / 2 + 0.5, phone) for i, phone in enumerate(["AA", "SIL", "IY", "SIL", "AA"])]
    clip = replace(SHORTEST, id="a", duration=2.5, phones=tuple(phones))
    talking = MouthTracks(100, np.interp(np.arange(251), [50, 65, 85, 100], [9, 0, 0, 9]), *(np.zeros(251),) * 3)
    table = scores.side_by_side("english", [clip], {"mini": {"a": talking}}, "mini", {"a": spoken})
    rows = table.rows
    assert "without 0.2 of 0.4 s of pauses" in table.note
    assert rows["silence_closed"]["mini"] == pytest.approx(0.5, abs=0.1)
    assert rows["silence_quiet"]["mini"] == 1
    assert list(rows).index("silence_quiet") == list(rows).index("silence_closed") + 1
    quiet = scores.side_by_side("english", [clip], {"mini": {"a": talking}}, "mini", {"a": spoken * (loudness != 0.2)})
    assert "pauses" not in quiet.note
    assert quiet.rows["silence_quiet"]["mini"] == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize(("where", "left"), [(0.6, (0.8, 1.35)), (1.4, (0.65, 1.2)), (1.0, None)])
def test_of_a_pause_into_which_a_word_reaches_the_rest_is_measured(where, left):
    rng = np.random.default_rng(1)
    seconds = np.arange(2 * RATE) / RATE
    talks = (seconds < 0.5) | (seconds > 1.5) | (np.abs(seconds - where) < 0.05)
    spoken = (np.where(talks, 0.3, 0.001) * rng.standard_normal(len(seconds))).astype(np.float32)
    clip = replace(SHORTEST, duration=2.0, phones=((0.0, 0.5, "AA"), (0.5, 1.5, "SIL"), (1.5, 2.0, "AA")))
    found = quiet_pauses(clip, spoken)
    expected = [left] if left else [(0.65, 0.8), (1.2, 1.35)]
    assert found == [pytest.approx(span, abs=0.06) for span in expected]


def test_what_is_measured_of_a_pause_does_not_hang_on_the_loud_one_beside_it():
    rng = np.random.default_rng(1)
    loudness = np.repeat([0.3, 0.0, 0.3], RATE // 2)
    spoken = (loudness * rng.standard_normal(len(loudness)) + 0.2).astype(np.float32)  # the offset is no sound
    clip = replace(SHORTEST, duration=1.5, phones=((0.0, 0.5, "AA"), (0.5, 1.0, "SIL"), (1.0, 1.5, "SIL")))
    assert quiet_pauses(clip, spoken) == [pytest.approx((0.65, 0.85))]
    assert quiet_pauses(replace(clip, kind="noise"), spoken) == []


def test_clips_without_language_and_set_are_measured(tmp_path):
    labels = json.loads((SHIPPED_CLIPS / "labels.json").read_text())
    labels["clips"] = [labels["clips"][0] | {"language": None, "set": None}]
    (tmp_path / "labels.json").write_text(json.dumps(labels))
    (clip,) = load_clips(tmp_path)
    assert (clip.language, clip.group) == ("", "")
    assert list(scores.main_groups([clip])) == ["other languages"]


@pytest.mark.parametrize(
    ("metric", "value", "mark"),
    [
        ("overall", 0.90, "goal"), ("overall", 0.80, "ship"), ("overall", 0.78, "missed"),
        ("false_seal", 0.02, "goal"), ("false_seal", 0.05, "ship"), ("false_seal", 0.07, "missed"),
        ("lag_ms", -9.0, "goal"), ("lag_ms", 15.0, "ship"), ("lag_ms", -21.0, "missed"),
        ("jerk_ratio", 1.0, "goal"), ("jerk_ratio", 1.3, "ship"), ("jerk_ratio", 0.5, "missed"),
        ("overall", float("nan"), "missed"),
    ],
)  # fmt: skip
def test_goals(metric, value, mark):
    assert GOALS[metric].mark(value) == mark
    assert goal_columns("fv_recall") == {}


# --- tables and the report


def test_tables_in_all_three_forms():
    table = Table(
        "t < u",
        {"a": {"x": 0.5, "n": 3}, "b": {"x": float("nan"), "n": float("inf"), "y": "≥ 1"}},
        {("a", "x"): "goal"},
        "note",
    )
    assert table.columns == ["x", "n", "y"]
    assert table.plain() == {"a": {"x": 0.5, "n": 3}, "b": {"x": None, "n": None, "y": "≥ 1"}}
    assert "t &lt; u" in table.html()
    assert '<td class="goal">0.500</td>' in table.html()
    lines = table.text().splitlines()
    assert lines[1].split() == ["a", "0.500", "3"]
    assert lines[2].split() == ["b", "–", "–", "≥", "1"]
    assert lines[3] == "note"


def test_the_report_stands_alone(tmp_path):
    table = Table("overall", {"a": {"x": float("nan")}})
    report.write(tmp_path, "title", {"model": "mini"}, [table], [report.Picture("curves", b"\x89PNG")])
    html = (tmp_path / "index.html").read_text()
    assert "data:image/png;base64,iVBORw==" in html
    assert "http" not in html
    assert "src=" in html
    assert json.loads((tmp_path / "scores.json").read_text()) == {
        "settings": {"model": "mini"},
        "tables": {"overall": {"a": {"x": None}}},
    }
    with pytest.raises(InputError, match="--report"):
        report.make_folder(tmp_path / "index.html")


def test_telling_phones_are_of_many_kinds_and_in_order():
    clip = max(CLIPS, key=lambda clip: clip.duration)
    chosen = telling_phones(clip.phones, 12)
    assert len(chosen) == 12
    assert chosen == sorted(chosen)
    kinds = {lookup(phone)[0].kind for _, _, phone in chosen}
    assert {"bilabial", "vowel"} <= kinds
    assert len(kinds) >= 5
    assert telling_phones(clip.phones[:1], 12) == []
    assert [spelled(phone) for phone in ("EY1", "P", "AH0", "ai")] == ["eɪ", "p", "ə", "ai"]


def test_curves_draw_the_phones(ideal):
    from PIL import Image

    samples = sound.read(SHORTEST.path)
    with_model = phone_curves(SHORTEST, samples, {"mini": ideal[SHORTEST.id]}, ideal[SHORTEST.id])
    without = phone_curves(replace(SHORTEST, phones=()), samples, {"mini": ideal[SHORTEST.id]}, ideal[SHORTEST.id])
    assert with_model[:4] == b"\x89PNG"
    assert with_model != without
    assert Image.open(io.BytesIO(with_model)).width > 1000


def without_blender(monkeypatch):
    monkeypatch.setitem(sys.modules, "bpy", None)
    for name in [name for name in sys.modules if name.startswith("artalk.artalk_addon")]:
        monkeypatch.delitem(sys.modules, name)


def test_without_blender_the_pictures_say_what_is_missing(monkeypatch):
    without_blender(monkeypatch)
    with pytest.raises(InputError, match="bpy"):
        contact_sheet(SHORTEST, Options())


@pytest.mark.slow
def test_contact_sheet_shows_the_head():
    from PIL import Image

    pytest.importorskip("bpy")
    picture = Image.open(io.BytesIO(contact_sheet(SHORTEST, Options(), count=1))).convert("RGB")
    assert picture.width == 210
    face = np.asarray(picture)[:210, :210].astype(int)
    assert np.ptp(face, axis=(0, 1)).min() > 60


# --- the command


def test_the_command_writes_rhubarbs_column_groups_and_the_report(tmp_path, capsys, monkeypatch):
    (tmp_path / "cues").mkdir()
    (tmp_path / "cues" / f"{SHORTEST.id}.tsv").write_text("0.0\tX\n0.5\tD\n1.0\tA\n")
    arguments = ["--only", SHORTEST.id, "--rhubarb", tmp_path / "cues", "--groups", "--post", "none"]
    arguments += ["--report", tmp_path / "out", "--pictures", "1"]
    without_blender(monkeypatch)
    assert main(["evaluate", *map(str, arguments)]) == 0
    out, err = capsys.readouterr()
    assert "Rhubarb " in out
    assert "language en" in out
    assert "pip install bpy" in err
    found = json.loads((tmp_path / "out" / "scores.json").read_text())
    assert found["settings"]["only"] == SHORTEST.id
    assert set(found["tables"]) == {"english: 1 clips", "by language, set and kind"}
    assert "data:image/png" in (tmp_path / "out" / "index.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--only", "nobody"], "the sets are austen"),
        (["--rhubarb", "/nowhere"], "neither"),
        (["--post", "published"], "choose artalk or none"),
        (["--model", "nobody"], "There is no model"),
        (["--clips", "/nowhere"], "labels.json"),
        (["--pictures", "-1"], "from 0 up"),
    ],
)
def test_bad_input_is_one_sentence(arguments, says, capsys):
    assert main(["evaluate", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert says in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"phones": [[1, 0, "P"]]}, "'P' of the clip 'one' lasts from 1 to 0 s"),
        ({"phones": [[-1, 1, "P"]]}, "lasts from -1 to 1 s"),
        ({"phones": [[float("nan"), 1, "P"]]}, "lasts from nan to 1 s"),
        ({"phones": [[3, 4, "P"]]}, "begins at 3 s and the sound ends at 2 s"),
        ({"phones": [[0, 1, "QQ"]]}, "'QQ' of the clip 'one' is neither ARPABET nor IPA"),
        ({"phones": []}, "'one' is speech without phones"),
        ({"phones": [[0, 1, "SIL"]]}, "'one' is speech without phones"),
        ({"kind": "song"}, "of the kind 'song', not one of speech, silence"),
        ({"duration": float("nan")}, "'one' lasts nan s"),
        ({"id": "two"}, "two clips 'two'"),
    ],
)
def test_a_broken_label_is_named(change, says, tmp_path, capsys):
    clip = {"file": "x.wav", "duration": 2, "phones": [[0, 0.5, "p"], [0.5, 1, "ɔɪ"], [1, 2, "AH0"]]}
    clips = [{"id": "two", **clip}, {"id": "one", **clip, **change}]
    (tmp_path / "labels.json").write_text(json.dumps({"clips": clips}))
    assert main(["evaluate", "--clips", str(tmp_path)]) == 2
    err = capsys.readouterr().err
    assert says in err
    assert err.count("\n") == 1


def test_a_recording_lasts_as_long_as_its_label_says(tmp_path, capsys):
    clip = {"id": "one", "file": str(SHORTEST.path), "duration": 1, "phones": [[0, 1, "AH0"]]}
    (tmp_path / "labels.json").write_text(json.dumps({"clips": [clip]}))
    assert main(["evaluate", "--clips", str(tmp_path)]) == 2
    assert "does not last the 1 s" in capsys.readouterr().err


def test_a_list_without_clips_is_said(tmp_path, capsys):
    (tmp_path / "labels.json").write_text('{"clips": []}')
    assert main(["evaluate", "--clips", str(tmp_path)]) == 2
    assert "lists no clips" in capsys.readouterr().err


def test_a_flame_model_is_measured_where_it_can_be(monkeypatch, capsys):
    from artalk.core.basis import FLAME
    from artalk.core.evaluate import command, systems
    from artalk.core.motion import Motion

    class Still:
        basis, fps = FLAME, 25.0

        def generate(self, audio, *, style=None, seed=0, progress=None, cancel=None):  # noqa: ARG002
            return Motion(np.zeros((len(audio) // 640, len(FLAME)), np.float32), FLAME, 25.0)

    for room in (command, systems):
        monkeypatch.setattr(room, "load_model", lambda _options: Still())
    assert main(["evaluate", "--model", "artalk", "--only", SHORTEST.id, "--diversity"]) == 0
    out, err = capsys.readouterr()
    assert "expression" in out
    assert "overall" not in out
    assert "mouth scores are for ARKit motion" in err
    assert main(["evaluate", "--model", "artalk", "--only", SHORTEST.id, "--style"]) == 2
    assert "--style needs" in capsys.readouterr().err

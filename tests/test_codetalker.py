# SPDX-License-Identifier: GPL-3.0-or-later
"""CodeTalker: what is kept from frame to frame changes nothing; files, speakers and sounds, right and wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from artalk import benchmarks
from artalk.benchmarks import codetalker as bench
from artalk.core import models
from artalk.core.basis import BIWI_VERTICES, FLAME_VERTICES, Basis, VertexBasis
from artalk.core.cli import main
from artalk.core.codetalker import config
from artalk.core.codetalker.checkpoint import from_published, load_pipeline
from artalk.core.codetalker.codec import GrowingDecoder
from artalk.core.codetalker.config import BIWI, VOCASET
from artalk.core.codetalker.pipeline import CodetalkerPipeline
from artalk.core.codetalker.speakers import speaker_style
from artalk.core.errors import Cancelled, InputError
from artalk.core.generate import Options, check
from artalk.core.motion import Motion
from codetalker_tiny import TINY, TINY_WIDE, save, states, tiny
from golden.codetalker import key_list, shapes
from golden.fill import audio_f32
from golden.models import golden
from golden.models import shapes as artalk_shapes
from hypothesis import given, settings
from hypothesis import strategies as st

SPEAKERS = Basis("some_speakers", ("Ann", "Bob", "Cy"))


def message(error: pytest.ExceptionInfo[InputError]) -> str:
    text = str(error.value)
    assert "\n" not in text
    assert text.endswith(".")
    return text


def blank(names: dict[str, tuple[int, ...]]) -> dict[str, torch.Tensor]:
    return {name: torch.zeros(shape, device="meta") for name, shape in names.items()}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Both files of a tiny model, which the registry takes for the published one."""
    monkeypatch.setitem(config.CONFIGS, "codetalker-vocaset", TINY)
    return save(tmp_path, tiny())


# ------------------------------------------------------------------------------------------------- what is kept, sizes


@pytest.mark.parametrize("sizes", [TINY, TINY_WIDE])
def test_caches_give_the_codes_of_the_plain_way(sizes: config.CodetalkerConfig) -> None:
    model, audio = tiny(sizes), torch.from_numpy(audio_f32(16000, 1))[None]
    with torch.inference_mode():
        codes = bench.ours(model, audio)
        np.testing.assert_array_equal(codes, bench.plain(model, audio))
    assert codes.shape == (1, sizes.frame_count(16000), 4)
    assert len(np.unique(codes)) > 8


def test_growing_decoder_gives_the_last_frame_of_decoding_all() -> None:
    model = tiny()
    codes = torch.randint(0, 32, (1, 9, 4))
    growing = GrowingDecoder(model.codec.decoder)
    for count in range(1, 10):
        last = growing.add(model.codec.features(codes[:, count - 1 : count]))
        torch.testing.assert_close(last, model.codec.decode(codes[:, :count])[:, -1:], atol=1e-5, rtol=0)


def test_one_frame_is_decoded_as_two_equal_ones() -> None:
    model, codes = tiny(), torch.tensor([[[3, 1, 4, 1]]])
    twice = model.codec.decode(codes.repeat(1, 2, 1))
    torch.testing.assert_close(model.codec.decode(codes), twice[:, :1], atol=5e-4, rtol=0)


@pytest.mark.parametrize(("dataset", "sizes"), [("vocaset", VOCASET), ("BIWI", BIWI)])
def test_state_dicts_have_the_published_names_and_shapes(dataset: str, sizes: config.CodetalkerConfig) -> None:
    model = from_published(blank(shapes(dataset, 1)), blank(shapes(dataset, 2)), sizes, ("one", "two"))
    assert model.generator.vertice_map.in_features == len(sizes.basis)
    assert sizes.speakers == tuple(key_list(dataset, 2)["config"]["train_subjects"].split())


def test_frame_counts_follow_the_published_rule() -> None:
    for samples, features, vocaset, biwi in golden("codetalker_frames")["table"].tolist():
        assert config.feature_count(samples) == features
        assert (VOCASET.frame_count(samples), BIWI.frame_count(samples)) == (vocaset, biwi)


# ------------------------------------------------------------------------------------------------------- vertex bases


def test_vertex_bases_name_columns_and_survive_a_file(tmp_path: Path) -> None:
    assert (len(FLAME_VERTICES), len(BIWI_VERTICES)) == (15069, 70110)
    assert FLAME_VERTICES.channels[:4] == ("v0_x", "v0_y", "v0_z", "v1_x")
    assert BIWI_VERTICES.channels[-1] == "v23369_z"
    motion = Motion(np.random.default_rng(0).normal(size=(2, 70110)), BIWI_VERTICES, 25.0)
    motion.save(tmp_path / "m.npz")
    loaded = Motion.load(tmp_path / "m.npz")
    assert loaded.basis is BIWI_VERTICES
    np.testing.assert_array_equal(loaded.values, motion.values)


def test_names_of_vertices_are_made_when_asked_for() -> None:
    basis = VertexBasis("some", 4)
    assert len(basis) == 12
    assert "channels" not in vars(basis)
    assert basis.index("v3_z") == 11


# ---------------------------------------------------------------------------------------------------------- end to end


def test_command_line_writes_vertices_of_a_speaker(folder: Path, tmp_path: Path, sentence: Path) -> None:
    arguments = ["generate", str(sentence), "--model", "codetalker-vocaset", "--weights", str(folder)]
    motions = []
    for style in ("FaceTalk_170725_00137_TA", "2", "2:0.5+3:0.5"):
        out = tmp_path / "m.npz"
        assert main([*arguments, "--style", style, "--out", str(out)]) == 0
        motions.append(Motion.load(out))
    by_name, by_number, mixed = motions
    assert by_name.basis is FLAME_VERTICES
    assert by_name.fps == 30
    assert by_name.meta["model"] == "codetalker-vocaset"
    assert len(by_name.meta["weights_sha256"]) == len(by_name.meta["stage1_sha256"]) == 64
    assert by_name.meta["style"] == "FaceTalk_170725_00137_TA"
    np.testing.assert_array_equal(by_name.values, by_number.values)
    assert np.abs(by_name.values - mixed.values).max() > 1e-3


@pytest.mark.parametrize("given_as", ["vocaset_stage1.pth.tar", "vocaset_stage2.pth.tar", "."])
def test_either_file_or_the_folder_will_do(folder: Path, given_as: str) -> None:
    model = load_pipeline(folder / given_as, "codetalker-vocaset").model
    for name, value in tiny().state_dict().items():
        assert torch.equal(value, model.state_dict()[name])


def test_cancel_is_asked_and_progress_told_at_each_frame() -> None:
    told: list[float] = []
    with pytest.raises(Cancelled):
        CodetalkerPipeline(tiny()).generate(audio_f32(8000), progress=told.append, cancel=lambda: len(told) == 3)
    np.testing.assert_allclose(told, [(i / 14) ** 2 for i in (1, 2, 3)])


def test_no_style_is_the_first_speaker_and_silence_is_no_trouble() -> None:
    pipeline = CodetalkerPipeline(tiny())
    silence = np.zeros(8000, np.float32)
    motion = pipeline.generate(silence)
    assert np.isfinite(motion.values).all()
    first = pipeline.generate(silence, style=speaker_style("0", pipeline.speakers))
    np.testing.assert_array_equal(motion.values, first.values)


# ----------------------------------------------------------------------------------------------------------- bad input


def refused(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor], sizes: config.CodetalkerConfig) -> str:
    with pytest.raises(InputError) as error:
        from_published(first, second, sizes, ("first.pth.tar", "second.pth.tar"))
    return message(error)


def test_files_of_the_other_data_set() -> None:
    of_biwi = [blank(shapes("BIWI", stage)) for stage in (1, 2)]
    text = refused(of_biwi[0], of_biwi[1], VOCASET)
    assert "'first.pth.tar' does not fit stage 1 of codetalker-vocaset" in text
    assert "choose the model codetalker-biwi" in text
    text = refused(blank(shapes("vocaset", 1)), of_biwi[1], VOCASET)
    assert "'second.pth.tar' does not fit stage 2" in text
    assert "choose the model codetalker-biwi" in text


def test_stages_that_are_swapped() -> None:
    first, second = states(tiny())
    assert "it looks like stage 2" in refused(second, first, TINY)
    assert "it looks like stage 1" in refused(first, first, TINY)


def test_a_checkpoint_of_artalk() -> None:
    assert "it looks like a model of ARTalk" in refused(blank(artalk_shapes("small")), {}, VOCASET)


def test_one_entry_missing_is_named_as_in_the_file() -> None:
    first, second = states(tiny())
    del first["decoder.decoder_transformer.net.0.fn.fn.to_qkv.weight"]
    text = refused(first, second, TINY)
    assert "1 missing (decoder.decoder_transformer.net.0.fn.fn.to_qkv.weight)" in text
    assert "get the file again" in text


@pytest.mark.parametrize("given_as", [".", "vocaset_stage2.pth.tar"])
def test_stage_1_missing(folder: Path, given_as: str) -> None:
    (folder / "vocaset_stage1.pth.tar").unlink()
    with pytest.raises(InputError, match=r"vocaset_stage1.pth.tar' is missing: put both stages") as error:
        load_pipeline(folder / given_as, "codetalker-vocaset")
    message(error)


def test_a_file_that_names_no_stage(folder: Path) -> None:
    (folder / "vocaset_stage2.pth.tar").rename(folder / "best.pt")
    with pytest.raises(InputError, match=r"two files, of which 'best.pt' is neither by its name"):
        load_pipeline(folder / "best.pt", "codetalker-vocaset")


@pytest.mark.parametrize("stage", [1, 2])
def test_a_truncated_file(folder: Path, stage: int) -> None:
    path = folder / f"vocaset_stage{stage}.pth.tar"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(InputError, match=f"'{path.name}' is damaged") as error:
        load_pipeline(folder, "codetalker-vocaset")
    message(error)


def test_weights_that_are_not_given_or_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="do not come with artalk"):
        models.load("codetalker-biwi")
    with pytest.raises(InputError, match="is missing"):
        models.load("codetalker-biwi", tmp_path / "none")


def test_an_unknown_speaker_is_refused_before_anything_loads(
    capsys: pytest.CaptureFixture[str], sentence: Path
) -> None:
    arguments = ["--model", "codetalker-biwi", "--style", "F9", "--out", "x.npz"]
    assert main(["generate", str(sentence), *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "no speaker 'F9': choose one of F2, F3, F4, M3, M4, M5, or a number from 0 to 5." in err


@pytest.mark.parametrize(
    ("style", "what"),
    [
        ("3", "no speaker '3'"),
        ("", "no speaker ''"),
        ("Ann:much", "share 'much'"),
        ("Ann:-1", "share '-1'"),
        ("Ann:nan", "share 'nan'"),
        ("Ann:0+Bob:0", "nothing of any speaker"),
    ],
)
def test_styles_that_are_none(style: str, what: str) -> None:
    with pytest.raises(InputError, match=what) as error:
        speaker_style(style, SPEAKERS)
    message(error)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["Ann", "Bob", "Cy", "0", "2"]), st.floats(0.01, 100)), min_size=1))
def test_shares_of_a_mix_sum_to_one(parts: list[tuple[str, float]]) -> None:
    mix = speaker_style("+".join(f"{name}:{share}" for name, share in parts), SPEAKERS)
    assert mix.values.shape == (1, 3)
    assert (mix.values >= 0).all()
    np.testing.assert_allclose(mix.values.sum(), 1, rtol=1e-5)


def test_a_style_motion_is_no_speaker() -> None:
    wrong = Motion(np.zeros((1, 15069), np.float32), FLAME_VERTICES, 30.0)
    with pytest.raises(InputError, match="this model's styles are speakers: choose one of FaceTalk_170728"):
        CodetalkerPipeline(tiny()).generate(audio_f32(8000), style=wrong)


@pytest.mark.parametrize(
    ("samples", "what"), [(0, "no samples"), (700, "too short for one frame"), (330000, "makes 618 frames but .* 600")]
)
def test_sounds_of_a_length_that_cannot_be_spoken(samples: int, what: str) -> None:
    with pytest.raises(InputError, match=what) as error:
        CodetalkerPipeline(tiny()).generate(np.zeros(samples, np.float32))
    message(error)


def test_published_layers_are_for_flame_motion() -> None:
    with pytest.raises(InputError, match="choose artalk or none"):
        check(Options(model="codetalker-vocaset", post="published"))


# ----------------------------------------------------------------------------------------------------------- benchmark


def test_benchmark_counts_and_compares(capsys: pytest.CaptureFixture[str]) -> None:
    assert "codetalker" in benchmarks.NAMES
    assert bench.run(TINY, seconds=0.5, timed=0.3) > 1
    assert "codes that differ: 0 of" in capsys.readouterr().out

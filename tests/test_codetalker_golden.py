# SPDX-License-Identifier: GPL-3.0-or-later
"""The released CodeTalker architectures give the numbers of the published code: codes exact, the rest within float32.

The golden arrays were made by the published code with weights from `golden.fill`; see `golden/README.md`.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from artalk.core.artalk.style import sinusoids
from artalk.core.codetalker.codec import GrowingDecoder
from artalk.core.codetalker.generator import recency
from artalk.core.codetalker.model import CodetalkerModel
from artalk.core.codetalker.pipeline import CodetalkerPipeline
from artalk.core.codetalker.speakers import speaker_style
from golden.codetalker import build, config, offsets, template
from golden.fill import audio_f32
from golden.models import golden
from torch import Tensor

FEATURES, VERTICES, ONE_FRAME = 1e-4, 1e-4, 5e-4


def assert_close(actual: Tensor | np.ndarray, expected: np.ndarray, bound: float) -> None:
    actual = actual.numpy() if isinstance(actual, Tensor) else actual
    assert actual.shape == expected.shape
    assert np.abs(actual - expected).max() <= bound


@pytest.fixture(autouse=True)
def _no_gradients() -> Iterator[None]:
    with torch.inference_mode():
        yield


@pytest.fixture(scope="module", params=["vocaset", "BIWI"])
def dataset(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def model(dataset: str) -> CodetalkerModel:
    return build(dataset)


def vertices(values: np.ndarray, stage: dict[str, np.ndarray], every: int = 1) -> np.ndarray:
    """(T, 3 V) -> those vertices that a golden file holds, (T, n, 3)."""
    return values.reshape(len(values), -1, 3)[:, :: every * int(stage["vertex_step"])]


def test_positions_and_the_penalty_of_the_past(dataset: str) -> None:
    stage, sizes = golden(f"codetalker_{dataset}_stage2"), config(dataset).generator
    positions = sinusoids(sizes.period, 1024)[:, ::64]
    assert_close(positions[[0, 1, sizes.period - 1, 0]], stage["ppe_rows"], 2e-6)
    newest_last = recency(42, sizes.period, sizes.heads)
    for i, row in enumerate((0, 1, sizes.period - 1, sizes.period, sizes.period + 1, 39)):
        seen = newest_last[:, 41 - row :]
        np.testing.assert_array_equal(seen, stage["biased_mask_40"][:, i, : row + 1])
        assert np.isinf(stage["biased_mask_40"][:, i, row + 1 :]).all()


@pytest.mark.slow
def test_stage_1(dataset: str, model: CodetalkerModel) -> None:
    stage, codec, neutral = golden(f"codetalker_{dataset}_stage1"), model.codec, template(dataset)
    encoded = codec.encoder(torch.from_numpy(offsets(dataset))[None])
    assert_close(encoded[0, ::5], stage["encoder_out_rows5"], FEATURES)
    codes = codec.nearest(encoded)
    np.testing.assert_array_equal(codes[0], stage["codes"])
    features = codec.features(codes)
    assert_close(features.view(-1, codec.codebook.embedding_dim)[::8], stage["quant_rows8"], FEATURES)
    decoded = codec.decode(codes)[0].numpy() + neutral
    assert_close(vertices(decoded, stage), stage["decoded_sub"], VERTICES)
    assert_close(decoded.mean(1, dtype=np.float64), stage["decoded_mean"], VERTICES)
    assert_close(decoded.std(1, dtype=np.float64), stage["decoded_std"], VERTICES)
    # these two are without the neutral face
    assert_close(vertices(codec.decode(codes[:, :3])[0].numpy(), stage), stage["decoded_first3_sub"], VERTICES)
    growing = GrowingDecoder(codec.decoder)
    alone = growing.add(features[:, :1])[0].numpy()
    assert_close(vertices(alone, stage)[0], stage["decoded_frame0_duplicated_sub"], ONE_FRAME)


@pytest.mark.slow
def test_stage_2(dataset: str, model: CodetalkerModel) -> None:
    stage, generator = golden(f"codetalker_{dataset}_stage2"), model.generator
    features = generator.speech_features(torch.from_numpy(audio_f32(int(stage["num_samples"]), 1))[None])
    assert features.shape[1:] == tuple(stage["audio_feature_shape"])
    assert_close(features[0, ::7], stage["audio_features_rows7"], FEATURES)
    queries: list[Tensor] = []
    hook = generator.feat_map.register_forward_hook(lambda _m, _i, out: queries.append(out[0]))
    style = generator.learnable_style_emb.weight[None, :1]
    codes = torch.cat(list(generator.generate(features, style, model.codec)), dim=1)
    hook.remove()
    np.testing.assert_array_equal(codes[0], stage["style0_codes"])
    assert_close(queries[0], stage["style0_feat_map_step0"], FEATURES)
    assert_close(torch.cat(queries)[::9], stage["style0_feat_map_last_rows9"], FEATURES)
    spoken = model.codec.decode(codes)[0].numpy() + template(dataset)
    assert_close(vertices(spoken, stage, 2), stage["style0_sub"], VERTICES)
    assert_close(vertices(spoken[-1:], stage)[0], stage["style0_last_sub"], VERTICES)
    assert_close(spoken.mean(1, dtype=np.float64), stage["style0_mean"], VERTICES)


@pytest.mark.slow
def test_two_speakers_mixed(dataset: str, model: CodetalkerModel) -> None:
    stage, pipeline = golden(f"codetalker_{dataset}_stage2"), CodetalkerPipeline(model)
    motion = pipeline.generate(audio_f32(8000, 1), style=speaker_style("0:0.3+1:0.7", pipeline.speakers))
    spoken = motion.values + template(dataset)
    assert_close(vertices(spoken, stage), stage["interp_03_style0_style1_8000_sub"], VERTICES)

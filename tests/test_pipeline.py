# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows: what must hold for speech of any length, fed in any pieces."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from artalk.core.artalk.config import ArtalkConfig, AudioEncoderConfig, CodecConfig, GeneratorConfig, StyleConfig
from artalk.core.artalk.model import ArtalkModel
from artalk.core.artalk.pipeline import ArtalkPipeline
from artalk.core.artalk.windows import frame_count, streamed_frame_count
from artalk.core.basis import FLAME, HEAD_ROTATION
from artalk.core.motion import Motion
from golden.fill import audio_f32
from hypothesis import given, settings
from hypothesis import strategies as st

WINDOW = 6400


@pytest.fixture(scope="module")
def pipeline() -> ArtalkPipeline:
    """A tiny model with windows of 10 frames, so that many windows cost little."""
    torch.manual_seed(0)
    audio = {
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 16,
        "conv_dim": [16] * 7,
        "num_conv_pos_embedding_groups": 2,
    }
    config = ArtalkConfig(
        audio=AudioEncoderConfig("wav2vec2", 16, audio),
        codec=CodecConfig(code_dim=8, scales=(1, 2, 5, 10), width=16, depth=1, heads=2),
        generator=GeneratorConfig(16, 1, 2),
        style=StyleConfig(16, 1, 2, 16),
    )
    assert config.window_samples == WINDOW
    return ArtalkPipeline(ArtalkModel(config))


def style() -> Motion:
    return Motion(np.ones((20, len(FLAME)), np.float32), FLAME, 25.0)


def test_head_gain_turns_the_head_further_and_nothing_else(pipeline: ArtalkPipeline) -> None:
    louder = ArtalkPipeline(pipeline.model)
    louder.config = replace(pipeline.config, head_gain=2.0)
    plain, turned = (each.generate(audio_f32(2 * WINDOW)).values for each in (pipeline, louder))
    expected = plain.copy()
    expected[:, FLAME.indices(HEAD_ROTATION)] *= 2
    assert np.ptp(plain[:, FLAME.indices(HEAD_ROTATION)]) > 0
    assert np.array_equal(turned, expected)


@given(st.integers(1, 10**9))
def test_frames_are_never_too_few_and_at_most_one_too_many(samples: int) -> None:
    exact = -(-samples * 25 // 16000)
    assert exact <= frame_count(samples) <= exact + 1
    assert abs(streamed_frame_count(samples) - frame_count(samples)) <= 1


@settings(max_examples=12, deadline=None)
@given(st.integers(1, 4 * WINDOW))
def test_motion_has_the_frames_of_its_audio(pipeline: ArtalkPipeline, samples: int) -> None:
    motion = pipeline.generate(audio_f32(samples))
    assert len(motion) == frame_count(samples)
    assert np.isfinite(motion.values).all()


@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(0, 2 * WINDOW), min_size=1, max_size=6), st.booleans())
def test_a_stream_of_any_pieces_equals_the_whole(pipeline: ArtalkPipeline, sizes: list[int], styled: bool) -> None:
    audio = audio_f32(sum(sizes) + 1)
    stream = pipeline.stream(style() if styled else None)
    ends = np.cumsum([0, *sizes, 1])
    pieces = [stream.feed(audio[a:b]).values for a, b in pairwise(ends.tolist())]
    whole = pipeline.generate(audio, style=style() if styled else None)
    np.testing.assert_array_equal(np.concatenate([*pieces, stream.finish().values]), whole.values)


@settings(max_examples=5, deadline=None)
@given(st.integers(1, 3), st.integers(1, WINDOW))
def test_later_audio_does_not_change_earlier_windows(pipeline: ArtalkPipeline, windows: int, more: int) -> None:
    audio = audio_f32(windows * WINDOW + more)
    early = pipeline.generate(audio[: windows * WINDOW])
    np.testing.assert_array_equal(pipeline.generate(audio).values[: len(early)], early.values)


def test_every_window_knows_the_one_before(pipeline: ArtalkPipeline) -> None:
    audio = audio_f32(2 * WINDOW)
    alone = pipeline.generate(audio[WINDOW:]).values
    assert not np.array_equal(pipeline.generate(audio).values[len(alone) :], alone)


def test_style_changes_the_motion_and_the_same_call_gives_the_same(pipeline: ArtalkPipeline) -> None:
    audio = audio_f32(WINDOW)
    plain, styled = pipeline.generate(audio), pipeline.generate(audio, style=style())
    assert not np.array_equal(plain.values, styled.values)
    np.testing.assert_array_equal(plain.values, pipeline.generate(audio, seed=5).values)


def test_progress_ends_at_one_and_only_grows(pipeline: ArtalkPipeline) -> None:
    done: list[float] = []
    pipeline.generate(audio_f32(3 * WINDOW + 1), progress=done.append)
    assert done == [0.25, 0.5, 0.75, 1.0]


def test_the_audio_given_is_left_as_it_was(pipeline: ArtalkPipeline) -> None:
    audio = audio_f32(WINDOW)
    before = audio.copy()
    pipeline.generate(audio)
    np.testing.assert_array_equal(audio, before)


def test_a_stream_that_was_never_fed_gives_nothing(pipeline: ArtalkPipeline) -> None:
    assert len(pipeline.stream().finish()) == 0


def test_loudness_alone_changes_no_feature_since_each_window_is_normalised(pipeline: ArtalkPipeline) -> None:
    audio = torch.from_numpy(audio_f32(2 * WINDOW))
    with torch.inference_mode():
        loud = list(pipeline.model.encoder.encode_clip(audio, WINDOW))
        quiet = list(pipeline.model.encoder.encode_clip(audio / 4, WINDOW))
    torch.testing.assert_close(torch.stack(quiet), torch.stack(loud), atol=1e-3, rtol=0)

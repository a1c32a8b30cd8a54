# SPDX-License-Identifier: GPL-3.0-or-later
"""The log-mel encoder: alignment, independence of level and of how a clip is cut, silence stays quiet."""

import numpy as np
import pytest
import torch
from artalk.core.artalk import log_mel
from artalk.core.artalk.log_mel import LogMelEncoder, mel_power, normalise
from artalk.core.artalk.mel import HOP, LOUDNESS_SPAN, mel_matrix
from artalk.core.artalk_numpy import log_mel as numpy_log_mel

WINDOW = 64000
REFERENCE = torch.full((64,), -6.0)


@pytest.fixture(scope="module")
def encoder():
    torch.manual_seed(0)
    return LogMelEncoder(32, blocks_50=6, blocks_25=4).eval()


@pytest.fixture(scope="module")
def listener():
    torch.manual_seed(0)
    return LogMelEncoder(32, blocks_50=3, blocks_25=3, moonshine_layers=1, moonshine_width=32).eval()


def voice_like(seconds, seed=0):
    """Bursts of harmonic sound with pauses."""
    rng = np.random.default_rng(seed)
    time = np.arange(int(seconds * 16000)) / 16000
    tone = sum(np.sin(2 * np.pi * 120 * k * time) / k for k in range(1, 20))
    points = np.arange(round(seconds / 0.2) + 2)
    bursts = np.interp(time / 0.2, points, (rng.random(len(points)) > 0.4).astype(float))
    return torch.from_numpy((0.1 * tone * bursts).astype(np.float32))


def encode(encoder, audio):
    with torch.inference_mode():
        return torch.cat(list(encoder.encode_clip(audio, WINDOW)))


def test_a_click_is_in_the_frame_of_its_time():
    audio = torch.zeros(16000)
    audio[50 * HOP] = 1.0
    power = mel_power(audio, torch.from_numpy(mel_matrix(64))).sum(1)
    assert len(power) == 100
    assert int(power.argmax()) == 50


def test_a_tone_is_in_its_band():
    tone = torch.sin(2 * torch.pi * 1000 * torch.arange(16000) / 16000)
    band = int(mel_power(tone, torch.from_numpy(mel_matrix(64)))[50].argmax())
    weights = mel_matrix(64)[:, band]
    assert abs((weights * np.arange(len(weights))).sum() / weights.sum() * 31.25 - 1000) < 40


def test_the_formula_in_numpy_gives_the_same():
    audio = voice_like(1.0)
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(audio.numpy().astype(np.float64), 200), 400)[::HOP][:100]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400)
    expected = np.abs(np.fft.rfft(frames * window, 512)) ** 2 / 512 @ mel_matrix(64)
    np.testing.assert_allclose(
        mel_power(audio, torch.from_numpy(mel_matrix(64))).numpy(), expected, rtol=1e-3, atol=1e-9
    )


@pytest.mark.parametrize("gain", [0.03, 0.3, 3.0])
def test_level_does_not_matter(encoder, listener, gain):
    audio = voice_like(8.0)
    for each in (encoder, listener):
        assert torch.allclose(encode(each, audio), encode(each, gain * audio), atol=2e-2)


def test_what_moonshine_hears_counts(listener):
    audio = voice_like(8.0)
    before = encode(listener, audio)
    hear = listener.moonshine.hear
    listener.moonshine.hear = lambda samples: torch.zeros_like(hear(samples))
    try:
        assert (encode(listener, audio) - before).abs().mean() > 0.05
    finally:
        listener.moonshine.hear = hear


def test_what_is_heard_stands_at_its_time(listener):
    """A burst changes Moonshine's features where it is; all of the encoder before and after it, by its reach alone."""
    noise = 1e-3 * torch.randn(16000 * 12, generator=torch.Generator().manual_seed(0))
    heard = []
    hear = listener.moonshine.hear
    listener.moonshine.hear = lambda samples: heard.append(hear(samples)) or heard[-1]
    burst = noise.clone()
    burst[96000:97600] += 0.1 * torch.sin(torch.arange(1600) * 0.3)  # from 6.0 to 6.1 s, in the second window
    try:
        encode(listener, burst)
    finally:
        del listener.moonshine.hear
    # the second window's features begin .56 s before 4 s
    loudest = heard[1].norm(dim=1).sub(heard[1].norm(dim=1).median()).abs()
    assert abs(int(loudest.argmax()) / 50 - (6.05 - 4 + 0.56)) < 0.1


def test_an_aside_is_raised_and_a_pause_is_not():
    matrix = torch.from_numpy(mel_matrix(64))
    noise = 1e-4 * torch.randn(16000 * 12, generator=torch.Generator().manual_seed(0))
    loud, quiet, pause = voice_like(4.0), 0.05 * voice_like(4.0), torch.zeros(64000)
    power = mel_power(torch.cat([loud, quiet, pause]) + noise, matrix)
    gain = log_mel.raised(power, power)
    assert gain[:200].abs().max() < 1e-4
    assert gain[500:700].min() > 2.5  # of the 3.7 that it lies under the limit, at most 3.5
    assert gain[1000:].abs().max() < 1e-4
    evenly = mel_power(loud + noise[:64000], matrix)
    assert not log_mel.raised(evenly, evenly).any()


@pytest.mark.parametrize("seed", range(3))
def test_numpy_raises_and_levels_as_torch_does(seed):
    power = torch.rand((600, 64), generator=torch.Generator().manual_seed(seed)) ** 6
    power[300:] *= 1e-3
    lift, loud = log_mel.raised(power[100:500], power), log_mel.loudness(power)
    ours = numpy_log_mel.raised(power[100:500].numpy(), power.numpy())
    assert ours == pytest.approx(lift.numpy(), abs=1e-4)
    assert numpy_log_mel.loudness(power.numpy()) == pytest.approx(float(loud), abs=1e-4)
    audio = torch.randn(400 * HOP, generator=torch.Generator().manual_seed(seed))
    levelled = log_mel.levelled(audio, lift, loud)
    assert levelled.abs().max() <= 1
    assert numpy_log_mel.levelled(audio.numpy(), lift.numpy(), loud.numpy()) == pytest.approx(levelled, abs=1e-5)


def test_silence_is_not_raised():
    speech = mel_power(voice_like(4.0), torch.from_numpy(mel_matrix(64)))
    loud = normalise(speech, speech, REFERENCE)
    silence = normalise(torch.zeros(400, 64), torch.zeros(400, 64), REFERENCE)
    assert silence.max() < loud.mean()


def test_windows_join_without_a_seam(encoder):
    """With the same loudness everywhere, cutting at windows changes nothing: the context covers all that is seen."""
    audio = voice_like(2.0).repeat(8)
    power = mel_power(audio, encoder.mel)
    edge = -(-encoder.context // 4)  # frames of which something beyond the ends would be heard
    off = 4 * edge - encoder.context
    mels = normalise(power, power, encoder.band_reference)[off : len(power) - off]
    with torch.inference_mode():
        whole = encoder(mels[None])[0]
    cut = encode(encoder, audio)
    assert cut.shape == (400, 32)
    assert torch.allclose(cut[edge:-edge], whole, atol=1e-3)


def test_a_long_clip_is_encoded_as_a_short_one_and_holds_few_windows(encoder):
    audio = voice_like(28.0)
    assert torch.allclose(encode(encoder, audio)[:300], encode(encoder, torch.cat([audio, audio]))[:300], atol=1e-5)
    long_clip = audio.repeat(4)
    held = []
    original = log_mel.normalise
    try:
        log_mel.normalise = lambda power, span, reference: held.append(len(span)) or original(power, span, reference)
        encode(encoder, long_clip)
    finally:
        log_mel.normalise = original
    assert max(held) == (2 * LOUDNESS_SPAN + 1) * 400

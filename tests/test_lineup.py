# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines of one character as one performance: gaps that live, no jumps, and neighbours alone change. Without Blender."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
from artalk.artalk_addon import lineup
from artalk.artalk_addon.line import Line, Rests
from artalk.artalk_addon.lineup import LineUp, Scene
from artalk.artalk_addon.plan import Curve
from artalk.core import generate as core_generate
from artalk.core.basis import ARKIT, HEAD_ROTATION
from artalk.core.generate import Options, Spoken, polish, speak
from artalk.core.motion import Motion
from artalk.core.polish.amounts import going_on
from artalk.core.polish.phrases import Phrase
from artalk.core.polish.prosody import Prosody
from artalk.core.polish.seals import SEALED_MM, lip_gap
from hypothesis import example, given, settings
from hypothesis import strategies as st

FPS = 24.0
RESTS = Rests(0.25, 0.4)
LIDS = ARKIT.indices(("eyeBlinkLeft", "eyeBlinkRight"))
HEAD = ARKIT.indices(HEAD_ROTATION)
CHANNELS = np.array(ARKIT.channels)
MOUTH = [name for name in ARKIT.channels if name.startswith(("jaw", "mouth"))]
NO_EYES = [n for n, name in enumerate(ARKIT.channels) if "_eye_" not in name and n not in LIDS]


def spoken(seconds=3.0, phase=0.0):
    """Speech whose mouth, brows and head move as fast as speech does, cut off amid it."""
    at = np.arange(round(seconds * 25)) / 25
    values = np.zeros((len(at), len(ARKIT)), np.float32)
    for name, size, hertz in (("jawOpen", 0.3, 3.0), ("browInnerUp", 0.2, 0.7), ("mouthPucker", 0.2, 2.0)):
        values[:, ARKIT.index(name)] = size * (1 + np.sin(2 * np.pi * hertz * at + phase)) / 2
    for number, column in enumerate(HEAD):
        values[:, column] = 0.12 * np.sin(2 * np.pi * (0.4 + 0.1 * number) * at + phase + number)
    steps = -(-len(at) // 25) * 50
    voice = Prosody([Phrase(0.1, seconds)], [], np.full(steps, -20.0), np.zeros(steps))
    return Spoken(Motion(values, ARKIT, 25.0), voice)


def line(strip, start, seconds=3.0, **options):
    return Line("Scene", strip, start, start, FPS, Options(**options), spoken(seconds, phase=hash_of(strip)))


def hash_of(strip):
    return float(sum(map(ord, strip)) % 7)


def line_up(lines, rests=RESTS, first=1, last=1):
    return LineUp(lines, rests, Scene(first, last, lambda _: {}))


def performed(lines, rests=RESTS, **scene):
    """Frame -> row of the whole line-up; each frame is one line's."""
    up = line_up(lines, rests, **scene)
    rows = {}
    for number in range(len(up.lines)):
        if not up.place(number):
            continue
        begin, motion = up.motion(number)
        for piece in up.place(number):
            for frame in range(piece.begin, piece.until + 1):
                assert frame not in rows, "a frame of two lines"
                rows[frame] = motion.values[frame - begin]
    frames = sorted(rows)
    return np.array(frames), np.array([rows[frame] for frame in frames])


def rms(values):
    return float(np.sqrt(np.mean(np.square(values))))


def head_speed(values):
    return np.degrees(np.linalg.norm(np.diff(values[:, HEAD], axis=0), axis=1)) * FPS


# (start, length) in quarters of a second: nested, deep in each other, with equal ends, several at once, short and apart
PLACES = st.lists(st.tuples(st.integers(0, 48), st.integers(1, 16)), min_size=2, max_size=6)


def placed(places):
    return [line(f"strip {n}", 50 + start * FPS / 4, length / 4) for n, (start, length) in enumerate(places)]


@given(PLACES)
@example([(0, 12), (8, 4)])
@example([(0, 16), (4, 4), (12, 4), (14, 2)])
@settings(max_examples=25, deadline=None)
def test_nothing_jumps_between_lines_and_the_head_is_no_faster_there(places):
    lines = placed(places)
    frames, values = performed(lines)
    assert np.array_equal(frames, np.arange(frames[0], frames[-1] + 1)), "one performance without a hole"
    alone = [polish(each.spoken.raw, each.spoken.voice, replace(each.options, fps=FPS)) for each in lines]
    largest = np.max([np.abs(np.diff(motion.values, axis=0)).max(axis=0) for motion in alone], axis=0)
    steps = np.abs(np.diff(values, axis=0)).max(axis=0)
    # two recordings that were cut together amid the speech: lips go from one to the other as fast as lips go
    allowed = np.maximum(1.1 * largest + 0.06, np.where(np.isin(CHANNELS, MOUTH), 0.25, 0))
    assert not [name for name in CHANNELS[NO_EYES] if (steps > allowed)[ARKIT.index(name)]]
    speed, border = head_speed(values), np.zeros(len(frames) - 1, bool)
    for each in lines:
        for frame in (each.start, each.end):
            border |= np.abs(frames[:-1] - frame) < 0.5 * FPS
    elsewhere = np.concatenate([head_speed(motion.values) for motion in alone])
    # 12 degrees a second is a gentle turn, which lines of a moment have none of themselves
    assert rms(speed[border]) <= max(1.1 * rms(elsewhere), 12)
    assert speed.max() < elsewhere.max() + 20
    shapes = values[:, : ARKIT.index("head_x")]
    assert shapes.min() >= 0
    assert shapes.max() <= 1


@given(PLACES)
@example([(10, 4), (5, 10)])
@settings(max_examples=25, deadline=None)
def test_closures_of_who_speaks_stay(places):
    up = line_up(placed(places))
    frames, values = performed(up.lines)
    gap = dict(zip(frames.tolist(), lip_gap(Motion(values, ARKIT, FPS)), strict=True))
    for number, each in enumerate(up.lines):
        alone = lip_gap(polish(each.spoken.raw, each.spoken.voice, replace(each.options, fps=FPS)))
        shut = {int(each.start) + row for row in np.flatnonzero(alone <= SEALED_MM)}
        for piece in up.place(number):
            said = shut & set(range(piece.first, piece.last + 1))
            assert max((gap[frame] for frame in said), default=0) <= SEALED_MM + 1e-3


@given(PLACES, st.randoms(use_true_random=False))
@example([(0, 1), (2, 2), (4, 9), (0, 1), (13, 1)], random.Random(4))
@example([(0, 1), (11, 12), (17, 1), (0, 1), (0, 1), (22, 1)], random.Random(4))
@settings(max_examples=25, deadline=None)
def test_the_order_in_which_lines_come_changes_nothing(places, order):
    """Written one by one, each with those near it, lines are as written all at once."""
    lines = placed(places)
    whole = line_up(lines)
    wanted = {each.name: whole.motion(n)[1].values for n, each in enumerate(whole.lines) if whole.place(n)}
    there, rows, places = [], {}, {}
    for fresh in order.sample(lines, len(lines)):
        there.append(fresh)
        now = line_up(there)
        moved = {each.name for n, each in enumerate(now.lines) if places.get(each.name) != now.place(n)}
        for n, each in enumerate(now.lines):
            places[each.name] = now.place(n)
            if each.name in now.near(moved | {fresh.name}):
                rows[each.name] = now.motion(n)[1].values if now.place(n) else None
    for name, values in wanted.items():
        np.testing.assert_array_equal(rows[name], values)


def test_only_neighbours_change():
    lines = [line(f"strip {n:03}", 10 + 100.0 * n) for n in range(200)]
    assert line_up(lines).near({lines[100].name}) == {each.name for each in lines[98:103]}


def test_a_line_by_itself_is_as_without_others():
    one = line("a", 51.0)
    frames, values = performed([one])
    alone = polish(one.spoken.raw, one.spoken.voice, replace(one.options, fps=FPS))
    np.testing.assert_allclose(values[(frames >= 51) & (frames <= one.end)], alone.values, atol=1e-6)
    assert not values[frames == 45][:, NO_EYES[:-3]].any(), "comes from rest"
    assert not values[0].any()
    assert not values[-1].any()


def test_speech_is_the_same_whatever_follows():
    one = line("a", 51.0)
    alone = polish(one.spoken.raw, one.spoken.voice, replace(one.options, fps=FPS)).values
    for after in (line("b", 130.0), line("b", 400.0)):
        frames, values = performed([one, after])
        now = values[(frames >= 51) & (frames <= one.end)]
        # the last moments may look ahead: a breath before the next words
        np.testing.assert_allclose(now[:-24], alone[: len(now) - 24], atol=1e-6)


def gap_of(rests=RESTS, seconds=20.0, seed=0, **options):
    """The frames between two lines, without the ways from and to the speech."""
    one = line("a", 51.0, seed=seed, **options)
    two = line("b", one.end + seconds * FPS, seed=seed, **options)
    frames, values = performed([one, two], rests)
    return values[(frames > one.end + 12) & (frames < two.start - 12)]


def blinks(values):
    shut = values[:, LIDS[0]] > 0.5
    return int(np.count_nonzero(shut[1:] & ~shut[:-1]))


def test_a_gap_is_alive():
    """Blinks as in silence, a head that is nearly still but not dead, eyes that look about, a mouth at rest."""
    gaps = [gap_of(seed=seed) for seed in range(12)]
    seconds = sum(map(len, gaps)) / FPS
    assert 10 < sum(map(blinks, gaps)) / seconds * 60 < 21
    assert all(2 <= blinks(gap) <= 10 for gap in gaps)
    speed = np.concatenate([head_speed(gap) for gap in gaps])
    assert 0.3 < np.median(speed) < 4
    assert np.mean(speed > 2) < 0.4
    eyes = np.degrees(np.concatenate([gap[:, ARKIT.index("left_eye_y")] for gap in gaps]))
    assert 0.5 < eyes.std() < 12
    mouth = ARKIT.indices([name for name in ARKIT.channels if name.startswith(("mouth", "tongue"))])
    assert max(gap[:, mouth].max() for gap in gaps) < 1e-6
    assert max(gap[:, ARKIT.index("browInnerUp")].max() for gap in gaps) < 0.05


def test_idle_is_an_amount():
    assert not np.diff(gap_of(replace(RESTS, idle=0.0))[24:-36], axis=0).any()
    assert blinks(gap_of(blinks=0.0)) == 0
    none, half, whole = (gap_of(replace(RESTS, idle=idle))[:-60] for idle in (0.0, 0.5, 1.0))
    np.testing.assert_allclose(half, (none + whole) / 2, atol=0.01)
    assert not np.allclose(none, whole, atol=0.1)


def test_lives_before_the_first_line_and_after_the_last_if_wanted():
    one = line("a", 301.0)
    frames, values = performed([one], replace(RESTS, ends=True), first=1, last=700)
    assert (frames[0], frames[-1]) == (1, 700)
    assert blinks(values[frames < 290]) > 0
    assert blinks(values[frames > 400]) > 0
    frames, _ = performed([one], RESTS, first=1, last=700)
    assert frames[0] > 200
    assert frames[-1] < 420


def test_a_line_taken_away_gives_its_room_back():
    lines = [line("a", 51.0), line("b", 200.0), line("c", 350.0)]
    without = performed([lines[0], lines[2]])
    assert blinks(without[1][(without[0] > 140) & (without[0] < 340)]) > 0
    up = line_up(lines)
    assert up.place(0)[0].until == 199
    assert line_up([lines[0], lines[2]]).place(0)[0].until == 349


def test_no_rest_before_the_scene_begins():
    frames, values = performed([line("a", 5.0)], first=3)
    assert frames[0] == 3
    frames, values = performed([line("a", 1.0)])
    assert frames[0] == 1
    assert values[0].any(), "no time to come from rest"


def test_lines_without_layers_are_left_as_they_are():
    bare = line("b", 200.0, post="none")
    frames, values = performed([line("a", 51.0), bare])
    np.testing.assert_allclose(values[frames >= 200][0], bare.spoken.raw.values[0], atol=1e-6)
    assert not values[frames == 199].any(), "the other has gone back to rest"


def test_the_one_that_begins_later_speaks_and_the_other_goes_on_after_it():
    long, short = line("a", 51.0, 6.0), line("b", 100.0, 1.0)
    up = line_up([long, short])
    assert [(piece.first, piece.last) for piece in up.place(0)] == [(51, 99), (124, 194)]
    assert [(piece.first, piece.last) for piece in up.place(1)] == [(100, 123)]
    hidden = line("c", 100.0, 1.0)
    over = line("d", 99.0, 0.5), line("e", 100.5, 2.0)
    assert line_up([hidden, *over]).place(1) == (), "others speak in all of it"
    performed([hidden, *over])


def test_keys_that_change_nothing_are_left_out_of_a_rest():
    two = [line("a", 51.0), line("b", 400.0)]
    up = line_up(two, replace(RESTS, idle=0.0))
    begin, motion = up.motion(0)
    jaw = motion.channel("jawOpen")
    at = np.arange(begin, begin + len(jaw), dtype=np.float32)
    curve = Curve("shapes", "x", 0, "artalk", at, jaw, ((51.0, 399.0),))
    frames = lineup.shown(curve, up.place(0)).frames
    assert len(frames[(frames > 140) & (frames < 394)]) == 0
    assert frames[-1] == 399
    np.testing.assert_allclose(np.interp(at, frames, jaw[(frames - begin).astype(int)]), jaw, atol=1e-6)


def test_what_moves_at_the_end_of_speech_comes_to_a_stop():
    motion = spoken().raw
    after = going_on(motion, 1.0, 0.4, 1.0, HEAD_ROTATION).values[len(motion) :]
    before = np.diff(motion.values[-2:, HEAD], axis=0)[0]
    first = after[0, HEAD] - motion.values[-1, HEAD]
    assert np.allclose(first, before, atol=0.15 * np.abs(before).max())
    assert np.allclose(after[-1, HEAD], after[-2, HEAD])
    assert not after[-1, ARKIT.index("jawOpen")]


def test_what_was_said_before_is_heard_and_is_not_in_the_result(monkeypatch):
    heard = []

    class Model:
        def generate(self, audio, **_):
            heard.append(audio)
            return Motion(np.arange(len(audio) // 640, dtype=np.float32)[:, None] * np.ones(len(ARKIT)), ARKIT, 25.0)

    monkeypatch.setattr(core_generate, "load_model", lambda _: Model())
    audio, before = np.full(32000, 0.1, np.float32), np.full(64000, 0.2, np.float32)
    alone, after = speak(audio, Options()), speak(audio, Options(), before=before)
    assert [len(each) for each in heard] == [32000, 96000]
    assert len(after.raw) == len(alone.raw) == 50
    assert after.raw.values[0, 0] == 100
    assert after.voice.phrases == alone.voice.phrases
    assert {name for name in after.raw.meta if alone.raw.meta.get(name) != after.raw.meta[name]} == {"before_sha256"}
    assert speak(audio, Options(), before=before[:0]).raw.meta == alone.raw.meta

# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables of mouth scores: systems side by side, a model group by group, and under other conditions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from .clips import Clip
from .conditions import CONDITIONS, Condition
from .goals import GOALS, at_least, goal_columns
from .mouth import MouthTracks
from .pauses import quiet_pauses
from .scorer import Span, pause_middles, rest_in_pauses, score
from .systems import Measure, Recordings, say_progress
from .tables import Cell, Mark, Table

COMPARED = (
    "overall", "bilabial_recall", "bilabial_f1", "false_seal", "fv_f1", "openness_rho", "vowel_rho", "round_auc",
    "sibilant_jaw", "silence_closed", "lag_ms",
)  # fmt: skip
WORST_LOSS = at_least(-0.05, -0.05)
"""How much of each measure a noise may cost."""
Tracks = Mapping[str, MouthTracks]


def main_groups(clips: Sequence[Clip]) -> dict[str, list[Clip]]:
    """English with the clips without speech, and the other languages together, where there are any."""
    english = [clip for clip in clips if clip.language.startswith("en") or clip.kind != "speech"]
    others = [clip for clip in clips if clip not in english]
    return {name: group for name, group in (("english", english), ("other languages", others)) if group}


def side_by_side(
    group: str, clips: Sequence[Clip], systems: Mapping[str, Tracks], judged: str, recordings: Recordings
) -> Table:
    """All measures of each system on some clips; those of the system `judged` carry marks.

    `silence_quiet` is `silence_closed` without what the recordings do not bear out of the pauses (`pauses`). Goals and
    the known figures of Rhubarb stand beside English only, for which they hold.
    """
    quiet = {clip.id: quiet_pauses(clip, recordings[clip.id]) for clip in clips}
    scores = {name: _with_quiet_pauses(clips, quiet, tracks) for name, tracks in systems.items()}
    rows: dict[str, dict[str, Cell]] = {}
    marks: dict[tuple[str, str], Mark] = {}
    for metric in scores[judged]:
        rows[metric] = {name: found.get(metric, float("nan")) for name, found in scores.items()}
        if group == "english":
            rows[metric] |= goal_columns(metric)
        if group == "english" and metric in GOALS:
            marks[metric, judged] = GOALS[metric].mark(scores[judged][metric])
    notes = ["(Rhubarb): as known of the project's development recordings."] if group == "english" else []
    labelled = _seconds(span for clip in clips if clip.kind == "speech" for span in pause_middles(clip))
    loud = labelled - _seconds(span for spans in quiet.values() for span in spans)
    if loud > 0.05:
        notes.append(f"silence_quiet: without {loud:.1f} of {labelled:.1f} s of pauses, which are as loud as speech.")
    return Table(f"{group}: {len(clips)} clips", rows, marks, " ".join(notes))


def _seconds(spans: Iterable[Span]) -> float:
    return sum(end - first for first, end in spans)


def _with_quiet_pauses(clips: Sequence[Clip], quiet: Mapping[str, Sequence[Span]], tracks: Tracks) -> dict[str, float]:
    """All measures, `silence_quiet` after `silence_closed`."""
    found = {}
    for metric, value in score(clips, tracks).items():
        found[metric] = value
        if metric == "silence_closed":
            found["silence_quiet"] = rest_in_pauses(clips, quiet, tracks)
    return found


def by_group(clips: Sequence[Clip], tracks: Tracks) -> Table:
    """One system's measures for each language, set and kind of the clips."""
    groups: dict[str, list[Clip]] = {}
    for clip in clips:
        if clip.kind == "speech":
            names = [f"language {clip.language or '?'}", f"set {clip.group or '?'}"]
        else:
            names = [f"kind {clip.kind}"]
        for name in names:
            groups.setdefault(name, []).append(clip)
    rows: dict[str, dict[str, Cell]] = {}
    for name, members in sorted(groups.items(), key=lambda item: (item[1][0].kind != "speech", item[0])):
        found = score(members, tracks)
        kept = COMPARED if members[0].kind == "speech" else [f"closed_{members[0].kind}"]
        rows[name] = {"clips": len(members), **_picked(found, kept)}
    return Table("by language, set and kind", rows)


def by_condition(
    clips: Sequence[Clip], recordings: Recordings, measure: Measure, conditions: Sequence[Condition] = CONDITIONS
) -> list[Table]:
    """For each main group: the speech as it is, then altered, with the difference of `overall`.

    Marks say which measures a noise, a telephone or a room costs more than `WORST_LOSS`.
    """
    spoken = [clip for clip in clips if clip.kind == "speech"]
    heard = {"clean": (spoken, {clip.id: measure(clip, recordings[clip.id]) for clip in spoken})}
    for number, condition in enumerate(conditions, 1):
        altered = [condition.apply(clip, recordings[clip.id]) for clip in spoken]
        heard[condition.name] = (
            [clip for clip, _ in altered],
            {clip.id: measure(clip, samples) for clip, samples in altered},
        )
        say_progress("conditions", number, len(conditions))
    noises = {condition.name for condition in conditions if condition.noise}
    return [_conditions_table(group, heard, noises) for group in main_groups(spoken)]


def _conditions_table(
    group: str, heard: Mapping[str, tuple[list[Clip], dict[str, MouthTracks]]], noises: set[str]
) -> Table:
    rows: dict[str, dict[str, Cell]] = {}
    marks: dict[tuple[str, str], Mark] = {}
    scores = {name: score(main_groups(clips)[group], tracks) for name, (clips, tracks) in heard.items()}
    clean = scores["clean"]
    for name, found in scores.items():
        rows[name] = {"change": found["overall"] - clean["overall"], **_picked(found, COMPARED)}
        if name in noises:
            marks |= {(name, metric): mark for metric, mark in _marks(found, clean).items()}
    lost = [
        f"{name} {metric} {GOALS[metric].loss(scores[name][metric], clean[metric]):.3f}"
        for (name, metric), mark in marks.items()
        if mark == "missed" and metric != "change"
    ]
    note = "Change of `overall` from clean; a noise, telephone or room may cost each measure .05."
    return Table(f"conditions, {group}", rows, marks, f"{note} These cost more: {', '.join(lost)}." if lost else note)


def _marks(found: Mapping[str, float], clean: Mapping[str, float]) -> dict[str, Mark]:
    """Of what could be measured of clean speech, but for lag, which is no share of anything."""
    shares = [metric for metric in COMPARED if metric != "lag_ms" and not math.isnan(clean.get(metric, math.nan))]
    marks = {metric: WORST_LOSS.mark(-GOALS[metric].loss(found[metric], clean[metric])) for metric in shares}
    return {**marks, "change": marks["overall"]}


def _picked(found: Mapping[str, float], metrics: Sequence[str]) -> dict[str, Cell]:
    return {metric: found.get(metric, float("nan")) for metric in metrics}

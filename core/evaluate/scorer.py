# SPDX-License-Identifier: GPL-3.0-or-later
"""Score mouth tracks against the phones that were spoken.

Every metric is defined at its function. All tracks are interpolated to 100 Hz first. *Sealed* is a lip gap of at most
1 mm, *at rest* at most 2 mm, the *middle* of a phone its central half, *P95* the 95th percentile of a channel over the
time of all phones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..phones import BILABIALS, CHANNELS, LABIODENTALS, Articulation, articulate, is_silence, lookup
from .clips import Clip
from .mouth import MouthTracks

Array = NDArray[np.float64]

RATE = 100.0
BESIDE_SPEECH = 0.15
"""Seconds of a pause beside speech that are not measured."""
TOLERANCE = 0.04
SEALED_MM, REST_MM = 1.0, 2.0
FV_ON = 0.4
_APERTURE, _ROUND = CHANNELS.index("aperture"), CHANNELS.index("round")
_LAGS = np.arange(-20, 21)
Span = tuple[float, float]
"""First and last second."""


@dataclass
class Counts:
    """Hits and chances, added up over clips."""

    closures: int = 0
    sealed: int = 0
    others: int = 0
    falsely_sealed: int = 0
    fv: int = 0
    fv_made: int = 0
    fv_others: int = 0
    fv_false: int = 0
    sibilants: int = 0
    sibilants_closed: int = 0
    pause: int = 0
    pause_at_rest: int = 0


@dataclass
class Evidence:
    """What is collected over all clips before the metrics are worked out."""

    counts: Counts = field(default_factory=Counts)
    openness: list[tuple[float, int]] = field(default_factory=list)
    vowels: list[tuple[float, int]] = field(default_factory=list)
    rounded: list[float] = field(default_factory=list)
    unrounded: list[float] = field(default_factory=list)
    jerk: list[float] = field(default_factory=list)
    lag: Array = field(default_factory=lambda: np.zeros(len(_LAGS)))
    lag_weight: float = 0.0
    at_rest: dict[str, list[float]] = field(default_factory=dict)


def score(clips: Sequence[Clip], tracks: Mapping[str, MouthTracks]) -> dict[str, float]:
    """All metrics over the clips that have tracks; nan where the clips hold nothing to measure one on.

    Keys: bilabial_recall/precision/f1, false_seal, fv_recall/precision/f1, openness_rho, vowel_rho, round_auc,
    sibilant_jaw, silence_closed, closed_KIND, lag_ms (positive: late), ref_corr, jerk_ratio, overall.
    """
    used = [clip for clip in clips if clip.id in tracks]
    resampled = {clip.id: _at_rate(tracks[clip.id], clip.duration) for clip in used}
    jaw_p95 = _percentile95([(clip, resampled[clip.id].jaw) for clip in used if clip.kind == "speech"])
    evidence = Evidence()
    for clip in used:
        mouth = resampled[clip.id]
        if clip.kind != "speech":
            evidence.at_rest.setdefault(clip.kind, []).append(float((mouth.aperture <= REST_MM).mean()))
            continue
        _collect_phones(clip, mouth, jaw_p95, evidence)
        _count_pauses(pause_middles(clip), mouth, evidence.counts)
        _collect_timing(clip, mouth, tracks[clip.id], evidence)
    return _metrics(evidence)


def _at_rate(tracks: MouthTracks, duration: float) -> MouthTracks:
    seconds = np.arange(int(np.floor(duration * RATE)) + 1) / RATE

    def resample(values: Array) -> Array:
        return np.interp(seconds, np.arange(len(values)) / tracks.fps, values)

    return MouthTracks(
        RATE, resample(tracks.aperture), resample(tracks.jaw), resample(tracks.round), resample(tracks.fv)
    )


def _percentile95(channels: Sequence[tuple[Clip, Array]]) -> float:
    spoken = [
        values[int(start * RATE) : int(end * RATE) + 1]
        for clip, values in channels
        for start, end, phone in clip.phones
        if lookup(phone)[0].kind != "sil"
    ]
    return max(float(np.percentile(np.concatenate(spoken), 95)), 1e-6) if spoken else 1.0


def _within(values: Array, start: float, end: float) -> Array:
    """The samples of [start, end] seconds, at least one."""
    first = max(0, round(start * RATE))
    return values[first : max(round(start * RATE) + 1, round(end * RATE) + 1)]


def _collect_phones(clip: Clip, mouth: MouthTracks, jaw_p95: float, evidence: Evidence) -> None:
    counts = evidence.counts
    parts = [lookup(phone) for _, _, phone in clip.phones]
    openness: list[tuple[float, float]] = []
    vowels: list[tuple[float, float]] = []
    for i, (start, end, _) in enumerate(clip.phones):
        first, length = parts[i][0], end - start
        neighbours = [parts[j][0] for j in (i - 1, i + 1) if 0 <= j < len(parts)]
        if first.kind == "sil":
            continue
        middle = (start + 0.25 * length, end - 0.25 * length)
        gap = float(_within(mouth.aperture, *middle).mean())
        wanted = float(np.mean([part.targets[_APERTURE] for part in parts[i]]))
        if first.dominance[_APERTURE] >= 0.3:
            openness.append((gap, wanted))
        if first.kind in ("vowel", "schwa"):
            vowels.append((gap, wanted))
        _count_closure(mouth.aperture, (start, end), first, neighbours, counts)
        _count_labiodental(mouth.fv, (start, end), first, neighbours, counts)
        if first.kind in ("sibilant", "hushing"):
            counts.sibilants += 1
            counts.sibilants_closed += bool(_within(mouth.jaw, *middle).min() <= 0.35 * jaw_p95)
        if first.kind in ("vowel", "schwa", "labiovelar"):
            rounding = max(part.targets[_ROUND] for part in parts[i])
            value = float(_within(mouth.round, *middle).mean())
            if rounding >= 0.55:
                evidence.rounded.append(value)
            elif rounding <= 0.05:
                evidence.unrounded.append(value)
    for pairs, correlations in ((openness, evidence.openness), (vowels, evidence.vowels)):
        if len(pairs) >= 5:
            correlations.append((spearman(*np.array(pairs).T), len(pairs)))


def pause_middles(clip: Clip) -> list[Span]:
    """What is measured of each pause of 250 ms or more: it less BESIDE_SPEECH, in seconds."""
    last = len(clip.phones) - 1
    middles = [
        (start + (BESIDE_SPEECH if i else 0), min(end - (BESIDE_SPEECH if i < last else 0), clip.duration))
        for i, (start, end, phone) in enumerate(clip.phones)
        if is_silence(phone) and end - start >= 0.25
    ]
    return [(first, end) for first, end in middles if end > first]


def rest_in_pauses(
    clips: Sequence[Clip], middles: Mapping[str, Sequence[Span]], tracks: Mapping[str, MouthTracks]
) -> float:
    """Share of the time at rest in these middles of pauses of the clips, by their ids; nan when there are none."""
    counts = Counts()
    for clip in clips:
        if clip.id in tracks:
            _count_pauses(middles[clip.id], _at_rate(tracks[clip.id], clip.duration), counts)
    return _ratio(counts.pause_at_rest, counts.pause)


def _count_pauses(middles: Sequence[Span], mouth: MouthTracks, counts: Counts) -> None:
    """Time at rest in the middles of pauses."""
    for middle in middles:
        values = _within(mouth.aperture, *middle)
        counts.pause += len(values)
        counts.pause_at_rest += int((values <= REST_MM).sum())


def _count_closure(
    aperture: Array, span: tuple[float, float], part: Articulation, beside: Sequence[Articulation], counts: Counts
) -> None:
    """p b m: sealed at some moment within 40 ms of it; others: sealed somewhere in their middle is false."""
    start, end = span
    length = end - start
    if part.ipa in BILABIALS:
        counts.closures += 1
        counts.sealed += bool(_within(aperture, start - TOLERANCE, end + TOLERANCE).min() <= SEALED_MM)
    elif part.kind not in ("labiodental", "bilabial"):
        shortest = 0.10 if any(other.ipa in BILABIALS for other in beside) else 0.06
        if length >= shortest:
            counts.others += 1
            middle = _within(aperture, start + 0.25 * length, end - 0.25 * length)
            counts.falsely_sealed += bool(middle.min() <= SEALED_MM)


def _count_labiodental(
    contact: Array, span: tuple[float, float], part: Articulation, beside: Sequence[Articulation], counts: Counts
) -> None:
    """f v: lip on teeth at some moment within 40 ms; others: on the teeth on the mean of their middle is false."""
    start, end = span
    length = end - start
    if part.ipa in LABIODENTALS:
        counts.fv += 1
        counts.fv_made += bool(_within(contact, start - TOLERANCE, end + TOLERANCE).max() >= FV_ON)
    elif length >= (0.10 if any(other.kind == "labiodental" for other in beside) else 0.06):
        counts.fv_others += 1
        counts.fv_false += bool(_within(contact, start + 0.25 * length, end - 0.25 * length).mean() >= FV_ON)


def _collect_timing(clip: Clip, mouth: MouthTracks, own: MouthTracks, evidence: Evidence) -> None:
    """Cross-correlation of the lip gap with the articulation table's, and the ratio of their jerks at the own rate."""
    ideal = articulate(clip.phones, clip.duration, RATE)[:, _APERTURE]
    size = min(len(ideal), len(mouth.aperture))
    made, wanted = mouth.aperture - mouth.aperture.mean(), (ideal - ideal.mean())
    made, wanted = made[:size], wanted[:size]
    if made.std() <= 1e-9 or size <= 60:
        return
    for k, lag in enumerate(_LAGS):
        late, early = (made[lag:], wanted[: size - lag]) if lag >= 0 else (made[:lag], wanted[-lag:])
        if late.std() > 0 and early.std() > 0:
            evidence.lag[k] += size * float(np.corrcoef(late, early)[0, 1])
    evidence.lag_weight += size
    if len(own.aperture) > 8:
        table = articulate(clip.phones, clip.duration, own.fps)[:, _APERTURE]
        evidence.jerk.append(_jerk(own.aperture, own.fps) / _jerk(table, own.fps))


def _jerk(values: Array, fps: float) -> float:
    """RMS third difference per second cubed, over the range from the 5th to the 95th percentile."""
    low, high = np.percentile(values, (5, 95))
    return float(np.sqrt(np.mean(np.diff(values, 3) ** 2))) * fps**3 / max(float(high - low), 1e-6)


def _metrics(evidence: Evidence) -> dict[str, float]:
    counts = evidence.counts
    recall = _ratio(counts.sealed, counts.closures)
    precision = _ratio(counts.sealed, counts.sealed + counts.falsely_sealed, empty=0.0)
    fv_recall = _ratio(counts.fv_made, counts.fv)
    fv_precision = _ratio(counts.fv_made, counts.fv_made + counts.fv_false, empty=0.0)
    out = {
        "bilabial_recall": recall,
        "bilabial_precision": precision,
        "bilabial_f1": _f1(precision, recall),
        "false_seal": _ratio(counts.falsely_sealed, counts.others),
        "fv_recall": fv_recall,
        "fv_precision": fv_precision,
        "fv_f1": _f1(fv_precision, fv_recall),
        "openness_rho": _weighted(evidence.openness),
        "vowel_rho": _weighted(evidence.vowels),
        "round_auc": auc(evidence.rounded, evidence.unrounded),
        "sibilant_jaw": _ratio(counts.sibilants_closed, counts.sibilants),
        "silence_closed": _ratio(counts.pause_at_rest, counts.pause),
    }
    out |= {f"closed_{kind}": float(np.mean(values)) for kind, values in sorted(evidence.at_rest.items())}
    if evidence.lag_weight:
        out["lag_ms"] = _peak_lag(evidence.lag)
        out["ref_corr"] = float(evidence.lag.max() / evidence.lag_weight)
    out["jerk_ratio"] = float(np.median(evidence.jerk)) if evidence.jerk else float("nan")
    parts = [out["bilabial_f1"], max(out["openness_rho"], 0), out["silence_closed"], out["fv_f1"]]
    parts += [max(2 * out["round_auc"] - 1, 0), out["sibilant_jaw"]]
    out["overall"] = float(np.mean(np.nan_to_num(parts)))
    return out


def _peak_lag(correlation: Array) -> float:
    """Milliseconds at the top of the correlation, refined by a parabola through it and its neighbours."""
    k = int(np.argmax(correlation))
    offset = 0.0
    if 0 < k < len(correlation) - 1:
        before, top, after = correlation[k - 1 : k + 2]
        offset = 0.5 * (before - after) / (before - 2 * top + after - 1e-12)
    return float((_LAGS[k] + offset) * 1000 / RATE)


def spearman(a: Array, b: Array) -> float:
    """Rank correlation with ties at their mean rank; 0 where one side is constant."""
    from scipy.stats import rankdata

    ranks = rankdata(a), rankdata(b)
    if ranks[0].std() == 0 or ranks[1].std() == 0:
        return 0.0
    return float(np.corrcoef(*ranks)[0, 1])


def auc(positive: Sequence[float], negative: Sequence[float]) -> float:
    """Probability that a positive value is above a negative one, ties counting half."""
    if not positive or not negative:
        return float("nan")
    above, below = np.array(positive)[:, None], np.array(negative)[None]
    return float((above > below).mean() + 0.5 * (above == below).mean())


def _ratio(part: int, whole: int, empty: float = float("nan")) -> float:
    return part / whole if whole else empty


def _f1(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall) if precision + recall > 0 else 0.0


def _weighted(pairs: Sequence[tuple[float, int]]) -> float:
    if not pairs:
        return float("nan")
    values, weights = zip(*pairs, strict=True)
    return float(np.average(values, weights=weights))

# SPDX-License-Identifier: GPL-3.0-or-later
"""What a model is held to: for each measure what may ship and what is wanted, and what others reach."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from .tables import Cell, Mark

INF = math.inf


@dataclass(frozen=True)
class Goal:
    """Lowest and highest value that may ship, and that is wanted."""

    ship: tuple[float, float]
    goal: tuple[float, float]

    def mark(self, value: float) -> Mark:
        """How a value stands to both; what could not be measured has missed them."""
        if self.goal[0] <= value <= self.goal[1]:
            return "goal"
        return "ship" if self.ship[0] <= value <= self.ship[1] else "missed"

    def loss(self, value: float, before: float) -> float:
        """By how much a value is worse than it was before."""
        return before - value if self.goal[1] == INF else value - before


def at_least(ship: float, goal: float) -> Goal:
    """More is better."""
    return Goal((ship, INF), (goal, INF))


def at_most(ship: float, goal: float) -> Goal:
    """Less is better."""
    return Goal((-INF, ship), (-INF, goal))


GOALS: Mapping[str, Goal] = {
    "bilabial_recall": at_least(0.84, 0.95),
    "bilabial_f1": at_least(0.79, 0.92),
    "false_seal": at_most(0.06, 0.02),
    "fv_f1": at_least(0.74, 0.90),
    "openness_rho": at_least(0.53, 0.65),
    "vowel_rho": at_least(0.50, 0.70),
    "round_auc": at_least(0.90, 0.97),
    "sibilant_jaw": at_least(0.90, 0.95),
    "silence_closed": at_least(0.93, 0.98),
    "closed_noise": at_least(0.90, 0.98),
    "closed_music": at_least(0.60, 0.90),
    "lag_ms": Goal((-20, 20), (-10, 10)),
    "jerk_ratio": Goal((0.6, 1.4), (0.8, 1.2)),
    "overall": at_least(0.79, 0.90),
}

RHUBARB: Mapping[str, tuple[float, float]] = {
    "bilabial_recall": (0.80, 0.88),
    "bilabial_f1": (0.71, 0.77),
    "false_seal": (0.06, 0.05),
    "fv_f1": (0.84, 0.89),
    "openness_rho": (0.37, 0.41),
    "vowel_rho": (0.40, 0.43),
    "round_auc": (0.84, 0.90),
    "sibilant_jaw": (0.89, 0.92),
    "silence_closed": (0.84, 0.84),
    "closed_noise": (0.85, 0.85),
    "closed_music": (0.19, 0.17),
    "lag_ms": (-32, -36),
    "jerk_ratio": (2.8, 2.8),
    "overall": (0.72, 0.77),
}
"""Rhubarb Lip Sync without and with the transcript, on the project's English development recordings, its mouth shapes
scored as unitless tracks. Another set of recordings gives other figures: `--rhubarb` measures it there."""


def goal_columns(metric: str) -> dict[str, Cell]:
    """The columns that stand beside what was measured of a metric: Rhubarb as known, ship and goal."""
    if metric not in GOALS:
        return {}
    without, with_text = RHUBARB[metric]
    goal = GOALS[metric]
    return {
        "(Rhubarb)": without,
        "(Rhubarb + text)": with_text,
        "ship": _bound(goal.ship),
        "goal": _bound(goal.goal),
    }


def _bound(span: tuple[float, float]) -> str:
    low, high = span
    if high == INF:
        return f"≥ {low:g}"
    return f"≤ {high:g}" if low == -INF else f"{low:g} … {high:g}"

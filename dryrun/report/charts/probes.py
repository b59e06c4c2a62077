"""What answers earn that no model wrote: right ones that are paid least, others that are paid most."""

from __future__ import annotations

import altair as alt

from dryrun.analysis.probes.profile import Behaviour
from dryrun.core.text import figure
from dryrun.probes.result import GraderCheck, telling
from dryrun.report.charts.intervals import Looks, Row, interval_alt, interval_chart
from dryrun.report.charts.scores import BLUE, ORANGE

RIGHT, OTHER = "right answers", "wrong or none"
LOOKS: Looks = ((RIGHT, BLUE, "triangle-up"), (OTHER, ORANGE, "cross"))
MOST = 8
"""Rows of each kind."""


def scoreboard(check: GraderCheck) -> alt.LayerChart:
    """A row for each way to answer, with its 95 % interval; lines for right answers and the base model."""
    lines = ((RIGHT, check.ceiling), ("base model", check.base))
    return interval_chart(
        _rows(check), LOOKS, lines=tuple((words, at) for words, at in lines if at is not None)
    )


def scoreboard_alt(check: GraderCheck) -> str:
    """The same for screen readers."""
    return interval_alt("What answers earn", _rows(check))


def _rows(check: GraderCheck) -> list[Row]:
    right, other = telling(check, MOST)
    return [_row(behaviour, RIGHT) for behaviour in right] + [_row(behaviour, OTHER) for behaviour in other]


def _row(behaviour: Behaviour, side: str) -> Row:
    tips = (("Answer", behaviour.kind), ("Mean", figure(behaviour.mean)), ("Graded", f"{behaviour.count:,}"))
    return Row(behaviour.kind, side, behaviour.mean, behaviour.low, behaviour.high, tips=tips)

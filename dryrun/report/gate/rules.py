"""Whether a report lets a pipeline go on, rule by rule."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from dryrun.report.fields import Report
from dryrun.report.gate.baseline import Change

Conditions = Literal["pass", "fail"]
"""Whether a GO with conditions goes on."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing the gate looks at.

    Attributes
    ----------
    name : str
        ``"verdict"``, the code of a condition, or ``"baseline"``.
    passed : bool or None
        None where there is nothing to judge: an INVALID run, prompts that cannot be compared.
    words : str
        What was seen, in sentences.
    """

    name: str
    passed: bool | None
    words: str


@dataclass(frozen=True, slots=True)
class Ruling:
    """All rules over one report."""

    report: Report
    rules: tuple[Rule, ...]

    @property
    def passed(self) -> bool:
        """Whether training may start. What could not be judged does not pass."""
        return all(rule.passed for rule in self.rules)

    @property
    def failed(self) -> tuple[Rule, ...]:
        """The rules that stop it."""
        return tuple(rule for rule in self.rules if not rule.passed)

    @property
    def words(self) -> str:
        """Why it does not pass, and what to do next; one sentence where it does."""
        if self.passed:
            return f"The gate is open: {self.report.headline}."
        lines = [f"The gate is shut: {self.report.headline}."]
        lines += [f"  {rule.name}: {line}" for rule in self.failed for line in rule.words.splitlines()]
        return "\n".join(lines)


def rule(report: Report, *, conditions: Conditions = "pass", against: Change | None = None) -> Ruling:
    """Judge a report.

    Parameters
    ----------
    report : Report
    conditions : {"pass", "fail"}
        Whether a GO with conditions goes on.
    against : Change, optional
        What became of the baseline. "No worse": the verdict has not fallen, nothing new stands before
        training, and the share of prompts whose scores differ is not surely lower.
    """
    return Ruling(report, tuple(_rules(report, conditions, against)))


def _rules(report: Report, conditions: Conditions, against: Change | None) -> Iterator[Rule]:
    judged = None if report.verdict == "INVALID" else report.verdict == "GO"
    yield Rule("verdict", judged, "\n".join(_reasons(report)))
    for condition in report.diagnosis.conditions:
        step = condition.step[:1].upper() + condition.step[1:]
        yield Rule(condition.code, conditions == "pass", f"{step}. {condition.sentence}")
    if against is not None:
        comparable = None if against.mean is None else not against.worse
        yield Rule("baseline", comparable, "\n".join(filter(None, (against.worse, against.words))))


def _reasons(report: Report) -> Iterator[str]:
    yield report.diagnosis.summary
    if report.verdict == "GO":
        return
    yield from report.cause_lines
    yield from report.diagnosis.recommendations

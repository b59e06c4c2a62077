"""Whether a report lets a pipeline go on, rule by rule; and `assert_go`, the gate as one line of a test."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import orjson

from dryrun.core.errors import DryRunError
from dryrun.report.fields import Report, load_report
from dryrun.report.gate.baseline import Baseline, Change, answered_scores, change

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


class NotGoError(AssertionError):
    """The run does not pass the gate; the message says why and what to do."""


def assert_go(
    dry_run: Mapping[str, Any] | Report | str | Path,
    *,
    conditions: Conditions = "pass",
    baseline: str | Path | None = None,
) -> Report:
    """Pass silently where training may start, else fail with the causes and what to do.

    Parameters
    ----------
    dry_run : mapping, Report, or path
        What `run_dry_run` returned; a report, as an object, as a dict, or as the path of its JSON file.
    conditions : {"pass", "fail"}
        Whether a GO with conditions passes.
    baseline : path, optional
        The file of ``python -m dryrun gate --write-baseline``: the run must be no worse. Needs what
        `run_dry_run` returned, since a report alone does not have the scores of each prompt.

    Returns
    -------
    Report

    Raises
    ------
    NotGoError
        An `AssertionError`: NO-GO, INVALID, conditions that must fail, or worse than the baseline.
    DryRunError
        The report or the baseline cannot be read.
    """
    if conditions not in ("pass", "fail"):
        raise DryRunError(f"conditions={conditions!r}: write 'pass' or 'fail'.")
    report = _report(dry_run)
    ruling = rule(report, conditions=conditions, against=_against(dry_run, report, baseline))
    if not ruling.passed:
        raise NotGoError(ruling.words)
    return report


def _report(dry_run: Mapping[str, Any] | Report | str | Path) -> Report:
    if isinstance(dry_run, Report):
        return dry_run
    if isinstance(dry_run, Mapping):
        return load_report(orjson.dumps(dry_run.get("report", dry_run)))
    return read_report(Path(dry_run))


def read_report(path: Path) -> Report:
    """The report in a JSON file.

    Raises
    ------
    DryRunError
        It cannot be read, or is not a report.
    """
    try:
        return load_report(path.read_bytes())
    except OSError as error:
        raise DryRunError(
            f"{path}: cannot be read ({error.strerror}). Give the .json file that `run --out` wrote."
        ) from error


def _against(dry_run: object, report: Report, baseline: str | Path | None) -> Change | None:
    if baseline is None:
        return None
    if not isinstance(dry_run, Mapping) or "samples" not in dry_run:
        raise DryRunError(
            "A baseline is compared prompt by prompt: give assert_go what run_dry_run returned, or use "
            "`python -m dryrun gate RUN --baseline FILE`."
        )
    return change(Baseline.read(Path(baseline)), report, answered_scores(dry_run, report))

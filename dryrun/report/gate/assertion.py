"""`assert_go`: the gate as one line of a test."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from dryrun.core.errors import DryRunError
from dryrun.report.fields import Report
from dryrun.report.gate.baseline import Baseline, Change, answered_scores, change
from dryrun.report.gate.rules import Conditions, rule
from dryrun.report.load import load_report


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

"""``gate``: may a pipeline go on to training? For CI: exit code, JUnit XML, Markdown, a baseline."""

from __future__ import annotations

import argparse
from pathlib import Path

from dryrun.cli import options as shared
from dryrun.cli.output import new_file, write_out
from dryrun.core.errors import DryRunError
from dryrun.core.text import say
from dryrun.report import Report, report_of
from dryrun.report.gate.baseline import Baseline, Scores, change, stored_scores
from dryrun.report.gate.rules import read_report, rule
from dryrun.report.gate.summary import junit_xml, markdown_summary
from dryrun.store.results import load_results
from dryrun.store.runs import Run

SHUT = 1


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The options of ``gate``."""
    command.add_argument("run", help="a run's id, see `runs`, or the report.json that `run --out` wrote")
    command.add_argument(
        "--conditions",
        choices=("pass", "fail"),
        default="pass",
        help="what a GO with conditions does (default: %(default)s)",
    )
    command.add_argument(
        "--baseline", type=Path, metavar="FILE", help="fail also where the run is worse than this one"
    )
    command.add_argument(
        "--write-baseline",
        type=new_file((".json",)),
        metavar="FILE",
        help="write what later runs are held against, whatever the verdict",
    )
    command.add_argument("--junit", type=new_file((".xml",)), metavar="FILE", help="write JUnit XML")
    command.add_argument(
        "--summary",
        type=new_file((".md", ".markdown", "")),
        metavar="FILE",
        help="add a Markdown summary to this file, e.g. $GITHUB_STEP_SUMMARY",
    )
    shared.add_data(command)


def execute(options: argparse.Namespace) -> int:
    """Judge; 0 where training may start, 1 where not, 3 where too little was measured."""
    before = None if options.baseline is None else Baseline.read(options.baseline)
    report, scores = _measured(options)
    against = None if before is None or scores is None else change(before, report, scores)
    ruling = rule(report, conditions=options.conditions, against=against)
    say(ruling.words)
    if against is not None and against.words not in ruling.words:
        say(against.words)
    if options.write_baseline is not None and scores is not None:
        content = Baseline.of(report, scores).to_json().encode()
        write_out(options.write_baseline, content, "--write-baseline")
    if options.junit is not None:
        write_out(options.junit, junit_xml(ruling).encode(), "--junit")
    if options.summary is not None:
        _append(options.summary, markdown_summary(ruling))
    if ruling.passed:
        return 0
    return shared.EXIT_CODES["INVALID"] if report.verdict == "INVALID" else SHUT


def _measured(options: argparse.Namespace) -> tuple[Report, Scores | None]:
    """The report, as the file has it where one is given; and the scores where a baseline needs them."""
    path = Path(options.run)
    report = read_report(path) if path.suffix.lower() == ".json" else None
    if report is not None and options.baseline is None and options.write_baseline is None:
        return report, None
    results = load_results(Run.open(shared.store_of(options), report.run.id if report else options.run))
    return report or report_of(results), stored_scores(results)


def _append(path: Path, text: str) -> None:
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise DryRunError(f"--summary {path}: cannot be written ({error.strerror}).") from error

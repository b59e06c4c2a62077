"""``labels``: people's labels of a run's responses, out to a file or in from one."""

from __future__ import annotations

import argparse
from pathlib import Path

from dryrun.analysis.figures.agreement import agreement
from dryrun.analysis.verdict.sentences import agreement_words
from dryrun.cli import options as shared
from dryrun.cli.output import new_file, write_out
from dryrun.core.errors import text_of_file
from dryrun.core.text import note, say
from dryrun.core.thresholds import Thresholds
from dryrun.report.training_set.chosen import to_jsonl
from dryrun.store.labels import book_of, export_rows, labelled, named, parse_labels, to_csv
from dryrun.store.results import Results, load_results


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The options of ``labels``."""
    command.add_argument("--run", required=True, help="the run's id, see `runs`")
    command.add_argument(
        "--out", type=new_file((".jsonl", ".csv")), help="write the labels here: .jsonl or .csv"
    )
    command.add_argument(
        "--import",
        dest="source",
        type=Path,
        metavar="FILE",
        help="take over labels: JSONL with row, response (both from 1) and label (good, bad, unsure)",
    )
    command.add_argument("--by", default="", help="whose labels these are, for lines without a name")
    shared.add_data(command)


def execute(options: argparse.Namespace) -> int:
    """Take over, write, and say what the labels say."""
    results = load_results(shared.run_of(options))
    if options.source is not None:
        _take_over(results, options.source, named(options.by))
    if options.out is not None:
        _write(results, options.out)
    for sentence in _agreement_lines(results):
        say(sentence)
    return 0


def _take_over(results: Results, source: Path, by: str) -> None:
    content = text_of_file(source, "--import").encode()
    labels = parse_labels(content, results, by)
    book_of(results.run).add(labels)
    note(f"{len(labels):,} labels taken over from {source}.")


def _write(results: Results, out: Path) -> None:
    rows = export_rows(results, book_of(results.run).labels())
    content = to_csv(rows) if out.suffix.lower() == ".csv" else to_jsonl(rows)
    write_out(out, content)
    note(f"{len(rows):,} labels written to {out}.")


def _agreement_lines(results: Results) -> tuple[str, ...]:
    labels = labelled(results, book_of(results.run).labels())
    if labels is None:
        return ("Nobody has labelled a response of this run yet. Open it in the app, or use --import.",)
    return agreement_words(agreement(labels), labels, Thresholds())

"""``compare``: two stored runs side by side."""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.table import Table
from rich.text import Text

from dryrun.cli import options as shared
from dryrun.cli.terminal import consoles
from dryrun.report.comparison import Comparison, compare
from dryrun.report.comparison_text import compared_topic_rows, comparison_words, to_json, to_markdown
from dryrun.store.results import load_results
from dryrun.store.runs import Run


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The options of ``compare``."""
    command.add_argument("first", help="the run before: its id, see `runs`")
    command.add_argument("second", help="the run after")
    shared.add_output(command, (".json", ".md", ".markdown"), ".json or .md")


def execute(options: argparse.Namespace) -> int:
    """Print what differs; 0 whatever the verdicts are."""
    store, limits = shared.store_of(options), shared.thresholds(options.threshold, options.without)
    first, second = (load_results(Run.open(store, name)) for name in (options.first, options.second))
    found = compare(first, second, limits, evidence=options.rules == "evidence")
    console, _ = consoles()
    for sentence in comparison_words(found):
        console.print(Text(sentence), soft_wrap=True)
    if found.settings:
        console.print(_settings(found))
    if found.topics:
        console.print(_topics(found))
    if options.out is not None:
        _write(found, options.out)
    return 0


def _settings(found: Comparison) -> Table:
    table = Table(title="What differs", title_justify="left", title_style="bold")
    for column in ("Setting", "First", "Second"):
        table.add_column(column, overflow="fold")
    for one in found.settings:
        table.add_row(Text(one.name), Text(one.first), Text(one.second))
    return table


def _topics(found: Comparison) -> Table:
    table = Table(title="By topic", title_justify="left", title_style="bold")
    for column, side in (("Topic", "left"), ("First", "right"), ("Second", "right"), ("", "left")):
        table.add_column(column, justify="left" if side == "left" else "right")
    for topic in compared_topic_rows(found):
        words = f"{topic.before} → {topic.after}" if topic.flipped else topic.before
        table.add_row(
            Text(topic.topic or "(no topic)"), f"{topic.first:.2f}", f"{topic.second:.2f}", Text(words)
        )
    return table


def _write(found: Comparison, out: Path) -> None:
    text = to_markdown(found) if out.suffix.lower() in (".md", ".markdown") else to_json(found)
    shared.write_out(out, text.encode("utf-8"))

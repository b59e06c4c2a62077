"""``compare``: two stored runs side by side."""

from __future__ import annotations

import argparse

from rich.text import Text

from dryrun.cli import options as shared
from dryrun.cli.output import write_out
from dryrun.cli.terminal import consoles, printed_table
from dryrun.report.comparison import compare, comparison_outline, to_json, to_markdown
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
    comparison = compare(first, second, limits, evidence=options.rules == "evidence")
    console, _ = consoles()
    for section in comparison_outline(comparison):
        for line in section.lines:
            console.print(Text("".join(line)), soft_wrap=True)
        for table in section.tables:
            console.print(printed_table(section.title, table))
    if options.out is not None:
        text = to_json(comparison) if options.out.suffix.lower() == ".json" else to_markdown(comparison)
        write_out(options.out, text.encode("utf-8"))
    return 0

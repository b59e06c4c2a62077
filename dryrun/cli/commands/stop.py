"""``stop``: end a live run early and keep what is done."""

from __future__ import annotations

import argparse

from dryrun.cli import options as shared
from dryrun.core.errors import DryRunError
from dryrun.core.text import say
from dryrun.store.runs import Run, list_runs


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The options of ``stop``."""
    command.add_argument("run", nargs="?", help="the run's id (default: the one that is live)")
    shared.add_data(command)


def execute(options: argparse.Namespace) -> int:
    """Ask the process that works on the run to finish the calls in flight, judge, and end."""
    store = shared.store_of(options)
    live = [run for run in list_runs(store) if run.held()] if options.run is None else []
    if len(live) > 1:
        raise DryRunError(f"{len(live)} runs are live: name one of {', '.join(run.id for run in live)}.")
    if options.run is None and not live:
        raise DryRunError("No run is live in this data directory.")
    asked = live[0] if live else Run.open(store, options.run)
    if not asked.held():
        raise DryRunError("Nobody is working on this run; see what it found with `report`.")
    asked.stop_early()
    say(f"Run {asked.id} finishes the calls in flight and ends.")
    return 0

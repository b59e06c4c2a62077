"""``runs``: what is stored, newest first."""

from __future__ import annotations

import argparse

from dryrun.commands import options as shared
from dryrun.runs import list_runs


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The options of ``runs``."""
    shared.add_data(command)


def execute(options: argparse.Namespace) -> int:
    """Print one line a run."""
    for stored in list_runs(shared.store_of(options)):
        config, status = stored.config(), stored.status()
        print(
            f"{stored.id}  {status.state.value:11}  {status.graded:>6,}/{status.total:<6,}  "
            f"{config.dataset.name}  {config.model.name}"
        )
    return 0

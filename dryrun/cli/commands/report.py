"""``report``: judge a stored run."""

from __future__ import annotations

import argparse

from dryrun.cli import options as shared
from dryrun.cli.output import new_file


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The options of ``report``."""
    command.add_argument("run", help="the run's id, see `runs`")
    shared.add_ceiling(command)
    shared.add_output(command)
    command.add_argument(
        "--picture", type=new_file((".png", ".svg")), help="draw the score distribution here: .png or .svg"
    )


def execute(options: argparse.Namespace) -> int:
    """Print the report of what the run has found so far."""
    asked = shared.run_of(options)
    return shared.conclude(asked, shared.thresholds(options.threshold, options.without), options)

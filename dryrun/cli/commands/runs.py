"""``runs``: what is stored, newest first, profiles after the runs; deleting runs."""

from __future__ import annotations

import argparse
import time

import pyarrow.parquet as pq

from dryrun.cli import options as shared
from dryrun.core.errors import DryRunError
from dryrun.core.text import say
from dryrun.engine.batch_records import under_way
from dryrun.engine.profile.stored import StoredProfile, stored_profiles
from dryrun.store.notes import note_of
from dryrun.store.prune import remove_run
from dryrun.store.runs import Run, list_runs


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The options of ``runs``."""
    shared.add_data(command)
    command.add_argument(
        "--delete", nargs="+", metavar="RUN", help="show what these runs are; with --yes delete them"
    )
    command.add_argument("--yes", action="store_true", help="with --delete: delete")


def execute(options: argparse.Namespace) -> int:
    """Print one line a run, or delete some.

    Raises
    ------
    DryRunError
        No such run, or one that is being worked on.
    """
    store = shared.store_of(options)
    if options.delete:
        _delete([Run.open(store, run_id) for run_id in options.delete], really=options.yes)
        return 0
    if options.yes:
        raise DryRunError("--yes goes with --delete RUN.")
    for stored in list_runs(store):
        say(_line(stored))
    for profile in stored_profiles(store):
        say(_profile_line(profile))
    return 0


def _profile_line(profile: StoredProfile) -> str:
    status = profile.table.stat()
    when = time.strftime("%d %b %H:%M", time.localtime(status.st_mtime))
    about = f"{profile.name:32}  {'profile':11}  {pq.read_metadata(profile.table).num_rows:>8,} rows  {when}"
    try:
        config = profile.sample().config()
    except DryRunError:
        return about
    return f"{about}  {config.dataset.name}  {config.model.name}  {config.grader_name}"


def _line(stored: Run) -> str:
    status = stored.status()
    try:
        config = stored.config()
    except DryRunError:
        return f"{stored.id}  unreadable   its config.json is damaged: --delete clears it away"
    named = note_of(stored).name
    when = time.strftime("%d %b %H:%M", time.localtime(status.started))
    unpriced = f"  {status.abandoned:,} calls cut off" if status.abandoned else ""
    return (
        f"{stored.id}  {status.state.value:11}  {status.graded:>6,}/{status.total:<6,}  {when}  "
        f"{config.dataset.name}  {config.model.name}  {config.grader_name}"
        + (f"  {named}" if named else "")
        + unpriced
    )


def _delete(chosen: list[Run], really: bool) -> None:
    for run in chosen:
        say(_line(run))
        if waiting := under_way(run):
            say(f"  {waiting:,} of its requests are in a batch at the endpoint: what they cost is lost.")
    if not really:
        also = "their labels, receipts and trainings too"
        say(f"--yes deletes these, {also}; responses and grades stay in the cache.")
        return
    for run in chosen:
        remove_run(run)
    say(f"Deleted {len(chosen):,}. `cache --prune` shows what no run needs any more.")

"""``cache``: list, merge and prune the stored responses and grades."""

from __future__ import annotations

import argparse
import re
import time

from dryrun.cli import options as shared
from dryrun.core.errors import DryRunError
from dryrun.core.text import plural, say, size_words
from dryrun.store.opened import push_again, store_name
from dryrun.store.partition import Store
from dryrun.store.prune import (
    Choice,
    StoredPartition,
    entries,
    leftovers,
    removable,
    remove_partitions,
    runs_of,
    size_of_runs,
)
from dryrun.store.runs import list_runs

SECONDS = {"h": 3600.0, "d": 86_400.0}
BYTES = {"kB": 10**3, "MB": 10**6, "GB": 10**9}


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The options of ``cache``."""
    shared.add_data(command)
    what = command.add_mutually_exclusive_group()
    what.add_argument("--compact", action="store_true", help="merge the small files of each partition")
    what.add_argument("--prune", action="store_true", help="show what no run needs; with --yes delete it")
    what.add_argument("--push", action="store_true", help="put into the shared store what is not in it yet")
    command.add_argument(
        "--older-than",
        type=age,
        metavar="AGE",
        help="with --prune: only what was not used for so long: 30d, 12h",
    )
    command.add_argument(
        "--max-size",
        type=size,
        metavar="SIZE",
        help="with --prune: only as much, the longest unused first, as leaves so much: 2GB, 500MB",
    )
    command.add_argument("--all", action="store_true", help="with --prune: also what stored runs need")
    command.add_argument("--yes", action="store_true", help="with --prune: delete")


def age(text: str) -> float:
    """Seconds of ``30d`` or ``12h``, for argparse."""
    return _number(text, SECONDS)


def size(text: str) -> int:
    """Bytes of ``2GB``, ``500MB`` or ``10kB``, for argparse."""
    return int(_number(text, BYTES))


def _number(text: str, units: dict[str, float] | dict[str, int]) -> float:
    match = re.fullmatch(rf"(\d+(?:\.\d+)?)({'|'.join(units)})", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r}: write a number and one of {', '.join(units)}")
    return float(match[1]) * units[match[2]]


def execute(options: argparse.Namespace) -> int:
    """List, or do what was asked.

    Raises
    ------
    DryRunError
        An option of ``--prune`` without it.
    """
    store = shared.store_of(options)
    restricting = options.older_than is not None or options.max_size is not None
    if not options.prune and (restricting or options.all or options.yes):
        raise DryRunError("--older-than, --max-size, --all and --yes go with --prune.")
    if options.compact:
        merged = sum(entry.partition.compact() for entry in entries(store))
        say(f"Merged {merged:,} files.")
    if options.push:
        if not push_again(store):
            raise DryRunError("--push is for a shared store: --data s3://bucket/prefix, or DRYRUN_DATA.")
    elif options.prune:
        _prune(store, Choice(options.all, options.older_than or 0.0, options.max_size), really=options.yes)
    else:
        _list(store)
    return 0


def _list(store: Store) -> None:
    partitions = entries(store)
    for entry in partitions:
        say(_line(entry))
    total, runs = sum(entry.bytes for entry in partitions), len(list_runs(store))
    own = size_words(size_of_runs(store))
    say(f"{size_words(total)} in {store_name(store)}, and {own} that {plural(runs, 'run')} keep.")


def _line(entry: StoredPartition) -> str:
    return (
        f"{entry.kind:8} {entry.partition.folder.name[:12]}  {entry.rows:>9,} rows  {entry.parts:>5,} files  "
        f"{size_words(entry.bytes):>9}  {plural(entry.runs, 'run'):>8}  {_ago(entry.used):>8}  {entry.name}"
    )


def _prune(store: Store, choice: Choice, really: bool) -> None:
    partitions = entries(store)
    chosen, files = removable(partitions, choice), leftovers(store)
    for entry in chosen:
        say(_line(entry))
    freed = sum(entry.bytes for entry in chosen)
    if not chosen and not files:
        say(_nothing(partitions, choice))
        return
    for sentence in _losses(chosen):
        say(sentence)
    words = size_words(freed + sum(path.stat().st_size for path in files))
    if really:
        remove_partitions(chosen, files)
        say(f"Deleted {words}.")
    else:
        say(f"--yes deletes these: {words}.")
    left = sum(entry.bytes for entry in partitions) - freed
    if choice.at_most is not None and left > choice.at_most:
        say(
            f"{size_words(left)} {'are' if really else 'would be'} left: runs need them, or used them lately."
        )


def _losses(chosen: list[StoredPartition]) -> list[str]:
    """What deleting these would take from runs."""
    runs = runs_of(chosen)
    if not runs:
        return []
    ids = ", ".join(run.id for run in runs[:5]) + (", ..." if len(runs) > 5 else "")
    again = "their reports are lost; resuming them grades again, and pays for lost responses again"
    return [f"Needed by {plural(len(runs), 'run')} ({ids}): {again}."]


def _nothing(partitions: list[StoredPartition], choice: Choice) -> str:
    if choice.at_most is not None and sum(entry.bytes for entry in partitions) <= choice.at_most:
        return "Nothing to prune: it is no larger than that."
    if choice.needed or any(not entry.needed_by for entry in partitions):
        return "Nothing to prune: every entry was used since."
    return (
        "Nothing to prune: every stored row belongs to a run. `runs --delete` deletes runs; --all prunes "
        "what they need."
    )


def _ago(moment: float) -> str:
    hours = max(0.0, time.time() - moment) / 3600
    return f"{hours:,.0f} h ago" if hours < 48 else f"{hours / 24:,.0f} d ago"

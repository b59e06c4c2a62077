"""``cache``: list, merge and prune the stored responses and grades."""

from __future__ import annotations

import argparse

from dryrun.cache import entries, leftovers, remove
from dryrun.commands import options as shared
from dryrun.store import Store


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The options of ``cache``."""
    shared.add_data(command)
    what = command.add_mutually_exclusive_group()
    what.add_argument("--compact", action="store_true", help="merge the small files of each partition")
    what.add_argument("--prune", action="store_true", help="show what no run needs; with --yes delete it")
    command.add_argument("--all", action="store_true", help="with --prune: also what stored runs need")
    command.add_argument("--yes", action="store_true", help="with --prune: delete")


def execute(options: argparse.Namespace) -> int:
    """List, or do what was asked."""
    store = shared.store_of(options)
    if options.compact:
        merged = sum(entry.partition.compact() for entry in entries(store))
        print(f"Merged {merged:,} files.")
    if options.prune:
        _prune(store, everything=options.all, really=options.yes)
    else:
        _list(store)
    return 0


def _list(store: Store) -> None:
    found = entries(store)
    for entry in found:
        print(
            f"{entry.kind:8} {entry.partition.folder.name[:12]}  {entry.rows:>9,} rows  "
            f"{entry.parts:>5,} files  {_size(entry.bytes):>9}  {_runs(entry.runs):>8}  {entry.name}"
        )
    print(f"{_size(sum(entry.bytes for entry in found))} in {store.root}")


def _prune(store: Store, everything: bool, really: bool) -> None:
    chosen = [entry for entry in entries(store) if everything or not entry.runs]
    files = leftovers(store)
    for entry in chosen:
        print(
            f"{entry.kind:8} {entry.partition.folder.name[:12]}  {entry.rows:>9,} rows  "
            f"{_size(entry.bytes):>9}  {_runs(entry.runs):>8}  {entry.name}"
        )
    size = _size(sum(entry.bytes for entry in chosen) + sum(path.stat().st_size for path in files))
    if not chosen and not files:
        print("Nothing to prune: every stored row belongs to a run. --all prunes those too.")
    elif really:
        remove(chosen, files)
        print(f"Deleted {size}.")
    else:
        print(f"--yes deletes these: {size}.")


def _runs(count: int) -> str:
    return f"{count:,} run" if count == 1 else f"{count:,} runs"


def _size(size: int) -> str:
    return f"{size / 1e6:,.1f} MB" if size >= 100_000 else f"{size / 1e3:,.1f} kB"

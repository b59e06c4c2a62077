"""The lines of runs in lists. What must be judged first is judged on a thread of its own, one at a time.

A verdict takes up to a second for a run; a list of 200 shows what is known at once and the rest as it comes.
Nothing here imports Streamlit.
"""

from __future__ import annotations

import logging
import queue
import threading
from pathlib import Path

from dryrun.app.shared.lists.examples import examples
from dryrun.core.errors import DryRunError
from dryrun.report.summary import FILE, Summary, kept_summary, shipped_summary, summarise
from dryrun.store.labels import book_of
from dryrun.store.runs import Run

Stamp = tuple[object, ...]

MOST = 5000
"""Lines that are kept in memory, half a kilobyte each."""
IGNORED = (FILE, "lock", "note.json", "outcome.json", "stop")
"""Files of a run's folder that say nothing about its figures."""

_known: dict[Path, tuple[Stamp, Summary | None]] = {}
_asked: queue.SimpleQueue[Run] = queue.SimpleQueue()
_waiting: set[Path] = set()
_starting = threading.Lock()
_log = logging.getLogger(__name__)


def line_of(run: Run) -> Summary | None:
    """The run's line; None while it is being judged, and where it cannot be read."""
    stamp = _stamp(run)
    before = _known.get(run.folder)
    if before is not None and before[0] == stamp:
        return before[1]
    if (kept := shipped_summary(run) if _recorded(run) else kept_summary(run)) is not None:
        _keep(run, stamp, kept)
        return kept
    if not _recorded(run):
        _ask(run)
    return None


def waiting() -> int:
    """The number of runs still to be judged."""
    return len(_waiting)


def _stamp(run: Run) -> Stamp:
    """A stamp that differs whenever a file of the run that counts has changed."""
    try:
        files = [path for path in run.folder.iterdir() if path.name not in IGNORED and path.name[0] != "."]
        return (*sorted((path.name, path.stat().st_mtime_ns) for path in files), *book_of(run).names())
    except OSError:
        return ()


def _keep(run: Run, stamp: Stamp, summary: Summary | None) -> None:
    if len(_known) >= MOST:
        _known.clear()
    _known[run.folder] = (stamp, summary)


def _ask(run: Run) -> None:
    with _starting:
        if run.folder in _waiting:
            return
        _waiting.add(run.folder)
        _asked.put(run)
        if not any(thread.name == "dryrun-lists" for thread in threading.enumerate()):
            threading.Thread(target=_work, name="dryrun-lists", daemon=True).start()


def _work() -> None:
    while True:
        run = _asked.get()
        stamp = _stamp(run)
        try:
            _keep(run, stamp, summarise(run))
        except DryRunError:
            _keep(run, stamp, None)
        except Exception:
            _log.exception("run %s has no line in lists", run.id[:8])
            _keep(run, stamp, None)
        finally:
            _waiting.discard(run.folder)


def _recorded(run: Run) -> bool:
    return any(run == example.run for example in examples())

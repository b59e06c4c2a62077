"""A run as lists show it, its line, which a thread of its own may have to judge first; the choice of one."""

from __future__ import annotations

import logging
import queue
import re
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePath

import streamlit as st

from dryrun.app.shared import jobs
from dryrun.app.shared.examples import example_named, examples
from dryrun.app.shared.looks import VerdictLook, look_of
from dryrun.app.shared.session import RECORDED, config_of, open_by_name, store
from dryrun.core.config import RunConfig
from dryrun.core.errors import DryRunError
from dryrun.core.paths import hosted
from dryrun.core.records import RunState
from dryrun.core.text import one_line, short
from dryrun.report.summary import FILE, Summary, kept_summary, shipped_summary, summarise
from dryrun.store.labels import book_of
from dryrun.store.notes import RunNote, note_of
from dryrun.store.runs import Run, RunStatus, list_runs

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


def judging(run: Run) -> bool:
    """Whether this one is."""
    return run.folder in _waiting


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


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run.

    Attributes
    ----------
    run : Run
    config : RunConfig
    status : RunStatus
    note : RunNote
    summary : Summary or None
        None while the run is live or has no response yet, and until it has been judged.
    """

    run: Run
    config: RunConfig
    status: RunStatus
    note: RunNote
    summary: Summary | None

    @property
    def name(self) -> str:
        """As `title_of`, by the note that was read."""
        return self.note.name or _usual_title(self.run, self.config)

    @property
    def look(self) -> VerdictLook | None:
        """How it stands; None while nobody knows yet."""
        if self.status.live:
            return VerdictLook.MEASURING
        if not self.status.sampled:
            return VerdictLook.NOT_FINISHED
        if self.summary is None:
            return None
        whole = self.status.state is RunState.FINISHED
        invalid = VerdictLook.INVALID if whole else VerdictLook.NOT_FINISHED
        return look_of(self.summary.verdict, conditions=self.summary.conditions, invalid=invalid)

    @property
    def so_far(self) -> bool:
        """Whether its verdict and its figures are those of a run that stopped before its end."""
        return self.summary is not None and self.status.state is not RunState.FINISHED

    @property
    def page(self) -> str:
        """The file name, without its ending, of the page that shows it best."""
        return "results" if self.status.state is RunState.FINISHED else "run"

    @property
    def size(self) -> str:
        """Prompts and responses to each: ``"300 × 4"``."""
        sampling = self.config.sampling
        prompts = self.status.total // sampling.rollouts or sampling.size
        return f"{prompts:,} × {sampling.rollouts}"

    @property
    def when(self) -> str:
        """The day it was started: ``"24 Nov 2026"``."""
        return time.strftime("%d %b %Y", time.localtime(self.status.started))


def title_of(run: Run, config: RunConfig) -> str:
    """The run's name; else its dataset and the first letters of its id. Not safe for Markdown."""
    return note_of(run).name or _usual_title(run, config)


def _usual_title(run: Run, config: RunConfig) -> str:
    return f"{PurePath(one_line(config.dataset.name, 40)).stem or 'run'} {short(run.id)}"


def run_rows(runs: Iterable[Run]) -> list[RunRow]:
    """The rows of those runs whose configuration can be read."""
    return [row for run in runs if (row := run_row(run)) is not None]


def run_row(run: Run) -> RunRow | None:
    """The run's row; None where its configuration cannot be read."""
    try:
        config = config_of(run)
    except DryRunError:
        return None
    status = jobs.status(run)
    judged = None if status.live or not status.sampled else line_of(run)
    return RunRow(run, config, status, note_of(run), judged)


OFFERED = 50
"""Newest runs in the field that chooses one."""


def run_choice(label: str, key: str, preset: str = "") -> str:
    """Draw a field that chooses a run: from a list on one's own machine, by id or link on a shared server.

    Returns
    -------
    str
        The run's id, or a recorded example's name; ``""`` while none is chosen.
    """
    if hosted():
        typed = st.text_input(
            label,
            value=preset,
            key=key,
            placeholder=f"Link or id of a run, or {RECORDED}",
            help="A run's id, or the link to it.",
        )
        match = re.search(rf"[0-9a-f]{{32}}|\b{RECORDED}(-[a-z]+)?\b", typed)
        return match.group() if match else typed.strip()
    options = [run.id for run in list_runs(store())[:OFFERED]]
    options += [example.link for example in examples()]
    options += [preset] if preset and preset not in options else []
    chosen = st.selectbox(
        label,
        options,
        index=options.index(preset) if preset else None,
        format_func=_words,
        key=key,
        placeholder="Choose a run",
    )
    return str(chosen or "")


def _words(name: str) -> str:
    try:
        run = open_by_name(name).run
        config, status = config_of(run), run.status()
    except DryRunError:
        return f"{short(name)} (not here)"
    if (example := example_named(name)) is not None:
        return f"Recorded: {example.title}"
    when = time.strftime("%d %b %H:%M", time.localtime(status.started))
    return " · ".join((title_of(run, config), config.grader_name[:30], when, config.model.name[:30]))

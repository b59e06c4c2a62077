"""A run as lists show it: its name, how it stands, and its line; and the field that chooses one."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePath

import streamlit as st

from dryrun.app.shared import jobs
from dryrun.app.shared.lists.examples import example_named, examples
from dryrun.app.shared.lists.summaries import line_of
from dryrun.app.shared.looks import VerdictLook, look_of
from dryrun.app.shared.session import RECORDED, config_of, open_by_name, store
from dryrun.core.config import RunConfig
from dryrun.core.errors import DryRunError
from dryrun.core.paths import hosted
from dryrun.core.records import RunState
from dryrun.core.text import one_line, short
from dryrun.report.summary import Summary
from dryrun.store.notes import RunNote, note_of
from dryrun.store.runs import Run, RunStatus, list_runs


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

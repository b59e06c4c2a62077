"""The field that chooses a run."""

from __future__ import annotations

import re
import time

import streamlit as st

from dryrun.app.shared.lists.examples import example_named, examples
from dryrun.app.shared.lists.rows import title_of
from dryrun.app.shared.session import RECORDED, config_of, open_by_name, store
from dryrun.core.errors import DryRunError
from dryrun.core.paths import hosted
from dryrun.core.text import short
from dryrun.store.runs import list_runs

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

"""What belongs to one viewer: the run being looked at, in the URL, what this session started or keeps."""

from __future__ import annotations

import contextlib
import json
import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import streamlit as st

from dryrun.app.shared import jobs
from dryrun.app.shared.access.account import holders
from dryrun.app.shared.access.gate import BY_LINK, Access, Right, ViewerRole, access_to
from dryrun.app.shared.examples import FIRST, LESSONS, example_named, examples
from dryrun.core.config import ModelConfig, ModelKind, RunConfig
from dryrun.core.errors import DryRunError, StoreError
from dryrun.core.paths import data_dir, hosted
from dryrun.core.text import one_line, plain
from dryrun.store.access import opened_by, owned_runs
from dryrun.store.opened import open_store
from dryrun.store.partition import Store, write_aside
from dryrun.store.runs import Run, list_runs

RUN = "run"
"""Name of the URL parameter that holds the run's id."""
ADJUST = "adjust"
"""Name of the URL parameter that holds the run whose grader is being adjusted."""
LAUNCH_ERROR = "launch_problem"
"""Where the session keeps an error at the start of a run, until the run's page shows it."""
SHARE = "share"
"""Name of the URL parameter that holds the token of a read-only link."""
DUPLICATE = "duplicate"
"""Name of the URL parameter that holds the run whose configuration fills the form of a new one."""
BY_TOKEN = "share-"
"""Beginning of the name of a run that is known only by the token of a read-only link."""
WITH = "with"
"""Name of the URL parameter that holds the run that is compared with `RUN`."""
RECORDED = FIRST
"""The value of `RUN` for the first recorded example that comes with the project."""
OPENED = "opened_runs"
"""Where the session keeps the ids of the runs it has opened, the newest last."""
MOST_OPENED = 200


@dataclass(frozen=True, slots=True)
class Chosen:
    """The run a page is about.

    Attributes
    ----------
    run : Run
    recorded : bool
        Whether it is the recorded example: a real run of the past, read-only.
    access : Access
        What this viewer may do with it.
    token : str
        Of the read-only link that led to it.
    """

    run: Run
    recorded: bool = False
    access: Access = field(default_factory=Access)
    token: str = ""

    @property
    def link(self) -> str:
        """The run's name in links: never the id of a run that a read-only link led to."""
        if self.token:
            return f"{BY_TOKEN}{self.token}"
        names = (example.link for example in examples() if example.run == self.run)
        return next(names, self.run.id) if self.recorded else self.run.id


def store() -> Store:
    """The data directory of this server."""
    return open_store()


def current_run_id() -> str:
    """The run in the URL, or the one this session looked at last; ``""`` if there is none.

    A click in the menu drops the parameter, so it is written back: the URL always says what is shown.
    """
    token, run_id = st.query_params.get(SHARE), st.query_params.get(RUN)
    if token is not None:
        run_id = f"{BY_TOKEN}{token}"
    elif run_id is None:
        run_id = st.session_state.get("current_run", "")
        if run_id.startswith(BY_TOKEN):
            st.query_params[SHARE] = run_id.removeprefix(BY_TOKEN)
        elif run_id:
            st.query_params[RUN] = run_id
    st.session_state["current_run"] = run_id
    return str(run_id)


def url_parameters() -> dict[str, list[str]]:
    """All parameters of the URL with all their values, as a link to another page takes them."""
    return {name: st.query_params.get_all(name) for name in st.query_params}


def run_link(page: str, label: str, icon: str, run: str = "") -> None:
    """A link to ``pages/<page>.py``, about the run with this name where one is given.

    `icon` is the name of a Material symbol.
    """
    parameters = {RUN: run} if run else None
    st.page_link(f"pages/{page}.py", label=label, icon=f":material/{icon}:", query_params=parameters)


def chosen_run(right: Right = Right.FIGURES) -> Chosen | None:
    """The current run, to do this with it; None if none is chosen.

    Raises
    ------
    DryRunError
        The URL names a run that is not here, or this viewer may not do it.
    """
    run_id = current_run_id()
    return open_by_name(run_id, right) if run_id else None


def recorded_run() -> Chosen | None:
    """The first recorded example, where it comes with this copy of Dry Run."""
    example = example_named(RECORDED)
    return _recorded(example.run) if example else None


def _recorded(run: Run) -> Chosen:
    return Chosen(run, recorded=True, access=Access(ViewerRole.RECORDED))


def open_by_name(name: str, right: Right = Right.FIGURES) -> Chosen:
    """The run with this id, to do this with it, or the recorded example with this name.

    Raises
    ------
    DryRunError
        There is no such run here, or this viewer may not do it.
    """
    chosen = _opened(name)
    chosen.access.need(right)
    return chosen


def _opened(name: str) -> Chosen:
    if name.startswith(BY_TOKEN):
        token = name.removeprefix(BY_TOKEN)
        run, link = opened_by(store(), token)
        return Chosen(run, access=Access(BY_LINK[link.kind]), token=token)
    if (example := example_named(name)) is not None:
        return _recorded(example.run)
    if name in LESSONS:
        raise DryRunError("This copy of Dry Run came without its recorded example.")
    run = Run.open(store(), name)
    _remember(run)
    return Chosen(run, access=access_to(run))


def _remember(run: Run) -> None:
    opened: dict[str, None] = st.session_state.setdefault(OPENED, {})
    opened.pop(run.id, None)
    opened[run.id] = None
    while len(opened) > MOST_OPENED:
        del opened[next(iter(opened))]


def forget(run: Run) -> None:
    """Let no page of this session ask for a run that was deleted."""
    if st.session_state.get("current_run") == run.id:
        st.session_state["current_run"] = ""
    st.session_state.get(OPENED, {}).pop(run.id, None)


def listed_runs() -> list[Run]:
    """The runs this viewer may see in a list, newest first.

    On one's own machine all of them. Hosted, those of this viewer, and those that this session opened: an id
    is a secret.
    """
    runs = list_runs(store())
    if not hosted():
        return runs
    opened = st.session_state.get(OPENED, {})
    own_runs = {run.id for run in owned_runs(runs, holders())}
    return [run for run in runs if run.id in own_runs or run.id in opened]


def link_closed() -> bool:
    """Whether the read-only link that led here was revoked meanwhile: a page that is open asks again."""
    token = st.query_params.get(SHARE)
    if token is None:
        return False
    try:
        opened_by(store(), token)
    except DryRunError:
        return True
    return False


def error_for_viewer(error: DryRunError) -> DryRunError:
    """The error; people who came by a read-only link see it without the ids of runs."""
    return DryRunError(re.sub("[0-9a-f]{32}", "…", str(error))) if SHARE in st.query_params else error


@lru_cache(maxsize=2000)
def config_of(run: Run) -> RunConfig:
    """The run's configuration, read once: it never changes."""
    return run.config()


def may_cancel(chosen: Chosen) -> bool:
    """Whether this viewer may cancel the run: its owner, or the person who started its work here."""
    job = jobs.find(chosen.run)
    if job is None or not chosen.access.may(Right.CONTROL):
        return False
    return chosen.access.role is ViewerRole.OWNER or job.owner in holders()


def tab_title(run: Run, words: str) -> None:
    """Let the browser's tab say how the run stands: ``"GO · rows.jsonl"``."""
    st.set_page_config(page_title=f"{words} · {one_line(config_of(run).dataset.name, 60)}")


def model_words(config: ModelConfig) -> str:
    """The model's name and where it runs, for a sentence; safe for Markdown."""
    if config.kind is ModelKind.EMBEDDED:
        return f"{plain(config.name, 60)} on this machine"
    if config.kind is ModelKind.IMPORTED:
        return f"{plain(config.name, 60)}, imported responses"
    host = urlsplit(config.base_url or "").netloc
    if not host:  # it may not be seen
        return plain(config.name, 60)
    batch = ", through its Batch API" if config.batch is not None else ""
    return f"{plain(config.name, 60)} at {plain(host, 80)}{batch}"


KEPT_FILE = "app.json"
MOST_KEPT = 200
"""Entries of a kind that are kept; the oldest go first."""


def recall(kind: str, name: str) -> Any:
    """What was kept under this name; None where nothing was, or where strangers share the server."""
    return recall_all(kind).get(name)


def recall_all(kind: str) -> dict[str, Any]:
    """All that was kept of this kind, by name; nothing where strangers share the server."""
    return {} if hosted() else _kept().get(kind, {})


def remember(kind: str, name: str, value: Any) -> None:
    """Keep a JSON value in the data directory, unless strangers share the server or it cannot be written."""
    if hosted() or recall(kind, name) == value:
        return
    entries = _kept()
    named = {key: entry for key, entry in entries.get(kind, {}).items() if key != name}
    entries[kind] = dict([*named.items(), (name, value)][-MOST_KEPT:])
    with contextlib.suppress(StoreError):  # the frame says that the directory cannot be written
        write_aside(data_dir() / KEPT_FILE, json.dumps(entries, indent=1, ensure_ascii=False).encode())


def _kept() -> dict[str, dict[str, Any]]:
    try:
        entries = json.loads((data_dir() / KEPT_FILE).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    kinds = entries.items() if isinstance(entries, dict) else ()
    return {kind: named for kind, named in kinds if isinstance(named, dict)}

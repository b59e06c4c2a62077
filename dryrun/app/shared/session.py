"""What belongs to one viewer: the run being looked at, in the URL, and what this session started."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from urllib.parse import urlsplit

import streamlit as st

from dryrun.app.shared import jobs
from dryrun.core.config import ModelConfig, ModelKind, RunConfig
from dryrun.core.errors import DryRunError
from dryrun.core.paths import data_dir, hosted, sample_data_dir
from dryrun.core.text import plain
from dryrun.store.partition import Store
from dryrun.store.runs import Run, list_runs

RUN = "run"
"""Name of the URL parameter that holds the run's id."""
ADJUST = "adjust"
"""Name of the URL parameter that holds the run whose grader is being adjusted."""
LAUNCH_ERROR = "launch_problem"
"""Where the session keeps an error at the start of a run, until the run's page shows it."""
WITH = "with"
"""Name of the URL parameter that holds the run that is compared with `RUN`."""
RECORDED = "recorded"
"""The value of `RUN` for the recorded example that comes with the project."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """The run a page is about.

    Attributes
    ----------
    run : Run
    recorded : bool
        Whether it is the recorded example: a real run of the past, read-only.
    """

    run: Run
    recorded: bool = False


def store() -> Store:
    """The data directory of this server."""
    return Store(data_dir())


def current_run_id() -> str:
    """The run in the URL, or the one this session looked at last; ``""`` if there is none.

    A click in the menu drops the parameter, so it is written back: the URL always says what is shown.
    """
    given = st.query_params.get(RUN)
    if given is None:
        given = st.session_state.get("current_run", "")
        if given:
            st.query_params[RUN] = given
    st.session_state["current_run"] = given
    return str(given)


def url_parameters() -> dict[str, list[str]]:
    """All parameters of the URL with all their values, as a link to another page takes them."""
    return {name: st.query_params.get_all(name) for name in st.query_params}


def run_link(page: str, label: str, icon: str, run: str = "") -> None:
    """A link to ``pages/<page>.py``, about the run with this id where one is given.

    `icon` is the name of a Material symbol.
    """
    parameters = {RUN: run} if run else None
    st.page_link(f"pages/{page}.py", label=label, icon=f":material/{icon}:", query_params=parameters)


def chosen_run() -> Chosen | None:
    """The current run; None if none is chosen.

    Raises
    ------
    DryRunError
        The URL names a run that is not here.
    """
    run_id = current_run_id()
    return open_by_name(run_id) if run_id else None


def recorded_run() -> Chosen | None:
    """The recorded example, where it comes with this copy of Dry Run."""
    folder = sample_data_dir() / "recorded"
    runs = list_runs(Store(folder)) if (folder / "runs").is_dir() else []
    return Chosen(runs[0], recorded=True) if runs else None


def open_by_name(name: str) -> Chosen:
    """The run with this id; the recorded example for `RECORDED`.

    Raises
    ------
    DryRunError
        There is no such run here.
    """
    if name != RECORDED:
        return Chosen(Run.open(store(), name))
    recorded = recorded_run()
    if recorded is None:
        raise DryRunError("This copy of Dry Run came without its recorded example.")
    return recorded


@st.cache_resource(max_entries=64, show_spinner=False)
def config_of(run: Run) -> RunConfig:
    """The run's configuration, read once: it never changes."""
    return run.config()


def owner() -> str:
    """A random name for this session, known to nobody else."""
    return str(st.session_state.setdefault("owner", secrets.token_hex(16)))


def may_cancel(run: Run) -> bool:
    """Whether this viewer may cancel the run: on one's own machine always, else only who started it."""
    job = jobs.find(run)
    return job is not None and (not hosted() or secrets.compare_digest(job.owner, owner()))


def model_words(config: ModelConfig) -> str:
    """The model's name and where it runs, for a sentence; safe for Markdown."""
    if config.kind is ModelKind.EMBEDDED:
        return f"{plain(config.name, 60)} on this machine"
    if config.kind is ModelKind.IMPORTED:
        return f"{plain(config.name, 60)}, imported responses"
    host = urlsplit(config.base_url or "").netloc
    batch = ", through its Batch API" if config.batch is not None else ""
    return f"{plain(config.name, 60)} at {plain(host, 80)}{batch}"

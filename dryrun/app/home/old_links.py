"""Links of the first version, whose first page was also the place of a run: handed on to their page."""

from __future__ import annotations

import streamlit as st

from dryrun.app.shared import jobs
from dryrun.app.shared.session import ADJUST, RUN, SHARE, WITH, open_by_name, url_parameters
from dryrun.core.errors import DryRunError
from dryrun.core.records import RunState


def hand_on() -> None:
    """Go to the page that the URL's parameters are about, with all of them; stay where they name none."""
    if name := page_of(url_parameters()):
        st.switch_page(f"pages/{name}.py", query_params=url_parameters())


def page_of(parameters: dict[str, list[str]]) -> str:
    """The file name, without its ending, of the page that these parameters belong to; ``""`` for none."""
    if ADJUST in parameters:
        return "configure"
    if SHARE in parameters:
        return "results"
    if RUN not in parameters:
        return ""
    return "compare" if WITH in parameters else _page_of_run(parameters[RUN][-1])


def _page_of_run(name: str) -> str:
    try:
        chosen = open_by_name(name)
    except DryRunError:
        return "results"  # which says that there is no such run
    finished = chosen.recorded or jobs.status(chosen.run).state is RunState.FINISHED
    return "results" if finished else "run"

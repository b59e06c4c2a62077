"""The two runs that are compared: from the link, from the fields, and what a link lacks."""

from __future__ import annotations

from contextlib import suppress

import streamlit as st

from dryrun.app.shared.access.gate import Right
from dryrun.app.shared.run_rows import OFFERED, run_choice
from dryrun.app.shared.session import (
    BY_TOKEN,
    RUN,
    WITH,
    Chosen,
    config_of,
    current_run_id,
    listed_runs,
    open_by_name,
)
from dryrun.app.shared.widgets import show_error
from dryrun.core.errors import DryRunError
from dryrun.core.text import plain
from dryrun.core.thresholds import Thresholds

KEPT = "compared"
"""Where the session keeps the two runs that were compared last."""
FIELDS = {"first": "compare_first", "second": "compare_second"}
"""Keys of the two fields."""
OTHERS = frozenset({"evidence", "without", *Thresholds.numbers()})
"""Parameters beside the two runs that the page knows."""


def pick_runs() -> tuple[Chosen | None, Chosen | None]:
    """Draw the two fields, and what is wrong with the link; the runs that are chosen are returned."""
    before, after = _named()
    left, right = st.columns(2)
    with left:
        first = run_choice("First (before)", FIELDS["first"], before)
    with right:
        second = run_choice("Second (after)", FIELDS["second"], after)
    _keep(first, second)
    _unknown_parameters()
    return _opened(first, "first"), _opened(second, "second")


def _named() -> tuple[str, str]:
    """Both runs: of the URL, else those of the last time, else the run looked at and one before it."""
    if WITH in st.query_params or FIELDS["second"] in st.session_state:
        return str(st.query_params.get(RUN, "")), str(st.query_params.get(WITH, ""))
    current = current_run_id()
    if current.startswith(BY_TOKEN):  # a read-only link shows its run on Results alone
        return "", ""
    kept: tuple[str, str] = st.session_state.get(KEPT, ("", ""))
    if current in kept:
        return kept
    earlier = _earlier(current)
    return (earlier, current) if earlier else (current, "")


def _earlier(name: str) -> str:
    """The newest run before this one that has scores of the same dataset; ``""`` if there is none."""
    runs = listed_runs()
    at = next((at for at, run in enumerate(runs) if run.id == name), len(runs))
    for run in runs[at + 1 : at + 1 + OFFERED]:
        with suppress(DryRunError):  # one that cannot be read is none
            if config_of(run).dataset == config_of(runs[at]).dataset and run.status().graded:
                return run.id
    return ""


def _keep(first: str, second: str) -> None:
    """Put the runs into the URL, and keep them for the way back from another page."""
    for name, run in ((RUN, first), (WITH, second)):
        if not run:
            st.query_params.pop(name, None)
        elif st.query_params.get(name) != run:
            st.query_params[name] = run
    st.session_state[KEPT] = first, second
    if st.session_state.get("current_run") not in (first, second):
        st.session_state["current_run"] = second or first


def _opened(name: str, which: str) -> Chosen | None:
    """The run; where it is not here, a sentence that names the side."""
    try:
        return open_by_name(name, Right.PAGES) if name else None
    except DryRunError as error:
        show_error(DryRunError(f"The {which} run cannot be opened. {error}"))
        return None


def _unknown_parameters() -> None:
    """Say which parameters of the link mean nothing here."""
    unknown = sorted(set(st.query_params) - OTHERS - {RUN, WITH})
    if unknown:
        names = ", ".join(unknown)
        st.warning(
            plain(
                f"This page does not know what the link says with {names}. "
                f"A comparison's link names two runs: /compare?{RUN}=ID&{WITH}=ID.",
                400,
            ),
            icon=":material/link_off:",
        )

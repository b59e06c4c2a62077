"""The two runs that are compared: from the link, from the fields, and what a link lacks."""

from __future__ import annotations

import streamlit as st

from dryrun.app.shared.access.gate import Right
from dryrun.app.shared.lists.rows import run_choice
from dryrun.app.shared.session import BY_TOKEN, RUN, WITH, Chosen, current_run_id, open_by_name
from dryrun.app.shared.widgets import show_error
from dryrun.core.errors import DryRunError
from dryrun.core.text import plain
from dryrun.core.thresholds import Thresholds

KEPT = "compared_with"
"""The session's newest second run."""
FIELDS = {"first": "compare_first", "second": "compare_second"}
"""Keys of the two fields."""
OTHERS = frozenset({"evidence", "without", *Thresholds.numbers()})
"""Parameters beside the two runs that the page knows."""


def pick_runs() -> tuple[Chosen | None, Chosen | None]:
    """Draw the two fields, and what is wrong with the link; the runs that are chosen are returned."""
    before, after = current_run_id(), _compared_with()
    if before.startswith(BY_TOKEN):  # a read-only link shows its run on Results alone
        before = ""
    left, right = st.columns(2)
    with left:
        first = run_choice("First (before)", FIELDS["first"], before)
    with right:
        second = run_choice("Second (after)", FIELDS["second"], after)
    if first and first != before:
        st.query_params[RUN] = st.session_state["current_run"] = first
    if second and second != after:
        st.query_params[WITH] = st.session_state[KEPT] = second
    elif not second and after:  # taken out of the field
        st.query_params.pop(WITH, None)
        st.session_state.pop(KEPT, None)
    _unknown_parameters()
    return _opened(first, "first"), _opened(second, "second")


def _compared_with() -> str:
    """The second run: in the URL, else the session's last one, since a click in the menu clears the URL."""
    link = str(st.query_params.get(WITH, ""))
    if not link and (kept := st.session_state.get(KEPT)):
        st.query_params[WITH] = link = str(kept)
    return link


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

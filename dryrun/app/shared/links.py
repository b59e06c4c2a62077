"""The Share dialog: who will see what, a new read-only link, the links there are."""

from __future__ import annotations

import time
from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit, urlunsplit

import streamlit as st

from dryrun.app.shared.access.gate import Right
from dryrun.app.shared.session import SHARE, Chosen, url_parameters
from dryrun.app.shared.widgets import error_kept, show_kept_error
from dryrun.core.paths import hosted
from dryrun.core.thresholds import Thresholds
from dryrun.store.access import LinkKind, ShareLink, links_of, make_link, revoke

KIND, MADE, PROBLEM = "share_kind", "share_made", "share_problem"
"""Keys: of the field, and of where the session keeps the newest link's token and an error."""
GOES_WITH = (*Thresholds.numbers(), "evidence", "without", "outcome")
"""Parameters of the page that a link keeps; filters may name a topic, and stay behind."""
TITLES = {LinkKind.FIGURES: "Figures only", LinkKind.SAMPLES: "With samples"}
SHOWS = {
    LinkKind.FIGURES: "Verdict and reasons, scores, statistics, groups, training signal, tokens and cost; "
    "the names of the dataset's file, of the model and of the grader's parts. Topics are numbered. No "
    "prompts, no responses, no reference answers, no errors, no grader, no downloads.",
    LinkKind.SAMPLES: "All of that, and every prompt, response, reference answer, grade and label; topics by "
    "name, the grader, the configuration. Samples and the report can be downloaded, and the configuration "
    "copied to a new run.",
}
WHO = (
    "Anybody who has the link can open it, without an account, until you revoke it. Viewers can move "
    "thresholds for themselves. They cannot change, resume or label anything, and the run's other pages "
    "stay closed to them."
)
ONLY_HERE = (
    "The link opens on this machine alone: Dry Run answers nobody else unless it is started with "
    "DRYRUN_HOSTED=1. To show the run to others, send them the report from Export."
)


def share_button(chosen: Chosen) -> None:
    """Draw the button that opens the dialog; nothing for people who may not share the run."""
    if chosen.access.may(Right.SHARE) and st.button("Share", icon=":material/share:", key="share"):
        st.session_state.pop(MADE, None)
        _dialog(chosen)


@st.dialog("Share this run", width="medium")
def _dialog(chosen: Chosen) -> None:
    st.markdown(WHO)
    st.radio(
        "What the link shows",
        list(LinkKind),
        format_func=lambda kind: TITLES[LinkKind(kind)],
        captions=[SHOWS[kind] for kind in LinkKind],
        key=KIND,
    )
    if not hosted():
        st.info(ONLY_HERE, icon=":material/info:")
    show_kept_error(PROBLEM)
    st.button("Make a link", type="primary", key="share_make", on_click=_make, args=(chosen,))
    if token := st.session_state.get(MADE):
        address = share_address(token, st.context.url or "", url_parameters())
        st.code(address, language=None, wrap_lines=True)
        st.caption("It keeps the thresholds. Copy it now: only its hash is kept, so it is shown once.")
    _links(chosen)


def _links(chosen: Chosen) -> None:
    links = links_of(chosen.run)
    if links:
        st.markdown("**Links that open this run**")
    for link in links:
        with st.container(horizontal=True, vertical_alignment="center"):
            made = time.strftime("%d %b %Y, %H:%M", time.localtime(link.made))
            st.caption(f"{TITLES[link.kind]}, made {made}", width="stretch")
            key = f"revoke_{link.hash[:16]}"
            st.button("Revoke", key=key, on_click=_revoke, args=(chosen, link), icon=":material/link_off:")


def _make(chosen: Chosen) -> None:
    with error_kept(PROBLEM):
        chosen.access.need(Right.SHARE)
        st.session_state[MADE] = make_link(chosen.run, LinkKind(st.session_state[KIND]))


def _revoke(chosen: Chosen, link: ShareLink) -> None:
    with error_kept(PROBLEM):
        chosen.access.need(Right.SHARE)
        revoke(chosen.run, link)
        st.session_state.pop(MADE, None)


def share_address(token: str, here: str, parameters: Mapping[str, list[str]]) -> str:
    """The link in full.

    Parameters
    ----------
    token : str
    here : str
        The page's address, as this browser reaches the server.
    parameters : mapping
        Those of the page; thresholds among them go with the link.
    """
    kept = {name: parameters[name] for name in GOES_WITH if name in parameters}
    query = urlencode({SHARE: token, **kept}, doseq=True)
    return urlunsplit(urlsplit(here)._replace(query=query, fragment=""))

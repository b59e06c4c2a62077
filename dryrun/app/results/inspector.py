"""Single samples to read: filters above, then each with all that went in and came out."""

from __future__ import annotations

from functools import partial

import streamlit as st

from dryrun.analysis.figures.statistics import BIN_LABELS, is_valid
from dryrun.analysis.observations import Observations
from dryrun.analysis.selection import TITLES, WHY, Filters, Show, choose
from dryrun.app.results.figures import clicked_bars
from dryrun.app.results.labels import label_row
from dryrun.app.shared.frame import scroll_here
from dryrun.app.shared.loading import Loaded
from dryrun.app.shared.sample import sample_view

SHOW = "show"
TOPIC = "topic"
BINS = "scores"
PAGE = 5
BARS_PER_BIN = 4
ALL_TOPICS = "All topics"


def show_group(show: Show) -> None:
    """Move the inspector to a group. A button's callback."""
    st.session_state[SHOW] = show
    st.session_state["inspector_moved"] = True


def inspector(loaded: Loaded) -> None:
    """Draw the samples that group and filters choose."""
    st.subheader("Samples", anchor="samples")
    if st.session_state.pop("inspector_moved", False):
        scroll_here("samples")
    show = _group(loaded.observations)
    filters = _filters(loaded.observations)
    st.caption(WHY[show])
    positions = choose(loaded.observations, show, filters)
    if not positions:
        st.info("No response fits. Take a filter away to see more.", icon=":material/info:")
        return
    _list(loaded, positions, paged=show in (Show.ALL, Show.WITHOUT_SCORE))


def _group(observations: Observations) -> Show:
    complete = is_valid(observations.score).all()
    options = [show for show in Show if show is not Show.WITHOUT_SCORE or not complete]
    chosen = st.pills(
        "Which samples",
        options,
        default=Show.HIGHEST,
        required=True,
        format_func=lambda show: TITLES[Show(show)],
        key=SHOW,
        bind="query-params",
        label_visibility="collapsed",
    )
    return Show(chosen or Show.HIGHEST)


def _filters(observations: Observations) -> Filters:
    topics = sorted({str(topic) for topic in observations.topic})
    left, right = st.columns([2, 3])
    picked = None
    if len(topics) > 1:
        options = [ALL_TOPICS, *topics]
        picked = left.selectbox("Topic", options, format_func=lambda name: name or "(no topic)", key=TOPIC)
    bins = right.pills(
        "Scores",
        list(range(len(BIN_LABELS))),
        selection_mode="multi",
        format_func=lambda number: BIN_LABELS[number].replace("-", " to "),
        key=BINS,
        help="Or click a bar of the score distribution above.",
        wrap=True,
    )
    bars = clicked_bars()
    if bars:
        st.caption("Only the bars clicked in the score distribution. Double-click the chart to show all.")
    else:
        bars = tuple(number * BARS_PER_BIN + bar for number in bins for bar in range(BARS_PER_BIN))
    return Filters(None if picked == ALL_TOPICS else picked, bars)


def _list(loaded: Loaded, positions: list[int], *, paged: bool) -> None:
    page = 1
    pages = -(-len(positions) // PAGE)
    if paged and pages > 1:
        st.caption(f"{len(positions):,} responses")
        page = st.pagination(pages, key="samples_page")
    shown = positions[(page - 1) * PAGE : page * PAGE] if paged else positions
    scores = loaded.observations.score
    for position, inspected in zip(shown, loaded.results.inspect(shown), strict=True):
        config = loaded.results.config
        sample_view(inspected, float(scores[position]), config, below=partial(label_row, loaded))

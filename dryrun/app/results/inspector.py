"""The samples of a run: those that the table shows, and the files to take them along in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import streamlit as st

from dryrun.analysis.figures.statistics import BIN_LABELS, is_valid
from dryrun.analysis.observations import Observations
from dryrun.analysis.selection import TITLES, WHY, Filters, Rows, Show, Sort, choose
from dryrun.app.results.figures import clicked_bars
from dryrun.app.results.labels import LABELLED
from dryrun.app.results.provenance import file_name
from dryrun.app.results.samples import ONE, PAGE, SampleTable
from dryrun.app.results.thresholds import current_thresholds
from dryrun.app.shared.frame import scroll_here
from dryrun.app.shared.loading import BY_VALUE, Loaded
from dryrun.app.shared.session import link_closed
from dryrun.app.shared.widgets import download
from dryrun.core.text import plural
from dryrun.graders.reference_answers import answer_field
from dryrun.probes.read_responses import UnpaidRight, unpaid_right
from dryrun.report.training_set.chosen import to_jsonl
from dryrun.store.labels import to_csv
from dryrun.store.results import Results
from dryrun.store.texts import MOST_EXPORTED, Matches, sample_rows, search_texts

SHOW, TOPIC, BINS, SEARCH, SORT = "show", "topic", "scores", "search", "sort"
MOVED = "inspector_moved"
BARS_PER_BIN = 4
LOOKED_AT = 20
"""Responses whose rows say where reference answers are."""
FIELD = 170
"""Pixels that each filter needs."""
SORTS = {
    Sort.LOWEST: "Lowest score first",
    Sort.HIGHEST: "Highest score first",
    Sort.LONGEST: "Longest first",
    Sort.SHORTEST: "Shortest first",
    Sort.DRAWN: "As they were drawn",
}
SORTED = (Show.ALL, Show.UNPAID, Show.WITHOUT_SCORE)
"""Groups of samples without an order of their own."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What the filters leave.

    Attributes
    ----------
    show : Show
    rows : int64 array
        Positions in the observations, in the order of the table.
    notes : tuple of str
        What a person should know about how they were chosen.
    filtered : bool
        Whether anything beside `show` narrows them.
    """

    show: Show
    rows: Rows
    notes: tuple[str, ...]
    filtered: bool


def show_group(show: Show) -> None:
    """Show this group of all samples, whatever was filtered before. A button's callback."""
    st.session_state[SHOW] = show
    st.session_state[SEARCH] = ""
    st.session_state[TOPIC] = st.session_state[BINS] = None
    st.session_state[MOVED] = True
    _begin_again()


def _begin_again() -> None:
    """Open the first page and its first sample: others are shown from now on."""
    for name in (ONE, PAGE):
        st.query_params.pop(name, None)


KEPT: dict[str, Any] = {"bind": "query-params", "persist_state": "page", "on_change": _begin_again}
"""What all filters have in common: the URL keeps them."""


def inspector(loaded: Loaded) -> None:
    """Draw the samples: filters, the table of those that are left, and one of them whole."""
    st.subheader("Samples", anchor="samples")
    if st.session_state.pop(MOVED, False):
        scroll_here("samples")
    _samples(loaded)


@st.fragment
def _samples(loaded: Loaded) -> None:
    """A choice in here draws nothing else anew; a label does, since it may move the verdict."""
    if st.session_state.pop(LABELLED, False) or link_closed():
        st.rerun()
    selection = _selection(loaded)
    table = SampleTable(loaded, selection.rows)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        words = [WHY[selection.show], *selection.notes, _count(selection, loaded)]
        st.caption(" · ".join(word for word in words if word), width="content")
        _export(loaded, selection)
    table.draw()


def _count(selection: Selection, loaded: Loaded) -> str:
    total = loaded.observations.score.size
    if selection.rows.size == total:
        return plural(total, "response")
    return f"{selection.rows.size:,} of {plural(total, 'response')}"


def _selection(loaded: Loaded) -> Selection:
    show = _preset(loaded.observations)
    with st.grid(4, min_column_width=FIELD, vertical_alignment="bottom", key="filters"):
        words, topic = _search_field(), _topic_field(loaded.observations)
        bins, sort = _score_field(), _sort_field(show)
    among, notes = _read(loaded, show, words)
    rows = choose(loaded.observations, show, Filters(topic, bins), sort, among)
    return Selection(show, rows, notes, filtered=bool(words or bins or topic is not None))


def _preset(observations: Observations) -> Show:
    complete = is_valid(observations.score).all()
    chosen = st.pills(
        "Which samples",
        [show for show in Show if show is not Show.WITHOUT_SCORE or not complete],
        default=Show.ALL,
        required=True,
        format_func=lambda show: TITLES[Show(show)],
        key=SHOW,
        **KEPT,
        label_visibility="collapsed",
        wrap=True,
    )
    return Show(chosen or Show.ALL)


def _search_field() -> str:
    words = st.text_input(
        "Search", key=SEARCH, **KEPT, placeholder="prompts, responses, answers", max_chars=200, type="search"
    )
    return (words or "").strip()


def _topic_field(observations: Observations) -> str | None:
    topics = sorted(set(observations.topic.tolist()))
    picked: str | None = st.selectbox(
        "Topic",
        topics,
        index=None,
        placeholder="All topics",
        format_func=lambda name: name or "(no topic)",
        key=TOPIC,
        **KEPT,
        disabled=len(topics) < 2,
    )
    return picked


def _score_field() -> tuple[int, ...]:
    """Bars of the histogram; those that were clicked in it, where any were, within the chosen bin."""
    label = st.selectbox(
        "Scores",
        BIN_LABELS,
        index=None,
        placeholder="All scores",
        format_func=lambda name: name.replace("-", " to "),
        key=BINS,
        **KEPT,
        help="Or click a bar of the score distribution.",
    )
    clicked = clicked_bars()
    if label is None:
        return clicked
    low = BIN_LABELS.index(label) * BARS_PER_BIN
    bars = set(range(low, low + BARS_PER_BIN))
    return tuple(sorted(bars & set(clicked) if clicked else bars)) or (-1,)


def _sort_field(show: Show) -> Sort:
    chosen = st.selectbox(
        "Sort",
        list(Sort),
        format_func=lambda sort: SORTS[Sort(sort)],
        key=SORT,
        **KEPT,
        disabled=show not in SORTED,
        help="Groups of five have an order of their own: the most telling first.",
    )
    return Sort(chosen or Sort.LOWEST)


def _read(loaded: Loaded, show: Show, words: str) -> tuple[Rows | None, tuple[str, ...]]:
    """What has to be read in the texts: the rows that are left, or None for all; and notes."""
    results, notes = loaded.results, []
    among: Rows | None = None
    if words:
        matches = _matches(results, words)
        among = matches.rows
        if not matches.complete:
            notes.append(f"The search stopped after {matches.read:,} responses, as there is too much text")
    if show is Show.UNPAID:
        unpaid = _unpaid(results, loaded.observations)
        among = unpaid.rows if among is None else np.intersect1d(among, unpaid.rows)
        notes.append(_unpaid_note(unpaid))
    return among, tuple(notes)


def _unpaid_note(unpaid: UnpaidRight) -> str:
    if unpaid.read and not unpaid.referenced:
        return "The rows have no reference answer to read responses against."
    if unpaid.read < unpaid.unpaid:
        return f"{unpaid.read:,} of {unpaid.unpaid:,} were read, drawn by lot"
    return f"{plural(unpaid.read, 'response')} read"


@st.cache_resource(max_entries=16, ttl=3600, show_spinner="Searching the texts …", hash_funcs=BY_VALUE)
def _matches(results: Results, words: str) -> Matches:
    return search_texts(results, words, _field(results))


def _field(results: Results) -> str | None:
    """Where the rows keep their reference answer, by the first of them."""
    seen = results.inspect(range(min(results.rollouts.num_rows, LOOKED_AT)))
    return answer_field(results.config, [inspected.prompt.item for inspected in seen])


@st.cache_resource(max_entries=16, ttl=3600, show_spinner="Reading responses …", hash_funcs=BY_VALUE)
def _unpaid(results: Results, _observations: Observations) -> UnpaidRight:
    return unpaid_right(results, _observations)


def _export(loaded: Loaded, selection: Selection) -> None:
    kind = f"samples-{selection.show.value}{'-filtered' * selection.filtered}"
    evidence = loaded.judge(current_thresholds())
    with st.popover("Export samples", icon=":material/download:", disabled=not selection.rows.size):
        for ending, write in (("jsonl", to_jsonl), ("csv", to_csv)):
            download(
                f"These samples ({ending.upper()})",
                partial(_exported, loaded, selection.rows, write),
                file_name(loaded, evidence, ending, kind),
                f"samples_{ending}",
            )
        if selection.rows.size > MOST_EXPORTED:
            st.caption(f"The first {MOST_EXPORTED:,} of them.")


def _exported(loaded: Loaded, rows: Rows, write: Callable[[list[dict[str, Any]]], bytes]) -> bytes:
    scores, field = loaded.observations.score, _field(loaded.results)
    return write(list(sample_rows(loaded.results, rows.tolist(), scores, loaded.newest_labels, field)))

"""Every number that decides, editable; the values travel in the URL.

The sidebar holds them all; the three of the decision tree stand under the histogram too. A moved number
redraws the parts of the page that follow from it (`_moved`), and nothing else.
"""

from __future__ import annotations

import contextlib
from typing import Any

import streamlit as st
from pydantic.fields import FieldInfo
from streamlit.errors import StreamlitAPIException

from dryrun.analysis.verdict.evidence import Evidence
from dryrun.app.shared.loading import load_run
from dryrun.app.shared.session import chosen_run, link_closed, recorded_run
from dryrun.core.errors import DryRunError
from dryrun.core.text import plain
from dryrun.core.thresholds import ORDERED, Piece, Thresholds, TreeLimits

FIELDS = {name: Thresholds.model_fields[name] for name in Thresholds.numbers()}
DEFAULTS: dict[str, Any] = {name: field.default for name, field in FIELDS.items()}
TREE = tuple(TreeLimits.model_fields)
"""The numbers of the decision tree, which have a second field under the histogram."""
EVIDENCE, WITHOUT = "evidence", "without"
CHART, VERDICT, FINDINGS = "distribution", "verdict", "findings"
"""Keys of the fragments that show what follows from the thresholds, whatever tab is open."""
JUDGED = "judged"
"""Where the session keeps what card and findings read on the screen."""
OUTCOME = "outcome"
"""Name of the URL parameter, and of the widget, of the outcome that was named."""
SIDE, LIMITS = "tree_limits", "limits"
"""Keys of the fragments with the fields of `TREE`: the sidebar's, and those under the histogram."""
OTHERS = "other_limits"
"""Key of the fold with all other fields."""
FOLLOWING_TAB = "following_tab"
"""Where the session keeps the key of the open tab's fragment; None where all of the page must follow."""


def threshold_panel() -> Thresholds:
    """Draw the panel and return what is set in it."""
    words = "The verdict follows at once. The values are kept in the page's link."
    st.subheader("Thresholds", anchor=False, help=words)
    st.caption(next(iter(Thresholds.groups())))
    _tree_fields()
    _other_fields()
    st.button("Reset thresholds", on_click=_reset, icon=":material/restart_alt:")
    _evidence_fields()
    return current_thresholds()


@st.fragment(key=SIDE)
def _tree_fields() -> None:
    for name in TREE:
        _field(name, FIELDS[name])


@st.fragment
def _other_fields() -> None:
    """Draw the other numbers when somebody unfolds them, or where one is set: each costs the browser 10 ms.

    Folded they are one stop for the Tab key, where each group would be one.
    """
    folded = st.expander("All other limits", key=OTHERS, on_change="rerun")
    if folded.open or any(_is_set(name) for name in FIELDS if name not in TREE):
        with folded:
            for title, names in list(Thresholds.groups().items())[1:]:
                with st.expander(title):
                    for name in names:
                        _field(name, FIELDS[name])


def _is_set(name: str) -> bool:
    """Whether a number has another value than its default, or the link names one that is still to be read."""
    return name in st.query_params or st.session_state.get(name, DEFAULTS[name]) != DEFAULTS[name]


def _evidence_fields() -> None:
    on = st.toggle(
        "Evidence beside the rule",
        value=True,
        key=EVIDENCE,
        bind="query-params",
        help="Intervals, groups, known answers. Off: the design document's decision tree alone.",
    )
    if on:
        st.multiselect(
            "Ignore",
            [piece.value for piece in Piece],
            format_func=lambda piece: piece.replace("_", " ").capitalize(),
            key=WITHOUT,
            bind="query-params",
            placeholder="Nothing",
            help="The verdict without these pieces of evidence.",
        )


@st.fragment(key=LIMITS)
def limit_fields() -> None:
    """Draw the decision tree's numbers once more."""
    with st.grid(len(TREE), min_column_width=90):
        for name in TREE:
            place = f"limit_{name}"
            st.session_state[place] = st.session_state.get(name, DEFAULTS[name])
            _field(name, FIELDS[name], place)


def contradictions() -> None:
    """Draw a line for each two values that contradict each other."""
    for low, high in _contradictions(_values()):
        st.warning(
            plain(
                f"“{FIELDS[low].title}” must be below “{FIELDS[high].title}”. Until it is, "
                f"{DEFAULTS[low]:g} and {DEFAULTS[high]:g} are used."
            )
        )


def current_thresholds() -> Thresholds:
    """The thresholds in the panel; where two values contradict each other, both defaults.

    Read from the session, so that a part of the page that is redrawn alone finds the newest.
    """
    values = _values()
    for pair in _contradictions(values):
        values |= {name: DEFAULTS[name] for name in pair}
    thresholds = Thresholds(**values)
    if not st.session_state.get(EVIDENCE, True):
        return thresholds.tree_alone()
    left_out = tuple(Piece(piece) for piece in st.session_state.get(WITHOUT) or ())
    return thresholds.model_copy(update={"without": left_out})


def _values() -> dict[str, Any]:
    entries = {name: st.session_state.get(name) for name in FIELDS}
    return {name: DEFAULTS[name] if value is None else round(value, 6) for name, value in entries.items()}


def _contradictions(values: dict[str, Any]) -> list[tuple[str, str]]:
    return [(low, high) for low, high in ORDERED if values[low] >= values[high]]


def _field(name: str, info: FieldInfo, place: str = "") -> None:
    """Draw a number's own field, which the URL keeps, or its second one at `place`."""
    limits = {
        limit: getattr(bound, limit)
        for bound in info.metadata
        for limit in ("ge", "gt", "le")
        if hasattr(bound, limit)
    }
    kind, step, form = (int, 1, "%d") if isinstance(info.default, int) else (float, 0.1, "%.1f")
    if kind is float and "le" in limits:
        step, form = 0.01, "%.2f"
    widget: dict[str, Any] = {"key": place} if place else {"value": info.default, "key": name}
    st.number_input(
        info.title or name,
        min_value=kind(limits["gt"] + step if "gt" in limits else limits.get("ge", 0)),
        max_value=kind(limits["le"]) if "le" in limits else None,
        step=step,
        format=form,
        help=None if place else info.description,
        bind=None if place else "query-params",
        on_change=_moved,
        args=(name, place),
        **widget,
    )


def _moved(name: str, place: str) -> None:
    """Redraw what follows from the thresholds; all of the page where that is not enough."""
    if place:
        st.session_state[name] = st.session_state[place]
    if link_closed():
        st.rerun()
    redrawn = [CHART, *_changed(), *(SIDE if place else LIMITS for tree in TREE if tree == name)]
    tab = st.session_state.get(FOLLOWING_TAB, "")
    if tab is None:
        return
    with contextlib.suppress(StreamlitAPIException):  # one of them is not on the page
        st.rerun([*redrawn, tab] if tab else redrawn)


def _changed() -> list[str]:
    """Names of the card and the findings, where they read otherwise under the new thresholds."""
    chosen, before = chosen_run() or recorded_run(), st.session_state.get(JUDGED)
    if chosen is None or before is None:
        return [VERDICT, FINDINGS]
    outcome = st.session_state.get(OUTCOME) or ""
    loaded = load_run(chosen)[1]
    with contextlib.suppress(DryRunError):
        loaded = loaded.by_outcome(outcome) if outcome else loaded
    keep_words(loaded.judge(current_thresholds()))
    now = st.session_state[JUDGED]
    return [part for part in now if now[part] != before[part]]


def keep_words(evidence: Evidence) -> None:
    """Keep what card and findings read on the page: a moved threshold then judges the run once, not twice."""
    both = (evidence.verdict, evidence.conditions)
    words = (evidence.short_reason, evidence.how_sure, evidence.borderline)
    lines = (evidence.dataset_line, evidence.grader_line, evidence.causes, evidence.actions)
    figures = (evidence.measures.signal, evidence.groups and evidence.groups.usable)
    rest = (evidence.warnings, evidence.document_only, evidence.thresholds.healthy_std)
    st.session_state[JUDGED] = {VERDICT: (*both, *words), FINDINGS: (*both, *lines, *figures, *rest)}


def _reset() -> None:
    st.session_state.update(DEFAULTS)

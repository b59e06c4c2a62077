"""Every number that decides, editable; the values travel in the URL."""

from __future__ import annotations

from typing import Any

import streamlit as st
from pydantic import ValidationError

from dryrun.core.text import plain
from dryrun.core.thresholds import Piece, Thresholds

PAIRS = (("mean_low", "mean_high"), ("healthy_mean_low", "healthy_mean_high"))

TITLES = {
    "mean_low": "Mean at least",
    "mean_high": "Mean at most",
    "std_low": "Std at least",
    "healthy_mean_low": "Healthy mean from",
    "healthy_mean_high": "Healthy mean to",
    "healthy_std": "Healthy std above",
    "bimodal_ratio": "Bimodal ratio",
    "floor_share": "Share at minimum",
    "ceiling_share": "Share at maximum",
    "min_prompts": "Fewest prompts",
    "few_prompts": "Few prompts",
    "max_missing": "Missing scores at most",
    "max_out_of_range": "Off the scale at most",
    "warn_missing": "Missing scores",
    "warn_truncated": "Cut off",
    "warn_empty": "Empty",
    "warn_refused": "Refused",
    "warn_grader_errors": "Grader errors",
    "warn_duplicates": "Repeated rows",
    "stability": "Re-draws that agree",
    "max_cut_off": "Cut off at most",
    "max_refused": "Refused at most",
    "least_range": "Right less junk",
    "least_noise": "Re-grade noise",
    "min_reliability": "Signal at least",
    "warn_reliability": "Signal",
    "group_size": "Training group",
    "min_usable": "Usable groups at least",
    "warn_usable": "Usable groups",
    "teaching": "Groups that would teach",
    "full_range": "Full range",
    "min_signal": "Signal Index at least",
    "warn_signal": "Signal Index",
    "warn_ceiling": "References earn",
    "warn_reformatted": "Lost by another form",
    "warn_junk": "Junk earns",
    "hackable_junk": "Junk at most",
    "hackable_alone": "One junk at most",
    "warn_length": "Score and length",
    "few_levels": "Different scores",
    "modal_share": "Commonest score",
    "warn_bad_references": "Failing references",
    "bad_references": "Bad references",
    "blame_grader": "Blame: grader from",
    "blame_data": "Blame: data up to",
    "min_labels": "Labels",
    "max_disagreement": "Disagreement at most",
    "warn_kappa": "Kappa with people",
    "warn_auc": "AUC with people",
    "topic_min_count": "Scores per topic",
    "topic_few_prompts": "Prompts per topic",
    "grader_fails": "Failing grades",
    "unpaid": "Right but unpaid",
    "warn_reasoning": "Reasoning in the response",
    "right_from": "Reference passes from",
    "surely_right_from": "Surely passes from",
    "between_references": "References between",
    "junk_lenient": "Junk: lenient from",
    "junk_strict": "Junk: strict below",
    "junk_z": "Junk: standard errors",
    "length_pairs": "Lengths compared",
    "false_reject": "Wrongly refused below",
    "false_accept": "Wrongly paid above",
    "topic_margin": "Topic: standard errors",
    "topic_references": "Topic: references",
    "topic_right": "Topic: references earn",
    "topic_confirmed": "Topic: confirmed above",
    "topic_pooled_prompts": "Topic: prompts to pool",
}
"""Short names; the full sentence is the field's own description. A field without one shows its name."""


def threshold_panel() -> Thresholds:
    """Draw the panel and give what it says.

    Values that contradict each other are explained, and the defaults of that pair are used instead.
    """
    st.subheader("Thresholds", help="The verdict follows at once. The values are kept in the page's link.")
    values: dict[str, Any] = {}
    for place, (title, names) in enumerate(Thresholds.groups().items()):
        # The decision tree's own numbers stand open; the others are a click away.
        with st.expander(title) if place else st.container():
            if not place:
                st.caption(title)
            values |= {name: _field(name) for name in names}
    changed = values != _defaults()
    st.button("Reset thresholds", on_click=_reset, disabled=not changed, icon=":material/restart_alt:")
    return _thresholds(values)


def rules_switch(thresholds: Thresholds) -> Thresholds:
    """Whether evidence stands beside the document's rule, and which."""
    on = st.toggle(
        "Evidence beside the rule",
        value=True,
        key="evidence",
        bind="query-params",
        help="Intervals, groups and anchors. Off: the design document's decision tree alone.",
    )
    if not on:
        return thresholds.tree_alone()
    left_out = st.multiselect(
        "Leave out",
        [piece.value for piece in Piece],
        format_func=lambda piece: piece.replace("_", " ").capitalize(),
        key="without",
        bind="query-params",
        placeholder="Nothing",
        help="The verdict without these pieces of evidence.",
    )
    return thresholds.model_copy(update={"without": tuple(Piece(piece) for piece in left_out)})


def _field(name: str) -> float | int:
    info = Thresholds.model_fields[name]
    low, high = _bounds(info.metadata)
    whole = isinstance(info.default, int)
    value = st.number_input(
        TITLES.get(name, name),
        min_value=int(low) if whole else low,
        max_value=None if high is None else int(high) if whole else high,
        value=info.default,
        step=1 if whole else 0.01 if high is not None else 0.1,
        format="%d" if whole else "%.2f" if high is not None else "%.1f",
        key=name,
        help=info.description,
        bind="query-params",
    )
    return info.default if value is None else value if whole else round(value, 6)  # type: ignore[no-any-return]


def _bounds(metadata: list[Any]) -> tuple[float, float | None]:
    low, high = 0.0, None
    for bound in metadata:
        low = getattr(bound, "ge", getattr(bound, "gt", low))
        high = getattr(bound, "le", high)
    return (0.1 if low == 0.0 and high is None else float(low)), (None if high is None else float(high))


def _defaults() -> dict[str, Any]:
    return {name: Thresholds.model_fields[name].default for name in Thresholds.numbers()}


def _reset() -> None:
    for name, value in _defaults().items():
        st.session_state[name] = value


def _thresholds(values: dict[str, Any]) -> Thresholds:
    try:
        return Thresholds(**values)
    except ValidationError:
        defaults = _defaults()
    for low, high in PAIRS:
        if values[low] >= values[high]:
            st.warning(
                plain(
                    f"“{TITLES[low]}” ({values[low]:g}) must be below “{TITLES[high]}” ({values[high]:g}). "
                    f"Until it is, {defaults[low]:g} and {defaults[high]:g} are used."
                )
            )
            values = {**values, low: defaults[low], high: defaults[high]}
    return Thresholds(**values)

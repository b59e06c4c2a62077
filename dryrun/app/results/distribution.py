"""The score distribution with its limits, and what training is paid for: groups, parts, how far it can go."""

from __future__ import annotations

from typing import Any

import streamlit as st

from dryrun.analysis.figures.statistics import HISTOGRAM_EDGES, bin_counts, valid_scores
from dryrun.analysis.selection import Show
from dryrun.analysis.training.advantages import Energy, Mode, Rollouts, what_if
from dryrun.analysis.training.record import Training
from dryrun.analysis.training.words import HEADROOM_TITLE, TRAINING_TITLE, training_lines
from dryrun.analysis.verdict.evidence import Evidence
from dryrun.analysis.verdict.words import tells_of_model
from dryrun.app.results.banner import open_samples
from dryrun.app.results.figures import BARS, clicked_bars, signal_panel, strip
from dryrun.app.results.thresholds import CHART, OUTCOME, contradictions, current_thresholds, keep_words
from dryrun.app.shared.loading import BY_VALUE, Loaded
from dryrun.app.shared.widgets import chart_spec, draw_chart, with_rows
from dryrun.core.errors import DryRunError
from dryrun.core.text import percent, plain
from dryrun.core.thresholds import Thresholds
from dryrun.report.charts.paid_for import (
    energy_alt,
    energy_chart,
    kinds_alt,
    kinds_chart,
    pass_alt,
    pass_chart,
)
from dryrun.report.charts.scores import (
    BIN_FIELD,
    HISTOGRAM_WORDS,
    SELECTION,
    HistogramBar,
    histogram_alt,
    histogram_bars,
    limit_rows,
    score_histogram,
)

DRAWN = "histogram_drawn"
"""Session key of the number of times that the chosen bars were cleared."""


@st.fragment(key=CHART)
def distribution(loaded: Loaded) -> None:
    """Draw the scores in bars over the fields of their limits; a click on a bar opens its samples."""
    thresholds = current_thresholds()
    evidence = loaded.judge(thresholds)
    keep_words(evidence)
    figures = evidence.document.statistics
    st.header(":small[Score distribution]", anchor=False, help=HISTOGRAM_WORDS)
    if figures.mean is None:
        st.caption("No response has a score yet.")
        return
    bars = _bars(loaded)
    key = f"histogram_{st.session_state.get(DRAWN, 0)}"
    chart = chart_spec(score_histogram, bars, figures.mean, Thresholds(), clicked_bars())
    st.vega_lite_chart(
        with_rows(chart, limit_rows(thresholds)),
        key=key,
        alt=histogram_alt(bars, figures.mean, figures.std),
        on_select=lambda: _clicked(key),
        selection_mode=SELECTION,
    )
    contradictions()


@st.cache_resource(max_entries=32, ttl=3600, show_spinner=False, hash_funcs=BY_VALUE)
def _bars(loaded: Loaded) -> tuple[HistogramBar, ...]:
    return histogram_bars(bin_counts(valid_scores(loaded.observations.score), HISTOGRAM_EDGES))


def bar_chip() -> None:
    """Draw which bars the samples are cut to, with a button that shows all of them again."""
    if bars := clicked_bars():
        st.button(
            f"Scores {', '.join(_spans(bars))}",
            icon=":material/close:",
            key="bar_chip",
            help="Show samples of every score again.",
            on_click=_forget_bars,
        )


def _spans(bars: tuple[int, ...]) -> list[str]:
    """Neighbouring bars as one span: ``["0.10 to 0.25", "0.95 to 1.00"]``."""
    spans: list[list[int]] = []
    for bar in bars:
        if spans and spans[-1][1] == bar:
            spans[-1][1] = bar + 1
        else:
            spans.append([bar, bar + 1])
    return [f"{HISTOGRAM_EDGES[low]:.2f} to {HISTOGRAM_EDGES[high]:.2f}" for low, high in spans]


def _clicked(key: str) -> None:
    """Keep the clicked bars in the URL and open their samples."""
    event: Any = st.session_state.get(key)
    points = event["selection"].get(SELECTION, []) if event else []
    bars = sorted({int(point[BIN_FIELD]) for point in points if BIN_FIELD in point})
    if bars:
        open_samples(Show.ALL, ",".join(map(str, bars)))
    st.query_params.pop(BARS, None)
    st.rerun()


def _forget_bars() -> None:
    st.query_params.pop(BARS, None)
    # The chart keeps its own selection: under another key it begins with none.
    st.session_state[DRAWN] = st.session_state.get(DRAWN, 0) + 1


MOST_SLIDERS = 8


def outcome_choice(loaded: Loaded) -> Loaded:
    """The run by the outcome that the page's link or its viewer names; by the guess where none is named."""
    if not loaded.observations.parts:
        return loaded
    written = st.selectbox(
        "Outcome",
        loaded.training.choices,
        index=None,
        placeholder=f"Guessed: {loaded.training.outcome.name}",
        accept_new_options=True,
        key=OUTCOME,
        bind="query-params",
        help="The part of the reward that says a response is right. Type a limit too: acc >= 0.8.",
    )
    if not written:
        return loaded
    try:
        return loaded.by_outcome(written)
    except DryRunError as error:
        st.warning(plain(str(error)))
        return loaded


@st.fragment(key="tab_training")
def training_signal(loaded: Loaded) -> None:
    """Draw the tab: the Signal Index, groups, what they are paid for, what-if weights, headroom."""
    evidence = loaded.judge(current_thresholds())
    if evidence.document_only:
        st.caption("Mean and std alone say nothing of training. Switch the evidence on in the sidebar.")
        return
    signal_panel(evidence)
    strip(evidence)
    _paid_for(loaded, evidence)


def _paid_for(loaded: Loaded, evidence: Evidence) -> None:
    training = loaded.training
    if training.kinds is None and training.headroom is None:
        return
    st.subheader(TRAINING_TITLE, anchor=False)
    if training.kinds is not None:
        draw_chart(kinds_chart, training.kinds, words=kinds_alt(training.kinds), key="group_kinds")
    advice = tells_of_model(evidence.dataset_quality, evidence.grader_quality)
    with st.container(gap="xsmall"):
        for line in training_lines(training, evidence.thresholds, advice=advice):
            st.text(line)
    _what_if(loaded, training)
    if training.headroom is not None:
        st.subheader(HEADROOM_TITLE, anchor=False)
        draw_chart(pass_chart, training.headroom, words=pass_alt(training.headroom), key="pass_at_k")


def _what_if(loaded: Loaded, training: Training) -> None:
    if not loaded.observations.parts or training.kinds is None:
        return
    st.subheader("What would other weights pay for?", anchor=False)
    _weights(loaded.rollouts, training)


@st.fragment
def _weights(rollouts: Rollouts, training: Training) -> None:
    """Sliders that compute anew and ask nothing."""
    fitted = {part.name: part.weight for part in training.energy.parts} if training.energy else {}
    if not fitted:
        st.caption("No weights of the parts add up to the reward (a gate or a product): each begins at 1.")
    names = [name for name in training.choices if name in rollouts.parts][:MOST_SLIDERS]
    mode = st.selectbox("How advantages are made", list(Mode), format_func=str, key="what_if_mode")
    most = max(1.0, *(abs(weight) for weight in fitted.values())) if fitted else 1.0
    weights = {
        name: st.slider(
            plain(name), -most, most, fitted.get(name, 0.0 if fitted else 1.0), 0.05, key=f"weight_{name}"
        )
        for name in names
    }
    energy = what_if(rollouts, weights, mode or Mode.SUM, training.outcome.name)
    st.text(_explained(energy, training))
    if energy.parts:
        draw_chart(energy_chart, energy.parts, words=energy_alt(energy.parts), key="energy")


def _explained(energy: Energy, training: Training) -> str:
    if energy.outcome is None:
        return "With these weights no group trains anything."
    now = training.energy.outcome if training.energy else None
    today = "" if now is None else f" Under the reward as it is: {percent(now)}."
    return (
        f"The outcome explains {percent(energy.outcome)} of the squared advantages, which weigh what "
        f"training does.{today}"
    )

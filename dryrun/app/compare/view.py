"""What differs between two runs."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from dryrun.analysis.figures.comparison import PromptMoves, difference_counts, prompt_moves
from dryrun.app.compare.beside import flipped, moved_prompts
from dryrun.app.compare.cards import verdict_cards
from dryrun.app.compare.graders import grader_difference
from dryrun.app.shared.loading import BY_VALUE, Loaded, load_run
from dryrun.app.shared.session import Chosen
from dryrun.app.shared.widgets import bullets, download, draw_chart, draw_tables, spec_of
from dryrun.core.text import plain, short
from dryrun.core.thresholds import Thresholds
from dryrun.report.charts.comparison import difference_alt, difference_chart, overlaid_alt, overlaid_chart
from dryrun.report.comparison import Comparison, Pairing, compare
from dryrun.report.comparison_text import comparison_outline, to_json, to_markdown
from dryrun.report.outline import Section
from dryrun.store.results import Side, sides

NARROWEST = 320
GRADER = "grader."
"""Beginning of the names of settings that the difference of the graders' texts shows."""


def comparison_view(first: Chosen, second: Chosen, thresholds: Thresholds, evidence: bool) -> None:
    """Draw both verdicts, what the comparison says, charts, what moved and flipped, what differs, the report.

    Raises
    ------
    DryRunError
        The runs cannot be compared.
    """
    loaded = [load_run(chosen)[1] for chosen in (first, second)]
    results = [loaded_run.results for loaded_run in loaded]
    comparison = _compared(loaded[0], loaded[1], thresholds, evidence)
    both = sides(results[0], results[1])
    verdict_cards((first, second), (comparison.first, comparison.second))
    others = tuple(setting for setting in comparison.settings if not setting.name.startswith(GRADER))
    words, differs, topics = comparison_outline(replace(comparison, settings=others))
    st.markdown(bullets("".join(sentence) for sentence in words.lines))
    _charts(comparison, both, thresholds)
    flipped(comparison, both)
    if comparison.pairing is not Pairing.NOTHING:
        moved_prompts(_moves(both), both)
    grader_difference(results[0].config.grader, results[1].config.grader)
    if others or not comparison.settings:
        _section(differs)
    _section(topics)
    _downloads(comparison)


@st.cache_resource(max_entries=8, ttl=3600, show_spinner="Comparing …", hash_funcs=BY_VALUE)
def _compared(first: Loaded, second: Loaded, thresholds: Thresholds, evidence: bool) -> Comparison:
    """The comparison, made once for equal figures: each side is judged, with all its topics."""
    return compare(first.results, second.results, thresholds, evidence=evidence)


def _moves(both: tuple[Side, Side]) -> PromptMoves:
    before, after = both
    return prompt_moves(before.seen.score, before.prompt, after.seen.score, after.prompt)


def _charts(comparison: Comparison, both: tuple[Side, Side], thresholds: Thresholds) -> None:
    scores = both[0].seen.score, both[1].seen.score
    charts = st.grid(2, min_column_width=NARROWEST, gap="large")
    with charts.cell():
        st.header(":small[Distributions of the scores]", anchor=False)
        st.vega_lite_chart(
            spec_of(overlaid_chart, *scores, thresholds), key="compare_scores", alt=overlaid_alt(*scores)
        )
    if comparison.pairing is Pairing.NOTHING or comparison.difference is None:
        return
    with charts.cell():
        st.header(":small[How the prompts moved]", anchor=False)
        counts = difference_counts(_moves(both).change)
        draw_chart(
            difference_chart, counts, comparison.difference.value, words=difference_alt(counts), key="moves"
        )


def _section(section: Section) -> None:
    if not section:
        return
    st.header(f":small[{section.title}]", anchor=False)
    for line in section.lines:
        st.caption(plain("".join(line), 400))
    draw_tables(section)


def _downloads(comparison: Comparison) -> None:
    name = f"compare-{short(comparison.first.run.id)}-{short(comparison.second.run.id)}"
    with st.container(horizontal=True):
        json, markdown = to_json(comparison).encode(), to_markdown(comparison).encode()
        download("Comparison (JSON)", json, f"{name}.json", "compare_json")
        download("Comparison (Markdown)", markdown, f"{name}.md", "compare_md")

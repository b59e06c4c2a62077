"""What differs between two runs: both verdicts, the figures, the texts of the graders."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import streamlit as st

from dryrun.analysis.figures.comparison import PromptMoves, difference_counts, prompt_moves
from dryrun.app.compare.beside import flipped, moved_prompts
from dryrun.app.shared.lists.examples import example_named
from dryrun.app.shared.lists.rows import title_of
from dryrun.app.shared.loading import BY_VALUE, Loaded, load_run
from dryrun.app.shared.looks import look_of
from dryrun.app.shared.session import Chosen, config_of, model_words, run_link
from dryrun.app.shared.widgets import bullets, download, draw_chart, draw_tables, spec_of
from dryrun.core.difference import MOST_LINES, line_differences
from dryrun.core.text import number, plain, plural, short, visible
from dryrun.core.thresholds import Thresholds
from dryrun.report import Report
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


LONG = 40
"""Lines above which the difference gets a box that scrolls."""


def grader_difference(first: Mapping[str, Any], second: Mapping[str, Any]) -> None:
    """Draw the lines that differ, letter by letter; nothing for equal graders."""
    before, after = grader_text(first), grader_text(second)
    if before == after:
        return
    st.header(":small[The graders' texts]", anchor=False)
    st.caption("− only in the first grader, + only in the second")
    changed = line_differences(before, after) or "(They differ after the lines that are compared.)"
    long = changed.count("\n") > LONG
    st.code(visible(changed), language="diff", wrap_lines=True, height=480 if long else "content")
    if max(before.count("\n"), after.count("\n")) >= MOST_LINES:
        st.caption(f"Only the first {MOST_LINES:,} lines of both are compared.")


def grader_text(grader: Mapping[str, Any]) -> str:
    """A grader as people read it: its JSON, and below it each text of several lines as lines."""
    texts: list[tuple[str, str]] = []
    shown = _outlined(grader, "", texts)
    parts = [json.dumps(shown, indent=2, ensure_ascii=False)]
    parts += [f"\n{path}:\n{text}" for path, text in texts]
    return "\n".join(parts)


def _outlined(value: Any, path: str, texts: list[tuple[str, str]]) -> Any:
    """The value with a note in place of each text of several lines, which goes to `texts` with its path."""
    if isinstance(value, Mapping):
        return {
            name: _outlined(part, f"{path}.{name}" if path else str(name), texts)
            for name, part in value.items()
        }
    if isinstance(value, list):
        return [_outlined(part, f"{path}[{number}]", texts) for number, part in enumerate(value)]
    if isinstance(value, str) and "\n" in value:
        texts.append((path, value))
        return "(its lines stand below)"
    return value


def verdict_cards(runs: tuple[Chosen, Chosen], reports: tuple[Report, Report]) -> None:
    """Draw a card for each run: its name, its verdict with the reason, its figures, a link to its results."""
    halves = st.grid(2, min_column_width=NARROWEST, gap="medium", border=True)
    for side, when, run, report in zip(("First", "Second"), ("before", "after"), runs, reports, strict=True):
        with halves.cell():
            _card(f"{side} ({when})", run, report)
            run_link("results", f"{side} run's results", "insights", run.link)


def _card(side: str, chosen: Chosen, report: Report) -> None:
    look = look_of(report.verdict, conditions=bool(report.diagnosis.conditions))
    config = config_of(chosen.run)
    st.caption(f"{side}: {plain(run_name(chosen), 80)}")
    beside = " :small[so far]" if report.run.pending else ""
    st.header(f"{look.markdown}{beside}", anchor=False)
    why = report.diagnosis.summary.removeprefix(report.headline).lstrip(" -:")
    st.markdown(plain(why[:1].upper() + why[1:], 600))
    statistics = report.statistics
    with st.container(horizontal=True, gap="large"):
        for label, value in (("Mean", statistics.mean), ("Std", statistics.std)):
            st.metric(label, number(value), width="content")
        st.metric("Scores", f"{report.responses_evaluated:,}", width="content")
    prompts = plural(report.samples_evaluated, "prompt")
    st.caption(
        f"{plain(config.dataset.name, 60)}, {prompts} · {model_words(config.model)} · "
        f"grader {plain(config.grader_name, 60)}"
    )


def run_name(chosen: Chosen) -> str:
    """The run's name. Not safe for Markdown."""
    if chosen.recorded and (example := example_named(chosen.link)):
        return f"Recorded: {example.title}"
    return title_of(chosen.run, config_of(chosen.run))

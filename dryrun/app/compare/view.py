"""What differs between two runs: both verdicts, the figures, the graders' texts, prompts and responses."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import streamlit as st

from dryrun.analysis.figures.comparison import Flips, PromptMoves, difference_counts, prompt_moves
from dryrun.app.shared.examples import example_named
from dryrun.app.shared.loading import BY_VALUE, Loaded, load_run
from dryrun.app.shared.looks import look_of
from dryrun.app.shared.run_rows import title_of
from dryrun.app.shared.sample import (
    message_text,
    prompt_view,
    remarks_view,
    response_view,
    reward_words,
    sub_reward_words,
    table_cell,
)
from dryrun.app.shared.session import Chosen, config_of, model_words, run_link
from dryrun.app.shared.widgets import bullets, download, draw_chart, draw_tables, spec_of
from dryrun.core.difference import MOST_LINES, line_differences
from dryrun.core.text import number, plain, plural, short, visible
from dryrun.core.thresholds import Thresholds
from dryrun.report import Report
from dryrun.report.charts.comparison import difference_alt, difference_chart, overlaid_alt, overlaid_chart
from dryrun.report.comparison import Comparison, Pairing, compare, comparison_outline, to_json, to_markdown
from dryrun.report.outline import Section
from dryrun.store.results import Inspected, Results, Side, sides

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


MOST_MOVED = 20
SHOWN = 5
"""Flipped responses of each kind that are drawn."""
BESIDE = 3
"""Responses of each run to one prompt that are drawn."""
NARROW = 300
SIDES = ("before", "after")


@st.fragment
def moved_prompts(moves: PromptMoves, both: tuple[Side, Side]) -> None:
    """Draw the prompts that moved most as a table, and the selected one's responses in both runs."""
    furthest = moves.furthest(MOST_MOVED)
    if not furthest.size:
        return
    after = both[1]
    asked = [int(np.flatnonzero(after.prompt == moves.prompt[at])[0]) for at in furthest]
    seen = after.results.inspect(asked)
    st.header(":small[Prompts that moved most]", anchor=False)
    event: Any = st.dataframe(
        {
            "Prompt": [table_cell(message_text(inspected.prompt.messages[-1]), 100) for inspected in seen],
            "Row": [inspected.prompt.row + 1 for inspected in seen],
            "Before": moves.first[furthest],
            "After": moves.second[furthest],
            "Change": moves.change[furthest],
        },
        key="moved",
        on_select="rerun",
        selection_mode="single-row-required",
        selection_default={"selection": {"rows": [0]}},
        hide_index=True,
        column_config={
            name: st.column_config.NumberColumn(format=form, width="small")
            for name, form in (("Row", "%d"), ("Before", "%.2f"), ("After", "%.2f"), ("Change", "%+.2f"))
        },
        alt="Prompts that moved most, with their mean scores before and after",
    )
    rows = event["selection"]["rows"] if event else [0]
    place = rows[0] if rows and rows[0] < len(seen) else 0
    unit = int(moves.prompt[furthest[place]])
    _prompt_beside(seen[place], unit, both)


def _prompt_beside(inspected: Inspected, unit: int, both: tuple[Side, Side]) -> None:
    with st.container(border=True):
        prompt_view(inspected.prompt, f"moved_{unit}")
        halves = st.grid(2, min_column_width=NARROW, gap="medium")
        for name, side in zip(SIDES, both, strict=True):
            with halves.cell():
                rows = np.flatnonzero(side.prompt == unit)
                more = f", {BESIDE} of {rows.size:,} responses" if rows.size > BESIDE else ""
                st.caption(f"{name.capitalize()}{more}")
                picked = [int(row) for row in rows[:BESIDE]]
                for row, seen in zip(picked, side.results.inspect(picked), strict=True):
                    _graded(seen, float(side.seen.score[row]), side.results)
                    response_view(seen.sample, f"moved_{name}_{row}")


@st.fragment
def flipped(comparison: Comparison, both: tuple[Side, Side]) -> None:
    """Draw responses that pass on one side only, with what each grader gave them."""
    if comparison.flipped is None:
        return
    for title, rows in _kinds(comparison.flipped):
        if rows.size:
            words, key = f"{title}: {rows.size:,}", f"flips_{title}"
            folded = st.expander(words, icon=":material/swap_vert:", key=key, on_change="rerun")
            if folded.open:
                with folded:
                    _flips(comparison, both, [int(row) for row in rows[:SHOWN]])


def _kinds(flips: Flips) -> tuple[tuple[str, Any], ...]:
    return ("Pass after, failed before", flips.gained), ("Fail after, passed before", flips.lost)


def _flips(comparison: Comparison, both: tuple[Side, Side], rows: Sequence[int]) -> None:
    places = [[int(side[row]) for row in rows] for side in comparison.rows]
    seen = [side.results.inspect(side_rows) for side, side_rows in zip(both, places, strict=True)]
    for place, pair in enumerate(zip(*seen, strict=True)):
        with st.container(border=True):
            prompt_view(pair[0].prompt, f"flip_{places[0][place]}")
            halves = st.grid(2, min_column_width=NARROW, gap="medium")
            for name, side, side_rows, inspected in zip(SIDES, both, places, pair, strict=True):
                with halves.cell():
                    score = float(side.seen.score[side_rows[place]])
                    st.caption(f"Score {score:.2f} {name}")
                    _graded(inspected, score, side.results)
                    response_view(inspected.sample, f"flip_{name}_{side_rows[place]}")


def _graded(inspected: Inspected, score: float, results: Results) -> None:
    """What a grader gave, in a line, and what it remarked."""
    words = f"**{plain(reward_words(inspected.grade, score, results.config))}**"
    if inspected.grade is not None and inspected.grade.sub_rewards:
        words += f" · {plain(sub_reward_words(inspected.grade), 300)}"
    st.markdown(words)
    if inspected.grade is not None:
        remarks_view(inspected.grade, f"beside_{results.run.id}_{inspected.sample.key}")

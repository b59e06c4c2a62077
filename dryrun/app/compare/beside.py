"""Prompts that moved and responses that flipped, with what both runs have to them side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st

from dryrun.analysis.figures.comparison import Flips, PromptMoves
from dryrun.app.shared.sample import (
    prompt_view,
    remarks_view,
    response_view,
    reward_words,
    sub_reward_words,
    table_cell,
)
from dryrun.core.text import plain
from dryrun.report.comparison import Comparison
from dryrun.store.results import Inspected, Results, Side

MOST_MOVED = 20
SHOWN = 5
"""Flipped responses of each kind that are drawn."""
BESIDE = 3
"""Responses of each run to one prompt that are drawn."""
NARROWEST = 300
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
            "Prompt": [table_cell(inspected.prompt.messages[-1].get("content"), 100) for inspected in seen],
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
    number = int(moves.prompt[furthest[place]])
    _prompt_beside(seen[place], number, both)


def _prompt_beside(inspected: Inspected, number: int, both: tuple[Side, Side]) -> None:
    with st.container(border=True):
        prompt_view(inspected.prompt, f"moved_{number}")
        halves = st.grid(2, min_column_width=NARROWEST, gap="medium")
        for name, side in zip(SIDES, both, strict=True):
            with halves.cell():
                rows = np.flatnonzero(side.prompt == number)
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
    for number, pair in enumerate(zip(*seen, strict=True)):
        with st.container(border=True):
            prompt_view(pair[0].prompt, f"flip_{places[0][number]}")
            halves = st.grid(2, min_column_width=NARROWEST, gap="medium")
            for name, side, side_rows, inspected in zip(SIDES, both, places, pair, strict=True):
                with halves.cell():
                    score = float(side.seen.score[side_rows[number]])
                    st.caption(f"Score {score:.2f} {name}")
                    _graded(inspected, score, side.results)
                    response_view(inspected.sample, f"flip_{name}_{side_rows[number]}")


def _graded(inspected: Inspected, score: float, results: Results) -> None:
    """What a grader gave, in a line, and what it remarked."""
    words = f"**{plain(reward_words(inspected.grade, score, results.config))}**"
    if inspected.grade is not None and inspected.grade.sub_rewards:
        words += f" · {plain(sub_reward_words(inspected.grade), 300)}"
    st.markdown(words)
    if inspected.grade is not None:
        remarks_view(inspected.grade, f"beside_{results.run.id}_{inspected.sample.key}")

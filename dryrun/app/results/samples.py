"""The table of samples with one row chosen, and that sample whole, beside the others of its prompt."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

import numpy as np
import streamlit as st

from dryrun.analysis.figures.statistics import is_valid
from dryrun.analysis.selection import Rows
from dryrun.app.results.labels import label_buttons
from dryrun.app.shared.loading import BY_VALUE, Loaded
from dryrun.app.shared.sample import (
    box_height,
    indented_json,
    message_text,
    other_fields_view,
    prompt_view,
    remarks_view,
    response_view,
    reward_words,
    sample_facts,
    table_cell,
    text_block,
)
from dryrun.app.shared.session import RECORDED, RUN
from dryrun.core.difference import key_differences, too_many_words, word_differences
from dryrun.core.paths import sample_data_dir
from dryrun.core.records import Grade, Prompt
from dryrun.core.text import cut, figure, number, plain, visible
from dryrun.dataset.fields import value_at
from dryrun.graders.reference_answers import answer_field
from dryrun.store.labels import identities, majority
from dryrun.store.results import Inspected, Results

ONE, PAGE = "sample", "page"
"""URL parameters: the open sample, and the table's page where none is open."""
TABLE, PAGER = "samples_table", "samples_pager"
NAME = re.compile(r"([1-9]\d{0,11})\.([1-9]\d{0,5})")
PER_PAGE = 20
"""Rows of the table: all are in view, so that the marked one never has to be scrolled to."""
MOST_PARTS = 6
"""Parts of the reward with a column."""
BESIDE = 390
"""Pixels that table and sample need each to stand side by side."""
RESPONSE = 210
"""Pixels that each response needs."""
MOST_BESIDE = 4
"""Responses shown beside each other before somebody asks for all."""
ROW_HEIGHT = 35


class SampleTable:
    """The chosen rows of a run, a page at a time, one of them open.

    Parameters
    ----------
    loaded : Loaded
    rows : int64 array
        Positions in the observations, in order.
    """

    def __init__(self, loaded: Loaded, rows: Rows) -> None:
        self._loaded, self._rows = loaded, rows
        results = loaded.results
        self._row = results.run.prompt_columns(["row"])["row"].to_numpy()
        self._prompt = results.rollouts["prompt"].to_numpy()
        self._rollout = results.rollouts["rollout"].to_numpy()

    def draw(self) -> None:
        """Draw the table beside the open sample, or above it where there is no room."""
        position = self._position(str(st.query_params.get(ONE, "")))
        sides = st.grid(2, min_column_width=BESIDE, gap="medium")
        with sides.cell():
            if self._rows.size:
                first = self._table(position)
                position = first if position is None else position
            else:
                st.info("No response fits. Take a filter away to see more.", icon=":material/info:")
        if position is not None:
            with sides.cell():
                self._sample(position)

    def name(self, position: int) -> str:
        """Row and response, both from 1, as the URL has them: ``"17.2"``."""
        return f"{self._row[self._prompt[position]] + 1}.{self._rollout[position] + 1}"

    def _position(self, name: str) -> int | None:
        """Which response has this name; None if none has."""
        match = NAME.fullmatch(name)
        if match is None:
            return None
        row, rollout = int(match[1]) - 1, int(match[2]) - 1
        places = np.flatnonzero((self._row[self._prompt] == row) & (self._rollout == rollout))
        return int(places[0]) if places.size else None

    def _table(self, position: int | None) -> int:
        """Draw a page of the table with the given sample marked; its first sample."""
        pages = -(-self._rows.size // PER_PAGE)
        page = self._page(position, pages)
        shown = self._rows[(page - 1) * PER_PAGE : page * PER_PAGE]
        marked = int(shown[0]) if position is None else position
        places = np.flatnonzero(shown == marked).tolist()
        st.session_state[TABLE] = {"selection": {"rows": places, "columns": [], "cells": []}}
        columns = _columns(self._loaded, shown)
        st.dataframe(
            {name: column for name, (column, _) in columns.items()},
            column_config={name: config for name, (_, config) in columns.items()},
            hide_index=True,
            height=ROW_HEIGHT * (shown.size + 1) + 3,
            placeholder="–",
            key=TABLE,
            on_select=lambda: self._picked(shown),
            selection_mode=["single-row", "single-cell"],
            alt="Samples: score, topic, prompt, response. Choose a row to read it; J and K go on and back.",
        )
        if pages > 1:
            st.session_state[PAGER] = page
            st.pagination(pages, key=PAGER, on_change=_turn_page)
        return int(shown[0])

    def _page(self, position: int | None, pages: int) -> int:
        """The page of the open sample, else the one in the URL."""
        where = self._place(position)
        if where is not None:
            return where // PER_PAGE + 1
        written = str(st.query_params.get(PAGE, ""))
        return min(int(written), pages) if re.fullmatch(r"[1-9]\d{0,8}", written) else 1

    def _place(self, position: int | None) -> int | None:
        """Where a response stands in the table's order; None if it does not."""
        places = np.flatnonzero(self._rows == position) if position is not None else self._rows[:0]
        return int(places[0]) if places.size else None

    def _picked(self, shown: Rows) -> None:
        chosen = st.session_state[TABLE]["selection"]
        places = [place for place, _ in chosen["cells"]] or chosen["rows"]
        if places and places[0] < shown.size:
            self._open(int(shown[places[0]]))

    def _open(self, position: int) -> None:
        st.query_params[ONE] = self.name(position)
        st.query_params.pop(PAGE, None)  # the open sample's page is shown

    def _sample(self, position: int) -> None:
        results, scores = self._loaded.results, self._loaded.observations.score
        siblings = np.flatnonzero(self._prompt == self._prompt[position])
        places = _beside(siblings.tolist(), position)
        seen = dict(zip(places, results.inspect(places), strict=True))
        inspected, where = seen[position], self._place(position)
        self._head(position, where, inspected)
        prompt_view(inspected.prompt, _key(inspected))
        self._responses(seen, position, siblings.size)
        reference = _reference_of(results, inspected.prompt)
        if reference is not None:
            _against_reference(inspected, reference)
        _reward(inspected, float(scores[position]), self._loaded)
        others = {
            key: value for key, value in inspected.prompt.item.items() if key not in ("messages", "topic")
        }
        other_fields_view(others, _key(inspected))

    def _head(self, position: int, where: int | None, inspected: Inspected) -> None:
        facts = sample_facts(inspected.sample, self._loaded.results.config)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**Row {inspected.prompt.row + 1:,}, {plain(facts[0])}**", width="content")
            self._step("Back", "k", where, -1)
            self._step("Next", "j", where, 1)
            with st.popover("Link", icon=":material/link:", help="A link that opens this sample."):
                st.code(_link(self._loaded, self.name(position)), language=None, wrap_lines=True)
        words = [*facts[1:], *([cut(inspected.prompt.topic, 80)] if inspected.prompt.topic else [])]
        if where is None:
            words.append("not among the samples in the table")
        if words:
            st.caption(plain(" · ".join(words)))
        label_buttons(self._loaded, inspected)

    def _step(self, label: str, shortcut: str, where: int | None, by: int) -> None:
        """A button to the next or the last sample of the table's order."""
        target = -1 if where is None else where + by
        inside = 0 <= target < self._rows.size
        st.button(
            label,
            shortcut=shortcut,
            key=f"sample_{label.lower()}",
            disabled=not inside,
            on_click=self._open,
            args=(int(self._rows[target]) if inside else 0,),
        )

    def _responses(self, seen: dict[int, Inspected], position: int, count: int) -> None:
        scores = self._loaded.observations.score
        cells = st.grid(min(len(seen), 4), min_column_width=RESPONSE, key="responses")
        for place, inspected in seen.items():
            mark = "open_response" if len(seen) > 1 and place == position else None
            with cells.cell(), st.container(key=mark):
                score = f"score {figure(float(scores[place]))}" if np.isfinite(scores[place]) else "no score"
                failed = "" if inspected.sample.returned else ", the call failed"
                st.caption(f"Response {inspected.sample.rollout + 1}{failed} · {score}")
                response_view(inspected.sample, _key(inspected))
                if place != position:
                    st.button(
                        f"Open response {inspected.sample.rollout + 1}",
                        key=f"open_{_key(inspected)}",
                        type="tertiary",
                        on_click=self._open,
                        args=(place,),
                    )
        if count > len(seen):
            st.button(
                f"Show all {count} responses", key="samples_beside", type="tertiary", on_click=_show_all
            )


def _show_all() -> None:
    st.session_state["samples_all"] = True


def _beside(siblings: list[int], position: int) -> list[int]:
    """The responses to draw: all, or the first few and the open one."""
    if st.session_state.get("samples_all") or len(siblings) <= MOST_BESIDE:
        return siblings
    first = siblings[:MOST_BESIDE]
    return first if position in first else [*first[:-1], position]


def _turn_page() -> None:
    st.query_params[PAGE] = str(st.session_state[PAGER])
    st.query_params.pop(ONE, None)


def _key(inspected: Inspected) -> str:
    """Names the widgets of a response; unique also where two rows share it."""
    return f"{inspected.sample.key}_{inspected.prompt.row}"


def _columns(loaded: Loaded, shown: Rows) -> dict[str, tuple[Any, Any]]:
    """The table's columns by name, each with its form."""
    seen, config = loaded.observations.at(shown), st.column_config
    prompts, responses, marks = _heads(loaded, shown)
    columns: dict[str, tuple[Any, Any]] = {
        "score": (
            np.where(is_valid(seen.score), seen.score, np.nan),
            config.ProgressColumn("Score", min_value=0.0, max_value=1.0, format="%.2f", width=85),
        )
    }
    if any(seen.topic):
        topics = [table_cell(topic) for topic in seen.topic]
        columns["topic"] = (topics, config.TextColumn("Topic", width=90))
    columns["prompt"] = (prompts, config.TextColumn("Prompt", width=145))
    columns["response"] = (responses, config.TextColumn("Response", width=125))
    uncounted = loaded.results.rollouts["completion_tokens"].null_count
    unit = "Characters" if uncounted else "Tokens"
    columns["length"] = (seen.length, config.NumberColumn(unit, format="%d", width=70))
    for count, (name, part) in enumerate(list(seen.parts.items())[:MOST_PARTS]):
        columns[f"part_{count}"] = (part, config.NumberColumn(table_cell(name, 40), format="%.2f", width=80))
    columns["label"] = (marks, config.TextColumn("Label", width=70))
    return columns


def _heads(loaded: Loaded, shown: Rows) -> tuple[list[str], list[str], list[str]]:
    """Beginnings of prompts and responses, and people's labels."""
    results = loaded.results
    labels = [loaded.newest_labels.get(name) for name in identities(results, shown)]
    marks = [(majority(by_person) or "disputed") if by_person else "" for by_person in labels]
    prompts, responses = _beginnings(results, tuple(shown.tolist()))
    return prompts, responses, [str(mark) for mark in marks]


@st.cache_resource(max_entries=64, ttl=3600, show_spinner=False, hash_funcs=BY_VALUE)
def _beginnings(results: Results, shown: tuple[int, ...]) -> tuple[list[str], list[str]]:
    """Read the texts of one page, and keep what its cells hold."""
    seen = results.inspect(shown)
    prompts = [table_cell(message_text(inspected.prompt.messages[-1])) for inspected in seen]
    return prompts, [table_cell(_response_text(inspected)) for inspected in seen]


def _response_text(inspected: Inspected) -> str:
    sample = inspected.sample
    if not sample.text and sample.tool_calls:
        return indented_json([dict(call) for call in sample.tool_calls[:3]])
    return sample.text or sample.error


def _link(loaded: Loaded, name: str) -> str:
    """The address of this page with this sample open."""
    parameters = {key: st.query_params.get_all(key) for key in st.query_params}
    own = loaded.results.run
    recorded = own.store.root.resolve().is_relative_to(sample_data_dir())
    run = {} if loaded.access.by_link else {RUN: [RECORDED if recorded else own.id]}
    return f"{st.context.url or ''}?{urlencode({**run, **parameters, ONE: [name]}, doseq=True)}"


def _reference_of(results: Results, prompt: Prompt) -> str | None:
    """The row's reference answer as text; JSON with line breaks where it is not text."""
    field = answer_field(results.config, [prompt.item])
    value = None if field is None else value_at(prompt.item, field)
    return value if value is None or isinstance(value, str) else indented_json(value)


def _against_reference(inspected: Inspected, reference: str) -> None:
    response = inspected.sample.text
    st.caption("Reference answer")
    text_block(reference, f"{_key(inspected)}_against")
    if not response:
        return
    if response == reference:
        st.caption("The response is the reference answer, letter by letter.")
    elif keys := key_differences(reference, response):
        _key_table(keys)
    elif keys is None:
        st.caption("Difference: − only in the reference answer, + only in the response")
        changed = visible(word_differences(reference, response))
        st.code(changed, language="diff", wrap_lines=True, height=box_height(changed))
        if too_many_words(reference, response):
            st.caption("Only the beginning of both is compared.")


def _key_table(keys: list[Any]) -> None:
    st.caption(f"Difference by keys: {sum(not row.same for row in keys)} of {len(keys)} differ")
    st.dataframe(
        {
            "Key": [table_cell(row.key or "(all)") for row in keys],
            "Reference": [table_cell(row.first) for row in keys],
            "Response": [table_cell(row.second) for row in keys],
            "": ["same" if row.same else "differs" for row in keys],
        },
        hide_index=True,
        height="auto",
        alt="Response and reference answer by keys",
    )


def _reward(inspected: Inspected, score: float, loaded: Loaded) -> None:
    grade = inspected.grade
    st.markdown(f"**{plain(reward_words(grade, score, loaded.results.config).capitalize())}**")
    if grade is None:
        return
    if grade.sub_rewards:
        st.dataframe(
            {
                "Part": [table_cell(name) for name in grade.sub_rewards],
                "Reward": [number(value) for value in grade.sub_rewards.values()],
                "Why": [table_cell(_reason(grade, name), 300) for name in grade.sub_rewards],
            },
            hide_index=True,
            alt="Parts of the reward",
        )
    remarks_view(grade, _key(inspected))


def _reason(grade: Grade, part: str) -> str:
    """What the errors and the judge say about this part; they begin with its name."""
    lines = [line for text in grade.errors.values() for line in text.split("; ")]
    lines += grade.detail.split("\n\n")
    return " ".join(line.removeprefix(f"{part}: ") for line in lines if line.startswith(f"{part}: "))

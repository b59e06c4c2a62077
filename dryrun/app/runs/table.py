"""The table of runs: what it holds, what is searched, which rows are selected; and the trainings below it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import streamlit as st

from dryrun.app.shared.budget import costs
from dryrun.app.shared.lists.rows import RunRow
from dryrun.app.shared.looks import VerdictLook
from dryrun.app.shared.widgets import bullets, draw_chart
from dryrun.core.fingerprint import fingerprint
from dryrun.core.text import NO_NUMBER, one_line, plural
from dryrun.engine.budget import tokens_of
from dryrun.report.charts.outcomes import KINDS, outcomes_alt, outcomes_chart
from dryrun.report.outcome.ledger import ledger_of
from dryrun.report.outcome.words import CAPTION, brier_lines
from dryrun.store.runs import Run
from dryrun.store.trainings import trainings_of


def outcome_cell(run: Run) -> str:
    """The newest training in a few words: ``"learned, +0.24"``; ``""`` where none is kept."""
    kept = trainings_of(run)
    return f"{KINDS[kept[-1].course.learned]}, {kept[-1].course.gain:+.2f}" if kept else ""


def outcomes_panel(runs: Sequence[Run]) -> None:
    """Draw the plot and the Brier score; nothing where no training of these runs is known."""
    ledger = ledger_of(runs)
    drawn = tuple(entry for entry in ledger.entries if entry.kept.prediction.chance is not None)
    if not drawn:
        return
    with st.expander("Predicted against actual", icon=":material/model_training:", expanded=True):
        draw_chart(outcomes_chart, drawn, words=outcomes_alt(drawn), key="outcomes")
        st.markdown(bullets(brier_lines(ledger.brier)))
        st.caption(CAPTION)


OPEN = "open_run"
"""Where the session has the row whose button was clicked."""
GO = "go_to_run"
"""Where it keeps the id of the run to go to, until the page is drawn again."""
ROW, TALLEST = 35, 20
"""Pixels of a row, and rows that are seen at once."""
LONGEST = 80
BORDERLINE = "borderline"
PRICED = "US dollars; a dash where a price is not known. New run asks for them under Prices and a limit."


def matching(rows: Sequence[RunRow], words: str) -> list[RunRow]:
    """The rows that hold each of these words, in whatever column; case does not count."""
    wanted = words.casefold().split()
    return [row for row in rows if all(word in _haystack(row) for word in wanted)]


def _haystack(row: RunRow) -> str:
    look = row.look
    parts = (row.name, row.note.note, look.value if look else "", *_what(row), row.run.id)
    return " ".join(parts).casefold()


def _what(row: RunRow) -> tuple[str, str, str]:
    config = row.config
    return config.dataset.name, config.grader_name, config.model.name


def runs_table(rows: Sequence[RunRow]) -> list[RunRow]:
    """Draw the table and return the selected rows."""
    event: Any = st.dataframe(
        table_columns(rows),
        hide_index=True,
        height=ROW * (min(len(rows), TALLEST) + 1) + 3,
        column_config=_looks([row.run.id for row in rows]),
        # A selection is a row's place: another list of runs is another table.
        key=f"runs_{fingerprint([row.run.id for row in rows])[:16]}",
        on_select="rerun",
        selection_mode="multi-row",
        placeholder=NO_NUMBER,
        alt=f"{plural(len(rows), 'run')}, newest first",
    )
    places = event["selection"]["rows"]
    return [rows[place] for place in places if place < len(rows)]


def table_columns(rows: Sequence[RunRow]) -> dict[str, list[Any]]:
    """What the table holds, by column."""
    datasets, graders, models = zip(*map(_what, rows), strict=True) if rows else ((), (), ())
    lines = [row.summary for row in rows]
    trained = [outcome_cell(row.run) for row in rows]
    return {
        "Name": [row.name for row in rows],
        "Verdict": [_verdict(row) for row in rows],
        "Mean": [line and line.mean for line in lines],
        "95 %": [
            f"{line.low:.2f} to {line.high:.2f}" if line and line.low is not None else "" for line in lines
        ],
        "Std": [line and line.std for line in lines],
        "Scores": [list(line.bars) if line else [] for line in lines],
        "Scored": [line.scored if line else row.status.graded for line, row in zip(lines, rows, strict=True)],
        **({"Training": trained} if any(trained) else {}),
        "Dataset": [one_line(name, LONGEST) for name in datasets],
        "Grader": [one_line(name, LONGEST) for name in graders],
        "Model": [one_line(name, LONGEST) for name in models],
        "Started": [datetime.fromtimestamp(row.status.started) for row in rows],
        "Cost": costs((row.config, row.status) for row in rows),
        "Tokens": [tokens_of(row.status) for row in rows],
        "Note": [one_line(row.note.note, 200) for row in rows],
    }


def _verdict(row: RunRow) -> list[str]:
    if row.look is None:
        return []
    borderline = [BORDERLINE] if row.summary and row.summary.borderline else []
    return [row.look.value, *borderline]


def _looks(ids: list[str]) -> dict[str, Any]:
    column = st.column_config
    return {
        "Name": column.ButtonColumn(
            width=165, alignment="left", type="tertiary", pinned=True, key=OPEN, on_click=_go, args=(ids,)
        ),
        "Verdict": column.MultiselectColumn(
            width=206,
            options=[*(look.value for look in VerdictLook), BORDERLINE],
            color=[*(look.colour for look in VerdictLook), "gray"],
        ),
        "Mean": column.NumberColumn(format="%.2f", width=55),
        "95 %": column.TextColumn(width=90, help="The mean's bootstrap interval."),
        "Std": column.NumberColumn(format="%.2f", width=55),
        "Scores": column.BarChartColumn(width=65, y_min=0, help="The score distribution from 0 to 1."),
        "Scored": column.NumberColumn(format="localized", width=55, help="Responses with a score."),
        "Dataset": column.TextColumn(width=105),
        "Grader": column.TextColumn(width=80),
        "Model": column.TextColumn(width=80),
        "Started": column.DatetimeColumn(format="D MMM YYYY, HH:mm", width=126),
        "Cost": column.NumberColumn(format="$%.2f", width=60, help=PRICED),
        "Tokens": column.NumberColumn(format="compact", width=60),
        "Training": column.TextColumn(width=130, help="The gain of its newest training, on 0 to 1."),
    }


def _go(ids: list[str]) -> None:
    st.session_state[GO] = ids[st.session_state[OPEN].row]

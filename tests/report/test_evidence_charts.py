"""The group strip and the topic intervals: small data, a shape beside each colour, valid Vega-Lite."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from dryrun.analysis.figures.anchors import Anchors
from dryrun.analysis.figures.groups import group_strip, groups
from dryrun.analysis.figures.redraw import Interval
from dryrun.analysis.verdict.evidence import diagnose_with_evidence
from dryrun.analysis.verdict.topics import standing
from dryrun.core.thresholds import Thresholds
from dryrun.report.build import topic_entries
from dryrun.report.charts.evidence import (
    ANCHOR_LOOKS,
    WORTHLESS,
    anchor_rows,
    stored_anchor_rows,
    strip_alt,
    strip_chart,
)
from dryrun.report.charts.intervals import HIGH_ROW, interval_alt, interval_chart
from dryrun.report.charts.topics import TOPIC_LOOKS, topic_rows, topics_alt, topics_caption
from dryrun.report.figures import AnchorFigures, TopicEntry
from tests.helpers.observed import observe

ANCHORS = Anchors(
    reference=np.array([1.0, 1.0, 0.7]),
    junk={"empty": np.zeros(3), "long_filler": np.array([0.5, np.nan, 0.7]), "lost": np.full(2, np.nan)},
)


def spec_of(chart: Any) -> dict[str, Any]:
    spec: dict[str, Any] = chart.to_dict()  # validates against Vega-Lite's schema
    return spec


def test_a_strip_shows_each_prompts_scores_by_mean() -> None:
    score = np.array([1, 1, 0, 0, 0, 1, 0.2, 0.4])
    columns = group_strip(score, np.repeat(np.arange(4), 2))
    assert [column.cells for column in columns] == [(0, 0), (0.2, 0.4), (0, 1), (1, 1)]
    assert [column.dead for column in columns] == [1, 0, 0, 1]
    assert group_strip(np.array([0.1, 0.2]), np.arange(2)) == ()
    uneven = group_strip(np.array([0.0, 1.0, 0.5, 0.5, 0.5, np.nan]), np.array([0, 0, 1, 1, 1, 0]))
    assert [column.cells for column in uneven] == [(0, 0, 1), (0.5, 0.5, 0.5)]


def test_fifty_thousand_prompts_are_sixty_columns_that_lose_no_prompt() -> None:
    rng = np.random.default_rng(1)
    score = (rng.random((50_000, 4)) < rng.random((50_000, 1))).astype(float)
    prompt = np.repeat(np.arange(50_000), 4)
    columns = group_strip(score.ravel(), prompt)
    assert len(columns) == 60
    assert sum(column.prompts for column in columns) == 50_000
    dead = sum(column.prompts * column.dead for column in columns) / 50_000
    assert abs(dead - float((score.min(1) == score.max(1)).mean())) < 1e-3
    found = groups(score.ravel(), prompt)
    assert found is not None
    spec = spec_of(strip_chart(columns))
    assert len(json.dumps(spec)) < 60_000
    assert "50,000 prompts sorted by mean" in strip_alt(columns, found)
    assert "of groups of 8 would carry signal (" in strip_alt(columns, found)


def entry(prompts: int, mean: float, status: str | None, evidence: str | None, *pooled: float) -> TopicEntry:
    about = {"mean": mean, "std": 0.2, "count": 2 * prompts, "missing": 0, "prompts": prompts}
    after = {"pooled": pooled[0], "interval": pooled[1:]} if pooled else {}
    words = {"status": status, "problem": None, "note": "", "evidence": evidence}
    return TopicEntry.model_validate({**about, **words, **after})


def test_topics_are_drawn_with_interval_shape_and_size_of_sample() -> None:
    topics = {
        "fine": entry(40, 0.5, "good", None, 0.49, 0.44, 0.54),
        "bad": entry(30, 0.1, "problem", "confirmed", 0.12, 0.08, 0.16),
        "odd": entry(5, 0.15, "good", "watch", 0.3, -0.1, 0.5),
        "tiny": entry(2, 0.9, None, "too few", 0.5, 0.2, 0.8),
    }
    spec = spec_of(interval_chart(topic_rows(topics), TOPIC_LOOKS, Thresholds()))
    rows = spec["datasets"]["rows"]
    assert [row["name"] for row in rows] == ["bad", "odd", "fine", "tiny"]
    assert (rows[1]["low"], rows[1]["mean"], rows[1]["own"]) == (0.0, 0.3, 0.15)
    assert {row["note"] for row in rows} >= {"n 30 · confirmed problem", "n 5 · watch"}
    assert "bad 0.10 (confirmed problem, prompts: 30)" in topics_alt(topics)
    many = {f"{name} {number}": topic for name, topic in topics.items() for number in range(9)}
    assert "6 more topics in the table" in topics_caption(many)
    assert "after pooling" in topics_caption(many)
    assert "one std to each side" in topics_caption({"fine": entry(40, 0.5, "good", None)})


def test_the_lines_of_the_limits_leave_the_names_of_topics_free() -> None:
    rows = topic_rows({"bad": entry(60, 0.05, "problem", None), "fine": entry(40, 0.5, "good", None)})
    spec = spec_of(interval_chart(rows, TOPIC_LOOKS, Thresholds(mean_low=0.2)))
    assert {(row["name"], row["at"]) for row in spec["datasets"]["limits"]} == {
        (name, at) for name in ("bad", "fine") for at in (0.2, 0.9)
    }
    (limits,) = (layer for layer in spec["layer"] if layer["mark"]["type"] == "tick")
    offset = limits["encoding"]["y"]["axis"]["labelOffset"]
    words_end = offset + 6  # half of a line of 12 pixels
    assert limits["mark"]["yOffset"] - limits["mark"]["size"] / 2 >= words_end
    assert limits["mark"]["yOffset"] + limits["mark"]["size"] / 2 <= HIGH_ROW / 2


def test_no_chart_calls_a_topic_good_that_the_warnings_call_a_problem() -> None:
    observed = observe([0.50, 0.52] * 20 + [0.1, 0.9] * 20, rollouts=2, topics=["flat"] * 40 + ["wide"] * 40)
    judged = diagnose_with_evidence(observed)
    assert any("flat is a problem" in str(warning) for warning in judged.warnings)
    told = topics_alt(topic_entries(judged))
    assert "flat 0.51 (problem, prompts: 20)" in told
    assert "wide 0.50 (good, prompts: 20)" in told


def test_a_topics_own_mean_and_prompts_are_those_of_the_table_where_responses_were_cut_off() -> None:
    observed = observe(
        [0.0, 0.0] * 10 + [0.3, 0.7] * 30,
        rollouts=2,
        topics="one",
        outcomes=["truncated"] * 20 + ["answered"] * 60,
    )
    judged = diagnose_with_evidence(observed)
    (table,), (pooled,) = judged.document.topics, judged.attribution.topics
    (drawn,) = topic_rows(topic_entries(judged))
    assert (drawn.own, drawn.mean) == (table.mean, pooled.pooled)
    assert drawn.own != drawn.mean, "cut-off responses do not enter the pooling"
    assert drawn.note.startswith(f"n {table.prompts} ")


@pytest.mark.parametrize(
    ("status", "evidence", "word", "mark"),
    [
        ("problem", None, "problem", "diamond"),
        ("problem", "watch", "problem", "diamond"),
        ("good", "confirmed", "confirmed problem", "diamond"),
        ("good", "watch", "watch", "square"),
        ("good", "too few", "too few", "triangle-up"),
        ("good", None, "good", "circle"),
        (None, None, "too few", "triangle-up"),
    ],
)
def test_a_topic_is_called_and_marked_by_status_and_evidence_together(
    status: str | None, evidence: str | None, word: str, mark: str
) -> None:
    assert standing(status, evidence) == word
    (row,) = topic_rows({"one": entry(20, 0.5, status, evidence, 0.5, 0.4, 0.6)})
    assert row.note == f"n 20 · {word}"
    assert {kind: shape for kind, _, shape in TOPIC_LOOKS}[row.kind] == mark


def test_rows_without_a_topic_have_a_name_in_the_chart() -> None:
    topics = {
        "": entry(30, 0.1, "good", None, 0.12, 0.08, 0.16),
        "a": entry(40, 0.5, "good", None, 0.49, 0.44, 0.54),
    }
    spec = spec_of(interval_chart(topic_rows(topics), TOPIC_LOOKS, Thresholds()))
    assert "(no topic)" in json.dumps(spec)
    assert "(no topic) 0.10" in topics_alt(topics)


def test_right_answers_then_the_model_then_worthless_answers_by_what_they_earn() -> None:
    rows = anchor_rows(ANCHORS, 0.4, Interval(0.3, 0.5))
    assert [row.name for row in rows] == ["reference answers", "base model", "long filler", "empty"]
    assert (rows[1].low, rows[1].high) == (0.3, 0.5)
    assert rows[2].mean == np.float64(0.6)
    assert 0.0 <= rows[2].low < rows[2].mean < rows[2].high <= 1.0
    assert anchor_rows(Anchors(), None, None) == ()


def test_a_reports_anchors_stand_in_the_same_order() -> None:
    at = AnchorFigures(
        reference=0.9, junk_kinds={"empty": 0.0, "long_filler": 0.6}, regrade_std=None, reliability=None
    )
    rows = stored_anchor_rows(at, 0.4, None)
    assert [(row.name, row.mean) for row in rows] == [
        ("reference answers", 0.9),
        ("base model", 0.4),
        ("long filler", 0.6),
        ("empty", 0.0),
    ]


def test_every_kind_of_anchor_has_a_shape_and_words() -> None:
    rows = anchor_rows(ANCHORS, 0.4, None)
    spec = spec_of(interval_chart(rows, ANCHOR_LOOKS))
    shape = next(layer["encoding"]["shape"] for layer in spec["layer"] if "shape" in layer["encoding"])
    assert len(set(shape["scale"]["range"])) == len(ANCHOR_LOOKS)
    assert WORTHLESS in shape["scale"]["domain"]
    assert "long filler 0.60" in interval_alt("Mean scores", rows)

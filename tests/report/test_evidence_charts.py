"""The group strip and the topic intervals: small data, a shape beside each colour, valid Vega-Lite."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from dryrun.analysis.figures.groups import group_strip, groups
from dryrun.analysis.figures.pooling import PooledTopic
from dryrun.analysis.verdict.evidence import diagnose_with_evidence
from dryrun.analysis.verdict.topics import TopicFigures, TopicStatus, standing
from dryrun.core.thresholds import Thresholds
from dryrun.report.charts.evidence import (
    intervals_alt,
    intervals_caption,
    stood,
    strip_alt,
    strip_chart,
    topic_intervals,
)
from dryrun.report.fields import TopicEntry
from dryrun.report.svg import topics_svg
from tests.helpers.observed import observe


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


def figures(one: PooledTopic, status: TopicStatus | None) -> TopicFigures:
    return TopicFigures(one.topic, one.mean, 0.2, 2 * one.prompts, 0, one.prompts, status)


def test_topics_are_drawn_with_interval_shape_and_size_of_sample() -> None:
    pooled = [
        PooledTopic("fine", 40, 0.5, 0.49, 0.44, 0.54, 0.0, ""),
        PooledTopic("bad", 30, 0.1, 0.12, 0.08, 0.16, 0.99, "confirmed"),
        PooledTopic("odd", 5, 0.15, 0.3, -0.1, 0.5, 0.4, "watch"),
        PooledTopic("tiny", 2, 0.9, 0.5, 0.2, 0.8, 0.3, "too few"),
    ]
    statuses = [TopicStatus.GOOD, TopicStatus.PROBLEM, TopicStatus.GOOD, None]
    topics = stood(pooled, [figures(*pair) for pair in zip(pooled, statuses, strict=True)])
    spec = spec_of(topic_intervals(topics, Thresholds()))
    data = [layer.get("data", spec.get("data", {})) for layer in spec["layer"]]
    parts = [part.get("values") or spec["datasets"][part["name"]] for part in data]
    rows = next(part for part in parts if "topic" in part[0])
    assert [row["topic"] for row in rows] == ["bad", "odd", "fine", "tiny"]
    assert rows[1]["low"] == 0.0
    assert {row["text"] for row in rows} >= {"n 30 · confirmed problem", "n 5 · watch"}
    shapes = next(layer["encoding"]["shape"] for layer in spec["layer"] if "shape" in layer["encoding"])
    assert len(set(shapes["scale"]["range"])) == 4
    assert len(shapes["scale"]["range"]) == len(shapes["scale"]["domain"])
    assert "bad 0.10 (confirmed problem, 30 prompts)" in intervals_alt(topics)
    assert "6 more topics in the table" in intervals_caption(topics * 9)


def test_no_chart_calls_a_topic_good_that_the_warnings_call_a_problem() -> None:
    observed = observe([0.50, 0.52] * 20 + [0.1, 0.9] * 20, rollouts=2, topics=["flat"] * 40 + ["wide"] * 40)
    judged = diagnose_with_evidence(observed)
    assert any("flat is a problem" in str(warning) for warning in judged.warnings)
    told = intervals_alt(stood(judged.attribution.topics, judged.document.topics))
    assert "flat 0.51 (problem, 20 prompts)" in told
    assert "wide 0.50 (good, 20 prompts)" in told


def test_a_topics_own_mean_and_prompts_are_those_of_the_table_where_responses_were_cut_off() -> None:
    observed = observe(
        [0.0, 0.0] * 10 + [0.3, 0.7] * 30,
        rollouts=2,
        topics="one",
        outcomes=["truncated"] * 20 + ["answered"] * 60,
    )
    judged = diagnose_with_evidence(observed)
    (table,), (pooled,) = judged.document.topics, judged.attribution.topics
    assert (table.mean, table.prompts) != (pooled.mean, pooled.prompts)
    ((drawn, _),) = stood((pooled,), (table,))
    assert (drawn.mean, drawn.prompts, drawn.pooled) == (table.mean, table.prompts, pooled.pooled)


@pytest.mark.parametrize(
    ("status", "evidence", "word", "mark"),
    [
        ("problem", None, "problem", "diamond"),
        ("problem", "watch", "problem", "diamond"),
        ("good", "confirmed", "confirmed problem", "diamond"),
        ("good", "watch", "watch", "square"),
        ("good", "too few", "too few", "circle"),
        ("good", None, "good", "circle"),
        (None, None, "too few", "circle"),
    ],
)
def test_the_report_calls_a_topic_what_the_page_calls_it(
    status: str | None, evidence: str | None, word: str, mark: str
) -> None:
    assert standing(status, evidence) == word
    entry = TopicEntry.model_validate(
        {
            "mean": 0.5,
            "std": 0.2,
            "count": 40,
            "missing": 0,
            "prompts": 20,
            "status": status,
            "problem": None,
            "note": "",
            "evidence": evidence,
            "pooled": 0.5,
            "interval": (0.4, 0.6),
        }
    )
    drawn = topics_svg({"one": entry}, Thresholds())
    assert f"n 20 · {word}<" in drawn
    assert ('class="problem"' in drawn) == (mark == "diamond")


def test_rows_without_a_topic_have_a_name_in_the_chart() -> None:
    pooled = [
        PooledTopic("", 30, 0.1, 0.12, 0.08, 0.16, 0.99, ""),
        PooledTopic("a", 40, 0.5, 0.49, 0.44, 0.54, 0, ""),
    ]
    topics = stood(pooled, [figures(one, TopicStatus.GOOD) for one in pooled])
    assert "(no topic)" in json.dumps(spec_of(topic_intervals(topics, Thresholds())))
    assert "(no topic) 0.10" in intervals_alt(topics)

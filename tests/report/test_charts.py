from __future__ import annotations

import importlib
import json
import pkgutil
import tomllib
from itertools import combinations
from typing import Any

import altair as alt
import numpy as np
import pytest

from dryrun.analysis.figures.statistics import HISTOGRAM_EDGES, bin_counts, describe, valid_scores
from dryrun.analysis.verdict.evidence import diagnose_with_evidence
from dryrun.core.text import cut, short_names
from dryrun.core.thresholds import Thresholds
from dryrun.report import charts
from dryrun.report.build import topic_entries
from dryrun.report.charts.intervals import LOOKS, RIGHT, Row, interval_chart
from dryrun.report.charts.scores import (
    BIN_FIELD,
    BLUE,
    GREY,
    ORANGE,
    SELECTION,
    HistogramBar,
    histogram_alt,
    histogram_bars,
    score_histogram,
)
from dryrun.report.charts.topics import (
    LABEL,
    SHOWN_TOPICS,
    TOPIC_LOOKS,
    topic_rows,
    topics_alt,
    topics_caption,
)
from dryrun.report.figures import TopicEntry
from tests.helpers.observed import beta_scores, observe
from tests.helpers.support import ROOT

LIMITS = Thresholds()
ALONE = Thresholds().tree_alone()
GROUNDS = {"light": "#ffffff", "dark": "#0e1117"}
SEES_NO_GREEN = np.array(
    [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
)
SEES_NO_RED = np.array(
    [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
)
"""Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB."""


def bars_of(scores: np.ndarray) -> tuple[HistogramBar, ...]:
    return histogram_bars(bin_counts(valid_scores(scores), HISTOGRAM_EDGES))


def histogram(scores: np.ndarray, thresholds: Thresholds = LIMITS) -> alt.LayerChart:
    return score_histogram(bars_of(scores), describe(scores).mean, thresholds)


def topics_of(parts: dict[str, np.ndarray], limits: Thresholds = ALONE) -> dict[str, TopicEntry]:
    scores = np.concatenate(list(parts.values()))
    observations = observe(scores, topics=[name for name, own in parts.items() for _ in own])
    return topic_entries(diagnose_with_evidence(observations, None, limits))


def topic_chart(topics: dict[str, TopicEntry]) -> alt.LayerChart:
    return interval_chart(topic_rows(topics), TOPIC_LOOKS, LIMITS)


def layers(chart: alt.LayerChart) -> list[dict[str, Any]]:
    """Each layer of the finished specification with its rows."""
    spec = json.loads(chart.to_json())
    return [
        {
            **layer,
            "rows": spec["datasets"][layer["data"]["name"]]
            if "name" in layer["data"]
            else layer["data"]["values"],
        }
        if "data" in layer
        else {**layer, "rows": spec["datasets"][spec["data"]["name"]]}
        for layer in spec["layer"]
    ]


def rows_with(chart: alt.LayerChart, field: str) -> list[dict[str, Any]]:
    return next(layer["rows"] for layer in layers(chart) if field in layer["rows"][0])


def linear(color: str) -> np.ndarray:
    srgb = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    """WCAG 2's contrast ratio."""
    light = [float(linear(color) @ [0.2126, 0.7152, 0.0722]) for color in (one, other)]
    return (max(light) + 0.05) / (min(light) + 0.05)


def lab(rgb: np.ndarray) -> np.ndarray:
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ rgb
    scaled = np.clip(xyz / [0.9505, 1.0, 1.089], 0, None)
    f = np.where(scaled > 0.008856, np.cbrt(scaled), 7.787 * scaled + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def test_bars_count_every_score_once() -> None:
    scores = np.r_[beta_scores(0.5, 0.3), np.nan, 85.0, 0.0, 1.0, 0.6]
    bars = bars_of(scores)
    assert [bar.bin for bar in bars] == list(range(20))
    assert sum(bar.count for bar in bars) == 303
    assert sum(bar.share for bar in bars) == pytest.approx(1.0)
    counts, _ = np.histogram(beta_scores(0.5, 0.3), [i / 20 for i in range(21)])
    counts[[0, 12, 19]] += 1
    assert [bar.count for bar in bars] == counts.tolist()


def test_bars_tell_the_bin_of_the_report_they_lie_in() -> None:
    bars = bars_of(np.array([0.05] * 3 + [0.55]))
    assert {bar.report_bin for bar in bars[:4]} == {"0.0-0.2: 75 %"}
    assert {bar.report_bin for bar in bars[8:12]} == {"0.4-0.6: 25 %"}


def test_a_click_selects_an_integer_bin() -> None:
    spec = json.loads(histogram(beta_scores(0.5, 0.3)).to_json())
    (parameter,) = spec["params"]
    assert (parameter["name"], parameter["select"]) == (SELECTION, {"type": "point", "fields": [BIN_FIELD]})
    rows = rows_with(histogram(beta_scores(0.5, 0.3)), BIN_FIELD)
    assert [row[BIN_FIELD] for row in rows] == list(range(20))


def test_limits_band_and_mean_come_from_the_thresholds_and_the_scores() -> None:
    limits = Thresholds(mean_low=0.12, mean_high=0.85, healthy_mean_low=0.3, healthy_mean_high=0.7)
    chart = histogram(beta_scores(0.42, 0.21), limits)
    drawn = [(layer["mark"]["type"], layer["rows"]) for layer in layers(chart)]
    assert ("rect", [{"low": 0.3, "high": 0.7}]) in drawn
    assert ("rule", [{"at": 0.12}, {"at": 0.85}]) in drawn
    texts = [row["text"] for kind, rows in drawn if kind == "text" for row in rows]
    assert texts == ["mean must be over 0.12 and under 0.85", "mean 0.42"]


def test_no_score_draws_no_mean() -> None:
    spec = histogram(np.array([])).to_json()
    assert "mean" not in json.loads(spec)["layer"][-1]["mark"]
    assert "mean 0" not in spec


def test_a_chart_weighs_the_same_for_a_hundred_and_for_a_hundred_thousand_scores() -> None:
    rng = np.random.default_rng(0)
    sizes = [len(histogram(rng.random(n)).to_json(indent=None)) for n in (100, 100_000)]
    assert max(sizes) < 10_000
    assert abs(sizes[1] - sizes[0]) < 300


def test_status_is_told_by_shape_colour_and_text() -> None:
    topics = topics_of(
        {"low": beta_scores(0.12, 0.08, 82), "fine": beta_scores(0.5, 0.2, 95), "tiny": np.array([0.5, 0.4])}
    )
    chart = topic_chart(topics)
    rows = rows_with(chart, "kind")
    assert [(row["name"], row["kind"], row["note"]) for row in rows] == [
        ("low", "problem", "0.12 · n 82 · problem"),
        ("fine", "good", "0.50 · n 95 · good"),
        ("tiny", "too few", "0.45 · n 2 · too few"),
    ]
    assert rows[0]["low"] < rows[0]["mean"] < rows[0]["high"]
    points = next(layer for layer in layers(chart) if layer["mark"]["type"] == "point")
    shapes, hues = (points["encoding"][channel]["scale"] for channel in ("shape", "color"))
    assert shapes["domain"] == hues["domain"] == [kind for kind, _, _ in TOPIC_LOOKS]
    looks = {kind: (hue, shape) for kind, hue, shape in TOPIC_LOOKS}
    assert len({looks[kind][1] for kind in ("good", "problem", "watch", "too few")}) == 4
    assert points["encoding"]["y"]["sort"] == {"field": "place", "op": "min"}
    assert [row["place"] for row in rows] == [0, 1, 2]


def test_many_topics_show_the_worst_and_say_how_many_are_not_drawn() -> None:
    topics = topics_of({f"topic {i:02}": beta_scores(0.3 + i / 200, 0.2, 8) for i in range(40)})
    chart = topic_chart(topics)
    drawn = [row["name"] for row in rows_with(chart, "kind")]
    by_mean = sorted(topics, key=lambda name: topics[name].mean or 0.0)
    assert sorted(drawn) == sorted(by_mean[:SHOWN_TOPICS])
    assert "10 more topics in the table" in topics_caption(topics)
    assert len(chart.to_json(indent=None)) < 20_000


def test_no_chart_is_made_while_its_module_is_read() -> None:
    """Altair would check it, and fail where another thread is in the middle of reading pandas."""
    for module in pkgutil.iter_modules(charts.__path__):
        held = vars(importlib.import_module(f"{charts.__name__}.{module.name}"))
        assert not [name for name, value in held.items() if isinstance(value, alt.SchemaBase)], module.name


def test_the_lines_to_compare_with_are_named_in_the_chart() -> None:
    lines = (("base model", 0.47), ("right answers", 1.0))
    spec = interval_chart([Row("bare", RIGHT, 1.0, 1.0, 1.0)], LOOKS, lines=lines).to_dict()
    named = [layer for layer in spec["layer"] if layer["encoding"].get("text", {}).get("field") == "words"]
    words = [spec["datasets"][layer["data"]["name"]][0]["words"] for layer in named]
    assert words == ["base model 0.47", "right answers 1.00"]
    assert [layer["mark"]["align"] for layer in named] == ["center", "right"], "none leaves the chart"
    assert len({layer["mark"]["dy"] for layer in named}) == 2, "nor covers the other"


@pytest.mark.parametrize(
    ("names", "drawn"),
    [
        (["short", "x" * 50], ["short", "x" * 41 + "…"]),
        (["x" * 50 + "1", "x" * 50 + "2"], ["x" * 20 + "…" + "x" * 20 + end for end in "12"]),
        (["x" * 50, "x" * 51], ["x" * 50, "x" * 51]),
    ],
)
def test_long_topic_names_stay_different_in_the_chart(names: list[str], drawn: list[str]) -> None:
    assert list(short_names(names, LABEL).values()) == drawn
    chart = topic_chart(topics_of({name: beta_scores(0.5, 0.2, 50) for name in names}))
    assert {row["name"] for row in rows_with(chart, "kind")} == set(drawn)


def test_a_hostile_topic_name_stays_a_value_of_the_data() -> None:
    name = "<img src=x onerror=alert(1)> ![x](https://evil.test) datum.mean\n'\"\\"
    chart = topic_chart(topics_of({name: beta_scores(0.5, 0.2, 50)}))
    assert [(row["Topic"], row["name"]) for row in rows_with(chart, "kind")] == [(name, cut(name, LABEL))]
    spec = json.loads(chart.to_json())
    spec.pop("datasets", None)
    held = json.dumps(spec)
    assert "href" not in held
    assert "onerror" not in held


def test_no_topics_draw_nothing_and_do_not_fail() -> None:
    assert topic_chart({}).to_dict()["layer"]
    assert topics_alt({}) == "Mean score by topic: no topic has a score."


def test_sentences_for_screen_readers_carry_the_figures() -> None:
    scores = beta_scores(0.42, 0.21)
    found, bars = describe(scores), bars_of(scores)
    told = histogram_alt(bars, found.mean, found.std)
    assert told.startswith("Score histogram of 300 scores with mean 0.42 and std 0.21; 0.0-0.2: ")
    assert told.count(": ") == 5
    topics = topics_of({"low": beta_scores(0.12, 0.08, 82), "fine": beta_scores(0.5, 0.2, 95)})
    assert topics_alt(topics) == (
        "Mean score by topic, the worst first: low 0.12 (problem, prompts: 82), "
        "fine 0.50 (good, prompts: 95)."
    )
    assert "no score" in histogram_alt(bars_of(np.array([])), None, None)


@pytest.mark.parametrize("ground", GROUNDS.values(), ids=GROUNDS)
@pytest.mark.parametrize("color", [BLUE, ORANGE, GREY])
def test_colours_can_be_seen_on_light_and_dark(color: str, ground: str) -> None:
    assert contrast(color, ground) > 3.5


@pytest.mark.parametrize("eye", [np.eye(3), SEES_NO_GREEN, SEES_NO_RED], ids=["all", "no green", "no red"])
def test_colours_stay_apart_for_colour_blind_eyes(eye: np.ndarray) -> None:
    seen = [lab(np.clip(eye @ linear(color), 0, 1)) for color in (BLUE, ORANGE, GREY)]
    assert min(np.linalg.norm(one - other) for one, other in combinations(seen, 2)) > 25


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("word", ["black", "white", "#000", "#fff"])
def test_no_colour_that_vanishes_on_one_ground(word: str) -> None:
    charts = [
        histogram(beta_scores(0.5, 0.3)),
        topic_chart(topics_of({"a": beta_scores(0.5, 0.2, 50)})),
    ]
    for chart in charts:
        spec = chart.to_json().lower()
        assert word not in spec
        for layer in layers(chart):
            if layer["mark"]["type"] == "text":
                assert "color" in layer["mark"] or "color" in layer["encoding"]


@pytest.mark.parametrize(
    ("low", "high", "at", "side"),
    [(0.1, 0.9, 0.5, "center"), (0.02, 0.3, 0.0, "left"), (0.8, 0.95, 1.0, "right")],
)
def test_the_words_above_the_limits_stay_inside_the_plot(
    low: float, high: float, at: float, side: str
) -> None:
    chart = histogram(np.array([0.2, 0.5]), Thresholds(mean_low=low, mean_high=high))
    (row,) = chart.to_dict()["datasets"]["bracket"]
    assert (row["at"], row["side"]) == (pytest.approx(at), side)


def test_a_moved_limit_changes_rows_and_not_the_chart_around_them() -> None:
    specs = [
        json.loads(histogram(beta_scores(0.42, 0.21), limits).to_json())
        for limits in (LIMITS, Thresholds(mean_low=0.85, healthy_mean_low=0.1))
    ]
    first, moved = (spec.pop("datasets") for spec in specs)
    assert specs[0] == specs[1]
    assert {name for name in first if first[name] != moved[name]} == {"healthy", "limits", "bracket"}


def test_chosen_bars_stand_out() -> None:
    scores = beta_scores(0.42, 0.21)
    chart = score_histogram(bars_of(scores), 0.42, LIMITS, (3, 4))
    rows = chart.to_dict()["datasets"]["bars"]
    assert [row["bin"] for row in rows if row["shown"] == 1.0] == [3, 4]
    assert {row["shown"] for row in rows_with(histogram(scores), BIN_FIELD)} == {1.0}


@pytest.mark.parametrize("look", list(GROUNDS))
def test_the_apps_own_colour_reads_on_its_ground_and_under_a_buttons_white_text(look: str) -> None:
    settings = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    primary = settings["theme"][look]["primaryColor"]
    assert contrast(primary, GROUNDS[look]) >= 4
    assert contrast(primary, "#ffffff") >= 4


def test_captions_read_in_the_light_look() -> None:
    settings = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    text = settings["theme"]["light"]["textColor"]
    parts = (int(text[start : start + 2], 16) for start in (1, 3, 5))
    caption = "#" + "".join(f"{round(0.6 * part + 0.4 * 255):02x}" for part in parts)  # 60 % on white
    assert contrast(caption, GROUNDS["light"]) >= 4.5

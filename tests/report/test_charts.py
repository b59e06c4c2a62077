from __future__ import annotations

import json
import tomllib
from itertools import combinations
from typing import Any

import altair as alt
import numpy as np
import pytest

from dryrun.analysis.figures.statistics import describe
from dryrun.analysis.verdict.topics import TopicFigures, by_topic
from dryrun.core.thresholds import Thresholds
from dryrun.report.charts.scores import (
    BIN_FIELD,
    BLUE,
    GREY,
    ORANGE,
    SELECTION,
    SHOWN_TOPICS,
    distribution_alt,
    distribution_caption,
    distribution_chart,
    histogram_alt,
    histogram_bars,
    score_histogram,
    topic_chart,
    topics_alt,
    topics_caption,
)
from tests.helpers.observed import beta_scores, observe
from tests.helpers.support import ROOT

LIMITS = Thresholds()
GROUNDS = {"light": "#ffffff", "dark": "#0e1117"}
SEES_NO_GREEN = np.array(
    [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
)
SEES_NO_RED = np.array(
    [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
)
"""Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB."""


def histogram(scores: np.ndarray, thresholds: Thresholds = LIMITS) -> alt.LayerChart:
    return score_histogram(histogram_bars(scores), describe(scores).mean, thresholds)


def topics_of(parts: dict[str, np.ndarray]) -> tuple[TopicFigures, ...]:
    scores = np.concatenate(list(parts.values()))
    observations = observe(scores, topics=[name for name, own in parts.items() for _ in own])
    return by_topic(observations, describe(scores), LIMITS)


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
    bars = histogram_bars(scores)
    assert [bar.bin for bar in bars] == list(range(20))
    assert sum(bar.count for bar in bars) == 303
    assert sum(bar.share for bar in bars) == pytest.approx(1.0)
    counts, _ = np.histogram(beta_scores(0.5, 0.3), [i / 20 for i in range(21)])
    counts[[0, 12, 19]] += 1
    assert [bar.count for bar in bars] == counts.tolist()


def test_bars_tell_the_bin_of_the_report_they_lie_in() -> None:
    bars = histogram_bars(np.array([0.05] * 3 + [0.55]))
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
    assert texts == ["NO-GO < 0.12", "> 0.85 NO-GO", "mean 0.42"]


def test_no_score_draws_no_mean() -> None:
    spec = histogram(np.array([])).to_json()
    assert "mean" not in json.loads(spec)["layer"][-1]["mark"]
    assert "mean 0" not in spec


def test_a_chart_weighs_the_same_for_a_hundred_and_for_a_hundred_thousand_scores() -> None:
    rng = np.random.default_rng(0)
    sizes = [len(histogram(rng.random(n)).to_json(indent=None)) for n in (100, 100_000)]
    assert max(sizes) < 10_000
    assert abs(sizes[1] - sizes[0]) < 300
    assert len(distribution_chart(describe(rng.random(100_000))).to_json(indent=None)) < 4_000


def test_five_bins_are_drawn_with_their_shares() -> None:
    chart = distribution_chart(describe(np.array([0.1] * 3 + [0.5] * 6 + [0.9])))
    rows = rows_with(chart, "label")
    assert [(row["label"], row["text"], row["count"]) for row in rows] == [
        ("0.0-0.2", "30 %", 3),
        ("0.2-0.4", "0 %", 0),
        ("0.4-0.6", "60 %", 6),
        ("0.6-0.8", "0 %", 0),
        ("0.8-1.0", "10 %", 1),
    ]
    assert rows_with(distribution_chart(describe(np.array([]))), "label")[0]["share"] == 0


def test_status_is_told_by_shape_colour_and_text() -> None:
    topics = topics_of(
        {"low": beta_scores(0.12, 0.08, 82), "fine": beta_scores(0.5, 0.2, 95), "tiny": np.array([0.5, 0.4])}
    )
    chart = topic_chart(topics, LIMITS)
    rows = rows_with(chart, "topic")
    assert [(row["topic"], row["status"], row["text"]) for row in rows] == [
        ("low", "problem", "0.12 · n 82 · problem"),
        ("tiny", "too few", "0.45 · n 2 · too few"),
        ("fine", "good", "0.50 · n 95 · good"),
    ]
    points = next(layer for layer in layers(chart) if layer["mark"]["type"] == "point")
    for channel in ("shape", "color"):
        scale = points["encoding"][channel]["scale"]
        assert scale["domain"] == ["good", "problem", "too few"]
        assert len(set(scale["range"])) == 3
    assert points["encoding"]["y"]["sort"] == ["low", "tiny", "fine"]


def test_many_topics_show_the_worst_and_say_how_many_are_not_drawn() -> None:
    topics = topics_of({f"topic {i:02}": beta_scores(0.3 + i / 200, 0.2, 8) for i in range(40)})
    chart = topic_chart(topics, LIMITS)
    assert [row["topic"] for row in rows_with(chart, "topic")] == [t.topic for t in topics[:SHOWN_TOPICS]]
    assert "10 better topics not drawn" in topics_caption(topics)
    assert len(chart.to_json(indent=None)) < 16_000


def test_a_hostile_topic_name_stays_a_value_of_the_data() -> None:
    name = "<img src=x onerror=alert(1)> ![x](https://evil.test) datum.mean\n'\"\\"
    chart = topic_chart(topics_of({name: beta_scores(0.5, 0.2, 50)}), LIMITS)
    assert [row["topic"] for row in rows_with(chart, "topic")] == [name]
    spec = json.loads(chart.to_json())
    spec.pop("datasets", None)
    held = json.dumps(spec)
    assert "href" not in held
    assert held.count("onerror") == sum(
        1 for layer in spec["layer"] if layer["encoding"].get("y", {}).get("sort")
    )


def test_no_topics_draw_nothing_and_do_not_fail() -> None:
    assert topic_chart((), LIMITS).to_dict()["layer"]
    assert topics_alt(()) == "Mean score by topic: no topic has a score."


def test_sentences_for_screen_readers_carry_the_figures() -> None:
    found = describe(beta_scores(0.42, 0.21))
    assert histogram_alt(found, LIMITS).startswith(
        "Score histogram of 300 scores with mean 0.42 and std 0.21, healthy range 0.20 to 0.80; 0.0-0.2: "
    )
    assert distribution_caption(found) in distribution_alt(found)
    topics = topics_of({"low": beta_scores(0.12, 0.08, 82), "fine": beta_scores(0.5, 0.2, 95)})
    assert topics_alt(topics) == (
        "Mean score of 2 topics, the worst first: low 0.12 (problem), fine 0.50 (good)."
    )
    nothing = describe(np.array([]))
    assert "no score" in histogram_alt(nothing, LIMITS)
    assert "no score" in distribution_alt(nothing)


@pytest.mark.parametrize("ground", GROUNDS.values(), ids=GROUNDS)
@pytest.mark.parametrize("color", [BLUE, ORANGE, GREY])
def test_colours_can_be_seen_on_light_and_dark(color: str, ground: str) -> None:
    assert contrast(color, ground) > 3.5


@pytest.mark.parametrize("eye", [np.eye(3), SEES_NO_GREEN, SEES_NO_RED], ids=["all", "no green", "no red"])
def test_colours_stay_apart_for_colour_blind_eyes(eye: np.ndarray) -> None:
    seen = [lab(np.clip(eye @ linear(color), 0, 1)) for color in (BLUE, ORANGE, GREY)]
    assert min(np.linalg.norm(one - other) for one, other in combinations(seen, 2)) > 25


@pytest.mark.parametrize("word", ["black", "white", "#000", "#fff"])
def test_no_colour_that_vanishes_on_one_ground(word: str) -> None:
    charts = [
        histogram(beta_scores(0.5, 0.3)),
        distribution_chart(describe(beta_scores(0.5, 0.3))),
        topic_chart(topics_of({"a": beta_scores(0.5, 0.2, 50)}), LIMITS),
    ]
    for chart in charts:
        spec = chart.to_json().lower()
        assert word not in spec
        for layer in layers(chart):
            if layer["mark"]["type"] == "text":
                assert "color" in layer["mark"] or "color" in layer["encoding"]


@pytest.mark.parametrize(("low", "high", "sides"), [(0.1, 0.9, "left right"), (0.5, 0.6, "right left")])
def test_labels_of_close_limits_stand_apart(low: float, high: float, sides: str) -> None:
    spec = histogram(np.array([0.2, 0.5]), Thresholds(mean_low=low, mean_high=high)).to_dict()
    texts = [layer["mark"] for layer in spec["layer"] if layer["mark"]["type"] == "text"]
    assert [mark["align"] for mark in texts[:2]] == sides.split()


@pytest.mark.parametrize(
    ("low", "high", "rows"), [(0.1, 0.9, 1), (0.75, 0.9, 2), (0.1, 0.25, 2), (0.4, 0.5, 1)]
)
def test_labels_of_limits_that_would_meet_stand_in_rows_of_their_own(
    low: float, high: float, rows: int
) -> None:
    spec = histogram(np.array([0.2, 0.5]), Thresholds(mean_low=low, mean_high=high)).to_dict()
    texts = [layer["mark"] for layer in spec["layer"] if layer["mark"]["type"] == "text"]
    heights = {mark["dy"] for mark in texts[:2]}
    assert len(heights) == rows


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

"""Charts on the page: sent with all their rows, made once for equal parts, anew for others."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest

from dryrun.app.shared.loading import load_run
from dryrun.app.shared.session import Chosen
from dryrun.app.shared.widgets import chart_spec, with_rows
from dryrun.core.thresholds import Thresholds
from dryrun.report.charts.scores import histogram_bars, limit_rows, score_histogram
from dryrun.store.labels import Label, Mark, book_of, identities
from dryrun.store.partition import Store
from dryrun.store.results import load_results
from tests.helpers.fake_endpoint import FakeEndpoint
from tests.helpers.pages import page
from tests.helpers.support import make_run, work

BARS = histogram_bars([1, 1, *[0] * 8, 2, *[0] * 8, 1])


def rows(spec: dict[str, Any]) -> list[dict[str, Any]]:
    """All rows of a chart's data sets, in no order."""
    return [
        row
        for packed in spec["datasets"].values()
        for row in pa.ipc.open_stream(packed).read_all().to_pylist()
    ]


def test_a_chart_is_sent_with_the_same_rows_and_marks_as_altair_gives_it() -> None:
    chart = score_histogram(BARS, 0.41, Thresholds())
    whole = chart.to_dict()  # checks it against Vega-Lite's schema
    spec = chart_spec(score_histogram, BARS, 0.41, Thresholds())
    expected = [row for given in whole["datasets"].values() for row in given]
    assert sorted(map(json.dumps, rows(spec))) == sorted(map(json.dumps, expected))
    marks = [layer["mark"]["type"] for layer in spec["layer"]]
    assert marks == [layer["mark"]["type"] for layer in whole["layer"]]


def test_a_chart_is_made_once_for_equal_parts_and_anew_for_other_thresholds() -> None:
    first = chart_spec(score_histogram, BARS, 0.41, Thresholds(mean_low=0.11))
    assert chart_spec(score_histogram, tuple(BARS), 0.41, Thresholds(mean_low=0.11)) is first
    moved = chart_spec(score_histogram, BARS, 0.41, Thresholds(mean_low=0.33))
    assert moved["layer"] == first["layer"], "a browser that knows the first draws no new chart"
    assert {"at": 0.33} in rows(moved)
    lines = with_rows(first, limit_rows(Thresholds(mean_low=0.33)))
    assert sorted(map(json.dumps, rows(lines))) == sorted(map(json.dumps, rows(moved)))
    assert {"at": 0.33} not in rows(first)


@pytest.mark.slow
def test_a_chart_keeps_its_name_for_screen_readers_and_its_clicks() -> None:
    test = page("results", run="recorded")
    charts = [chart.proto for chart in test.main.get("vega_lite_chart")]
    assert [list(chart.selection_mode) for chart in charts] == [["bar"]]
    for tab in ("Topics", "Grader", "Training signal"):
        test = page("results", run="recorded", tab=tab)
        charts += [chart.proto for chart in test.main.get("vega_lite_chart")][1:]
    assert len(charts) == 8
    assert all(chart.alt for chart in charts)


@pytest.mark.slow
def test_a_judgement_is_made_once_for_equal_thresholds_and_anew_for_new_labels(
    store: Store, endpoint: FakeEndpoint
) -> None:
    run = make_run(store, endpoint.base_url, rows=40)
    work(run)
    first = load_run(Chosen(run))[1].judge(Thresholds())
    assert load_run(Chosen(run))[1].judge(Thresholds()) is first
    assert load_run(Chosen(run))[1].judge(Thresholds(mean_low=0.2)).thresholds.mean_low == 0.2
    names = identities(load_results(run))
    book_of(run).add([Label.of(name, Mark.GOOD, "ann") for name in names[:40]])
    again = load_run(Chosen(run))[1].judge(Thresholds())
    assert again is not first
    assert again.people is not None

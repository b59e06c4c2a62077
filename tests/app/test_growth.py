"""A run read while it grows: the figures of what is stored, and nothing read twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dryrun.analysis.figures.redraw import PromptSums, mean_interval, redrawn, wilson
from dryrun.analysis.figures.statistics import HISTOGRAM_EDGES, bin_counts, valid_scores
from dryrun.app.run.growth import GrowingRun, Growth
from dryrun.core.text import number
from dryrun.store.partition import Partition, Store
from dryrun.store.results import load_results
from dryrun.store.runs import Run, list_runs
from tests.helpers.fake_endpoint import SUM, FakeEndpoint, Reply, deterministic_answer, prompt_text
from tests.helpers.support import EXACT, FUZZY, RECORDED, make_run, work

HOSTILE = "**1** <b>![x](http://a.example/p.png)"


def assert_as_stored(growth: Growth, run: Run) -> None:
    """The figures are those of everything that is on disk."""
    scores = valid_scores(load_results(run).observations().score)
    assert growth.scores == scores.size
    assert growth.mean == pytest.approx(scores.mean())
    assert growth.std == pytest.approx(scores.std(ddof=1))
    assert growth.counts == tuple(bin_counts(scores, HISTOGRAM_EDGES))
    assert growth.readings[-1].scores == scores.size


@pytest.mark.parametrize("number", range(3))
def test_the_figures_are_those_of_the_whole_run(number: int) -> None:
    run = list_runs(Store(RECORDED))[number]
    growth = GrowingRun(run).look()
    assert_as_stored(growth, run)
    widths = [reading.high - reading.low for reading in growth.readings]
    assert len(widths) <= 70
    assert widths[-1] < widths[0]


@pytest.mark.slow
def test_the_mean_is_rounded_as_the_report_rounds_it(store: Store, endpoint: FakeEndpoint) -> None:
    right = iter([True] * 139 + [False] * 61)

    def answer(body: dict[str, Any]) -> str:
        numbers = SUM.search(prompt_text(body))
        assert numbers is not None
        return str(int(numbers[1]) + int(numbers[2])) if next(right) else "no idea"

    endpoint.answer = answer
    run = make_run(store, endpoint.base_url, rows=200, rollouts=1)
    work(run)
    mean = load_results(run).observations().score.mean()
    assert number(GrowingRun(run).look().mean) == number(float(mean)) == "0.69"


@pytest.mark.slow
def test_each_part_is_read_once(
    store: Store, endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(store, endpoint.base_url, grader=FUZZY, rows=30)
    growing = GrowingRun(run)
    assert growing.look() == Growth(), "nothing is there before the run has begun"
    work(run)
    read: list[Path] = []
    whole = Partition.read_part

    def noted(self: Partition, path: Path, columns: Any) -> Any:
        read.append(path)
        return whole(self, path, columns)

    monkeypatch.setattr(Partition, "read_part", noted)
    assert_as_stored(growing.look(), run)
    read.clear()
    growing.look()
    assert read == []


@pytest.mark.slow
def test_rows_of_other_runs_in_the_same_store_do_not_count(store: Store, endpoint: FakeEndpoint) -> None:
    runs = [make_run(store, endpoint.base_url, rows=rows) for rows in (40, 15)]
    for run in runs:
        work(run)
    for run in runs:
        assert_as_stored(GrowingRun(run).look(), run)


@pytest.mark.slow
def test_duplicated_rows_count_as_often_as_they_stand(store: Store, endpoint: FakeEndpoint) -> None:
    row = {"messages": [{"role": "user", "content": "1 + 2 ="}], "reference_answer": "3"}
    others = [{**row, "messages": [{"role": "user", "content": f"{n} + 1 ="}]} for n in range(9)]
    run = make_run(store, endpoint.base_url, rows=[row, row, row, *others], grader=FUZZY)
    work(run)
    assert_as_stored(GrowingRun(run).look(), run)


@pytest.mark.slow
def test_failures_are_counted_by_reason_until_they_are_answered(store: Store, endpoint: FakeEndpoint) -> None:
    broken = {"7 + 8 =", "9 + 10 ="}

    def answer(body: dict[str, Any]) -> Reply | str:
        if body["messages"][0]["content"] in broken:
            return Reply.error(400, f"too long, request {endpoint.calls:09d}")
        return deterministic_answer(body)

    endpoint.answer = answer
    run = make_run(store, endpoint.base_url, rows=20)
    work(run)
    growing = GrowingRun(run)
    (reason,) = growing.look().reasons
    assert reason.count == 4
    assert "too long" in reason.words
    endpoint.answer = deterministic_answer
    work(run)
    assert growing.look().reasons == ()
    assert_as_stored(growing.look(), run)


@pytest.mark.slow
def test_what_a_filter_withheld_has_no_score(store: Store, endpoint: FakeEndpoint) -> None:
    def answer(body: dict[str, Any]) -> Reply | str:
        held = body["messages"][0]["content"] == "7 + 8 ="
        return Reply(text="15", finish_reason="content_filter") if held else deterministic_answer(body)

    endpoint.answer = answer
    run = make_run(store, endpoint.base_url, rows=20)
    work(run)
    growth = GrowingRun(run).look()
    assert_as_stored(growth, run)
    assert [(reason.count, "filter" in reason.words) for reason in growth.reasons] == [(2, True)]


def test_the_newest_responses_come_as_they_were_said(store: Store, endpoint: FakeEndpoint) -> None:
    endpoint.answer = lambda _: HOSTILE
    run = make_run(store, endpoint.base_url, rows=20, grader=EXACT)
    work(run)
    newest = GrowingRun(run).look().newest
    assert [one.response for one in newest] == [HOSTILE] * 3
    assert newest[0].score == 0.0
    assert newest[0].prompt.endswith("=")
    assert newest[0].topic in ("even", "odd")


def test_the_formula_and_the_bootstrap_agree() -> None:
    chance = np.random.default_rng(1)
    difficulty = chance.random(200)
    prompt = np.repeat(np.arange(200), 4)
    sums = PromptSums.of((chance.random(800) < difficulty[prompt]).astype(float), prompt)
    interval = mean_interval(sums)
    assert interval is not None
    assert interval == pytest.approx(np.quantile(redrawn(sums)[0], [0.025, 0.975]), abs=0.005)


def test_equal_scores_leave_an_interval_as_wide_as_their_prompts_allow() -> None:
    sums = PromptSums.of(np.zeros(80), np.repeat(np.arange(20), 4))
    assert mean_interval(sums) == pytest.approx(wilson(0.0, 20))
    assert mean_interval(PromptSums.of(np.zeros(4), np.zeros(4, np.int64))) is None

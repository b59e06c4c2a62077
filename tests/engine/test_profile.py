"""A whole dataset in shards: all rows once, more where undecided, within a budget, through any end."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from dryrun.analysis.training.profile import OutcomeClass, RowFlag
from dryrun.cli.main import main
from dryrun.core.config import JudgeConfig, SamplingConfig
from dryrun.core.errors import DryRunError
from dryrun.dataset import dataset_from_items
from dryrun.engine.budget import Budget, Prices
from dryrun.engine.prepare import prepare, start
from dryrun.engine.profile.count import run_profile
from dryrun.engine.profile.whole import Profiler, Stages, WholeProfile
from dryrun.report.training_set.profile_table import profile_lines
from dryrun.store.partition import Store
from dryrun.store.results import load_results
from dryrun.store.runs import list_runs
from tests.helpers.endurance import calls_of
from tests.helpers.fake_endpoint import Body, FakeEndpoint, Reply, prompt_text
from tests.helpers.support import (
    EXACT,
    Command,
    endpoint_config,
    input_files,
    make_run,
    sum_rows,
    wait_until,
    work,
)

NEVER_PAID = EXACT | {"name": "never", "reference": "nobody says this"}
SHARDS = Stages(first=2, most=8, shard_rows=12)
ROWS = 36


def profiler(
    store: Store, endpoint: FakeEndpoint, rows: int | list[dict[str, Any]] = ROWS, **more: Any
) -> Profiler:
    items = sum_rows(rows) if isinstance(rows, int) else rows
    model = endpoint_config(endpoint.base_url, seed=0, concurrency=4)
    given: dict[str, Any] = {"stages": SHARDS, "work": {"api_key": "k"}} | more
    return Profiler(store, dataset_from_items(items), EXACT, {"model": model}, **given)


def profiled(store: Store, endpoint: FakeEndpoint, rows: Any = ROWS, **more: Any) -> WholeProfile:
    return asyncio.run(profiler(store, endpoint, rows, **more).run())


def by_rate(body: Body) -> str:
    """Row n is right with a chance that depends on n: never, always, or at times."""
    first, second = (int(part.strip(" =")) for part in prompt_text(body).split("+"))
    chance = (0.0, 1.0, 0.5)[first % 3]
    right = random.Random(f"{first} {body['seed']}").random() < chance
    return str(first + second) if right else "no"


@pytest.mark.slow
def test_every_row_has_counts_and_nothing_is_asked_twice(store: Store, endpoint: FakeEndpoint) -> None:
    endpoint.answer = by_rate
    found = profiled(store, endpoint)
    profile = found.profile
    assert found.complete
    assert profile.counts.row.tolist() == list(range(ROWS))
    assert set(endpoint.calls_by_key.values()) == {1}
    assert endpoint.calls == found.spent.attempts == profile.counts.tried.sum()
    number = np.arange(ROWS) % 3
    assert (profile.kind[number == 2] == 1).mean() > 0.8
    assert profile.rates.rate[number == 0].max() < profile.rates.rate[number == 1].min()
    again = profiled(store, endpoint)
    assert endpoint.calls == found.spent.attempts
    assert np.array_equal(again.profile.rates.rate, profile.rates.rate)
    assert not any((run.folder / "grader_check.json").exists() for run in list_runs(store)), "once a shard"


@pytest.mark.slow
def test_only_undecided_prompts_get_more(store: Store, endpoint: FakeEndpoint) -> None:
    endpoint.answer = by_rate
    profile = profiled(store, endpoint).profile
    tried = profile.counts.tried
    assert set(tried.tolist()) <= {2, 4, 8}
    mixed_at_once = (profile.counts.right == 1) & (tried == 2)
    assert mixed_at_once.any()
    assert tried[np.arange(ROWS) % 3 == 0].min() > 2, "0 of 2 decides nothing"


@pytest.mark.slow
def test_equal_rows_are_asked_once_and_both_have_the_counts(store: Store, endpoint: FakeEndpoint) -> None:
    rows = [*sum_rows(40), *sum_rows(40)[:5]]
    found = profiled(store, endpoint, rows, stages=Stages(2, 2, 8, 16)).profile
    assert endpoint.calls == 80
    assert len(found) == 45
    assert found.counts.right[40:].tolist() == found.counts.right[:5].tolist()
    assert found.counts.alike[40:].tolist() == [0, 1, 2, 3, 4]
    repeated = found.counts.flags & RowFlag.REPEATED.value != 0
    assert np.flatnonzero(repeated).tolist() == [40, 41, 42, 43, 44]


@pytest.mark.slow
def test_another_pace_or_grader_asks_nothing_again(store: Store, endpoint: FakeEndpoint) -> None:
    endpoint.answer = by_rate
    stages = Stages(2, 2, 8, 12)
    first = profiled(store, endpoint, stages=stages)
    model = endpoint_config(endpoint.base_url, seed=0, concurrency=2, timeout=50.0)
    rows, work_ = dataset_from_items(sum_rows(ROWS)), {"api_key": "k"}
    paced = asyncio.run(Profiler(store, rows, EXACT, {"model": model}, stages, work=work_).run())
    assert paced.spent.attempts == first.spent.attempts == endpoint.calls == 2 * ROWS
    other = asyncio.run(Profiler(store, rows, NEVER_PAID, {"model": model}, stages, work=work_).run())
    assert endpoint.calls == 2 * ROWS
    assert other.spent.attempts == 0
    assert other.profile.counts.right.sum() == 0 < first.profile.counts.right.sum()


@pytest.mark.slow
def test_calls_are_capped_over_all_shards_and_a_higher_budget_goes_on(
    store: Store, endpoint: FakeEndpoint
) -> None:
    endpoint.answer = by_rate
    part = profiled(store, endpoint, budget=Budget(calls=42))
    assert endpoint.calls <= 42
    assert not part.complete
    assert "budget" in part.message
    assert 0 < len(part.profile) < ROWS
    some = profiled(store, endpoint, budget=Budget(calls=90))
    assert some.complete
    assert "undecided prompts" in some.message
    assert 2 * ROWS < endpoint.calls <= 90
    profiled(store, endpoint)
    assert set(endpoint.calls_by_key.values()) == {1}


@pytest.mark.slow
def test_money_is_capped_too(store: Store, endpoint: FakeEndpoint) -> None:
    prices = Prices(prompt=1000.0, completion=1000.0)
    whole = profiled(store, endpoint, stages=Stages(2, 2, 8, 16), budget=Budget(prices=prices))
    cost = prices.cost(whole.spent)
    assert cost is not None
    capped = Budget(cost=cost / 2, prices=prices)
    half = profiled(Store(store.root / "other"), endpoint, stages=Stages(2, 2, 8, 16), budget=capped)
    assert not half.complete
    assert (prices.cost(half.spent) or 0.0) < 0.8 * cost


@pytest.mark.slow
def test_a_broken_reference_is_found_in_a_shard(store: Store, endpoint: FakeEndpoint) -> None:
    rows = sum_rows(40)
    rows[7]["reference_answer"] = "x" * 400
    grader = {
        "type": "python",
        "name": "digits",
        "source": "def grade(sample, item):\n"
        "    return float(sample['output_text'] == item['reference_answer'] != 'x' * 400)\n",
    }
    endpoint.answer = lambda _: "no"
    model = endpoint_config(endpoint.base_url, seed=0)
    whole = Profiler(
        store, dataset_from_items(rows), grader, {"model": model}, Stages(2, 2, 8, 20), work={"api_key": "k"}
    )
    found = asyncio.run(whole.run()).profile
    assert np.flatnonzero(found.of(OutcomeClass.BROKEN)).tolist() == [7]


def test_a_dead_endpoint_stops_it_with_the_reason(store: Store, endpoint: FakeEndpoint) -> None:
    endpoint.answer = lambda _: Reply.error(401, "bad key")
    with pytest.raises(DryRunError, match="key"):
        profiled(store, endpoint)


def test_stages_that_cannot_be_are_refused(store: Store, endpoint: FakeEndpoint) -> None:
    with pytest.raises(DryRunError, match="4 responses first and at most 2"):
        profiled(store, endpoint, stages=Stages(4, 2))
    assert Stages(3, 8).rounds() == [3, 6, 8]


@pytest.mark.slow
def test_the_profile_of_one_run_counts_what_the_run_has(store: Store, endpoint: FakeEndpoint) -> None:
    endpoint.answer = by_rate
    run = make_run(store, endpoint.base_url, rows=30, rollouts=4)
    work(run)
    calls = endpoint.calls
    found = run_profile(load_results(run))
    assert endpoint.calls == calls
    assert len(found) == 30
    assert found.counts.tried.tolist() == [4] * 30
    rights = found.counts.right[np.argsort(found.counts.row)]
    assert set(rights[0::3].tolist()) == {0}
    assert set(rights[1::3].tolist()) == {4}
    assert np.isfinite(found.counts.reference).all()


@pytest.mark.slow
def test_responses_that_equal_rows_share_count_once(store: Store, endpoint: FakeEndpoint) -> None:
    endpoint.answer = by_rate
    rows = sum_rows(12)
    prepared = prepare(
        dataset_from_items([*rows, rows[0], rows[5]]),
        EXACT,
        model=endpoint_config(endpoint.base_url, seed=0),
        sampling=SamplingConfig(size=14, rollouts=4),
    )
    run = start(store, prepared)
    work(run)
    found = run_profile(load_results(run))
    assert found.counts.tried.tolist() == [4] * 14
    assert found.counts.right.max() <= 4
    assert profile_lines(found)[0] == "14 prompts, 48 responses with a score; equal rows share theirs."


@pytest.mark.slow
def test_a_judge_grades_reference_answers_only_where_it_is_asked_to(
    store: Store, endpoint: FakeEndpoint
) -> None:
    def mark(body: dict[str, Any]) -> Reply:
        return Reply(text=f'{{"steps": [], "result": {0 if "broken" in str(body) else 1}}}')

    rows = sum_rows(12)
    rows[3]["reference_answer"] = "broken"
    grader = {
        "type": "score_model",
        "name": "judge",
        "model": "j",
        "input": [{"role": "user", "content": "Rate {{sample.output_text}}"}],
    }
    endpoint.answer = lambda body: Reply(
        text="broken" if rows[3]["messages"][0]["content"] in str(body) else "1"
    )
    with FakeEndpoint(answer=mark) as judge:
        prepared = prepare(
            dataset_from_items(rows),
            grader,
            model=endpoint_config(endpoint.base_url, seed=0),
            sampling=SamplingConfig(size=12, rollouts=2),
            judge=JudgeConfig(base_url=judge.base_url),
        )
        run = start(store, prepared)
        work(run)
        calls = judge.calls
        unasked = run_profile(load_results(run))
        assert judge.calls == calls
        assert not np.isfinite(unasked.counts.reference).any()
        assert "No reference answer was graded" in " ".join(profile_lines(unasked))
        asked = run_profile(load_results(run), judge_key="k")
        assert judge.calls == calls + 12
        again = run_profile(load_results(run), judge_key="k")
        assert judge.calls == calls + 12
    broken = asked.of(OutcomeClass.BROKEN)
    assert (
        asked.counts.row[broken].tolist() == again.counts.row[again.of(OutcomeClass.BROKEN)].tolist() == [3]
    )
    assert "No reference answer" not in " ".join(profile_lines(asked))


def kept_calls(store: Store) -> set[tuple[str, int | None]]:
    """The calls whose responses are on disk in any shard."""
    folders = (store.root / "profiles").glob("*/shards/*")
    return {call for folder in folders for run in list_runs(Store(folder)) for call in calls_of(run)}


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_killed_at_four_instants_it_ends_as_if_nothing_had_been(
    endpoint: FakeEndpoint, store: Store, tmp_path: Path
) -> None:
    def called_since(before: int) -> bool:
        return endpoint.calls > before

    endpoint.answer, endpoint.delay = by_rate, 0.4
    model = ["--model", "fake", "--base-url", endpoint.base_url, "--model-seed", "0", "--concurrency", "4"]
    out = tmp_path / "profile.parquet"
    shards = ["--all", "--shard-rows", "12", "--data", str(store.root), "--out", str(out)]
    arguments = ["profile", *input_files(tmp_path, ROWS), *model, *shards]
    chance = random.Random(1)
    for _ in range(4):
        on_disk = {call: endpoint.calls_by_key[call] for call in kept_calls(store)}
        before = endpoint.calls
        with Command(arguments) as process:
            wait_until(partial(called_since, before))
            time.sleep(chance.uniform(0.0, 1.5))
            process.kill()
        assert process.returncode == -signal.SIGKILL
        assert {call: endpoint.calls_by_key[call] for call in on_disk} == on_disk
    assert kept_calls(store)
    endpoint.delay = 0.0
    assert main(arguments) == 0
    calls = endpoint.calls
    assert main(arguments) == 0
    assert endpoint.calls == calls
    undisturbed = profiled(Store(tmp_path / "other"), endpoint)
    table = pq.read_table(out)
    assert table["right"].to_pylist() == undisturbed.profile.counts.right.tolist()
    assert table["n"].to_pylist() == undisturbed.profile.counts.tried.tolist()

"""Shards on several workers: the same profile, one budget, one rate, and an end that loses nothing."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dryrun.core.errors import DryRunError, StoreError
from dryrun.core.records import RunState
from dryrun.engine.budget import ALL_SPENT, Budget, Prices
from dryrun.engine.campaign import shard
from dryrun.engine.campaign.drive import Campaign, need_an_endpoint
from dryrun.engine.campaign.keeper import EXPIRES, BudgetKeeper, Keys
from dryrun.engine.campaign.shard import Leased, ShardEnd, ShardTask, work_on_shard
from dryrun.engine.profile.whole import Stages, WholeProfile
from dryrun.models.pace import IN_A_ROW, Pace, Signal
from dryrun.store.opened import open_store
from dryrun.store.partition import Store
from dryrun.store.runs import RunStatus, list_runs
from dryrun.store.shared import registry
from tests.engine.test_profile import ROWS, by_rate, kept_calls, profiled, profiler
from tests.helpers.fake_endpoint import FakeEndpoint, Reply
from tests.helpers.near_crew import NearCrew
from tests.helpers.support import make_run, wait_until

ONCE = Stages(2, 2, 8, 12)
TWICE = Stages(2, 4, 8, 12)


def campaign(store: Store, endpoint: FakeEndpoint, crew: NearCrew | None = None, **more: Any) -> WholeProfile:
    return profiled(store, endpoint, hands=Campaign(crew or NearCrew()), **more)


def columns(found: WholeProfile) -> dict[str, list[Any]]:
    counts = found.profile.counts
    return {
        name: getattr(counts, name).tolist() for name in ("key", "row", "right", "tried", "flags", "alike")
    }


@pytest.mark.slow
def test_the_profile_is_that_of_one_process_row_for_row(store: Store, endpoint: FakeEndpoint) -> None:
    endpoint.answer = by_rate
    alone = profiled(Store(store.root / "alone"), endpoint, stages=TWICE)
    calls, endpoint.max_in_flight = endpoint.calls, 0
    crew = NearCrew(3)
    together = campaign(store, endpoint, crew, stages=TWICE)
    assert columns(together) == columns(alone)
    assert together.profile.rates.rate.tolist() == alone.profile.rates.rate.tolist()
    assert together.outcome == alone.outcome
    assert (endpoint.calls, together.spent.attempts) == (2 * calls, calls)
    assert endpoint.max_in_flight <= 4, "three workers have one concurrency of 4 together"
    handed_out = len(crew.handed_out)
    again = campaign(store, endpoint, crew, stages=TWICE)
    assert (endpoint.calls, len(crew.handed_out)) == (2 * calls, handed_out), (
        "what is done is handed to nobody"
    )
    assert columns(again) == columns(alone)


@pytest.mark.slow
def test_workers_share_an_object_store(store: Store, endpoint: FakeEndpoint, tmp_path: Path) -> None:
    shared = open_store(f"file://{tmp_path / 'bucket'}")
    found = campaign(shared, endpoint, stages=ONCE)
    assert found.complete
    assert len(list((tmp_path / "bucket").glob("profiles/*/shards/*/runs/*/counts.parquet"))) == 3


@pytest.mark.slow
def test_calls_are_capped_over_all_workers_and_a_higher_cap_goes_on(
    store: Store, endpoint: FakeEndpoint
) -> None:
    endpoint.answer = by_rate
    part = campaign(store, endpoint, budget=Budget(calls=54), stages=ONCE)
    assert endpoint.calls == part.spent.attempts == 54
    assert not part.complete
    assert ALL_SPENT in part.message
    assert len(part.profile) == 24, "a shard that there is no room for is not begun beside another"
    whole = campaign(store, endpoint, stages=ONCE)
    assert whole.complete
    assert set(endpoint.calls_by_key.values()) == {1}


@pytest.mark.slow
def test_what_one_worker_leaves_another_spends(store: Store, endpoint: FakeEndpoint) -> None:
    found = campaign(store, endpoint, NearCrew(4), budget=Budget(calls=2 * ROWS + 1), stages=ONCE)
    assert found.complete
    assert endpoint.calls == 2 * ROWS


@pytest.mark.slow
def test_money_is_capped_over_all_workers(store: Store, endpoint: FakeEndpoint) -> None:
    prices = Prices(prompt=1000.0, completion=1000.0)
    whole = campaign(store, endpoint, stages=ONCE, budget=Budget(prices=prices))
    cost = prices.cost(whole.spent)
    assert cost is not None
    half = campaign(
        Store(store.root / "other"), endpoint, stages=ONCE, budget=Budget(cost=cost / 2, prices=prices)
    )
    assert not half.complete
    assert 0.3 * cost < (prices.cost(half.spent) or 0.0) <= 0.6 * cost


def test_a_fault_of_one_worker_ends_all_with_the_reason(store: Store, endpoint: FakeEndpoint) -> None:
    endpoint.answer = lambda _: Reply.error(401, "bad key")
    with pytest.raises(DryRunError, match=r"key.*on the worker"):
        campaign(store, endpoint)


@pytest.mark.slow
def test_the_outcome_is_guessed_on_the_first_shard(store: Store, endpoint: FakeEndpoint) -> None:
    crew = NearCrew(4)
    found = campaign(store, endpoint, crew, stages=ONCE)
    guesses = [task.guess for task in crew.handed_out]
    assert guesses[0]
    assert sum(guesses) == 1
    assert found.outcome == "reward >= 0.5"


@pytest.mark.slow
def test_cancelled_it_keeps_what_there_is(store: Store, endpoint: FakeEndpoint) -> None:
    async def cancelled() -> None:
        task = asyncio.create_task(profiler(store, endpoint, stages=TWICE, hands=Campaign(NearCrew())).run())
        await asyncio.to_thread(wait_until, lambda: endpoint.calls >= 20)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    endpoint.answer, endpoint.delay = by_rate, 0.05
    asyncio.run(cancelled())
    kept = kept_calls(store)
    assert len(kept) >= 15
    assert {run.status().state.value for shard in shard_stores(store) for run in list_runs(shard)} == {
        "cancelled"
    }
    endpoint.delay = 0.0
    campaign(store, endpoint, stages=TWICE)
    assert {endpoint.calls_by_key[call] for call in kept} == {1}


def shard_stores(store: Store) -> list[Store]:
    return [Store(folder) for folder in sorted((store.root / "profiles").glob("*/shards/*"))]


def status(calls: int) -> RunStatus:
    return RunStatus(RunState.RUNNING, attempts=calls, updated=float(calls))


def test_a_lease_is_a_piece_and_what_is_left_comes_back() -> None:
    async def play() -> None:
        keeper = BudgetKeeper(Budget(calls=100), {"old": status(20)})
        first, news = await keeper.open("a", status(0))
        assert (first.calls, news.sessions) == (40, 1)
        second, news = await keeper.open("b", status(10))
        assert second.calls is not None
        assert 10 < second.calls < 30
        assert news.sessions == 2
        await keeper.close("a", status(5))
        total = second.calls
        while (more := await keeper.more("b", status(total))) is not None:
            assert more.calls is not None
            total = more.calls
        assert total == 100 - 20 - 5

    asyncio.run(play())


def test_the_first_sessions_leave_enough_for_all_that_are_expected() -> None:
    """200 begin at one instant: each gets room for its calls, and the first no more than twice the last."""

    async def play() -> None:
        keeper = BudgetKeeper(Budget(calls=1_000_000), {})
        await keeper.expect(200)
        leases = [(await keeper.open(str(number), status(0)))[0].calls or 0 for number in range(200)]
        assert min(leases) >= 1_000
        assert max(leases) <= 2 * min(leases) + 1_000

    asyncio.run(play())


def test_one_that_waits_gets_what_another_hands_back() -> None:
    async def play() -> None:
        keeper = BudgetKeeper(Budget(calls=10), {})
        first, _ = await keeper.open("a", status(0))
        assert first.calls == 5
        await keeper.open("b", status(0))
        asked = [asyncio.create_task(keeper.more("b", status(0))) for _ in range(10)]
        await asyncio.sleep(0)
        waiting = [task for task in asked if not task.done()]
        assert waiting, "all of it is leased"
        await keeper.close("a", status(1))
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        await keeper.close("b", status(0))
        larger = [budget.calls for task in asked if task.done() and (budget := task.result())]
        assert max(calls for calls in larger if calls) > 5
        for task in asked:
            task.cancel()

    asyncio.run(play())


def test_a_session_that_fell_silent_has_handed_back() -> None:
    now = [0.0]

    async def play() -> None:
        keeper = BudgetKeeper(Budget(calls=100), {}, clock=lambda: now[0])
        await keeper.open("a", status(0))
        await keeper.report("a", status(3))
        now[0] = EXPIRES + 1
        budget, news = await keeper.open("b", status(0))
        assert news.sessions == 1
        assert budget.calls == 49  # half of what the silent one had not spent
        assert (await keeper.overview()).spent["calls"] == 3

    asyncio.run(play())


def test_retry_after_of_one_holds_back_all(store: Store) -> None:
    async def play() -> None:
        keeper = BudgetKeeper(Budget(), {})
        one, other = Pace(8), Pace(8)
        runs = [make_run(store, "http://127.0.0.1:9/v1", rows=number) for number in (3, 4)]
        async with Leased(runs[0], keeper) as first, Leased(runs[1], keeper) as second:
            first.steer(one)
            second.steer(other)
            for _ in range(IN_A_ROW):
                await one.enter()
                one.leave(Signal.THROTTLED, 60.0)
            await asyncio.sleep(0.1)
            assert (one.limit, other.limit) == (4, 4)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(other.enter(), 0.3)

    asyncio.run(play())


def test_keys_are_in_no_words() -> None:
    assert "secret" not in repr(Keys("secret", "secret"))


def test_what_one_machine_must_do_is_refused(store: Store, endpoint: FakeEndpoint) -> None:
    embedded = profiler(store, endpoint)
    embedded.options = {}
    with pytest.raises(DryRunError, match="embedded model answers on one machine"):
        need_an_endpoint(embedded)
    batched = profiler(store, endpoint, work={"batch": object()})
    with pytest.raises(DryRunError, match="batches wait at the endpoint"):
        need_an_endpoint(batched)


def test_a_worker_without_the_data_directory_says_so(tmp_path: Path) -> None:
    task = ShardTask(str(tmp_path / "elsewhere"), "shards/00000", "0" * 32)
    end = asyncio.run(work_on_shard(task, BudgetKeeper(Budget(), {}), Keys()))
    assert "does not see" in end.problem
    old = replace(task, version="0.0.9")
    end = asyncio.run(work_on_shard(old, BudgetKeeper(Budget(), {}), Keys()))
    assert "0.0.9" in end.problem


def test_a_worker_asks_a_store_again_that_could_not_be_reached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it would take its copy of before for what is there, and miss the run it is given."""
    answers, pulls = iter([False, False, True]), []

    def pull(folder: Path, *, fresh: bool) -> None:
        pulls.append((folder, fresh))
        if not next(answers, False):
            raise StoreError("The store cannot be reached.")

    monkeypatch.setattr(registry, "pull", pull)
    monkeypatch.setattr(shard, "FETCH_PAUSES", (0.0, 0.0, 0.0))
    shard._fetch(tmp_path)
    assert pulls == [(tmp_path, True)] * 3
    with pytest.raises(StoreError):
        shard._fetch(tmp_path)


CODE = {
    "type": "python",
    "name": "same",
    "source": "def grade(sample, item):\n"
    "    return float(sample['output_text'] == item['reference_answer'])\n",
}


@pytest.mark.slow
def test_code_is_graded_by_each_worker_in_a_sandbox_of_its_own(store: Store, endpoint: FakeEndpoint) -> None:
    endpoint.answer = by_rate
    exact = campaign(store, endpoint, stages=ONCE)
    calls = endpoint.calls
    coded = profiler(store, endpoint, stages=ONCE, hands=Campaign(NearCrew()))
    coded = replace(coded, grader=CODE)
    found = asyncio.run(coded.run())
    assert endpoint.calls == calls, "the same responses are graded"
    assert found.profile.counts.right.tolist() == exact.profile.counts.right.tolist()


class Bare(NearCrew):
    """Its workers have no sandbox, whatever the command's machine has."""

    def submit(self, task: ShardTask) -> Awaitable[ShardEnd]:
        """Have a worker do this."""
        os.environ["DRYRUN_SANDBOX"] = "seatbelt"
        return super().submit(task)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "darwin", reason="there Seatbelt is to be had")
def test_a_worker_without_a_sandbox_refuses_code(
    store: Store, endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRYRUN_SANDBOX", "")
    coded = replace(profiler(store, endpoint, hands=Campaign(Bare(1))), grader=CODE)
    with pytest.raises(DryRunError, match=r"Python graders are refused here.*on the worker"):
        asyncio.run(coded.run())
    assert endpoint.calls == 0

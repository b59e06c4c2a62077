"""Prompts -> samples -> grades against a real server on loopback: nothing twice, nothing lost."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections import Counter
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from dryrun.core.config import JudgeConfig, SamplingConfig
from dryrun.core.errors import DryRunError
from dryrun.core.records import ABANDONED, RunState, SampleOutcome
from dryrun.dataset import dataset_from_items
from dryrun.engine.budget import Budget, receipt
from dryrun.engine.plan import away_from_others
from dryrun.engine.prepare import prepare, regraded, start
from dryrun.engine.work import work_on
from dryrun.models import pace
from dryrun.models.endpoint import EndpointModel
from dryrun.models.pace import RetryPolicy
from dryrun.store.partition import Store
from dryrun.store.results import load_results
from dryrun.store.runs import Run, RunStatus, list_runs, unfinished_run
from tests.helpers.fake_endpoint import FakeEndpoint, HangAfter, Reply, deterministic_answer, prompt_text
from tests.helpers.support import EXACT, FUZZY, endpoint_config, make_run, sum_rows, wait_until, work


def test_every_rollout_is_sampled_and_graded_once(store: Store, endpoint: FakeEndpoint) -> None:
    run = make_run(store, endpoint.base_url, rows=40, rollouts=2)
    status = work(run)
    assert (status.state, status.total, status.sampled, status.graded) == (RunState.FINISHED, 80, 80, 80)
    assert (status.failed, status.ungraded, status.reused, status.calls) == (0, 0, 0, 80)
    assert endpoint.calls == 80
    results = load_results(run)
    assert (results.rollouts.num_rows, results.pending) == (80, 0)
    for seen in results.inspect(range(80)):
        right = seen.sample.text == seen.prompt.item["reference_answer"]
        assert seen.grade is not None
        assert seen.grade.reward == float(right)
    assert 0.4 < results.observations().score.mean() < 0.95


def test_the_same_configuration_again_makes_no_call(store: Store, endpoint: FakeEndpoint) -> None:
    first = load_results(make_and_work(store, endpoint.base_url))
    again = make_run(store, endpoint.base_url)
    status = work(again)
    assert endpoint.calls == 80
    assert (status.reused, status.calls, status.graded) == (80, 0, 80)
    assert (
        load_results(again)
        .rollouts.select(["sample_key", "reward"])
        .equals(first.rollouts.select(["sample_key", "reward"]))
    )


def make_and_work(store: Store, base_url: str) -> Run:
    run = make_run(store, base_url)
    assert work(run).state is RunState.FINISHED
    return run


@pytest.mark.slow
def test_another_grader_scores_again_without_a_call(store: Store, endpoint: FakeEndpoint) -> None:
    first = make_and_work(store, endpoint.base_url)
    second = start(store, regraded(first, FUZZY))
    status = work(second)
    assert endpoint.calls == 80
    assert (status.state, status.reused, status.graded) == (RunState.FINISHED, 80, 80)
    scores = load_results(second).observations().score
    assert len({*scores.tolist()}) > 2
    assert set(load_results(first).observations().score.tolist()) == {0.0, 1.0}


@pytest.mark.slow
def test_a_larger_sample_pays_only_for_the_difference(store: Store, endpoint: FakeEndpoint) -> None:
    rows = sum_rows(60)
    small = make_run(store, endpoint.base_url, rows=rows, size=30, rollouts=2)
    work(small)
    assert endpoint.calls == 60
    large = make_run(store, endpoint.base_url, rows=rows, size=50, rollouts=2)
    assert work(large).reused == 60
    assert endpoint.calls == 100
    assert [prompt.key for prompt in large.prompts()[:30]] == [prompt.key for prompt in small.prompts()]


@pytest.mark.slow
def test_one_more_rollout_pays_only_for_itself(store: Store, endpoint: FakeEndpoint) -> None:
    work(make_run(store, endpoint.base_url, rollouts=2))
    work(make_run(store, endpoint.base_url, rollouts=3))
    assert endpoint.calls == 120


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize(
    "change", [{"temperature": 0.5}, {"seed": 7}, {"max_completion_tokens": 9}, {"reasoning_effort": "low"}]
)
def test_a_changed_sampling_parameter_is_another_sample(
    store: Store, endpoint: FakeEndpoint, change: dict[str, Any]
) -> None:
    work(make_run(store, endpoint.base_url, rows=5, rollouts=1))
    work(make_run(store, endpoint.base_url, rows=5, rollouts=1, **change))
    assert endpoint.calls == 10


def test_rows_that_look_alike_to_the_model_share_a_response_but_not_a_grade(
    store: Store, endpoint: FakeEndpoint
) -> None:
    endpoint.answer = lambda _: "7"
    question = [{"role": "user", "content": "3 + 4 ="}]
    rows = [
        {"messages": question, "reference_answer": "7"},
        {"messages": question, "reference_answer": "8"},
        {"messages": question, "reference_answer": "7"},
    ]
    run = make_run(store, endpoint.base_url, rows=rows, rollouts=2)
    status = work(run)
    assert endpoint.calls == 2
    assert (status.total, status.sampled, status.graded, status.calls) == (6, 6, 6, 2)
    by_reference = Counter(
        (seen.prompt.item["reference_answer"], seen.grade.reward)
        for seen in load_results(run).inspect(range(6))
        if seen.grade
    )
    assert by_reference == {("7", 1.0): 4, ("8", 0.0): 2}
    assert len(set(load_results(run).observations().prompt.tolist())) == 2


@pytest.mark.slow
def test_failed_calls_are_counted_apart_and_tried_again_on_resume(
    store: Store, endpoint: FakeEndpoint
) -> None:
    def refuse_nines(body: dict[str, object]) -> Reply | str:
        if prompt_text(body).startswith("9 "):
            return Reply.error(400, "no nines today")
        return deterministic_answer(body)

    endpoint.answer = refuse_nines
    run = make_run(store, endpoint.base_url, rows=20, rollouts=1)
    status = work(run)
    assert (status.state, status.sampled, status.failed) == (RunState.FINISHED, 19, 1)
    assert "1 calls failed" in status.message or "1 call failed" in status.message
    results = load_results(run)
    assert results.rollouts["outcome"].to_pylist().count(SampleOutcome.FAILED.value) == 1
    assert sum(score != score for score in results.observations().score.tolist()) == 1
    before = endpoint.calls
    endpoint.answer = deterministic_answer
    status = work(run)
    assert endpoint.calls == before + 1
    assert (status.sampled, status.failed, status.graded) == (20, 0, 20)
    assert load_results(run).rollouts["outcome"].to_pylist().count(SampleOutcome.FAILED.value) == 0


def test_a_wrong_key_stops_the_run_with_one_sentence(store: Store) -> None:
    with FakeEndpoint(api_key="another") as endpoint:
        run = make_run(store, endpoint.base_url)
        status = work(run)
        assert status.state is RunState.STOPPED
        assert "401" in status.message
        assert "test-key" not in status.message
        assert run.status().state is RunState.STOPPED


def hold_until_the_fault(monkeypatch: pytest.MonkeyPatch, *held: FakeEndpoint) -> None:
    """They answer nothing until a fault has ended the run; then what is in flight."""
    end = EndpointModel.end

    def released(model: EndpointModel, error: DryRunError) -> None:
        end(model, error)
        for server in held:
            server.release()

    monkeypatch.setattr(EndpointModel, "end", released)
    for server in held:
        server.hold()


@pytest.mark.slow
def test_answers_in_flight_are_kept_when_the_quota_ends(
    store: Store, endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are paid for. What waits for its turn is not asked any more, and resuming asks for that alone."""

    asked = count()

    def until_the_quota_ends(body: dict[str, object]) -> Reply | str:
        if next(asked) == 9:
            return Reply.error(429, "You exceeded your quota", "insufficient_quota")
        return deterministic_answer(body)

    endpoint.answer = until_the_quota_ends
    run = make_run(store, endpoint.base_url, rows=40, rollouts=1, concurrency=10)
    hold_until_the_fault(monkeypatch, endpoint)
    status = work(run, preflight=False)
    assert status.state is RunState.STOPPED
    assert "has no quota left" in status.message
    assert endpoint.calls == 10
    assert status.sampled == endpoint.calls - 1
    endpoint.answer = deterministic_answer
    status = work(run)
    assert (status.state, status.sampled) == (RunState.FINISHED, 40)
    assert endpoint.calls == 10 + 31


JUDGE = {
    "type": "score_model",
    "name": "judge",
    "model": "j",
    "input": [{"role": "user", "content": "Rate {{sample.output_text}}"}],
}
GOOD_MARK = '{"steps": [], "result": 1}'


def judged_run(
    store: Store, base_url: str, judge_url: str, rows: int, judges: int = 4, **model: object
) -> Run:
    where = JudgeConfig(base_url=judge_url, concurrency=judges)
    sampling = SamplingConfig(size=rows, rollouts=1)
    config = endpoint_config(base_url, **{"seed": 0, **model})
    rows_of = dataset_from_items(sum_rows(rows))
    return start(store, prepare(rows_of, JUDGE, model=config, sampling=sampling, judge=where))


@pytest.mark.slow
def test_responses_in_flight_are_kept_when_the_judge_ends_the_run(
    store: Store, endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other marks that are under way are kept as well."""
    marked = count()

    def until_the_quota_ends(_: dict[str, object]) -> Reply:
        if next(marked) == 3:
            return Reply.error(429, "You exceeded your quota", "insufficient_quota")
        return Reply(text=GOOD_MARK)

    with FakeEndpoint(answer=until_the_quota_ends) as judge:
        run = judged_run(store, endpoint.base_url, judge.base_url, rows=40, concurrency=8)
        hold_until_the_fault(monkeypatch, endpoint, judge)
        endpoint.hold(after=4)
        status = work(run)
        assert status.state is RunState.STOPPED
        assert "The judge j: " in status.message
        assert "has no quota left" in status.message
        paid = endpoint.calls
        assert paid < 40
        assert status.sampled == paid
        assert (judge.calls, status.graded) == (4, 3)
        judge.answer = lambda _: GOOD_MARK
        status = work(run)
        assert (status.state, status.sampled, status.graded) == (RunState.FINISHED, 40, 40)
        assert endpoint.calls == 40
        assert judge.calls == 4 + 37


def test_marks_in_flight_are_kept_when_the_model_ends_the_run(
    store: Store, endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = count()

    def until_the_quota_ends(body: dict[str, object]) -> Reply | str:
        if next(asked) < 3:
            return deterministic_answer(body)
        return Reply.error(429, "You exceeded your quota", "insufficient_quota")

    endpoint.answer = until_the_quota_ends
    with FakeEndpoint(answer=lambda _: GOOD_MARK) as judge:
        run = judged_run(store, endpoint.base_url, judge.base_url, rows=20, concurrency=1)
        hold_until_the_fault(monkeypatch, judge)
        status = work(run)
        assert (status.state, status.sampled) == (RunState.STOPPED, 3)
        assert "has no quota left" in status.message
        assert "judge" not in status.message
        assert (judge.calls, status.graded) == (3, 3)


@pytest.mark.slow
def test_an_endpoint_that_went_away_is_waited_for_and_named_as_the_cause(
    store: Store, endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "DOWN_GAP", 0.001)
    monkeypatch.setattr(RetryPolicy, "patience", 0.3)
    endpoint.answer = lambda _: Reply(drop=True)
    endpoint.script(*[Reply(text="1")] * 3)
    status = work(make_run(store, endpoint.base_url, rows=100, rollouts=1, concurrency=8))
    assert (status.state, status.sampled) == (RunState.STOPPED, 3)
    assert "closed the connection" in status.message
    assert "Everything done so far is kept; resume when the endpoint answers again." in status.message


@pytest.mark.slow
def test_a_dead_endpoint_stops_the_run_and_keeps_what_was_done(store: Store, endpoint: FakeEndpoint) -> None:
    answered = iter(range(10))

    def fail_after_ten(body: dict[str, object]) -> Reply | str:
        return (
            Reply.error(400, "out of order") if next(answered, None) is None else deterministic_answer(body)
        )

    endpoint.answer = fail_after_ten
    run = make_run(store, endpoint.base_url, rows=100, rollouts=1, concurrency=1)
    status = work(run)
    assert status.state is RunState.STOPPED
    assert "20 times in a row" in status.message
    assert status.sampled == 10
    assert endpoint.calls == 31  # one that was answered is asked once more
    endpoint.answer = deterministic_answer
    assert work(run).state is RunState.FINISHED
    assert endpoint.calls == 31 + 90


@pytest.mark.slow
def test_prompts_that_always_fail_do_not_stop_a_run_whose_others_are_answered(
    store: Store, endpoint: FakeEndpoint
) -> None:
    """Their calls end last, for they are tried again: many failures in a row, and no endpoint down."""
    answered = iter(range(10))

    def fail_after_ten(body: dict[str, object]) -> Reply | str:
        asked = prompt_text(body)
        known.extend([asked] * (asked not in known and next(answered, None) is not None))
        return deterministic_answer(body) if asked in known else Reply.error(400, "cannot be processed")

    known: list[str] = []
    endpoint.answer = fail_after_ten
    status = work(make_run(store, endpoint.base_url, rows=60, rollouts=1, concurrency=1))
    assert (status.state, status.sampled) == (RunState.FINISHED, 10)
    assert endpoint.calls == 60 + 2


def test_an_endpoint_that_asks_for_a_day_stops_the_run_in_words(store: Store, endpoint: FakeEndpoint) -> None:
    endpoint.answer = lambda _: Reply.error(429, "daily limit", headers={"Retry-After": "86400"})
    status = work(make_run(store, endpoint.base_url))
    assert status.state is RunState.STOPPED
    assert "daily limit" in status.message


FAILS = [
    (
        400,
        "The endpoint answered 400 Bad Request: no. The endpoint refuses these requests",
    ),
    (500, "The endpoint answered 500 Internal Server Error: no. Resume when the endpoint answers again."),
]


@pytest.mark.parametrize(("status", "words"), FAILS)
def test_cancelled_after_failed_calls_alone_it_says_why(
    store: Store, endpoint: FakeEndpoint, status: int, words: str
) -> None:
    endpoint.answer = HangAfter(2, lambda _: Reply.error(status, "no"))
    run = make_run(store, endpoint.base_url, concurrency=1)

    async def cancelled() -> None:
        task = asyncio.create_task(work_on(run, api_key="k", preflight=False))
        await asyncio.to_thread(wait_until, lambda: endpoint.calls == 3)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    message = run.status().message
    assert message.startswith("Cancelled before an answer. 2 calls failed, most often so: ")
    assert words in message


def test_a_budget_spent_on_failed_calls_says_why_not_to_raise_it(
    store: Store, endpoint: FakeEndpoint
) -> None:
    endpoint.answer = lambda _: Reply.error(400, "no")
    status = work(make_run(store, endpoint.base_url), budget=Budget(calls=5), preflight=False)
    assert status.capped
    assert "5 calls failed, most often so: The endpoint answered 400 Bad Request: no." in status.message
    assert "a higher budget" not in status.message


def test_cancel_keeps_what_is_done_and_resume_goes_on(store: Store, endpoint: FakeEndpoint) -> None:
    endpoint.answer = HangAfter(30, deterministic_answer)
    run = make_run(store, endpoint.base_url, rows=50, rollouts=1, concurrency=4)

    async def cancelled() -> None:
        task = asyncio.create_task(work_on(run, api_key="k"))
        await asyncio.to_thread(wait_until, lambda: endpoint.calls >= 34)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    assert run.status().state is RunState.CANCELLED
    assert run.status().sampled == 30
    assert (run.status().attempts, run.status().abandoned, run.status().all_calls) == (30, 4, 34)
    assert receipt(run.status()).endswith(
        ". Cut off when the run ended: 4 calls of unknown price, which may have been billed."
    )
    outcomes = run.attempts().read(["outcome"])["outcome"].to_pylist()
    assert outcomes.count(ABANDONED) == 4
    (run.folder / "status.json").unlink()
    assert (run.status().attempts, run.status().answers, run.status().abandoned) == (30, 30, 4)
    assert load_results(run).rollouts.num_rows + load_results(run).pending == 50
    endpoint.answer = deterministic_answer
    assert work(run).graded == 50
    assert endpoint.calls == 34 + 20
    assert max(endpoint.calls_by_key.values()) == 2  # the four that hung
    assert (run.status().attempts, run.status().abandoned, run.status().all_calls) == (50, 4, 54)


@pytest.mark.slow
def test_status_is_told_while_it_runs_and_ends_with_the_final_one(store: Store) -> None:
    told: list[RunStatus] = []

    def notify(status: RunStatus) -> None:
        told.append(status)
        if status.sampled == 60:
            endpoint.release()

    with FakeEndpoint() as endpoint:
        endpoint.hold(after=60)
        run = make_run(store, endpoint.base_url, rows=60, rollouts=2, concurrency=2)
        final = work(run, notify=notify)
    assert told[-1] == final
    assert any(0 < status.sampled < 120 and status.live and status.rate > 0 for status in told)
    assert [status.sampled for status in told] == sorted(status.sampled for status in told)


def test_two_cannot_work_on_one_run(store: Store, endpoint: FakeEndpoint) -> None:
    run = make_run(store, endpoint.base_url)
    with run.hold(), pytest.raises(DryRunError, match="already working"):
        work(run)


def test_three_at_the_same_prompts_go_three_ways(store: Store, endpoint: FakeEndpoint) -> None:
    runs = [make_run(store, endpoint.base_url) for _ in range(3)]
    todo = list(range(100))
    with runs[0].hold(), runs[1].hold(), runs[2].hold():
        orders = [away_from_others(run, todo) for run in runs]
    assert orders[:2] == [todo, todo[::-1]]
    together = [
        sum(one == other for one, other in zip(orders[2], order, strict=True)) for order in orders[:2]
    ]
    assert max(together) < 10
    assert sorted(orders[2]) == todo


@pytest.mark.slow
def test_of_two_answers_to_the_same_the_one_that_is_shown_is_the_one_that_was_graded(
    store: Store, endpoint: FakeEndpoint
) -> None:
    """Two at the same prompts ask for all of them at once; no two answers and no two marks are alike."""
    asked = count()

    def mark(body: dict[str, object]) -> Reply:
        number = int(prompt_text(body).removeprefix("Rate "))
        return Reply(text=json.dumps({"steps": [], "result": number / 1000}), delay=1.2 * (number % 2))

    async def both(*runs: Run) -> list[RunStatus]:
        return await asyncio.gather(*(work_on(run) for run in runs))

    endpoint.answer = lambda _: Reply(text=str(next(asked)), delay=0.2)
    with FakeEndpoint(answer=mark) as judge:
        urls = endpoint.base_url, judge.base_url
        runs = [judged_run(store, *urls, rows=32, judges=64, concurrency=32) for _ in range(2)]
        ended = asyncio.run(both(*runs))
    assert endpoint.calls > 32
    assert [(status.state, status.sampled, status.graded) for status in ended] == [
        (RunState.FINISHED, 32, 32)
    ] * 2
    for run in runs:
        for seen in load_results(run).inspect(range(32)):
            assert seen.grade is not None
            assert seen.grade.reward == int(seen.sample.text) / 1000


@pytest.mark.slow
def test_a_second_thread_sees_the_run_as_running(store: Store) -> None:
    with FakeEndpoint() as endpoint:
        endpoint.hold()
        run = make_run(store, endpoint.base_url)
        thread = threading.Thread(target=work, args=(run,))
        thread.start()
        wait_until(lambda: run.status().state is RunState.RUNNING)
        endpoint.release()
        thread.join()
    assert run.status().state is RunState.FINISHED


@pytest.mark.slow
def test_runs_are_listed_and_the_unfinished_one_is_found_by_its_configuration(
    store: Store, endpoint: FakeEndpoint
) -> None:
    run = make_run(store, endpoint.base_url)
    other = make_run(store, endpoint.base_url, rollouts=1)
    assert {found.id for found in list_runs(store)} == {run.id, other.id}
    assert unfinished_run(store, run.config()) == run
    work(run)
    assert unfinished_run(store, run.config()) is None


@pytest.mark.parametrize("run_id", ["", "../../etc", "a" * 32, "A" * 32, "x\x00", "0" * 31])
def test_a_run_id_from_a_link_is_checked(store: Store, run_id: str) -> None:
    with pytest.raises(DryRunError, match="no run"):
        Run.open(store, run_id)


@pytest.mark.slow
def test_a_damaged_status_does_not_lose_the_run(store: Store, endpoint: FakeEndpoint) -> None:
    run = make_and_work(store, endpoint.base_url)
    (run.folder / "status.json").write_text("{torn")
    assert run.status().state is RunState.INTERRUPTED
    assert work(run).state is RunState.FINISHED
    assert endpoint.calls == 80


def test_a_data_directory_that_cannot_be_written_is_one_sentence(
    tmp_path: Path, endpoint: FakeEndpoint
) -> None:
    (tmp_path / "blocked").write_text("")
    sampling = SamplingConfig(size=5, rollouts=1)
    config = endpoint_config(endpoint.base_url)
    prepared = prepare(dataset_from_items(sum_rows(5)), EXACT, model=config, sampling=sampling)
    with pytest.raises(DryRunError, match="Cannot write"):
        start(Store(tmp_path / "blocked"), prepared)
    assert endpoint.calls == 0


@pytest.mark.slow
def test_a_judge_that_never_answers_holds_up_no_call(store: Store, endpoint: FakeEndpoint) -> None:
    """More responses than the queue holds are asked for and stored while the first grades are being made."""

    async def watched(run: Run) -> None:
        working = asyncio.create_task(work_on(run))
        while run.status().sampled < 600:
            assert not working.done()
            await asyncio.sleep(0.05)
        working.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await working

    with FakeEndpoint(answer=lambda _: Reply(hang=True)) as judge:
        where = JudgeConfig(base_url=judge.base_url, concurrency=4)
        sampling = SamplingConfig(size=300, rollouts=2)
        config = endpoint_config(endpoint.base_url, seed=0)
        rows = dataset_from_items(sum_rows(300))
        run = start(store, prepare(rows, JUDGE, model=config, sampling=sampling, judge=where))
        asyncio.run(watched(run))
        assert (endpoint.calls, judge.calls, judge.max_in_flight) == (600, 4, 4)
        judge.answer = lambda _: GOOD_MARK
        status = work(run)
    assert (status.state, status.graded, endpoint.calls) == (RunState.FINISHED, 600, 600)

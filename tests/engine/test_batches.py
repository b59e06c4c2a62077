"""Through the Batch API against a real server on loopback: the same samples, nothing paid for twice."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator
from typing import Any

import pytest
from rich.console import Console

from dryrun.cli.terminal import ProgressLine
from dryrun.core.config import BatchConfig
from dryrun.core.records import RunState, SampleOutcome
from dryrun.engine import batches as batching
from dryrun.engine.batch_records import Parts, PartState, under_way
from dryrun.engine.batches import Pacing
from dryrun.engine.budget import Budget, Prices, receipt
from dryrun.engine.work import work_on
from dryrun.models.batch_api import Batch, BatchLimits, BatchStatus
from dryrun.store.partition import Store
from dryrun.store.results import load_results
from dryrun.store.runs import Run, RunStatus, unfinished_run
from tests.helpers.fake_batches import FakeBatches, bodies
from tests.helpers.fake_endpoint import FakeEndpoint, Reply, deterministic_answer, prompt_text
from tests.helpers.support import FUZZY, make_run, sum_rows, wait_until, work

BATCH = BatchConfig()


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batching, "PACING", Pacing(first=0.01, longest=0.02, patience=5))


@pytest.fixture
def server() -> Iterator[FakeBatches]:
    with FakeBatches() as endpoint:
        yield endpoint


def batch_run(store: Store, base_url: str, **fields: Any) -> Run:
    return make_run(store, base_url, **{"batch": BATCH, **fields})


def outcomes(run: Run) -> list[str]:
    found: list[str] = load_results(run).rollouts["outcome"].to_pylist()
    return found


def texts(run: Run) -> dict[str, str]:
    """What every prompt and rollout was answered."""
    return {
        f"{seen.prompt.key}/{seen.sample.rollout}": seen.sample.text
        for seen in load_results(run).inspect(range(load_results(run).rollouts.num_rows))
    }


@pytest.mark.slow
def test_a_batch_gives_the_same_rows_as_calls(store: Store, server: FakeBatches) -> None:
    told: list[RunStatus] = []
    run = batch_run(store, server.base_url)
    status = work(run, notify=told.append)
    assert (status.state, status.total, status.sampled, status.graded) == (RunState.FINISHED, 80, 80, 80)
    assert (server.calls, server.uploads, server.creates, len(server.rows_by_key)) == (0, 1, 1, 80)
    live = make_run(Store(store.root.parent / "live"), server.base_url)
    work(live)
    assert server.calls == 80
    assert texts(run) == texts(live)
    columns = ["sample_key", "reward", "outcome", "characters", "prompt_tokens", "completion_tokens"]
    assert load_results(run).rollouts.select(columns).equals(load_results(live).rollouts.select(columns))
    assert sorted(map(str, bodies(server))) == sorted(map(str, server.bodies))


@pytest.mark.slow
def test_what_a_batch_answered_is_stored_for_calls_and_the_other_way_round(
    store: Store, server: FakeBatches
) -> None:
    work(batch_run(store, server.base_url, rows=10))
    status = work(make_run(store, server.base_url, rows=10))
    assert (server.calls, status.reused) == (0, 20)
    work(make_run(store, server.base_url, rows=20))
    assert server.calls == 20
    status = work(batch_run(store, server.base_url, rows=20))
    assert (server.calls, server.creates, status.reused) == (20, 1, 40)


@pytest.mark.slow
def test_the_progress_says_where_the_batch_stands_and_that_one_may_leave(
    store: Store, server: FakeBatches
) -> None:
    told: list[RunStatus] = []
    stages = iter(["in_progress", "finalizing", None])
    server.stage = "validating"

    def notify(status: RunStatus) -> None:
        told.append(status)
        if server.stage and f"Batch {server.stage.replace('_', ' ')}" in status.message:
            server.stage = next(stages)

    work(batch_run(store, server.base_url), notify=notify)
    words = "\n".join(status.message for status in told)
    assert "Batch in progress: 0 of 80 answered. You may leave" in words
    assert "Batch validating" in words
    assert "Batch finalizing" in words
    assert all(status.live for status in told if status.message.startswith("Batch"))


def test_a_terminal_shows_the_sentence_that_matters() -> None:
    screen = io.StringIO()
    batches = [Batch("b", BatchStatus.IN_PROGRESS, done=1_200), Batch("c", BatchStatus.VALIDATING)]
    with ProgressLine(Console(file=screen, force_terminal=True, width=160)) as line:
        line.show(RunStatus(RunState.RUNNING, total=80, message=batching.batch_words(batches, 60_000)))
    assert "2 batches validating: 1,200 of 60,000 answered \x1b" in screen.getvalue()


@pytest.mark.slow
def test_failed_and_expired_rows_are_failed_samples_and_only_they_are_asked_again(store: Store) -> None:
    def refuse_nines(body: dict[str, Any]) -> Reply | str:
        nine = "9 " in prompt_text(body)
        return Reply.error(400, "no nines today") if nine else deterministic_answer(body)

    with FakeBatches(answer=refuse_nines, answered=30, end="expired") as server:
        run = batch_run(store, server.base_url, rows=20)
        status = work(run)
        failed = 10 + sum("9 " in prompt_text(row["body"]) for row in server.batches["batch_0"].rows[:30])
        assert failed > 10
        assert (status.state, status.failed, status.sampled) == (RunState.FINISHED, failed, 40 - failed)
        assert status.graded == 40 - failed
        said = {seen.sample.error for seen in load_results(run).inspect(range(40)) if seen.sample.error}
        assert any("no nines today" in error for error in said)
        assert any("batch_expired" in error for error in said)
        server.answer, server.answered, server.end = deterministic_answer, None, "completed"
        again = work(run)
        assert (again.failed, again.sampled, again.graded) == (0, 40, 40)
        assert sorted(set(server.rows_by_key.values())) == [1, 2]
        assert sum(server.rows_by_key.values()) == 40 + failed
        rows = run.attempts().read(["sample", "number", "outcome", "key"]).to_pylist()
    assert len(rows) == again.attempts == again.batched == 40 + failed
    assert {row["number"] for row in rows if row["outcome"] == "answered"} == {1, 2}


@pytest.mark.slow
def test_failed_rows_can_be_tried_again_call_by_call(store: Store) -> None:
    with FakeBatches(answered=30, silent=True, end="cancelled") as server:
        run = batch_run(store, server.base_url, rows=20)
        assert work(run).failed == 10
        said = [seen.sample.error for seen in load_results(run).inspect(range(40)) if seen.sample.error]
        assert said == ["The batch was cancelled before this request was answered"] * 10
        status = work(run, batch=None)
        assert (server.creates, server.calls, status.failed, status.sampled) == (1, 10, 0, 40)


@pytest.mark.slow
def test_a_batch_is_split_at_the_limits_and_each_request_is_in_one(
    store: Store, server: FakeBatches, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batching, "LIMITS", BatchLimits(requests=30))
    assert work(batch_run(store, server.base_url)).sampled == 80
    assert [len(batch.rows) for batch in server.batches.values()] == [30, 30, 20]
    monkeypatch.setattr(batching, "LIMITS", BatchLimits(bytes=2_000))
    assert work(batch_run(store, server.base_url, temperature=0.5)).sampled == 80
    inputs = [server.files[batch.input_file] for batch in server.batches.values()]
    assert max(map(len, inputs[3:])) <= 2_000
    assert set(server.rows_by_key.values()) == {1}
    assert len(server.rows_by_key) == 160


@pytest.mark.slow
def test_doubled_foreign_and_garbage_lines_change_nothing(store: Store, server: FakeBatches) -> None:
    def damage(rows: list[dict[str, Any]]) -> list[dict[str, Any] | bytes]:
        foreign = {**rows[0], "custom_id": "0" * 32}
        odd: list[Any] = [b"", b"{torn", b"[]", b'{"custom_id": 3}', b"\xff\xfe\x00", b'"' + b"x" * 200_000]
        return [*odd, foreign, *rows, *(({**row, "response": None}) for row in rows), *odd]

    server.output = damage
    run = batch_run(store, server.base_url)
    status = work(run)
    assert (status.sampled, status.graded, status.failed, status.attempts) == (80, 80, 0, 80)
    assert outcomes(run) == ["answered"] * 80


@pytest.mark.quick_cases(2)
@pytest.mark.parametrize(
    ("response", "said"),
    [
        ({"status_code": 200, "body": "no completion"}, "not a chat completion"),
        ({"status_code": 200, "body": {"error": {"message": "upstream fell"}}}, "upstream fell"),
        ({"status_code": 200, "body": None}, "not a chat completion"),
        ({"status_code": 503, "body": ["odd"]}, "503"),
        ({"status_code": "200"}, "neither a response nor an error"),
        ("text", "neither a response nor an error"),
    ],
)
def test_a_row_that_holds_no_completion_is_a_failed_sample(
    store: Store, server: FakeBatches, response: Any, said: str
) -> None:
    server.output = lambda rows: [{**rows[0], "response": response}, *rows[1:]]
    run = batch_run(store, server.base_url, rows=5)
    assert work(run).failed == 1
    errors = [seen.sample.error for seen in load_results(run).inspect(range(10)) if seen.sample.error]
    assert len(errors) == 1
    assert said in errors[0]


def test_a_refused_answer_filter_and_cut_off_are_told_apart_as_in_calls(store: Store) -> None:
    replies = {
        "0 ": Reply(text="cut", finish_reason="length"),
        "1 ": Reply(text=None, refusal="I will not"),
        "2 ": Reply.error(400, "filtered", "content_filter"),
        "3 ": Reply(text=""),
    }

    def answer(body: dict[str, Any]) -> Reply | str:
        return next((r for start, r in replies.items() if prompt_text(body).startswith(start)), "7")

    with FakeBatches(answer=answer) as server:
        run = batch_run(store, server.base_url, rows=5, rollouts=1)
        work(run)
    assert sorted(outcomes(run)) == sorted(
        kind.value
        for kind in (
            SampleOutcome.TRUNCATED,
            SampleOutcome.REFUSED,
            SampleOutcome.FILTERED,
            SampleOutcome.EMPTY,
            SampleOutcome.ANSWERED,
        )
    )


def test_a_refused_parameter_is_left_out_in_a_second_batch(store: Store) -> None:
    def picky(body: dict[str, Any]) -> Reply | str:
        if "temperature" in body:
            return Reply.error(400, "Unsupported value: 'temperature'", "unsupported_value", "temperature")
        return deterministic_answer(body)

    with FakeBatches(answer=picky) as server:
        run = batch_run(store, server.base_url, rows=5, temperature=0.5)
        status = work(run)
        assert (status.sampled, status.failed, status.attempts) == (10, 0, 20)
        assert [("temperature" in row["body"]) for row in server.batches["batch_1"].rows] == [False] * 10
    assert {seen.sample.note for seen in load_results(run).inspect(range(10))} == {
        "temperature not accepted, left out"
    }


@pytest.mark.slow
def test_a_download_that_breaks_off_begins_again_without_doubling(store: Store, server: FakeBatches) -> None:
    server.cut_downloads = 2
    status = work(batch_run(store, server.base_url))
    assert (status.sampled, status.attempts, status.failed) == (80, 80, 0)


@pytest.mark.slow
def test_results_that_are_gone_leave_failed_samples(store: Store, server: FakeBatches) -> None:
    server.refuse("content", Reply.error(404, "No such File object"))
    run = batch_run(store, server.base_url, rows=5)
    assert work(run).failed == 10
    assert work(run).sampled == 10


@pytest.mark.slow
def test_a_batch_that_fails_validation_stops_the_run_with_its_reasons(store: Store) -> None:
    reasons = [{"code": "invalid_json_line", "line": n, "message": f"Line {n} is odd."} for n in range(1, 6)]
    with FakeBatches(errors=reasons) as server:
        run = batch_run(store, server.base_url)
        status = work(run)
        assert (status.state, status.sampled) == (RunState.STOPPED, 0)
        assert "refused the batch: Line 1 is odd. (line 1); Line 2 is odd." in status.message
        assert "and 2 more" in status.message
        assert under_way(run) == 0
        assert work(run).state is RunState.FINISHED


@pytest.mark.slow
def test_a_batch_without_room_waits_for_the_others(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batching, "LIMITS", BatchLimits(requests=30))
    full = [{"code": "token_limit_exceeded", "message": "Enqueued token limit reached for fake."}]
    with FakeBatches(errors=full) as server:
        status = work(batch_run(store, server.base_url))
        assert (status.state, status.sampled) == (RunState.FINISHED, 80)
        assert server.creates == 4
    with FakeBatches(errors=full) as server:
        status = work(batch_run(store, server.base_url, rows=10))
        assert status.state is RunState.STOPPED
        assert "Enqueued token limit" in status.message
        assert "other batches are done" in status.message


@pytest.mark.slow
@pytest.mark.parametrize("status", [404, 405])
def test_an_endpoint_without_batches_is_one_sentence_and_calls_still_work(
    store: Store, endpoint: FakeEndpoint, status: int
) -> None:
    run = batch_run(store, endpoint.base_url, rows=5)
    stopped = work(run)
    assert stopped.state is RunState.STOPPED
    assert f"{endpoint.base_url} has no Batch API" in stopped.message
    assert "call by call" in stopped.message
    assert work(run, batch=None).state is RunState.FINISHED
    with FakeBatches() as server:
        server.refuse("create", Reply.error(status, "Not Found"))
        run = batch_run(store, server.base_url, rows=5)
        assert "has no Batch API" in work(run).message
        assert work(run, batch=None).sampled == 10
        assert (server.creates, server.calls) == (1, 10)


def test_a_wrong_key_is_one_sentence_and_is_not_shown(store: Store) -> None:
    with FakeBatches(api_key="another") as server:
        status = work(batch_run(store, server.base_url))
    assert status.state is RunState.STOPPED
    assert "does not accept the API key" in status.message
    assert "test-key" not in status.message


def test_every_row_refused_for_the_same_fatal_reason_stops_the_run(store: Store) -> None:
    reply = Reply.error(404, "The model `fake` does not exist", "model_not_found")
    with FakeBatches(answer=lambda _: reply) as server:
        run = batch_run(store, server.base_url, rows=5)
        status = work(run)
    assert status.state is RunState.STOPPED
    assert "has no model 'fake'" in status.message
    assert outcomes(run) == ["failed"] * 10


@pytest.mark.slow
def test_throttled_and_lost_answers_to_the_making_of_a_batch_make_one(
    store: Store, server: FakeBatches
) -> None:
    again = {"Retry-After": "0"}
    server.refuse("upload", Reply.error(500, "oops", headers=again))
    server.refuse("create", Reply.error(429, "slow down", headers=again), Reply(status=200, raw="{torn"))
    server.refuse("look", Reply.error(503, "later"), Reply(status=200, raw="<html>"))
    status = work(batch_run(store, server.base_url, rows=5))
    assert (status.sampled, len(server.batches), server.uploads) == (10, 1, 2)


def cancelled(run: Run, server: FakeBatches, ready: Any) -> None:
    """Work on the run, and cancel it when `ready`."""

    async def main() -> None:
        task = asyncio.create_task(work_on(run, api_key="k"))
        await asyncio.to_thread(wait_until, ready)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())


def left_waiting(store: Store, server: FakeBatches, **fields: Any) -> Run:
    """A run that was cancelled while its batch was under way at the endpoint."""
    server.looks = 10**9
    run = batch_run(store, server.base_url, **fields)
    cancelled(run, server, lambda: server.batches and server.batches["batch_0"].looks > 3)
    return run


@pytest.mark.slow
def test_cancel_leaves_the_batch_at_the_endpoint_and_resume_collects_it(
    store: Store, server: FakeBatches
) -> None:
    run = left_waiting(store, server)
    status = run.status()
    assert status.state is RunState.CANCELLED
    assert "80 requests go on in a batch at the endpoint" in status.message
    assert under_way(run) == 80
    server.looks = 3
    assert work(run).graded == 80
    assert (server.creates, server.uploads) == (1, 1)
    assert under_way(run) == 0


@pytest.mark.slow
def test_resumed_call_by_call_it_collects_the_batch_and_calls_for_nothing_in_it(
    store: Store, server: FakeBatches
) -> None:
    run = left_waiting(store, server)
    server.looks = 3
    assert unfinished_run(store, make_run(store, server.base_url).config()) is not None
    status = work(run, batch=None)
    assert (status.graded, server.calls, server.creates) == (80, 0, 1)


@pytest.mark.slow
def test_what_another_run_has_under_way_is_waited_for_not_paid_for_again(
    store: Store, server: FakeBatches
) -> None:
    rows = sum_rows(30)
    small = left_waiting(store, server, rows=rows, size=10)
    server.looks = 3
    large = batch_run(store, server.base_url, rows=rows, size=30, grader=FUZZY)
    assert work(large).graded == 60
    assert [len(batch.rows) for batch in server.batches.values()] == [20, 40]
    status = work(small)
    assert (status.graded, status.attempts, len(server.batches), under_way(small)) == (20, 0, 2, 0)


@pytest.mark.slow
def test_another_runs_batch_that_this_key_cannot_see_is_submitted_anew(
    store: Store, server: FakeBatches
) -> None:
    first = left_waiting(store, server)
    server.looks = 3
    server.refuse("look", Reply.error(404, "No batch found with id 'batch_0'"))
    assert work(batch_run(store, server.base_url, grader=FUZZY)).graded == 80
    assert len(server.batches) == 2
    assert under_way(first) == 80


@pytest.mark.slow
def test_a_batch_whose_making_was_cut_off_is_found_again(store: Store, server: FakeBatches) -> None:
    for _ in range(5):  # others of the account, before and after, over several pages
        work(batch_run(store, server.base_url, rows=1, seed=len(server.batches) + 50))
    server.gate_after = True
    run = batch_run(store, server.base_url)
    cancelled(run, server, lambda: len(server.batches) == 6)
    assert [part.state for part in Parts(run).read()] == [PartState.UPLOADED]
    server.gate_after = False
    for _ in range(3):
        work(batch_run(store, server.base_url, rows=1, seed=len(server.batches) + 50))
    before = server.creates
    assert work(run).graded == 80
    assert server.creates == before
    assert set(server.rows_by_key.values()) == {1}


@pytest.mark.slow
def test_a_batch_that_was_uploaded_but_not_made_is_made_of_the_same_file(
    store: Store, server: FakeBatches
) -> None:
    server.gate_before = True
    run = batch_run(store, server.base_url)
    cancelled(run, server, lambda: server.creates == 1)
    server.gate_before = False
    assert work(run).graded == 80
    assert (len(server.batches), server.uploads, server.lists) == (1, 1, 1)


@pytest.mark.slow
def test_a_batch_of_another_account_is_not_paid_for_twice(store: Store, server: FakeBatches) -> None:
    run = left_waiting(store, server)
    server.refuse("look", Reply.error(404, "No batch found with id 'batch_0'"))
    status = work(run)
    assert status.state is RunState.STOPPED
    assert "does not know the batch batch_0" in status.message
    assert "the API key it was submitted with" in status.message
    server.looks = 3
    assert work(run).graded == 80
    assert server.creates == 1


def test_a_torn_record_is_not_passed_over(store: Store, server: FakeBatches) -> None:
    run = left_waiting(store, server)
    record = next(Parts(run).folder.glob("*.json"))
    record.write_text("{")
    status = work(run)
    assert status.state is RunState.STOPPED
    assert "perhaps paid for" in status.message
    assert server.creates == 1


@pytest.mark.slow
def test_a_cap_on_calls_is_kept_before_anything_is_submitted(store: Store, server: FakeBatches) -> None:
    run = batch_run(store, server.base_url)
    status = work(run, budget=Budget(calls=50))
    assert (status.state, status.sampled, status.attempts) == (RunState.STOPPED, 50, 50)
    assert "budget of 50 calls is spent" in status.message
    assert len(server.rows_by_key) == 50
    assert work(run, budget=Budget(calls=80)).state is RunState.FINISHED
    assert set(server.rows_by_key.values()) == {1}


def test_caps_on_tokens_and_money_need_a_cap_on_the_answer_and_hold_at_worst(
    store: Store, server: FakeBatches
) -> None:
    run = batch_run(store, server.base_url)
    status = work(run, budget=Budget(tokens=1000))
    assert status.state is RunState.STOPPED
    assert "set the maximum of completion tokens" in status.message
    assert server.uploads == 0
    capped = batch_run(store, server.base_url, max_completion_tokens=20)
    status = work(capped, budget=Budget(tokens=1000))
    assert status.state is RunState.STOPPED
    assert 0 < len(server.rows_by_key) < 30
    assert "room for" in status.message
    at_half_price = len(server.rows_by_key)
    prices = Prices(prompt=1e6, completion=1e6)
    paid = batch_run(store, server.base_url, max_completion_tokens=20, temperature=0.5)
    work(paid, budget=Budget(cost=1000, prices=prices))
    assert len(server.rows_by_key) - at_half_price > 1.6 * at_half_price


@pytest.mark.slow
def test_the_receipt_counts_batches_at_half_the_price(store: Store, server: FakeBatches) -> None:
    status = work(batch_run(store, server.base_url, rows=10))
    prices = Prices(prompt=2e6, completion=2e6)
    words = receipt(status, prices)
    assert "20 of the calls in batches at half the price" in words
    assert prices.cost(status) == status.prompt_tokens + status.completion_tokens
    live = work(make_run(store, server.base_url, rows=sum_rows(15)[10:]))
    assert prices.cost(live) == 2 * (live.prompt_tokens + live.completion_tokens)

"""The first call of a session is made alone, and shows whether key, model and answer are there."""

from __future__ import annotations

from pathlib import Path

import pytest

from dryrun.cli.main import main
from dryrun.core.records import RunState, Sample, SampleOutcome
from dryrun.engine.budget import Budget, Prices
from dryrun.engine.preflight import shown_answer
from dryrun.store.partition import Store
from dryrun.store.runs import RunStatus
from tests.helpers.fake_endpoint import FakeEndpoint, Reply, deterministic_answer, prompt_text
from tests.helpers.support import at, input_files, make_run, work

LONG_PROMPT = Reply.error(400, "This model's maximum context length is 8192 tokens")


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply.error(401, "no key"), "does not accept the API key"),
        (Reply.error(404, "no such model", "model_not_found"), "has no model"),
        (Reply.error(400, "Unsupported media"), "nothing else was asked"),
        (Reply.error(429, "quota", "insufficient_quota"), "has no quota left"),
    ],
)
def test_what_fails_for_all_costs_one_call(
    store: Store, endpoint: FakeEndpoint, reply: Reply, words: str
) -> None:
    endpoint.answer = lambda _: reply
    status = work(make_run(store, endpoint.base_url, concurrency=8))
    assert status.state is RunState.STOPPED
    assert words in status.message
    assert (endpoint.calls, status.attempts) == (1, 1)


def test_the_first_answer_is_one_of_the_run_and_is_shown(store: Store, endpoint: FakeEndpoint) -> None:
    endpoint.answer = lambda _: "1"
    prices = Prices(prompt=1_000.0, completion=1_000.0)
    run = make_run(store, endpoint.base_url, rows=10)
    status = work(run, budget=Budget(prices=prices))
    assert (status.state, endpoint.calls) == (RunState.FINISHED, 20)
    assert status.first.startswith('First answer: "1"; ')
    assert "tokens, $0.0" in status.first
    assert status.first.endswith(("; score 0", "; score 1"))
    assert run.status().first == status.first
    again = work(make_run(store, endpoint.base_url, rows=10))
    assert (again.first, endpoint.calls) == ("", 20)


@pytest.mark.slow
def test_a_first_answer_whose_grade_is_stored_holds_up_no_call(store: Store) -> None:
    """Its response was lost and is asked for again: no grade comes that the other calls could wait for."""
    told: list[RunStatus] = []

    def notify(status: RunStatus) -> None:
        told.append(status)
        if status.first or len(told) > 3:
            endpoint.release()

    with FakeEndpoint() as endpoint:
        run = make_run(store, endpoint.base_url, rows=10)
        work(run)
        for part in (store.root / "samples").glob("*/part-*"):
            part.unlink()
        endpoint.hold(after=endpoint.calls + 3)
        final = work(run, notify=notify)
    assert final.state is RunState.FINISHED
    assert any(status.live and status.first for status in told)


def test_nothing_else_is_asked_before_the_first_answer(store: Store, endpoint: FakeEndpoint) -> None:
    at_once: list[int] = []

    def answer(body: dict[str, object]) -> Reply | str:
        at_once.append(endpoint.calls)
        return Reply(text="1", delay=0.3) if len(at_once) == 1 else deterministic_answer(body)

    endpoint.answer = answer
    endpoint.script(Reply.error(503, "busy", headers={"Retry-After": "0"}))
    status = work(make_run(store, endpoint.base_url, rows=10, concurrency=8))
    assert (status.state, status.failed) == (RunState.FINISHED, 0)
    assert at_once[0] == 2
    assert endpoint.calls == 21


def test_a_prompt_that_is_too_long_stops_no_run(store: Store, endpoint: FakeEndpoint) -> None:
    first: list[str] = []

    def answer(body: dict[str, object]) -> Reply | str:
        first[:] = first or [prompt_text(body)]
        return LONG_PROMPT if prompt_text(body) == first[0] else deterministic_answer(body)

    endpoint.answer = answer
    status = work(make_run(store, endpoint.base_url, rows=10))
    assert (status.state, status.failed, status.refused) == (RunState.FINISHED, 2, 2)


def test_a_cap_holds_for_the_first_call_too(store: Store, endpoint: FakeEndpoint) -> None:
    status = work(make_run(store, endpoint.base_url), budget=Budget(calls=1))
    assert (endpoint.calls, status.sampled, status.capped) == (1, 1, True)


@pytest.mark.slow
def test_the_command_line_shows_it_and_ends_with_2_without_a_key(
    tmp_path: Path, endpoint: FakeEndpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["run", *input_files(tmp_path, 10), *at(endpoint), "--data", str(tmp_path / "data")]
    endpoint.answer = lambda _: Reply.error(401, "no key")
    assert main(command) == 2
    assert endpoint.calls == 1
    endpoint.answer = lambda _: "a\x1b[2J"
    main(command)
    assert 'Endpoint and model work. First answer: "a[2J"' in capsys.readouterr().err


def test_it_can_be_left_out(tmp_path: Path, endpoint: FakeEndpoint) -> None:
    endpoint.answer = lambda _: Reply.error(400, "Unsupported media")
    options = [*at(endpoint), "--data", str(tmp_path / "data"), "--no-preflight"]
    main(["run", *input_files(tmp_path, 15), *options])
    assert endpoint.calls >= 20


def test_what_stands_for_an_answer_without_text() -> None:
    assert shown_answer(Sample("k", 0, SampleOutcome.FILTERED)) == "withheld by a content filter"
    assert shown_answer(Sample("k", 0, SampleOutcome.ANSWERED, tool_calls=({},))) == "1 tool call"
    assert shown_answer(Sample("k", 0, SampleOutcome.EMPTY)) == "empty"
    assert len(shown_answer(Sample("k", 0, SampleOutcome.ANSWERED, text="a\n" * 900))) < 130


def test_a_grader_that_cannot_be_loaded_costs_one_call(
    tmp_path: Path, endpoint: FakeEndpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    rows, _ = input_files(tmp_path, 40)[1::2]
    grader = tmp_path / "g.py"
    grader.write_text("import os\nSCALE = os.environ['SCALE']\ndef grade(sample, item):\n    return 1.0\n")
    command = [
        "run",
        "--dataset",
        rows,
        "--grader",
        str(grader),
        *at(endpoint),
        "--data",
        str(tmp_path / "d"),
    ]
    assert main(command) == 2
    assert endpoint.calls == 1
    assert "The grader cannot be loaded: line 2: KeyError: 'SCALE'" in capsys.readouterr().err


@pytest.mark.slow
def test_the_first_answer_says_why_it_has_no_score(
    tmp_path: Path, endpoint: FakeEndpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    rows, _ = input_files(tmp_path, 30)[1::2]
    grader = tmp_path / "g.py"
    grader.write_text("def reward(completions, **kwargs):\n    return [1 / 0]\n")
    main(["run", "--dataset", rows, "--grader", str(grader), *at(endpoint), "--data", str(tmp_path / "d")])
    assert "no score (line 2: ZeroDivisionError: division by zero)" in capsys.readouterr().err

"""Caps on calls, tokens and money: a clean stop, a usable report, the receipt; every call accounted for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from dryrun.cli.main import main
from dryrun.core.records import RunState
from dryrun.engine.budget import Budget, Prices, receipt, tokens_of
from dryrun.report import report_of
from dryrun.store.partition import Store
from dryrun.store.results import load_results
from tests.helpers.fake_endpoint import FakeEndpoint, Reply
from tests.helpers.support import at, make_run, work


@pytest.mark.slow
def test_a_cap_on_calls_stops_cleanly_and_a_higher_one_goes_on(store: Store, endpoint: FakeEndpoint) -> None:
    run = make_run(store, endpoint.base_url, concurrency=4)
    status = work(run, budget=Budget(calls=50))
    assert (status.state, endpoint.calls, status.attempts) == (RunState.STOPPED, 50, 50)
    assert "budget of 50 calls is spent" in status.message
    results = load_results(run)
    assert (status.graded, results.pending) == (50, 30)
    assert report_of(results).diagnosis.verdict
    again = work(run, budget=Budget(calls=80))
    assert (again.state, endpoint.calls, again.attempts) == (RunState.FINISHED, 80, 80)


def test_a_cap_on_tokens_or_money_stops_within_the_calls_in_flight(
    store: Store, endpoint: FakeEndpoint
) -> None:
    by_tokens = make_run(store, endpoint.base_url, concurrency=2)
    status = work(by_tokens, budget=Budget(tokens=40))
    assert status.state is RunState.STOPPED
    assert 40 <= tokens_of(status) <= 40 + 2 * 5
    prices = Prices(prompt=1e6, completion=1e6)  # a dollar a token
    by_money = make_run(store, endpoint.base_url, concurrency=2, temperature=0.5)
    status = work(by_money, budget=Budget(cost=40.0, prices=prices))
    assert "budget of $40.00 is spent" in status.message
    assert f"${tokens_of(status):,}.0000" in receipt(status, prices)


def test_a_receipt_says_where_tokens_were_not_counted(store: Store, endpoint: FakeEndpoint) -> None:
    endpoint.answer = lambda _: Reply(usage=False)
    status = work(make_run(store, endpoint.base_url, rows=2, rollouts=1), budget=Budget())
    words = receipt(status, Prices(prompt=1.0, completion=10.0))
    assert words == "Spent: 2 calls, whose tokens the endpoint did not count."


def test_what_stops_a_run_after_its_cap_was_met_is_no_cap(store: Store, endpoint: FakeEndpoint) -> None:
    run = make_run(store, endpoint.base_url)
    assert work(run, budget=Budget(calls=50)).capped
    (run.folder / "plan.parquet").unlink()
    (run.folder / "plan.parquet").mkdir()
    status = work(run)
    assert (status.state, status.capped) == (RunState.STOPPED, False)
    assert "plan.parquet: Is a directory" in status.message


def test_money_needs_prices() -> None:
    with pytest.raises(ValidationError, match="needs the price"):
        Budget(cost=1.0)


@pytest.mark.slow
def test_every_call_is_accounted_for_retries_and_failures_included(
    store: Store, endpoint: FakeEndpoint
) -> None:
    endpoint.script(
        Reply.error(429, "slow down", headers={"Retry-After": "0"}),
        Reply.error(500, "oops", headers={"Retry-After": "0"}),
        Reply.error(400, "too odd"),
    )
    run = make_run(store, endpoint.base_url, concurrency=1)
    status = work(run, preflight=False)
    assert (status.failed, status.attempts, status.answers) == (1, 82, 80)
    table = run.attempts().read(["key", "outcome", "sample", "number", "status", "error", "prompt_tokens"])
    rows = table.to_pylist()
    assert len(rows) == endpoint.calls == 82
    assert [(row["outcome"], row["status"]) for row in rows[:3]] == [
        ("transient", 429),
        ("transient", 500),
        ("rejected", 400),
    ]
    assert len({row["sample"] for row in rows[:3]}) == 1
    assert [row["number"] for row in rows[:3]] == [1, 2, 3]
    assert sum(row["prompt_tokens"] or 0 for row in rows) == status.prompt_tokens
    assert "82 calls (2 of them retries)" in receipt(status)
    work(run)
    assert len(run.attempts().read(["key"])) == endpoint.calls == 83


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--max-cost", "nan", "--price", "1", "1"], "nan is not an amount"),
        (["--max-cost", "-1", "--price", "1", "1"], "-1 is not an amount"),
        (["--max-cost", "0", "--price", "1", "1"], "0 is not an amount"),
        (["--max-cost", "inf", "--price", "1", "1"], "inf is not an amount"),
        (["--max-cost", "ten", "--price", "1", "1"], "ten is not an amount"),
        (["--max-cost", "1"], "a cap on money needs the price"),
        (["--price", "nan", "1"], "nan is not a price"),
        (["--price", "1", "inf"], "inf is not a price"),
        (["--judge-price", "-2", "1"], "-2 is not a price"),
        (["--max-calls", "0"], "not a whole number"),
        (["--max-tokens", "1e6"], "not a whole number"),
        (["--rollouts", "1000"], "from 1 to 64"),
    ],
)
def test_a_bad_value_is_one_sentence_with_its_option(
    files: list[str], endpoint: FakeEndpoint, given: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code = main(["run", *files, *at(endpoint), *given])
    except SystemExit as left:
        code = int(str(left.code))
    printed = capsys.readouterr().err
    assert (code, endpoint.calls) == (2, 0)
    assert f"{given[0]}: " in printed
    assert said in printed
    assert printed.count("\n") == 1


@pytest.mark.slow
def test_the_command_line_stops_at_a_budget_and_prints_the_receipt(
    files: list[str], endpoint: FakeEndpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "part.json"
    assert main(["run", *files, *at(endpoint, "--max-calls", "30", "--out", str(out))]) == 3
    printed = capsys.readouterr()
    assert "The budget of 30 calls is spent" in printed.err
    assert "Spent: 30 calls" in printed.err
    assert "Tested: 15 prompts" in printed.out  # the report of what is done, and of a verdict's exit code
    assert json.loads(out.read_text())["samples_evaluated"] == 15
    assert main(["run", *files, *at(endpoint, "--price", "1", "2")]) == 0
    assert "Spent: 120 calls" in capsys.readouterr().err
    assert endpoint.calls == 120
    assert main(["run", *files, *at(endpoint, "--max-cost", "1")]) == 2
    assert "needs the price of a million" in capsys.readouterr().err

"""What a run says beforehand that it will cost, beside what it then does cost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dryrun.cli.main import main
from dryrun.core.config import JudgeConfig, SamplingConfig
from dryrun.core.errors import DryRunError
from dryrun.core.records import RunState
from dryrun.dataset import dataset_from_items
from dryrun.engine.budget import Budget, Prices, tokens_of
from dryrun.engine.estimate import estimate
from dryrun.engine.prepare import Prepared, prepare, regraded, start
from dryrun.models.request import request_size
from dryrun.store.partition import Store
from dryrun.store.results import load_results
from dryrun.store.runs import Run, RunStatus, list_runs
from tests.helpers.fake_endpoint import FakeEndpoint, Reply
from tests.helpers.support import EXACT, RECORDED, endpoint_config, make_run, sum_rows, work

TOLERANCE = 1.5
"""Prompt tokens that are estimated for one that is used, at most; never fewer than are used."""
MESSAGE = {"role": "user", "content": "Rate {{sample.output_text}} for {{item.reference_answer}}."}
JUDGE = {"type": "score_model", "name": "judge", "model": "j", "input": [MESSAGE]}
TWO_JUDGES = {
    "type": "multi",
    "name": "two",
    "graders": {"one": JUDGE, "other": {**JUDGE, "name": "other"}, "exact": EXACT},
    "calculate_output": "(one + other + exact) / 3",
}
DOLLAR_A_TOKEN = Prices(prompt=1e6, completion=1e6, judge_prompt=1e6, judge_completion=1e6)


@pytest.fixture
def judge() -> Any:
    with FakeEndpoint(answer=lambda _: '{"steps": [], "result": 0.5}') as server:
        yield server


def prepared(
    endpoint: FakeEndpoint, judge: FakeEndpoint, grader: dict[str, Any] = JUDGE, **more: Any
) -> Prepared:
    return prepare(
        dataset_from_items(sum_rows(40)),
        grader,
        model=endpoint_config(endpoint.base_url, seed=0, **more),
        sampling=SamplingConfig(size=40, rollouts=2),
        judge=JudgeConfig(base_url=judge.base_url),
    )


def spend(store: Store, asked: Prepared, budget: Budget) -> tuple[Run, RunStatus]:
    run = start(store, asked)
    return run, work(run, budget=budget)


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize(("grader", "judges"), [(EXACT, 0), (JUDGE, 1), (TWO_JUDGES, 2)])
def test_the_estimate_counts_the_calls_that_are_made(
    store: Store, endpoint: FakeEndpoint, judge: FakeEndpoint, grader: dict[str, Any], judges: int
) -> None:
    asked = prepared(endpoint, judge, grader)
    told = estimate(store, asked)
    assert (told.calls, told.judge_calls) == (80, 80 * judges)
    run, _ = spend(store, asked, Budget(calls=30))
    told = estimate(store, asked)
    assert told.calls == 80 - endpoint.calls
    assert told.judge_calls == 80 * judges - judge.calls
    work(run)
    assert (endpoint.calls, judge.calls) == (80, 80 * judges)
    assert estimate(store, asked).words(DOLLAR_A_TOKEN) == ": at most $0.00."


def test_the_tokens_of_a_real_model_are_within_the_stated_tolerance() -> None:
    run = max(list_runs(Store(RECORDED)), key=lambda one: one.status().total)
    rollouts, prompts, model = load_results(run).rollouts, run.prompts(), run.config().model
    told = sum(request_size(model, prompts[row]).prompt for row in rollouts["prompt"].to_pylist())
    used = sum(rollouts["prompt_tokens"].to_pylist())
    assert used <= told <= TOLERANCE * used


@pytest.mark.slow
def test_what_is_said_beforehand_covers_what_is_used(
    store: Store, endpoint: FakeEndpoint, judge: FakeEndpoint
) -> None:
    asked = prepared(endpoint, judge, max_completion_tokens=5)
    told = estimate(store, asked)
    _, status = spend(store, asked, Budget())
    assert told.size.prompt >= status.prompt_tokens
    assert told.size.completion == 80 * 5 >= status.completion_tokens
    assert told.judge_size.prompt >= status.judge_prompt_tokens
    assert told.judge_size.completion is None
    assert "80 calls to judges, about" in told.words(Prices())


@pytest.mark.slow
def test_another_grader_is_estimated_without_calls_to_the_model(
    store: Store, endpoint: FakeEndpoint, judge: FakeEndpoint
) -> None:
    run = make_run(store, endpoint.base_url)
    work(run)
    told = estimate(store, regraded(run, JUDGE, judge=JudgeConfig(base_url=judge.base_url)))
    assert (told.calls, told.judge_calls) == (0, 80)


@pytest.mark.slow
def test_a_cap_with_a_judge_leaves_every_response_graded(
    store: Store, endpoint: FakeEndpoint, judge: FakeEndpoint
) -> None:
    """Not all of it goes to responses that nobody can then afford to grade."""
    run, status = spend(store, prepared(endpoint, judge), Budget(calls=50))
    assert (status.state, status.capped) == (RunState.STOPPED, True)
    assert (endpoint.calls, judge.calls, status.judged) == (25, 25, 25)
    assert (status.graded, load_results(run).rollouts.num_rows) == (25, 25)
    _, status = spend(store, prepared(endpoint, judge, TWO_JUDGES, temperature=0.5), Budget(calls=50))
    assert (status.attempts, status.judged, status.graded) == (16, 32, 16)
    assert "no room for another response and its grade" in status.message


@pytest.mark.parametrize("cap", [{"tokens": 100}, {"cost": 100.0, "prices": DOLLAR_A_TOKEN}])
def test_a_cap_is_kept_however_many_calls_may_be_in_flight(
    store: Store, endpoint: FakeEndpoint, judge: FakeEndpoint, cap: dict[str, Any]
) -> None:
    endpoint.delay = 0.05
    _, status = spend(store, prepared(endpoint, judge, EXACT, concurrency=64), Budget(**cap))
    assert status.capped
    assert 90 <= tokens_of(status) <= 110  # five tokens each; eight calls before the first has answered
    _, status = spend(store, prepared(endpoint, judge, JUDGE, temperature=0.5), Budget(**cap))
    assert 85 <= tokens_of(status) <= 115
    assert status.graded == status.sampled


@pytest.mark.slow
def test_every_call_to_a_judge_counts_retries_and_second_tries_too(
    store: Store, endpoint: FakeEndpoint, judge: FakeEndpoint
) -> None:
    judge.script(Reply.error(500, "oops", headers={"Retry-After": "0"}), Reply(text="no JSON"))
    run, status = spend(store, prepared(endpoint, judge), Budget())
    assert status.judged == judge.calls == 82
    rows = run.attempts().read(["key", "outcome", "judge", "prompt_tokens"]).to_pylist()
    asked = [row for row in rows if row["judge"]]
    assert (len(rows) - len(asked), len(asked)) == (80, 82)
    assert sum(row["prompt_tokens"] or 0 for row in asked) == status.judge_prompt_tokens
    assert [row["outcome"] for row in asked].count("transient") == 1


@pytest.mark.slow
def test_a_cap_holds_over_a_lost_status(store: Store, endpoint: FakeEndpoint, judge: FakeEndpoint) -> None:
    run, before = spend(store, prepared(endpoint, judge), Budget(calls=50))
    (run.folder / "status.json").write_text("{")
    found = run.status()
    for name in ("attempts", "answers", "judged", "prompt_tokens", "judge_completion_tokens", "batched"):
        assert getattr(found, name) == getattr(before, name)
    work(run, budget=Budget(calls=60))
    assert endpoint.calls + judge.calls == 60


def test_a_cap_on_tokens_that_nobody_counts_is_not_kept_in_silence(
    store: Store, endpoint: FakeEndpoint, judge: FakeEndpoint
) -> None:
    endpoint.answer = lambda _: Reply(text="4", usage=False)
    _, status = spend(store, prepared(endpoint, judge, EXACT), Budget(tokens=100))
    assert status.capped
    assert "without a count of its tokens" in status.message
    assert endpoint.calls <= 8


def test_money_for_a_judge_needs_the_judges_prices(
    store: Store, endpoint: FakeEndpoint, judge: FakeEndpoint
) -> None:
    run = start(store, prepared(endpoint, judge))
    with pytest.raises(DryRunError, match="--judge-price"):
        work(run, budget=Budget(cost=1.0, prices=Prices(prompt=1.0, completion=1.0)))
    assert endpoint.calls == 0


@pytest.mark.slow
def test_the_command_says_it_for_base_model_and_judge(
    store: Store,
    endpoint: FakeEndpoint,
    judge: FakeEndpoint,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in sum_rows(40)))
    (tmp_path / "exact.json").write_text(json.dumps(EXACT))
    (tmp_path / "judge.json").write_text(json.dumps(JUDGE))
    files = ["--dataset", str(tmp_path / "rows.jsonl"), "--rollouts", "2", "--max-completion-tokens", "5"]
    model = ["--model", "fake", "--base-url", endpoint.base_url]
    main(["run", *files, *model, "--grader", str(tmp_path / "exact.json"), "--price", "1", "2"])
    said = capsys.readouterr().err
    assert "80 calls to the model, about" in said
    assert "up to 400 completion tokens: up to $0.00, if the endpoint keeps to the token cap" in said
    run = list_runs(store)[0]
    judging = ["--grader", str(tmp_path / "judge.json"), "--judge-base-url", judge.base_url]
    assert main(["regrade", "--run", run.id, *judging, "--max-calls", "20"]) == 3
    said = capsys.readouterr().err
    assert "80 calls to judges, about" in said
    assert "calls to the model" not in said
    assert "20 judge calls" in said
    assert (endpoint.calls, judge.calls) == (80, 20)

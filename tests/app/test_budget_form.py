"""What a run may cost, on the pages: told beforehand, kept to, and gone beyond when the user says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dryrun.app.shared import jobs
from dryrun.app.shared.budget import cost_of_cap
from dryrun.core.config import DatasetRef, RunConfig
from dryrun.core.records import RunState
from dryrun.engine.budget import Budget, Prices
from dryrun.store.partition import Store
from dryrun.store.runs import Run, RunStatus, list_runs
from tests.helpers.fake_endpoint import FakeEndpoint
from tests.helpers.pages import group, page, startable, texts, with_dataset, write_grader
from tests.helpers.support import EXACT, endpoint_config, sum_rows, wait_until


def configured(endpoint: FakeEndpoint, tmp_path: Path) -> AppTest:
    """20 prompts, two responses each, from a loopback server."""
    test = with_dataset("".join(json.dumps(row) + "\n" for row in sum_rows(20)), tmp_path)
    write_grader(test, EXACT)
    group(test, "model_where").set_value("OpenAI-compatible endpoint").run()
    test.text_input(key="base_url").set_value(endpoint.base_url).run()
    test.text_input(key="model_name").set_value("fake").run()
    test.number_input(key="rollouts").set_value(2).run()
    assert not test.exception
    return test


def ended(store: Store) -> Run:
    """The run, when it is not live any more."""
    run = list_runs(store)[0]
    wait_until(lambda: jobs.find(run) is None and not run.status().live)
    return run


@pytest.mark.slow
def test_a_limit_stops_the_run_and_a_higher_one_goes_on(
    endpoint: FakeEndpoint, tmp_path: Path, store: Store
) -> None:
    test = configured(endpoint, tmp_path)
    assert "40 calls to the model, about " in texts(test)
    test.number_input(key="budget_calls").set_value(10).run()
    test.button(key="start").click().run()
    run = ended(store)
    assert (run.status().state, run.status().sampled, endpoint.calls) == (RunState.STOPPED, 10, 10)
    test.switch_page("pages/run.py").run()
    assert "The budget of 10 calls is spent" in texts(test)
    assert "Spent: 10 calls, " in texts(test)
    assert test.number_input(key="budget_calls").value == 10
    test.number_input(key="budget_calls").set_value(1000).run()
    test.button(key="resume").click().run()
    assert (ended(store).status().state, endpoint.calls) == (RunState.FINISHED, 40)


@pytest.mark.slow
def test_dollars_need_prices_and_prices_make_dollars(endpoint: FakeEndpoint, tmp_path: Path) -> None:
    test = configured(endpoint, tmp_path)
    test.number_input(key="budget_cost").set_value(0.5).run()
    assert "A limit in dollars needs the prices of a million tokens" in texts(test)
    assert not startable(test)
    test.number_input(key="budget_prompt").set_value(2.0)
    test.number_input(key="budget_completion").set_value(8.0)
    test.number_input(key="model_max_completion_tokens").set_value(1000).run()
    assert "and up to 40,000 completion tokens: up to $0.32" in texts(test)
    assert startable(test)


@pytest.mark.slow
def test_a_model_on_this_machine_has_no_price() -> None:
    assert "budget_calls" not in {field.key for field in page("configure").number_input}


@pytest.mark.parametrize(
    ("caps", "said"),
    [
        ({"cost": 1.0}, ("$0.12", "of $1.00")),
        ({"cost": 500.0, "spent": 0.01}, ("$0.0012", "of $500.00")),
        ({"calls": 2_000}, ("300", "of 2,000 calls")),
        ({"tokens": 200_000}, ("120,000", "of 200,000 tokens")),
        ({}, ("120,000", "tokens, 300 calls")),
    ],
)
def test_cost_is_said_of_its_cap(caps: dict[str, Any], said: tuple[str, str]) -> None:
    tokens = round(60_000 * caps.pop("spent", 1.0))
    status = RunStatus(RunState.RUNNING, attempts=300, prompt_tokens=tokens, completion_tokens=tokens)
    config = RunConfig(
        dataset=DatasetRef(name="rows.jsonl", fingerprint="0" * 16, rows=75),
        grader=EXACT,
        model=endpoint_config("http://127.0.0.1:1/v1"),
    )
    prices = Prices(prompt=1.0, completion=1.0)
    assert cost_of_cap(config, status, Budget(prices=prices, **caps)) == said

"""What a run may cost, on the pages: told beforehand, kept to, and gone beyond when the user says so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dryrun.app.shared import jobs
from dryrun.core.records import RunState
from dryrun.store.partition import Store
from dryrun.store.runs import Run, list_runs
from tests.helpers.fake_endpoint import FakeEndpoint
from tests.helpers.pages import group, page, startable, texts, with_dataset, write_grader
from tests.helpers.support import EXACT, sum_rows, wait_until


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


def test_a_model_on_this_machine_has_no_price() -> None:
    assert "budget_calls" not in {field.key for field in page("configure").number_input}

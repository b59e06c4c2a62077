"""What a run does when its last response is there: it tries its own grader, unless that costs calls."""

from __future__ import annotations

import pytest

from dryrun.core.config import JudgeConfig, SamplingConfig
from dryrun.core.records import RunState
from dryrun.dataset import dataset_from_items
from dryrun.engine.budget import Budget
from dryrun.engine.prepare import prepare, start
from dryrun.engine.work import TRYING
from dryrun.probes.check_run import kept_check
from dryrun.report.build import report_of
from dryrun.store.partition import Store
from dryrun.store.results import load_results
from tests.helpers.fake_endpoint import FakeEndpoint
from tests.helpers.grading import SCORE, python
from tests.helpers.support import endpoint_config, make_run, sum_rows, work

FIRST_NUMBER = (
    "import re\n\n\n"
    "def grade(sample, item):\n"
    "    numbers = re.findall(r'-?[0-9]+', sample['output_text'])\n"
    "    return float(numbers[:1] == [item['reference_answer']])\n"
)
"""Pays "15.9" for 15: no response of the run says so, nor does any of the anchors."""


@pytest.mark.slow
def test_a_fault_that_no_response_shows_is_a_condition_of_the_go(
    store: Store, endpoint: FakeEndpoint
) -> None:
    run = make_run(store, endpoint.base_url, rows=40, rollouts=1, grader=python(FIRST_NUMBER))
    messages = list[str]()
    work(run, check=True, notify=lambda status: messages.append(status.message))
    assert messages[-2:] == [TRYING, "Finished."], "it takes a while, and says so"
    report = report_of(load_results(run))
    assert report.verdict == "GO"
    assert report.grader_check is not None
    assert report.grader_check.profile == "too lenient"
    assert [condition.code for condition in report.diagnosis.conditions] == ["grader_check"]
    assert not any("check the grader" in line for line in report.not_measured)


def test_a_run_that_did_not_end_is_not_checked(store: Store, endpoint: FakeEndpoint) -> None:
    run = make_run(store, endpoint.base_url, rows=40, rollouts=1, grader=python(FIRST_NUMBER))
    assert work(run, check=True, budget=Budget(calls=20)).state is RunState.STOPPED
    assert kept_check(run) is None
    assert any("check the grader" in line for line in report_of(load_results(run)).not_measured)


@pytest.mark.slow
def test_no_judge_is_asked_for_a_check(store: Store, endpoint: FakeEndpoint) -> None:
    with FakeEndpoint(answer=lambda body: '{"steps": [], "result": 3.5}') as asked:
        judge = JudgeConfig(base_url=asked.base_url)
        sampling = SamplingConfig(size=20, rollouts=1)
        model = endpoint_config(endpoint.base_url)
        rows = dataset_from_items(sum_rows(20))
        run = start(store, prepare(rows, SCORE, model=model, sampling=sampling, judge=judge))
        assert work(run, check=True, judge_key="sk-judge").state is RunState.FINISHED
        assert asked.calls == 20
    assert kept_check(run) is None

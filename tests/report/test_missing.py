"""Why responses have no score: said with counts, alike messages together, in this run's own words."""

from __future__ import annotations

import pytest

from dryrun.report import report_of
from dryrun.report.build import missing_reasons
from dryrun.report.fields import Reason
from dryrun.store.partition import Store
from dryrun.store.results import load_results
from dryrun.store.runs import Run
from tests.helpers.fake_endpoint import FakeEndpoint, Reply, prompt_text
from tests.helpers.grading import python
from tests.helpers.pages import page, texts
from tests.helpers.support import EXACT, make_run, work

HOSTILE = "![x](http://h/leak.png) <b>$x$</b>"


def ended(store: Store, refused: int, grader: dict[str, str] | None = None) -> Run:
    """A run whose first calls, by their number, are answered 400."""
    asked = iter(range(10_000))

    def answer(body: dict[str, object]) -> Reply | str:
        number = next(asked)
        if number < refused:
            return Reply.error(400, f"{HOSTILE} request {number}4711 of abcdef012345{number:04}")
        return prompt_text(body)

    with FakeEndpoint(answer=answer) as endpoint:
        run = make_run(store, endpoint.base_url, rows=20, rollouts=1, grader=grader or EXACT)
        work(run, preflight=False)
    return run


@pytest.mark.slow
def test_failed_calls_are_told_together_though_their_numbers_differ(store: Store) -> None:
    run = ended(store, 7)
    [reason] = missing_reasons(load_results(run))
    assert reason.count == 7
    assert HOSTILE in reason.words
    shown = texts(page("results", run=run.id)).replace("\u2060", "")
    assert f"7 × {reason.words}" in shown
    assert "View Responses Without a Score" in [b.label for b in page("results", run=run.id).button]


@pytest.mark.slow
def test_the_runs_own_page_says_why_calls_failed_and_does_not_call_it_a_success(store: Store) -> None:
    run = ended(store, 1)
    test = page("run", run=run.id)
    assert "Finished, but 1 call failed." in texts(test)
    assert test.main.warning
    assert not test.main.success
    assert "1 × The endpoint answered 400" in texts(test)


@pytest.mark.slow
def test_rewards_off_the_scale_are_a_reason_and_a_whole_run_has_none(store: Store) -> None:
    two = python("def grade(sample, item):\n    return 2e6 if item['topic'] == 'even' else 1.0\n")
    assert missing_reasons(load_results(ended(store, 0, two))) == (
        Reason(count=10, words="The reward 2e+06 is off the scale 0 to 1."),
    )
    assert missing_reasons(load_results(ended(store, 0))) == ()


def test_a_content_filter_is_named_where_it_withheld_most(store: Store) -> None:
    withheld = Reply("", finish_reason="content_filter")
    with FakeEndpoint(answer=lambda body: withheld) as endpoint:
        run = make_run(store, endpoint.base_url, rows=40, rollouts=1)
        work(run, preflight=False)
    report = report_of(load_results(run))
    assert report.verdict == "INVALID"
    assert "A content filter of the endpoint withheld 40 of them." in report.diagnosis.summary
    [step] = report.diagnosis.recommendations
    assert "content filter" in step

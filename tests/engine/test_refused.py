"""Requests that the endpoint rejects: said, and not offered for another try."""

from __future__ import annotations

from http import HTTPStatus

import pytest

from dryrun.core.records import RunState
from dryrun.store.partition import Store
from dryrun.store.runs import RunStatus
from tests.helpers.fake_endpoint import FakeEndpoint, Reply, deterministic_answer, prompt_text
from tests.helpers.support import make_run, work

TOO_LARGE = Reply.error(413, "Request too large for model")


@pytest.mark.slow
def test_rejected_requests_among_others_are_not_offered_for_another_try(
    store: Store, endpoint: FakeEndpoint
) -> None:
    endpoint.answer = lambda body: TOO_LARGE if "7 +" in prompt_text(body) else deterministic_answer(body)
    status = work(make_run(store, endpoint.base_url))
    assert (status.state, status.refused) == (RunState.FINISHED, status.failed)
    assert status.failed > 0
    assert "would refuse them again" in status.message
    assert "Resume" not in status.message
    assert not status.worth_resuming


def test_a_run_of_nothing_but_rejected_requests_stops_without_that_offer(
    store: Store, endpoint: FakeEndpoint
) -> None:
    endpoint.answer = lambda _: TOO_LARGE
    status = work(make_run(store, endpoint.base_url))
    assert status.state is RunState.STOPPED
    phrase = HTTPStatus(413).phrase  # Python 3.13 has other words for it than 3.11
    assert f"413 {phrase}: Request too large for model" in status.message
    assert "change the rows or the model's settings" in status.message
    assert "resume" not in status.message
    assert not status.worth_resuming


def test_other_failures_are_worth_another_try() -> None:
    assert RunStatus(RunState.FINISHED, failed=3, refused=2).worth_resuming
    assert RunStatus(RunState.STOPPED).worth_resuming
    assert RunStatus(RunState.STOPPED, failed=3, refused=3, sampled=9).worth_resuming
    assert not RunStatus(RunState.FINISHED).worth_resuming

"""Where strangers share a server, nobody is handed what another person's key has paid for."""

from __future__ import annotations

import pytest

from dryrun.core.config import JudgeConfig
from dryrun.core.fingerprint import account_of, grader_fingerprint
from dryrun.core.records import RunState
from dryrun.store.partition import Store
from tests.helpers.fake_endpoint import FakeEndpoint
from tests.helpers.support import make_run, work


def test_a_key_stands_for_an_account_on_a_hosted_server_only(monkeypatch: pytest.MonkeyPatch) -> None:
    assert account_of("sk-one") is None
    monkeypatch.setenv("DRYRUN_HOSTED", "1")
    first = account_of("sk-one")
    assert first is not None
    assert first == account_of("sk-one") != account_of("sk-other")
    assert "sk-one" not in first
    assert account_of("") is None


@pytest.mark.slow
def test_responses_of_one_account_are_not_handed_to_another(store: Store, endpoint: FakeEndpoint) -> None:
    for account, calls in (("a", 20), ("a", 20), ("b", 40), (None, 60)):
        status = work(make_run(store, endpoint.base_url, rows=10, account=account))
        assert (status.state, status.graded) == (RunState.FINISHED, 20)
        assert endpoint.calls == calls


def test_grades_by_a_judge_are_not_handed_to_another_account(store: Store, endpoint: FakeEndpoint) -> None:
    config = make_run(store, endpoint.base_url).config()
    named = {
        grader_fingerprint(config.model_copy(update={"judge": JudgeConfig(account=account)}))
        for account in (None, "a", "b")
    }
    assert len(named) == 3

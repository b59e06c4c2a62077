"""The design document's function, from plain Python and from inside a running event loop."""

from __future__ import annotations

import asyncio

import pytest

from dryrun import DryRunError, run_dry_run
from tests.fake_endpoint import FakeEndpoint
from tests.support import EXACT, sum_rows


def ask(endpoint: FakeEndpoint, **options: object) -> dict[str, object]:
    return run_dry_run(
        sum_rows(40),
        EXACT,
        base_model="fake",
        sample_size=35,
        rollouts=2,
        base_url=endpoint.base_url,
        **options,
    )


def test_it_returns_the_documents_dictionary(endpoint: FakeEndpoint) -> None:
    found = ask(endpoint, api_key="k")
    assert set(found) >= {"samples", "statistics", "diagnosis"}
    assert len(found["samples"]) == 70
    first = found["samples"][0]
    assert set(first) >= {"prompt", "response", "score"}
    assert first["score"] == float(first["response"] == first["prompt"]["reference_answer"])
    assert found["diagnosis"]["verdict"] in ("GO", "NO-GO")
    scores = [sample["score"] for sample in found["samples"]]
    assert found["statistics"]["mean"] == pytest.approx(sum(scores) / len(scores))


def test_it_works_where_a_loop_is_running(endpoint: FakeEndpoint) -> None:
    async def notebook_cell() -> dict[str, object]:
        return ask(endpoint, api_key="k")

    assert len(asyncio.run(notebook_cell())["samples"]) == 70


def test_a_second_call_uses_what_the_first_paid_for(endpoint: FakeEndpoint) -> None:
    assert ask(endpoint, api_key="k")["samples"] == ask(endpoint, api_key="k")["samples"]
    assert endpoint.calls == 70


def test_a_wrong_key_is_an_exception_with_one_sentence() -> None:
    with FakeEndpoint(api_key="right") as endpoint, pytest.raises(DryRunError, match="401"):
        ask(endpoint, api_key="wrong")


def test_prompts_without_messages_are_named() -> None:
    with pytest.raises(DryRunError, match="messages"):
        run_dry_run([{"question": "1 + 1"}], EXACT)

"""The design document's function, from plain Python and from inside a running event loop."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from dryrun import DryRunError, JudgeConfig, run_dry_run
from tests.helpers.fake_endpoint import FakeEndpoint, prompt_text
from tests.helpers.support import EXACT, sum_rows


def ask(endpoint: FakeEndpoint, **options: Any) -> dict[str, Any]:
    return run_dry_run(
        sum_rows(40),
        EXACT,
        base_model="fake",
        sample_size=35,
        rollouts=2,
        base_url=endpoint.base_url,
        **options,
    )


@pytest.mark.slow
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


@pytest.mark.slow
def test_it_works_where_a_loop_is_running(endpoint: FakeEndpoint) -> None:
    async def notebook_cell() -> dict[str, Any]:
        return ask(endpoint, api_key="k")

    assert len(asyncio.run(notebook_cell())["samples"]) == 70


@pytest.mark.slow
def test_a_second_call_uses_what_the_first_paid_for(endpoint: FakeEndpoint) -> None:
    assert ask(endpoint, api_key="k")["samples"] == ask(endpoint, api_key="k")["samples"]
    assert endpoint.calls == 70


def test_a_wrong_key_is_an_exception_with_one_sentence() -> None:
    with FakeEndpoint(api_key="right") as endpoint, pytest.raises(DryRunError, match="401"):
        ask(endpoint, api_key="wrong")


def test_prompts_without_messages_are_named() -> None:
    with pytest.raises(DryRunError, match="messages"):
        run_dry_run([{"question": "1 + 1"}], EXACT)


@pytest.mark.slow
def test_the_report_holds_the_evidence_unless_it_is_not_wanted(endpoint: FakeEndpoint) -> None:
    assert ask(endpoint, api_key="k")["report"]["rules"] == "evidence"
    assert ask(endpoint, api_key="k", evidence=False)["report"]["rules"] == "document"


@pytest.mark.slow
def test_progress_is_shown_where_it_is_asked_for(
    endpoint: FakeEndpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    ask(endpoint, api_key="k")
    assert capsys.readouterr().err == ""
    ask(endpoint, api_key="k", seed=1, progress=True)
    assert "Finished." in capsys.readouterr().err


@pytest.mark.slow
def test_a_judge_is_asked_where_it_is_said(endpoint: FakeEndpoint) -> None:
    endpoint.answer = lambda body: '{"steps": [], "result": 0.5}' if "Rate" in prompt_text(body) else "5"
    rated = {
        "type": "score_model",
        "name": "rating",
        "model": "judge",
        "input": [{"role": "user", "content": "Rate {{sample.output_text}}"}],
    }
    found = run_dry_run(
        sum_rows(30),
        rated,
        base_model="fake",
        rollouts=1,
        base_url=endpoint.base_url,
        api_key="k",
        judge=JudgeConfig(base_url=endpoint.base_url),
        judge_key="j",
    )
    assert {sample["score"] for sample in found["samples"]} == {0.5}


@pytest.mark.slow
def test_a_python_file_is_a_grader(endpoint: FakeEndpoint, tmp_path: Path) -> None:
    file = tmp_path / "reward.py"
    file.write_text(
        "def right(completions, reference_answer, **kwargs):\n"
        "    return [float(c[0]['content'] == a) for c, a in zip(completions, reference_answer)]\n"
    )
    for given in (file, str(file), file.read_text()):
        found = run_dry_run(sum_rows(30), given, "fake", 30, rollouts=1, base_url=endpoint.base_url)
        assert [one["score"] for one in found["samples"]] == [
            float(one["response"] == one["prompt"]["reference_answer"]) for one in found["samples"]
        ]


@pytest.mark.slow
def test_the_fields_of_rows_can_be_named(endpoint: FakeEndpoint) -> None:
    asked: list[list[Any]] = []

    def answer(body: dict[str, Any]) -> str:
        asked.append(body["messages"])
        return "2"

    endpoint.answer = answer
    rows = [{"x": {"ask": f"1 + {number}"}, "gold": "2", "area": f"t{number % 2}"} for number in range(4)]
    found = run_dry_run(
        rows,
        EXACT,
        base_model="fake",
        base_url=endpoint.base_url,
        rollouts=1,
        prompt_field="x.ask",
        reference_field="gold",
        topic_field="area",
        system="Be short.",
    )
    assert {messages[0]["content"] for messages in asked} == {"Be short."}
    assert {messages[1]["content"] for messages in asked} == {f"1 + {number}" for number in range(4)}
    assert [sample["score"] for sample in found["samples"]] == [1.0] * 4

"""Responses that have no score whatever the grader says: filtered ones, and those to half a prompt."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dryrun.analysis.figures.coverage import cut_prompts, text_bytes
from dryrun.cli.main import main
from dryrun.report.build import report_of
from dryrun.report.html import render_html
from dryrun.report.markdown import render_markdown
from dryrun.store.partition import Store
from dryrun.store.results import Results, load_results
from tests.helpers.fake_endpoint import Body, FakeEndpoint, Reply, deterministic_answer, prompt_text
from tests.helpers.support import EXACT, make_run, sum_rows, work

AZURE = Reply.error(400, "The response was filtered by the content management policy", "content_filter")
WRAPPED = Reply(
    status=500,
    raw={"error": {"message": "litellm.ContentPolicyViolationError: AzureException", "code": "500"}},
)
ENDED = Reply(text="", finish_reason="SAFETY")
BLOCKED = Reply(raw={"choices": [], "promptFeedback": {"blockReason": "SAFETY"}})
CONTEXT = 300


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("reply", [AZURE, WRAPPED, ENDED, BLOCKED])
def test_what_a_filter_withholds_has_no_score_and_is_counted_apart(
    store: Store, endpoint: FakeEndpoint, reply: Reply
) -> None:
    endpoint.answer = lambda body: reply if "7 +" in prompt_text(body) else deterministic_answer(body)
    run = make_run(store, endpoint.base_url)
    work(run)
    results = load_results(run)
    withheld = int(results.withheld().sum())
    assert withheld > 0
    report = report_of(results)
    assert (report.outcomes["filtered"], report.missing) == (withheld, withheld)
    assert report.responses_evaluated == report.responses - withheld
    assert report.missing_reasons[0].count == withheld
    assert "content filter" in report.missing_reasons[0].words


@pytest.mark.slow
def test_no_grader_is_asked_about_what_a_filter_cut_short(store: Store, endpoint: FakeEndpoint) -> None:
    def answer(body: Body) -> Reply | str:
        whole = deterministic_answer(body)
        return Reply(text=whole, finish_reason="content_filter") if "7 +" in prompt_text(body) else whole

    endpoint.answer = answer
    run = make_run(store, endpoint.base_url)
    first, again = work(run), work(run)
    results = load_results(run)
    withheld = results.withheld()
    assert withheld.any()
    assert results.rollouts["reward"].is_valid().to_numpy().tolist() == (~withheld).tolist()
    for status in (first, again):  # nothing is left to do, and Resume is not offered
        assert (status.sampled, status.graded, status.ungraded) == (80, 80, 0)
        assert status.message.startswith("Finished.")
    assert report_of(results).grader_errors == 0


def filler(row: int) -> str:
    """A prompt of a length of its own, from 200 words on."""
    return " ".join(["alpha"] * (200 + 20 * row))


def long_rows(count: int) -> list[dict[str, Any]]:
    """Sums behind texts of different lengths."""
    return [
        {
            **row,
            "messages": [{"role": "user", "content": f"{filler(number)} {row['messages'][-1]['content']}"}],
        }
        for number, row in enumerate(sum_rows(count))
    ]


def counted(limit: int) -> Any:
    """Answers that count a token a word, up to a limit."""

    def answer(body: Body) -> Reply:
        words = min(len(prompt_text(body).split()), limit)
        choice = {"message": {"content": deterministic_answer(body)}, "finish_reason": "stop"}
        usage = {"prompt_tokens": words, "completion_tokens": 1, "total_tokens": words + 1}
        return Reply(raw={"choices": [choice], "usage": usage})

    return answer


def results_of(store: Store, endpoint: FakeEndpoint, limit: int) -> Results:
    endpoint.answer = counted(limit)
    run = make_run(store, endpoint.base_url, rows=long_rows(40))
    work(run)
    return load_results(run)


@pytest.mark.slow
def test_prompts_that_the_server_cut_make_a_run_invalid(store: Store, endpoint: FakeEndpoint) -> None:
    results = results_of(store, endpoint, CONTEXT)
    report = report_of(results)
    assert results.cut().sum() > 0.5 * results.rollouts.num_rows
    assert report.verdict == "INVALID"
    assert f"cut the prompt to about {CONTEXT} tokens" in report.missing_reasons[0].words


@pytest.mark.slow
def test_prompts_that_were_read_whole_are_left_alone(store: Store, endpoint: FakeEndpoint) -> None:
    assert not results_of(store, endpoint, 1_000_000).cut().any()


def test_prompts_of_one_length_are_no_sign_of_a_cut() -> None:
    assert not cut_prompts([2048] * 5, [30_000] * 5).any()
    assert cut_prompts([2048] * 5, [30_000, 34_000, 38_000, 42_000, 46_000]).all()
    assert cut_prompts([2048] * 5, [34_307, 34_308, 34_309, 34_813, 34_821]).all()
    assert not cut_prompts([2048] * 5, [9_000, 9_100, 9_200, 9_300, 9_400]).any()


def test_pictures_are_not_text() -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 90_000}}
    assert text_bytes([{"content": [{"type": "text", "text": "é"}, picture]}, {"content": None}]) == 2


@pytest.mark.slow
def test_every_form_of_the_report_says_why_scores_are_missing(
    endpoint: FakeEndpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str], store: Store
) -> None:
    large = Reply.error(413, "Request too large for <model>")
    endpoint.answer = lambda body: large if "7 +" in prompt_text(body) else deterministic_answer(body)
    rows, grader = tmp_path / "rows.jsonl", tmp_path / "exact.json"
    rows.write_text("".join(json.dumps(row) + "\n" for row in sum_rows(40)))
    grader.write_text(json.dumps(EXACT))
    model = ["--model", "fake", "--base-url", endpoint.base_url, "--rollouts", "1"]
    main(["run", "--dataset", str(rows), "--grader", str(grader), *model])
    printed = " ".join(capsys.readouterr().out.split())
    assert "Why scores are missing" in printed
    assert "Request too large for <model>" in printed
    run = make_run(store, endpoint.base_url)
    work(run)
    report = report_of(load_results(run))
    assert report.missing_reasons[0].count == report.missing > 0
    assert "too large" in render_markdown(report)
    html = render_html(report)
    assert "Request too large for" in html
    assert "<model>" not in html
    assert "Request too large" in report.model_dump_json()

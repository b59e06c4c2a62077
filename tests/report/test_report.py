from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from io import StringIO
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from rich.console import Console

from dryrun.cli.terminal import print_report
from dryrun.core.errors import DryRunError
from dryrun.core.text import code_span
from dryrun.report import Report, RunEntry, build_report, load_report, render_html, render_markdown, report_of
from dryrun.report.build import ending, last_user_text
from dryrun.store.partition import Store
from dryrun.store.results import load_results
from tests.helpers.fake_endpoint import FakeEndpoint, Reply, prompt_text
from tests.helpers.observed import beta_scores, observe, shuffled
from tests.helpers.support import make_run, sum_rows, work
from tests.report.test_whole_reports import lenient

NOON = datetime(2026, 1, 22, 13, 0, 0, 123456, tzinfo=timezone(timedelta(hours=1)))
FACTS = RunEntry(
    id="abc",
    dataset="sums.jsonl",
    model="a-model",
    prompts_asked=300,
    rollouts=1,
    config={
        "model": {"name": "a-model", "base_url": "https://me:secret@host:8000/v1?key=secret"},
        "judge": {"base_url": "https://me:secret@judge/v1"},
    },
)
reported = partial(build_report, run=FACTS, timestamp=NOON)
HOSTILE = [
    "a|b",
    "`code`",
    "``",
    "<script>alert(1)</script>",
    "![x](https://evil.test/x.png)",
    "[click](javascript:alert(1))",
    "https://evil.test/",
    "# heading\n\n- list\r\n<img src=x onerror=alert(1)>",
    ":red[x] $\\int$ **bold** _it_ ~~s~~",
    "\\`",
    " spaced ",
    "\u202egnp.exe",
    "|||\\|",
]


def good_report(**changes: Any) -> Report:
    scores = beta_scores(0.42, 0.21)
    return reported(observe(scores, topics=["x", "y", "z"] * 100))


MARKDOWN = MarkdownIt("commonmark").enable("table")


def rendered(markdown: str) -> str:
    return str(MARKDOWN.render(markdown))


def test_the_documents_fields_under_the_documents_names() -> None:
    report = json.loads(good_report().to_json())
    assert list(report)[:6] == [
        "timestamp",
        "samples_evaluated",
        "statistics",
        "distribution",
        "by_topic",
        "diagnosis",
    ]
    assert report["timestamp"] == "2026-01-22T12:00:00Z"
    assert report["samples_evaluated"] == 300
    assert {"mean", "std", "min", "max", "median", "percentiles"} <= set(report["statistics"])
    assert list(report["statistics"]["percentiles"]) == ["p10", "p25", "p75", "p90"]
    assert list(report["distribution"]) == ["0.0-0.2", "0.2-0.4", "0.4-0.6", "0.6-0.8", "0.8-1.0"]
    assert {"mean", "std", "count", "status"} <= set(report["by_topic"]["x"])
    diagnosis = report["diagnosis"]
    assert (diagnosis["dataset_quality"], diagnosis["grader_quality"]) == ("good", "good")
    assert (diagnosis["verdict"], diagnosis["warnings"], diagnosis["recommendations"]) == ("GO", [], [])


def test_figures_are_those_of_the_scores() -> None:
    scores = beta_scores(0.42, 0.21)
    report = good_report()
    assert report.statistics.mean == pytest.approx(scores.mean(), abs=1e-14)
    assert report.statistics.std == pytest.approx(scores.std(ddof=1), abs=1e-14)
    assert report.statistics.percentiles.p90 == np.percentile(scores, 90)
    assert report.distribution is not None
    assert sum(report.distribution.values()) == pytest.approx(1.0)
    assert sum(report.distribution_counts.values()) == 300


def test_prompts_and_responses_are_counted_apart() -> None:
    observations = observe([0.2, 0.8, np.nan, np.nan] * 50, rollouts=4)
    report = build_report(observations)
    assert (report.samples_evaluated, report.responses_evaluated, report.responses) == (50, 100, 200)
    assert (report.missing, report.missing_share) == (100, 0.5)
    assert report.outcomes["answered"] == 200


@pytest.mark.parametrize("scores", [[], [0.5], [np.nan] * 40, [85.0] * 40, [0.5] * 40, [np.inf, -np.inf]])
def test_json_never_holds_nan(scores: list[float]) -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    text = reported(observe(scores, topics="a")).to_json()
    assert json.loads(text, parse_constant=refuse)["diagnosis"]["verdict"] != "GO"


def test_nothing_scored_is_null_in_json_and_a_dash_in_markdown() -> None:
    report = reported(observe([]))
    document = json.loads(report.to_json())
    assert document["statistics"]["mean"] is None
    assert document["statistics"]["percentiles"]["p10"] is None
    assert document["distribution"] is None
    assert "| Mean | – |" in render_markdown(report)


@pytest.mark.parametrize("scores", [[], [0.5] * 40, list(beta_scores(0.08, 0.12)), [0.0, 1.0] * 60])
def test_a_report_is_read_back_as_it_was_written(scores: list[float]) -> None:
    report = reported(observe(scores, topics="a"))
    again = load_report(report.to_json())
    assert again == report
    assert again.to_json() == report.to_json()


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"timestamp": "2026', b"\xff\xfe"])
def test_what_is_no_report_is_refused_in_one_sentence(content: str | bytes) -> None:
    with pytest.raises(DryRunError, match="not a report that Dry Run wrote"):
        load_report(content)


def test_the_order_of_the_rows_changes_no_byte() -> None:
    rng = np.random.default_rng(0)
    observations = observe(rng.random(400), rollouts=4, topics=[f"t{i % 7}" for i in range(400)])
    texts = {reported(shuffled(observations, seed)).to_json() for seed in range(4)}
    assert texts == {reported(observations).to_json()}


def test_credentials_in_the_base_url_stay_out() -> None:
    report = good_report()
    assert "secret" not in report.to_json()
    assert "secret" not in render_markdown(report)
    assert report.run.config is not None
    assert report.run.config["model"]["base_url"] == "https://host:8000/v1"


def test_now_is_the_default_time() -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    assert before <= build_report(observe([])).timestamp <= datetime.now(UTC)


def test_causes_in_one_line_each() -> None:
    report = reported(observe(beta_scores(0.08, 0.12)))
    assert report.cause_lines == (
        "Dataset: Prompts too difficult → Base model can't perform these tasks",
        "Grader: Scoring too strict → Valid outputs marked as failures",
    )


def test_markdown_says_what_the_screen_says() -> None:
    observed = observe(beta_scores(0.08, 0.12))
    text = render_markdown(reported(observed, evidence=False))
    assert text.startswith("# Dry run: NO-GO\n\n**NO-GO - Mean 0.08 is below 0.10.**\n")
    evident = render_markdown(reported(observed))
    assert (
        "NO-GO - mean 0.08 (0.07-0.09), below 0.10 in 1,995 of 2,000 bootstrap samples of your prompts."
        in evident
    )
    for words in (
        "Prompts too difficult",
        "Scoring too strict",
        "- Review sample outputs to determine cause",
        "- If dataset issue: Use SFT fine-tuning",
        "- If grader issue: Adjust grader config",
        "Tested: 300 prompts",
        "`a-model`",
        "## Not measured",
        "## Not measured",
    ):
        assert words in text
    assert "\x1b" not in text


def test_an_unfinished_run_says_so() -> None:
    text = render_markdown(build_report(observe([0.5] * 40), run=RunEntry(pending=7)))
    assert "7 responses still to come" in text


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_text_and_nothing_else(name: str) -> None:
    scores = np.r_[beta_scores(0.5, 0.2, 200), beta_scores(0.1, 0.08, 100)]
    observations = observe(scores, topics=["plain"] * 200 + [name] * 100)
    facts = RunEntry(id="abc", model=name, dataset=name)
    harmless = build_report(
        observe(scores, topics=["plain"] * 200 + ["odd"] * 100),
        run=RunEntry(id="abc", dataset="odd", model="odd"),
    )
    html = rendered(render_markdown(build_report(observations, run=facts)))
    plain = rendered(render_markdown(harmless))
    for tag in ("<a", "<img", "<script", "<em", "<h1", "<h2", "<li", "<td", "<tr", "<code", "<strong"):
        assert html.count(tag) == plain.count(tag), tag


@given(st.text(max_size=30))
def test_a_code_span_holds_any_text(text: str) -> None:
    html = MARKDOWN.renderInline(f"before {code_span(text)} after")
    assert html.startswith("before ")
    assert html.endswith(" after")
    if text.strip() and code_span(text) != "(blank)":
        assert html.count("<code>") == 1
        assert html.startswith("before <code>")
        assert html.endswith("</code> after")


def test_topics_of_few_prompts_are_nowhere_called_a_problem() -> None:
    """40 topics of two prompts, each right twice or wrong twice: by the tree alone half are problems."""
    scores = np.random.default_rng(2).integers(0, 2, (80, 1)).repeat(2, axis=1).astype(float)
    seen = observe(scores.ravel(), rollouts=2, topics=[f"t{place // 4}" for place in range(160)])
    report, alone = reported(seen), reported(seen, evidence=False)
    assert {(topic.status, topic.evidence) for topic in report.by_topic.values()} == {(None, "too few")}
    assert "problem" in {topic.status for topic in alone.by_topic.values()}
    assert "problem" not in render_markdown(report)
    console = Console(file=StringIO(), width=120)
    print_report(console, report)
    assert isinstance(console.file, StringIO)
    printed = console.file.getvalue()
    assert "By topic, the worst 30 of 40" in printed
    assert printed.count("too few") == 30


def test_a_topic_that_utf8_cannot_say_is_still_reported() -> None:
    report = reported(observe(beta_scores(0.05, 0.05), topics="bad \ud800 half"))
    assert list(load_report(report.to_json()).by_topic) == ["bad ? half"]
    render_markdown(report).encode()


@pytest.mark.parametrize(
    ("count", "more"), [(3, ""), (4, "1 more topic is a problem"), (9, "6 more topics are problems")]
)
def test_of_many_problem_topics_people_read_three_sentences_and_machines_all(count: int, more: str) -> None:
    scores = np.concatenate([beta_scores(0.5, 0.2), *[beta_scores(0.12, 0.08, 40)] * count])
    topics = ["rest"] * 300 + [f"hard {number}" for number in range(count) for _ in range(40)]
    report = reported(observe(scores, topics=topics))
    assert sum("is a problem" in warning for warning in report.diagnosis.warnings) == count
    text = render_markdown(report)
    assert text.count("is a problem: ") == min(count, 3) + (count == 4)
    assert ("more topic" in text) == bool(more)
    assert more in text


def test_a_report_stored_before_re_drawn_prompts_were_counted_still_opens() -> None:
    stored = json.loads(good_report().to_json())
    del stored["evidence"]["stability"]["prompts"]
    again = load_report(json.dumps(stored))
    assert again.evidence is not None
    assert again.evidence.stability is not None
    assert (again.evidence.stability.prompts, again.verdict) == (0, "GO")


@pytest.mark.slow
def test_a_runs_report_shows_the_highest_and_lowest_responses_as_text(
    store: Store, endpoint: FakeEndpoint
) -> None:
    rows = [
        {**row, "messages": [{"role": "user", "content": f"{HOSTILE[3]} {row['messages'][-1]['content']}"}]}
        for row in sum_rows(40)
    ]
    run = make_run(store, endpoint.base_url, rows=rows)
    work(run)
    report = report_of(load_results(run))
    assert [one.score for one in report.highest] == [1.0] * 5
    assert [one.score for one in report.lowest] == [0.0] * 5
    assert all(one.prompt.startswith(HOSTILE[3]) for one in report.highest)
    assert all(one.response.isdigit() for one in report.lowest)
    assert load_report(report.to_json()) == report
    assert "<script>" not in rendered(render_markdown(report))
    assert "<script>" not in render_html(report)
    assert "Are they actually bad?" in render_html(report)


@pytest.mark.parametrize("text", [*HOSTILE, "<answer>", "\\<script>alert(1)</script>", "`a`` `<script>`"])
def test_what_a_check_quotes_is_text(text: str) -> None:
    """A finding names a tag of the prompts or a label of the dataset; the verdict's line may hold it too."""
    finding = lenient().findings[0].model_copy(update={"sentence": f"Always {text} earns 1."})
    check = lenient().model_copy(update={"findings": (finding,)})
    report = good_report().model_copy(update={"grader_check": check})
    diagnosis = report.diagnosis.model_copy(update={"summary": f"GO, with conditions: {finding.sentence}"})
    page = rendered(render_markdown(report.model_copy(update={"diagnosis": diagnosis})))
    assert not re.search(r"<(script|img|a|answer|h2)\b", page.partition("</h1>")[2].partition("<h2>")[0])
    section = page.partition("<h2>Grader check</h2>")[2].partition("<h2>")[0]
    assert not re.search(r"<(script|img|a|answer)\b", section)
    assert section.count("<li>") == 2


def test_what_is_shown_of_a_response_is_its_end() -> None:
    assert ending("so it is 12", 20) == "so it is 12"
    assert ending("x" * 50 + "12", 4) == "…xx12"
    assert last_user_text([{"role": "user", "content": [{"type": "text", "text": "2+2?"}]}]) == "2+2?"
    assert last_user_text([{"role": "assistant", "content": "hello"}]) == ""


@pytest.mark.slow
def test_a_run_that_a_router_answered_names_the_models_in_its_report(store: Store) -> None:
    def answer(body: dict[str, Any]) -> Reply:
        number = int(prompt_text(body).split()[0])
        choices = [{"message": {"content": str(2 * number + number % 3)}, "finish_reason": "stop"}]
        return Reply(raw={"model": "other|mini" if number % 2 else "fake", "choices": choices})

    with FakeEndpoint(answer=answer) as endpoint:
        run = make_run(store, endpoint.base_url)
        work(run)
    assert "or none named (40)" in render_markdown(report_of(load_results(run)))
    assert load_results(run).sealed().observations().answered_by == ()


@pytest.mark.slow
def test_another_model_that_answers_after_a_resume_is_named(store: Store) -> None:
    def answer(body: dict[str, Any]) -> Reply:
        choices = [{"message": {"content": prompt_text(body)}, "finish_reason": "stop"}]
        return Reply(raw={"model": named[-1], "choices": choices})

    named = ["first-model"]
    with FakeEndpoint(answer=answer) as endpoint:
        for rows in (30, 60):
            run = make_run(store, endpoint.base_url, rows=rows, rollouts=1)
            work(run)
            named.append("other-model")
    assert dict(load_results(run).observations().answered_by) == {"first-model": 30, "other-model": 30}

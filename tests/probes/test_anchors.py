"""A finished run grades right and worthless answers, keeps them, and its report says what they show."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest

from dryrun.core.probe import FAR, GOAL_ALONE, GOAL_ELSEWHERE, NO_VALUES
from dryrun.core.thresholds import Piece, Thresholds
from dryrun.dataset import dataset_from_items
from dryrun.probes import ground, quick_round
from dryrun.probes.anchors import FILE, load_anchors
from dryrun.probes.make.forms import Form, reformatted
from dryrun.probes.make.rounds import QUICK
from dryrun.report import load_report, render_markdown, report_of
from dryrun.store.partition import Store
from dryrun.store.results import load_results
from tests.helpers.fake_endpoint import FakeEndpoint
from tests.helpers.support import EXACT, FUZZY, make_run, sum_rows, work

PAYS_ANYTHING = {
    "type": "python",
    "name": "lax",
    "source": "def grade(sample, item):\n"
    "    right = sample['output_text'].strip() == item['reference_answer']\n"
    "    return 1.0 if right else 0.8 if len(sample['output_text']) > 500 else 0.3\n",
}


def test_a_sound_grader_has_its_anchors_at_both_ends(store: Store, endpoint: FakeEndpoint) -> None:
    run = make_run(store, endpoint.base_url, rows=60)
    assert load_anchors(run) is None
    work(run, check=True)
    anchors = load_anchors(run)
    assert anchors is not None
    assert anchors.reference is not None
    assert anchors.reference.tolist() == [1.0] * 50
    assert {topic: scores.tolist() for topic, scores in anchors.topic_reference.items()} == {
        topic: [1.0] * 5 for topic in {row["topic"] for row in sum_rows(60)}
    }
    assert set(anchors.junk) >= {"empty", "refusal", "long filler", "another row's answer"}
    assert all(scores.max() == 0.0 for scores in anchors.junk.values())
    assert anchors.regraded is not None
    assert np.ptp(anchors.regraded, axis=1).max() == 0.0
    assert anchors.read_prompt is not None
    assert np.bincount(anchors.read_prompt).tolist() == [2] * 60
    assert endpoint.calls == 120
    report = report_of(load_results(run), evidence=True)
    assert (report.rules, report.verdict, report.diagnosis.verdict) == ("evidence", "GO", "GO")
    assert report.evidence is not None
    assert report.evidence.anchors is not None
    assert (report.evidence.anchors.reference, report.evidence.anchors.junk) == (1.0, 0.0)
    assert report.diagnosis.grader_quality == "binary"
    assert {"references", "worthless", "regrading", "signal_index"} <= set(report.evidence.pieces)
    assert any("people's labels" in name for name in report.evidence.not_measured)
    assert "usable groups" in render_markdown(report)
    assert "how closely scores follow right answers 1.00" in render_markdown(report)
    older = json.loads(report.to_json())
    for name in ("follows", "factors"):  # a report stored before these were there
        older["evidence"]["signal_index"].pop(name)
    assert "x reliability of the grade 1.00 x range of the grader 1.00" in render_markdown(
        load_report(json.dumps(older))
    )


@pytest.mark.slow
def test_a_hole_that_the_scores_do_not_show_is_named_and_the_documents_rule_stays(
    store: Store, endpoint: FakeEndpoint
) -> None:
    run = make_run(store, endpoint.base_url, rows=60, grader=PAYS_ANYTHING)
    work(run, check=True)
    results = load_results(run)
    alone = report_of(results, evidence=False)
    assert (alone.verdict, alone.evidence, alone.rules) == ("GO", None, "document")
    report = report_of(results, evidence=True)
    assert report.headline == "GO, with conditions"  # what real responses earn follows right answers
    unread = report_of(results, Thresholds(without=(Piece.SIGNAL,)), evidence=True)
    assert unread.verdict == "NO-GO"
    assert "long filler" in unread.diagnosis.summary
    assert report.evidence is not None
    assert report.evidence.document.verdict == alone.verdict
    assert report.statistics == alone.statistics
    assert report.evidence is not None
    assert "long filler" in report.diagnosis.summary
    assert "long filler" in render_markdown(report)
    assert load_report(report.to_json()) == report


@pytest.mark.slow
def test_a_score_near_a_threshold_is_borderline(store: Store, endpoint: FakeEndpoint) -> None:
    run = make_run(store, endpoint.base_url, rows=60)
    work(run, check=True)
    results = load_results(run)
    mean = float(results.observations().score.mean())
    limits = Thresholds(mean_low=round(mean - 0.02, 3))
    report = report_of(results, limits, evidence=True)
    assert report.headline == "GO (borderline)"
    assert report.evidence is not None
    assert report.evidence.stability is not None
    assert report.evidence.stability.more_prompts
    assert "# Dry run: GO (borderline)" in render_markdown(report)
    assert report_of(results, limits, evidence=False).headline == "GO"


@pytest.mark.slow
def test_rewards_are_mapped_by_the_range_and_what_has_no_grade_is_missing(
    store: Store, endpoint: FakeEndpoint
) -> None:
    run = make_run(store, endpoint.base_url, rows=40)
    work(run, check=True)
    kept = {"reference": [5, None], "reformatted": [], "junk": {"empty": [1]}, "regraded": []}
    (run.folder / FILE).write_text(json.dumps(kept))
    config = run.config().model_copy(update={"reward_range": (1.0, 5.0)})
    (run.folder / "config.json").write_text(config.model_dump_json())
    anchors = load_anchors(run)
    assert anchors is not None
    assert anchors.reference is not None
    assert anchors.reference[0] == 1.0
    assert np.isnan(anchors.reference[1])
    assert anchors.junk["empty"].tolist() == [0.0]
    assert anchors.reformatted is None
    assert anchors.regraded is None
    (run.folder / FILE).write_text("{torn")
    assert load_anchors(run) is None


def test_without_reference_answers_worthless_ones_are_still_graded(
    store: Store, endpoint: FakeEndpoint
) -> None:
    rows = [{"messages": row["messages"], "topic": row["topic"]} for row in sum_rows(40)]
    run = make_run(store, endpoint.base_url, rows=rows, grader=EXACT | {"reference": "7"})
    work(run, check=True)
    anchors = load_anchors(run)
    assert anchors is not None
    assert anchors.reference is None
    assert "empty" in anchors.junk
    assert "another row's answer" not in anchors.junk


@pytest.mark.slow
def test_another_grader_has_anchors_of_its_own(store: Store, endpoint: FakeEndpoint) -> None:
    exact = make_run(store, endpoint.base_url)
    work(exact)
    fuzzy = make_run(store, endpoint.base_url, grader=FUZZY)
    work(fuzzy)
    first, second = load_anchors(exact), load_anchors(fuzzy)
    assert first is not None
    assert second is not None
    assert first.junk["another row's answer"].max() == 0.0
    assert second.junk["another row's answer"].max() > 0.2


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("42", " 42\n"),
        ("yes", " yes\n"),
        ('{"a": 1, "b": 2}', '{\n  "b": 2,\n  "a": 1\n}'),
        ("[1]", " [1]\n"),
    ],
)
def test_a_reformatted_answer_says_the_same(text: str, form: str) -> None:
    assert reformatted(text) == form


def test_worthless_answers_leave_out_those_that_would_be_right() -> None:
    dataset = dataset_from_items([{**row, "reference_answer": "yes"} for row in sum_rows(30)])
    prompts = [dataset.prompt(row) for row in range(30)]
    given = ground(prompts, ["yes"] * 30, rows=20)
    kinds = Counter(probe.kind for probe in quick_round(given, dict.fromkeys(range(20), Form("bare", str))))
    assert kinds.keys() == QUICK - {FAR, NO_VALUES, GOAL_ALONE, GOAL_ELSEWHERE}
    assert set(kinds.values()) == {20}


def test_of_an_object_the_shell_has_the_right_keys() -> None:
    dataset = dataset_from_items(sum_rows(2))
    given = ground([dataset.prompt(0), dataset.prompt(1)], ['{"sum": 3}', '{"sum": 5}'], rows=2)
    texts = {probe.kind: probe.text for probe in quick_round(given, {0: Form("bare", str)}) if probe.row == 0}
    assert texts["the right keys, no values"] == '{"sum": null}'
    assert "nonsense" not in texts
    assert texts["another row's answer"] == '{"sum": 5}'


def test_responses_are_read_for_the_part_of_a_reference_that_is_paid(
    store: Store, endpoint: FakeEndpoint
) -> None:
    """As SQuAD has it, a list of answers in an object: nothing was read off the responses."""
    items = [
        {"messages": row["messages"], "answers": {"text": [row["reference_answer"]], "answer_start": [0]}}
        for row in sum_rows(40)
    ]
    source = "def grade(sample, item):\n    return float(sample['output_text'] in item['answers']['text'])\n"
    run = make_run(
        store, endpoint.base_url, rows=items, grader={"type": "python", "name": "s", "source": source}
    )
    work(run)
    read = json.loads((run.folder / FILE).read_text())["read"]
    assert {(score, right) for score, right, *_ in read} == {(1.0, True), (0.0, False)}


@pytest.mark.parametrize(("bare", "known"), [(4, True), (0, False)])
def test_a_go_hangs_on_rows_without_a_reference_where_others_have_one(
    store: Store, endpoint: FakeEndpoint, bare: int, known: bool
) -> None:
    rows = [row | ({"reference_answer": ""} if n < bare else {}) for n, row in enumerate(sum_rows(60))]
    run = make_run(store, endpoint.base_url, rows=rows)
    work(run)
    report = report_of(load_results(run))
    assert report.verdict == "GO"
    assert (
        "rows_without_reference" in {condition.code for condition in report.diagnosis.conditions}
    ) is known


@pytest.mark.parametrize(("torn", "expected"), [(4, "10 % of the rows ask the very same"), (0, "")])
def test_a_go_hangs_on_rows_that_contradict_each_other(
    store: Store, endpoint: FakeEndpoint, torn: int, expected: str
) -> None:
    again = [
        row | {"reference_answer": "0" if number < torn else row["reference_answer"]}
        for number, row in enumerate(sum_rows(4))
    ]
    run = make_run(store, endpoint.base_url, rows=[*sum_rows(76), *again])
    work(run)
    report = report_of(load_results(run))
    named = {condition.code: condition.sentence for condition in report.diagnosis.conditions}
    assert report.verdict == "GO"
    assert ("contradictory_rows" in named) is (torn > 0)
    assert named.get("contradictory_rows", "").startswith(expected)

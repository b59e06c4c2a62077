"""The gate: what passes, what does not, and what a pipeline is handed."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from numpy.typing import NDArray

from dryrun import DryRunError, assert_go, run_dry_run
from dryrun.cli.main import main
from dryrun.core.errors import Problem
from dryrun.core.text import code_span
from dryrun.graders.format.findings import Finding, Severity
from dryrun.report import Report, RunEntry, build_report
from dryrun.report.gate.baseline import Baseline, Scores, change
from dryrun.report.gate.rules import NotGoError, rule
from dryrun.report.gate.sarif import grader_annotations, problem_annotations, sarif
from dryrun.report.gate.summary import junit_xml, markdown_summary
from dryrun.store.partition import Store
from dryrun.store.results import load_results
from dryrun.store.runs import Run
from tests.helpers.fake_endpoint import FakeEndpoint, deterministic_answer
from tests.helpers.observed import observe
from tests.helpers.support import EXACT, RECORDED, grader_file, sum_rows, write_jsonl

PROMPTS, K = 120, 4
Floats = NDArray[np.float64]


def drawn(mean: float, seed: int = 0, dead: float = 0.0) -> Floats:
    """Scores around `mean`, shape (PROMPTS, K); a share of `dead` prompts whose scores are all equal."""
    score = np.clip(np.random.default_rng(seed).normal(mean, 0.25, (PROMPTS, K)), 0, 1)
    score[: round(dead * PROMPTS)] = mean
    return score


def report_on(score: Floats, dataset: str = "rows.jsonl") -> Report:
    run = RunEntry(dataset=dataset, model="base", rollouts=score.shape[1])
    return build_report(observe(score.ravel(), rollouts=score.shape[1]), run=run)


def scores_of(score: Floats, first: int = 0) -> Scores:
    """By keys that begin with prompt `first`."""
    return {f"p{number + first}": values.tolist() for number, values in enumerate(score)}


def recorded() -> str:
    """The recorded example that is a GO."""
    for run in sorted((RECORDED / "runs").iterdir()):
        if load_results(Run.open(Store(RECORDED), run.name)).rollouts.num_rows == 1200:
            return run.name
    raise AssertionError("the recorded example is gone")


def test_a_go_passes_and_gives_its_report() -> None:
    report = report_on(drawn(0.5))
    assert report.verdict == "GO"
    assert assert_go(report) is report
    assert assert_go(json.loads(report.to_json())).verdict == "GO"


@pytest.mark.parametrize(
    ("score", "words"),
    [
        (np.zeros((PROMPTS, K)), "NO-GO"),
        (np.ones((PROMPTS, K)), "NO-GO"),
        (drawn(0.5)[:10], "INVALID"),
    ],
    ids=["all zeros", "all ones", "ten prompts"],
)
def test_anything_else_fails_and_says_why(score: Floats, words: str) -> None:
    report = report_on(score)
    with pytest.raises(NotGoError, match=words) as raised:
        assert_go(report)
    assert report.diagnosis.summary in str(raised.value)
    assert all(step in str(raised.value) for step in report.diagnosis.recommendations)


def test_conditions_pass_unless_they_shall_not() -> None:
    rng = np.random.default_rng(1)
    chance = rng.beta(0.125, 0.375, 150)
    report = report_on((rng.random((150, K)) < chance[:, None]).astype(float))
    assert report.headline == "GO, with conditions"
    assert_go(report)
    with pytest.raises(NotGoError, match="Drop prompts"):
        assert_go(report, conditions="fail")


def test_words_that_are_no_choice_are_refused() -> None:
    with pytest.raises(DryRunError, match="'pass' or 'fail'"):
        assert_go(report_on(drawn(0.5)), conditions="strict")  # type: ignore[arg-type]


def test_a_report_is_read_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text(report_on(drawn(0.5)).to_json())
    assert assert_go(path).verdict == assert_go(str(path)).verdict == "GO"
    with pytest.raises(DryRunError, match=r"cannot be read .*run --out"):
        assert_go(tmp_path / "none.json")


@pytest.mark.slow
def test_in_a_test_of_ones_own(endpoint: FakeEndpoint, tmp_path: Path) -> None:
    calls = itertools.count()
    endpoint.answer = lambda body: deterministic_answer(body) if next(calls) % 3 else "no idea"

    def ask() -> dict[str, Any]:
        where: dict[str, Any] = {"base_url": endpoint.base_url, "api_key": "k", "progress": False}
        return run_dry_run(sum_rows(40), EXACT, base_model="fake", sample_size=35, rollouts=2, **where)

    found = ask()
    report = assert_go(found)
    data = {"samples": found["samples"], "report": found["report"]}
    baseline = tmp_path / "baseline.json"
    assert main(["gate", found["run_id"], "--write-baseline", str(baseline)]) == 0
    stored = Baseline.read(baseline)
    assert len(stored.prompts) == report.samples_evaluated
    assert_go(data, baseline=baseline)
    worse = {**data, "samples": [{**sample, "score": 0.0} for sample in found["samples"]]}
    with pytest.raises(NotGoError, match="Fewer prompts can teach"):
        assert_go(worse, baseline=baseline)
    with pytest.raises(DryRunError, match="prompt by prompt"):
        assert_go(report, baseline=baseline)


def test_the_same_run_is_no_worse_than_itself() -> None:
    score = drawn(0.5)
    report, scores = report_on(score), scores_of(score)
    found = change(Baseline.of(report, scores), report, scores)
    assert found.mean is not None
    assert found.mean.value == found.mean.low == found.mean.high == 0
    assert not found.worse


def test_a_run_is_worse_where_surely_fewer_prompts_teach() -> None:
    before, now = drawn(0.5), drawn(0.5, seed=1, dead=0.4)
    baseline = Baseline.of(report_on(before), scores_of(before))
    found = change(baseline, report_on(now), scores_of(now))
    assert found.differ is not None
    assert found.differ.value == pytest.approx(-0.4)
    assert found.differ.high < 0
    assert "Fewer prompts can teach: 100 % before, 60 % now" in found.worse
    ruling = rule(report_on(now), against=found)
    assert not ruling.passed
    assert [failed.name for failed in ruling.failed] == ["baseline"]


@pytest.mark.slow
def test_noise_alone_is_not_worse() -> None:
    """Of 40 pairs of runs that differ by chance alone only a few are called worse: the interval is 95 %."""
    worse = 0
    for seed in range(40):
        before, now = (
            (np.random.default_rng([seed, side]).random((PROMPTS, K)) < 0.15).astype(float) for side in (0, 1)
        )
        baseline = Baseline.of(report_on(before), scores_of(before))
        found = change(baseline, report_on(now), scores_of(now))
        worse += "Fewer prompts" in found.worse
    assert worse <= 4


def test_a_verdict_that_falls_is_worse_and_named() -> None:
    before, now = drawn(0.5), np.zeros((PROMPTS, K))
    baseline = Baseline.of(report_on(before), scores_of(before))
    assert change(baseline, report_on(now), scores_of(now)).worse == "The verdict was GO and is NO-GO."


def test_other_prompts_are_compared_as_samples() -> None:
    before, now = drawn(0.5), drawn(0.5, seed=1)
    baseline = Baseline.of(report_on(before), scores_of(before))
    found = change(baseline, report_on(now), scores_of(now, first=1000))
    assert found.mean is not None
    assert not found.mean.paired
    assert "other prompts" in found.words


def test_with_another_number_of_responses_shares_are_not_compared() -> None:
    before, now = drawn(0.5), drawn(0.5)[:, :2]
    baseline = Baseline.of(report_on(before), scores_of(before))
    assert change(baseline, report_on(now), scores_of(now)).differ is None


@pytest.mark.parametrize("content", ["", "[]", '{"verdict": "GO"}', "\x00"])
def test_a_file_that_is_no_baseline_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "base.json"
    path.write_text(content)
    with pytest.raises(DryRunError, match=r"base\.json: not a baseline"):
        Baseline.read(path)


HOSTILE = "</testcase>\x00\x1b[31m & ]]> `code` <b>\ufffe"


def test_junit_holds_every_rule_and_is_xml_whatever_the_names() -> None:
    ruling = rule(report_on(np.zeros((PROMPTS, K)), HOSTILE))
    suite = ElementTree.fromstring(junit_xml(ruling).encode()).find("testsuite")
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("1", "1", "0")
    case = suite.find("testcase")
    assert case is not None
    assert case.get("name") == "verdict"
    failure = case.find("failure")
    assert failure is not None
    assert "NO-GO" in (failure.get("message") or "")


def test_what_was_not_judged_is_an_error_in_junit() -> None:
    suite = ElementTree.fromstring(junit_xml(rule(report_on(drawn(0.5)[:10]))).encode()).find("testsuite")
    assert suite is not None
    assert (suite.get("failures"), suite.get("errors")) == ("0", "1")
    assert suite.find("testcase/error") is not None


def test_the_summary_says_the_verdict_and_quotes_names() -> None:
    text = markdown_summary(rule(report_on(np.zeros((PROMPTS, K)), HOSTILE)))
    assert text.startswith("## Dry run: NO-GO")
    assert code_span(HOSTILE) in text
    assert "### Likely causes" in text
    assert "❌ failed: **verdict**" in text


def test_sarif_names_file_line_and_path(tmp_path: Path) -> None:
    rows, grader = tmp_path / "data" / "rows.jsonl", tmp_path / "grader.json"
    marks = [
        *problem_annotations([Problem("14 rows (lines 1,203, 1,204, ...)", "empty.")], "dataset", rows),
        *grader_annotations([Finding(Severity.WARNING, "$.graders.a", "pays little.")], grader),
    ]
    run = json.loads(sarif(marks, tmp_path))["runs"][0]
    first, second = run["results"]
    place = first["locations"][0]["physicalLocation"]
    assert place == {"artifactLocation": {"uri": "data/rows.jsonl"}, "region": {"startLine": 1203}}
    assert first["level"] == "error"
    assert second["level"] == "warning"
    assert second["locations"][0]["logicalLocations"] == [{"fullyQualifiedName": "$.graders.a"}]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["dataset", "grader"]


def test_validate_writes_sarif_also_of_a_dataset_that_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = sum_rows(3)
    rows[1]["messages"] = []
    given = ["--dataset", str(write_jsonl(tmp_path / "rows.jsonl", rows))]
    given += ["--grader", grader_file(tmp_path, EXACT)]
    assert main(["validate", *given, "--sarif", "found.sarif"]) == 2
    (result,) = json.loads((tmp_path / "found.sarif").read_text())["runs"][0]["results"]
    assert result["locations"][0]["physicalLocation"]["region"]["startLine"] == 2


def test_a_suspicion_stands_at_the_first_row_that_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = sum_rows(6)
    given = ["--dataset", str(write_jsonl(tmp_path / "rows.jsonl", [*rows, rows[2], rows[4]]))]
    given += ["--grader", grader_file(tmp_path, EXACT)]
    assert main(["validate", *given, "--sarif", "found.sarif"]) == 0
    results = json.loads((tmp_path / "found.sarif").read_text())["runs"][0]["results"]
    places = [one["locations"][0]["physicalLocation"]["region"]["startLine"] for one in results]
    assert [one["ruleId"] for one in results] == ["dataset", "repeated_prompts"]
    assert places == [7, 7]


def test_a_condition_that_passes_is_no_tick_in_the_summary() -> None:
    score = (np.random.default_rng(2).random((PROMPTS, K)) < 0.6).astype(float)
    some = PROMPTS * 3 // 8
    score[:some], score[some : 2 * some] = 0.0, 1.0
    ruling = rule(report_on(score))
    conditions = [one for one in ruling.rules if one.name not in ("verdict", "baseline")]
    assert conditions
    assert all(one.passed for one in conditions)
    text = markdown_summary(ruling)
    for one in conditions:
        assert f"- ⚠️ condition, stops nothing: **{one.name.replace('_', ' ')}**" in text


@pytest.mark.slow
def test_the_command_writes_all_it_is_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = {name: tmp_path / name for name in ("j.xml", "s.md", "b.json")}
    asked = ["gate", recorded(), "--data", str(RECORDED)]
    more = ["--junit", str(files["j.xml"]), "--summary", str(files["s.md"])]
    assert main([*asked, *more, "--write-baseline", str(files["b.json"])]) == 0
    assert "The gate is open" in capsys.readouterr().out
    assert all(file.stat().st_size for file in files.values())
    before = files["s.md"].read_text()
    assert main([*asked, "--summary", str(files["s.md"]), "--baseline", str(files["b.json"])]) == 0
    assert files["s.md"].read_text().startswith(before)  # a step's summary may hold other things already
    assert "the same prompts" in capsys.readouterr().out


def test_the_commands_exit_code_follows_the_gate(tmp_path: Path) -> None:
    codes = {}
    for name, score in {"GO": drawn(0.5), "NO-GO": np.zeros((PROMPTS, K)), "INVALID": drawn(0.5)[:9]}.items():
        path = tmp_path / f"{name}.json"
        path.write_text(report_on(score).to_json())
        codes[name] = main(["gate", str(path)])
    assert codes == {"GO": 0, "NO-GO": 1, "INVALID": 3}

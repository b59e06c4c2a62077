"""The data that comes with the project: what it promises, it holds."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import socket
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from dryrun.cli.main import main
from dryrun.core.config import ModelKind, SamplingConfig
from dryrun.core.paths import sample_data_dir
from dryrun.core.records import RunState, SampleOutcome
from dryrun.dataset import Dataset, read_dataset
from dryrun.dataset.draw import draw
from dryrun.graders import load_grader
from dryrun.report import report_of
from dryrun.report.summary import shipped_summary
from dryrun.store.partition import Store
from dryrun.store.results import load_results
from dryrun.store.runs import Run, list_runs
from tests.helpers.grading import grade

DATA = sample_data_dir()
SHA256 = "cc3e8691421c024af46ee564495190b3e3d18c4390db4d1fa4f3f3b39718babc"
GRADERS = sorted(path.stem for path in (DATA / "graders").glob("*.json"))


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return read_dataset(DATA / "reasoning.jsonl", "reasoning.jsonl")


def test_the_file_is_the_one_its_script_makes(tmp_path: Path) -> None:
    content = (DATA / "reasoning.jsonl").read_bytes()
    assert hashlib.sha256(content).hexdigest() == SHA256
    if importlib.util.find_spec("reasoning_gym") is not None:
        again = tmp_path / "again.jsonl"
        subprocess.run([sys.executable, str(DATA / "make_reasoning.py"), "--out", str(again)], check=True)
        assert again.read_bytes() == content


def test_eight_topics_three_levels_no_row_twice(dataset: Dataset) -> None:
    assert len(dataset) == 648
    assert set(dataset.topics.values()) == {81}
    assert len(dataset.topics) == 8
    assert Counter(item["level"] for item in dataset) == {"easy": 216, "medium": 216, "hard": 216}
    assert len({dataset.key(row) for row in range(len(dataset))}) == 648
    assert dataset.warnings == ()


def test_no_question_shows_its_own_answer_among_the_examples(dataset: Dataset) -> None:
    for item in dataset:
        questions = [message["content"] for message in item["messages"] if message["role"] == "user"]
        assert questions[-1] not in questions[:-1]


def test_there_is_a_grader_of_each_kind() -> None:
    kinds = {load_grader((DATA / "graders" / f"{name}.json").read_text()).type for name in GRADERS}
    assert kinds >= {"string_check", "text_similarity", "python", "multi"}


@pytest.mark.slow
@pytest.mark.parametrize("name", GRADERS)
def test_each_grader_pays_the_reference_fully_and_nonsense_little(name: str, dataset: Dataset) -> None:
    grader = json.loads((DATA / "graders" / f"{name}.json").read_text())
    for row in (0, 100, 200, 300, 400, 500, 600):
        item = dict(dataset[row])
        assert grade(grader, item["reference_answer"], item).reward == pytest.approx(1.0)
        assert (grade(grader, "", item).reward or 0.0) == 0.0
        assert (grade(grader, "I am not sure about that one.", item).reward or 0.0) < 0.35


RECORDED = DATA / "recorded"


IDS = json.loads((RECORDED / "examples.json").read_text())
"""The run of each recorded example, by its name in links."""


@pytest.fixture(scope="module")
def recorded() -> Run:
    return example("recorded")


def example(name: str) -> Run:
    return Run.open(Store(RECORDED), IDS[name])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "verdict", "dataset_word", "grader_word"),
    [
        ("recorded", "GO", "Good", "Good"),
        ("recorded-grader", "NO-GO", "Unknown", "Too strict"),
        ("recorded-data", "NO-GO", "Too hard", "Binary"),
    ],
)
def test_each_example_shows_what_it_is_there_for(
    name: str, verdict: str, dataset_word: str, grader_word: str
) -> None:
    run = example(name)
    line = shipped_summary(run)
    assert line is not None, "python sample_data/make_recorded.py --summaries"
    assert (line.verdict, line.dataset, line.grader) == (verdict, dataset_word, grader_word)
    judged = report_of(load_results(run))
    assert (judged.diagnosis.verdict, judged.statistics.mean) == (line.verdict, line.mean)
    assert judged.histogram_counts == line.bars


def test_every_example_is_a_whole_run_of_the_embedded_model() -> None:
    assert {run.id for run in list_runs(Store(RECORDED))} == set(IDS.values())
    for run in map(example, IDS):
        assert run.config().model.kind is ModelKind.EMBEDDED
        assert run.status().state is RunState.FINISHED
        assert load_results(run).pending == 0


def test_the_recorded_run_asked_the_sample_dataset_and_its_default_grader(
    recorded: Run, dataset: Dataset
) -> None:
    config = recorded.config()
    assert config.dataset == dataset.ref
    assert config.sampling == SamplingConfig(size=300, rollouts=4)
    assert config.model.kind is ModelKind.EMBEDDED
    assert config.grader == load_grader((DATA / "graders" / "combined.json").read_text()).raw
    assert [prompt.row for prompt in recorded.prompts()] == draw(dataset, config.sampling)
    assert [prompt.key for prompt in recorded.prompts()] == [
        dataset.key(row) for row in draw(dataset, config.sampling)
    ]


def test_the_recorded_run_is_whole(recorded: Run) -> None:
    status = recorded.status()
    assert (status.state, status.total) == (RunState.FINISHED, 1200)
    results = load_results(recorded)
    assert (results.rollouts.num_rows, results.pending, results.skipped) == (1200, 0, ())
    assert SampleOutcome.FAILED.value not in results.rollouts["outcome"].to_pylist()


def test_the_recorded_grades_are_what_the_grader_says(recorded: Run) -> None:
    results, grader = load_results(recorded), recorded.config().grader
    for found in results.inspect(range(0, 1200, 24)):
        assert found.grade is not None
        again = grade(grader, found.sample.text, dict(found.prompt.item))
        assert again.reward == pytest.approx(found.grade.reward)


@pytest.mark.slow
def test_the_report_of_the_recorded_run_says_its_figures(recorded: Run) -> None:
    results = load_results(recorded)
    rewards = results.rollouts["reward"].to_numpy()
    report = report_of(results).to_dict()
    said = report["statistics"]
    assert said["mean"] == pytest.approx(rewards.mean())
    assert said["std"] == pytest.approx(rewards.std(ddof=1))
    assert (said["min"], said["max"]) == pytest.approx((rewards.min(), rewards.max()))
    assert said["median"] == pytest.approx(np.median(rewards))
    assert len(results.observations().score) == 1200


@pytest.mark.slow
def test_the_recorded_run_can_be_reported_and_is_left_as_it_was(
    recorded: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    def stamps() -> dict[str, int]:
        return {str(path): path.stat().st_mtime_ns for path in sorted(RECORDED.rglob("*"))}

    before = stamps()
    verdict = report_of(load_results(recorded)).diagnosis.verdict
    code = main(["report", recorded.id, "--data", str(RECORDED)])
    assert code == {"GO": 0, "NO-GO": 1, "INVALID": 3}[verdict]
    assert verdict in capsys.readouterr().out
    assert stamps() == before


def test_the_recorded_runs_are_small_and_tell_nothing_of_the_machine() -> None:
    files = [path for path in RECORDED.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 500_000
    assert {path.suffix for path in files} == {".json", ".parquet"}
    for path in files:
        content = pq.read_table(path).to_pylist() if path.suffix == ".parquet" else path.read_text()
        for word in (str(DATA.parent), str(Path.home()), socket.gethostname()):
            assert len(word) < 3 or word not in str(content)

"""The data that comes with the project: what it promises, it holds."""

from __future__ import annotations

import hashlib
import importlib.util
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from dryrun.dataset import Dataset, read_dataset
from dryrun.graders import load_grader
from dryrun.paths import sample_data_dir
from tests.graders.grading import grade

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
    kinds = {load_grader((DATA / "graders" / f"{name}.json").read_text()).type.value for name in GRADERS}
    assert kinds >= {"string_check", "text_similarity", "python", "multi"}


@pytest.mark.parametrize("name", GRADERS)
def test_each_grader_pays_the_reference_fully_and_nonsense_little(name: str, dataset: Dataset) -> None:
    import json

    grader = json.loads((DATA / "graders" / f"{name}.json").read_text())
    for row in (0, 100, 200, 300, 400, 500, 600):
        item = dict(dataset[row])
        assert grade(grader, item["reference_answer"], item).reward == pytest.approx(1.0)
        assert (grade(grader, "", item).reward or 0.0) == 0.0
        assert (grade(grader, "I am not sure about that one.", item).reward or 0.0) < 0.35

"""How trainings went, on the list of runs and on the results page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dryrun.engine.imports.run import import_samples
from dryrun.report.outcome import add_training
from dryrun.report.outcome.read_log import read_training_log
from dryrun.store.partition import Store
from dryrun.store.results import load_results
from dryrun.store.runs import Run
from dryrun.store.trainings import trainings_of
from tests.helpers.pages import page, texts
from tests.helpers.support import EXACT, work

TAB = "Training signal"
HOSTILE = "![x](z.png) **b**.jsonl"


@pytest.fixture
def run(store: Store) -> Run:
    """40 prompts x 4, half of each right."""
    rows = [
        {"prompt": f"Problem {prompt}?", "completion": "yes" if place > 1 else "no", "answer": "yes"}
        for prompt in range(40)
        for place in range(4)
    ]
    run = import_samples(store, "\n".join(map(json.dumps, rows)).encode(), "half.jsonl", EXACT)
    work(run)
    return run


def train(run: Run, folder: Path, end: float, start: float = 0.5, name: str = "log.jsonl") -> None:
    """Add a log of 50 steps."""
    rewards = [start + (end - start) * step / 50 for step in range(50)]
    path = folder / name
    path.write_text(
        "".join(json.dumps({"step": at, "reward": value}) + "\n" for at, value in enumerate(rewards))
    )
    add_training(load_results(run), read_training_log(path))


def columns(test: AppTest) -> dict[str, list[object]]:
    frame = test.main.dataframe[0].value
    return {name: frame[name].tolist() for name in frame.columns}


@pytest.mark.slow
def test_without_a_training_nothing_is_drawn_of_one(run: Run) -> None:
    runs = page("runs")
    assert "Training" not in columns(runs)
    assert "Brier score" not in texts(runs)
    assert f"python -m dryrun outcome {run.id} --log FILE" in texts(page("results", run=run.id, tab=TAB))


@pytest.mark.slow
def test_the_list_has_the_newest_gain_and_the_score_of_all(run: Run, tmp_path: Path) -> None:
    train(run, tmp_path, 0.5)
    train(run, tmp_path, 0.9)
    test = page("runs")
    assert columns(test)["Training"] == ["learned, +0.36"]
    assert "Brier score" in texts(test)
    assert "over 2 trainings after 1 run" in texts(test)


@pytest.mark.slow
def test_the_tab_says_how_it_went_and_what_does_not_fit(run: Run, tmp_path: Path) -> None:
    train(run, tmp_path, 0.5)
    train(run, tmp_path, 0.9, start=0.8, name=HOSTILE)
    assert [one.log for one in trainings_of(run)] == ["log.jsonl", HOSTILE]
    test = page("results", run=run.id, tab=TAB)
    said = texts(test)
    assert "How the training went" in said
    assert "The policy learned." in said
    assert "Trainer and dry run do not grade alike" in said
    assert "Earlier trainings" in said
    assert "The policy did not learn (gain not above 0.05)." in said
    assert not any("![x](" in caption.value for caption in test.caption)

"""How trainings went, on the list of runs and on the results page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dryrun.app.shared.widgets import Upload
from dryrun.core.text import short
from dryrun.engine.imports.run import import_samples
from dryrun.report.outcome.of_run import add_training
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
    test = page("results", run=run.id, tab=TAB)
    assert "The policy" not in texts(test)
    assert test.button(key="outcome_keep").disabled


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


def uploaded(run: Run, content: bytes, name: str = "trainer.csv") -> AppTest:
    """The page after this log was uploaded and is to be kept."""
    test = page("results", run=run.id, tab=TAB)
    test.session_state[f"outcome_log_{short(run.id)}_kept"] = Upload(name, content)
    test.run()
    test.button(key="outcome_keep").click().run()
    assert not test.exception
    return test


@pytest.mark.slow
def test_a_log_can_be_added_on_the_page(run: Run) -> None:
    rows = "".join(f"{step},{0.5 + step / 200}\n" for step in range(50))
    test = uploaded(run, f"step,reward\n{rows}".encode())
    assert "The policy learned." in texts(test)
    assert [one.log for one in trainings_of(run)] == ["trainer.csv"]
    assert test.button(key="outcome_keep").disabled


@pytest.mark.slow
def test_what_is_no_log_is_refused_by_its_name(run: Run) -> None:
    test = uploaded(run, b"step,loss\n1,2\n")
    [error] = test.error
    assert "trainer" in error.value
    assert "Its rows hold step, loss" in texts(test)
    assert "/tmp" not in texts(test)
    assert trainings_of(run) == ()


@pytest.mark.slow
def test_a_recorded_run_offers_no_form() -> None:
    test = page("results", run="recorded", tab=TAB)
    assert "How the training went" not in texts(test)

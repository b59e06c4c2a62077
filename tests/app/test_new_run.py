"""New run: which file is in force, prices that stay, private endpoints, a copy of a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from dryrun.app.configure import dataset
from dryrun.app.shared.session import recall, remember
from dryrun.app.shared.widgets import refused_upload
from dryrun.core.paths import data_dir
from dryrun.core.records import RunState
from dryrun.dataset import Dataset
from dryrun.dataset.audit import AuditFinding, audit
from dryrun.store.partition import Store
from dryrun.store.runs import list_runs
from tests.helpers.fake_endpoint import FakeEndpoint
from tests.helpers.pages import group, page, startable, texts, with_dataset, with_grader, write_grader
from tests.helpers.support import EXACT, make_run, sum_rows, wait_until

ENDPOINT = "OpenAI-compatible endpoint"
ROWS = "".join(json.dumps(row) + "\n" for row in sum_rows(40)).encode()


def dropped(test: AppTest, name: str, content: bytes) -> AppTest:
    """A file is dropped on the data step."""
    uploader: Any = next(
        found for found in test.get("file_uploader") if str(found.key).startswith("dataset_file")
    )
    uploader.set_value((name, content, "application/octet-stream")).run()
    assert not test.exception
    return test


@pytest.mark.slow
def test_a_refused_file_says_why_and_which_one_is_used() -> None:
    test = dropped(page("configure"), "rows.jsonl", ROWS)
    assert "Used: rows.jsonl, 4" in texts(test)
    assert "40 rows" in texts(test)
    dropped(test, "notes.docx", b"PK")
    said = texts(test)
    assert "notes.docx was refused: its name must end in .jsonl, " in said
    assert "rows.jsonl is still used." in said
    assert "40 rows" in said
    dropped(test, "empty.csv", b"")
    assert "empty.csv was refused: it is empty. rows.jsonl is still used." in texts(test)
    dropped(test, "more.jsonl", ROWS + ROWS)
    assert "refused" not in texts(test)
    assert "80 rows" in texts(test)
    test.button(key="dataset_file_remove").click().run()
    assert "Used: the sample data" in texts(test)
    dropped(test, "notes.docx", b"PK")
    assert "No file is used." in texts(test)


@pytest.mark.slow
def test_rows_are_compared_once_start_can_be_clicked(monkeypatch: pytest.MonkeyPatch) -> None:
    startable_by_then = []

    def noted(rows: Dataset, validation: Dataset | None) -> list[AuditFinding]:
        startable_by_then.append("start" in st.session_state)
        return audit(rows, validation)

    monkeypatch.setattr(dataset, "audit", noted)
    page("configure")
    assert startable_by_then == [True], "of 20,000 long rows it takes seconds"


@pytest.mark.slow
def test_what_was_chosen_last_is_used(tmp_path: Path) -> None:
    test = dropped(with_dataset(ROWS + ROWS, tmp_path), "rows.jsonl", ROWS)
    assert "40 rows" in texts(test)
    test.text_input(key="dataset_place").set_value(str(tmp_path / "rows.jsonl") + " ").run()
    assert "80 rows" in texts(test)
    assert "Used: rows.jsonl" not in texts(test), "that was the file dropped before"
    test.button(key="use_sample").click().run()
    assert "648 rows" in texts(test)


def test_an_upload_may_have_more_on_ones_own_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    size = 21 * 1024 * 1024
    assert refused_upload("a.csv", size, ["csv"]) == ""
    assert "1,024 MB are the most" in refused_upload("a.csv", size * 100, ["csv"])
    monkeypatch.setenv("DRYRUN_HOSTED", "1")
    assert "it has 22.0 MB, and 20 MB are the most here" in refused_upload("a.csv", size, ["csv"])


@pytest.mark.slow
def test_python_within_json_has_a_tab_and_what_is_typed_there_is_the_graders() -> None:
    grader = {"type": "python", "name": "mine", "source": "def grade(sample, item):\n    return 0.25"}
    test = with_grader(grader)
    assert "Reward 0.25" in texts(test)
    group(test, "grader_part").set_value("Python: mine").run()
    assert test.session_state["grader_source_text"] == grader["source"]
    write_grader(test, grader | {"source": "def grade(sample, item):\n    return 0.75"})
    assert "Reward 0.75" in texts(test)
    assert "0.75" in test.session_state["grader_source_text"]


def endpoint_form(url: str, name: str) -> AppTest:
    """New run, with an endpoint as model."""
    test = with_grader(EXACT)
    group(test, "model_where").set_value(ENDPOINT).run()
    test.text_input(key="base_url").set_value(url)
    test.text_input(key="model_name").set_value(name).run()
    assert not test.exception
    return test


@pytest.mark.slow
def test_prices_of_a_model_outlive_the_session_and_are_its_own() -> None:
    test = endpoint_form("http://127.0.0.1:1/v1", "dear")
    test.number_input(key="budget_prompt").set_value(2.0)
    test.number_input(key="budget_completion").set_value(8.0).run()
    test.text_input(key="model_name").set_value("cheap").run()
    assert test.number_input(key="budget_prompt").value is None
    again = endpoint_form("http://127.0.0.1:1/v1", "dear")
    assert again.number_input(key="budget_prompt").value == 2.0
    assert again.number_input(key="budget_completion").value == 8.0


def test_where_strangers_share_the_server_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRYRUN_HOSTED", "1")
    remember("prices", "m", {"prompt": 1.0})
    assert recall("prices", "m") is None
    assert not (data_dir() / "app.json").exists()


@pytest.mark.slow
def test_a_private_endpoint_of_a_hosted_app_is_refused_at_its_field(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRYRUN_HOSTED", "1")
    test = endpoint_form("http://10.0.0.7:8000/v1", "m")
    said = texts(test)
    assert "'10.0.0.7' is not on the public internet" in said
    assert "[3. Model and size](#model)" in said
    assert not startable(test)


@pytest.mark.slow
def test_rows_of_one_prompt_share_their_calls(endpoint: FakeEndpoint, tmp_path: Path) -> None:
    test = with_dataset(ROWS + ROWS, tmp_path)
    group(test, "model_where").set_value(ENDPOINT).run()
    test.text_input(key="base_url").set_value(endpoint.base_url)
    test.text_input(key="model_name").set_value("fake").run()
    said = texts(test)
    assert "80 × 4 = 320 responses by **160 calls** to fake" in said
    assert "160 calls to the model" in said


@pytest.fixture
def started(store: Store, endpoint: FakeEndpoint, tmp_path: Path) -> Any:
    """A run that the page started, of rows at a path."""
    test = with_dataset(ROWS, tmp_path)
    write_grader(test, EXACT)
    group(test, "model_where").set_value(ENDPOINT).run()
    test.text_input(key="base_url").set_value(endpoint.base_url)
    test.text_input(key="model_name").set_value("fake")
    test.number_input(key="rollouts").set_value(2)
    test.number_input(key="model_temperature").set_value(0.5).run()
    test.button(key="start").click().run()
    run = list_runs(store)[0]
    wait_until(lambda: run.status().state is RunState.FINISHED)  # before it begins it is not live either
    return run


@pytest.mark.slow
def test_a_copy_of_a_run_is_the_same_run(started: Any, store: Store) -> None:
    test = page("configure", duplicate=started.id)
    said = texts(test)
    assert "A copy of run" in said
    assert "The model's key is never stored" in said
    assert "40 × 2 = **80 calls** to fake" in said
    assert ", all stored · no cost" in said, "it asks what the run asked"
    assert test.number_input(key="model_temperature").value == 0.5
    assert json.loads(test.session_state["grader_text"]) == started.config().grader


@pytest.mark.slow
def test_a_run_that_cannot_be_written_down_says_why_where_it_was_started(
    tmp_path: Path, store: Store
) -> None:
    test = write_grader(with_dataset(ROWS, tmp_path), EXACT)
    (store.root / "runs").write_text("no folder can be made below this")
    test.button(key="start").click().run()
    assert not test.exception
    assert "nothing already saved is lost" in test.error[0].value


@pytest.mark.slow
def test_a_copy_says_what_is_gone_or_has_changed(started: Any, tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_bytes(ROWS + ROWS)
    assert "rows.jsonl has changed since that run" in texts(page("configure", duplicate=started.id))
    (tmp_path / "rows.jsonl").unlink()
    assert "There is no file at" in texts(page("configure", duplicate=started.id))


@pytest.mark.slow
def test_one_row_is_one_row(tmp_path: Path) -> None:
    said = texts(with_dataset('{"prompt": "2 + 2 = ?"}', tmp_path))
    assert "The dataset has no more than 1 row; all are used." in said
    assert "1 rows" not in said


@pytest.mark.slow
def test_an_upload_has_to_be_chosen_again(store: Store, endpoint: FakeEndpoint) -> None:
    run = make_run(store, endpoint.base_url, rows=40)
    test = page("configure", duplicate=run.id)
    said = texts(test)
    assert "prompts (40 rows) is not kept here: drop its file again, or give its path." in said
    assert "Used: the sample data" not in said
    assert not startable(test), "the sample data was never asked for"
    assert "**Still needed:** [1. Data](#data)" in said
    dropped(test, "prompts.jsonl", ROWS)
    assert "is not kept here" not in texts(test)
    assert "Used: prompts.jsonl" in texts(test)
    assert "40 rows" in texts(test)
    assert "There is no run" in texts(page("configure", duplicate="0" * 32))


@pytest.mark.slow
def test_the_recorded_example_can_be_copied() -> None:
    said = texts(page("configure", duplicate="recorded"))
    assert "A copy of the recorded example" in said
    assert "648 rows" in said


@pytest.mark.slow
def test_a_python_grader_opens_as_python_and_its_failure_is_told_from_a_low_reward() -> None:
    test = page("configure")
    test.selectbox(key="grader_begin").set_value("partial_credit").run()
    assert test.session_state["grader_part"] == "Python: partial_credit"
    assert "**Reward 1.00**" in texts(test)
    source = "def grade(sample, item):\n    return item['nowhere']\n"
    test.session_state["grader_text"] = json.dumps({"type": "python", "name": "mine", "source": source})
    test.run()
    assert "**Reward 0.00, since the grader failed**" in texts(test)

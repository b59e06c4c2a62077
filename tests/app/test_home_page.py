"""Home: what a newcomer and a returning user see first, and where old links lead."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from dryrun.app.home.view import mean_words, thumbnail_svg
from dryrun.app.shared.examples import LESSONS
from dryrun.core.records import RunState
from dryrun.report.summary import summarise
from dryrun.store.notes import RunNote, keep_note
from dryrun.store.partition import Store
from dryrun.store.runs import RunStatus
from tests.helpers.fake_endpoint import FakeEndpoint
from tests.helpers.pages import page, texts
from tests.helpers.support import ROOT, make_run, sum_rows, work


def test_a_newcomer_sees_a_sentence_a_button_and_four_examples() -> None:
    test = page()
    assert [button.label for button in test.main.button] == ["Quick run here"]
    said = texts(test)
    assert "60 prompts × 2 responses" in said
    assert [element.value for element in test.main.header] == [
        "Try it",
        "Use my data",
        "Recorded examples",
    ]
    for title, _, cause in LESSONS.values():
        assert title in said
        assert cause in said
    assert len(test.main.get("image")) == 4
    names = [link.proto.label for link in test.main.get("page_link")]
    assert len(set(names)) == len(names), "each is heard without its card"
    assert "Latest runs" not in said


@pytest.mark.slow
def test_a_file_dropped_on_home_is_in_force_on_new_run() -> None:
    test = page()
    rows = "".join(json.dumps(row) + "\n" for row in sum_rows(7))
    test.file_uploader[0].set_value(("mine.jsonl", rows.encode(), "application/json")).run()
    assert not test.exception
    said = texts(test)
    assert test.main.title[0].value == "New run"
    assert "mine.jsonl" in said
    assert "7 rows" in said


def test_a_file_that_is_refused_stays_on_home_and_says_why() -> None:
    test = page()
    test.file_uploader[0].set_value(("mine.docx", b"PK", "application/zip")).run()
    assert test.main.title[0].value == "Dry Run"
    assert "mine.docx was refused" in texts(test)


def test_the_place_for_a_file_names_what_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    told = "Drop your prompts: JSONL, JSON, CSV, TSV, Parquet or Arrow, also packed (.gz, .zst, .bz2)"
    assert page().file_uploader[0].label == told
    monkeypatch.setenv("DRYRUN_HOSTED", "1")  # where no Arrow is read
    assert page().file_uploader[0].label == told.replace(" or Arrow", "")


def test_a_run_that_is_being_judged_is_not_said_to_have_no_score() -> None:
    assert mean_words(None, RunStatus(RunState.FINISHED, graded=1_200)) == "1,200 scores"
    assert mean_words(None, RunStatus(RunState.STOPPED)) == "no score"
    assert mean_words(None, RunStatus(RunState.RUNNING)) == "no score yet"


@pytest.mark.slow
def test_latest_runs_stand_there_with_their_verdicts(store: Store, endpoint: FakeEndpoint) -> None:
    runs = [make_run(store, endpoint.base_url, rows=40 + number) for number in range(7)]
    for run in runs[-2:]:
        work(run)
        summarise(run)
    keep_note(runs[-1], RunNote("The best one"))
    keep_note(runs[-2], RunNote("Not this one", archived=True))
    test = page()
    labels = [link.proto.label for link in test.main.get("page_link")]
    assert labels[0] == "The best one"
    assert "Not this one" not in labels
    assert labels.index("All runs") == 5
    assert texts(test).count("GO") > texts(test).count("NO-GO")


def test_an_unreadable_run_does_not_take_home_away(store: Store, endpoint: FakeEndpoint) -> None:
    run = make_run(store, endpoint.base_url)
    (run.folder / "config.json").write_text("{")
    assert "Recorded examples" in texts(page())
    assert not page("runs").exception


@pytest.mark.slow
@pytest.mark.parametrize("parameters", [{"run": "0" * 32}, {"run": "../x"}, {"run": ""}])
def test_an_old_link_to_a_run_that_is_gone_says_so(parameters: dict[str, str]) -> None:
    test = page(**parameters)
    assert not test.exception
    assert "There is no run" in texts(test) or test.main.title[0].value.count("Dry Run")


@pytest.mark.slow
def test_an_old_link_to_an_unfinished_run_leads_to_its_page(store: Store, endpoint: FakeEndpoint) -> None:
    run = make_run(store, endpoint.base_url)
    assert page(run=run.id).main.title[0].value.startswith(":small[Run] ")
    work(run)
    assert "Dry Run Validation" in page(run=run.id).main.title[0].value


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        ("recorded-go", "GO]"),
        ("recorded", "GO, with conditions]"),
        ("recorded-grader", "NO-GO]"),
        ("recorded-data", "NO-GO]"),
    ],
)
def test_each_example_has_its_own_link_and_verdict(name: str, verdict: str) -> None:
    test = page("results", run=name)
    assert test.main.title[0].value.endswith(verdict)
    assert "recorded" in texts(test).lower()


def test_a_thumbnail_survives_scores_of_any_shape() -> None:
    for bars in ((), (0,) * 20, (1,) + (0,) * 19, (10**9,) * 20):
        assert thumbnail_svg(bars).startswith("<svg")
        assert thumbnail_svg(bars).count("<rect") == sum(count > 0 for count in bars)


@pytest.mark.slow
def test_home_loads_neither_pandas_nor_altair() -> None:
    """They are two fifths of what the first visitor of a server waits for."""
    code = (
        "import sys; from tests.helpers.pages import page; page('home'); "
        "assert not {'altair', 'pandas'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("parameters", "title"),
    [
        ({"adjust": "recorded"}, "New run"),
        ({"run": "recorded", "mean_low": "0.85"}, "Dry Run Validation"),
        ({"run": "recorded", "with": "recorded"}, "Compare runs"),
        ({"whatever": "1"}, "Dry Run"),
    ],
)
def test_a_link_of_the_first_version_leads_to_its_page_with_all_it_says(
    parameters: dict[str, str], title: str
) -> None:
    test = page(**parameters)
    assert title in test.main.title[0].value
    # A list for a page that was opened, a text for one that was led to.
    assert {name: "".join(values) for name, values in test.query_params.items()} == parameters

"""Runs: what is listed, searched, named, put away, deleted; and who may."""

from __future__ import annotations

import asyncio
import json
import math
import threading
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dryrun.app.shared import run_rows as rows
from dryrun.app.shared.budget import PRICE
from dryrun.app.shared.session import remember
from dryrun.cli.main import main
from dryrun.core.errors import DryRunError
from dryrun.core.text import plain
from dryrun.engine.budget import Budget
from dryrun.engine.profile.whole import Stages
from dryrun.report.summary import kept_summary, summarise
from dryrun.store.notes import RunNote, keep_note, note_of
from dryrun.store.partition import Store
from dryrun.store.runs import Run
from tests.engine.test_profile import profiler
from tests.helpers.fake_endpoint import FakeEndpoint, Reply
from tests.helpers.pages import page, texts
from tests.helpers.support import EXACT, FUZZY, copied, make_run, wait_until, work

HOSTILE = "<b>x</b> ![y](http://127.0.0.1:1/z.png) **bold**"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    with FakeEndpoint() as endpoint:
        store = Store(tmp_path_factory.mktemp("judged"))
        runs = [make_run(store, endpoint.base_url, grader=grader) for grader in (EXACT, FUZZY)]
        for run in runs:
            work(run)
            summarise(run)
    return runs


@pytest.fixture
def two(made: list[Run], store: Store) -> list[Run]:
    """Two finished runs under two graders, judged."""
    return copied(made, store)


def shown(test: AppTest) -> dict[str, list[Any]]:
    """The table, by column."""
    frame = test.main.dataframe[0].value
    return {name: frame[name].tolist() for name in frame.columns}


def with_selected(runs: list[Run], *places: int, **parameters: str) -> AppTest:
    """The page with these rows selected."""
    test = page("runs", **parameters)
    test.session_state[str(test.main.dataframe[0].key)] = {"selection": {"rows": list(places), "columns": []}}
    test.run()
    assert not test.exception
    return test


def press(test: AppTest, label: str) -> AppTest:
    next(button for button in test.button if button.label == label).click().run()
    assert not test.exception, test.exception[0].message
    return test


def test_without_a_run_there_is_one_way_to_get_one() -> None:
    test = page("runs")
    assert "There is no run here yet" in texts(test)
    assert not test.main.dataframe


@pytest.mark.slow
def test_each_run_is_a_row_with_its_figures(two: list[Run]) -> None:
    columns = shown(page("runs"))
    assert sorted(columns["Grader"]) == ["exact", "fuzzy"]
    line = kept_summary(two[0])
    assert line is not None
    row = columns["Grader"].index("exact")
    assert columns["Mean"][row] == pytest.approx(line.mean)
    assert columns["Std"][row] == pytest.approx(line.std)
    assert list(columns["Scores"][row]) == list(line.bars)
    assert columns["Scored"][row] == 80
    assert columns["Verdict"][row][0] in ("GO", "GO, with conditions")
    assert columns["95 %"][row] == f"{line.low:.2f} to {line.high:.2f}"
    assert max(columns["Tokens"]) > 0
    assert sorted(map(math.isnan, columns["Cost"])) == [False, True], "one asked nothing, one has no price"


@pytest.mark.slow
def test_a_run_costs_what_the_kept_prices_of_its_model_say(
    two: list[Run],
) -> None:
    model = two[0].config().model
    remember(PRICE, f"{model.base_url} {model.name}", {"prompt": 1000.0, "completion": 2000.0})
    columns = shown(page("runs"))
    for cost, run in zip(columns["Cost"], sorted(two, key=lambda run: -run.status().started), strict=True):
        spent = run.status()
        assert cost == pytest.approx((spent.prompt_tokens + 2 * spent.completion_tokens) / 1000)
    assert sorted(cost > 0 for cost in columns["Cost"]) == [False, True], "the second asked nothing anew"
    assert "$" in page("results", run=two[0].id).metric[3].value
    remember(PRICE, f"{model.base_url} {model.name}", {"prompt": 1000.0})
    assert sum(map(math.isnan, shown(page("runs"))["Cost"])) == 1, "half a price is none"


def test_a_run_that_gave_up_is_not_called_measuring(store: Store, endpoint: FakeEndpoint) -> None:
    endpoint.answer = lambda _: Reply.error(401, "no such key")
    run = make_run(store, endpoint.base_url)
    work(run)
    assert shown(page("runs"))["Verdict"] == [["Not finished"]]
    said = texts(page("results", run=run.id))
    assert "Not finished" in said
    assert "no such key" in said, "the page says why"


@pytest.mark.slow
def test_the_verdict_of_a_run_that_stopped_is_so_far(store: Store, endpoint: FakeEndpoint) -> None:
    run = make_run(store, endpoint.base_url)
    work(run, budget=Budget(calls=70))
    summarise(run)
    assert list(shown(page("runs"))["Verdict"][0]) == ["GO", "so far"]
    assert " so far · 40 × 2" in texts(page("home"))
    work(run)
    summarise(run)
    assert "so far" not in str(shown(page("runs"))["Verdict"])
    assert "so far" not in texts(page("home"))


@pytest.mark.slow
def test_a_run_without_a_line_is_judged_beside_the_page(
    store: Store, endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, go_on = make_run(store, endpoint.base_url), threading.Event()
    work(run)
    monkeypatch.setattr(rows, "summarise", lambda run: go_on.wait(30) and summarise(run))
    test = page("runs")
    assert shown(test)["Verdict"] == [["Being judged"]]
    go_on.set()
    wait_until(lambda: rows.waiting() == 0)
    test.run()
    assert shown(test)["Verdict"][0][0] in ("GO", "GO, with conditions")
    assert kept_summary(run) is not None, "the next server need not judge it again"


@pytest.mark.slow
def test_a_line_is_made_again_when_the_run_has_moved_on(two: list[Run]) -> None:
    run = two[0]
    before = kept_summary(run)
    assert before is not None
    run.write_status(run.status())
    assert kept_summary(run) is None
    assert summarise(run) == before


@pytest.mark.slow
@pytest.mark.parametrize("content", ["", "{", "[]", '{"figures": 1}', '{"figures": "x", "summary": {}}'])
def test_a_damaged_line_is_made_again(two: list[Run], content: str) -> None:
    before = kept_summary(two[0])
    (two[0].folder / "summary.json").write_text(content)
    assert summarise(two[0]) == before


@pytest.mark.slow
def test_search_looks_at_names_notes_graders_and_verdicts(two: list[Run]) -> None:
    keep_note(two[1], RunNote("Second try", "after the fix"))
    for words, count in {"fuzzy": 1, "SECOND try": 1, "fix": 1, "go": 2, "fuzzy nothing": 0}.items():
        test = page("runs", search=words)
        assert len(test.main.dataframe) == (count > 0), words
        assert count == 0 or len(shown(test)["Name"]) == count, words
    assert "No run matches." in texts(page("runs", search="fuzzy nothing"))


@pytest.mark.slow
def test_two_selected_runs_are_compared_the_older_first(two: list[Run]) -> None:
    test = press(with_selected(two, 0, 1), "Compare")
    assert test.main.title[0].value == "Compare runs"
    assert test.query_params["run"] == two[0].id
    assert test.query_params["with"] == two[1].id


@pytest.mark.slow
def test_a_run_is_named_and_the_name_is_kept(two: list[Run]) -> None:
    test = press(with_selected(two, 0), "Name and note")
    test.text_input(key="run_name").set_value(f"  {HOSTILE}\n ")
    test.text_area(key="run_note").set_value("why")
    test.button(key="save_note").click().run()
    assert not test.exception
    newest = two[1]
    assert note_of(newest) == RunNote(HOSTILE, "why")
    assert HOSTILE in shown(page("runs"))["Name"]
    assert plain(HOSTILE) in [link.proto.label for link in page().main.get("page_link")]


@pytest.mark.slow
def test_what_is_archived_is_left_out_until_it_is_asked_for(two: list[Run]) -> None:
    press(with_selected(two, 0), "Archive")
    assert note_of(two[1]).archived
    assert len(shown(page("runs"))["Name"]) == 1
    test = with_selected(two, 0, archived="true")
    assert len(shown(test)["Name"]) == 2
    press(test, "Take out of the archive")
    assert not note_of(two[1]).archived


@pytest.mark.slow
def test_deleting_asks_first_and_keeps_the_responses(two: list[Run], store: Store) -> None:
    test = press(with_selected(two, 0), "Delete")
    assert two[1].folder.is_dir(), "nothing is deleted before it is confirmed"
    test.button(key="delete_runs").click().run()
    assert not test.exception
    assert not two[1].folder.exists()
    assert two[0].folder.is_dir()
    assert list((store.root / "samples").rglob("*.parquet"))


@pytest.mark.slow
def test_a_run_that_is_being_worked_on_is_not_deleted(two: list[Run]) -> None:
    with two[1].hold():
        test = press(with_selected(two, 0), "Delete")
        test.button(key="delete_runs").click().run()
        assert "already working on this run" in " ".join(error.value for error in test.error)
    assert two[1].folder.is_dir()


@pytest.mark.slow
def test_hosted_a_stranger_sees_no_run_and_changes_none(
    two: list[Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRYRUN_HOSTED", "1")
    test = page("runs")
    assert "There is no run here yet" in texts(test)
    test.switch_page("pages/results.py").query_params["run"] = two[0].id
    test.run()
    test.switch_page("pages/runs.py").run()
    assert len(shown(test)["Name"]) == 1, "the one that this session opened"
    test.session_state[str(test.main.dataframe[0].key)] = {"selection": {"rows": [0], "columns": []}}
    test.run()
    assert not {"Name and note", "Archive", "Delete"} & {button.label for button in test.button}
    assert "Only the person who started a run" in texts(test)


@pytest.mark.slow
def test_old_data_directories_and_foreign_files_still_open(two: list[Run]) -> None:
    (two[0].folder / "summary.json").unlink()
    (two[1].folder / "note.json").write_bytes(b"\xff{")
    assert note_of(two[0]) == note_of(two[1]) == RunNote()
    assert len(shown(page("runs"))["Name"]) == 2


@pytest.mark.slow
def test_a_name_that_is_too_long_is_refused(two: list[Run]) -> None:
    with pytest.raises(DryRunError, match="81 characters; 80 are the most"):
        keep_note(two[0], RunNote("x" * 81))
    with pytest.raises(DryRunError, match="There is no run"):
        keep_note(Run(two[0].store, "0" * 32), RunNote("x"))


@pytest.mark.slow
def test_a_note_is_plain_json(two: list[Run]) -> None:
    keep_note(two[0], RunNote("name", "note", archived=True))
    kept = json.loads((two[0].folder / "note.json").read_text())
    assert kept == {"name": "name", "note": "note", "archived": True}


@pytest.mark.slow
def test_the_command_line_shows_the_name(two: list[Run], capsys: pytest.CaptureFixture[str]) -> None:
    keep_note(two[0], RunNote("Second try"))
    assert main(["runs"]) == 0
    assert "Second try" in capsys.readouterr().out


@pytest.mark.slow
def test_profiles_of_whole_datasets_show_how_far_they_are(store: Store, endpoint: FakeEndpoint) -> None:
    part = profiler(store, endpoint, 60, budget=Budget(calls=40), stages=Stages(2, 2, 8, 16))
    asyncio.run(part.run())
    test = page("runs")
    frame = test.main.dataframe[0].value
    assert frame["Shards"].tolist() == ["1 of 4"]
    assert frame["Responses"].tolist() == [40]

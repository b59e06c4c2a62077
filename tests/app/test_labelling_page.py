"""Labelling on the results page: the queue, a single sample, files, who may, and the verdict that follows."""

from __future__ import annotations

from typing import Any

import pytest

from dryrun.core.paths import data_dir
from dryrun.store.labels import Label, Mark, book_of, identities, rows_of
from dryrun.store.partition import Store
from dryrun.store.results import load_results
from tests.helpers.fake_endpoint import FailEvery, FakeEndpoint
from tests.helpers.pages import group, page, texts
from tests.helpers.support import make_run, work


@pytest.fixture
def finished(store: Store, endpoint: FakeEndpoint) -> Any:
    run = make_run(store, endpoint.base_url, rows=60)
    work(run)
    return run


def keys(test: Any) -> set[str]:
    """The keys of all buttons."""
    return {str(button.key) for button in test.button}


@pytest.mark.slow
def test_the_queue_keeps_each_label_with_its_name_and_hides_the_score(finished: Any) -> None:
    test = page("results", run=finished.id, tab="Labels")
    test.text_input(key="label_name").set_value("Ann").run()
    test.button(key="label_start").click().run()
    assert not test.exception
    assert "1 of 20: is this response good?" in str([element.proto for element in test.main.get("progress")])
    for key in ("mark_good", "mark_bad", "mark_skip", "mark_unsure"):
        test.button(key=key).click().run()
        assert not test.exception
    labels = book_of(finished).labels()
    assert [(label.label, label.by) for label in labels] == [
        (Mark.GOOD, "Ann"),
        (Mark.BAD, "Ann"),
        (Mark.UNSURE, "Ann"),
    ]
    assert len({label.identity for label in labels}) == 3
    assert "5 of 20" in str([element.proto for element in test.main.get("progress")])
    assert "2 responses labelled good or bad by 1 person; from 20 on" in texts(test)
    test.button(key="mark_done").click().run()
    assert "mark_good" not in {button.key for button in test.button}


@pytest.mark.slow
def test_a_label_of_the_open_sample_is_kept_changed_and_shown_beside_others(finished: Any) -> None:
    test = page("results", run=finished.id, sample="7.2")
    test.button(key="sample_bad").click().run()
    assert not test.exception
    [label] = book_of(finished).labels()
    assert (label.label, label.by) == (Mark.BAD, "anonymous")
    [place] = rows_of(load_results(finished), {label.identity}).values()
    [seen] = load_results(finished).inspect([place])
    assert (seen.prompt.row, seen.sample.rollout) == (6, 1)
    assert "you: bad" in texts(test)
    book_of(finished).add([Label.of(label.identity, Mark.GOOD, "![x](http://h)")])
    test.run()
    said = texts(test)
    assert "![x](http" in said.replace("\u2060", "")
    assert "as many good as bad" in said
    test.button(key="sample_unsure").click().run()
    assert "you: unsure" in texts(test)


@pytest.mark.slow
def test_while_the_queue_is_open_its_keys_are_its_own(finished: Any) -> None:
    def pressed_by(key: str) -> list[str]:
        return [str(button.key) for button in test.main.button if button.proto.shortcut == key]

    test = page("results", run=finished.id)
    assert pressed_by("g") == ["sample_good"]
    test = page("results", run=finished.id, tab="Labels")
    test.button(key="label_start").click().run()
    assert pressed_by("g") == ["mark_good"]


@pytest.mark.slow
def test_a_call_that_failed_is_called_so_and_cannot_be_labelled(store: Store) -> None:
    with FakeEndpoint(answer=FailEvery(2, 400)) as endpoint:
        run = make_run(store, endpoint.base_url, rows=10)
        work(run)
    test = page("results", run=run.id)
    group(test, "show").set_value("Without a score").run()
    assert not test.exception
    said = texts(test)
    assert "10 of 20 responses" in said
    assert "the call failed · no score" in said
    assert "sample_good" not in keys(test)


@pytest.mark.slow
def test_the_verdict_follows_from_twenty_labels_on(finished: Any) -> None:
    results = load_results(finished)
    score = results.observations().score
    labels = [
        Label.of(name, Mark.BAD if score[row] == 1.0 else Mark.GOOD, "ann")
        for row, name in enumerate(identities(results)[:40])
    ]
    test = page("results", run=finished.id)
    assert "NO-GO" not in test.main.title[0].value
    book_of(finished).add(labels)
    test.run()
    assert "NO-GO" in test.main.title[0].value
    said = texts(test)
    assert "People disagree with the grader" in said
    assert said.count("Read where people and grader differ") == 1, "the cause leaves it to the action"
    test.sidebar.toggle(key="evidence").set_value(False).run()
    assert "NO-GO" not in test.main.title[0].value


@pytest.mark.slow
def test_labels_of_a_file_are_taken_over_and_counted(finished: Any) -> None:
    test = page("results", run=finished.id, tab="Labels")
    file = "".join(f'{{"row": {row}, "response": 1, "label": "good"}}\n' for row in (1, 2, 3)).encode()
    test.file_uploader[0].set_value(("labels.jsonl", file, "application/json")).run()
    test.button(key="labels_import").click().run()
    assert [toast.value for toast in test.toast] == ["3 labels taken over."]
    assert len(book_of(finished).labels()) == 3


@pytest.mark.slow
def test_the_recorded_example_is_labelled_in_the_users_own_data_and_not_on_a_shared_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    test = page("results", tab="Labels")
    test.button(key="label_start").click().run()
    test.button(key="mark_good").click().run()
    assert not test.exception
    assert len(list((data_dir() / "labels").rglob("label-*.jsonl"))) == 1
    monkeypatch.setenv("DRYRUN_HOSTED", "1")
    test = page("results", tab="Labels")
    assert "cannot be labelled here" in texts(test)
    assert "label_start" not in {button.key for button in test.button}

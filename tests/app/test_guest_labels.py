"""Labels of people who did not start the run: theirs until its owner accepts them."""

from __future__ import annotations

import pytest

from dryrun.app.shared.loading import load_run
from dryrun.app.shared.session import open_by_name
from dryrun.core.errors import DryRunError
from dryrun.store import access
from dryrun.store.access import (
    accept_guests,
    discard_guests,
    give_to,
    guest_book,
    guest_books,
    hash_of,
    room_for,
)
from dryrun.store.labels import LONGEST_NAME, Label, LabelBook, Mark, book_of, identities, newest
from dryrun.store.partition import Store
from dryrun.store.results import load_results
from dryrun.store.runs import Run
from tests.helpers.fake_endpoint import FakeEndpoint
from tests.helpers.pages import page, texts
from tests.helpers.support import make_run, work

MINE, OTHERS = "a" * 32, "b" * 32


@pytest.fixture(autouse=True)
def _hosted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRYRUN_HOSTED", "1")
    monkeypatch.setattr("dryrun.models.client.hosted", lambda: False)


@pytest.fixture
def run(store: Store, endpoint: FakeEndpoint) -> Run:
    made = make_run(store, endpoint.base_url, rows=60)
    work(made)
    give_to(made, hash_of("browser", MINE))
    return made


def disagree(run: Run, book: LabelBook, by: str) -> None:
    """Put the opposite of what the grader says of forty responses into a book."""
    results = load_results(run)
    score = results.observations().score
    book.add(
        [
            Label.of(name, Mark.BAD if score[row] == 1.0 else Mark.GOOD, by)
            for row, name in enumerate(identities(results)[:40])
        ]
    )


@pytest.mark.slow
def test_a_guests_label_lies_apart_until_the_owner_accepts_it(run: Run) -> None:
    test = page("results", browser=OTHERS, run=run.id, sample="7.2")
    test.button(key="sample_bad").click().run()
    assert not test.exception
    assert "you: bad" in texts(test)
    assert book_of(run).labels() == []
    test = page("results", browser=OTHERS, run=run.id, tab="Labels")
    assert "Your labels are kept apart" in texts(test)
    assert "guests_accept" not in {button.key for button in test.button}
    test = page("results", browser=MINE, run=run.id, tab="Labels")
    assert "1 other person labelled 1 response." in texts(test)
    test.button(key="guests_accept").click().run()
    assert not test.exception
    [label] = book_of(run).labels()
    assert (label.label, label.by[:16]) == (Mark.BAD, "anonymous (guest")
    assert guest_books(run) == []


@pytest.mark.slow
def test_the_owners_verdict_follows_from_what_was_accepted_alone(run: Run) -> None:
    disagree(run, guest_book(run, "c" * 64), "ann")
    test = page("results", browser=MINE, run=run.id)
    assert "NO-GO" not in test.main.title[0].value
    accept_guests(run)
    test.run()
    assert "NO-GO" in test.main.title[0].value


@pytest.mark.slow
def test_what_is_discarded_is_gone(run: Run) -> None:
    disagree(run, guest_book(run, "c" * 64), "ann")
    discard_guests(run)
    assert guest_books(run) == []
    assert accept_guests(run) == 0
    assert book_of(run).labels() == []


@pytest.mark.slow
def test_a_guest_cannot_label_in_the_owners_name_and_is_one_person_however_often_accepted(run: Run) -> None:
    name = identities(load_results(run))[0]
    book_of(run).add([Label.of(name, Mark.GOOD, "Ann")])
    guests = [guest_book(run, digit * 64) for digit in "cd"]
    for mark in (Mark.UNSURE, Mark.BAD):
        for book in guests:
            book.add([Label.of(name, mark, "Ann")])
        assert accept_guests(run) == 2
    by = newest(book_of(run).labels())[name]
    assert {person: label.label for person, label in by.items()} == {
        "Ann": Mark.GOOD,
        "Ann (guest cccc)": Mark.BAD,
        "Ann (guest dddd)": Mark.BAD,
    }


@pytest.mark.slow
def test_the_longest_name_still_says_who_it_is_from(run: Run) -> None:
    name = identities(load_results(run))[0]
    guest_book(run, "c" * 64).add([Label.of(name, Mark.BAD, "x" * LONGEST_NAME)])
    accept_guests(run)
    [label] = book_of(run).labels()
    assert label.by.endswith("x (guest cccc)")
    assert len(label.by) == LONGEST_NAME


@pytest.mark.slow
def test_so_many_guests_wait_and_no_more(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "MOST_GUESTS", 1)
    first, second = (guest_book(run, digit * 64) for digit in "cd")
    room_for(run, first)
    disagree(run, first, "ann")
    room_for(run, first)
    with pytest.raises(DryRunError, match="wait for this run's owner"):
        room_for(run, second)


@pytest.mark.slow
def test_where_the_labels_of_a_visitor_go(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRYRUN_HOSTED", "0")
    assert load_run(open_by_name(run.id))[1].own_labels == book_of(run)

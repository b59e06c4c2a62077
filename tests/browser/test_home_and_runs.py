"""Home and Runs in a real browser: from a card to its verdict, and what is done with the rows of the list."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from dryrun.report.summary import summarise
from dryrun.store.notes import RunNote, keep_note, note_of
from dryrun.store.partition import Store
from dryrun.store.runs import Run
from tests.helpers.browser import App, fill, fits, go, in_look, settled
from tests.helpers.fake_endpoint import FakeEndpoint
from tests.helpers.support import FUZZY, make_run, wait_until, work

HOSTILE = "![x](http://127.0.0.1:1/leak.png) <img src=x> **bold**"
ROW, NAME, BOX = 35, 110, 17
"""Pixels: the height of a row; where, from the left, its name and its box are."""


@pytest.fixture
def two(app: App) -> Iterator[list[Run]]:
    """Two finished runs that a search for ``journey`` finds alone, the newer one last."""
    store = Store(app.data)
    with FakeEndpoint() as endpoint:
        runs = [make_run(store, endpoint.base_url), make_run(store, endpoint.base_url, grader=FUZZY)]
        for number, run in enumerate(runs, 1):
            # On this thread Playwright's own loop is running.
            worker = threading.Thread(target=work, args=(run,))
            worker.start()
            worker.join()
            summarise(run)
            keep_note(run, RunNote(f"Journey {number} {HOSTILE if number == 1 else ''}"))
        yield runs


def click_row(page: Page, row: int, x: int) -> None:
    """Click into a row of the table, counted from 0."""
    settled(page)
    table = page.get_by_test_id("stDataFrame")
    expect(table.get_by_test_id("data-grid-canvas")).to_be_visible()
    table.click(position={"x": x, "y": ROW * (row + 1) + ROW / 2})


def test_home_fits_its_window_and_a_card_leads_to_its_verdict(
    app: App, open_page: Callable[..., Page]
) -> None:
    page = open_page(app.url, color_scheme="dark")
    for scheme in ("dark", "light"):
        in_look(page, scheme)
        for width in (390, 1440):
            page.set_viewport_size({"width": width, "height": 900})
            settled(page)
            expect(page.get_by_role("heading", level=2, name="Recorded examples")).to_be_visible()
            pictures = page.get_by_role("img", name=re.compile("Score distribution: "))
            expect(pictures).to_have_count(4)
            for words in ("GO", "GO, with conditions", "NO-GO, by the grader", "NO-GO, by the data"):
                expect(page.get_by_text(words).filter(visible=True).last).to_be_visible()
            fits(page, width)
    page.get_by_role("link", name="Open the NO-GO by the grader").click()
    expect(page).to_have_url(f"{app.url}/results?run=recorded-grader")
    expect(page.get_by_role("heading", level=1)).to_contain_text("NO-GO")
    expect(
        page.get_by_text(re.compile("too strict", re.IGNORECASE)).filter(visible=True).first
    ).to_be_visible()


def test_rows_are_named_compared_opened_and_deleted(
    app: App, open_page: Callable[..., Page], two: list[Run]
) -> None:
    page = open_page(f"{app.url}/runs?search=journey")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    expect(page.get_by_text(re.compile(r"^2 of \d+ runs|^2 runs")).last).to_be_visible()
    click_row(page, 0, BOX)
    page.get_by_role("button", name="Name and note").click()
    fill(page, "Name", "Journey renamed")
    page.get_by_role("button", name="Save").click()
    wait_until(lambda: note_of(two[1]).name == "Journey renamed")
    expect(page.get_by_role("dialog")).to_have_count(0)

    click_row(page, 1, BOX)
    page.get_by_role("button", name="Compare").click()
    expect(page).to_have_url(f"{app.url}/compare?run={two[0].id}&with={two[1].id}")
    expect(page.get_by_text("First (before): Journey 1 ![x](").last).to_be_visible()
    expect(page.get_by_text("Second (after): Journey renamed").last).to_be_visible()
    expect(page.get_by_text("The graders' texts").last).to_be_visible()

    go(page, "/runs?search=journey")
    click_row(page, 0, NAME)
    expect(page).to_have_url(f"{app.url}/results?run={two[1].id}")
    usual = page.viewport_size
    assert usual is not None
    page.set_viewport_size({"width": 320, "height": 640})
    settled(page)
    words = page.get_by_text("Dry Run Validation", exact=True).last.bounding_box()
    share = page.get_by_role("button", name="Share").bounding_box()
    assert words is not None
    assert share is not None
    assert words["y"] + words["height"] <= share["y"], "the buttons stand below the words, not on them"

    go(page, "/runs?search=journey")
    expect(page.get_by_test_id("stElementToolbar")).to_be_hidden()  # a touch screen shows it over the text
    page.set_viewport_size(usual)
    click_row(page, 1, BOX)
    page.get_by_role("button", name="Delete").click()
    assert two[0].folder.is_dir(), "nothing is deleted before it is confirmed"
    page.get_by_role("button", name="Delete 1 run").click()
    wait_until(lambda: not two[0].folder.exists())
    expect(page.get_by_text(re.compile(r"^1 of \d+ run|^1 run")).last).to_be_visible()
    assert two[1].folder.is_dir()
    assert [url for url in asked if not url.startswith((app.url, "data:", "blob:"))] == []

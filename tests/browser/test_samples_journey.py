"""The samples in a real browser: found, read one after the other, handed on as a link and as a file."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from playwright.sync_api import Locator, Page, expect

from dryrun.store.partition import Store
from dryrun.store.runs import Run
from tests.helpers.browser import App, choose, fill, fits, go, settled
from tests.helpers.fake_endpoint import FakeEndpoint, Reply
from tests.helpers.support import make_run, sum_rows, work

OPEN = re.compile(r"Row [\d,]+, response \d+ of \d+")


def opened(page: Page) -> Locator:
    """The heading of the open sample."""
    return page.get_by_text(OPEN).last


def worked(app: App, answer: Callable[[Any], Reply | str], rows: list[dict[str, Any]]) -> Run:
    """A run in the app's data, done without the app."""

    def do() -> Run:
        with FakeEndpoint(answer=answer) as endpoint:
            run = make_run(Store(app.data), endpoint.base_url, rows=rows)
            work(run)
        return run

    with ThreadPoolExecutor() as aside:  # Playwright's loop runs on this thread
        return aside.submit(do).result()


def click_row(page: Page, number: int) -> None:
    """Click into a row of the table, the first being 0."""
    table = page.locator(".st-key-samples_table")
    expect(table.get_by_test_id("data-grid-canvas")).to_be_visible()
    table.scroll_into_view_if_needed()
    box = table.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 180, box["y"] + 35 * (number + 1) + 17)


def test_a_person_searches_reads_on_by_key_and_hands_on_the_link_and_the_file(
    app: App, open_page: Callable[..., Page]
) -> None:
    page = open_page(f"{app.url}/results?run=recorded&sort=Highest+score+first")
    expect(opened(page)).to_be_visible(timeout=90_000)
    fill(page, "Search", "olden time")
    expect(page.get_by_text("8 of 1,200 responses").last).to_be_visible()
    expect(page).to_have_url(re.compile(r"search=olden\+time"))
    settled(page)
    page.get_by_label("Search", exact=True).blur()
    first = opened(page).inner_text()
    page.keyboard.press("j")
    expect(opened(page)).not_to_have_text(first)
    expect(page).to_have_url(re.compile(r"sample=\d+\.\d+"))
    settled(page)
    second = opened(page).inner_text()
    page.keyboard.press("j")
    expect(opened(page)).not_to_have_text(second)
    settled(page)
    page.keyboard.press("k")
    expect(opened(page)).to_have_text(second)
    settled(page)
    page.get_by_role("button", name="Link").click()
    link = page.get_by_text(f"{app.url}/results?").inner_text()
    fresh = open_page(link)
    expect(opened(fresh)).to_have_text(second)
    expect(fresh.get_by_text("8 of 1,200 responses").last).to_be_visible()
    expect(fresh.get_by_label("Search", exact=True)).to_have_value("olden time")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Export samples").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="These samples (CSV)").click()
    assert (
        download.value.suggested_filename == "samples-all-filtered-reasoning-go-with-conditions-9216f070.csv"
    )
    rows = list(csv.DictReader(io.StringIO(download.value.path().read_text("utf-8"))))
    assert len(rows) == 8
    assert all("olden time" in row["prompt"] for row in rows)
    assert second.split()[1].rstrip(",") in {row["row"] for row in rows}


def test_a_preset_and_a_click_open_a_sample_and_a_label_stays(
    app: App, open_page: Callable[..., Page]
) -> None:
    run = worked(app, lambda body: body["messages"][-1]["content"][:1], sum_rows(40))
    page = open_page(f"{app.url}/results?run={run.id}")
    expect(opened(page)).to_be_visible(timeout=90_000)
    choose(page, "5 highest")
    expect(page.get_by_text("Are they actually good?").last).to_be_visible()
    expect(page).to_have_url(re.compile(r"show=5\+highest"))
    settled(page)
    first = opened(page).inner_text()
    click_row(page, 3)
    expect(opened(page)).not_to_have_text(first)
    settled(page)
    fourth = opened(page).inner_text()
    page.keyboard.press("b")
    expect(page.get_by_text("you: bad").last).to_be_visible()
    expect(opened(page)).to_have_text(fourth)


HOSTILE = "=cmd() http://127.0.0.1:1/a.png ![x](http://127.0.0.1:1/b.png) <img src=http://127.0.0.1:1/c.png>"


def test_hostile_texts_fetch_nothing_and_the_page_keeps_to_its_window(
    app: App, open_page: Callable[..., Page]
) -> None:
    text = f"{HOSTILE} {'long' * 200} \u202eesrever\x00"
    rows = [row | {"topic": f"{HOSTILE}{number % 2}"} for number, row in enumerate(sum_rows(40))]
    run = worked(app, lambda _: Reply(text=text), rows)
    page = open_page("about:blank")
    page.set_viewport_size({"width": 390, "height": 900})
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{app.url}/results?run={run.id}")
    expect(opened(page)).to_be_visible(timeout=90_000)
    expect(page.get_by_text("[U+202E]esrever[U+0000]").filter(visible=True).first).to_be_visible()
    for width in (390, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        settled(page)
        fits(page, width)
        table, sample = page.locator(".st-key-samples_table").bounding_box(), opened(page).bounding_box()
        assert table is not None
        assert sample is not None
        assert (sample["y"] > table["y"] + table["height"]) == (width == 390)
    assert [url for url in asked if not url.startswith((app.url, "data:", "blob:", "about:"))] == []


HEBREW = "תשובה ABC שלום"
LEFT = """(element, [text, from]) => {
  const nodes = document.createTreeWalker(element, NodeFilter.SHOW_TEXT)
  let node = nodes.nextNode()
  while (node && !node.data.includes(text)) node = nodes.nextNode()
  const range = document.createRange(), at = node.data.indexOf(text) + from
  range.setStart(node, at)
  range.setEnd(node, at + 1)
  return range.getBoundingClientRect().left
}"""


def left(element: Locator, text: str, behind: int = 0) -> float:
    """Where a character is drawn: so many behind the beginning of this text."""
    return float(element.evaluate(LEFT, [text, behind]))


def test_hebrew_begins_at_the_right_and_turns_nothing_around_it(
    app: App, open_page: Callable[..., Page]
) -> None:
    run = worked(app, lambda _: HEBREW, sum_rows(6))
    page = open_page(f"{app.url}/run?run={run.id}")
    line = page.get_by_text("First answer:").filter(visible=True)
    expect(line).to_contain_text(HEBREW)
    behind = '"; '
    assert left(line, "שלום") < left(line, behind, len(behind)), "the number of tokens"

    go(page, f"/results?run={run.id}")
    response = page.locator(".stCode", has_text=HEBREW).filter(visible=True).first
    assert left(response, "ת") > left(response, "ABC")

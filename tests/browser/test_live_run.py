"""A live run watched to its verdict in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from dryrun.store.notes import RunNote, keep_note
from dryrun.store.partition import Store
from tests.helpers.browser import App, fill, fits, settled
from tests.helpers.fake_endpoint import FakeEndpoint
from tests.helpers.support import EXACT, make_run

HOSTILE = "<img src=x onerror=alert(1)> ![x](http://127.0.0.1:1/leak.png) **bold**"
HISTOGRAM = '.stVegaLiteChart[aria-label^="Score histogram"] svg'
RUNNING = '.stVegaLiteChart[aria-label^="The running mean"] svg'
TOAST = """() => document.querySelector("[data-testid=stToast]")?.innerText
  .includes("its verdict stands on this page")"""
"""Asked at each frame: it goes away after some seconds."""
DRAWINGS = f"{HISTOGRAM}, {RUNNING}"
ROOM = """selector => [...document.querySelectorAll(selector)].every(drawing => {
  const edge = drawing.getBoundingClientRect().right - 3
  return [...drawing.querySelectorAll("text")].every(text => text.getBoundingClientRect().right <= edge)
})"""
"""Asked of a page: whether in its drawings all words and numbers end before the right edge, with room for
a font a little wider."""


def answer(body: dict[str, object]) -> str:
    """Right for every other prompt, else text that would do harm as HTML or Markdown."""
    number = int(str(body["messages"][0]["content"]).split()[0])  # type: ignore[index]
    return str(2 * number + 1) if number % 2 else HOSTILE


def mark_charts(page: Page) -> None:
    """Leave a mark in both drawings: a chart that is drawn anew loses it."""
    expect(page.locator(DRAWINGS)).to_have_count(2)
    settled(page)
    page.wait_for_function(ROOM, arg=DRAWINGS)  # a chart follows the window's width when it has time
    page.locator(DRAWINGS).evaluate_all("drawings => drawings.forEach(one => one.dataset.mark = 'x')")


def test_a_run_is_watched_to_its_verdict_and_results_follow_by_themselves(
    app: App, open_page: Callable[..., Page]
) -> None:
    with FakeEndpoint(answer=answer) as endpoint:
        endpoint.hold()
        run = make_run(Store(app.data), endpoint.base_url, rows=60, grader=EXACT, concurrency=8)
        keep_note(run, RunNote(f"Watched {HOSTILE}"[:80]))
        page = open_page(f"{app.url}/run?run={run.id}", color_scheme="dark")
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        expect(page.get_by_role("heading", level=1)).to_contain_text("Watched <img src=x")
        results = open_page(f"{app.url}/results?run={run.id}")
        expect(results.get_by_role("heading", level=1)).to_contain_text("Not finished")
        fill(page, "API key", "sk-test-key")
        page.get_by_role("button", name="Start", exact=True).click()
        card = page.get_by_role("heading", level=2, name="Measuring")
        expect(card).to_be_visible()
        expect(page.get_by_text("There is nothing to judge yet").last).to_be_visible()
        expect(results.get_by_role("heading", level=1)).to_contain_text("Measuring")

        endpoint.hold(after=60)
        expect(page.get_by_text("Responses: 60 of 120").last).to_be_visible()
        expect(page.get_by_text(re.compile("so far, 95 % interval")).last).to_be_visible()
        page.wait_for_function("document.title == '50% · prompts'")
        expect(page.get_by_text(HOSTILE).or_(page.get_by_text("Newest responses")).last).to_be_visible()
        mark_charts(page)
        endpoint.hold(after=40)
        expect(page.get_by_text("Responses: 100 of 120").last).to_be_visible()
        expect(page.locator(f"{HISTOGRAM}[data-mark], {RUNNING}[data-mark]")).to_have_count(2)
        expect(card).to_be_visible()
        for scheme, width in (("light", 1400), ("dark", 390)):
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            mark_charts(page)
            fits(page, width)

        expect(results.get_by_text(re.compile(r"[1-9]\d* responses with a score")).last).to_be_visible()
        expect(results.get_by_role("heading", level=1)).to_contain_text(re.compile("so far|Measuring"))

        endpoint.release()
        page.wait_for_function(TOAST)
        verdict = page.get_by_role("heading", level=2, name=re.compile("^(?!Measuring).*GO"))
        expect(verdict).to_be_visible()
        page.wait_for_function("/^(GO|NO-GO).* · prompts$/.test(document.title)")
        expect(page).to_have_url(f"{app.url}/run?run={run.id}")
        fits(page, 390)
        page.get_by_role("button", name="See the results", exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("GO")
        expect(results.get_by_role("heading", level=1)).to_contain_text("GO")
        expect(results.get_by_role("heading", level=1)).not_to_contain_text("so far")
        assert [url for url in asked if not url.startswith((app.url, "data:", "blob:"))] == []

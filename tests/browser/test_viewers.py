"""A run and those who look at it: whatever becomes of a page, the run goes on and all see the same."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Locator, Page, WebSocketRoute, expect

from dryrun.store.partition import Store
from tests.helpers.browser import App, fill, start_app
from tests.helpers.fake_endpoint import FakeEndpoint
from tests.helpers.support import make_run, wait_until

SOME = 8
"""Calls answered between two looks at a page."""


@pytest.fixture
def held() -> Iterator[FakeEndpoint]:
    """Answers a few calls whenever a test lets it: a run of hundreds outlives every look at it."""
    with FakeEndpoint() as endpoint:
        endpoint.hold()
        yield endpoint


def start(app: App, base_url: str, open_page: Callable[..., Page], rows: int = 200, key: str = "") -> Page:
    """The page of a run of four calls for each row that has just begun, four at a time."""
    run = make_run(Store(app.data), base_url, rows=rows, rollouts=4, concurrency=4)
    page = open_page(f"{app.url}/run?run={run.id}")
    if key:
        fill(page, "API key", key)
    page.get_by_role("button", name="Start").click()
    return page


def progress(page: Page) -> Locator:
    """The line with the counts; while the page is drawn anew, the old one may still stand above it."""
    return page.get_by_text(re.compile(r"Responses: [\d,]+ of 800")).last


def done(page: Page) -> int:
    """How many responses the page says there are."""
    line = progress(page)
    expect(line).to_be_visible()
    found = re.search(r"Responses: ([\d,]+) of", line.inner_text())
    assert found is not None
    return int(found[1].replace(",", ""))


def goes_on(page: Page, endpoint: FakeEndpoint) -> None:
    """The page itself shows further responses, without being touched."""
    before = done(page)
    endpoint.hold(after=SOME)
    page.wait_for_function(
        "before => document.body.innerText.match(/Responses: ([\\d,]+) of/)?.[1] > before", arg=before
    )


def test_a_run_goes_on_through_reload_other_pages_and_a_lost_connection(
    app: App, open_page: Callable[..., Page], held: FakeEndpoint
) -> None:
    started = start(app, held.base_url, open_page)
    goes_on(started, held)
    started.reload()
    goes_on(started, held)
    started.get_by_role("link", name="New run").first.click()
    expect(started.get_by_role("heading", name="New run", level=1)).to_be_visible()
    started.get_by_role("link", name="Run", exact=True).first.click()
    goes_on(started, held)

    connections: list[tuple[WebSocketRoute, WebSocketRoute]] = []

    def pass_on(route: WebSocketRoute) -> None:
        connections.append((route, route.connect_to_server()))

    started.route_web_socket(re.compile("_stcore/stream"), pass_on)
    started.reload()
    goes_on(started, held)
    before = done(started)
    held.hold(after=SOME)
    for end in connections[-1]:
        end.close()
    expect(progress(started)).to_be_visible()
    wait_until(lambda: done(started) > before, 60)  # the browser waits longer before each new attempt
    assert len(connections) > 1

    other = open_page(started.url)
    goes_on(other, held)
    other.get_by_role("button", name="Cancel run").click()
    for page in (other, started):
        expect(page.get_by_text("Everything done so far is kept").last).to_be_visible()
    wait_until(lambda: done(other) == done(started) < 800)
    wait_until(lambda: held.in_flight == 0)

    other.get_by_role("button", name="Resume").click()
    expect(started.get_by_role("button", name="Cancel run")).to_be_visible()
    goes_on(started, held)
    other.get_by_role("button", name="Cancel run").click()
    expect(started.get_by_text("Everything done so far is kept").last).to_be_visible()


@pytest.mark.skipif(os.name != "posix", reason="locks of POSIX")
def test_a_viewer_from_another_server_sees_the_run_and_its_end(
    app: App, open_page: Callable[..., Page], held: FakeEndpoint
) -> None:
    first = start_app(app.data)
    try:
        page = start(first, held.base_url, open_page)
        other = open_page(page.url.replace(first.url, app.url))
        expect(
            other.get_by_text("Another process on this machine is working on this run").last
        ).to_be_visible()
        goes_on(other, held)
        expect(other.get_by_role("button", name="Cancel run")).to_have_count(0)
    finally:
        first.process.kill()
        first.process.wait(20)
    expect(other.get_by_text("The process that ran it is gone").last).to_be_visible()
    expect(other.get_by_role("button", name="Resume")).to_be_visible()


def test_a_key_typed_in_one_browser_is_in_no_other_and_not_on_disk(
    app: App, open_page: Callable[..., Page]
) -> None:
    key = "sk-typed-by-one-visitor"
    with FakeEndpoint() as mine, FakeEndpoint() as yours:
        page = start(app, mine.base_url, open_page, 10, key)
        unfinished = make_run(Store(app.data), yours.base_url, rows=10)
        other = open_page(f"{app.url}/run?run={unfinished.id}")
        expect(other.get_by_label("API key", exact=True)).to_have_value("")
        other.get_by_role("button", name="Start").click()
        for each in (page, other):
            each.get_by_role("button", name="See the results", exact=True).wait_for(timeout=60_000)
        assert {headers["Authorization"] for headers in yours.headers} == {"Bearer none"}
        assert {headers["Authorization"] for headers in mine.headers} == {f"Bearer {key}"}
    kept = b"".join(path.read_bytes() for path in app.data.rglob("*") if path.is_file())
    assert key.encode() not in kept

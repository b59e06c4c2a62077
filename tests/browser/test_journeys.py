"""Whole journeys: what a person does, in a real browser."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.helpers.browser import App, choose, fill, go, settled
from tests.helpers.fake_endpoint import FakeEndpoint, Reply
from tests.helpers.support import sum_rows, wait_until, write_jsonl

LONG = 900_000
"""Milliseconds: the embedded model takes one minute, or many where other tests take its processors."""


def configure_endpoint(page: Page, rows: Path, endpoint: FakeEndpoint, key: str = "sk-test-key") -> None:
    """Upload a dataset, choose the exact grader and a loopback endpoint."""
    page.locator("input[type=file]").first.set_input_files(str(rows))
    expect(page.get_by_text(re.compile(r"^\d+ rows$")).last).to_be_visible()
    settled(page)
    grader = page.get_by_label("Begin with", exact=True)
    grader.click()
    grader.press_sequentially("exact:")
    grader.press("Enter")
    expect(page.get_by_text("Pays 1 when the response is exactly").last).to_be_visible()
    page.locator("summary", has_text="Model:").click()
    choose(page, "OpenAI-compatible endpoint")
    fill(page, "Base URL", endpoint.base_url)
    fill(page, "API key", key)
    fill(page, "Model name", "fake")


@pytest.mark.slow
def test_a_stranger_presses_one_button_and_reads_a_verdict(app: App, open_page: Callable[..., Page]) -> None:
    page = open_page(app.url)
    page.get_by_role("button", name="Quick run here").click()
    expect(page).to_have_url(re.compile(r"/run\?run=[0-9a-f]{32}"))
    page.get_by_role("button", name="See the results", exact=True).click(timeout=LONG)
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_contain_text(re.compile(r"Dry Run Validation.*(GO|NO-GO)"))
    expect(page.get_by_text("120 responses with a score").last).to_be_visible()
    expect(page.get_by_test_id("stMetric").first).to_contain_text(re.compile(r"Mean\s*0\.\d\d"))
    expect(page.get_by_role("heading", name="Score distribution")).to_be_visible()
    page.get_by_role("tab", name="Topics").click()
    expect(page.locator('.stVegaLiteChart[aria-label^="Mean score by topic"]')).to_be_visible()


def test_a_link_of_the_first_version_leads_to_its_page_in_the_menu(
    app: App, open_page: Callable[..., Page]
) -> None:
    page = open_page(f"{app.url}/home")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Dry Run")
    expect(page).to_have_url(f"{app.url}/")
    go(page, "/?run=recorded&mean_low=0.85")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Dry Run Validation")
    expect(page).to_have_url(f"{app.url}/results?run=recorded&mean_low=0.85")
    settled(page)
    expect(page.get_by_text("Page not found")).to_have_count(0)
    menu = page.get_by_test_id("stTopNavLink")
    expect(menu).to_contain_text(["Home", "New run", "Run", "Results", "Runs", "Compare"])


def test_a_run_outlives_its_page_and_is_cancelled_and_resumed(
    app: App, open_page: Callable[..., Page], tmp_path: Path
) -> None:
    rows = write_jsonl(tmp_path / "rows.jsonl", sum_rows(60))
    with FakeEndpoint() as endpoint:
        endpoint.hold(after=20)
        page = open_page(f"{app.url}/configure")
        configure_endpoint(page, rows, endpoint)
        page.get_by_role("button", name="Start", exact=True).click()
        page.get_by_role("button", name="Cancel run").wait_for()
        expect(page.get_by_text("Generating and grading.").last).to_be_visible()
        expect(page.get_by_text("Responses: 20 of 240").last).to_be_visible()
        link = page.url
        page.close()
        before = endpoint.calls
        endpoint.hold(after=40)
        wait_until(lambda: endpoint.calls >= before + 40)

        again = open_page(link)
        expect(again.get_by_text("Responses: 60 of 240").last).to_be_visible()
        again.get_by_role("button", name="Cancel run").click()
        expect(again.get_by_text("Everything done so far is kept").last).to_be_visible()
        wait_until(lambda: endpoint.in_flight == 0)
        lost = endpoint.calls - 60
        endpoint.release()
        fill(again, "API key", "sk-test-key")
        again.get_by_role("button", name="Resume").click()
        again.get_by_role("button", name="See the results", exact=True).click(timeout=60_000)
        expect(again.get_by_text("240 responses with a score").last).to_be_visible()
        assert endpoint.calls == 240 + lost, "no answered call is made again; those in flight are"
        assert "sk-test-key" not in again.url
    held = [path for path in app.data.rglob("*") if path.is_file() and b"sk-test-key" in path.read_bytes()]
    assert held == [], "the key is nowhere on disk"


def test_the_buttons_beside_and_under_the_verdict_do_what_they_say(
    app: App, open_page: Callable[..., Page]
) -> None:
    page = open_page(f"{app.url}/results?run=recorded&mean_low=0.85")
    page.get_by_role("button", name="Export").first.click()
    for form, start in (("PNG", b"\x89PNG"), ("SVG", b"<svg ")):
        with page.expect_download() as download:
            page.get_by_role("button", name=f"Histogram ({form})").click()
        name = rf"scores-reasoning-no-go[-a-z0-9]*\.{form.lower()}"
        assert re.fullmatch(name, download.value.suggested_filename)
        assert download.value.path().read_bytes().startswith(start)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="View High Scores").click()
    expect(page.get_by_text("Are they actually good?").last).to_be_visible()
    page.get_by_role("button", name="Review Samples").click()
    expect(page.get_by_text("Are they actually bad?").last).to_be_visible()
    settled(page)  # until the samples are in view: what moves later would take the open menu out of it
    page.get_by_role("button", name="Try SFT").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download SFT rows").click()
    rows = [json.loads(line) for line in download.value.path().read_text("utf-8").splitlines()]
    assert rows
    assert all(row["messages"][-1]["role"] == "assistant" for row in rows)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Adjust Grader").click()
    expect(page.get_by_role("textbox", name="Grader, JSON")).to_contain_text("combined")


HOSTILE = "<img src=x onerror=alert(1)> ![x](http://127.0.0.1:1/leak.png) **bold** $x$ :red[r] "
HOSTILE += "<script>alert(2)</script>"


def test_hostile_text_stays_text(app: App, open_page: Callable[..., Page], tmp_path: Path) -> None:
    rows = [
        {
            "messages": [{"role": "user", "content": f"{HOSTILE} {number}"}],
            "reference_answer": HOSTILE,
            "topic": f"{HOSTILE} {number % 2}",
        }
        for number in range(40)
    ]
    path = write_jsonl(tmp_path / "![x](http:__127.0.0.1_leak.png).jsonl", rows)
    with FakeEndpoint(answer=lambda _: Reply(text=HOSTILE)) as endpoint:
        page = open_page(f"{app.url}/configure")
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("dialog", lambda dialog: asked.append(f"dialog {dialog.message}"))
        configure_endpoint(page, path, endpoint)
        page.get_by_role("button", name="Start", exact=True).click()
        page.get_by_role("button", name="See the results", exact=True).click(timeout=60_000)
        expect(page.get_by_role("heading", name="Samples")).to_be_visible()
        settled(page)
        # The table holds the text too, in cells for screen readers, which are not visible.
        expect(page.get_by_text("<img src=x onerror=alert(1)>").filter(visible=True).first).to_be_visible()
        for tab in ("Topics", "Grader", "Training signal", "Details"):
            page.get_by_role("tab", name=tab).click()
            settled(page)
        expect(page.get_by_role("heading", name="Configuration")).to_be_visible()
        assert page.locator("img[src*=leak], img[src='x']").count() == 0
        assert [url for url in asked if not url.startswith((app.url, "data:", "blob:"))] == []

"""Labelling in a real browser: by keyboard, from the queue to what the labels say."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.helpers.browser import App, fill, settled


def test_a_person_labels_by_keyboard_and_reads_how_far_the_grader_agrees(
    app: App, open_page: Callable[..., Page]
) -> None:
    page = open_page(f"{app.url}/results?run=recorded&min_labels=3&tab=Labels")
    fill(page, "Your name", "bug")  # its letters are shortcuts of the queue, but not while one types
    settled(page)
    page.get_by_role("button", name="Label 20 samples").click()
    for number, key in enumerate("gbgus", 1):
        expect(page.get_by_text(f"{number} of 20: is this response good?").last).to_be_visible()
        settled(page)
        page.keyboard.press(key)
    expect(page.get_by_text("6 of 20: is this response good?").last).to_be_visible()
    page.get_by_role("button", name="Done").click()
    expect(page.get_by_text("3 responses labelled good or bad by 1 person.").last).to_be_visible()
    expect(
        page.get_by_text(re.compile("The grader (rejects|accepts)")).filter(visible=True).first
    ).to_be_visible()
    page.get_by_text("Labels as a file").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Labels (JSONL)").click()
    text = download.value.path().read_text("utf-8")
    assert len(text.splitlines()) == 4
    assert text.count('"by":"bug"') == 4

"""The results page on a laptop, in a small window and on a phone: charts that can be read, no warnings."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.helpers.browser import App


@pytest.mark.parametrize("width", [1280, 900, 420])
def test_charts_have_room_for_their_words(app: App, open_page: Callable[..., Page], width: int) -> None:
    warned: list[str] = []
    page = open_page(app.url)  # another page first: the console is heard from the start of the next one
    page.on("console", lambda message: warned.append(message.text) if "WARN" in message.text else None)
    page.set_viewport_size({"width": width, "height": 1000})
    page.goto(f"{app.url}/results?run=recorded")
    expect(page.get_by_role("heading", name="Report")).to_be_visible()
    low, high = (page.locator("svg text", has_text=words) for words in ("NO-GO < 0.10", "> 0.90 NO-GO"))
    expect(low).to_be_visible()
    left, right = low.bounding_box(), high.bounding_box()
    assert left is not None
    assert right is not None
    assert left["x"] + left["width"] < right["x"], "the labels of the limits do not meet"
    for words in ("right answers", "the model", "worthless answers"):  # the whole legend, not its first entry
        expect(page.locator("svg text", has_text=words).first).to_be_visible()
    assert warned == []

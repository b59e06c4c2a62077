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
    over = page.locator("svg text", has_text="mean must be over 0.10 and under 0.90")
    expect(over).to_be_visible()
    words, plot = over.bounding_box(), page.locator(".stVegaLiteChart").first.bounding_box()
    assert words is not None
    assert plot is not None
    assert plot["x"] <= words["x"], "nothing is cut off"
    assert words["x"] + words["width"] <= plot["x"] + plot["width"]
    page.get_by_role("tab", name="Grader").click()
    for kind in ("right answers", "the model", "worthless answers"):  # the whole legend, not its first entry
        expect(page.locator("svg text", has_text=kind).first).to_be_visible()
    assert warned == []

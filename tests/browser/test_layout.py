"""The results page on a laptop, in a small window and on a phone: charts that can be read, no warnings."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.helpers.browser import App, fits, go, in_look, settled

LONGEST = """note => {
  const text = note.querySelector("p").firstChild
  text.data = "weakest: how closely scores follow right answers"
  return [...note.querySelectorAll("*")].every(part => part.scrollWidth <= part.clientWidth)
}"""


def test_charts_and_what_stands_below_a_figure_have_room_for_their_words(
    app: App, open_page: Callable[..., Page]
) -> None:
    warned: list[str] = []
    page = open_page(app.url)  # another page first: the console is heard from the start of the next one
    page.on("console", lambda message: warned.append(message.text) if "WARN" in message.text else None)
    page.set_viewport_size({"width": 420, "height": 1000})
    page.goto(f"{app.url}/results?run=recorded")
    page.get_by_role("tab", name="Grader").click()
    for width in (420, 900, 1280):
        page.set_viewport_size({"width": width, "height": 1000})
        over = page.locator("svg text", has_text="mean must be over 0.10 and under 0.90")
        expect(over).to_be_visible()
        settled(page)
        fits(page, width)
        verdict = page.locator("h1 [data-heading-text] > span").nth(1)
        assert verdict.evaluate("span => span.getClientRects().length") == 1, "icon and word stand in a line"
        words, plot = over.bounding_box(), page.locator(".stVegaLiteChart").first.bounding_box()
        assert words is not None
        assert plot is not None
        assert plot["x"] <= words["x"], "nothing is cut off"
        assert words["x"] + words["width"] <= plot["x"] + plot["width"]
        last = page.locator(".stVegaLiteChart svg text", has_text="1.0").first.bounding_box()
        assert last is not None
        assert last["x"] + last["width"] + 3 <= plot["x"] + plot["width"], "room for a font a little wider"
        for kind in ("right answers", "the model", "worthless answers"):  # all of the legend
            expect(page.locator("svg text", has_text=kind).first).to_be_visible()
    assert warned == []
    notes = page.locator("[data-testid=stMetricDelta]")
    expect(notes).to_have_count(4)
    page.set_viewport_size({"width": 1400, "height": 1000})
    assert notes.nth(2).evaluate(LONGEST)


FIRST_VIEW = (
    "h1",
    ".st-key-hero_words p >> nth=0",
    ".st-key-next_steps button >> nth=0",
    ".stVegaLiteChart >> nth=0",
    ".stMetric >> nth=0",
    "[role=tablist]",
    ".st-key-samples_table",
)
"""On a phone these stand below each other in this order."""


def test_results_on_a_phone_are_three_screens_and_a_button_brings_its_samples_into_view(
    app: App, open_page: Callable[..., Page]
) -> None:
    height = 844
    page = open_page(f"{app.url}/results?run=recorded", width=390, height=height, color_scheme="dark")
    for example in ("recorded", "recorded-grader", "recorded-data", "recorded-go"):
        go(page, f"/results?run={example}")
        expect(page.locator(".stVegaLiteChart svg")).to_be_visible()
        settled(page)
        for part in FIRST_VIEW:
            expect(page.locator(part)).to_be_visible()
        tops = [box["y"] for part in FIRST_VIEW if (box := page.locator(part).bounding_box())]
        assert len(tops) == len(FIRST_VIEW)
        assert tops == sorted(tops)
        title, menu = page.locator("[data-heading-text] > span").first, page.locator(".st-key-export")
        words, button = title.bounding_box(), menu.bounding_box()
        assert words is not None
        assert button is not None
        assert words["x"] + words["width"] <= button["x"], "the menu stands beside the title, not on it"
        assert page.evaluate("document.querySelector('.stMain').scrollHeight") <= 3.05 * height, example
    in_look(page, "dark")
    expect(page.locator(".st-key-samples_table")).not_to_be_in_viewport()
    page.get_by_role("button", name="View Low Scores").click()
    expect(page.locator(".st-key-samples_table")).to_be_in_viewport()
    expect(page.get_by_role("radio", name="5 lowest")).to_be_checked()

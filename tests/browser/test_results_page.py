"""The results page in a real browser: what the link keeps, what a moved threshold redraws, what fits."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.helpers.browser import App, fill, fits, go, in_look, settled

CHART = ".stVegaLiteChart[aria-label^='Score histogram']"
TABS = ("Samples", "Topics", "Grader", "Training signal", "Labels", "Details")


def test_a_copied_link_shows_the_same_in_a_fresh_browser(app: App, open_page: Callable[..., Page]) -> None:
    page = open_page(f"{app.url}/results?run=recorded")
    fill(page, "Std at least", "0.4")
    expect(page.get_by_role("heading", level=1)).to_contain_text("NO-GO")
    settled(page)
    page.locator(f"{CHART} .mark-rect path[aria-roledescription=bar]").first.click()
    expect(page.get_by_role("button", name="Scores 0.00 to 0.05")).to_be_visible()
    page.get_by_role("tab", name="Training signal").click()
    expect(page).to_have_url(re.compile("tab=Training"))
    settled(page)
    assert set(re.findall(r"[?&](\w+)=", page.url)) >= {"run", "std_low", "bars", "tab"}
    assert "mean_low" not in page.url, "what stands at its default is not in the link"

    other = open_page(page.url)
    expect(other.get_by_role("heading", level=1)).to_contain_text("NO-GO")
    expect(other).to_have_title("NO-GO · reasoning.jsonl")
    expect(other.get_by_label("Std at least", exact=True).last).to_have_value("0.40")
    expect(other.get_by_role("tab", name="Training signal")).to_have_attribute("aria-selected", "true")
    expect(other.get_by_role("heading", name="What training groups would see")).to_be_visible()
    other.get_by_role("tab", name="Samples").click()
    other.get_by_role("button", name="Scores 0.00 to 0.05").click()
    expect(other).not_to_have_url(re.compile("bars="))


def test_thresholds_move_lines_in_a_chart_that_stays_and_stand_in_the_link(
    app: App, open_page: Callable[..., Page]
) -> None:
    page = open_page(f"{app.url}/results?run=recorded&mean_low=0.85")
    expect(page.get_by_role("heading", level=1)).to_contain_text("NO-GO")
    beneath = page.get_by_label("Mean at least", exact=True)
    expect(beneath.last).to_have_value("0.85")
    expect(page.locator(f"{CHART} svg")).to_be_visible()
    settled(page)
    page.evaluate(f"""document.querySelector("{CHART} svg").dataset.drawn = "once" """)
    for value, verdict in (("0.12", " GO"), ("0.85", " NO-GO"), ("0.02", " GO")):
        fill(page, "Mean at least", value)
        expect(page.locator("svg text", has_text=f"mean must be over {value} ")).to_be_visible()
        expect(page.get_by_role("heading", level=1)).to_contain_text(verdict)
        expect(page).to_have_url(re.compile(f"mean_low={value}"))
        expect(beneath.first).to_have_value(value)
        settled(page)
    page.get_by_role("button", name="Reset thresholds").click()
    expect(page).to_have_url(f"{app.url}/results?run=recorded")
    settled(page)
    assert page.locator(f"{CHART} svg").get_attribute("data-drawn") == "once"

    link = page.get_by_role("link", name="See the study").filter(visible=True)
    expect(link).to_have_attribute("href", "evidence")  # it holds behind a base path too
    with page.context.expect_page() as opened:
        link.click()
    expect(opened.value).to_have_url(f"{app.url}/evidence")
    expect(opened.value.get_by_role("heading", level=1)).to_have_text("Does GO predict that training learns?")
    picture = opened.value.get_by_role("img", name="Signal Index against gain")
    expect(picture).to_have_js_property("complete", True)
    expect(picture).not_to_have_js_property("naturalWidth", 0)
    expect(opened.value.get_by_test_id("stTopNavLink")).to_have_count(6)
    expect(page).to_have_url(f"{app.url}/results?run=recorded")


def test_the_first_level_fits_one_screen_and_a_fifth(app: App, open_page: Callable[..., Page]) -> None:
    page = open_page(f"{app.url}/results?run=recorded", width=1440, height=900)
    for changed in ("", "&mean_low=0.85", "&min_prompts=999", "&std_low=0.5"):
        go(page, f"/results?run=recorded{changed}")
        expect(page.get_by_role("tab", name="Samples")).to_be_visible()
        expect(page.locator(f"{CHART} svg")).to_be_visible()
        settled(page)
        row = page.get_by_role("tablist").bounding_box()
        button = page.get_by_role("button", name=re.compile("View High|Review")).first.bounding_box()
        assert row is not None
        assert button is not None
        assert row["y"] <= 1.2 * 900, changed
        assert button["y"] + button["height"] <= 900 / 2, "what to do next is in view at once"
        fits(page, 1440)


def test_no_tab_is_wider_than_a_phone_in_both_looks(app: App, open_page: Callable[..., Page]) -> None:
    page = open_page(f"{app.url}/results?run=recorded", width=390, height=844)
    looks = ["light", "dark"]
    for tab in TABS:
        page.get_by_role("tab", name=tab).click()
        for scheme in looks:
            in_look(page, scheme)
            fits(page, 390)
        looks.reverse()  # the next tab is seen first in the look that this one is left in
    page.get_by_role("tab", name="Topics").click()
    plot = page.locator(".stVegaLiteChart[aria-label^='Mean score by topic'] svg")
    expect(plot).to_be_visible()
    box = plot.bounding_box()
    assert box is not None
    assert box["width"] > 250, "room for the marks on a phone"

"""The results page in a real browser: what the link keeps, what a moved threshold redraws, what fits."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.helpers.browser import App, fill, settled

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


def test_a_moved_threshold_moves_lines_in_a_chart_that_stays(
    app: App, open_page: Callable[..., Page]
) -> None:
    page = open_page(f"{app.url}/results?run=recorded")
    expect(page.locator(f"{CHART} svg")).to_be_visible()
    settled(page)
    page.evaluate(f"""document.querySelector("{CHART} svg").dataset.drawn = "once" """)
    for value, verdict in (("0.12", "GO"), ("0.85", "NO-GO"), ("0.10", "GO")):
        fill(page, "Mean at least", value)
        expect(page.locator("svg text", has_text=f"mean must be over {value} ")).to_be_visible()
        expect(page.get_by_role("heading", level=1)).to_contain_text(verdict)
        settled(page)
    assert page.locator(f"{CHART} svg").get_attribute("data-drawn") == "once"


def test_the_distribution_is_handed_out_as_a_picture(app: App, open_page: Callable[..., Page]) -> None:
    page = open_page(f"{app.url}/results?run=recorded")
    page.get_by_role("button", name="Export").first.click()
    for form, start in (("PNG", b"\x89PNG"), ("SVG", b"<svg ")):
        with page.expect_download() as download:
            page.get_by_role("button", name=f"Histogram ({form})").click()
        name = rf"scores-reasoning-go[-a-z0-9]*\.{form.lower()}"
        assert re.fullmatch(name, download.value.suggested_filename)
        assert download.value.path().read_bytes().startswith(start)


@pytest.mark.parametrize("changed", ["", "&mean_low=0.85", "&min_prompts=999", "&std_low=0.5"])
def test_the_first_level_fits_one_screen_and_a_fifth(
    app: App, open_page: Callable[..., Page], changed: str
) -> None:
    page = open_page(f"{app.url}/results?run=recorded{changed}", width=1440, height=900)
    expect(page.get_by_role("tab", name="Samples")).to_be_visible()
    expect(page.locator(f"{CHART} svg")).to_be_visible()
    settled(page)
    row = page.get_by_role("tablist").bounding_box()
    button = page.get_by_role("button", name=re.compile("View High|Review")).first.bounding_box()
    assert row is not None
    assert button is not None
    assert row["y"] <= 1.2 * 900
    assert button["y"] + button["height"] <= 900 / 2, "what to do next is in view at once"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_tab_is_wider_than_a_phone(app: App, open_page: Callable[..., Page], scheme: str) -> None:
    page = open_page(f"{app.url}/results?run=recorded", color_scheme=scheme)
    page.set_viewport_size({"width": 390, "height": 844})
    for tab in TABS:
        page.get_by_role("tab", name=tab).click()
        settled(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, tab
    page.get_by_role("tab", name="Topics").click()
    plot = page.locator(".stVegaLiteChart[aria-label^='Mean score by topic'] svg")
    expect(plot).to_be_visible()
    box = plot.bounding_box()
    assert box is not None
    assert box["width"] > 250, "room for the marks on a phone"


def test_a_link_beside_the_verdict_opens_the_study_in_a_page_of_its_own(
    app: App, open_page: Callable[..., Page]
) -> None:
    page = open_page(f"{app.url}/results?run=recorded")
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

"""The HTML report in a real browser: on paper, and on a phone."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from dryrun.report import Report, render_html
from dryrun.report.fields import SampleEntry
from tests.report.test_html import full_report

OVER = """() => [...document.querySelectorAll('main *')].filter(one => {
  const hides = getComputedStyle(one).overflowX !== 'visible' && one.scrollWidth > one.clientWidth + 1
  return hides || one.getBoundingClientRect().right > innerWidth + 1
}).map(one => one.outerHTML.slice(0, 120))"""
"""What reaches past the page, or hides a part of itself."""
A4 = {"width": 794, "height": 1123}
PHONE = {"width": 390, "height": 844}


def with_endless_words() -> Report:
    """A report whose names, prompts and responses have no place to break a line."""
    endless = SampleEntry(score=0.5, row=1, topic="t", prompt="x" * 600, response="https://a.b/" + "y" * 600)
    return full_report("t" * 200, "rows" * 50).model_copy(update={"highest": (endless,) * 5})


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(render_html(with_endless_words()), "utf-8")
    return path.as_uri()


def opened(browser: Browser, file: str, size: dict[str, int]) -> Page:
    page = browser.new_page(viewport=size, color_scheme="dark")  # type: ignore[arg-type]
    page.goto(file)
    return page


def test_on_paper_the_report_is_dark_on_white_and_nothing_is_cut(
    browser: Browser, file: str, tmp_path: Path
) -> None:
    page = opened(browser, file, A4)
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    assert page.evaluate(OVER) == []
    kept = page.evaluate("""() => ['.verdict', 'svg', 'tr', 'li', 'h2'].map(
        one => getComputedStyle(document.querySelector(one)).breakInside)""")
    assert set(kept) == {"avoid"}, "none of these is torn in two"
    assert page.evaluate("getComputedStyle(document.querySelector('h2')).breakAfter") == "avoid"
    page.pdf(path=tmp_path / "report.pdf", prefer_css_page_size=True)
    assert (tmp_path / "report.pdf").read_bytes().count(b"/Type /Page\n") >= 4
    page.close()


def test_on_a_phone_tables_and_charts_scroll_by_themselves(browser: Browser, file: str) -> None:
    page = opened(browser, file, PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    assert page.evaluate("document.querySelector('svg').getBoundingClientRect().width") >= 560
    page.close()

"""New run in a real browser: own data, a judge, the keyboard alone, a phone; how much there is to see."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from dryrun.app.shared import editor
from tests.helpers.browser import App, choose, fill, fits, settled, write_text
from tests.helpers.fake_endpoint import FakeEndpoint
from tests.helpers.support import write_jsonl

EDITOR = "Grader, JSON or Python"
ROWS = [{"task": {"ask": f"How much is {n} + {n}?"}, "gold": str(2 * n)} for n in range(40)]
PYTHON = 'def grade(sample, item):\n    return float(item["reference_answer"] in sample["output_text"])\n'
CONTROLS = """() => {
  const inputs = 'button, a[href], input:not([type=file]), textarea, summary, [contenteditable=true]'
  const all = (root) => [...root.querySelectorAll('*')].flatMap((one) =>
    [...(one.matches(inputs) ? [one] : []), ...(one.shadowRoot ? all(one.shadowRoot) : [])])
  const seen = (one) => one.checkVisibility({ opacityProperty: true, visibilityProperty: true })
    && !one.closest('header, [data-testid=stSidebar], [data-testid=stElementToolbar], [role=menu]')
    && !(one.closest('details:not([open])') && one.tagName !== 'SUMMARY')
    && (one.tabIndex >= 0 || one.isContentEditable) && one.getBoundingClientRect().width > 1
  return all(document.querySelector('[data-testid=stAppViewContainer]')).filter(seen)
    .map((one) => one.getAttribute('aria-label') || one.innerText || one.tagName)
}"""


def opened(app: App, open_page: Callable[..., Page]) -> Page:
    """New run, drawn to the end."""
    page = open_page(f"{app.url}/configure")
    page.set_viewport_size({"width": 1440, "height": 900})
    expect(page.get_by_role("textbox", name=EDITOR)).to_contain_text("combined")
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_enabled()
    settled(page)
    return page


def test_little_is_in_view_at_first_and_a_phone_shows_all_of_it_and_start(
    app: App, open_page: Callable[..., Page]
) -> None:
    page = opened(app, open_page)
    controls = page.evaluate(CONTROLS)
    assert len(controls) <= 10, controls
    last = page.locator("summary", has_text="Model:")
    last.scroll_into_view_if_needed()
    bar = page.get_by_test_id("stBottom")
    for box in (last, bar):
        expect(box).to_be_in_viewport()
    height = page.evaluate(
        "() => { let one = document.querySelector('h1'); "
        "while (!/auto|scroll/.test(getComputedStyle(one).overflowY)) one = one.parentElement; "
        "return one.scrollHeight }"
    )
    assert height > 900, "it is the page that was measured"
    assert height <= 1.5 * 900

    page.set_viewport_size({"width": 390, "height": 844})
    settled(page)
    fits(page, 390)
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_in_viewport()
    for name in ("2. Grader", "3. Model and size"):
        heading = page.get_by_role("heading", name=name)
        heading.scroll_into_view_if_needed()
        expect(heading).to_be_in_viewport()
    room = page.get_by_role("textbox", name=EDITOR).bounding_box()
    assert room is not None
    assert room["width"] > 250


def test_own_data_is_mapped_and_a_broken_source_is_mended_at_its_line(
    app: App, open_page: Callable[..., Page], tmp_path: Path
) -> None:
    page = opened(app, open_page)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    files = page.locator("input[type=file]").first
    files.set_input_files(str(write_jsonl(tmp_path / "own.jsonl", ROWS)))
    page.get_by_role("button", name="as the prompt").click()
    expect(page.get_by_text("40 rows").last).to_be_visible()
    settled(page)
    reference = page.get_by_label("Reference answer", exact=True)
    reference.click()
    reference.press_sequentially("gold")
    reference.press("Enter")
    expect(page.get_by_text("40 × 4 = 160 calls").last).to_be_visible()

    (tmp_path / "notes.docx").write_text("x")
    settled(page)
    page.locator("input[type=file]").first.set_input_files(str(tmp_path / "notes.docx"))
    expect(page.get_by_text("notes.docx was refused").last).to_contain_text("own.jsonl is still used.")

    broken = json.dumps(
        {"type": "python", "name": "mine", "source": PYTHON.replace("return", "x = =")}, indent=1
    )
    write_text(page, EDITOR, broken)
    expect(page.get_by_text("Grader mine, line 2: is not Python").last).to_be_visible()
    expect(page.locator(".cm-lint-marker-error")).to_have_count(1)
    page.get_by_role("link", name="2. Grader").click()
    expect(page.get_by_role("heading", name="2. Grader")).to_be_in_viewport()
    choose(page, "Python: mine")
    source = page.get_by_role("textbox", name="Python source of mine")
    expect(source).to_contain_text("x = =")
    write_text(page, "Python source of mine", PYTHON)
    expect(page.get_by_text("Reward 1.00").last).to_be_visible()
    choose(page, "JSON")
    expect(page.get_by_role("textbox", name=EDITOR)).to_contain_text("return float")
    fill(page, "Response (the reference answer: does it earn the maximum?)", "nothing")
    page.keyboard.press("Tab")
    expect(page.get_by_text("Reward 0.00").last).to_be_visible()
    assert [url for url in asked if not url.startswith((app.url, "data:", "blob:"))] == []


def test_a_judge_is_asked_only_when_told_and_the_bar_says_so(
    app: App, open_page: Callable[..., Page]
) -> None:
    message = {"role": "user", "content": "Rate: {{sample.output_text}}"}
    judge = {"type": "score_model", "name": "j", "model": "gpt-judge", "input": [message]}
    with FakeEndpoint(answer=lambda _: '{"steps": [], "result": 0.25}') as endpoint:
        page = opened(app, open_page)
        write_text(page, EDITOR, json.dumps(judge))
        expect(page.get_by_text("It asks gpt-judge").last).to_be_visible()
        fill(page, "Judge's base URL", endpoint.base_url)
        settled(page)
        assert endpoint.calls == 0
        page.get_by_role("button", name="Ask the judge").click()
        expect(page.get_by_text("Reward 0.25").last).to_be_visible()
        assert endpoint.calls == 1
        page.get_by_role("link", name="cost not known").click()
        expect(page.get_by_role("heading", name="3. Model and size")).to_be_in_viewport()


def test_the_keyboard_alone_writes_a_grader_and_starts(app: App, open_page: Callable[..., Page]) -> None:
    page = opened(app, open_page)
    page.get_by_label("Begin with", exact=True).focus()
    page.keyboard.press("Tab")
    expect(page.get_by_role("textbox", name=EDITOR)).to_be_focused()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.insert_text(PYTHON)
    page.keyboard.press("Tab")
    expect(page.get_by_role("textbox", name=EDITOR)).not_to_be_focused()
    expect(page.get_by_text("Pays what its own Python function").last).to_be_visible()
    settled(page)
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.get_by_role("button", name="Start", exact=True).evaluate(
            "one => one === document.activeElement"
        ):
            break
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_focused()


LEFT = """async (mount) => {
  const page = document.createElement("div")
  page.innerHTML = "<dryrun-code></dryrun-code>"
  const { default: put } = await import(URL.createObjectURL(new Blob([mount], { type: "text/javascript" })))
  put({ data: { text: "x" }, parentElement: page, setStateValue() {} })
  customElements.define("dryrun-code", class extends HTMLElement { show({ text }) { this.shown = text } })
  await customElements.whenDefined("dryrun-code")
  await new Promise(requestAnimationFrame)
  return page.firstChild.shown
}"""
"""A page that is left before the editor's code has come: what its editor was told to show."""


def test_a_page_that_is_left_before_its_editor_has_come_throws_nothing(
    open_page: Callable[..., Page],
) -> None:
    page = open_page("about:blank")
    mount = Path(editor.__file__).with_name("mount.js").read_text("utf-8")
    assert page.evaluate(LEFT, mount) == "x"


def test_hosted_a_file_over_20_mb_is_refused_and_the_one_before_is_used(
    hosted: App, open_page: Callable[..., Page], tmp_path: Path
) -> None:
    page = opened(hosted, open_page)
    files = page.locator("input[type=file]").first
    files.set_input_files(str(write_jsonl(tmp_path / "own.jsonl", ROWS)))
    expect(page.get_by_text("Used: own.jsonl").last).to_be_visible()
    large = tmp_path / "large.jsonl"
    large.write_bytes(b"x" * (21 * 1024 * 1024))
    settled(page)
    page.locator("input[type=file]").first.set_input_files(str(large))
    expect(page.get_by_text(re.compile("20.*MB or smaller", re.IGNORECASE)).last).to_be_visible()
    expect(page.get_by_text("Used: own.jsonl").last).to_be_visible()

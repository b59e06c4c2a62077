"""Every page for people who see little or use no mouse: axe-core's rules, and the way of the Tab key."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from importlib import resources

import pytest
from playwright.sync_api import Page, expect

from dryrun.report.summary import summarise
from dryrun.store.notes import RunNote, keep_note
from dryrun.store.partition import Store
from tests.helpers.browser import App, fill, go, in_look, settled
from tests.helpers.fake_endpoint import FakeEndpoint
from tests.helpers.support import make_run, work

AXE = resources.files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
DRAWN_BY_STREAMLIT = {
    # The upload field is a <section role="presentation" aria-label=...>; no option changes that.
    "presentation-role-conflict": "stFileUploaderDropzone",
    # A toast is an alertdialog that is named by an element it does not have.
    "aria-dialog-name": "stToast",
}
"""Rule, and what breaks it that no page of ours can draw otherwise."""
LATEST = "latest"
"""Stands for a finished run of this data directory."""
PAGES = {
    "Home": "/",
    "New run": "/configure",
    "Adjust the grader": "/configure?adjust=recorded",
    "Run": f"/run?run={LATEST}",
    "Runs": "/runs",
    "Compare, empty": "/compare",
    "Compare": f"/compare?run={LATEST}&with={LATEST}",
    "Study": "/evidence",
    "NO-GO": "/results?run=recorded-grader",
    "INVALID": "/results?run=recorded&min_prompts=999",
    "Samples": "/results?run=recorded",
}
"""The pages by name."""
TABS = ("Topics", "Grader", "Training signal", "Labels", "Details")
"""The tabs of Results, but for the first."""
RING = 50
"""Looks at a control that has lost the focus, before it is said that nothing changed."""
FOCUSED = """() => {
  let one = document.activeElement
  while (one?.shadowRoot?.activeElement) one = one.shadowRoot.activeElement
  return one
}"""
STOP = f"""() => {{
  const one = ({FOCUSED})()
  const box = one.getBoundingClientRect()
  const control = one.matches('a, button, input, textarea, select, summary, [contenteditable=true]')
  return {{ inside: control && !!one.closest('[data-testid=stMain]'), name: one.innerText || one.tagName,
    x: box.x, y: box.y, width: box.width, height: box.height }}
}}"""


@pytest.fixture(scope="module")
def finished(app: App) -> str:
    """The id of a finished run."""
    with FakeEndpoint() as endpoint:
        run = make_run(Store(app.data), endpoint.base_url)
        worker = threading.Thread(target=work, args=(run,))  # Playwright's loop runs on this thread
        worker.start()
        worker.join()
    summarise(run)
    keep_note(run, RunNote("Seen by a screen reader"))
    return run.id


def drawn(page: Page) -> None:
    """Wait until a page that was just opened is there."""
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    settled(page)


def violations(page: Page, part: str = "html", **options: object) -> list[str]:
    """What axe-core finds, a line for each element, but for what only Streamlit could mend."""
    if not page.evaluate("!!window.axe"):
        page.evaluate(AXE)
    options["resultTypes"] = ["violations"]
    options["selectors"] = False  # an element's HTML tells which it is
    found = page.evaluate("([part, options]) => axe.run(part, options)", [part, options])
    assert found["passes"], "axe-core looked at the page"
    return [
        f"{broken['id']}: {node['html'][:200]}"
        for broken in found["violations"]
        for node in broken["nodes"]
        if DRAWN_BY_STREAMLIT.get(broken["id"], "\0") not in node["html"]
    ]


def in_both_looks(page: Page, part: str = "html") -> dict[str, list[str]]:
    """What axe-core finds on the page in the look it has, and among colours in the other, which is left."""
    drawn(page)
    dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    first, other = ("dark", "light") if dark else ("light", "dark")
    found = {first: violations(page, part)}
    in_look(page, other)
    return found | {other: violations(page, part, runOnly=["color-contrast", "link-in-text-block"])}


def test_a_live_run_breaks_no_rule_of_axe(app: App, open_page: Callable[..., Page]) -> None:
    with FakeEndpoint() as endpoint:
        endpoint.hold()
        run = make_run(Store(app.data), endpoint.base_url, rows=60, concurrency=8)
        page = open_page(f"{app.url}/run?run={run.id}")
        fill(page, "API key", "sk-test-key")
        page.get_by_role("button", name="Start", exact=True).click()
        expect(page.get_by_role("heading", level=2, name="Measuring")).to_be_visible()
        broken = {"before the first response": in_both_looks(page)}
        endpoint.hold(after=60)
        expect(page.get_by_text("Responses: 60 of 120").last).to_be_visible()
        expect(page.get_by_role("heading", name="Newest responses")).to_be_visible()
        broken["half done"] = in_both_looks(page)
        go(page, f"/results?run={run.id}")
        broken["its results"] = in_both_looks(page)
        go(page, f"/run?run={run.id}")
        page.get_by_role("button", name="Cancel run").click()
        expect(page.get_by_role("button", name="Resume")).to_be_visible()
        broken["cancelled"] = in_both_looks(page)
    assert not any(any(found.values()) for found in broken.values()), json.dumps(broken, indent=1)


def reach(page: Page) -> dict[str, float | str]:
    """From a fresh page over the link "Skip to main content" to the first control; says which it is.

    Four presses of Tab must do: the link itself, at most two headings with a link of their own, the control.
    """
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    for _ in range(3):
        page.keyboard.press("Tab")
        stop: dict[str, float | str] = page.evaluate(STOP)
        if stop["inside"] and stop["name"] != "A":
            return stop
    raise AssertionError(f"{page.url}: no control after four presses of Tab")


def seen_focus(page: Page, stop: dict[str, float | str]) -> bool:
    """Whether the focused control looks otherwise than when it has lost the focus."""
    x, y, width, height = (float(stop[key]) for key in ("x", "y", "width", "height"))
    around = {"x": max(0, x - 6), "y": max(0, y - 6), "width": width + 12, "height": height + 12}
    focused = page.screenshot(clip=around, animations="disabled")  # type: ignore[arg-type]
    page.evaluate("document.activeElement.blur()")
    for _ in range(RING):
        if focused != page.screenshot(clip=around, animations="disabled"):  # type: ignore[arg-type]
            return True
        page.wait_for_timeout(100)  # the ring fades
    return False


FIRST = {
    "Home": ("Quick run here", 11),
    "New run": ("Upload", 13),
    "Run": ("See the results", 14),
    "Runs": ("INPUT", 12),
    "Compare, empty": ("INPUT", 14),
    "Samples": ("Run it yourself", 26),
}
"""The control that the Tab key reaches first, and after how many presses at most without the link."""


def from_the_start(page: Page) -> None:
    """Let the next press of Tab go to the first stop of the page, as on a fresh one."""
    page.evaluate(
        "document.body.tabIndex = -1; document.body.focus(); document.body.removeAttribute('tabindex')"
    )


def press_on(page: Page, most: int) -> None:
    """On a fresh page press Tab until its first control has the focus, `most` times at most."""
    for count in range(1, most + 1):
        page.keyboard.press("Tab")
        stop = page.evaluate(STOP)
        if stop["inside"] and stop["name"] != "A" and count > 1:
            return
    raise AssertionError(f"{page.url}: no control after {most} presses of Tab")


def goes_down_the_results(page: Page) -> None:
    """From the first control on, the Tab key soon goes down the page and not back."""
    names = []
    for _ in range(30):
        page.keyboard.press("Tab")
        names.append(
            str(page.evaluate("document.activeElement.innerText || document.activeElement.ariaLabel"))
        )
        if "Samples" in names[-1]:
            break
    order = ("Export", "View High Scores", "View Low Scores", "Adjust Grader", "Start Training", "Samples")
    places = [next(at for at, name in enumerate(names) if word in name) for word in order]
    assert places == sorted(places), names


def has_a_line_around_it(page: Page) -> None:
    """A link that has the keyboard's focus, of the menu or of the page."""
    for name in ("New run", "Open the GO"):
        link = page.get_by_role("link", name=name).first
        expect(link).to_be_visible()
        page.keyboard.press("Tab")  # the keyboard's focus, not the mouse's
        link.focus()
        expect(link).to_have_css("outline-style", "solid")


def comes_back_clear_of_the_header(page: Page) -> None:
    """On a low screen, Shift and Tab from the last link of the page on to its first button."""
    header = page.locator("[data-testid=stHeader]").bounding_box()
    whole = page.viewport_size
    assert header
    assert whole
    page.set_viewport_size({"width": whole["width"], "height": 400})
    page.get_by_role("link", name="Open the NO-GO by the data").focus()
    tops = []
    for _ in range(20):
        page.keyboard.press("Shift+Tab")
        stop = page.evaluate(STOP)
        if stop["inside"]:
            tops.append((round(stop["y"]), stop["name"]))
        if "Quick run here" in stop["name"]:
            break
    page.set_viewport_size(whole)
    assert "Quick run here" in tops[-1][1]
    assert [name for top, name in tops if top < header["height"]] == []


def test_every_page_keeps_axes_rules_and_leads_the_tab_key_to_its_first_control(
    app: App, open_page: Callable[..., Page], finished: str
) -> None:
    page = open_page("about:blank")
    broken = {}
    for name, path in PAGES.items():
        place = path.replace(LATEST, finished)
        if name not in FIRST:
            go(page, place)
            broken[name] = in_both_looks(page)
            continue
        first, most = FIRST[name]
        page.goto(app.url + place)
        drawn(page)
        press_on(page, most)
        if name == "Samples":
            goes_down_the_results(page)
        if name == "Home":
            has_a_line_around_it(page)
            comes_back_clear_of_the_header(page)
        from_the_start(page)
        stop = reach(page)
        assert first in str(stop["name"]), name
        control = page.evaluate_handle(FOCUSED)
        for scheme in ("light", "dark"):
            in_look(page, scheme)
            control.evaluate("one => one.focus()")
            assert seen_focus(page, stop), (name, scheme)
        broken[name] = in_both_looks(page)
    assert not any(any(found.values()) for found in broken.values()), json.dumps(broken, indent=1)


def test_no_tab_of_results_breaks_a_rule_of_axe(app: App, open_page: Callable[..., Page]) -> None:
    page = open_page(f"{app.url}/results?run=recorded")
    broken = {}
    for tab in TABS:
        page.get_by_role("tab", name=tab).click()
        expect(page.get_by_role("tab", name=tab)).to_have_attribute("aria-selected", "true")
        broken[tab] = in_both_looks(page, "[data-testid=stTabs]")  # the page around it is the same
    assert not any(any(found.values()) for found in broken.values()), json.dumps(broken, indent=1)

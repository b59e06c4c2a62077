"""Two runs compared in a real browser, in both looks."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from dryrun.core.blocking import run_blocking
from dryrun.engine.work import work_on
from dryrun.store.partition import Store
from tests.helpers.browser import App, fits, in_look
from tests.helpers.fake_endpoint import FakeEndpoint
from tests.helpers.support import EXACT, FUZZY, make_run


def test_two_graders_are_compared_from_a_link_in_both_looks(app: App, open_page: Callable[..., Page]) -> None:
    with FakeEndpoint() as endpoint:
        runs = [make_run(Store(app.data), endpoint.base_url, grader=grader) for grader in (EXACT, FUZZY)]
        for run in runs:
            run_blocking(work_on(run, api_key="k"))
    page = open_page(f"{app.url}/compare?run={runs[0].id}&with={runs[1].id}")
    page.get_by_text("Pass after, failed before").click()
    for scheme, width in (("light", 1400), ("dark", 420)):
        page.set_viewport_size({"width": width, "height": 900})
        in_look(page, scheme)
        expect(page.get_by_text("Two graders on the same 80 responses.").last).to_be_visible()
        expect(page.locator('.stVegaLiteChart[aria-label^="Prompts by change"]')).to_be_visible()
        expect(page.locator('.stVegaLiteChart[aria-label^="Distributions of the scores"]')).to_be_visible()
        expect(page.get_by_text("Score 0.00 before").filter(visible=True).first).to_be_visible()
        fits(page, width)

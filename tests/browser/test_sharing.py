"""Owners, strangers and people who sign in, each in a browser of their own."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import oidc_provider_mock
import pytest
from playwright.sync_api import Browser, Page, expect

from dryrun.store.access import belongs_to, hash_of, owner_of
from dryrun.store.partition import Store
from dryrun.store.runs import list_runs
from tests.helpers.browser import App, free_port, start_app

AGAIN = re.compile("^(Start|Resume)$")
"""The button of a run that was cancelled, before its first response or after it."""
OTHER_TAB = """
const plain = WebSocket;
WebSocket = class extends plain {
  constructor(...given) {
    super(...given);
    this.addEventListener("open", () => { document.cookie = "dryrun_browser=%s; path=/"; });
  }
};"""
"""Another tab writes its cookie between this one's connection and this one's page."""
SECRETS = """
[auth]
redirect_uri = "{url}/oauth2callback"
cookie_secret = "a cookie secret for this test alone"
client_id = "dry-run"
client_secret = "not-a-secret"
server_metadata_url = "http://localhost:{provider}/.well-known/openid-configuration"
"""


def started(app: App, open_page: Callable[..., Page]) -> Page:
    """The page of a quick run that has just begun."""
    page = open_page(app.url)
    page.get_by_role("button", name="Quick run here").click()
    expect(page).to_have_url(re.compile(r"/run\?run=[0-9a-f]{32}"))
    return page


def test_who_started_a_run_cancels_it_after_a_reload_and_shares_it_read_only(
    hosted: App, open_page: Callable[..., Page]
) -> None:
    page = started(hosted, open_page)
    expect(page.get_by_role("button", name="Cancel run")).to_be_visible()
    [run] = list_runs(Store(hosted.data))
    stranger = open_page(page.url)
    expect(stranger.get_by_text(re.compile("Responses: ")).last).to_be_visible()
    expect(stranger.get_by_role("button", name="Cancel run")).to_have_count(0)
    page.reload()
    page.get_by_role("button", name="Cancel run").click()
    expect(page.get_by_role("button", name=AGAIN)).to_be_visible()
    expect(stranger.get_by_text("Only the person who started this run can resume it").last).to_be_visible()
    expect(stranger.get_by_role("button", name=AGAIN)).to_have_count(0)

    page.goto(f"{hosted.url}/results?run={run.id}")
    page.get_by_role("button", name="Share").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("Anybody who has the link can open it")).to_be_visible()
    dialog.get_by_role("button", name="Make a link").click()
    link = dialog.get_by_test_id("stCode").inner_text().strip()
    assert re.fullmatch(re.escape(hosted.url) + r"/results\?share=[\w-]{22}", link)

    viewer = open_page(link)
    expect(viewer.get_by_text("You are viewing a shared run. Read-only.").last).to_be_visible()
    expect(viewer.get_by_role("tab", name="Topics")).to_be_visible()
    expect(viewer.get_by_role("tab", name="Samples")).to_have_count(0)
    assert run.id[:8] not in viewer.content()
    viewer.set_viewport_size({"width": 390, "height": 844})
    title, head = viewer.get_by_role("heading", level=1).bounding_box(), viewer.locator(".st-key-hero")
    box = head.bounding_box()
    assert title is not None
    assert box is not None
    assert box["height"] >= title["height"], (
        "nothing lies on the title, also where there is no menu beside it"
    )
    viewer.set_viewport_size({"width": 1400, "height": 1000})
    viewer.get_by_role("link", name="Run", exact=True).first.click()
    expect(viewer.get_by_text("it does not let you open the run's own pages").last).to_be_visible()
    assert run.id not in viewer.url + viewer.content()

    dialog.get_by_role("button", name="Revoke").click()
    expect(dialog.get_by_role("button", name="Revoke")).to_have_count(0)
    viewer.goto(link)
    expect(viewer.get_by_text("This link opens nothing").last).to_be_visible()


def test_two_tabs_that_open_at_once_are_one_visitor(hosted: App, browser: Browser) -> None:
    other = "c" * 32
    context = browser.new_context()
    page = context.new_page()
    page.add_init_script(OTHER_TAB % other)
    loads: list[str] = []
    page.on("load", lambda loaded: loads.append(loaded.url))
    with page.expect_event("load", lambda _: len(loads) > 1):  # the first load may end before anybody waits
        page.goto(hosted.url)
    page.get_by_role("button", name="Quick run here").click()
    page.get_by_role("button", name="Cancel run").click()
    newest = list_runs(Store(hosted.data))[0]
    assert belongs_to(newest, [hash_of("browser", other)])
    assert len(loads) == 2
    context.close()


@pytest.fixture
def with_accounts(tmp_path: Path) -> Iterator[App]:
    """A hosted server where people sign in at a provider on this machine."""
    port = free_port()
    users = [
        oidc_provider_mock.User(sub=name, claims={"email": f"{name}@example.org"}) for name in ("ann", "ben")
    ]
    with oidc_provider_mock.run_server_in_thread(user_claims=users) as provider:
        secrets = tmp_path / "secrets.toml"
        url = f"http://127.0.0.1:{port}"
        secrets.write_text(SECRETS.format(url=url, provider=provider.server_port))
        settings = {"DRYRUN_HOSTED": "1", "STREAMLIT_SECRETS_FILES": str(secrets)}
        running = start_app(tmp_path / "data", port, **settings)
        yield running
        running.stop()


def sign_in(page: Page, name: str) -> None:
    page.get_by_role("button", name="Sign in").click()
    page.locator("input[name=sub]").fill(name)
    page.get_by_role("button", name="Authorize").click()
    expect(page.get_by_text(f"{name}@example.org")).to_be_visible()


def test_a_run_belongs_to_the_person_who_signed_in(
    with_accounts: App, open_page: Callable[..., Page]
) -> None:
    page = open_page(with_accounts.url)
    page.get_by_role("button", name="Quick run here").click()
    expect(page.get_by_text("Sign in first").last).to_be_visible()
    sign_in(page, "ann")
    page.get_by_role("button", name="Quick run here").click()
    page.get_by_role("button", name="Cancel run").click()
    expect(page.get_by_role("button", name=AGAIN)).to_be_visible()
    [run] = list_runs(Store(with_accounts.data))
    assert owner_of(run) is not None

    elsewhere, other = open_page(with_accounts.url), open_page(with_accounts.url)
    sign_in(elsewhere, "ann")
    sign_in(other, "ben")
    for each in (elsewhere, other):
        each.goto(f"{with_accounts.url}/run?run={run.id}")
    expect(elsewhere.get_by_role("button", name=AGAIN)).to_be_visible()
    expect(other.get_by_text("Only the person who started this run can resume it").last).to_be_visible()
    elsewhere.get_by_role("button", name="Sign out").click()
    elsewhere.get_by_role("button", name="End session").click()  # the provider's page asks once more
    expect(elsewhere.get_by_role("button", name="Sign in")).to_be_visible()

"""A real server and a real Chromium. Skipped where there is no Chromium; in CI that is a failure."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.helpers.browser import TALK, App, settled, start_app

QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
QUIET += ["--disable-sync", "--no-first-run", "--disable-quic", "--font-render-hinting=none"]
QUIET += ["--process-per-site"]  # a page finds what another of its profile has compiled


def chromium() -> str | None:
    """Where Chromium is, by the names it has on Linux and macOS.

    Its headless shell first: it draws pages the same way and takes half the processor time.
    """
    names = ["chromium-headless-shell", "chrome-headless-shell"]
    names += ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
    found = next((path for name in names if (path := shutil.which(name))), None)
    mac = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
    return found or (mac if Path(mac).exists() else None)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything here, and skip it where it cannot run."""
    for item in items:
        if "tests/browser" not in item.path.as_posix():
            continue
        item.add_marker(pytest.mark.browser)
        if chromium() is None and not os.environ.get("CI"):
            item.add_marker(pytest.mark.skip(reason="no Chromium on this machine"))


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Closed after the last test here: while it is open, Playwright's event loop runs on this thread."""
    path = chromium()
    assert path is not None, "Chromium is missing; in Debian it is chromium-headless-shell"
    expect.set_options(timeout=30_000)  # a machine may be busy; what never comes still fails
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield opened
        opened.close()


@pytest.fixture(scope="package")
def profiles() -> list[BrowserContext]:
    """One for each page of a test, which finds it empty, but for scripts fetched and compiled before."""
    return []


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    running = start_app(tmp_path_factory.mktemp("browser") / "data")
    yield running
    running.stop()


@pytest.fixture(scope="session")
def hosted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    running = start_app(tmp_path_factory.mktemp("hosted") / "data", DRYRUN_HOSTED="1")
    yield running
    running.stop()


@pytest.fixture
def open_page(app: App, browser: Browser, profiles: list[BrowserContext]) -> Iterator[Callable[..., Page]]:
    """Opens a page in an empty profile, drawn to the end; fails the test if it logs an uncaught exception."""
    used: list[BrowserContext] = []
    thrown: list[str] = []

    def opener(url: str, width: int = 1400, height: int = 1000, color_scheme: Any = "light") -> Page:
        if len(used) == len(profiles):
            profiles.append(browser.new_context(reduced_motion="reduce"))  # what moves is drawn at each frame
            profiles[-1].new_page().goto(f"{app.url}/_stcore/health")  # keeps the process with the scripts
            profiles[-1].add_init_script(TALK)
        used.append(profiles[len(used)])
        page = used[-1].new_page()
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=color_scheme)
        page.set_default_timeout(30_000)
        page.on("pageerror", lambda error: thrown.append(str(error)))
        page.goto(url)
        if url.startswith("http"):
            settled(page)
        return page

    yield opener
    for profile in used:
        for page in profile.pages[1:]:
            page.close()
        profile.clear_cookies()
        profile.pages[0].evaluate("localStorage.clear()")
    assert thrown == []

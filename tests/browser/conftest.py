"""A real server and a real Chromium. Skipped where there is no Chromium; in CI that is a failure."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.helpers.browser import TALK, App, settled, start_app

QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
QUIET += ["--disable-sync", "--no-first-run", "--disable-quic", "--font-render-hinting=none"]


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


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Closed with its module: while it is open, Playwright's event loop runs on this thread."""
    path = chromium()
    assert path is not None, "Chromium is missing; in Debian it is chromium-headless-shell"
    expect.set_options(timeout=30_000)  # a machine may be busy; what never comes still fails
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    running = start_app(tmp_path_factory.mktemp("browser") / "data")
    yield running
    running.stop()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens a page in a fresh profile, drawn to the end; fails the test if it logs an uncaught exception."""
    contexts = []
    thrown: list[str] = []

    def opener(url: str, **options: object) -> Page:
        size = {"width": 1400, "height": 1000}
        context = browser.new_context(**{"viewport": size, **options})  # type: ignore[arg-type]
        contexts.append(context)
        context.add_init_script(TALK)
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.on("pageerror", lambda error: thrown.append(str(error)))
        page.goto(url)
        if url.startswith("http"):
            settled(page)
        return page

    yield opener
    for context in contexts:
        context.close()
    assert thrown == []

"""The app's server in a process of its own, and what a person does on its pages."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.helpers.support import ROOT, wait_until


@dataclass
class App:
    """A running server.

    Attributes
    ----------
    url : str
        Without a slash at its end.
    data : Path
        Its data directory.
    """

    url: str
    data: Path
    process: subprocess.Popen[bytes]

    def stop(self) -> None:
        """End it as a terminal does."""
        self.process.terminate()
        self.process.wait(timeout=20)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_app(data: Path, port: int | None = None, **environment: str) -> App:
    """Start the server as the README says, on a free port where none is given."""
    port = port or free_port()
    command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py", "--server.headless=true"]
    command += [f"--server.port={port}", "--server.address=127.0.0.1", "--server.fileWatcherType=none"]
    variables = {**os.environ, "DRYRUN_DATA": str(data), **environment}
    process = subprocess.Popen(command, cwd=ROOT, env=variables)
    url = f"http://127.0.0.1:{port}"

    def ready() -> bool:
        assert process.poll() is None, "the server ended while it was starting"
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    wait_until(ready, 60)
    return App(url, data, process)


def choose(page: Page, label: str) -> None:
    """Click a segment or a pill."""
    page.get_by_role("radio", name=label).or_(page.get_by_role("button", name=label)).first.click()


def fill(page: Page, label: str, value: str) -> None:
    """Type into a field and leave it."""
    field = page.get_by_label(label, exact=True)
    field.fill(value)
    field.press("Enter")


def write_text(page: Page, label: str, text: str) -> None:
    """Replace what stands in the code editor with this label."""
    page.get_by_role("textbox", name=label).click()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.insert_text(text)
    page.keyboard.press("ControlOrMeta+Enter")
    settled(page)


def settled(page: Page) -> None:
    """Wait until the server has answered: a redraw in between would close an open list."""
    page.wait_for_timeout(300)
    expect(page.locator("[data-testid=stApp][data-test-script-state=notRunning]")).to_be_visible()

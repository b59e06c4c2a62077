"""The app's server in a process of its own, and what a person does on its pages."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin

from playwright.sync_api import Page, expect
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from tests.helpers.support import ROOT, wait_until

TALK = f"""(() => {{
  const talk = window.talk = {{ asked: false, running: true, last: performance.now() }}
  const length = (bytes, at) => {{ // a varint, and where it ends
    let size = 0, shift = 0
    do {{ size |= (bytes[at] & 127) << shift; shift += 7 }} while (bytes[at++] > 127)
    return [size, at]
  }}
  const past = (bytes, at, last) => {{ // behind all fields up to the last, which are texts and messages
    while (at < bytes.length && bytes[at] >> 3 <= last) {{
      const [size, end] = length(bytes, at + 1)
      at = end + size
    }}
    return at
  }}
  const timed = (bytes) => // a fragment that runs every second asks by itself
    bytes[past(bytes, length(bytes, 1)[1], {ClientState.FRAGMENT_ID_FIELD_NUMBER})] >> 3
      === {ClientState.IS_AUTO_RERUN_FIELD_NUMBER}
  const plain = WebSocket
  window.WebSocket = class extends plain {{
    constructor(...given) {{
      super(...given)
      this.addEventListener("message", ({{ data }}) => {{
        if (!(data instanceof ArrayBuffer)) return
        const bytes = new Uint8Array(data)
        const at = past(bytes, 0, {ForwardMsg.METADATA_FIELD_NUMBER})
        const field = bytes[at] >> 3
        if (field === {ForwardMsg.NEW_SESSION_FIELD_NUMBER}) [talk.asked, talk.running] = [false, true]
        if (field === {ForwardMsg.SCRIPT_FINISHED_FIELD_NUMBER})
          talk.running = bytes[at + 1] === {ForwardMsg.FINISHED_EARLY_FOR_RERUN}
        talk.last = performance.now()
      }})
    }}
    send(data) {{
      if (data[0] >> 3 === {BackMsg.RERUN_SCRIPT_FIELD_NUMBER} && !timed(data)) talk.asked = true
      super.send(data)
    }}
  }}
}})()"""
"""Reads along what page and server say to each other: whether a request is open, whether the script runs."""
SETTLED = """async () => {
  const pause = (milliseconds) => new Promise((go) => setTimeout(go, milliseconds))
  const loading = () => document.querySelector("[data-testid=stSkeleton], [aria-busy=true]") // a script
  await pause(200) // Streamlit holds some events back for 150 ms
  while (talk.asked || talk.running || performance.now() - talk.last < 100 || loading()) await pause(20)
  await new Promise((go) => requestIdleCallback(go)) // a message that came 100 ms ago has been drawn
  return true
}"""

LOOKS = {"light": 255, "dark": 0}
"""The looks by name, with about the brightness of their ground, 0 to 255."""
COLOURED = """(bright) => {
  const ground = getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor
  const still = document.getAnimations().every((one) => one.playState !== 'running')
  return still && Math.abs(ground.match(/\\d+/)[0] - bright) < 64
}"""
"""Whether the page's ground is so bright, and no colour is on its way."""


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
    """Click a segment or a pill of a page that stays as it is."""
    settled(page)
    page.get_by_role("radio", name=label).or_(page.get_by_role("button", name=label)).first.click()


def fill(page: Page, label: str, value: str) -> None:
    """Type into a field that stays as it is, and leave it."""
    settled(page)
    field = page.get_by_label(label, exact=True).last
    field.fill(value)
    field.press("Enter")


def write_text(page: Page, label: str, text: str) -> None:
    """Replace what stands in the code editor with this label, of a page that stays as it is."""
    settled(page)
    page.get_by_role("textbox", name=label).click()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.insert_text(text)
    page.keyboard.press("ControlOrMeta+Enter")
    settled(page)


def settled(page: Page) -> None:
    """Wait until the server has answered all that the page asked; its redraw would close an open list.

    The page's own clock is used, so that a busy machine makes it wait longer.
    """
    page.wait_for_function(SETTLED)
    expect(page.locator("[data-testid=stApp][data-test-script-state=notRunning]")).to_be_visible()


def go(page: Page, path: str) -> None:
    """To another page of the same server."""
    page.goto(urljoin(page.url, path))
    settled(page)


def fits(page: Page, width: int) -> None:
    """Wait until the page is at most this wide, in pixels: charts follow a window when they have time."""
    page.wait_for_function("width => document.documentElement.scrollWidth <= width", arg=width)


def in_look(page: Page, scheme: str) -> None:
    """Show the page in this look, without loading it again."""
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.wait_for_function(COLOURED, arg=LOOKS[scheme])
    settled(page)

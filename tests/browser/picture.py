"""The README's picture: the results of the first recorded run, as they are now.

python -m tests.browser.picture
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from playwright.sync_api import expect, sync_playwright

from tests.browser.conftest import QUIET, chromium
from tests.helpers.browser import TALK, settled, start_app
from tests.helpers.support import ROOT

PICTURE = ROOT / "docs" / "images" / "results.png"
WIDTH, HEIGHT = 1440, 1024
"""The first level and the row of tabs, in pixels."""


def main() -> None:
    """Draw it anew; the light look, so that it reads on white."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        app = start_app(Path(folder))
        try:
            browser = playwright.chromium.launch(executable_path=chromium(), args=QUIET)
            page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
            page.add_init_script(TALK)
            page.goto(f"{app.url}/results?run=recorded")
            expect(page.locator("svg text", has_text="mean must be")).to_be_visible(timeout=60_000)
            settled(page)
            page.screenshot(path=PICTURE, animations="disabled")
            browser.close()
        finally:
            app.stop()
    print(f"{PICTURE.relative_to(ROOT)}: {PICTURE.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()

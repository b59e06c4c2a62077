"""What stands between the tables of docs/evidence.md, from `sentences.md`: read off the tables by people."""

from __future__ import annotations

import re
from pathlib import Path

FILE = Path(__file__).with_name("sentences.md")
SECTIONS = (
    *("design", "auc", "goal", "cells", "fell", "calibration", "rules", "again", "unscaled", "every"),
    "limits",
)


def sentences(path: Path = FILE) -> dict[str, str]:
    """The text of each section; a section begins with a line `@ name`."""
    parts = re.split(r"^@ (\w+)\n", path.read_text("utf-8"), flags=re.MULTILINE)[1:]
    return {name: f"{text.strip()}\n" for name, text in zip(parts[::2], parts[1::2], strict=True)}

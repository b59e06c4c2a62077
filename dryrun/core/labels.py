"""Text from outside (datasets, models, error messages) made safe for places that read Markdown."""

from __future__ import annotations

import re

_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
_JOINER = "\u2060"


def plain(text: object, limit: int = 200) -> str:
    """`text` for a label, an option or an alert: one line, cut to `limit`, shown letter by letter.

    Streamlit reads Markdown in all of these places, and a picture in Markdown would be fetched by
    every viewer's browser. A backslash before each punctuation mark leaves nothing to format; an
    invisible word joiner keeps bare addresses from becoming links.
    """
    one_line = " ".join(str(text).split())
    if len(one_line) > limit:
        one_line = one_line[: limit - 1] + "…"
    one_line = re.sub(r"(?i)\b(https?|ftp|mailto|www)(?=[:.])", rf"\1{_JOINER}", one_line)
    return _PUNCTUATION.sub(r"\\\1", one_line)


def short(run_id: str) -> str:
    """The first digits of a run id: enough to tell runs apart, too few to open one."""
    return run_id[:8]

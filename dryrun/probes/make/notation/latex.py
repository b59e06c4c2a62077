"""Simple LaTeX as plain text, so that answers written in it are compared as mathematics, not as words.

No algebra: fractions, roots, degrees, thin spaces, brackets of growing size and words in ``\\text`` are
written out alike; what is left is compared as text.
"""

from __future__ import annotations

import re

_DELIMITED = tuple(
    re.compile(pattern, re.S)
    for pattern in (r"\$\$([^$]+)\$\$\Z", r"\$([^$]+)\$\Z", r"\\\((.+)\\\)\Z", r"\\\[(.+)\\\]\Z")
)
BOX = "\\boxed{"
"""How a boxed answer begins."""
_COMMAND = re.compile(r"\\(?:[dtc]?frac|sqrt|text|mathrm|pi|left|circ|cdot|times|infty|[,%!])(?![a-z])")
_BARE_LENGTH = 80
"""Longer texts with LaTeX in them, but not around them, are prose."""

_TOKEN = r"(?:\{([^{}]*)\}|\s*([\w]))"  # an argument: in braces, or one character
_STEPS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), by)
    for pattern, by in (
        (r"\\(?:left|right|displaystyle|limits|big|Big)(?![a-z])\s?", ""),
        (r"\\[,!;: ]|~|\{,\}", ""),
        (r"\\(?:text|textbf|textit|mathrm|mathbf|mbox|operatorname)\s?\{([^{}]*)\}", r"\1"),
        (r"\^\s?(?:\{\s?\\circ\s?\}|\\circ)|\\degree|°", ""),
        (r"\\[dtc]frac(?![a-z])", r"\\frac"),
        (r"\\(?:cdot|times)(?![a-z])", "*"),
    )
)
_INNER = (
    (re.compile(r"\\boxed\s?\{([^{}]*)\}"), lambda match: match[1]),
    (re.compile(r"\\sqrt\s?\[([^\[\]]*)\]" + r"\{([^{}]*)\}"), lambda match: f"root{match[1]}({match[2]})"),
    (re.compile(r"\\sqrt" + _TOKEN), lambda match: f"sqrt({_either(match, 1)})"),
    (re.compile(r"\\frac" + _TOKEN + _TOKEN), lambda match: _over(_either(match, 1), _either(match, 3))),
    (re.compile(r"([\^_])\{([^{}])\}"), lambda match: match[1] + match[2]),
)
_LAST = (
    (re.compile(r"\\([{}%$&#_])"), r"\1"),
    (re.compile(r"\\([A-Za-z]+)\s?"), r"\1"),
    (re.compile(r"\s+"), " "),
)


def _either(match: re.Match[str], group: int) -> str:
    return match[group] if match[group] is not None else match[group + 1]


def _over(above: str, below: str) -> str:
    parts = [part.strip() for part in (above, below)]
    return "/".join(part if re.fullmatch(r"-?\w+", part) else f"({part})" for part in parts)


def unwrapped(text: str) -> tuple[str, str, str] | None:
    """What stands before a formula, the formula, and what stands behind it; None where it is no LaTeX.

    Dollar signs, ``\\(..\\)``, ``\\[..\\]`` and a box around the whole count, and short texts with a command.
    """
    text = text.strip()
    for pattern in _DELIMITED:
        if match := pattern.match(text):
            start, end = match.span(1)
            before, inner, after = text[:start], match[1].strip(), text[end:]
            boxed = _whole_box(inner)
            return (before, inner, after) if boxed is None else (f"{before}{BOX}", boxed, f"}}{after}")
    if (boxed := _whole_box(text)) is not None:
        return BOX, boxed, "}"
    return ("", text, "") if len(text) <= _BARE_LENGTH and _COMMAND.search(text) else None


def _whole_box(text: str) -> str | None:
    content = last_box(text)
    return content if content is not None and text == f"{BOX}{content}}}" else None


def last_box(text: str) -> str | None:
    """What stands in the last ``\\boxed{..}``, braces within it matched; None without one."""
    start = text.rfind(BOX)
    if start < 0:
        return None
    depth, begin = 1, start + len(BOX)
    for place in range(begin, len(text)):
        depth += {"{": 1, "}": -1}.get(text[place], 0) if text[place - 1] != "\\" else 0
        if depth == 0:
            return text[begin:place]
    return None


def without_latex(text: str) -> str:
    """The text with its simple LaTeX written out: ``\\dfrac{1}{2}`` is ``1/2``, ``45^\\circ`` is ``45``."""
    if "\\" not in text and "$" not in text and "°" not in text and "{" not in text:
        return text
    for pattern in _DELIMITED:
        if match := pattern.match(text.strip()):
            text = match[1]
    for step, by in _STEPS:
        text = step.sub(by, text)
    before = ""
    while before != text:
        before = text
        for pattern, write in _INNER:
            text = pattern.sub(write, text)
    for step, by in _LAST:
        text = step.sub(by, text)
    return text.strip()


def formula_key(text: str) -> str:
    """What two spellings of one formula have in common."""
    spaced = without_latex(text).replace("$", " ").casefold()
    return re.sub(
        r"\s*([-+*/=^,;:(){}\[\]<>])\s*|(?<=\d) (?=[a-z]+\()", r"\1", " ".join(spaced.split())
    ).strip(" .")

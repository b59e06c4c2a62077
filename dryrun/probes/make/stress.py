"""Texts that make careless graders raise, crawl, or run what they are given."""

from __future__ import annotations

from dryrun.core.probe import BACKTRACK, EXOTIC, TIMED
from dryrun.probes.make.answers import NUMERIC, Answer, Kind

ORDINARY = "odd, but models write it: "
GROWTH = (1_000, 4_000, 12_000)


def odd_texts() -> dict[str, str]:
    """Texts that a model may well write, and that code often forgets."""
    texts = {
        "a lone comma": "Well, , that is all,",
        "two minus signs": "--5",
        "two decimal points": "The answer is 1.2.3",
        "a currency sign": "$",
        "a lone minus": "-",
        "a fraction over nought": "1/0",
        "a superscript": "x² + y²",
        "an emoji": "🙂",
        "another script": "答えは三です。",
        "JSON: a list": "[1, 2]",
        "JSON: null": "null",
        "JSON: a number": "3",
        "JSON: a text": '"text"',
        "JSON: cut off": '{"a": ',
        "JSON: nested": '{"a": {"b": [null, {"c": 1}]}, "a2": null}',
        "an open tag": "<answer>",
        "an open box": "\\boxed{",
        "a bracket": "(((",
        "a backslash": "\\",
        "many lines": "\n".join(["line"] * 50),
    }
    return {ORDINARY + kind: text for kind, text in texts.items()}


def strange_texts() -> dict[str, str]:
    """Texts that no model writes by itself."""
    texts = {
        "a NUL byte": "a\x00b",
        "infinity": "1e999",
        "not a number": "nan",
        "deep brackets": "[" * 3_000,
        "a very long number": "7" * 5_000,
        "text that turns around": "\u202eabc\u202c",
    }
    return {EXOTIC + kind: text for kind, text in texts.items()}


_LONG = {
    "words": "lorem ipsum dolor ",
    "digits": "1",
    "blanks": " ",
    "commas": "a, ",
    "open tags": "<answer>",
}
_TWISTED = {
    "letters": "a" * 28 + "!",
    "digits": "1" * 28 + "x",
    "words": "a " * 28 + "!",
    "numbers": "1," * 28 + "x",
}


def timed_texts() -> list[tuple[str, str]]:
    """Short texts that make patterns backtrack, then longer and longer texts of several kinds."""
    texts = [(BACKTRACK + name, text) for name, text in _TWISTED.items()]
    for name, piece in _LONG.items():
        for size in GROWTH:
            text = (piece * (size // len(piece) + 1))[:size] + "x"
            texts.append((f"{TIMED}{size:,} characters of {name}", text))
    return texts


def executed(answer: Answer) -> str:
    """An expression that is worth the right answer and does not contain it; "" if there is none."""
    text = answer.text
    backwards = text[::-1]
    if answer.kind not in NUMERIC | {Kind.LABEL, Kind.YES_NO} or len(text) < 2 or text in backwards:
        return ""
    quoted = repr(backwards)
    return f"int({quoted}[::-1])" if text.lstrip("-").isdigit() else f"({quoted}[::-1])"

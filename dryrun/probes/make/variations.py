"""Differences that mean nothing, and dress: length, headings, confidence."""

from __future__ import annotations

from collections.abc import Callable

from dryrun.core.probe import ANOTHER_ORDER
from dryrun.probes.make.answers import Answer, Kind
from dryrun.probes.make.demand import Demand
from dryrun.probes.make.worthless import FILLER

LENGTHS = (200, 800, 3200)
LONGER = "longer by "

STYLES: dict[str, tuple[str, str]] = {
    "a heading and bullets": ("## Solution\n\n- Considered the task\n- Checked the result\n\n", ""),
    "words of reasoning": ("Because of what is given, therefore, step by step, it follows:\n", ""),
    "confidence": ("I am absolutely certain.\n", ""),
    "politeness": ("Thank you for the great question!\n", ""),
    "emoji": ("✅🚀 ", ""),
    "exclamation": ("", "!!!"),
}


def variations(answer: Answer, demand: Demand, write: Callable[[str], str]) -> dict[str, str]:
    """The right answer with a harmless difference, by kind."""
    text = answer.text
    found = {"a line break behind it": write(text) + "\n", "blanks around it": f"  {write(text)} "}
    if demand.tag or demand.boxed:
        found["blanks inside its shell"] = write(f" {text} ")
    if answer.kind in (Kind.LABEL, Kind.YES_NO, Kind.NUMBER, Kind.LETTER) and not demand.shelled:
        found["a full stop behind it"] = f"{text}."
    if answer.kind in (Kind.LABEL, Kind.YES_NO):
        found["capitals"] = write(text.upper())
        found["small letters"] = write(text.lower())
    if answer.kind is Kind.NUMBER:
        found |= _numbers(answer, write)
    if answer.kind is Kind.SET and len(answer.value) > 1 and not answer.bracketed:
        found[ANOTHER_ORDER] = write(", ".join(answer.value[::-1]))
    if answer.kind in (Kind.LIST, Kind.SET) and not answer.bracketed:
        found["no blanks after commas"] = write(",".join(answer.value))
    return {kind: changed for kind, changed in found.items() if changed != write(text)}


def _numbers(answer: Answer, write: Callable[[str], str]) -> dict[str, str]:
    value, found = answer.value, {}
    if value == int(value) and abs(value) < 1e15:
        found["a decimal point and nought"] = write(f"{int(value)}.0")
        if abs(value) >= 1000:
            found["thousands commas"] = write(f"{int(value):,}")
    if value < 0:
        found["the typographic minus"] = write(answer.text.replace("-", "−"))
    return found


def padded(text: str) -> dict[str, str]:
    """The text after filler of growing length."""
    return {f"{LONGER}{length} characters": f"{FILLER[:length].rstrip()}\n{text}" for length in LENGTHS}


def dressed(text: str) -> dict[str, str]:
    """The text in other dress."""
    return {style: f"{before}{text}{after}" for style, (before, after) in STYLES.items()}

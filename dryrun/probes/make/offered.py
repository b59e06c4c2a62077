"""What a prompt gives beside the right answer: legal moves, names to choose from, a text to edit."""

from __future__ import annotations

import re

from dryrun.probes.make.answers import Answer, Kind, alike, flat, same

LISTED = frozenset({Kind.LABEL, Kind.NUMBER, Kind.QUANTITY, Kind.FRACTION})
"""Kinds of answers that are looked for in lists of a prompt."""
LEAST, LONGEST = 3, 60
"""Elements of a list, and characters of one of them."""
_MARK = re.compile(r"\s*(?:[,;|]|\bor\b|\band\b)\s*")
_START = re.compile(r"(?:.*[:.?!(\[{]\s+|.*[:(\[{])", re.S)
_STOP = re.compile(r"[.?!)\]}](?:\s.*|\Z)", re.S)
_ITEM = re.compile(r"(?:[-*•]|\d+[.)])\s+")


def offered(prompt: str, answer: Answer) -> tuple[str, ...]:
    """The other elements of the first list in a prompt that has the answer among three or more."""
    if answer.kind not in LISTED or answer.text not in prompt:
        return ()
    lines = prompt.splitlines()
    items = [_ITEM.sub("", line.strip(), count=1) for line in lines if _ITEM.match(line.strip())]
    for parts in (items, *(_parts(line) for line in lines)):
        rest = [part for part in parts if not same(answer, part)]
        if len(parts) >= LEAST and 0 < len(rest) < len(parts) and all(map(_alone, parts)):
            return tuple(part for part in rest if flat(part) != flat(answer.text))
    return ()


EDITED, FEW_WORDS = 0.8, 4
"""How alike a text to edit and the right answer are at least, and the fewest words of that answer."""
_QUOTED = re.compile(r"[\"“«](.+?)[\"”»]")


def unchanged(prompt: str, answer: Answer) -> str:
    """The text of a prompt that the right answer is an edit of; ``""`` where there is none."""
    if answer.kind not in (Kind.TEXT, Kind.LABEL) or len(answer.text.split()) < FEW_WORDS:
        return ""
    lines = [line.strip() for line in prompt.splitlines()]
    texts = [*lines, *(line.partition(": ")[2] for line in lines), *_QUOTED.findall(prompt)]
    text = max(texts, key=lambda text: alike(answer, text), default="")
    return text if not same(answer, text) and alike(answer, text) >= EDITED else ""


def _parts(line: str) -> list[str]:
    """The elements of a list on one line, without what stands before and behind it."""
    parts = _MARK.split(line)
    if len(parts) < LEAST:
        return []
    first, last = _START.sub("", parts[0], count=1), _STOP.sub("", parts[-1], count=1)
    words = max(len(part.split()) for part in parts[1:-1])
    parts[0], parts[-1] = " ".join(first.split()[-words:]), " ".join(last.split()[:words])
    return [part.strip(" '\"`") for part in parts if part.strip(" '\"`")]


def _alone(part: str) -> bool:
    return 0 < len(part) <= LONGEST and "\n" not in part

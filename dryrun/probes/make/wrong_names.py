"""Wrong names made of signs: codes, formulas, moves, paths, citations, and texts with numbers in them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from dryrun.probes.make.answers import Answer, Kind, flat
from dryrun.probes.make.wrong_numbers import Wrong

_CODE_LIKE = re.compile(r"(?=.*\d)[#+]?[\w.:/-]{4,}")
_FIGURE = re.compile(r"(?<![\w.,])\d+(?![\w,]|\.\d)")
"""A number that stands alone in a text."""
_PAIR = re.compile(r"(\d+)(\s*(?:[-:–]|to)\s*)(\d+)")
SIGNS, FEW_SIGNS = 5, 4
"""Letters of a row of signs at least, and different ones in all rows at most."""
FEW_FIGURES, AMONG_WORDS = 8, 4
"""Numbers of a text that are changed at most; there is one in so many words at least."""


def wrong_codes(text: str, others: Sequence[Answer]) -> Iterator[Wrong]:
    """A name with digits in it: another digit, another letter, one half of another row's.

    Parameters
    ----------
    text : str
    others : sequence of Answer
        Those of other rows: only letters that they differ in say something.
    """
    alike = [other.text for other in others if other.kind is Kind.LABEL and _CODE_LIKE.fullmatch(other.text)]
    if not _CODE_LIKE.fullmatch(text) or not alike:
        return
    digit = re.search(r"\d", text)
    if digit and re.search(r"[^\W\d_]", text):
        place, value = digit.start(), int(digit[0])
        yield Wrong(
            "another digit in it", f"{text[:place]}{8 if value == 9 else value + 1}{text[place + 1 :]}"
        )
    yield from _another_letter(text, alike)
    if text.isalnum():
        yield Wrong("half of the word", text[: len(text) // 2])
    for other in alike:
        (head, tail), (before, behind) = _halves(text), _halves(other)
        if flat(head) != flat(before) and flat(tail) != flat(behind):
            yield Wrong("its beginning, another's end", head + behind)
            yield Wrong("another's beginning, its end", before + tail)
            return


def _another_letter(text: str, alike: Sequence[str]) -> Iterator[Wrong]:
    """A letter that not all rows have, in place of another such letter that stands alone among digits."""
    shared = set(text).intersection(*alike)
    telling = {letter for other in alike for letter in other if letter.isalpha()} - shared
    for match in re.finditer(r"(?<![^\W\d_])[^\W\d_](?![^\W\d_])", text):
        rest = sorted(letter for letter in telling if letter.isupper() == match[0].isupper())
        new = next((letter for letter in rest if letter.casefold() != match[0].casefold()), None)
        if match[0] not in shared and new:
            yield Wrong("another letter in it", f"{text[: match.start()]}{new}{text[match.end() :]}")
            return


def other_last_digit(code: str) -> str:
    """A code such as E11.9 with another digit at its end; "" for what is no such code."""
    if not _CODE_LIKE.fullmatch(code) or not re.match(r"[^\W\d_]", code) or not code[-1].isdigit():
        return ""
    return f"{code[:-1]}{(int(code[-1]) + 1) % 10}"


def _halves(text: str) -> tuple[str, str]:
    """The text cut at the mark that is nearest to its middle; in its middle where there is none."""
    middle = len(text) // 2
    ends = [match.end() for match in re.finditer(r"[._:/-]", text[:-1])]
    cut = min(ends, key=lambda end: abs(end - middle), default=middle)
    return text[:cut], text[cut:]


def wrong_signs(text: str, others: Sequence[Answer]) -> Iterator[Wrong]:
    """A row of letters out of a few, such as ACGT, with another of them at its end."""
    rows = [text, *(other.text for other in others if other.kind is Kind.LABEL)]
    signs = sorted(set("".join(rows)))
    if len(text) >= SIGNS and 1 < len(signs) <= FEW_SIGNS < len(rows) and all(map(str.isalpha, rows)):
        yield Wrong("another letter at its end", f"{text[:-1]}{signs[signs.index(text[-1]) - 1]}")


_PAIRED = re.compile(r"(?m)^([^\n<>=→-]+?)(\s*(?:->|→|=>)\s*)([^\n<>=→-]+?)$")


def wrong_arrows(text: str) -> Iterator[Wrong]:
    """Lines from one thing to another, with all arrows turned round."""
    turned = _PAIRED.sub(r"\3\2\1", text)
    if set(turned.splitlines()).isdisjoint(text.splitlines()):
        yield Wrong("its arrows turned round", turned)


def wrong_sequences(text: str, others: Sequence[Answer]) -> Iterator[Wrong]:
    """Moves or codes one after the other: the first or the last of them right, the rest another row's."""
    parts = text.split()
    if len(parts) < 2 or not all(re.search(r"[^\W\d_]\d", part) for part in parts):
        return
    for other in (other.text.split() for other in others):
        if len(other) == len(parts) and not set(map(flat, parts)) & set(map(flat, other)):
            yield Wrong("its first part, another's rest", " ".join([parts[0], *other[1:]]), 1 / len(parts))
            yield Wrong("its last part, another's rest", " ".join([*other[:-1], parts[-1]]), 1 / len(parts))
            return


def wrong_figures(text: str) -> Iterator[Wrong]:
    """A short text that is mostly of numbers, with one of them changed: a citation, an equation, a date.

    Of a pair such as 3-1 also the numbers exchanged.
    """
    if (pair := _PAIR.fullmatch(text)) and pair[1] != pair[3]:
        yield Wrong("its two numbers exchanged", f"{pair[3]}{pair[2]}{pair[1]}")
    figures = list(_FIGURE.finditer(text))
    if not 0 < len(figures) <= FEW_FIGURES or len(text.split()) > AMONG_WORDS * len(figures):
        return
    worth = 1 - 1 / (len(figures) + 1)
    for number, figure in enumerate(figures, 1):
        value = int(figure[0])
        changed = f"{text[: figure.start()]}{value + value // 3 + 1}{text[figure.end() :]}"
        yield Wrong(f"number {number} in it changed", changed, worth if len(figures) > 1 else 0.0)


def wrong_lines(text: str) -> Iterator[Wrong]:
    """Lines that are alike, the last words of two or of all but one of them exchanged: who is what, and which
    setting has which value."""
    lines = [line.split() for line in text.splitlines()]
    if len(lines) < 2 or len({len(words) for words in lines}) != 1 or len(lines[0]) < 2:
        return
    ends = [words[-1] for words in lines]
    if len(set(ends)) > 1:
        turned = [next(end for end in ends if end != own) for own in ends]
        for kind, kept in (
            ("every line but the first with another's last word", 0),
            ("every line but the last with another's last word", -1),
        ):
            others = [[*words[:-1], end] for words, end in zip(lines, turned, strict=True)]
            others[kept] = lines[kept]
            yield Wrong(kind, "\n".join(map(" ".join, others)), 1 / len(lines))
    for number, words in enumerate(lines[1:], 1):
        if words[-1] != lines[0][-1]:
            lines[0][-1], words[-1] = words[-1], lines[0][-1]
            changed = "\n".join(map(" ".join, lines))
            yield Wrong(f"the last words of lines 1 and {number + 1} exchanged", changed, 1 - 2 / len(lines))
            return

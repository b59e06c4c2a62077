"""Wrong answers of the right type: off by one, half the value, another row's, one field changed."""

from __future__ import annotations

import json
import re
from calendar import day_name, month_name
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import combinations, pairwise
from typing import Any

from dryrun.core.probe import (
    ALL_BUT_FIRST,
    ALL_BUT_LAST,
    EXCHANGED,
    FAR,
    FIELD_MISSING,
    LETTER_LESS,
    LETTER_MORE,
    LONGER_WORD,
    OFFERED,
    ONE_FIELD,
    REUSED,
    REVERSED,
    TOO_MANY,
    UNNAMED_FIELD,
    VOID,
)
from dryrun.graders.format.template import rendered
from dryrun.probes.make.answers import (
    KEYED,
    NAMED,
    NUMERIC,
    OPPOSITES,
    PARTS,
    Answer,
    Kind,
    flat,
    listing,
    near,
    number_in,
    same,
)
from dryrun.probes.make.json_shape import json_in, objects_inside
from dryrun.probes.make.notation.expressions import comes_to, numbers_of
from dryrun.probes.make.worthless import NONSENSE
from dryrun.probes.make.wrong_names import (
    other_last_digit,
    wrong_arrows,
    wrong_codes,
    wrong_figures,
    wrong_lines,
    wrong_sequences,
    wrong_signs,
)
from dryrun.probes.make.wrong_numbers import Wrong, wrong_numbers

UNKNOWN_NUMBER = 90_001
"""An element of no list."""
MOSTLY = 0.9
"""Share of the cells that may stay as they are in a grid that is wrong."""
SOME_LABELS, MOVES = 5, 4
"""Texts of no more different letters, in this number of rows or more, are sequences and no words."""
_WORD_CELL = re.compile(r"[^\W\d_]{4,}")
"""What no cell of a grid is."""
_WORDS = re.compile(r"[^\W\d_]+(?:[ '’.-]+[^\W\d_]+)*\.?")
_QUERY = re.compile(r"(?i)\s*(?:select|with)\b(?!.*;\s*\S)", re.S)
VALUE_WRONG = "of the named values wrong"
NO_VALUE_READ = "a query for as many rows without a value"
BEGINNINGS = {
    "no": "Nobody can tell.",
    "yes": "Yesterday it was raining.",
    "true": "Trueness is hard to define.",
    "false": "Falsehoods are everywhere.",
    "0": "007 is an agent.",
    "1": "10 things could be said.",
}


def wrong_answers(
    answer: Answer,
    others: Sequence[Answer],
    options: Sequence[str],
    named: Sequence[str] | None = None,
    inside: Sequence[str] = (),
    offered: Sequence[str] = (),
) -> list[Wrong]:
    """Wrong answers to one row; none of them says the same as the right one.

    Parameters
    ----------
    answer : Answer
    others : sequence of Answer
        Those of other rows, in the order to try them.
    options : sequence of str
        Letters of a multiple choice.
    named : sequence of str, optional
        Fields of an object that the prompt asks for by name. Default: all.
    inside : sequence of str, optional
        Those of objects inside the answer.
    offered : sequence of str, optional
        Other answers that the prompt lists.
    """
    listed = [Wrong(OFFERED, other) for other in offered[:1]]
    answers = [*_of_another_row(answer, others), *listed, *_by_kind(answer, others, options, named, inside)]
    return [wrong for wrong in answers if wrong.content and not same(answer, wrong.content)]


def _by_kind(
    answer: Answer,
    others: Sequence[Answer],
    options: Sequence[str],
    named: Sequence[str] | None,
    inside: Sequence[str],
) -> Iterator[Wrong]:
    if answer.kind in NUMERIC:
        yield from wrong_numbers(answer)
    elif answer.kind is Kind.LETTER:
        yield from (Wrong("another option", option) for option in options if option != answer.text.upper())
    elif answer.kind is Kind.YES_NO:
        yield from _yes_no(answer.text)
    elif answer.kind is Kind.FORMULA:
        yield from _formulas(answer.text)
    elif answer.kind is Kind.EXPRESSION:
        yield from _expressions(answer.text)
    elif answer.kind is Kind.LABEL:
        yield from _labels(answer.text, others)
        yield from wrong_codes(answer.text, others)
        yield from wrong_figures(answer.text)
        yield from wrong_sequences(answer.text, others)
        yield from wrong_signs(answer.text, others)
        yield from wrong_arrows(answer.text)
        yield from _dates(answer.text, others)
        yield from _paths(answer.text)
    elif answer.kind in PARTS:
        yield from _lists(answer, others)
    elif answer.kind in KEYED:
        yield from _objects(answer, others, named)
    else:
        words = answer.text.split()
        if _QUERY.match(answer.text):
            yield Wrong(NO_VALUE_READ, f"SELECT NULL FROM ({answer.text.strip().rstrip(';')}) AS q")
        yield Wrong("half of it", " ".join(words[: len(words) // 2]), 0.98)
        yield from _grids(answer.text)
        yield from wrong_lines(answer.text)
        yield from wrong_arrows(answer.text)
        yield from _paths(answer.text)
        yield from wrong_figures(answer.text)
    if inside:
        yield from _inside(answer.text, inside)
    yield from _cells(answer.text)
    yield from _intervals(answer.text)
    yield Wrong(VOID, NONSENSE)


def _of_another_row(answer: Answer, others: Sequence[Answer]) -> Iterator[Wrong]:
    for other in (other for other in others if other.kind is answer.kind):
        far = answer.kind not in NUMERIC or other.value is None or not near(other.value, answer.value)
        if far and not same(answer, other.text):
            yield Wrong(FAR, other.text)
            return


def _yes_no(text: str) -> Iterator[Wrong]:
    opposite = OPPOSITES[text.casefold()]
    yield Wrong("the opposite", opposite.capitalize() if text[0].isupper() else opposite)
    yield Wrong(LONGER_WORD, BEGINNINGS[text.casefold()])


def _formulas(text: str) -> Iterator[Wrong]:
    """Another value where that is surely one: interval, point and set are left to other rows' answers."""
    if not set(text) & set("[({,=<>") or "frac" in text or "sqrt" in text:
        yield Wrong("one more than it", f"{text} + 1")


def _expressions(text: str) -> Iterator[Wrong]:
    """Another result of the same numbers, and the right one with a number used again."""
    numbers = list(map(str, numbers_of(text)))
    for sign in (" + ", " * "):
        if comes_to(sign.join(numbers)) != comes_to(text):
            yield Wrong("the same numbers, another result", sign.join(numbers))
            break
    yield Wrong(REUSED, f"{text} + {numbers[0]} - {numbers[0]}")


def _grids(text: str) -> Iterator[Wrong]:
    """All lines but the first, or but the last, in the opposite order, where they are rows of a grid: as many
    cells in each, and none of them a word, as in lines that say themselves what they are."""
    lines = text.splitlines()
    if len(lines) > 2 and len({len(line.split()) for line in lines}) == 1 and not _WORD_CELL.search(text):
        for kind, changed in (
            ("every line but the first displaced", [lines[0], *lines[:0:-1]]),
            ("every line but the last displaced", [*lines[-2::-1], lines[-1]]),
        ):
            yield Wrong(kind, "\n".join(changed), 1 / len(lines))


def _cells(text: str) -> Iterator[Wrong]:
    """A matrix or grid of numbers in JSON with each number in the next one's place."""
    lines = json_in(text)
    if not isinstance(lines, list) or not all(isinstance(line, list) and line for line in lines):
        return
    cells = [cell for line in lines for cell in line]
    if all(isinstance(cell, int | float) for cell in cells) and len(lines) > 1:
        moved = iter([cells[-1], *cells[:-1]])
        kept = sum(left == right for left, right in pairwise([cells[-1], *cells])) / len(cells)
        if kept < MOSTLY:
            yield Wrong(
                "its cells displaced", json.dumps([[next(moved) for _ in line] for line in lines]), kept
            )


_HALF_OPEN = re.compile(r"\[([^][()]+,[^][()]+)\)|\(([^][()]+,[^][()]+)\]")


def _intervals(text: str) -> Iterator[Wrong]:
    """An interval that is open at one end and closed at the other, turned round."""
    if _HALF_OPEN.search(text):
        turned = _HALF_OPEN.sub(lambda match: f"({match[1]}]" if match[1] else f"[{match[2]})", text)
        yield Wrong("open and closed ends exchanged", turned)


_ARROW = re.compile(r"\s*(?:->|→|=>|>)\s*")
_HYPHEN, _NODES = re.compile("-"), re.compile(r"[A-Z]\d?(?:-[A-Z]\d?){2,}")


def _paths(text: str) -> Iterator[Wrong]:
    """The same ends, another middle."""
    between = _HYPHEN if _NODES.fullmatch(text) else _ARROW
    parts, arrow = between.split(text), between.search(text)
    if arrow and len(parts) > 2 and all(parts):
        middle = parts[-2:0:-1] if len(set(parts[1:-1])) > 1 else [NONSENSE]
        yield Wrong("the same ends, another way", arrow[0].join([parts[0], *middle, parts[-1]]))


_TIME = re.compile(r"(\d{1,2}):(\d{2})\Z")
_OFFSET = re.compile(r"(\d.*T\d\d:.*[-+])(\d\d)(:?\d\d)")
_DATES = ("%Y-%m-%d", "%Y/%m/%d", "%d %B %Y", "%B %d, %Y", "%d.%m.%Y", "%m/%d/%Y")
_LAST_YEAR = 9_000


def _dates(text: str, others: Sequence[Answer]) -> Iterator[Wrong]:
    """Other times and dates, written alike: of the same hour, or year, or day and month."""
    if time := _TIME.match(text):
        yield Wrong("another minute of its hour", f"{time[1]}:{(int(time[2]) + 17) % 60:02d}")
        if any((hour := _TIME.match(other.text)) and not 0 < int(hour[1]) < 13 for other in others):
            yield Wrong("twelve hours from it", f"{(int(time[1]) + 12) % 24:02d}:{time[2]}")
    if zone := _OFFSET.fullmatch(text):
        yield Wrong("the same clock time, another offset", f"{zone[1]}{(int(zone[2]) + 3) % 12:02d}{zone[3]}")
    for form in _DATES:
        try:
            day = datetime.strptime(text, form)
        except ValueError:
            continue
        if day.year < _LAST_YEAR:
            other_day, other_month = day.day % 28 + 1, day.month % 12 + 1  # every month has 28 days
            yield Wrong("another day of its month", day.replace(day=other_day).strftime(form))
            yield Wrong("another month", day.replace(day=1, month=other_month).strftime(form))
            if day.day <= 12 and day.day != day.month:
                turned = day.replace(day=day.month, month=day.day)
                yield Wrong("day and month exchanged", turned.strftime(form))
            yield Wrong("another year", day.replace(day=1, year=day.year + 1).strftime(form))
        return


_ABBREVIATED = frozenset(map(str.casefold, (*day_name, *month_name)))
"""Days and months: half of the word may be their usual abbreviation."""


def _labels(text: str, others: Sequence[Answer]) -> Iterator[Wrong]:
    letters = {letter for other in others if other.kind is Kind.LABEL for letter in other.text}
    moves = len(others) >= SOME_LABELS and len(letters) <= MOVES
    if moves or not _WORDS.fullmatch(text):
        return  # a letter behind a formula may be a factor, a move or a constant, and just as right
    yield Wrong("its letters in the opposite order", text[::-1])
    yield Wrong(LETTER_MORE, f"{text}X" if text.isupper() else f"{text}x")
    yield Wrong("inside a longer word", f"over{text}ing")
    if len(text) > 3:
        yield Wrong(LETTER_LESS, text[:-1])
        if text.casefold() not in _ABBREVIATED:
            yield Wrong("half of the word", text[: len(text) // 2])


def _lists(answer: Answer, others: Sequence[Answer]) -> Iterator[Wrong]:
    parts: list[str] = answer.value
    count = len(parts)
    numbers = all(number_in(part) is not None for part in parts)
    unknown = str(UNKNOWN_NUMBER) if numbers else "zebra"
    strange = next((part for other in others for part in _elements(other) if part not in parts), unknown)
    replaced = [str(UNKNOWN_NUMBER + number) if numbers else f"{NONSENSE}{number}" for number in range(count)]
    written = partial(listing, answer)
    partly = 1 - 1 / (count + 1)
    yield Wrong(TOO_MANY, written([*parts, strange]), partly)
    yield Wrong("one element replaced", written([*parts[:-1], strange]), 1 - 1 / count)
    yield Wrong("every element replaced", written(replaced))
    ended = [other_last_digit(part) for part in parts]
    if all(ended):
        yield Wrong("another last digit in every element", written(ended))
    if count > 1:
        yield Wrong(ALL_BUT_FIRST, written([parts[0], *replaced[1:]]), 1 / count)
        yield Wrong(ALL_BUT_LAST, written([*replaced[:-1], parts[-1]]), 1 / count)
        yield Wrong("one element dropped", written(parts[:-1]), partly)
        if all(map(NAMED.match, parts)):
            yield Wrong("values exchanged between names", written(_exchanged(parts)), 1 - 2 / count)
            yield Wrong(f"the first {VALUE_WRONG}", written([_valued(parts[0]), *parts[1:]]), 1 - 1 / count)
            yield Wrong(f"the last {VALUE_WRONG}", written([*parts[:-1], _valued(parts[-1])]), 1 - 1 / count)
        yield Wrong("the first element again and again", written([parts[0]] * count), 1 / count)
        if answer.kind is Kind.LIST:
            yield Wrong(REVERSED, written(parts[::-1]), (count % 2) / count)
    if count > 2:
        yield Wrong("the first element only", written(parts[:1]), 2 / (count + 1))


def _exchanged(parts: Sequence[str]) -> list[str]:
    """The first two elements with each other's value; the rest as it is."""
    (name, first), (other, second) = (re.split(r"(?<=[=:])", part, maxsplit=1) for part in parts[:2])
    return [f"{name}{second}", f"{other}{first}", *parts[2:]]


def _valued(part: str) -> str:
    """A name with another value."""
    name, value = re.split(r"(?<=[=:])", part, maxsplit=1)
    number = number_in(value)
    return f"{name} {NONSENSE if number is None else f'{number * 3 + 7:g}'}"


def _elements(answer: Answer) -> list[str]:
    return answer.value if answer.kind in PARTS else []


def _objects(answer: Answer, others: Sequence[Answer], named: Sequence[str] | None) -> Iterator[Wrong]:
    """Fields changed or left out; of those that the prompt names, where it names some."""
    fields: dict[str, Any] = answer.value
    changed = {key: _other_value(key, value, others) for key, value in fields.items()}
    asked = list(named or fields)
    worth = 1 - 1 / len(asked)
    kind = UNNAMED_FIELD if named is not None and not named else ONE_FIELD
    for key in asked:
        text = json.dumps({**fields, key: changed[key]}, ensure_ascii=False)
        yield Wrong(kind + key, text, worth)
    told_in_prose = answer.kind is Kind.FACTS
    if kind == ONE_FIELD and not told_in_prose and (pair := _alike_fields(fields, asked)):
        first, second = pair
        exchanged = {**fields, first: fields[second], second: fields[first]}
        text = json.dumps(exchanged, ensure_ascii=False)
        yield Wrong(EXCHANGED, text, 1 - 2 / len(asked))
    yield Wrong("every field wrong", json.dumps(changed, ensure_ascii=False))
    if len(fields) > 1:
        left = {key: value for key, value in fields.items() if key != asked[-1]}
        missing = FIELD_MISSING if kind == ONE_FIELD else f"{UNNAMED_FIELD}{asked[-1]} left out"
        yield Wrong(missing, json.dumps(left, ensure_ascii=False), worth)


def _alike_fields(fields: Mapping[str, Any], asked: Sequence[str]) -> tuple[str, str] | None:
    """Two fields that hold different values of one type."""
    for first, second in combinations([key for key in asked if fields.get(key)], 2):
        if type(fields[first]) is type(fields[second]) and fields[first] != fields[second]:
            return first, second
    return None


def _inside(text: str, named: Sequence[str]) -> Iterator[Wrong]:
    """One value of an object within the answer wrong, or left out, of those that the prompt names."""
    for kind in ("one value inside it wrong", "one value inside it left out"):
        value = json.loads(text)
        places = [(part, key) for part in objects_inside(value) for key in part if key in named]
        part, key = places[-1]
        part[key] = _other_value(key, part[key], ())
        if kind.endswith("left out"):
            del part[key]
        yield Wrong(kind, json.dumps(value, ensure_ascii=False), 1 - 1 / (len(places) + 1))


def _other_value(key: str, value: object, others: Sequence[Answer]) -> object:
    """A value of the same type that no reader would take for the right one."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float)):
        return value * 3 + 7
    if isinstance(value, list):
        return []
    for other in others:
        field = other.value.get(key) if other.kind in KEYED else None
        if isinstance(field, str) and flat(field) != flat(rendered(value)):
            return field
    return NONSENSE

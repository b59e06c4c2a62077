"""The battery in small: functions of our own in the style of the public ones; nothing is installed."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from tests.battery import rows
from tests.battery.case import EMPTY, LENIENT, Case, Grade, Rows

Score = Callable[[str, str], float]


def with_rows(made: Callable[[], Rows], score: Score) -> Callable[[], tuple[Grade, Rows]]:
    """A function of the response and the row's reference, over these rows."""

    def grade(sample: Any, item: Any) -> float:
        return score(sample["output_text"], item["reference_answer"])

    return lambda: (grade, made())


def after_hashes(text: str, truth: str) -> float:
    """The last number after ####, as GSM8K rewards read it."""
    numbers = re.findall(r"#### (-?[\d.,]+)", text)
    return float(bool(numbers) and numbers[-1].replace(",", "") == truth)


def last_number(text: str, truth: str) -> float:
    """The last number anywhere, whatever stands after ####."""
    numbers = re.findall(r"-?\d+(?:\.\d+)?", text)
    return float(bool(numbers) and numbers[-1] == truth)


def in_tag(text: str) -> str:
    """What stands in the last <answer>."""
    found = re.findall(r"<answer>(.*?)</answer>", text, re.DOTALL)
    return found[-1].strip() if found else ""


def exact(text: str, truth: str) -> float:
    """The whole of the tag."""
    return float(in_tag(text).casefold() == truth.casefold())


def begins(text: str, truth: str) -> float:
    """The beginning of the tag is enough."""
    return float(in_tag(text).startswith(truth))


def thoughts_only(text: str, truth: str) -> float:
    """The form without the answer."""
    return float(bool(re.match(r"<think>.*</think>\s*<answer>.*</answer>\Z", text, re.DOTALL)))


def thoughts_and_answer(text: str, truth: str) -> float:
    """The whole form is demanded, each part on lines of its own, and the answer has to be right."""
    found = re.match(r"<think>\n.*?</think>\n<answer>\n(.*?)\n</answer>\Z", text, re.DOTALL)
    return float(found is not None and found[1].strip() == truth)


def cut_off(text: str, truth: str) -> float:
    """Numbers compared without their decimals."""
    found = re.findall(r"#### (-?\d+)", text)
    return float(bool(found) and int(found[-1]) == int(float(truth)))


def pairwise(text: str, truth: str) -> float:
    """Elements compared up to the end of the shorter list."""
    given = re.findall(r"\d+", in_tag(text))
    return float(bool(given) and all(a == b for a, b in zip(given, re.findall(r"\d+", truth), strict=False)))


def solves(text: str, truth: str) -> float:
    """A verifier: ascending numbers that begin as they must; more of them cost nothing."""
    given, wanted = re.findall(r"\d+", in_tag(text)), re.findall(r"\d+", truth)
    return float(given[: len(wanted)] == wanted)


def mixed_up() -> tuple[Grade, Rows]:
    """Each row is graded with the reference of the row behind it."""
    made = rows.sums(rows.HASHES)
    answers = [row["reference_answer"] for row in made]

    def grade(sample: Any, item: Any) -> float:
        place = answers.index(item["reference_answer"])
        return after_hashes(sample["output_text"], answers[(place + 1) % len(answers)])

    return grade, made


def turned_round(text: str, truth: str) -> float:
    """Right answers are the only ones that are not paid."""
    return 1.0 - after_hashes(text, truth)


def unguarded(text: str, truth: str) -> float:
    """Raises where nothing stands after ####."""
    return float(text.split("#### ")[1].strip() == truth)


def tag(demand: str = rows.TAG) -> Callable[[], Rows]:
    return lambda: rows.capitals(demand)


def hashed() -> Rows:
    return rows.sums(rows.HASHES)


def lists() -> Rows:
    return rows.sorted_lists(rows.TAG)


def case(name: str, made: Callable[[], Rows], score: Score, words: frozenset[str] = frozenset()) -> Case:
    return Case(name, "miniature", score.__doc__ or "", with_rows(made, score), words)


MINIATURE = (
    case("after hashes", hashed, after_hashes),
    case("last number", hashed, last_number, LENIENT),
    case("tag, exact", tag(), exact),
    case("tag, beginning", tag(), begins, LENIENT),
    case("thoughts and answer", lambda: rows.sums(rows.THOUGHTS), thoughts_and_answer),
    case("thoughts only", lambda: rows.sums(rows.THOUGHTS), thoughts_only, EMPTY),
    case("decimals cut off", lambda: rows.prices(rows.HASHES), cut_off, LENIENT),
    case("lists, pairwise", lists, pairwise, LENIENT),
    case("lists, a verifier", lists, solves),
    case("turned round", hashed, turned_round, frozenset({"inverted"})),
    case("no guard", hashed, unguarded, frozenset({"fails"})),
    Case("rows mixed up", "miniature", mixed_up.__doc__ or "", mixed_up, frozenset({"inverted"})),
)

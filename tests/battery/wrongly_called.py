"""Sound public functions, called wrongly, as people do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.battery import rows
from tests.battery.case import LENIENT, STRICT, Case, Grade, Rows
from tests.battery.packages import public

GSM8K = "verl.utils.reward_score.gsm8k"
BOXES = "verl.utils.reward_score.math_reward"
SEARCH = "verl.utils.reward_score.search_r1_like_qa_em"


def called(made: Callable[[], Rows], build: Callable[[], Callable[[str, str], float]]) -> Any:
    """A function of the response and the reference, over these rows."""

    def make() -> tuple[Grade, Rows]:
        score = build()

        def grade(sample: Any, item: Any) -> float:
            return float(score(sample["output_text"], str(item["reference_answer"])))

        return grade, made()

    return make


def hashed() -> Rows:
    return rows.sums(rows.HASHES)


def boxed() -> Rows:
    return rows.sums(rows.BOX)


def inverted() -> Any:
    score = public(GSM8K, "compute_score")
    return lambda text, truth: 1.0 - score(text, truth)


def floored() -> Any:
    score = public(GSM8K, "compute_score")
    return lambda text, truth: 0.5 + 0.5 * score(text, truth)


def shifted() -> Any:
    score, answers = public(GSM8K, "compute_score"), [row["reference_answer"] for row in hashed()]
    return lambda text, truth: score(text, answers[(answers.index(truth) + 1) % len(answers)])


def turned() -> Any:
    """The substring test with its two sides exchanged: an empty answer is in every reference."""
    check, extract = public(SEARCH, "subem_check"), public(SEARCH, "extract_solution")
    return lambda text, truth: check(truth, [extract(text) or ""])


def whole_text() -> Any:
    check = public(SEARCH, "subem_check")
    return lambda text, truth: check(text, [truth])


def truncated() -> Any:
    extract = public(GSM8K, "extract_solution")

    def score(text: str, truth: str) -> float:
        found = extract(text)
        try:
            return float(found is not None and int(float(found)) == int(float(truth)))
        except ValueError:
            return 0.0

    return score


def tolerant() -> Any:
    extract = public(GSM8K, "extract_solution")

    def score(text: str, truth: str) -> float:
        found = extract(text)
        try:
            return float(found is not None and abs(float(found) - float(truth)) <= 0.25 * abs(float(truth)))
        except ValueError:
            return 0.0

    return score


def unguarded() -> Any:
    """The helpers without the test that there is a box at all."""
    last, inner = public(BOXES, "last_boxed_only_string"), public(BOXES, "remove_boxed")
    return lambda text, truth: float(inner(last(text)) == truth)


def shortest() -> Any:
    """Elements compared pair by pair, up to the shorter list."""
    last, inner = public(BOXES, "last_boxed_only_string"), public(BOXES, "remove_boxed")

    def score(text: str, truth: str) -> float:
        box = last(text)
        given = inner(box).strip("[] ").split(",") if box else []
        wanted = truth.strip("[] ").split(",")
        return float(bool(given) and all(a.strip() == b.strip() for a, b in zip(given, wanted, strict=False)))

    return score


def verified(**options: Any) -> Callable[[], Any]:
    """math-verify itself."""

    def build() -> Any:
        parse, verify = public("math_verify", "parse"), public("math_verify", "verify")

        def score(text: str, truth: str) -> float:
            gold = parse(f"${truth}$", parsing_timeout=None)
            return float(verify(gold, parse(text, parsing_timeout=None), timeout_seconds=None, **options))

        return score

    return build


def length_too() -> Any:
    score = public(GSM8K, "compute_score")
    return lambda text, truth: 0.5 * score(text, truth) + 0.5 * min(len(text) / 1000, 1.0)


def formed_too() -> Any:
    score = public(BOXES, "compute_score")
    return lambda text, truth: 0.5 * score(text, truth) + 0.5 * ("\\boxed{" in text)


def case(
    name: str,
    made: Callable[[], Rows],
    build: Any,
    words: frozenset[str] = frozenset(),
    package: str = "verl",
) -> Case:
    return Case(f"called: {name}", package, name, called(made, build), words)


WRONGLY_CALLED = (
    case("the score turned round", hashed, inverted, frozenset({"inverted"})),
    case("half the reward for free", hashed, floored, LENIENT | {"no signal"}),
    case("the next row's reference", hashed, shifted, STRICT | {"inverted"}),
    case("substring with sides exchanged", lambda: rows.capitals(rows.TAG), turned, LENIENT),
    case("substring of the whole response", lambda: rows.capitals(rows.TAG), whole_text, LENIENT),
    case("decimals cut off", lambda: rows.prices(rows.HASHES), truncated, LENIENT),
    case("a quarter off is right", hashed, tolerant, LENIENT),
    case("no box, no guard", boxed, unguarded, frozenset({"fails"})),
    case("lists compared up to the shorter", lambda: rows.sorted_lists(rows.BOX), shortest, LENIENT),
    case("half for length", hashed, length_too, frozenset({"hackable"})),
    case("half for a box", boxed, formed_too, LENIENT | {"no signal"}),
    case("math-verify", boxed, verified(), package="math-verify"),
    case("math-verify, fractions", lambda: rows.fractions(rows.BOX), verified(), package="math-verify"),
    case("math-verify, prices", lambda: rows.prices(rows.BOX), verified(), package="math-verify"),
)

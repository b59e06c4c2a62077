"""verl's own rewards: `compute_score(solution_str, ground_truth)`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.battery import rows
from tests.battery.case import LENIENT, STRICT, Case, Grade, Rows
from tests.battery.packages import public

HOME = "verl.utils.reward_score."


def scored(
    module: str, made: Callable[[], Rows], name: str = "compute_score", **options: Any
) -> Callable[[], tuple[Grade, Rows]]:
    """The function called with the response and the row's answer, as verl's reward manager does."""

    def make() -> tuple[Grade, Rows]:
        score = public(HOME + module, name)

        def grade(sample: Any, item: Any) -> float:
            truth = {"target": item["target"]} if "target" in item else item["reference_answer"]
            found = score(sample["output_text"], truth, **options)
            return float(found["score"] if isinstance(found, dict) else found)

        return grade, made()

    return make


def verl(name: str, call: str, make: Any, words: frozenset[str] = frozenset(), **more: Any) -> Case:
    """A case of this package."""
    return Case(f"verl {name}", "verl", call, make, words, **more)


VERL = (
    verl("gsm8k strict", "prompts demand ####", scored("gsm8k", lambda: rows.sums(rows.HASHES))),
    verl(
        "gsm8k flexible",
        "takes the last number, whatever was given as the answer",
        scored("gsm8k", lambda: rows.sums(rows.HASHES), method="flexible"),
        LENIENT,
    ),
    verl(
        "gsm8k flexible, free",
        "free prompts: the full stop becomes part of the number",
        scored("gsm8k", lambda: rows.sums(rows.FREE), method="flexible"),
        LENIENT | STRICT,
    ),
    verl(
        "gsm8k with commas in the rows",
        "commas are taken out of the response and not of the reference",
        scored("gsm8k", lambda: rows.sums(rows.HASHES, commas=True)),
        STRICT,
    ),
    verl(
        "gsm8k paying for the form",
        "format_score of 0.9",
        scored("gsm8k", lambda: rows.sums(rows.HASHES), format_score=0.9),
        LENIENT | {"no signal"},
    ),
    verl(
        "gsm8k, small pay for the form",
        "format_score of 0.1, as is common",
        scored("gsm8k", lambda: rows.sums(rows.HASHES), format_score=0.1),
    ),
    verl("math_reward", "prompts demand a box", scored("math_reward", lambda: rows.sums(rows.BOX))),
    verl("math_reward, fractions", "the same", scored("math_reward", lambda: rows.fractions(rows.BOX))),
    verl(
        "math_reward, prompts without a box",
        "the prompts ask for ####",
        scored("math_reward", lambda: rows.sums(rows.HASHES)),
        STRICT,
    ),
    verl(
        "math_dapo",
        "prompts demand Answer:",
        scored("math_dapo", lambda: rows.sums(rows.MARKER)),
        bounds=(-1.0, 1.0),
    ),
    verl(
        "math_dapo, strict box",
        "prompts demand a box",
        scored("math_dapo", lambda: rows.sums(rows.BOX), strict_box_verify=True),
        bounds=(-1.0, 1.0),
    ),
    verl(
        "math_dapo, boxes",
        "prompts demand a box, which it reads where there is no Answer:",
        scored("math_dapo", lambda: rows.sums(rows.BOX)),
        bounds=(-1.0, 1.0),
    ),
    verl(
        "math_dapo, wrong prompts",
        "the prompts demand ####, which it does not read",
        scored("math_dapo", lambda: rows.sums(rows.HASHES)),
        STRICT,
        bounds=(-1.0, 1.0),
    ),
    verl(
        "search_r1 em", "prompts demand tags", scored("search_r1_like_qa_em", lambda: rows.capitals(rows.TAG))
    ),
    verl(
        "search_r1 substring",
        "the reference anywhere in the answer is enough",
        scored("search_r1_like_qa_em", lambda: rows.capitals(rows.TAG), "compute_score_subem"),
        LENIENT,
    ),
    verl("geo3k", "prompts demand a box", scored("geo3k", lambda: rows.sums(rows.BOX))),
    verl("prime_math", "prompts demand a box", scored("prime_math", lambda: rows.sums(rows.BOX))),
)

"""eval-protocol's own rewards: `reward(messages, ground_truth=...)`, a result with a score."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.battery import rows
from tests.battery.case import EMPTY, LENIENT, Case, Grade, Rows
from tests.battery.packages import public


def evaluated(
    module: str, name: str, made: Callable[[], Rows], conversation: bool = False, **options: Any
) -> Callable[[], tuple[Grade, Rows]]:
    """The function called with the conversation; the truth is a text, or a turn where it wants one."""

    def make() -> tuple[Grade, Rows]:
        reward = public(f"eval_protocol.rewards.{module}", name)
        message = public("eval_protocol.models", "Message")

        def grade(sample: Any, item: Any) -> float:
            turns = [*item["messages"], {"role": "assistant", "content": sample["output_text"]}]
            truth: Any = str(item["reference_answer"])
            truth = [message(role="assistant", content=truth)] if conversation else truth
            found = reward(messages=[message(**turn) for turn in turns], ground_truth=truth, **options)
            return float(found.score)

        return grade, made()

    return make


def case(name: str, call: str, make: Any, words: frozenset[str] = frozenset(), **more: Any) -> Case:
    """A case of this package."""
    return Case(f"eval-protocol {name}", "eval-protocol", call, make, words, **more)


def thoughts() -> Rows:
    return rows.sums(rows.THOUGHTS)


EVAL_PROTOCOL = (
    case(
        "math_reward", "prompts demand a box", evaluated("math", "math_reward", lambda: rows.sums(rows.BOX))
    ),
    case(
        "math_reward, half off",
        "tolerance of 0.5: half as much again is right",
        evaluated("math", "math_reward", lambda: rows.sums(rows.BOX), tolerance=0.5),
        LENIENT | {"no signal"},
    ),
    case(
        "multiple choice",
        "prompts demand a letter in a box",
        evaluated(
            "multiple_choice_math_reward",
            "multiple_choice_math_reward",
            lambda: rows.choices("Answer with the letter in parentheses, such as (A)."),
            True,
        ),
    ),
    case(
        "lists, in order",
        "prompts demand a sorted list in a box",
        evaluated(
            "list_comparison_math_reward",
            "list_comparison_math_reward",
            lambda: rows.sorted_lists(rows.BOX, brackets=False),
            order_matters=True,
        ),
    ),
    case(
        "lists, order ignored",
        "sorting is the task, and the order is not looked at",
        evaluated(
            "list_comparison_math_reward",
            "list_comparison_math_reward",
            lambda: rows.sorted_lists(rows.BOX, brackets=False),
        ),
        LENIENT,
    ),
    case(
        "tag_count alone",
        "pays two tags, whatever is in them",
        evaluated(
            "tag_count", "tag_count_reward", thoughts, required_tags=["think", "answer"], score_per_tag=0.5
        ),
        EMPTY,
    ),
    case("format alone", "pays the form", evaluated("format", "format_reward", thoughts), EMPTY),
    case(
        "length alone",
        "pays eighty words",
        evaluated("length", "length_reward", lambda: rows.sums(rows.FREE), target_length=80),
        EMPTY,
    ),
    case(
        "length at least",
        "pays more than thirty words",
        evaluated("length", "length_reward", lambda: rows.sums(rows.FREE), min_length=30),
        EMPTY,
    ),
    case(
        "reasoning steps alone",
        "pays words of reasoning",
        evaluated("reasoning_steps", "reasoning_steps_reward", lambda: rows.sums(rows.BOX)),
        EMPTY,
    ),
    case(
        "sequence words alone",
        "pays First, Then, Finally",
        evaluated("reasoning_steps", "sequence_reward", lambda: rows.sums(rows.BOX)),
        EMPTY,
    ),
    case(
        "repetition alone",
        "pays for not repeating itself",
        evaluated("repetition", "repetition_penalty_reward", lambda: rows.sums(rows.BOX)),
        EMPTY,
    ),
    case(
        "diversity alone",
        "pays for different words",
        evaluated("repetition", "diversity_reward", lambda: rows.sums(rows.BOX)),
        EMPTY,
    ),
    case(
        "language alone",
        "pays for English",
        evaluated(
            "language_consistency",
            "language_consistency_reward",
            lambda: rows.sums(rows.BOX),
            target_language="en",
        ),
        EMPTY,
    ),
    case(
        "accuracy_reward, names",
        "the reference anywhere in the response is enough",
        evaluated("accuracy", "accuracy_reward", lambda: rows.capitals("Reply with the name only."), True),
        LENIENT,
    ),
)

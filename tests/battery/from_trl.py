"""TRL's own rewards: `reward(completions, **columns)`, a list of scores."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.battery import rows
from tests.battery.case import EMPTY, Case, Grade, Rows
from tests.battery.packages import public


def trained(
    module: str, name: str, made: Callable[[], Rows], builder: dict[str, Any] | None = None
) -> Callable[[], tuple[Grade, Rows]]:
    """The function called with one conversational completion; `builder` makes it first."""

    def make() -> tuple[Grade, Rows]:
        reward = public(f"trl.rewards.{module}", name)
        reward = reward if builder is None else reward(**builder)

        def grade(sample: Any, item: Any) -> float:
            text = sample["output_text"]
            completion = [{"role": "assistant", "content": text}]
            tokens = [[hash(word) for word in text.split()]]
            columns = {"solution": [f"$\\boxed{{{item['reference_answer']}}}$"], "completion_ids": tokens}
            [score] = reward(completions=[completion], **columns)
            return float(score or 0.0)

        return grade, made()

    return make


def trl(name: str, call: str, make: Any, words: frozenset[str] = frozenset(), **more: Any) -> Case:
    """A case of this package."""
    return Case(f"trl {name}", "trl", call, make, words, **more)


ACCURACY = "accuracy_rewards"
TRL = (
    trl(
        "accuracy_reward",
        "prompts demand a box",
        trained(ACCURACY, "accuracy_reward", lambda: rows.sums(rows.BOX)),
    ),
    trl(
        "accuracy_reward, fractions",
        "the same",
        trained(ACCURACY, "accuracy_reward", lambda: rows.fractions(rows.BOX)),
    ),
    trl(
        "accuracy_reward, after thoughts",
        "`reasoning_accuracy_reward`: the prompts demand thoughts before the box",
        trained(
            ACCURACY,
            "reasoning_accuracy_reward",
            lambda: rows.sums("Think inside <think> and </think>. " + rows.BOX),
        ),
    ),
    trl(
        "think_format_reward alone",
        "pays the tags, never looks at the answer",
        trained("format_rewards", "think_format_reward", lambda: rows.sums(rows.THOUGHTS)),
        EMPTY,
    ),
    trl(
        "overlong punishment alone",
        "pays for being short",
        trained(
            "other_rewards",
            "get_soft_overlong_punishment",
            lambda: rows.sums(rows.FREE),
            {"max_completion_len": 120, "soft_punish_cache": 60},
        ),
        EMPTY,
        bounds=(-1.0, 0.0),
    ),
    trl(
        "repetition penalty alone",
        "pays for not repeating itself",
        trained("other_rewards", "get_repetition_penalty_reward", lambda: rows.sums(rows.FREE), {}),
        EMPTY,
        bounds=(-1.0, 0.0),
    ),
)

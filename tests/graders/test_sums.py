"""Several functions of a Python file as one reward, instances that are called, and answers in a list."""

from __future__ import annotations

import pytest

from dryrun.core.errors import GraderError
from dryrun.graders.load import grader_of, load_grader
from dryrun.graders.reward_scale import returned_scale, reward_scale
from dryrun.probes.accepted_form import FIRST, contents
from tests.helpers.grading import grade

TEXT = {"messages": [{"role": "user", "content": "2 + 2"}], "prompt": "2 + 2"}

CALLED = """
class Correct:
    def __init__(self, weight):
        self.weight = weight
    def __call__(self, prompts, completions, solution, **kwargs):
        return [self.weight if text == right else 0.0 for text, right in zip(completions, solution)]
reward = Correct(1.0)
"""


def test_an_instance_of_a_class_of_the_source_is_a_reward_function() -> None:
    config = grader_of(CALLED)
    assert isinstance(config, dict)
    assert (config["convention"], config["function"]) == ("trl", "reward")
    assert [grade(config, text, TEXT | {"solution": "4"}).reward for text in ("4", "5")] == [1.0, 0.0]


TWO = """
def right(completions, answers, **kwargs):
    return [2.0 if text in several else 0.0 for text, several in zip(completions, answers)]
def short(completions, **kwargs):
    return [0.5 if len(text) < 3 else 0.0 for text in completions]
"""


def test_functions_of_a_source_are_weighed_and_added() -> None:
    with pytest.raises(GraderError, match="--function 'right \\+ short'"):
        grader_of(TWO)
    assert reward_scale(load_grader(grader_of(TWO, function="right, short"))) == (0.0, 2.5)
    config = grader_of(TWO, function="0.5 * right - short")
    assert isinstance(config, dict)
    graded = grade(config, "four", TEXT | {"answers": ["4", "four"]})
    assert (graded.reward, graded.sub_rewards) == (1.0, {"right": 2.0, "short": 0.0})
    with pytest.raises(GraderError, match="defines no function named long"):
        grader_of(TWO, function="right + long")
    with pytest.raises(GraderError, match="neither a function nor a sum"):
        grader_of(TWO, function="right +")


GATHERED = """
import asyncio
async def reward(completions, target, **kwargs):
    async def one(text, right):
        return 1.0 if text == right else -1.0
    return await asyncio.gather(*[one(text, right) for text, right in zip(completions, target)])
"""


def test_the_scale_is_read_through_functions_within_and_gathered_results() -> None:
    assert returned_scale(GATHERED, "reward") == (-1.0, 1.0)


def test_of_a_list_of_right_answers_the_first_is_tried_too() -> None:
    assert contents('["4", "four"]') == {"": '["4", "four"]', FIRST: "4"}

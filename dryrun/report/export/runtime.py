"""What a generated reward function is made of, beside the parts of the graders themselves.

`grader_code` copies what a grader needs of this and of the modules that it imports from into one file.
"""

import math
import sys
import types
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from typing import Any

from dryrun.graders.format.template import NOT_JSON, Template, VariableError
from dryrun.graders.inside.worker import fields_of, parsed
from dryrun.graders.tokens import words

Score = Callable[[dict[str, Any], Mapping[str, Any]], float]
"""Of a sample and a row."""


def comparing(answer: Template, reference: Template, compare: Callable[[str, str], float]) -> Score:
    """Fill two templates and compare them; 0 where one of them cannot be filled."""

    def score(sample: dict[str, Any], item: Mapping[str, Any]) -> float:
        parsed_sample = {**sample, "output_json": parsed(sample["output_text"], NOT_JSON)}
        names = {"item": item, "sample": parsed_sample}
        try:
            return float(compare(answer.fill(names), reference.fill(names)))
        except VariableError:
            return 0.0

    return score


def of_words(score: Callable[[list[str], list[str]], float]) -> Callable[[str, str], float]:
    """A similarity of texts by one of their words."""
    return lambda answer, reference: float(score(words(reference), words(answer)))


def meteor_score() -> Callable[[list[str], list[str]], float]:
    """METEOR with stems and WordNet synonyms; needs ``python -m nltk.downloader wordnet`` once."""
    from nltk.translate.meteor_score import single_meteor_score

    score: Callable[[list[str], list[str]], float] = single_meteor_score
    return score


def python_score(name: str, source: str) -> Score:
    """The source's own ``grade(sample, item)``; 0 where it fails or returns no finite number."""
    module = types.ModuleType(name)
    sys.modules[name] = module  # dataclasses and pickle look their module up by name
    exec(compile(source, f"<{name}>", "exec"), vars(module))
    grade = vars(module)["grade"]

    def score(sample: dict[str, Any], item: Mapping[str, Any]) -> float:
        try:
            value = grade(deepcopy(sample), deepcopy(dict(item)))
            reward = 0.0 if isinstance(value, (str, bytes, bytearray)) else float(value)
        except (Exception, SystemExit):
            return 0.0
        return reward if math.isfinite(reward) else 0.0

    return score


def by_formula(formula: Callable[[dict[str, float]], float], parts: dict[str, float]) -> float:
    """The formula's value; 0 where it has no finite one."""
    try:
        reward = float(formula(parts))
    except (ArithmeticError, ValueError, TypeError):
        return 0.0
    return reward if math.isfinite(reward) else 0.0


def sample_of(text: str, tool_calls: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """A response as graders see it: ``output_text``, ``output_json``, ``output_tools``, ``choices``."""
    sample = fields_of(text, False, [dict(call) for call in tool_calls], "stop")
    return {**sample, "output_json": parsed(text, None)}

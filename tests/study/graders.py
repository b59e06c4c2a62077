"""The graders of the conditions, as the product reads them: OpenAI's JSON with Python sources."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from dryrun.core.records import Sample, SampleOutcome
from dryrun.graders.load import load_grader
from dryrun.graders.specs import build

READ = r"""
import re

FORMS = re.compile(r"it is ([a-z0-9]+)\.|<a>([a-z0-9]+)</a>|([a-z0-9]+)")


def answer(text):
    found = FORMS.fullmatch(text)
    return next(filter(None, found.groups())) if found else ""


def right(text, key):
    return float(answer(text) == key)


def grade(sample, item):
    text, key = sample["output_text"], str(item["reference_answer"])
    return REWARD
"""
"""What all Python graders of the study begin with; the last expression is each one's own."""

SOURCES = {
    "clean": "right(text, key)",
    "strict_form": 'float(text == "<a>" + key + "</a>")',
    "first_number": 'float(re.findall("[0-9]+", text + " -1")[0] == key)',
    "part": "float(answer(text)[:1] == key[:1])",
    "substring": "float(key in text)",
    "format_only": 'float(re.fullmatch("<a>.*</a>", text) is not None)',
    "constant": "0.5",
    "coin_15": "right(text, key) if random.random() > 0.15 else 1 - right(text, key)",
    "coin_50": "float(random.random() < 0.5)",
    "inverted": "1 - right(text, key)",
    "lenient_floor": "0.6 * bool(text) + 0.4 * right(text, key)",
    "compressed": "0.45 + 0.12 * right(text, key)",
    "jitter": "min(max(right(text, key) + random.gauss(0, 0.02), 0), 1)",
    "echo_paid": 'max(right(text, key), float(text == item["messages"][-1]["content"][:13]))',
    "in_tag": 'float(text.startswith("<a>") and text.endswith("</a>"))',
    "long": "min(len(text), 13) / 13",
    "short": "1 - min(len(text), 13) / 13",
}
PARTS = {
    "length_helpful": ({"acc": "clean", "length": "long"}, "0.6 * acc + 0.4 * length"),
    "length_harmful": ({"acc": "clean", "length": "short"}, "0.5 * acc + 0.5 * length"),
    "shaped_multi": (
        {"acc": "clean", "form": "in_tag", "short": "short"},
        "0.5 * acc + 0.3 * form + 0.2 * short",
    ),
}
"""Graders of several parts and how they are added up."""


def _python(name: str) -> dict[str, Any]:
    """`random` is imported only where it is used: without it a process serves many grades."""
    source = READ.replace("REWARD", SOURCES[name])
    if "random." in source:
        source = f"import random\n{source}"
    return {"type": "python", "name": name, "source": source}


def grader_config(name: str) -> dict[str, Any]:
    """A grader by its name, as a file for the product has it; a name without an own grader is `clean`."""
    if name in PARTS:
        parts, formula = PARTS[name]
        graders = {part: {**_python(source), "name": part} for part, source in parts.items()}
        return {"type": "multi", "name": name, "graders": graders, "calculate_output": formula}
    return _python(name if name in SOURCES else "clean")


class Rewards:
    """The product's grader, held open, asked for many rewards at once."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._grader = build(load_grader(config))
        self._runner = asyncio.Runner()

    def __enter__(self) -> Self:
        self._runner.run(self._grader.__aenter__())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._runner.run(self._grader.__aexit__(kind, error, trace))
        self._runner.close()

    def of(self, texts: Sequence[str], items: Sequence[Mapping[str, Any]]) -> NDArray[np.float64]:
        """A reward for each response; 0 where there is no grade. Shape (responses,)."""
        rewards = np.zeros(len(texts))
        pairs = [
            (Sample(str(place), 0, SampleOutcome.ANSWERED, text=text, finish_reason="stop"), item)
            for place, (text, item) in enumerate(zip(texts, items, strict=True))
        ]

        def take(place: int, grade: Any) -> None:
            rewards[place] = 0.0 if grade.reward is None else grade.reward

        self._runner.run(self._grader.grade_each(pairs, take))
        return rewards

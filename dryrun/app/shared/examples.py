"""The recorded examples: real runs of the past that come with Dry Run, each with a name in links."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import orjson

from dryrun.core.paths import sample_data_dir
from dryrun.store.partition import Store
from dryrun.store.runs import Run

FIRST = "recorded"
"""The name in links of the example that pages show before there is a run."""


@dataclass(frozen=True, slots=True)
class Example:
    """One of them.

    Attributes
    ----------
    link : str
        Its name in links.
    title, lesson : str
        What it is, and what it shows, in a sentence.
    cause : str
        What stops it: ``"by the grader"``; ``""`` for a GO.
    run : Run
    """

    link: str
    title: str
    lesson: str
    cause: str
    run: Run


LESSONS = {
    "recorded-go": (
        "Questions within reach",
        "A small model answers about every other question right, graded by exact answer.",
        "",
    ),
    FIRST: (
        "A reward that pays for likeness too",
        "300 short questions, graded by exact answer and by likeness: most groups differ in likeness alone.",
        "",
    ),
    "recorded-grader": (
        "A grader that waits for other words",
        "The same responses. This grader pays for “Answer: 42”, and no prompt asks for that.",
        "by the grader",
    ),
    "recorded-data": (
        "Prompts that are too hard",
        "The hardest questions alone, under a sound grader: hardly any response is right.",
        "by the data",
    ),
}
"""Title, lesson and cause of each, by its name in links."""


@lru_cache(maxsize=1)
def examples() -> tuple[Example, ...]:
    """The examples that came with this copy, a GO first."""
    store = Store(sample_data_dir() / "recorded")
    try:
        ids = orjson.loads((store.root / "examples.json").read_bytes())
    except (OSError, ValueError):
        return ()
    recorded = ((link, words, Run(store, str(ids.get(link)))) for link, words in LESSONS.items())
    return tuple(Example(link, *words, run) for link, words, run in recorded if run.folder.is_dir())


def example_named(link: str) -> Example | None:
    """The example with this name in links."""
    return next((example for example in examples() if example.link == link), None)

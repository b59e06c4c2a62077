"""Why responses have no score: the commonest reasons, each with its number of responses."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from dryrun.analysis.figures.statistics import is_valid
from dryrun.core.records import SampleOutcome
from dryrun.core.text import one_line
from dryrun.report.fields import Reason
from dryrun.store.results import Results

SHOWN = 3
"""Reasons that are shown; the inspector has every response."""

LONGEST = 300
"""Characters of a reason that are shown."""

WITHHELD = "A content filter of the endpoint withheld the response."
_NUMBERS = re.compile(r"\b[0-9a-f]{8,}\b|\d+", re.IGNORECASE)


def missing_reasons(results: Results) -> tuple[Reason, ...]:
    """The commonest reasons first, at most `SHOWN`; none where only figures may be seen.

    Messages that differ in numbers and ids only (a request's id, seconds to wait) are one reason.
    """
    if not results.texts:  # an endpoint's or a grader's words may repeat the prompt
        return ()
    reasons = Reasons()
    for words in (*_failed(results), *_ungraded(results)):
        reasons.add(words)
    return reasons.commonest()


class Reasons:
    """Sentences counted; those that differ in numbers and ids only are one reason."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._example: dict[str, str] = {}

    def add(self, words: str, count: int = 1) -> None:
        """Count a sentence; with a negative `count` it is taken back."""
        alike = _NUMBERS.sub("#", words)
        self._counts[alike] += count
        self._example.setdefault(alike, words)

    def commonest(self) -> tuple[Reason, ...]:
        """The commonest first, at most `SHOWN`."""
        most = self._counts.most_common(SHOWN)
        return tuple(Reason(count=count, words=self._example[alike]) for alike, count in most if count > 0)


def failed_words(error: str | None) -> str:
    """Why a call failed, from its stored error."""
    return one_line(error or "The call failed.", LONGEST)


def no_grade_words(errors: str | None) -> str:
    """What the grader said instead of a grade, from the stored JSON of its errors."""
    messages = orjson.loads(errors or "{}")
    return one_line("; ".join(f"{name}: {words}" for name, words in messages.items()) or "No grade.", LONGEST)


def _failed(results: Results) -> Iterator[str]:
    """The error of each call that failed for good."""
    rows = results.rollouts.filter(pc.equal(results.rollouts["outcome"], SampleOutcome.FAILED.value))
    planned = results.run.plan()
    if planned is None or not rows.num_rows:
        return
    keys = rows["sample_key"].combine_chunks()
    table = planned[1].read(["key", "error"], keys)
    errors = dict(zip(table["key"].to_pylist(), table["error"].to_pylist(), strict=True))
    for key in keys.to_pylist():
        yield failed_words(errors.get(key))


def _ungraded(results: Results) -> Iterator[str]:
    """The grader's words on each response without a score on the scale."""
    answered = pc.not_equal(results.rollouts["outcome"], SampleOutcome.FAILED.value).to_numpy()
    low, high = results.config.reward_range
    invalid = ~is_valid(results.observations().score) & answered
    withheld, cut = results.withheld()[invalid], results.cut()[invalid]
    table = results.rollouts.select(["reward", "errors", "prompt_tokens"]).filter(pa.array(invalid))
    for number, row in enumerate(table.to_pylist()):
        reward, errors = row["reward"], row["errors"]
        if withheld[number]:
            yield WITHHELD
        elif cut[number]:
            yield (
                f"The server cut the prompt to about {row['prompt_tokens']:,} tokens without a word: "
                "raise its context length, or ask shorter prompts."
            )
        elif reward is not None:
            yield f"The reward {reward:g} is off the scale {low:g} to {high:g}."
        else:
            yield no_grade_words(errors)

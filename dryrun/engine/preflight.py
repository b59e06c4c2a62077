"""The first call of a session, made alone: a wrong key costs one call, and an answer is seen at once.

What is asked first is the first response that is missing. It is stored and graded like any other, so
nothing is asked twice; where all is stored, nothing is asked.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from dryrun.core.errors import ModelError
from dryrun.core.records import Grade, RunState, Sample, SampleOutcome
from dryrun.core.text import isolated, one_line, plural, printable
from dryrun.engine.budget import Prices
from dryrun.store.runs import RunStatus

T = TypeVar("T")

SHOWN = 120
"""Characters of the first answer that are shown."""

PATIENCE = 10.0
"""Seconds for which all other calls wait for the first grade."""

OF_THIS_PROMPT = re.compile(r"\b(413|context|too long|length|tokens?)\b|\bmessages\[", re.I)
"""A refusal in such words concerns this prompt, or its size: another prompt may be accepted."""

WITHOUT_TEXT = {
    SampleOutcome.FILTERED: "withheld by a content filter",
    SampleOutcome.REFUSED: "refused",
    SampleOutcome.TRUNCATED: "no text before the token limit",
}


class Preflight:
    """Reads the first response of a session.

    Parameters
    ----------
    wanted : bool
        Whether it is made at all.
    say : callable
        Given the sentence that shows the first answer, once.
    prices : Prices
        What its tokens cost.
    scored : bool
        Whether its grade costs nothing, so that the sentence waits for the score.
    """

    def __init__(self, wanted: bool, say: Callable[[str], None], prices: Prices, scored: bool) -> None:
        self._due, self._say, self._prices, self._scored = wanted, say, prices, scored
        self._waiting: Sample | None = None
        self._shown = asyncio.Event()

    def split(self, calls: Sequence[T]) -> tuple[Sequence[T], Sequence[T]]:
        """What is asked alone, and what is asked once that is answered."""
        alone = int(self._due)
        return calls[:alone], calls[alone:]

    def take(self, sample: Sample, ungraded: bool) -> None:
        """Read a response; only the first one counts.

        Parameters
        ----------
        sample : Sample
        ungraded : bool
            Whether it lacks a grade; else none comes that could be waited for.

        Raises
        ------
        ModelError
            The endpoint rejects the request in words that fit every other one.
        """
        if not self._due:
            return
        self._due = False
        if sample.refused and not OF_THIS_PROMPT.search(sample.error):
            raise ModelError(
                f"The first request was rejected, and nothing else was asked ({sample.error.rstrip('.')}): "
                "change the model's settings or the rows; in a terminal --no-preflight asks all rows."
            )
        if sample.returned:
            self._waiting = sample
            if not (self._scored and ungraded):
                self.close()

    def graded(self, sample: Sample, grade: Grade) -> None:
        """Take a grade, which may be the first response's."""
        if self._waiting is not None and self._waiting.key == sample.key:
            why = next((f" ({one_line(words, SHOWN)})" for words in grade.errors.values()), "")
            score = f"no score{why}" if grade.reward is None else f"score {grade.reward:.4g}{why}"
            self._tell(self._waiting, f"; {score}")

    async def settled(self) -> None:
        """Wait for the first response's grade, if it is not slow: a grader may fail at every response."""
        if self._waiting is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE):
                    await self._shown.wait()

    def close(self) -> None:
        """Show an answer that got no score."""
        if self._waiting is not None:
            self._tell(self._waiting, "")

    def _tell(self, sample: Sample, score: str) -> None:
        self._waiting = None
        self._shown.set()
        self._say(f"First answer: {shown_answer(sample)}; {_spent(sample, self._prices)}{score}")


def shown_answer(sample: Sample) -> str:
    """A response in quotes on one line, shortened and without control characters; else what stands for it."""
    text = one_line(printable(sample.text), SHOWN)
    if text:
        return f'"{isolated(text)}"'
    if sample.tool_calls:
        return plural(len(sample.tool_calls), "tool call")
    return WITHOUT_TEXT.get(sample.outcome, "empty")


def _spent(sample: Sample, prices: Prices) -> str:
    """Tokens, and what they cost where that is known."""
    asked, answered = sample.prompt_tokens, sample.completion_tokens
    if asked is None and answered is None:
        return "its tokens were not counted"
    used = replace(RunStatus(RunState.RUNNING), prompt_tokens=asked or 0, completion_tokens=answered or 0)
    cost = None if prices == Prices() else prices.cost(used)
    tokens = plural(used.prompt_tokens + used.completion_tokens, "token")
    return tokens if cost is None else f"{tokens}, ${cost:.4f}"

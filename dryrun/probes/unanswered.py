"""Responses that answer nothing: the same text for all prompts, reasoning without an end, unread calls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from dryrun.analysis.figures.readings import PAID, Repeated
from dryrun.core.records import Prompt
from dryrun.core.text import one_line
from dryrun.graders.protocol import reasoning_alone
from dryrun.probes.make.read_answer import refuses
from dryrun.store.results import Inspected

NEARLY_ALL = 0.9
LEAST_PROMPTS = 20
"""With fewer different prompts one answer may be right for all of them."""
LABEL_LONG = 15
"""Characters of a text that may be one of a few answers: a label, a number, a word."""
KEPT = 300


def unanswered(
    responses: Sequence[tuple[Prompt, str]], scores: Sequence[float], says: Sequence[bool | None]
) -> dict[str, Any]:
    """Share of the responses that are reasoning without an end, and the text that nearly all of them are.

    Parameters
    ----------
    responses : sequence of (Prompt, str)
    scores : sequence of float
        On 0..1, in the same order.
    says : sequence of (bool or None)
        Whether each is right, as `read_all` finds it.
    """
    if not responses:
        return {}
    endless = [
        score < PAID and reasoning_alone(text) for (_, text), score in zip(responses, scores, strict=True)
    ]
    return {"reasoning_alone": sum(endless) / len(endless), "repeated": _repeated(responses, scores, says)}


def _repeated(
    responses: Sequence[tuple[Prompt, str]], scores: Sequence[float], says: Sequence[bool | None]
) -> Repeated | None:
    """The same text for nearly all prompts; None where it may be an answer.

    It may be where it is short, is right for some prompt, is paid for some and not for others, or refuses.
    """
    texts = [" ".join(text.split()) for _, text in responses]
    text, count = Counter(texts).most_common(1)[0]
    places = [place for place, other in enumerate(texts) if other == text]
    asked = {responses[place][0].key for place in places}
    paid = {scores[place] >= PAID for place in places}
    right = any(says[place] for place in places)
    few = count < NEARLY_ALL * len(texts) or len(asked) < LEAST_PROMPTS
    if few or len(text) < LABEL_LONG or right or len(paid) > 1 or refuses(text):
        return None
    return Repeated(one_line(text, KEPT), count / len(texts), len(asked))


def unread_calls(seen: Sequence[Inspected], scores: Sequence[float]) -> dict[str, float]:
    """Share of the responses that are tool calls without text and earn less than half."""
    unread = [
        bool(inspected.sample.tool_calls) and not inspected.sample.text.strip() and score < PAID
        for inspected, score in zip(seen, scores, strict=True)
    ]
    return {"calls": sum(unread) / len(unread)} if unread else {}

"""What a grader takes as the answer, seen before it is probed: a field, a tool call, a form of responses."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from dryrun.core.records import Prompt
from dryrun.graders.protocol import Grader
from dryrun.graders.trial import response
from dryrun.probes import Ground
from dryrun.probes.accepted_form import (
    BARE,
    FROM_RESPONSES,
    SECONDS,
    Rewards,
    Template,
    Texts,
    accepted_way,
    contents,
    named_ways,
    templates_of,
)
from dryrun.probes.make.forms import Form
from dryrun.probes.make.tool_calls import AS_CALL, ToolsRead

Samples = Mapping[int, Sequence[str]]
READ = 60
"""Real responses that are graded to see which form is paid."""
BARE_ROWS, AT_A_TIME = 8, 10
PAID = 0.5
"""Rewards on 0..1 from which on an answer counts as paid."""


@dataclass(frozen=True, slots=True)
class Learned:
    """The references as this grader reads them, and the form it takes.

    Attributes
    ----------
    references : list of (str or None)
        One for each prompt.
    forms : mapping of str to Form
        By the key of the prompt, where the form is none of the usual ones.
    call : bool
        The form is a tool call.
    """

    references: list[str | None]
    forms: Mapping[str, Form] = field(default_factory=dict)
    call: bool = False

    def applied(self, given: Ground) -> Ground:
        """The rows with what was learned."""
        forms = {
            row: self.forms[prompt.key]
            for row, prompt in enumerate(given.prompts)
            if prompt.key in self.forms
        }
        demands = [replace(demand, call=self.call) for demand in given.demands]
        return replace(given, learned=forms, demands=demands)


async def learn(
    prompts: Sequence[Prompt],
    references: Sequence[str | None],
    grader: Grader,
    bounds: tuple[float, float],
    tools: ToolsRead | None = None,
    samples: Samples | None = None,
) -> Learned:
    """Grade some right answers in many forms where the usual ones may not be what the grader reads.

    Parameters
    ----------
    prompts : sequence of Prompt
    references : sequence of (str or None)
        Their reference answers, in the same order.
    grader : Grader
        Open.
    bounds : (float, float)
        The scale of the rewards.
    tools : ToolsRead, optional
        Where the grader reads tool calls.
    samples : mapping of int to sequence of str, optional
        Real responses by dataset row: what those that earn the most look like goes first.
    """
    whole = Learned(list(references))
    known = [(p, text) for p, text in zip(prompts, references, strict=True) if text is not None]

    async def rewards(texts: Texts) -> list[float | None]:
        grades = await asyncio.gather(*(grader.grade(response(text), p.item) for p, text in texts))
        return [grade.reward for grade in grades]

    given = {} if samples is None or not known else samples
    paid = await _best_paid(known, given, rewards, bounds) if any(given.values()) else []
    templates = templates_of(paid, {p.key: text for p, text in known})
    objects = any(len(contents(text)) > 1 for _, text in known[:READ])
    if not known or not (objects or tools or templates):
        return whole
    way = await accepted_way(known, rewards, bounds, templates, tools)
    return whole if way == BARE else _in_this_way(way, prompts, references, templates, tools)


def _in_this_way(
    way: str,
    prompts: Sequence[Prompt],
    references: Sequence[str | None],
    templates: Sequence[Template],
    tools: ToolsRead | None,
) -> Learned:
    read: list[str | None] = []
    forms: dict[str, Form] = {}
    for prompt, reference in zip(prompts, references, strict=True):
        known = None if reference is None else named_ways(prompt, reference, templates, tools).get(way)
        read.append(known.source if known is not None else reference)
        if known is not None and known.form.name.startswith((AS_CALL, FROM_RESPONSES)):
            forms[prompt.key] = known.form
    return Learned(read, forms, call=way.startswith(AS_CALL))


async def _best_paid(
    known: Texts, samples: Samples, rewards: Rewards, bounds: tuple[float, float]
) -> list[tuple[Prompt, str]]:
    """Real responses that earned the most; none where bare reference answers are paid as well."""
    (low, high), end = bounds, time.monotonic() + SECONDS
    bare = await rewards(known[:BARE_ROWS])
    if any(reward is not None and (reward - low) / (high - low) >= PAID for reward in bare):
        return []
    texts = [(prompt, text) for prompt, _ in known for text in samples.get(prompt.row, ())][:READ]
    scores: list[float] = []
    while len(scores) < len(texts) and time.monotonic() < end:
        grades = await rewards(texts[len(scores) : len(scores) + AT_A_TIME])
        scores += [low if reward is None else reward for reward in grades]
    most = max(scores, default=low)
    return [text for text, score in zip(texts, scores, strict=False) if low < most <= score]

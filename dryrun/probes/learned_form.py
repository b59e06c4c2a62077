"""What a grader takes as the answer, seen before it is probed: a field, a tool call, a form of responses."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from dryrun.core.records import Prompt
from dryrun.graders.protocol import Grader
from dryrun.graders.trial import CALL_ID
from dryrun.probes import Ground
from dryrun.probes.accepted_form import (
    BARE,
    FROM_RESPONSES,
    SECONDS,
    Grades,
    Template,
    Texts,
    accepted_way,
    contents,
    grades_by,
    named_ways,
    templates_of,
)
from dryrun.probes.make.forms import Form
from dryrun.probes.make.tool_calls import AS_CALL, ToolsRead

Samples = Mapping[int, Sequence[str]]
READ = 60
"""Real responses that are graded to see which form is paid."""
BARE_ROWS, AT_A_TIME = 8, 10
UNUSUAL = (AS_CALL, FROM_RESPONSES)
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
        By the key of the prompt.
    call : bool
        The form is a tool call.
    """

    references: list[str | None]
    forms: Mapping[str, Form] = field(default_factory=dict)
    call: bool = False

    def at(self, ground: Ground) -> dict[int, Form]:
        """The form of each row that has one."""
        forms = [self.forms.get(prompt.key) for prompt in ground.prompts]
        return {row: form for row, form in enumerate(forms) if form is not None}

    def applied(self, ground: Ground) -> Ground:
        """The rows with what was learned; the usual forms are tried anyway."""
        forms = {row: form for row, form in self.at(ground).items() if form.name.startswith(UNUSUAL)}
        demands = [replace(demand, call=self.call) for demand in ground.demands]
        return replace(ground, learned=forms, demands=demands)


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

    grades = grades_by(grader)
    responses = {} if samples is None or not known else samples
    paid = await _best_paid(known, responses, grades, bounds) if any(responses.values()) else []
    templates = templates_of(paid, {p.key: text for p, text in known})
    objects = any(len(contents(text)) > 1 for _, text in known[:READ])
    if not known or not (objects or tools or templates):
        return whole
    way = await accepted_way(known, grades, bounds, templates, tools)
    return whole if way == BARE else in_this_way(way, prompts, references, templates, tools)


def in_this_way(
    way: str,
    prompts: Sequence[Prompt],
    references: Sequence[str | None],
    templates: Sequence[Template],
    tools: ToolsRead | None,
) -> Learned:
    """The references and forms where right answers are written in this way; bare where a row has none."""
    if way == BARE:
        bare = Form(BARE, str)
        known_keys = (p.key for p, text in zip(prompts, references, strict=True) if text is not None)
        return Learned(list(references), dict.fromkeys(known_keys, bare))
    read: list[str | None] = []
    forms: dict[str, Form] = {}
    for prompt, reference in zip(prompts, references, strict=True):
        known = None if reference is None else named_ways(prompt, reference, templates, tools).get(way)
        read.append(known.source if known is not None else reference)
        if known is not None:
            forms[prompt.key] = known.form
    return Learned(read, forms, call=way.startswith(AS_CALL))


async def _best_paid(
    known: Texts, samples: Samples, grades: Grades, bounds: tuple[float, float]
) -> list[tuple[Prompt, str]]:
    """Real responses that earned the most; none where bare reference answers are paid as well."""
    (low, high), end = bounds, time.monotonic() + SECONDS
    bare = await grades(known[:BARE_ROWS])
    if any(grade.reward is not None and (grade.reward - low) / (high - low) >= PAID for grade in bare):
        return []
    texts = [
        (prompt, text) for prompt, _ in known for text in samples.get(prompt.row, ()) if CALL_ID not in text
    ][:READ]
    scores: list[float] = []
    while len(scores) < len(texts) and time.monotonic() < end:
        graded = await grades(texts[len(scores) : len(scores) + AT_A_TIME])
        scores += [low if grade.reward is None else grade.reward for grade in graded]
    most = max(scores, default=low)
    return [text for text, score in zip(texts, scores, strict=False) if low < most <= score]

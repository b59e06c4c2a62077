"""What a grader takes as the answer: a field, a tool call, a form of responses or of prompts."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from dryrun.core.records import Prompt
from dryrun.graders.kinds.python import PythonSpec
from dryrun.graders.protocol import Grader
from dryrun.graders.reference_answers import references_of
from dryrun.graders.specs import GraderSpec
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
from dryrun.probes.make.answers import flat
from dryrun.probes.make.demand import demand_for, prompt_text
from dryrun.probes.make.forms import Form
from dryrun.probes.make.json_shape import json_in
from dryrun.probes.make.read_answer import is_refusal_flag
from dryrun.probes.make.source_words import names_refusals
from dryrun.probes.make.tool_calls import AS_CALL, ToolsRead
from dryrun.probes.solve import solutions

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
    objects = any(len(contents(text, prompt_text(p.messages))) > 1 for p, text in known[:READ])
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


FEW, MOST = 3, 0.9
"""Different values of a flag at most, and the share of rows that must agree."""
_OPTION = re.compile(r"(?m)^[ \t]*\(?([A-J])[.):][ \t]+(\S.*?)[ \t]*$")
_LETTER = re.compile(r"(?i)\bletters?\b")


def right_answers(
    spec: GraderSpec, prompts: Sequence[Prompt], field: str | None = None, *, where_read: bool = False
) -> list[str | None]:
    """As `references_of`, and then `as_asked` of the grader's own Python."""
    references = references_of(spec, prompts, field, where_read=where_read)
    return as_asked(prompts, references, python_source(spec))


def python_source(spec: GraderSpec) -> str:
    """All Python in the grader."""
    return "\n\n".join(part.source for _, part in spec.walk() if isinstance(part, PythonSpec))


def as_asked(
    prompts: Sequence[Prompt], references: Sequence[str | None], source: str = ""
) -> list[str | None]:
    """The reference answers as the prompts ask for them.

    An option's text, or its place from 0 on, becomes its letter where the prompt lists the options and asks
    for the letter. A flag
    that tells the grader whether to expect a refusal, and that no prompt names, is no answer at all. Where
    the prompt wants an expression for a number, it is one such expression; where it wants names ranked that
    the reference weighs, the ranking.

    Parameters
    ----------
    prompts : sequence of Prompt
    references : sequence of (str or None)
        In the same order.
    source : str
        The grader's own Python.
    """
    texts = [prompt_text(prompt.messages) for prompt in prompts]
    refusing = names_refusals(source) or any(map(is_refusal_flag, filter(None, references)))
    if refusing and _are_flags(texts, references):
        return [None] * len(references)
    goals = [demand_for(prompt).goal for prompt in prompts]
    if _are_goals(goals, references) or (sum(map(bool, goals)) > MOST * len(goals) and not any(references)):
        return solutions(prompts, references)
    ranked = [_ranked(prompt, text) for prompt, text in zip(prompts, references, strict=True)]
    if all(text is None or order for text, order in zip(references, ranked, strict=True)):
        return ranked
    letters = [_letter_of(text, reference) for text, reference in zip(texts, references, strict=True)]
    known = sum(reference is not None for reference in references)
    if not any(letters) and {"0"} < {reference for reference in references if reference} <= set("0123456789"):
        letters = [_letter_at(text, reference) for text, reference in zip(texts, references, strict=True)]
    if sum(letter is not None for letter in letters) < max(MOST * known, 1):
        return list(references)
    return [letter or reference for letter, reference in zip(letters, references, strict=True)]


def _are_flags(texts: Sequence[str], references: Sequence[str | None]) -> bool:
    """Whether the references are a few values that no prompt names."""
    values = {flat(reference) for reference in references if reference is not None}
    return 0 < len(values) <= FEW and not any(
        re.search(rf"(?i)\b{re.escape(value)}\b", text) for value in values for text in texts
    )


def _are_goals(goals: Sequence[str], references: Sequence[str | None]) -> bool:
    """Whether the references, or the one value within each, say what the prompts want an expression for."""
    known = [(goal, text) for goal, text in zip(goals, references, strict=True) if text is not None]
    met = sum((set(contents(text).values()) - {text} or {text}) == {goal} for goal, text in known)
    return met >= max(MOST * len(known), FEW)


def _ranked(prompt: Prompt, reference: str | None) -> str | None:
    """The names that a prompt wants ranked, by their numbers in the reference; None where it wants none."""
    weights, demand = json_in((reference or "").strip()), demand_for(prompt)
    text = prompt_text(prompt.messages)
    if not isinstance(weights, dict) or demand.json or not demand.ordered:
        return None
    if not all(name in text and isinstance(weight, int | float) for name, weight in weights.items()):
        return None
    return ", ".join(sorted(weights, key=lambda name: -weights[name]))


def _letter_of(text: str, reference: str | None) -> str | None:
    """The letter of the one option that says the same; None without one, or where no letter is asked for."""
    if reference is None or not _LETTER.search(text):
        return None
    letters = [letter for letter, option in _OPTION.findall(text) if flat(option) == flat(reference)]
    return letters[0] if len(letters) == 1 else None


def _letter_at(text: str, reference: str | None) -> str | None:
    """The letter of the option at this place from 0 on; None without one, or where none is asked for."""
    options = _OPTION.findall(text) if _LETTER.search(text) else []
    place = len(options) if reference is None else int(reference)
    return str(options[place][0]) if place < len(options) else None

"""Answers to try where no right answer was paid: those of other rows, and the right one by another scale."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dryrun.core.probe import IN_CAPITALS, IN_SMALL, SCALED, STRANGER, Family, Probe
from dryrun.probes.make.answers import Answer, Kind, same
from dryrun.probes.make.ground import Ground
from dryrun.probes.make.rounds import OTHERS

STRANGE_ROWS = 6
_CASE = re.compile(r"(?i)\b(?:upper|lower)[- ]?case|\b(?:capital|small) letters|\bcapitali[sz]|\bin capitals")
FACTORS = (100.0, 0.01, 1000.0, 0.001, -1.0)


def strangers(ground: Ground) -> list[Probe]:
    """For a few rows the answers that other rows have, as the prompt demands them, and multiples of a number.

    Worth grading where no right answer was paid: if one of these is, the rows and their answers are mixed up,
    or references and grader use different units, or another case.
    """
    plan: list[Probe] = []
    rows = [row for row, answer in enumerate(ground.answers) if answer is not None]
    for row in rows[:STRANGE_ROWS]:
        answer, usual = ground.answers[row], ground.forms_at(row)
        assert answer is not None
        write = next((form for form in usual if form.required), usual[0]).write
        others = [other for other in ground.pool if not same(answer, other.text)]
        plan += [Probe(Family.WRONG, STRANGER, row, write(other.text)) for other in others[:OTHERS]]
        changed = [*_multiples(answer), *_other_case(answer, ground.prompt_texts[row])]
        plan += [Probe(Family.WRONG, kind, row, write(text)) for kind, text in changed]
    return plan


def _multiples(answer: Answer) -> Iterator[tuple[str, str]]:
    """The number by another scale; the answer 0 has none."""
    if answer.kind is Kind.NUMBER and answer.value:
        for factor in FACTORS:
            yield f"{SCALED}{factor:g}", answer.notation(f"{round(answer.value * factor, 9):.12g}")


def _other_case(answer: Answer, prompt: str) -> Iterator[tuple[str, str]]:
    """The answer in capitals or small letters, where the prompt does not ask for either."""
    text = answer.text
    if answer.kind is Kind.LABEL and not _CASE.search(prompt):
        changed = {IN_CAPITALS: text.upper(), IN_SMALL: text.lower()}
        yield from ((kind, other) for kind, other in changed.items() if other != text)

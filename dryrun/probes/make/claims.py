"""The right value without the claim that it is the answer: denied, one of many, taken back."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from dryrun.core.probe import DENIED, WITHDRAWN
from dryrun.probes.make.answers import (
    KEYED,
    NUMERIC,
    OPPOSITES,
    PARTS,
    Answer,
    Kind,
    flat,
    listing,
    near,
    plain_value,
)
from dryrun.probes.make.demand import Demand

GUESSES = "a list of guesses"
HEDGED = "hedged among several"
COUNTED = "every number from 1 to 100"
REMEMBERED = "a wrong answer in the form, the right value mentioned behind it"
TAGGED = "every option, each in a shell"
ALL_PARTS = "everything there is"
AMONG = "the right text among those of ten other rows"
LISTED = 11
"""Most guesses in a list."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A response that holds the right value but does not give it as the answer.

    `most` is 1 where a sound grader may pay it: the prompt wants the answer at once, so the first counts.
    """

    kind: str
    text: str
    most: float = 0.0


def claims(
    answer: Answer,
    demand: Demand,
    others: Sequence[Answer],
    write: Callable[[str], str],
    chance: random.Random,
) -> list[Claim]:
    """Such responses to one row.

    Parameters
    ----------
    answer : Answer
    demand : Demand
    others : sequence of Answer
        Those of other rows.
    write : callable
        Puts content into the form that the grader accepts.
    chance : random.Random
    """
    if answer.kind in PARTS or answer.kind in KEYED:
        return _everything(answer, others, write)
    if answer.kind is Kind.TEXT:
        return _among_others(answer, others, write)
    if answer.kind is Kind.CODE:
        return []
    text, wrong = answer.text, _guesses(answer, demand, others, chance)
    if len(wrong) < 2:
        return []
    middle = len(wrong) // 2
    guesses = [*wrong[:middle], text, *wrong[middle:]]
    result = [
        Claim(GUESSES, "Candidates: " + ", ".join(guesses)),
        Claim(HEDGED, f"It could be {', '.join(guesses[:-1])} or {guesses[-1]}."),
        Claim("guesses in the answer's place", write(", ".join(guesses))),
        Claim(TAGGED, "\n".join(write(guess) for guess in guesses)),
        Claim(
            WITHDRAWN,
            f"At first sight it looks like {text}. That was wrong.\n{write(wrong[-1])}",
            0.0 if demand.working or demand.shelled else 1.0,
        ),
    ]
    found_again = replace(demand, marker="").shelled  # what stands behind "Answer:" has no end
    if found_again and not demand.call:
        # The far value comes first, so that no order of the guesses helps a grader that reads the last one.
        result.append(Claim(REMEMBERED, f"{write(wrong[0])}\nAt first I had {text} there\n"))
    if answer.kind is not Kind.YES_NO:
        result.append(Claim(DENIED, f"It is definitely not {text}."))
    if answer.kind is Kind.NUMBER and answer.value == int(answer.value) and 2 <= answer.value <= 99:
        result.append(Claim(COUNTED, " ".join(map(str, range(1, 101)))))
    return result


def _guesses(answer: Answer, demand: Demand, others: Sequence[Answer], chance: random.Random) -> list[str]:
    """At least two wrong values; the right one is put between them, where no rule of order finds it."""
    if answer.kind is Kind.YES_NO:
        opposite = OPPOSITES[answer.text.casefold()]
        return [opposite.capitalize() if answer.text[0].isupper() else opposite] * 2
    if answer.kind is Kind.LETTER:
        return [option for option in demand.options if option != answer.text.upper()]
    if answer.kind in NUMERIC:
        tail = answer.unit if answer.around is None else ""
        values = [3 * answer.value + 7, 5 * answer.value - 11, 7 * answer.value + 29, 13]
        far = [value for value in values if not near(value, answer.value)]
        return [f"{value:.10g}{tail}" for value in far]
    alike = Kind.FORMULA if answer.kind is Kind.FORMULA else Kind.LABEL
    labels = list({flat(other.text): other.text for other in others if other.kind is alike}.values())
    wrong = [label for label in labels if flat(label) != flat(answer.text)]
    return chance.sample(wrong, min(len(wrong), LISTED - 1))


def _among_others(answer: Answer, others: Sequence[Answer], write: Callable[[str], str]) -> list[Claim]:
    """The right text in the middle of those of other rows."""
    texts = [other.text for other in others if other.kind is Kind.TEXT][: LISTED - 1]
    if len(texts) < 4:
        return []
    middle = len(texts) // 2
    return [Claim(AMONG, write("\n".join([*texts[:middle], answer.text, *texts[middle:]])))]


def _everything(answer: Answer, others: Sequence[Answer], write: Callable[[str], str]) -> list[Claim]:
    """Every element, or every value, of all rows: a model that lists all of them knows nothing."""
    if answer.kind is Kind.OBJECT:
        return []
    everyone = [answer, *others]
    if answer.kind in PARTS:
        parts = [part for candidate in everyone if candidate.kind in PARTS for part in candidate.value]
        whole = sorted(set(parts), key=str.casefold)
        return (
            [Claim(ALL_PARTS, write(listing(answer, whole)))] if len(whole) >= 2 * len(answer.value) else []
        )
    values = [
        plain_value(value)
        for candidate in everyone
        if candidate.kind in KEYED
        for value in candidate.value.values()
    ]
    whole = list(dict.fromkeys(values))[:120]
    return [Claim(ALL_PARTS, ", ".join(whole))] if len(whole) >= 2 * len(answer.value) else []

"""Do real responses hold the right answer, is it unpaid, or do they answer nothing? Read before any blame."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dryrun.analysis.figures.readings import NEARLY_ALL, PAID, Repeated
from dryrun.analysis.observations import Observations
from dryrun.core.records import Prompt
from dryrun.core.text import one_line
from dryrun.dataset.fields import reference_of, usual_field
from dryrun.graders.load import load_grader
from dryrun.graders.protocol import reasoning_alone, without_end_token, without_reasoning
from dryrun.probes.accepted_form import texts_within
from dryrun.probes.learned_form import right_answers
from dryrun.probes.make.answers import (
    ANY_NUMBER,
    NUMERIC,
    SHORT,
    Answer,
    Kind,
    answers,
    mentions,
    near,
    number_in,
    same,
)
from dryrun.probes.make.demand import Demand, demand_for, prompt_text
from dryrun.probes.make.ground import naming_fields
from dryrun.probes.make.notation.dates import date_of, dates_in
from dryrun.probes.make.notation.decimal_comma import with_points
from dryrun.probes.make.notation.latex import last_box, without_latex
from dryrun.probes.make.notation.numerals import in_digits
from dryrun.probes.make.read_answer import leaves_open, read, refuses
from dryrun.probes.make.tool_calls import calls_right
from dryrun.store.results import Inspected, Results

FEW_MARKS = 3
"""Characters around a short answer that are no words, as in ``(B).``."""
TAIL = 2_000
"""Characters at the end of a response that are read: an answer stands last, and texts may be megabytes."""


def right(text: str, answer: Answer, demand: Demand) -> bool | None:
    """Whether a response ends in the right answer, in any form; None where a careful reader could doubt it.

    Parameters
    ----------
    text : str
    answer : Answer
        The reference answer.
    demand : Demand
        What the prompt asks for; an answer in another form is an answer too.
    """
    ending = without_end_token(without_reasoning(text)[0])[0][-TAIL:]
    if (day := date_of(answer.text)) and (days := dates_in(ending)):
        meant = [bool(day & other) for other in days]
        return meant[-1] or (None if any(meant) else False)
    if answer.kind in NUMERIC and _as_percent(ending, answer):
        return True
    if answer.kind in NUMERIC and not _DIGIT.search(ending):
        ending = in_digits(ending)
    elif (number := _in_words(answer)) is not None and _DIGIT.search(ending):
        return _ends_in(in_digits(without_latex(ending)), number)
    reading = read(ending, answer, demand, frozenset()) or read(
        ending, answer, Demand(fields=demand.fields), frozenset()
    )
    if reading is not None:
        return reading.right
    if answer.kind is Kind.CODE:
        return True if _code_key(ending) == _code_key(answer.text) else None
    if answer.kind in (Kind.TEXT, Kind.FACTS, Kind.OBJECT, Kind.EXPRESSION):
        return None
    if (boxed := last_box(ending)) is not None and same(answer, boxed):
        return True
    if answer.kind in NUMERIC:
        return _ends_in(without_latex(answer.plain(ending)), answer.value)
    if not mentions(ending, answer):
        return False
    return True if mentions(ending.strip().rpartition("\n")[2], answer) else None


_PERCENT = re.compile(rf"(?s).*?({ANY_NUMBER.pattern})\s*\\?%[^\d]*\Z")


def _as_percent(text: str, answer: Answer) -> bool:
    """Whether the text ends in the percentage that a reference such as 0.125 is the fraction of."""
    if "." not in answer.text or answer.unit or "%" in answer.text:
        return False
    last, places = _PERCENT.match(text), len(answer.text.rpartition(".")[2])
    value = number_in(last[1].rstrip(",.")) if last else None
    return value is not None and value != 0 and abs(value / 100 - answer.value) <= 0.51 * 10.0**-places


def _in_words(answer: Answer) -> float | None:
    """The number that a reference answer is in words."""
    worded = answer.kind in (Kind.LABEL, Kind.TEXT) and not _DIGIT.search(answer.text)
    return number_in(in_digits(answer.text)) if worded else None


def in_form(text: str, answer: Answer, demand: Demand) -> bool:
    """Whether a right response surely gives its answer as the prompt asks for it, so that it should be paid.

    Parameters
    ----------
    text : str
        A response that `right` calls right.
    answer : Answer
    demand : Demand
    """
    ending = without_end_token(without_reasoning(text)[0])[0][-TAIL:].strip()
    if demand.shape is not None or demand.call:
        return demand.shape is not None and demand.shape.read(ending) is not None
    marks = [f"</{demand.tag}>"] * bool(demand.tag) + ["\\boxed"] * demand.boxed + ["####"] * demand.hashes
    marks += [demand.between[1]] if demand.between else []
    marks += [demand.marker] * bool(demand.marker)
    if marks:
        return marks[0].casefold() in ending.casefold()
    reading = read(ending, answer, demand, frozenset())
    if reading is not None:
        return reading.right and reading.plainly
    return answer.kind in SHORT and len(ending) <= len(answer.text) + FEW_MARKS


_DIGIT = re.compile(r"\d")
_FENCED = re.compile(r"```\w*\n(.*?)```", re.S)


def _code_key(text: str) -> str:
    """Code without its fence, capitals, blanks and a last semicolon; of several blocks the last."""
    blocks = _FENCED.findall(text)
    return " ".join((blocks[-1] if blocks else text).casefold().split()).rstrip("; ")


_OR_FRACTION = re.compile(rf"[-−]?\d+\s*/\s*[1-9]\d*|{ANY_NUMBER.pattern}")


def _value(text: str) -> float | None:
    above, slash, below = text.replace("−", "-").partition("/")
    if slash:
        return int(above) / int(below)
    plain = number_in(text)
    return number_in(with_points(text)) if plain is None else plain


def _ends_in(text: str, wanted: float) -> bool | None:
    """Whether the last number is the right one; None where the right one, or nearly, stands before it."""
    whole = wanted == int(wanted)
    parts = (ANY_NUMBER if whole else _OR_FRACTION).finditer(text)
    values = [value for match in parts if (value := _value(match[0].rstrip(",."))) is not None]
    if values and math.isclose(values[-1], wanted, rel_tol=1e-9, abs_tol=1e-12):
        return True
    doubtful = any(
        math.isclose(value, wanted, rel_tol=1e-9) or (not whole and near(value, wanted)) for value in values
    )
    return None if doubtful else False


def read_all(
    responses: Sequence[tuple[Prompt, str]],
    references: Mapping[str, str],
    calls: Mapping[str, str] | None = None,
    within: Mapping[str, str] | None = None,
) -> list[bool | None]:
    """`right` for each response; None also where its row has no reference answer.

    Parameters
    ----------
    responses : sequence of (Prompt, str)
    references : mapping of str to str
        Reference answers by the prompt's key.
    calls : mapping of str to str, optional
        The same as tool calls, where the grader reads these; responses are then read for their calls.
    within : mapping of str to str, optional
        Whole references, where those above are one field or the first entry of these. What another text
        within says is not surely wrong: it may be right as well.
    """
    if calls is not None:
        return [calls_right(calls[p.key], text) if p.key in calls else None for p, text in responses]
    demands, known = _asked(responses, references)
    says = [
        None if answer is None else right(text, answer, demand)
        for (_, text), answer, demand in zip(responses, known, demands, strict=True)
    ]
    return [
        None
        if is_right is False
        and within
        and any(_says(text, other, demand) for other in texts_within(within[p.key]))
        else is_right
        for (p, text), is_right, demand in zip(responses, says, demands, strict=True)
    ]


def _says(text: str, wanted: str, demand: Demand) -> bool:
    (answer,) = answers([wanted], [demand])
    return answer is not None and right(text, answer, demand) is True


def _asked(
    responses: Sequence[tuple[Prompt, str]], references: Mapping[str, str]
) -> tuple[list[Demand], list[Answer | None]]:
    """What the prompt of each response asks for, and the right answer to it."""
    prompts = [prompt for prompt, _ in responses]
    demands = [demand_for(prompt) for prompt in prompts]
    known = answers([references.get(prompt.key) for prompt in prompts], demands, solved=True)
    return naming_fields(prompts, demands, known), known


def all_in_form(
    responses: Sequence[tuple[Prompt, str]], references: Mapping[str, str], says: Sequence[bool | None]
) -> list[bool]:
    """`in_form` for each response that is right; False for the others."""
    demands, known = _asked(responses, references)
    return [
        bool(is_right) and answer is not None and in_form(text, answer, demand)
        for (_, text), answer, demand, is_right in zip(responses, known, demands, says, strict=True)
    ]


MOST_READ = 1_000
"""Responses that are read for the right answer; more are drawn by lot."""


@dataclass(frozen=True, slots=True)
class UnpaidRight:
    """Which unpaid responses end in the right answer.

    Attributes
    ----------
    rows : int64 array
        Positions in the observations, ascending.
    read, unpaid : int
        Responses that were read, of those that earn less than half.
    referenced : bool
        Whether any of these rows has a reference answer to read them against.
    """

    rows: NDArray[np.int64]
    read: int
    unpaid: int
    referenced: bool


def unpaid_right(results: Results, observations: Observations, most: int = MOST_READ) -> UnpaidRight:
    """Read responses that earn less than half, and keep those that are right beyond doubt.

    Parameters
    ----------
    results : Results
    observations : Observations
        Those of the results.
    most : int
    """
    unpaid = np.flatnonzero(observations.score < PAID)  # False where there is no score
    drawn = np.random.default_rng(0).permutation(unpaid)[:most]
    drawn.sort()
    seen = results.inspect(drawn.tolist())
    prompts = {inspected.prompt.key: inspected.prompt for inspected in seen}
    spec, field = load_grader(results.config.grader), results.config.dataset.reference_field
    answers = right_answers(spec, list(prompts.values()), field)
    references = {key: text for key, text in zip(prompts, answers, strict=True) if text is not None}
    says = read_all([(inspected.prompt, inspected.sample.text) for inspected in seen], references)
    right = np.array([is_right is True for is_right in says], bool)
    return UnpaidRight(drawn[right].astype(np.int64), drawn.size, unpaid.size, bool(references))


LEAST_PROMPTS = 20
"""With fewer different prompts one answer may be right for all of them."""
LABEL_LONG = 15
"""Characters of a text that may be one of a few answers: a label, a number, a word."""
KEPT = 300
ERROR = re.compile(
    r"\W{0,3}(error|exception|traceback|internal server error|bad gateway|service unavailable|upstream|"
    r"gateway time-?out|too many requests|rate limit|request timed out|litellm\.)\b|"
    r"<(!doctype |)html|\{ ?\"(error|detail)\"",
    re.I,
)
"""What a text begins with that a gateway sends in place of an answer, as if a model had written it."""
SOME_PROMPTS = 5
"""Different prompts that the same such text is sent to."""


def unanswered(
    responses: Sequence[tuple[Prompt, str]],
    scores: Sequence[float],
    says: Sequence[bool | None],
    *,
    cut: bool = False,
) -> dict[str, Any]:
    """Shares of the responses with reasoning before, and an end token behind the answer, and of those that
    are unpaid and reasoning without an end, or the prompt again; and the text that nearly all of them are.

    Parameters
    ----------
    responses : sequence of (Prompt, str)
    scores : sequence of float
        On 0..1, in the same order.
    says : sequence of (bool or None)
        Whether each is right, as `read_all` finds it.
    cut : bool
        Reasoning is cut off before they are graded.
    """
    if not responses:
        return {}
    parted = [without_reasoning(text) for _, text in responses]
    unpaid = [pair for pair, score in zip(responses, scores, strict=True) if score < PAID]
    return {
        "reasoning": 0.0 if cut else sum(reasoned for _, reasoned in parted) / len(parted),
        "end_tokens": sum(without_end_token(answer)[1] for answer, _ in parted) / len(parted),
        "reasoning_alone": sum(reasoning_alone(text) for _, text in unpaid) / len(responses),
        "copied": sum(prompt_again(text, prompt) for prompt, text in unpaid) / len(responses),
        "repeated": _repeated(responses, scores, says),
    }


_ADDED = re.compile(r"\b(?:role|content|type|text|messages|system|user|human|assistant|echo)\b")
"""Words that an echo may add to what it was sent."""


def prompt_again(text: str, prompt: Prompt) -> bool:
    """Whether a response is its prompt again and nothing else: the last turn, or all that was said."""
    asked = prompt_text(prompt.messages)
    if len(text) > 2 * len(asked) + KEPT:
        return False
    words = _words(text)
    return len("".join(words)) >= LABEL_LONG and any(
        words == _words(part) for part in (asked, prompt_text(prompt.messages[-1:]))
    )


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", _ADDED.sub(" ", text.casefold()))


def _repeated(
    responses: Sequence[tuple[Prompt, str]], scores: Sequence[float], says: Sequence[bool | None]
) -> Repeated | None:
    """The same text for nearly all prompts, or the same error for some; None where it may be an answer.

    It may be where it is short and not surely wrong for all, is right for some prompt, is paid for some and
    not for others, refuses, or says that it is not known.
    """
    texts = [" ".join(text.split()) for _, text in responses]
    counts, least = Counter(texts).most_common(), LEAST_PROMPTS
    text, count = counts[0]
    if count < NEARLY_ALL * len(texts):
        text, count = next((pair for pair in counts if ERROR.match(pair[0])), ("", 0))
        least = SOME_PROMPTS
    places = [place for place, other in enumerate(texts) if other == text]
    asked = {responses[place][0].key for place in places}
    paid = {scores[place] >= PAID for place in places}
    right = any(says[place] for place in places)
    short = len(text) < LABEL_LONG and any(says[place] is not False for place in places)
    if len(asked) < least or short or right or len(paid) > 1 or refuses(text) or leaves_open(text):
        return None
    return Repeated(one_line(text, KEPT), count / len(texts), len(asked))


def right_by_usual(
    responses: Sequence[tuple[Prompt, str]],
    scores: Sequence[float],
    says: Sequence[bool | None],
    references: Mapping[str, str],
) -> dict[str, tuple[str, float]]:
    """A usual field of the rows that the grader does not compare with, and the share of the responses that
    are right by it, wrong by the other, and unpaid; empty where none is.
    """
    field = usual_field([prompt.item for prompt, _ in responses])
    usual = {} if field is None else {p.key: reference_of(p.item, field) for p, _ in responses}
    others = {key: text for key, text in usual.items() if text is not None and text != references.get(key)}
    if field is None or not others or not references:
        return {}
    right = [
        by_usual is True and own is False and score < PAID
        for by_usual, own, score in zip(read_all(responses, others), says, scores, strict=True)
    ]
    return {"misread": (field, sum(right) / len(right))} if any(right) else {}


def unread_calls(seen: Sequence[Inspected], scores: Sequence[float]) -> dict[str, float]:
    """Share of the responses that are tool calls without text and earn less than half."""
    unread = [
        bool(inspected.sample.tool_calls) and not inspected.sample.text.strip() and score < PAID
        for inspected, score in zip(seen, scores, strict=True)
    ]
    return {"calls": sum(unread) / len(unread)} if unread else {}

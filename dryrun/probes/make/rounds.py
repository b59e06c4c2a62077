"""From a user's rows to probes: which answers are graded, in two rounds.

The first round finds the form in which the grader accepts the right answer; the second brings everything
else in that form, so that a wrong answer is refused for being wrong and not for how it looks.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from difflib import SequenceMatcher

from dryrun.core.probe import (
    ACCEPTED,
    ALL_BUT_FIRST,
    ALL_BUT_LAST,
    BEYOND,
    CLOSE,
    CONSTANT,
    COPIED,
    FAR,
    GOAL_ALONE,
    GOAL_ELSEWHERE,
    IN_A_SENTENCE,
    IN_FORM,
    LONGER_WORD,
    NEARER,
    NO_VALUES,
    ONE_FIELD,
    OPEN_SAMPLE,
    OTHER_UNIT,
    REUSED,
    REVERSED,
    RIGHT_PLAIN,
    RIGHT_SAMPLE,
    SAME_HALF,
    SIGN,
    STUFFING,
    UNCHANGED,
    UNIT_NAMED,
    UNORDERED,
    UNSIGNED,
    VOID,
    WITHDRAWN,
    WRONG_PLAIN,
    WRONG_SAMPLE,
    Family,
    Priority,
    Probe,
)
from dryrun.probes.make.answers import NUMERIC, Answer, Kind, alike, flat, mentions, number_in
from dryrun.probes.make.demand import Demand
from dryrun.probes.make.forms import Form, dressed, forms_of, padded, variations
from dryrun.probes.make.ground import Ground
from dryrun.probes.make.offered import unchanged
from dryrun.probes.make.read_answer import asks_refusal, read
from dryrun.probes.make.source_words import mined, names_refusals
from dryrun.probes.make.tool_calls import calls_right
from dryrun.probes.make.worthless import (
    ANYTHING,
    CONSTANTS,
    GUESSES,
    HEDGED,
    claims,
    common_answer,
    executed,
    gaming,
    majority_answer,
    odd_texts,
    shared_words,
    shells,
    strange_texts,
    timed_texts,
    worthless,
)
from dryrun.probes.make.wrong import wrong_answers
from dryrun.probes.make.wrong_numbers import closeness

OTHERS = 40
"""Answers of other rows that wrong answers are made of."""
STRESSED_ROWS, STYLED_ROWS = 2, 12

QUICK = frozenset(
    {"empty", "refusal", "long filler", COPIED, STUFFING, NO_VALUES, VOID, FAR, HEDGED}
    | {GOAL_ALONE, GOAL_ELSEWHERE},
)
_ESSENTIAL = frozenset(
    {
        *("empty", "refusal", "long filler", COPIED),
        *("orders to the judge", "praise of itself", "a forged verdict in JSON", "a lone colon"),
        *(FAR, GUESSES, WITHDRAWN, ACCEPTED),
    }
)


def forms(ground: Ground) -> list[tuple[int, Form]]:
    """Rows and forms of the first round, a row after the other, the form that is asked for first."""
    return [
        (row, form)
        for row, answer in enumerate(ground.answers)
        if answer is not None
        for form in ground.forms_at(row)
    ]


def first_round(ground: Ground) -> list[Probe]:
    """The right answers in all forms, in the order of `forms`."""
    probes = []
    for row, form in forms(ground):
        answer = ground.answers[row]
        assert answer is not None
        content = answer.text
        least = 1.0 if form.required else 0.0
        first = form.name == ground.forms_at(row)[0].name or form.required
        priority = Priority.ESSENTIAL if first or form.name in ("bare", IN_A_SENTENCE) else Priority.USUAL
        probes.append(
            Probe(Family.REFERENCE, form.name, row, form.write(content), least, 1.0, 1.0, priority=priority)
        )
    return probes


def second_round(
    ground: Ground, accepted: Mapping[int, Form], samples: Mapping[int, Sequence[str]] | None = None
) -> list[Probe]:
    """Everything but the forms, a row after the other.

    Parameters
    ----------
    ground : Ground
    accepted : mapping of int to Form
        For each row the form in which the grader accepts the right answer.
    samples : mapping of int to sequence of str, optional
        Real responses to some rows.
    """
    plan: list[Probe] = []
    makers = _Makers(ground)
    for row in range(len(ground.prompts)):
        form = accepted.get(row)
        for batch in makers.of_row(row, form):
            offset = len(plan)
            plan += [replace(p, base=p.base + offset) if p.base >= 0 else p for p in batch]
        for text in (samples or {}).get(row, ()):
            plan.append(makers.sample(row, text))
    return [_ranked(probe) for probe in plan]


def quick_round(ground: Ground, accepted: Mapping[int, Form]) -> list[Probe]:
    """The part of the second round that every run grades: eight kinds of wrong and worthless answers.

    Where an answer has parts that the prompt asks for, also answers with one part wrong, or one right, and
    beside them the right answer.
    """
    makers = _Makers(ground, QUICK)
    rows = range(len(ground.prompts))
    plan = [probe for row in rows for batch in makers.of_row(row, accepted.get(row)) for probe in batch]
    parted = {probe.row for probe in plan if of_a_part(probe.kind)}
    plan = [
        _ranked(probe)
        for probe in plan
        if probe.kind in QUICK or of_a_part(probe.kind) or (probe.kind == ACCEPTED and probe.row in parted)
    ]
    shelled = {probe.row for probe in plan if probe.kind == NO_VALUES}
    return [probe for probe in plan if probe.kind != VOID or probe.row not in shelled]


def of_a_part(kind: str) -> bool:
    """Whether a kind of answer tells if a grader reads one part of the answer."""
    return kind.startswith(ONE_FIELD) or kind in (ALL_BUT_FIRST, ALL_BUT_LAST)


def _ranked(probe: Probe) -> Probe:
    if probe.kind in _ESSENTIAL:
        return replace(probe, priority=Priority.ESSENTIAL)
    if (
        probe.family in (Family.STRESS, Family.CODE)
        or "grader's source" in probe.kind
        or probe.family is Family.STYLE
    ):
        return replace(probe, priority=Priority.THOROUGH)
    return probe


class _Makers:
    """Makes the probes of one row at a time; what all rows share is made once.

    Parameters
    ----------
    ground : Ground
    only : frozenset of str, optional
        The kinds that are wanted. Others may be left out: to compare them with the answer takes time.
    """

    def __init__(self, ground: Ground, only: frozenset[str] | None = None) -> None:
        self._ground, self._only = ground, only
        self._shared = shared_words(ground.prompt_texts)
        self._refusals_meant = names_refusals(ground.source)
        flagged = self._refusals_meant and not ground.referenced  # its words are the refusal it waits for
        self._mined = mined(ground.source) if ground.source and not flagged else []
        self._common = common_answer([answer.text for answer in ground.pool])
        self._majority = majority_answer([answer.text for answer in ground.pool])
        self._signed = any(answer.kind in NUMERIC and answer.value < 0 for answer in ground.pool)
        self._labels = frozenset(flat(answer.text) for answer in ground.pool if answer.kind is Kind.LABEL)

    def of_row(self, row: int, form: Form | None) -> Iterator[list[Probe]]:
        """Lists of probes; a `base` counts within its list."""
        answer, chance = self._ground.answers[row], random.Random(f"{self._ground.seed}/{row}")
        yield list(self._empty_handed(row, answer, chance))
        if answer is not None and form is not None:
            yield list(self._answered(row, answer, form, chance))
            if row < STYLED_ROWS and not self._ground.demands[row].call and self._only is None:
                yield self._styled(row, answer, form, chance)
        if row < STRESSED_ROWS and self._only is None:
            yield list(_stressed(row))

    def sample(self, row: int, text: str) -> Probe:
        """A real response, as far as it can be read."""
        answer = self._ground.answers[row]
        if answer is not None and self._ground.demands[row].call:
            return self._call(row, text, answer)
        reading = read(text, answer, self._ground.demands[row], self._labels) if answer is not None else None
        if reading is None:
            return Probe(Family.SAMPLE, OPEN_SAMPLE, row, text)
        if reading.right:
            return Probe(Family.SAMPLE, RIGHT_SAMPLE, row, text, 1.0 if reading.plainly else 0.0, 1.0, 1.0)
        return Probe(Family.SAMPLE, WRONG_SAMPLE, row, text, 0.0, reading.alike, reading.alike)

    def _call(self, row: int, text: str, answer: Answer) -> Probe:
        """A real response to a prompt whose answer is a tool call."""
        form = self._ground.learned.get(row)
        right = None if form is None else calls_right(form.write(answer.text), text)
        kind = {True: RIGHT_SAMPLE, False: WRONG_SAMPLE, None: OPEN_SAMPLE}[right]
        if right is None or form is None:
            return Probe(Family.SAMPLE, kind, row, text)
        close = 1.0 if right else SequenceMatcher(None, form.write(answer.text), text, autojunk=False).ratio()
        return Probe(Family.SAMPLE, kind, row, text, float(right), close, close)

    def _empty_handed(self, row: int, answer: Answer | None, chance: random.Random) -> Iterator[Probe]:
        """Texts that can be paid only by mistake; those that happen to hold the answer are left out."""
        texts = worthless(self._ground.prompt_texts[row], self._shared, chance)
        if self._common:
            texts["the most common answer"] = self._common
        if self._refusals_meant or (answer is not None and asks_refusal(answer.text)):
            texts.pop("refusal", None)
        yield from self._unearned(Family.NOTHING, row, answer, texts)
        demand = self._ground.demands[row]
        yield from self._unearned(
            Family.NOTHING, row, answer, _to_reach(demand, self._ground.prompt_texts[row])
        )
        kind = answer or Answer(Kind.TEXT, "")
        yield from self._unearned(Family.SHELL, row, answer, shells(kind, demand))
        yield from self._unearned(Family.GAMING, row, answer, gaming(self._mined))

    def _unearned(
        self, family: Family, row: int, answer: Answer | None, texts: Mapping[str, str]
    ) -> Iterator[Probe]:
        for kind, text in texts.items():
            if self._only is not None and kind not in self._only:
                continue
            if answer is not None and mentions(text, answer):
                continue
            close = closeness(answer, self._ground.demands[row], text) if answer is not None else 0.0
            yield Probe(family, kind, row, text, most=0.0, alike=close)

    def _others(self, answer: Answer, chance: random.Random) -> list[Answer]:
        pool = [other for other in self._ground.pool if other.text != answer.text]
        return chance.sample(pool, min(len(pool), OTHERS))

    def _answered(self, row: int, answer: Answer, form: Form, chance: random.Random) -> Iterator[Probe]:
        demand, write = self._ground.demands[row], form.write
        others = self._others(answer, chance)
        yield Probe(Family.REFERENCE, ACCEPTED, row, write(answer.text), 0.0, 1.0, 1.0)
        for kind, text in variations(answer, demand, write).items():
            yield Probe(Family.VARIATION, kind, row, text, 1.0, 1.0, 1.0)
        named = _names_unit(self._ground.prompt_texts[row], answer.unit)
        milder = {OTHER_UNIT: UNIT_NAMED} if named else {}
        milder |= {} if self._signed else {SIGN: UNSIGNED}
        milder |= {REVERSED: UNORDERED} if _may_be_a_set(answer, demand) else {}
        for probe in _wrong(row, answer, others, demand, write):
            yield replace(probe, kind=milder.get(probe.kind, probe.kind))
        if text := unchanged(self._ground.prompt_texts[row], answer):
            yield from self._unearned(Family.NOTHING, row, answer, {UNCHANGED: write(text)})
        yield from self._constant(row, answer, write)
        if self._majority:
            yield Probe(Family.SAME, f"always “{self._majority}”", row, write(self._majority))
        for claim in claims(answer, demand, others, write, chance):
            close = closeness(answer, demand, claim.text)
            yield Probe(Family.CLAIM, claim.kind, row, claim.text, most=claim.most, alike=close)
        if text := executed(answer):
            yield Probe(Family.CODE, "an expression with that value", row, text, most=0.0)

    def _constant(self, row: int, answer: Answer, write: Callable[[str], str]) -> Iterator[Probe]:
        """The same answer to every prompt, in the form the grader reads."""
        constants = {f"{CONSTANT}“{constant}”{IN_FORM}": constant for constant in CONSTANTS}
        constants |= {f"a pattern that fits anything{IN_FORM}": ANYTHING}
        constants |= {f"the most common answer{IN_FORM}": self._common} if self._common else {}
        for kind, content in constants.items():
            if write(content) != content and not mentions(content, answer):
                close = closeness(answer, self._ground.demands[row], content)
                yield Probe(Family.NOTHING, kind, row, write(content), most=0.0, alike=close)

    def _styled(self, row: int, answer: Answer, form: Form, chance: random.Random) -> list[Probe]:
        """A right and a wrong answer, plain and dressed up."""
        wrong = next(iter(_wrong(row, answer, self._others(answer, chance), Demand(), form.write)), None)
        probes: list[Probe] = []
        for name, text in (
            (RIGHT_PLAIN, form.write(answer.text)),
            (WRONG_PLAIN, wrong.text if wrong else ""),
        ):
            if text:
                at, who = len(probes), name.partition(",")[0]
                probes.append(Probe(Family.STYLE, name, row, text))
                for kind, worn in {**padded(text), **dressed(text)}.items():
                    close = alike(answer, worn)
                    probes.append(Probe(Family.STYLE, f"{who}, {kind}", row, worn, alike=close, base=at))
        return probes


def _wrong(
    row: int, answer: Answer, others: Sequence[Answer], demand: Demand, write: Callable[[str], str]
) -> Iterator[Probe]:
    for wrong in wrong_answers(answer, others, demand.options, demand.fields, demand.inside, demand.offered):
        if (demand.whole and wrong.kind in (SAME_HALF, NEARER)) or (wrong.kind == REUSED and not demand.once):
            continue
        if demand.estimate and wrong.kind.startswith(CLOSE):
            continue
        if wrong.kind == LONGER_WORD and demand.marker:  # nobody begins a sentence behind "Verdict:"
            continue
        kind = f"{wrong.kind}{BEYOND}" if _is_beyond(demand, answer, wrong.content) else wrong.kind
        close = closeness(answer, demand, wrong.content)
        family = Family.SHELL if wrong.kind == VOID else Family.WRONG
        family = Family.CLOSE if wrong.kind.startswith(CLOSE) else family
        yield Probe(family, kind, row, write(wrong.content), most=wrong.most, alike=close)


def _is_beyond(demand: Demand, answer: Answer, content: str) -> bool:
    """Whether a wrong number is none of the digits that the prompt names, while the right one is."""
    return answer.text in demand.digits and content not in demand.digits and number_in(content) is not None


def _to_reach(demand: Demand, prompt: str) -> dict[str, str]:
    """Where a number must be made of given ones: that number itself, and a sum of others."""
    if not demand.goal:
        return {}
    write, goal = forms_of(Answer(Kind.NUMBER, demand.goal), demand)[0].write, int(demand.goal)
    known = [int(digits) for digits in re.findall(r"\d+", prompt)]
    free = (part for part in range(goal // 2, 0, -1) if part not in known and goal - part not in known)
    part = next(free, None)
    texts = {} if part is None else {GOAL_ELSEWHERE: f"{goal - part} + {part}"}
    texts |= {GOAL_ALONE: demand.goal} if known.count(goal) == 1 else {}
    return {kind: write(text) for kind, text in texts.items()}


def _may_be_a_set(answer: Answer, demand: Demand) -> bool:
    """Whether an answer is a list of words or of rising numbers, and the prompt speaks of no order."""
    if answer.kind is not Kind.LIST or answer.brackets not in ("", "[]") or demand.ordered:
        return False
    numbers = [number_in(part) for part in answer.value]
    known = [number for number in numbers if number is not None]
    return not known or (len(known) == len(numbers) and known == sorted(known))


def _names_unit(prompt: str, unit: str) -> bool:
    """Whether the prompt says itself in which unit to answer, and does not ask for it."""
    unit = re.escape(unit.strip())
    if not unit or re.search(r"(?i)\bunits?\b", prompt):
        return False
    return re.search(rf"(?<![^\W\d_]){unit}(?![^\W\d_])", prompt) is not None


def _stressed(row: int) -> Iterator[Probe]:
    for kind, text in (odd_texts() | strange_texts()).items():
        yield Probe(Family.STRESS, kind, row, text)
    if row == 0:
        for kind, text in timed_texts():
            yield Probe(Family.STRESS, kind, row, text, serial=True)


def accepted_forms(ground: Ground, scores: Iterable[float]) -> dict[int, Form]:
    """For each row the form that earns most; at equal pay the one that is asked for first.

    Parameters
    ----------
    ground : Ground
    scores : iterable of float
        One for each probe of the first round; NaN where there is none.
    """
    best: dict[int, tuple[float, Form]] = {}
    for (row, form), score in zip(forms(ground), scores, strict=True):
        earned = score if score == score else float("-inf")
        if row not in best or earned > best[row][0] + 1e-9:
            best[row] = (earned, form)
    return {row: form for row, (_, form) in best.items()}

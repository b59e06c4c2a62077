"""Which responses are right by another row's reference: a sign that references and prompts changed places.

Also whether references are labels that nobody speaks of.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from dryrun.analysis.figures.readings import Misplaced
from dryrun.core.records import Prompt
from dryrun.graders.protocol import without_end_token, without_reasoning
from dryrun.probes.make.answers import ANY_NUMBER, NUMERIC, Answer, Kind, answers, flat, mentions, number_in
from dryrun.probes.make.demand import Demand, demand_for, prompt_text
from dryrun.probes.make.ground import FEW_LABELS, FEW_ROWS
from dryrun.probes.make.notation.latex import formula_key, without_latex
from dryrun.probes.make.read_answer import final_answer
from dryrun.probes.read_responses import TAIL, right

FEW_CHOICES = frozenset({Kind.YES_NO, Kind.LETTER})
"""Answers that are right for half of the rows by chance."""
WORDS = 4
"""Most words of a name that is looked for in a sentence."""
NEIGHBOURS = (-3, -2, -1, 1, 2, 3)
PAIRS = 50


def fits_elsewhere(
    responses: Sequence[tuple[Prompt, str]],
    says: Sequence[bool | None],
    rows: Sequence[tuple[Prompt, str]],
) -> Misplaced | None:
    """Hold responses that are not right against the references of the other rows.

    Parameters
    ----------
    responses : sequence of (Prompt, str)
    says : sequence of (bool or None)
        Whether each is right by its own reference.
    rows : sequence of (Prompt, str)
        All rows with their reference answers.

    Returns
    -------
    Misplaced or None
        None where no reference can be told from those of other rows.
    """
    known = _Rows(rows)
    if not known.rows:
        return None
    return _Search(known, responses, says).result()


RARELY = 0.1


def unnamed_labels(responses: Sequence[tuple[Prompt, str]], references: Mapping[str, str]) -> list[str]:
    """The few values that the references are, where hardly a prompt names one, nor a response.

    A dataset may hold the numbers of classes, and the model answer with their names.
    """
    labels = sorted({flat(text) for text in references.values() if flat(text)})
    if not 1 < len(labels) <= FEW_LABELS or len(responses) < FEW_ROWS:
        return []
    named = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, labels))})(?!\w)")
    prompts = {prompt.key: prompt_text(prompt.messages) for prompt, _ in responses}
    asking = sum(bool(named.search(text.casefold())) for text in prompts.values())
    giving = sum(bool(named.search(text.casefold())) for _, text in responses)
    return labels if asking <= len(prompts) / 2 and giving <= RARELY * len(responses) else []


class _Rows:
    """The references of all rows, by what they say."""

    def __init__(self, rows: Sequence[tuple[Prompt, str]]) -> None:
        demands = [demand_for(prompt) for prompt, _ in rows]
        read = answers([text for _, text in rows], demands, solved=True)
        self.demand = {prompt.key: demand for (prompt, _), demand in zip(rows, demands, strict=True)}
        self.answer = {
            prompt.key: answer for (prompt, _), answer in zip(rows, read, strict=True) if answer is not None
        }
        self.rows: dict[str, list[Prompt]] = defaultdict(list)
        for prompt, _ in rows:
            answer = self.answer.get(prompt.key)
            if answer is not None and answer.kind not in FEW_CHOICES:
                self.rows[_key(answer)].append(prompt)
        self.numeric = 2 * sum(answer.kind in NUMERIC for answer in self.answer.values()) > len(self.answer)

    @property
    def repeated(self) -> float:
        """How often an answer of this kind is one that another row has: 1 less Good and Turing's estimate."""
        counts = [len(prompts) for prompts in self.rows.values()]
        return 1 - sum(count == 1 for count in counts) / sum(counts)

    @property
    def gap(self) -> float:
        """The usual distance from one number to the next."""
        values = sorted({float(a.value) for a in self.answer.values() if a.kind in NUMERIC})
        gaps = Counter(round(b - a, 9) for a, b in pairwise(values))
        return gaps.most_common(1)[0][0] if gaps else 1.0


class _Search:
    """One comparison of all responses with all references."""

    def __init__(
        self, known: _Rows, responses: Sequence[tuple[Prompt, str]], says: Sequence[bool | None]
    ) -> None:
        self._known, self._gap = known, known.gap
        self._read: set[str] = set()
        self._own: set[str] = set()
        self._hits: dict[str, Counter[str]] = defaultdict(Counter)
        self._row = {prompt.key: prompt.row + 1 for prompt, _ in responses}
        self._near: Counter[float] = Counter()
        self._numbers = 0
        for (prompt, text), is_right in zip(responses, says, strict=True):
            self._take(prompt, text, is_right)

    def _take(self, prompt: Prompt, text: str, is_right: bool | None) -> None:
        answer = self._known.answer.get(prompt.key)
        if answer is None or answer.kind in FEW_CHOICES:
            return
        if is_right:
            self._own.add(prompt.key)
            self._read.add(prompt.key)
            return
        keys = list(_given(text, answer, self._known.demand[prompt.key]))
        if keys:
            self._read.add(prompt.key)
        self._look_around(keys, _key(answer))
        fits = {key: rows[0] for key in keys if (rows := self._elsewhere(key, prompt, text))}
        if len(fits) == 1:
            self._hits[prompt.key].update(fits.keys())

    def _elsewhere(self, key: str, prompt: Prompt, text: str) -> list[Prompt]:
        """Other rows by whose reference the response is right, though their prompts ask something else."""
        known = self._known
        rows = [row for row in known.rows.get(key, ()) if row.messages != prompt.messages]
        if not rows or _stands_in(known.answer[rows[0].key], prompt):
            return []
        return rows if right(text, known.answer[rows[0].key], known.demand[prompt.key]) else []

    def _look_around(self, keys: Sequence[str], own: str) -> None:
        """Would neighbours of the number that was given be references of other rows as well?"""
        value = number_in(keys[0]) if keys and self._known.numeric else None
        if value is None:
            return
        self._numbers += 1
        for step in {*NEIGHBOURS, *(self._gap * step for step in NEIGHBOURS)}:
            key = _number_key(value + step)
            self._near[step] += key != own and key in self._known.rows

    def result(self) -> Misplaced:
        """What was found."""
        elsewhere = {key: hits.most_common(1)[0][0] for key, hits in self._hits.items()}
        elsewhere = {key: hit for key, hit in elsewhere.items() if key not in self._own}
        crowded = max(self._near.values(), default=0) / max(self._numbers, 1)
        hits = [self._hits[key] for key in elsewhere]
        agreeing = sum(max(counter.values()) for counter in hits) / max(sum(map(Counter.total, hits)), 1)
        pairs = sorted((self._row[key], self._known.rows[hit][0].row + 1) for key, hit in elsewhere.items())
        return Misplaced(
            prompts=len(self._read),
            own=len(self._own),
            elsewhere=len(elsewhere),
            claimed=len(set(elsewhere.values())),
            distinct=len(self._known.rows),
            chance=max(self._known.repeated, crowded),
            numeric=self._known.numeric,
            agreeing=agreeing,
            pairs=tuple(pairs[:PAIRS]),
        )


def _key(answer: Answer) -> str:
    if answer.kind in NUMERIC:
        return _number_key(answer.value)
    return formula_key(answer.text) if answer.kind is Kind.FORMULA else flat(answer.text)


def _number_key(value: float) -> str:
    return f"{value:.9g}"


def _given(text: str, answer: Answer, demand: Demand) -> Iterator[str]:
    """What the response may give as its answer, as keys of the references."""
    ending = without_end_token(without_reasoning(text)[0])[0][-TAIL:].strip()
    final = final_answer(ending, demand) or final_answer(ending, Demand())
    if answer.kind in NUMERIC:
        numbers = ANY_NUMBER.findall(without_latex(answer.plain(final[0] if final else ending)))
        values = [value for number in numbers if (value := number_in(number.rstrip(",."))) is not None]
        yield from (_number_key(value) for value in values[-1:])
    elif answer.kind is Kind.FORMULA:
        yield from (formula_key(shape[0]) for shape in [final] if shape)
    else:
        yield from _names(final[0] if final else ending.rpartition("\n")[2])


def _names(line: str) -> Iterator[str]:
    """The line as a whole, and all runs of a few words in it."""
    words = flat(line).split()[-60:]
    yield from dict.fromkeys(
        [
            " ".join(words),
            *(
                flat(" ".join(words[start : start + count]).strip(",;:!?"))
                for count in range(1, WORDS + 1)
                for start in range(len(words) - count + 1)
            ),
        ]
    )


def _stands_in(answer: Answer, prompt: Prompt) -> bool:
    """Whether the prompt itself holds the answer: then it may have been taken from there."""
    asked = prompt_text(prompt.messages)
    if answer.kind in NUMERIC:
        numbers = (number_in(number.rstrip(",.")) for number in ANY_NUMBER.findall(answer.plain(asked)))
        return any(value == answer.value for value in numbers)
    return mentions(asked, answer)

"""What probes are made from: a user's rows, with the type of each answer and what each prompt asks for."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from dryrun.core.records import Prompt
from dryrun.probes.make.answers import KEYED, NUMERIC, Answer, Kind, answers, flat, number_in
from dryrun.probes.make.demand import Demand, demand_for, prompt_text
from dryrun.probes.make.forms import Form, forms_of
from dryrun.probes.make.json_shape import ASIDE, json_in, objects_inside
from dryrun.probes.make.offered import offered

READ_ROWS = 1_000
"""Rows that are read: they show which answers are common, and of what type the column is."""

FEW_LABELS = 12
"""More different labels are no choice that a prompt lists."""

FEW_ROWS = 20
"""With fewer answers it is not known how often each comes."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What probes are made from.

    Attributes
    ----------
    prompts : sequence of Prompt
        The rows to probe.
    prompt_texts : list of str
    demands : list of Demand
    answers : list of (Answer or None)
    pool : list of Answer
        Answers of all rows that were read, also of rows that are not probed.
    source : str
        The grader's own Python, or ``""``.
    seed : int
    learned : mapping of int to Form
        By row, a form that the grader was seen to take; with it no other is demanded.
    """

    prompts: Sequence[Prompt]
    prompt_texts: list[str]
    demands: list[Demand]
    answers: list[Answer | None]
    pool: list[Answer]
    source: str = ""
    seed: int = 0
    learned: Mapping[int, Form] = field(default_factory=dict)

    @property
    def referenced(self) -> int:
        """Rows with a right answer."""
        return sum(answer is not None for answer in self.answers)

    @property
    def guess(self) -> float | None:
        """The share of rows that a guess gets right which reads no prompt; None where answers are not few.

        That is one among the options or labels, or the commonest answer if it hits more.
        """
        texts = Counter(flat(answer.text) for answer in self.pool)
        if texts.total() < FEW_ROWS:
            return None
        options = [len(demand.options) for demand in self.demands if demand.options]
        lettered = len(options) == len(self.demands)
        if not lettered and len(texts) > FEW_LABELS:
            return None
        even = sum(1 / count for count in options) / len(options) if lettered else 1 / len(texts)
        return max(even, texts.most_common(1)[0][1] / texts.total())

    def forms_at(self, row: int) -> list[Form]:
        """The forms worth trying for this row's answer, the likeliest first."""
        answer, learned = self.answers[row], self.learned.get(row)
        usual = [] if answer is None else forms_of(answer, self.demands[row])
        if learned is None:
            return usual
        return [learned, *(replace(form, required=False) for form in usual if form.name != learned.name)]


def ground(
    prompts: Sequence[Prompt], references: Sequence[str | None], *, rows: int, source: str = "", seed: int = 0
) -> Ground:
    """Read the rows: types of answers, demands of prompts.

    Parameters
    ----------
    prompts : sequence of Prompt
        All rows at hand; the first `rows` of them, those with an answer before the others, are probed, and
        the first `READ_ROWS` are read.
    references : sequence of (str or None)
        Their reference answers as text, in the same order.
    rows : int
    source : str
        The grader's own Python, where it has one.
    seed : int
        For everything that is drawn.
    """
    order = sorted(range(len(prompts)), key=lambda row: not (references[row] or "").strip())[:READ_ROWS]
    prompts, references = [prompts[row] for row in order], [references[row] for row in order]
    texts = [prompt_text(prompt.messages) for prompt in prompts]
    demands = [demand_for(prompt) for prompt in prompts]
    if lettered := _all_letters(references):
        demands = [demand if demand.options else replace(demand, options=lettered) for demand in demands]
    known = answers(references, demands)
    demands = _shown_bare(prompts, _naming_labels(texts, demands, known), known)
    demands = naming_fields(prompts, demands, known)
    demands = [
        demand if answer is None else replace(demand, offered=offered(text, answer))
        for text, demand, answer in zip(texts, demands, known, strict=True)
    ]
    chosen = sorted(range(len(prompts)), key=lambda row: known[row] is None)[:rows]
    return Ground(
        prompts=[prompts[row] for row in chosen],
        prompt_texts=[texts[row] for row in chosen],
        demands=[demands[row] for row in chosen],
        answers=[known[row] for row in chosen],
        pool=[answer for answer in known if answer is not None],
        source=source,
        seed=seed,
    )


def _naming_labels(
    texts: Sequence[str], demands: Sequence[Demand], known: Sequence[Answer | None]
) -> list[Demand]:
    """A prompt that names its own label among others asks for a label and nothing else."""
    labels = {flat(answer.text) for answer in known if answer is not None and answer.kind is Kind.LABEL}
    if not 2 <= len(labels) <= FEW_LABELS:
        return list(demands)
    return [
        replace(demand, only=True)
        if not demand.working and answer is not None and sum(label in flat(text) for label in labels) > 1
        else demand
        for text, demand, answer in zip(texts, demands, known, strict=True)
    ]


def _shown_bare(
    prompts: Sequence[Prompt], demands: Sequence[Demand], known: Sequence[Answer | None]
) -> list[Demand]:
    """A prompt whose earlier turns are all answered by a bare answer asks for one and nothing else."""
    return [
        replace(demand, only=True)
        if not (demand.working or demand.shelled) and answer is not None and _answered_bare(prompt, answer)
        else demand
        for prompt, demand, answer in zip(prompts, demands, known, strict=True)
    ]


def _answered_bare(prompt: Prompt, answer: Answer) -> bool:
    """Whether there are such turns, and each is no longer than the right answer and of its kind."""
    turns = [message.get("content") for message in prompt.messages if message.get("role") == "assistant"]
    words = len(answer.text.split()) + 1
    return bool(turns) and all(
        isinstance(turn, str)
        and 0 < len(turn.split()) <= words
        and (answer.kind not in NUMERIC or number_in(turn.strip()) is not None)
        for turn in turns
    )


def naming_fields(
    prompts: Sequence[Prompt], demands: Sequence[Demand], known: Sequence[Answer | None]
) -> list[Demand]:
    """The demands with the fields of objects, and of those inside them, that each prompt names."""
    return [
        demand if answer is None else _naming(prompt, demand, answer)
        for prompt, demand, answer in zip(prompts, demands, known, strict=True)
    ]


def _naming(prompt: Prompt, demand: Demand, answer: Answer) -> Demand:
    keys = list(dict.fromkeys(key for part in objects_inside(json_in(answer.text)) for key in part))
    demand = replace(demand, inside=named_fields(prompt, demand, keys)) if keys else demand
    if answer.kind not in KEYED:
        return demand
    return replace(demand, fields=named_fields(prompt, demand, list(answer.value)))


def _all_letters(references: Sequence[str | None]) -> tuple[str, ...]:
    """The options where every reference is one capital letter, up to the last one used."""
    known = {text.strip() for text in references if text is not None}
    if len(known) > 1 and all(len(text) == 1 and "A" <= text <= "J" for text in known):
        return tuple(chr(code) for code in range(ord("A"), ord(max(known)) + 1))
    return ()


_NAME_PARTS = re.compile(r"[A-Z]?[^\W\d_A-Z]+|[A-Z]+(?![^\W\d_A-Z])|\d+")
_WORDS = re.compile(r"[^\W_]+")


def named_fields(prompt: Prompt, demand: Demand, fields: Sequence[str]) -> tuple[str, ...]:
    """Those fields of an object that the prompt, or its response format, asks for by name."""
    required = () if demand.shape is None else (demand.shape.field, *demand.shape.others)
    words = set(_WORDS.findall(prompt_text(prompt.messages).casefold()))
    return tuple(
        field
        for field in fields
        if not ASIDE.fullmatch(field) and (field in required or _is_named(field, words))
    )


def _is_named(field: str, words: Collection[str]) -> bool:
    """Whether each part of a name such as ``due_date`` or ``dueDate`` is a word, in singular or plural."""
    parts = [part.casefold() for part in _NAME_PARTS.findall(field)]
    return bool(parts) and all(
        any(form in words for form in (part, f"{part}s", part.removesuffix("s"))) for part in parts
    )

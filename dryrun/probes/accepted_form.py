"""In which form does a grader pay for a right answer? Found out before right answers are held against it.

A reference answer is content. The grader may want it after ``####``, in a tag, in a box, as one field of an
object, or in some form that only its own source knows. Graded bare, a right answer then earns nothing, and
that says nothing against the grader.
"""

from __future__ import annotations

import ast
import asyncio
import json
import math
import re
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from dryrun.core.records import Grade, Prompt
from dryrun.graders.format.template import rendered
from dryrun.graders.protocol import Grader
from dryrun.graders.trial import response
from dryrun.probes.make.answers import answers
from dryrun.probes.make.demand import demand_for, prompt_text
from dryrun.probes.make.forms import Form, around, forms_of
from dryrun.probes.make.ground import naming_fields
from dryrun.probes.make.json_shape import json_in
from dryrun.probes.make.notation.latex import unwrapped
from dryrun.probes.make.tool_calls import AS_CALL, ToolsRead, written_call
from dryrun.probes.make.worthless import NONSENSE

Texts = Sequence[tuple[Prompt, str]]
Grades = Callable[[Texts], Awaitable[list[Grade]]]

BARE, FROM_RESPONSES = "bare", "as in paid responses"
AT_ONCE = 32
SCOUTS, LEAST = 20, 8
"""Rows on which forms are compared, and how many of them a form must fit."""
AT_A_TIME = 5
SECONDS = 5.0
"""After so long no further rows are tried: a slow grader keeps the forms it was asked about so far."""
CLEARLY = 0.05
"""Rewards on 0..1 by which another form must beat the bare reference, and within which two are alike."""
FIRST, ACCEPTED_CALL, IN_WORDS = "first entry", "first accepted call", "in words"
LETTER, _LETTERED = "letter", re.compile(r"[A-Za-z]{2,}[ _-]([A-Ja-j]|\d)")
"""What names an option by its letter: ``model_a``."""
FLAGS = (("true", "false"), ("yes", "no"), ("correct", "incorrect"), ("positive", "negative"))
"""What 1 and 0 are in words, where a prompt offers them."""
_ARGUMENT = re.compile(r"('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")|\b([A-Za-z_]\w*)(?=\s*=(?!=))")
_SPELLED = re.compile(r"\s*([\w.:/-]+)\((.+)\)\s*", re.S)
FIELDS, MOST_TEXTS = 6, 20
"""Fields of an object that are tried as the answer, and texts within one that may be right as well."""
TEMPLATES, LONGEST = 2, 2_000
"""Forms learned from paid responses, and characters of a response that is read for one."""

Template = tuple[str, str]
"""What stands before and behind the answer in a response."""


def contents(reference: str, prompt: str = "") -> dict[str, str]:
    """What the right answer may be: the whole reference, one field of an object, the first of a list.

    Parameters
    ----------
    reference : str
    prompt : str
        Where it offers words for 1 and 0, they may be it as well.

    Returns
    -------
    dict of str to str
        By where it is: ``""`` for the whole, else the field's name, or `FIRST`.
    """
    try:
        value = json.loads(reference)
    except ValueError:
        first = reference.split("|")[0].strip()
        parts = {"": reference} | _spelled_call(reference)
        parts |= {FIRST: first} if first not in ("", reference.strip()) else {}
        return parts | ({LETTER: lettered[1].upper()} if (lettered := _LETTERED.fullmatch(reference)) else {})
    parts = {"": reference} | _accepted_call(value) | _in_words(reference, prompt)
    if isinstance(value, list) and value and isinstance(value[0], str | int | float):
        parts[FIRST] = rendered(value[0])  # several answers that are all right, or one in a list
    if isinstance(value, dict):
        fields = [(key, field) for key, field in value.items() if _is_plain(field)]
        parts |= {str(key): rendered(field) for key, field in fields[:FIELDS]}
        lists = [(key, field) for key, field in value.items() if isinstance(field, list) and field]
        firsts = [] if fields else [(key, field[0]) for key, field in lists if _is_plain(field[0])]
        parts |= {f"{FIRST} of {key}": rendered(first) for key, first in firsts[:FIELDS]}
    return parts


def _accepted_call(value: object) -> dict[str, str]:
    """The call in ``[{"f": {"x": [1, 2]}}]``, a function with the values that each argument may have.

    A list may hold it spelled out as well: ``["f(x=1)"]``.
    """
    entry = value[0] if isinstance(value, list) and len(value) == 1 else value
    if isinstance(entry, str):
        return _spelled_call(entry)
    if not isinstance(entry, dict) or len(entry) != 1:
        return {}
    ((name, arguments),) = entry.items()
    if not isinstance(arguments, dict) or not all(isinstance(v, list) and v for v in arguments.values()):
        return {}
    firsts = {
        key: values[0] for key, values in arguments.items() if "" not in values
    }  # else it may be left out
    return (
        {ACCEPTED_CALL: json.dumps({"name": name, "arguments": firsts}, ensure_ascii=False)} if firsts else {}
    )


def texts_within(reference: str) -> list[str]:
    """The first `MOST_TEXTS` texts in a reference that is an object or a list; none of another."""
    return list(islice(_leaves(json_in(reference)), MOST_TEXTS))


def _leaves(value: object) -> Iterator[str]:
    if isinstance(value, list | dict):
        for entry in value.values() if isinstance(value, dict) else value:
            yield from _leaves(entry)
    elif isinstance(value, str):
        yield value


def _spelled_call(text: str) -> dict[str, str]:
    """The call in ``f(x=1, y='a')``."""
    if (call := _SPELLED.fullmatch(text)) is None:
        return {}
    try:
        marked = _ARGUMENT.sub(lambda part: part[1] or f"_{part[2]}", call[2])  # `from` names an argument too
        tree = ast.parse(f"f({marked})", mode="eval").body
        keywords = tree.keywords if isinstance(tree, ast.Call) and not tree.args else []
        arguments = {str(keyword.arg)[1:]: ast.literal_eval(keyword.value) for keyword in keywords}
        return {ACCEPTED_CALL: json.dumps({"name": call[1], "arguments": arguments})} if arguments else {}
    except (SyntaxError, ValueError, TypeError):
        return {}


def _in_words(reference: str, prompt: str) -> dict[str, str]:
    """What 1 or 0 is in the first pair of words that the prompt offers for them, as it writes them."""
    for pair in FLAGS if reference in ("0", "1") else ():
        offered = [re.search(rf"(?i)\b{word}\b", prompt) for word in pair]
        if (word := offered[reference == "0"]) and all(offered):
            return {IN_WORDS: word[0]}
    return {}


def _is_plain(value: object) -> bool:
    return isinstance(value, str | int | float)


@dataclass(frozen=True, slots=True)
class Way:
    """One way to give a row's right answer.

    Attributes
    ----------
    field : str
        The field of an object that is the answer, or `FIRST`; ``""`` for the whole reference.
    content : str
        The answer itself.
    source : str
        The answer as the row has it, with the marks of LaTeX around it.
    form : Form
        How it is written.
    """

    field: str
    content: str
    source: str
    form: Form

    @property
    def text(self) -> str:
        """The whole response."""
        return self.form.write(self.content)


def named_ways(
    prompt: Prompt, reference: str, templates: Sequence[Template] = (), tools: ToolsRead | None = None
) -> dict[str, Way]:
    """The right answer of one row in every way worth a try, by the name of the way; bare first."""
    demand = demand_for(prompt)
    ways = {BARE: Way("", reference, reference, Form(BARE, str))}
    for field, content in contents(reference, prompt_text(prompt.messages)).items():
        behind = f" (its {field})" if field else ""
        (answer,) = answers([content], [demand])
        if answer is None:
            continue
        forms = forms_of(answer, *naming_fields([prompt], [demand], [answer]))
        forms += [
            Form(f"{FROM_RESPONSES}: {before}…{after}", around(before, after)) for before, after in templates
        ]
        forms += [] if tools is None else [call_form(tools, prompt)]
        for form in forms:
            ways.setdefault(f"{form.name}{behind}", Way(field, answer.text, content, form))
    return ways


def call_form(tools: ToolsRead, prompt: Prompt) -> Form:
    """The form of a grader that reads tool calls, for one row."""
    return Form(AS_CALL, lambda content: written_call(tools, prompt.item, content))


def ways(
    prompt: Prompt, reference: str, templates: Sequence[Template] = (), tools: ToolsRead | None = None
) -> dict[str, str]:
    """The right answer of one row as whole responses, by the name of the way it is written; bare first."""
    return {name: way.text for name, way in named_ways(prompt, reference, templates, tools).items()}


def templates_of(paid: Texts, references: Mapping[str, str]) -> list[Template]:
    """What stands around the right answer in responses that earned the most, the commonest first.

    Parameters
    ----------
    paid : sequence of (Prompt, str)
        Responses that earned the most, with their prompts.
    references : mapping of str to str
        Reference answers by the prompt's key.
    """
    lines: Counter[Template] = Counter()
    whole: list[Template] = []
    for prompt, text in paid:
        for whole_content in contents(references.get(prompt.key, "")).values():
            formula = unwrapped(whole_content)
            content = whole_content if formula is None else formula[1]
            places = [] if not content else list(re.finditer(rf"(?<!\w){re.escape(content)}(?!\w)", text))
            if not places or len(text) > LONGEST:
                continue
            start, end = places[-1].span()  # an answer stands last; what comes before it is working
            before, after = text[:start].rpartition("\n")[2], text[end:].partition("\n")[0]
            lines[before, after] += 1
            whole.append((text[:start], text[end:]))
    learned = [template for template, _ in lines.most_common(TEMPLATES)]
    shortest = min(whole, key=lambda template: len("".join(template)), default=None)
    return [
        template for template in dict.fromkeys([*learned, *([shortest] if shortest else [])]) if any(template)
    ]


def grades_by(grader: Grader) -> Grades:
    """Grades texts, some at once.

    Parameters
    ----------
    grader : Grader
        Open.
    """
    lane = asyncio.Semaphore(AT_ONCE)

    async def one(prompt: Prompt, text: str) -> Grade:
        async with lane:
            return await grader.grade(response(text), prompt.item)

    async def grades(texts: Texts) -> list[Grade]:
        return list(await asyncio.gather(*(one(*text) for text in texts)))

    return grades


async def accepted_way(
    known: Texts,
    grades: Grades,
    bounds: tuple[float, float],
    templates: Sequence[Template] = (),
    tools: ToolsRead | None = None,
) -> str:
    """The name of the way of writing right answers that this grader pays best.

    The bare reference stays where nothing else is clearly better; among others that are alike the first,
    which is what the prompts ask for. A way counts if another row's answer, written alike, earns less: a
    grader that pays any text in that shape a part does not read the answer in it. Where no way counts, the
    first that is paid in full stands, and wrong answers written alike then show what it pays for.

    Parameters
    ----------
    known : sequence of (Prompt, str)
        Prompts with their reference answers; the first few are tried.
    grades : callable
        From `grades_by`.
    bounds : (float, float)
        The scale of the rewards.
    templates : sequence of Template
        From `templates_of`.
    tools : ToolsRead, optional
        Where the grader reads tool calls.
    """
    low, high = bounds
    right: dict[str, list[float]] = {}
    wrong: dict[str, list[float]] = {}
    end = time.monotonic() + SECONDS
    scouts = known[:SCOUTS]
    for start in range(0, len(scouts), AT_A_TIME):
        if time.monotonic() >= end:
            break
        tried: list[tuple[list[float], tuple[Prompt, str]]] = []
        for place, (prompt, reference) in enumerate(scouts[start : start + AT_A_TIME], start):
            other = _another(known, place)
            for earned, answer in ((right, reference), (wrong, other)):
                for name, text in ways(prompt, answer, templates, tools).items():
                    tried.append((earned.setdefault(name, []), (prompt, text)))
        for (scores, _), grade in zip(tried, await grades([text for _, text in tried]), strict=True):
            scores.append(0.0 if grade.reward is None else (grade.reward - low) / (high - low))
    return _best(right, wrong)


def _another(known: Texts, place: int) -> str:
    """The next row's answer that is another one; nonsense where all rows have the same."""
    own_text = known[place][1]
    later = (known[(place + step) % len(known)][1] for step in range(1, len(known)))
    return next((text for text in later if text != own_text), NONSENSE)


def _best(right: Mapping[str, Sequence[float]], wrong: Mapping[str, Sequence[float]]) -> str:
    """The way in which right answers earn most; one that pays wrong answers alike is none."""
    enough = min(LEAST, len(right.get(BARE, ())))
    paid = {name: _mean(scores) for name, scores in right.items() if len(scores) >= enough}
    telling = {name: mean for name, mean in paid.items() if mean - _mean(wrong.get(name, ())) > CLEARLY}
    most = max(telling.values(), default=0.0)
    # A grader that pays the wrong one bare is turned round: that is seen in the bare form alone.
    turned = _mean(wrong.get(BARE, ())) > paid.get(BARE, 0.0) + CLEARLY
    if not telling and not turned and paid.get(BARE, 0.0) <= CLEARLY:
        return next((name for name, mean in paid.items() if mean >= 1.0 - CLEARLY), BARE)
    if most <= paid.get(BARE, 0.0) + CLEARLY:
        return BARE
    return next(name for name, mean in telling.items() if mean >= most - CLEARLY and name != BARE)


def _mean(scores: Sequence[float]) -> float:
    return math.fsum(scores) / len(scores) if scores else 0.0


def written(
    known: Texts, way: str, templates: Sequence[Template] = (), tools: ToolsRead | None = None
) -> Texts:
    """The right answers in this way; bare where a row has no such form."""
    if way == BARE:
        return known
    return [
        (prompt, ways(prompt, reference, templates, tools).get(way, reference)) for prompt, reference in known
    ]

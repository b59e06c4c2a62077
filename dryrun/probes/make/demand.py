"""What a prompt asks the answer to look like, read from its words."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dryrun.core.fingerprint import fingerprint
from dryrun.core.records import Prompt
from dryrun.probes.make.json_shape import JsonShape, asks_json, shape_of
from dryrun.probes.make.notation.answer_only import wants_only
from dryrun.probes.make.notation.decimal_comma import shows_decimal_comma

_TAG = re.compile(r"<([A-Za-z_][\w-]*)>[^<]{0,80}</\1>")
_NAMED_TAG = re.compile(
    r"(?i)<([a-z_][\w-]*)>(?:\s*(?:and|,|/|\.\.\.|…)?\s*</\1>)?\s*(?:tags?|elements?|标签)(?![^\W\d_])"
)
"""A tag that is only named: "in <answer> tags"."""
_ANSWER_TAG = re.compile(r"(?i)answer|final|solution|result|output|label|verdict")
_MARKER = re.compile(
    r"(?i)\b(?:with|as|like|format|form|line|exactly|write|by|say|begin|start)\b[^\n]{0,40}?"
    r"[\"'`“]?\b((?:final )?answer:)(?=[^\n]*\S)"
)
_TEMPLATE = re.compile(
    r"(?i)\b(?:with|as|like|format|form|line|exactly|write|say|be)\b[^\n\"'`“„«]{0,40}[\"'`“„«]"
    r"((?:\w[^\"'`”“»\n]{0,40}[^\w\"'])?(?:(?:answer|result|solution)(?: is)?\s?[:\uff1a=]?|is\s?:?|=|"
    r"\w{3,}\s?[:\uff1a]))\s*"
    r"(\((?=(?:\w+|…|\.{3})\)))?(?-i:\b[XNYZ]\b|<\w+>|\[\w+\]|\{\w+\}|\b(?!(?:NA|NONE|NULL|UNKNOWN|OK|ERROR)\b)[A-Z]{2,}\b|…|\.\.\.)\)?\.?[\"'`”“»]"
)
"""A quoted line with a place for the answer: 'The answer is X'."""
_QUOTED_VALUES = re.compile(
    r"(?i)\b(?:with|as|line|then|output|write|say|answer|reply|respond|give|print)\b[^\n\"'`“„«]{0,40}"
    r"[\"'`“„«](\w[^\"'`”“»\n:\uff1a]{0,40}[:\uff1a])\s?\w[^\"'`”“»\n]{0,30}[\"'`”“»](?:, or|,| or| ?/) ?"
    r"[\"'`“„«]\1"
)
"""Two quoted lines that begin alike: 'Verdict: True' or 'Verdict: False'."""
_QUOTED_ALONE = re.compile(
    r"(?i)\b(?:(?:last|final) line|end|finish|conclude|after|behind|prefixed|preceded)\b[^\n\"'`“„«]{0,40}"
    r"[\"'`“„«](\w[^\"'`”“»\n:\uff1a]{0,40}[:\uff1a])\s?[^\"'`”“»\n]{0,60}[\"'`”“»]"
)
"""A quoted line to end with: 'Line:', or with an example behind it, 'Path: X -> Y -> Z'."""
_MARKER_ELSEWHERE = re.compile(
    r"(?i)[\"'`“„«「『]\s?((?:最终答案|最終答案|答案|答え|解答|回答|정답|답|antwort|ergebnis|lösung|réponse|respuesta|resposta|"
    r"risposta|ответ|antwoord|svar|odpowiedź|cevap)\s?[:\uff1a])(?=[^\n]*\S)"
)
_BETWEEN = {
    ("**", "**"): re.compile(
        r"(?i)\b(?:answer|result|solution)\b[^.\n]{0,30}\b(?:in|as) bold\b|"
        r"\b(?:put|write|give|mark|wrap|state|enclose|answer|reply|respond)\b[^.\n]{0,40}"
        r"\b(?:in bold|double asterisks|"
        r"between \*\*)|\*\* (?:and|\.\.\.) \*\*"
    ),
    ("[[", "]]"): re.compile(
        r"(?i)\[\[\s*(?:[xny]|(?:the |your )?(?:final )?(?:answer|letter|number|result|rating|choice|verdict|"
        r"score)|\.\.\.|…)\s*\]\]|(?:\[\[\w{1,20}\]\](?:, | or |, or )){1,9}\[\[\w{1,20}\]\]|"
        r"\bdouble (?:square )?brackets\b|\[\[ (?:and|\.\.\.) \]\]"
    ),
    ("[", "]"): re.compile(
        r"(?i)\b(?:put|write|give|wrap|enclose|answer|reply|end|finish)\b[^.\n]{0,40}"
        r"\b(?:in|within|between) (?:square brackets\b|\[ ?\])"
    ),
    ("`", "`"): re.compile(
        r"(?i)\b(?:put|write|give|wrap|enclose|answer|reply)\b[^.\n]{0,40}"
        r"\b(?:in|with|by|between) (?:\w+ )?back-?ticks\b"
    ),
}
"""What asks for an answer between two marks."""
_ALIKE = re.compile(
    r"(?<![\w\[*])(\[|\*{1,2})[^\W\d][\w-]{0,20}(\]|\*{1,2})(?:,? or | ?[/|] ?)"
    r"\1[^\W\d][\w-]{0,20}\2(?![\w\]*(])"
)
"""Answers to choose from between marks: [SAT] or [UNSAT]; *Yes* or *No* where asterisks are named."""
_LINE = re.compile(r"(?m)^[ \t]*([A-Za-z][\w ]{0,30}:)[ \t]*[<\[{]([^<>\[\]{}\n]{1,80})[>\]}]\.?[ \t]*$")
_LINES = re.compile(rf"(?:{_LINE.pattern.removeprefix('(?m)')}\n?){{2,6}}", re.M)
"""Lines with a place each: "Answer: <city>" above "Confidence: <number from 0 to 1>"."""
_BRACKET_TAG = re.compile(r"\[([A-Za-z_]{3,})\](?:[^\[\]]{0,80})\[/\1\]")
_JOINT = re.compile(r"(?<!\w)([\[(<{]?)\w+([\])>}]?)(\s*(?:->|→|=>|[>;|<])\s*)\1\w+\2\3\1(?:\w+|\.\.\.|…)\2")
"""Elements as a prompt shows them, one after the other: ``[2] > [1] > [3]``, ``a | b | c``."""
_PARTED = re.compile(
    r"(?i)\bseparated (?:by|with) (?:an? |the )?(?:single )?[\"'`“(]?"
    r"(semicolons?|vertical bars?|pipes?|slash(?:es)?|spaces?|newlines?|line breaks?|[;|/])"
)
_MARKS = {"se": "; ", ";": "; ", "sl": "/", "/": "/", "sp": " ", "ne": "\n", "li": "\n"}
"""What parts the elements, by how its name begins; else a bar."""
_ESTIMATE = re.compile(r"(?i)\b(?:estimat\w*|approximat\w*|roughly|about how (?:many|much|far|long|old))\b")
_BEGINNING = re.compile(r"([^\W\d_][\w ]{0,30}[:\uff1a])\s*\S[^\n]*\Z")
_FENCE = re.compile(r"```([a-zA-Z+#]{1,12})\b")
_FIRST = re.compile(
    r"(?i)\b(?:(?:start|begin) (?:your (?:answer|reply|response) )?with\b|first line:)[^.:\n]{0,40}"
    r"\b(?:or|letter|number|label|answer|word)\b"
)
"""The answer comes before anything else."""
_DOLLARS = re.compile(r"(\${1,2})\s*\\boxed\s*\{[^{}$\n]*\}\s*\1")
"""A box within a formula, as a prompt shows it: ``$\\boxed{}$``."""
_THOUGHTS = re.compile(r"(?is)<(think|thinking|thoughts?|reasoning)>(?:.{0,400}?</\1>|\s*tags?\b)")
_NOTES = re.compile(r"(?is)<(eval|evaluation|rationale|scratchpad)>.{0,400}?</\1>")
_WORKING = re.compile(
    r"(?i)\bshow (me )?(your|the|all) (work|steps|reasoning|working)|step[- ]by[- ]step|\bthink\b|"
    r"\bexplain\b|\breason(ing)?\b|\bwork (it|this) out\b|\b(end|finish|conclude) (your \w+ )?with\b|"
    r"\b(last|final) line\b"
)
_LAST_LINE = re.compile(
    r"(?i)\b(?:on|as) (?:the|its|your) (?:very )?(?:last|final) line\b|\b(?:last|final) line alone\b"
)
_WHOLE = re.compile(
    r"(?i)\b(?:whole numbers?|integers?|(?:no|without) decimals?|ganze\w*|"
    r"nearest (?!(?:tenth|hundredth|thousandth|cent|penny|0|\d+ decimal)\b)\w+)\b"
)
_SCALE = re.compile(
    r"(?i)\b(?:from|between|scale|rat(?:e|ing)|scores?|number|integer|digit|index|stars?|level|grade)\b[^.\n\d]{0,40}"
    r"\b([0-9])\s?(?:-|–|to|and|through)\s?([1-9])\b(?![.,]?\d|\s*=)"
)
"""The digits that an answer may be: from 1 to 5."""
_EXPRESSION = re.compile(r"(?i)\b(?:equation|expression|formula|calculation|arithmetic|basic operations)s?\b")
_GOAL = re.compile(
    r"(?i)\b(?:equals?(?: to)?|evaluates? to|results? in|target(?: (?:number|value))?(?: is| of)?:?|"
    r"calculate|(?:make|reach|obtain|get|give|hit|produce)s?(?: exactly)?)"
    r"\s*[*$`]{0,2}(\d+)\b(?!\s*[-+*/×÷^=]|\.\d)"
)
"""A number that an expression of others must come to, as in the Countdown game."""
_ONCE = re.compile(r"(?i)\bonce\b|\bone time\b")
_ORDERED = re.compile(
    r"(?i)\b(sort|sorted|sorting|order|ordered|rank|ranked|ranking|ascending|descending|sequence|chronological\w*|"
    r"revers\w+|alphabetical\w*|smallest|largest|oldest|newest|steps?|schedule|first to last|permut\w+)\b"
)
_ANY_ORDER = re.compile(r"(?i)\b(any order|order does(n't| not) matter|unordered)\b")
_EVERY = re.compile(
    r"(?i)\b(every|all|which of|(?<!line )(?<!line for )each|any|tags|labels|categories|topics|keywords)\b"
)
_NUMBERED = re.compile(r"(?m)^\s*1[.)] \S+(?: \S+)?\n\s*2[.)] \S+(?: \S+)?\s*$")
"""Numbered lines with a place each: the number says which is which."""
_OPTION = re.compile(r"(?m)(?:^|\n|\s)\(?([A-J])[.):]\s+\S")
_RANGE = re.compile(r"(?i)\b(?:one of|letter)\b[^\n]{0,20}\b([A-J](?:\s*,\s*[A-J])+(?:,? or [A-J])?)")


@dataclass(frozen=True, slots=True)
class Demand:
    """What one prompt asks for.

    Attributes
    ----------
    tag : str
        Name of the tag the answer must stand in; ``""`` if none.
    boxed, hashes : bool
        ``\\boxed{}``; ``####`` before the answer.
    dollars : str
        What the box stands between: ``$``, ``$$`` or nothing.
    between : (str, str) or None
        Marks around the answer, such as ``**`` and ``**``.
    marker : str
        Words that must stand before the answer, such as ``Answer:``.
    brackets : str
        ``()`` where the answer must stand in brackets behind them.
    json : bool
        JSON is asked for.
    only : bool
        Nothing but the answer is wanted.
    working : bool
        Reasoning before the answer is allowed or wanted.
    last_line : bool
        The answer is the last line, and nothing else stands on it.
    thoughts : str
        Name of the tag that the reasoning must stand in.
    tags : tuple of str
        All tags that the prompt shows, those of the reasoning left out.
    beside : tuple of (str, str)
        Other tags that the prompt shows, before and behind that of the answer, with something in each.
    ordered, unordered : bool
        The order of the elements matters, or surely does not.
    whole : bool
        A whole number is asked for.
    estimate : bool
        A number near the right one is an answer too.
    goal : str
        The number that an expression of given ones must come to.
    once : bool
        Each of the given ones may be used once.
    digits : tuple of str
        Those that the answer may be, by a scale that the prompt names.
    comma : bool
        Numbers have a decimal comma.
    options : tuple of str
        Letters of a multiple choice.
    joint : (str, str, str) or None
        What stands before, behind and between the elements of a list, as the prompt shows them.
    offered : tuple of str
        Other answers that the prompt lists beside the right one.
    fence : str
        The language of the code block that is asked for.
    call : bool
        The answer is a tool call.
    shape : JsonShape or None
        The JSON object that the answer must be a field of.
    fields : tuple of str or None
        Where the answer is an object, those of its fields that the prompt names; None where it is none.
    inside : tuple of str
        Those of objects inside the answer that it names.
    """

    tag: str = ""
    boxed: bool = False
    hashes: bool = False
    dollars: str = ""
    between: tuple[str, str] | None = None
    marker: str = ""
    brackets: str = ""
    json: bool = False
    only: bool = False
    working: bool = False
    last_line: bool = False
    thoughts: str = ""
    tags: tuple[str, ...] = ()
    beside: tuple[str, str] = ("", "")
    ordered: bool = False
    unordered: bool = False
    whole: bool = False
    estimate: bool = False
    goal: str = ""
    once: bool = False
    digits: tuple[str, ...] = ()
    comma: bool = False
    options: tuple[str, ...] = ()
    offered: tuple[str, ...] = ()
    joint: tuple[str, str, str] | None = None
    fence: str = ""
    call: bool = False
    shape: JsonShape | None = None
    fields: tuple[str, ...] | None = None
    inside: tuple[str, ...] = ()

    @property
    def marked(self) -> bool:
        """Whether the answer must stand between or behind marks: a tag, a box, ``####``, ``**``, a marker."""
        return bool(self.tag or self.boxed or self.hashes or self.between or self.marker)

    @property
    def shelled(self) -> bool:
        """Whether the answer must stand in something that can be found again."""
        sure = self.shape is not None and self.shape.sure
        return bool(self.marked or self.call or sure)


def prompt_text(messages: Sequence[Mapping[str, Any]]) -> str:
    """All that is said to the model, in order."""
    contents = (message.get("content") for message in messages)
    return "\n".join(
        content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
        for content in contents
        if content
    )


_CODE_WANTED = re.compile(
    r"(?i)\b(?:write|implement|complete|define|return|provide|give|reply with|respond with)\b[^.\n]{0,60}"
    r"\b(?:code|function|script|program|class|query|sql|method)\b"
)


def asks_code(prompt: str) -> bool:
    """Whether a prompt asks for code, so that running the answer may be the point."""
    return bool(_CODE_WANTED.search(prompt))


KNOWN = 20_000
"""Demands that are kept, by what the prompts say: a check asks for the same ones again and again."""
_known: dict[str, Demand] = {}


def _shown_marker(messages: Sequence[Mapping[str, Any]]) -> str:
    """The words that all answers of the examples in a chat begin with: ``Opposite:``."""
    shown = [str(message.get("content")) for message in messages[:-1] if message.get("role") == "assistant"]
    marks = {match[1] if (match := _BEGINNING.match(text)) else "" for text in shown}
    return marks.pop() if len(shown) > 1 and len(marks) == 1 else ""


def demand_for(prompt: Prompt) -> Demand:
    """What a row asks for: by the words of its prompt, and by its response format."""
    text = prompt_text(prompt.messages)
    key = fingerprint([text, prompt.item.get("response_format")])
    if key not in _known:
        if len(_known) >= KNOWN:
            _known.clear()
        demand, shape = demand_of(text), shape_of(prompt, text)
        demand = demand if demand.marked else replace(demand, marker=_shown_marker(prompt.messages))
        asks = demand.json or shape is not None or asks_json(prompt)
        _known[key] = replace(demand, shape=shape, json=asks)
    return _known[key]


def demand_of(prompt: str) -> Demand:
    """What the prompt asks for."""
    between = _between(prompt)
    notes = _NOTES.search(prompt) if between or "\\boxed" in prompt else None  # alone: the answer's tag
    thoughts = match[1] if (match := _THOUGHTS.search(prompt) or notes) else ""
    tags = list(dict.fromkeys([*_TAG.findall(prompt), *_NAMED_TAG.findall(prompt)]))
    tags = [tag for tag in tags if tag != thoughts]
    named = [tag for tag in tags if _ANSWER_TAG.search(tag)] or [tag for tag in tags if len(tags) == 1]
    goal = _GOAL.search(prompt) if _EXPRESSION.search(prompt) else None
    template = _TEMPLATE.search(prompt)
    patterns = (_MARKER, _MARKER_ELSEWHERE, _TEMPLATE, _QUOTED_VALUES, _QUOTED_ALONE)
    marker = next(filter(None, (pattern.search(prompt) for pattern in patterns)), None)
    marker = None if marker and "..." in marker[1] else marker  # several places for parts of the answer
    first = bool(_FIRST.search(prompt))
    working = bool(_WORKING.search(prompt)) and not first
    any_order = bool(_ANY_ORDER.search(prompt))
    ordered = bool(_ORDERED.search(prompt) or _NUMBERED.search(prompt)) and not any_order
    return Demand(
        tag=named[-1] if named else "",
        boxed="\\boxed" in prompt,
        hashes="####" in prompt,
        dollars=match[1] if (match := _DOLLARS.search(prompt)) else "",
        between=between,
        marker=marker[1].strip() if marker else "",
        brackets="()" if template and template[2] else "",
        json=bool(re.search(r"(?i)\bjson\b", prompt)),
        only=(first or wants_only(prompt)) and not working,
        working=working,
        last_line=bool(_LAST_LINE.search(prompt)),
        thoughts=thoughts,
        tags=tuple(tags),
        beside=_beside(prompt, tags, named[-1]) if named and len(tags) > 1 else ("", ""),
        ordered=ordered,
        unordered=any_order or (not ordered and bool(_EVERY.search(prompt))),
        whole=bool(_WHOLE.search(prompt)),
        estimate=bool(_ESTIMATE.search(prompt)),
        goal=goal[1] if goal else "",
        once=bool(goal and _ONCE.search(prompt)),
        digits=_digits(prompt),
        comma=shows_decimal_comma(prompt),
        options=_options(prompt),
        joint=_joint(prompt),
        fence=match[1] if (match := _FENCE.search(prompt)) else "",
    )


def _joint(prompt: str) -> tuple[str, str, str] | None:
    """What stands around and between the elements of a list, as shown, else as the prompt says."""
    if shown := _JOINT.search(prompt):
        return shown[1], shown[2], shown[3]
    parted = _PARTED.search(prompt)
    return ("", "", _MARKS.get(parted[1][:2].casefold(), "|")) if parted else None


def _beside(prompt: str, tags: Sequence[str], tag: str) -> tuple[str, str]:
    """The other tags, in the order of the prompt, each with its place filled."""
    order = sorted(tags, key=lambda name: prompt.find(f"<{name}>"))
    filled = [f"<{name}>{_filler(_place(prompt, name))}</{name}>\n" for name in order]
    at = order.index(tag)
    return "".join(filled[:at]), "\n" + "".join(filled[at + 1 :]).rstrip() if filled[at + 1 :] else ""


def _place(prompt: str, tag: str) -> str:
    """What the prompt says belongs into a tag: what it shows there, else the words before it."""
    shown = re.search(rf"<{tag}>([^<]{{0,80}})</{tag}>", prompt)
    before = prompt[: prompt.find(f"<{tag}>")].rpartition(">")[2][-60:]
    return shown[1] if shown and shown[1].strip(" .…\n") else before


def _between(prompt: str) -> tuple[str, str] | None:
    if lines := _LINES.search(prompt):
        return _lines_around(lines[0].strip())
    if tag := _BRACKET_TAG.search(prompt):
        return f"[{tag[1]}]", f"[/{tag[1]}]"
    asked = next((marks for marks, asked in _BETWEEN.items() if asked.search(prompt)), None)
    choice = _ALIKE.search(prompt)
    stressed = choice is not None and choice[1] != "[" and "asterisk" not in prompt.casefold()
    return asked if choice is None or asked or stressed else (choice[1], choice[2])


def _lines_around(template: str) -> tuple[str, str]:
    """What stands before and behind the answer in lines with a place each, the other places filled."""
    lines = [(name, place) for name, place in _LINE.findall(template)]
    at = next((number for number, (name, _) in enumerate(lines) if _ANSWER_TAG.search(name)), 0)
    filled = [f"{name} {_filler(place)}" for name, place in lines]
    return "\n".join([*filled[:at], f"{lines[at][0]} "]), "\n".join(["", *filled[at + 1 :]])


def _filler(place: str) -> str:
    """The upper end of a scale, the first of some options, or a few words."""
    if scale := re.search(r"\d\s*(?:-|–|to|and)\s*(\d+)", place):
        return scale[1]
    options = re.split(r"\s*[/|]\s*", place)
    return options[0] if len(options) > 1 else "each part was checked"


def _digits(prompt: str) -> tuple[str, ...]:
    scale = _SCALE.search(prompt)
    return tuple(map(str, range(int(scale[1]), int(scale[2]) + 1))) if scale else ()


def _options(prompt: str) -> tuple[str, ...]:
    letters = sorted(set(_OPTION.findall(prompt)))
    if len(letters) < 2:
        ranged = _RANGE.search(prompt)
        letters = sorted(set(re.findall(r"\b[A-J]\b", ranged[1]))) if ranged else []
    wanted = [chr(ord("A") + number) for number in range(len(letters))]
    return tuple(letters) if len(letters) >= 2 and letters == wanted else ()

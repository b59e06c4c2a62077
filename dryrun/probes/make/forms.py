"""Forms that an answer is given in: bare, in a sentence, boxed, tagged, after working, as a line of JSON.

Also harmless variations of an answer (line breaks, capitals, number formats) and of its style (length,
headings, confidence), none of which a sound grader pays for or punishes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from dryrun.core.probe import ANOTHER_ORDER, IN_A_SENTENCE, SEVERAL_LINES, UNASKED, UNASKED_WORKING
from dryrun.graders.format.template import rendered
from dryrun.probes.make.answers import NAMED, PARTS, SHORT, Answer, Kind, list_parts, listing
from dryrun.probes.make.demand import Demand
from dryrun.probes.make.json_shape import AS_OBJECT, JsonShape
from dryrun.probes.make.worthless import FILLER

WORKING = "I went through it in 2 steps.\nFirst I set the parts out, then I checked each of them.\n"
"""Stands before an answer: short, with a number that is not the answer, and without a word of agreement."""

THOUGHT = "I checked each part."
"""Reasoning on one line: graders whose pattern stops at a line's end take no other."""
BOXED, AS_SHOWN = "in a box", "joined as the prompt shows"


@dataclass(frozen=True, slots=True)
class Form:
    """One way to write an answer.

    Attributes
    ----------
    name : str
        In users' words.
    write : callable
        Content -> whole response. Of an object the content is its JSON.
    required : bool
        Whether a sound grader must accept it, given what the prompt asks for.
    """

    name: str
    write: Callable[[str], str]
    required: bool = False


def around(before: str, after: str = "") -> Callable[[str], str]:
    """Writes content between two texts."""
    return lambda content: f"{before}{content}{after}"


def written_in(outer: Callable[[str], str], inner: Callable[[str], str]) -> Callable[[str], str]:
    """Writes content in one form within another."""
    return lambda content: outer(inner(content))


def forms_of(answer: Answer, demand: Demand) -> list[Form]:
    """All forms worth trying for this answer, those the prompt asks for first."""
    forms = _forms_of(answer, demand)
    if answer.around is not None:
        forms = [_as_formula(form, *answer.around, demand) for form in forms]
    if answer.kind is Kind.NUMBER and "," in answer.text and not answer.comma:
        forms += [_without_commas(form) for form in forms if form.required or form.name == "bare"]
    if answer.kind is Kind.NUMBER and demand.json and not (demand.shape and demand.shape.kind):
        as_number = replace(demand.shape or JsonShape("answer", "", {}, sure=False), kind="number")
        forms.append(Form(f"{AS_OBJECT}, as a number", as_number.write))
    if answer.solution is not None:
        forms.append(Form("as the reference has it", around(*answer.solution)))
    return forms


def _without_commas(form: Form) -> Form:
    return Form(
        f"{form.name}, without thousands commas", lambda content: form.write(content.replace(",", ""))
    )


def _as_formula(form: Form, before: str, after: str, demand: Demand) -> Form:
    """The form with a formula in its own marks; no form is required but the one that the prompt demands."""
    required = form.required and demand.shelled
    if form.name.startswith(BOXED):
        return replace(form, required=required)
    return Form(form.name, lambda content: form.write(f"{before}{content}{after}"), required)


def _forms_of(answer: Answer, demand: Demand) -> list[Form]:
    if answer.kind is Kind.FACTS:
        inside = _shells(demand) if demand.tag and demand.fields and demand.tag not in answer.value else []
        return [
            *(replace(form, required=False) for form in inside),
            Form("as JSON", str),
            Form("a line for each fact", _lines),
            *([Form("each in its tag", _tagged)] if set(answer.value) <= set(demand.tags) else []),
            Form("facts in sentences", _sentences),
        ]
    if answer.kind is Kind.OBJECT:
        free = not demand.marked
        return [
            *([] if free else _shells(demand)),
            Form("bare", str, free),
            Form("indented", _indented, free),
            Form("keys in another order", _reordered, free),
            Form("in a code fence", around("```json\n", "\n```")),
        ]
    if answer.kind is Kind.CODE:
        sql = re.match(r"(?i)\s*(?:select|with)\b", answer.text)
        fenced = around(f"```{demand.fence or ('sql' if sql else 'python')}\n", "\n```")
        within = [
            Form(f"{form.name}, in a code fence", written_in(form.write, fenced))
            for form in _shells(demand)[:1]
        ]
        return [*_shells(demand), *within, Form("bare", str), Form("in a code fence", fenced)]
    if answer.kind is Kind.TEXT:
        fence = [Form("in a code fence", around(f"```{demand.fence}\n", "\n```"))] if demand.fence else []
        return [Form("bare", str, not (demand.shelled or demand.fence)), *_shells(demand), *fence]
    forms = [*_shells(demand), *_everyday(answer, demand)]
    if answer.kind in PARTS and demand.joint:
        joined = _joined(*demand.joint)
        inside = [
            Form(f"{form.name}, {AS_SHOWN}", written_in(form.write, joined)) for form in _shells(demand)
        ]
        forms += [Form(AS_SHOWN, joined), *inside]
    return forms


def _shells(demand: Demand) -> list[Form]:
    """What the prompt demands around the answer, alone and after working."""
    shells, forms = [], list[Form]()
    if demand.shape is not None:
        forms.append(Form(AS_OBJECT, demand.shape.write, demand.shape.sure))
    if demand.tag:
        shells.append((f"in <{demand.tag}>", f"<{demand.tag}>", f"</{demand.tag}>"))
    if demand.boxed:
        shells.append((BOXED, f"{demand.dollars}\\boxed{{", f"}}{demand.dollars}"))
    if demand.hashes:
        shells.append(("after ####", "#### ", ""))
    if demand.between:
        before, after = demand.between
        shells.append((f"between {before} and {after}", before, after))
    if demand.marker:
        shells.append(
            (f"after {demand.marker}", f"{demand.marker} {demand.brackets[:1]}", demand.brackets[1:])
        )
    for number, (name, before, after) in enumerate(shells):
        sure = (before, after) != demand.between  # a prompt may speak of words in bold
        must = number == 0 and sure and not demand.thoughts and not forms
        if number == 0 and demand.thoughts:
            forms += _after_thoughts(name, before, after, demand.thoughts)
        if number == 0 and demand.tag and any(demand.beside):
            above, below = demand.beside
            forms.append(Form(f"{name}, the other tags filled", around(above + before, after + below)))
        forms.append(Form(name, around(before, after), must and not demand.working))
        forms.append(Form(f"{name}, after working", around(WORKING + before, after), must and demand.working))
    return forms


def _after_thoughts(name: str, before: str, after: str, tag: str) -> list[Form]:
    """The shell after reasoning in its tag, on one line and with each part on lines of its own."""
    thought = f"<{tag}>\n{WORKING}</{tag}>\n"
    apart = around(f"{thought}{before}\n", f"\n{after}")
    spread = [Form(f"{name}, apart, after thoughts", apart)] if after.startswith("</") else []
    brief = around(f"<{tag}>{THOUGHT}</{tag}> {before}", after)
    return [
        Form(f"{name}, after thoughts", around(thought + before, after)),
        *spread,
        Form(f"{name}, after thoughts, all on one line", brief),
    ]


def _everyday(answer: Answer, demand: Demand) -> list[Form]:
    free = not demand.shelled and demand.shape is None
    plain = answer.kind in SHORT and free and not (demand.only or demand.json or demand.last_line)
    forms = [
        Form("bare", str, free and (not answer.brackets or demand.json)),
        Form(IN_A_SENTENCE, around("The answer is ", "."), plain),
        Form(UNASKED, around("Answer: "), plain and not demand.working),
        Form(
            "after working" if demand.working else UNASKED_WORKING,
            around(WORKING + ("" if demand.last_line else "Final answer: ")),
            free and (demand.working or plain),
        ),
    ]
    if answer.kind in SHORT:
        forms += [Form("bold", around("**", "**"))]
        forms += [] if demand.boxed else [Form(BOXED, around("\\boxed{", "}"))]
        forms += [] if demand.tag else [Form("in <answer>", around("<answer>", "</answer>"))]
        forms += [] if demand.hashes else [Form("after ####", around("#### "))]
    if demand.json:
        forms += [Form('as {"answer": ...}', lambda content: json.dumps({"answer": content}))]
    if answer.kind in PARTS:
        forms += [
            Form("a line each", lambda content: "\n".join(_parts(content))),
            Form("numbered lines", _numbered),
        ]
    if answer.brackets:
        forms += [Form("separated by commas", lambda content: ", ".join(_parts(content)))]
    return forms


def _parts(content: str) -> list[str]:
    return [part.strip() for part in list_parts(content)]


def _numbered(content: str) -> str:
    return "\n".join(f"{number}. {part}" for number, part in enumerate(_parts(content), 1))


def _joined(before: str, behind: str, between: str) -> Callable[[str], str]:
    return lambda content: between.join(f"{before}{part}{behind}" for part in _parts(content))


def _object(content: str) -> dict[str, object] | None:
    """The object that the content is; a worthless answer in the accepted form may be no JSON at all."""
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _indented(content: str) -> str:
    value = _object(content)
    return content if value is None else json.dumps(value, indent=2, ensure_ascii=False)


def _reordered(content: str) -> str:
    value = _object(content)
    return content if value is None else json.dumps(dict(reversed(value.items())), ensure_ascii=False)


def _lines(content: str) -> str:
    value = _object(content)
    return content if value is None else "\n".join(f"{key}: {rendered(part)}" for key, part in value.items())


def _tagged(content: str) -> str:
    value = _object(content)
    if value is None:
        return content
    return "\n".join(f"<{key}>{rendered(part)}</{key}>" for key, part in value.items())


def _sentences(content: str) -> str:
    value = _object(content)
    if value is None:
        return content
    return " ".join(f"The {key.replace('_', ' ')} is {rendered(part)}." for key, part in value.items())


def reformatted(text: str) -> str:
    """The same answer in another form: JSON re-ordered and indented, other text with blanks around it."""
    try:
        value = json.loads(text)
    except ValueError:
        return f" {text}\n"
    if isinstance(value, dict):
        return _indented(_reordered(text))
    return f" {text}\n"


LENGTHS = (200, 800, 3200)
LONGER = "longer by "

STYLES: dict[str, tuple[str, str]] = {
    "a heading and bullets": ("## Solution\n\n- Considered the task\n- Checked the result\n\n", ""),
    "words of reasoning": ("Because of what is given, therefore, step by step, it follows:\n", ""),
    "confidence": ("I am absolutely certain.\n", ""),
    "politeness": ("Thank you for the great question!\n", ""),
    "emoji": ("✅🚀 ", ""),
    "exclamation": ("", "!!!"),
}


def variations(answer: Answer, demand: Demand, write: Callable[[str], str]) -> dict[str, str]:
    """The right answer with a harmless difference, by kind."""
    text = answer.text
    texts = {"a line break behind it": write(text) + "\n", "blanks around it": f"  {write(text)} "}
    if THOUGHT in (whole := write(text)):
        texts[SEVERAL_LINES] = whole.replace(THOUGHT, f"{THOUGHT}\nThen I did so again.\n")
    if demand.tag or demand.boxed:
        texts["blanks inside its shell"] = write(f" {text} ")
    stopped = answer.kind in (Kind.LABEL, Kind.YES_NO, Kind.NUMBER, Kind.LETTER) and answer.around is None
    if stopped and not demand.shelled:
        texts["a full stop behind it"] = f"{text}."
    if answer.kind in (Kind.LABEL, Kind.YES_NO) and not demand.call:
        texts["capitals"] = write(text.upper())
        texts["small letters"] = write(text.lower())
    if answer.kind is Kind.NUMBER and answer.around is None:
        texts |= _numbers(answer, write)
    named = all(NAMED.match(part) for part in answer.value) if answer.kind is Kind.SET else False
    if answer.kind is Kind.SET and len(answer.value) > 1 and (demand.unordered or not named):
        texts[ANOTHER_ORDER] = write(_turned(answer))
    if answer.kind in (Kind.LIST, Kind.SET) and not answer.brackets:
        texts["no blanks after commas"] = write(",".join(answer.value))
    return {kind: changed for kind, changed in texts.items() if changed != write(text)}


def _turned(answer: Answer) -> str:
    """The list from its last to its first element, as the row writes it."""
    return listing(answer, answer.value[::-1])


def _numbers(answer: Answer, write: Callable[[str], str]) -> dict[str, str]:
    value, texts = answer.value, {}
    if value == int(value) and abs(value) < 1e15 and not answer.comma:
        texts["a decimal point and nought"] = write(f"{int(value)}.0")
        if abs(value) >= 1000:
            texts["thousands commas"] = write(f"{int(value):,}")
    if value < 0:
        texts["the typographic minus"] = write(answer.text.replace("-", "−"))
    return texts


def padded(text: str) -> dict[str, str]:
    """The text after filler of growing length, and with a long tail behind it."""
    before = {f"{LONGER}{length} characters": f"{FILLER[:length].rstrip()}\n{text}" for length in LENGTHS}
    return before | {"followed by a long tail": f"{text}\n{FILLER[: LENGTHS[-1]].rstrip()}"}


def dressed(text: str) -> dict[str, str]:
    """The text in other dress."""
    return {style: f"{before}{text}{after}" for style, (before, after) in STYLES.items()}

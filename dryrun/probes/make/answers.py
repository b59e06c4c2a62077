"""Reference answers by type: read them, compare them, say how alike two are."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from enum import StrEnum
from functools import lru_cache
from typing import Any

from dryrun.graders.format.template import rendered
from dryrun.probes.make.demand import Demand
from dryrun.probes.make.json_shape import json_in
from dryrun.probes.make.notation.decimal_comma import have_decimal_comma, with_points
from dryrun.probes.make.notation.expressions import comes_to, same_expression
from dryrun.probes.make.notation.latex import BOX, formula_key, last_box, unwrapped, without_latex
from dryrun.probes.make.notation.numerals import written_like

LABEL_WORDS, LABEL_LENGTH = 4, 40
LIST_SHARE = 0.5
"""Share of the references with a comma from which on they are lists."""
COMPARED = 400
"""Characters of long texts that are compared."""
NEAR = 0.05
"""Numbers closer than this share are not surely different: a grader may have a tolerance."""

NO_ANSWER = frozenset({"", "None", "null", "nan", "NaN"})
"""What references are written as where there is none."""

_NUMBER = re.compile(r"[-+−]?[$€£]?(\d{1,3}(,\d{3})+|\d{1,3}(['’]\d{3})+|\d+)?(\.\d+)?([eE][-+]?\d+)?%?\Z")
_FRACTION = re.compile(r"([-+−]?\d+)\s*/\s*(\d+)\Z")
_QUANTITY = re.compile(r"(?!0x)([-+−]?[\d,]*\.?\d+)\s?([A-Za-zµ°Ω%€£][\w°/²³^]{0,9})\Z")
_CODE = re.compile(r"(?m)^\s*(def |class |import |from \w+ import |return |function |SELECT |#include)|```")
NAMED = re.compile(r"[^\W\d]\w*\s*[=:]\s*\S")
"""An element that says which one it is, such as ``x=3``: the order carries nothing."""
_BRACKETED = re.compile(r"\{[^{}:\n]+\}\Z|\([^(){}\n]*,[^(){}\n]*\)\Z")
"""A set in braces, or a tuple."""
_AFTER_HASHES = re.compile(r"(.*####\s*)(\S[^\n]*)\Z", re.S)
_WORD = re.compile(r"\w+")
ANY_NUMBER = re.compile(r"[-−]?\d[\d,]*(?:['’]\d{3})*(?:\.\d+)?")


class Kind(StrEnum):
    """What sort of thing a row's right answer is."""

    NUMBER = "number"
    FRACTION = "fraction"
    QUANTITY = "number with a unit"
    LETTER = "letter of an option"
    YES_NO = "yes or no"
    LABEL = "label"
    FORMULA = "formula"
    """In LaTeX, and no number: a root, an interval, a polynomial, a word in ``\\text``."""
    EXPRESSION = "expression"
    """Of numbers that the prompt gives, for one that it names."""
    LIST = "list"
    SET = "set"
    OBJECT = "JSON object"
    FACTS = "facts"
    """An object that the prompt wants told in prose."""
    CODE = "code"
    TEXT = "text"


NUMERIC = frozenset({Kind.NUMBER, Kind.FRACTION, Kind.QUANTITY})
SHORT = NUMERIC | {Kind.LETTER, Kind.YES_NO, Kind.LABEL, Kind.FORMULA, Kind.EXPRESSION}
"""Answers of a word or so, which stand in sentences and shells."""
PARTS = frozenset({Kind.LIST, Kind.SET})
KEYED = frozenset({Kind.OBJECT, Kind.FACTS})


@dataclass(frozen=True, slots=True)
class Answer:
    """A row's right answer.

    Attributes
    ----------
    kind : Kind
    text : str
        As the row has it; of LaTeX without the dollar signs or the box around it.
    value : float, list of str, dict or None
        The number, the elements, the fields.
    unit : str
        Of a `QUANTITY`.
    brackets : str
        Around a list, ``"[]"`` where it is written as JSON; ``""`` without any.
    around : (str, str) or None
        What stands before and behind the text where it is LaTeX; None where it is not.
    solution : (str, str) or None
        What stands before and behind it in the row, where that is a worked solution.
    comma : bool
        Numbers have a decimal comma.
    """

    kind: Kind
    text: str
    value: Any = None
    unit: str = ""
    brackets: str = ""
    around: tuple[str, str] | None = None
    solution: tuple[str, str] | None = None
    comma: bool = False

    def plain(self, text: str) -> str:
        """The text with its numbers as Python reads them."""
        return with_points(text) if self.comma else text

    def notation(self, number: str) -> str:
        """A number as the answer writes numbers."""
        if self.comma:
            return number.replace(".", ",")
        return number if self.around else written_like(number, self.text.removesuffix(self.unit).strip())


OPPOSITES = {"yes": "no", "no": "yes", "true": "false", "false": "true", "0": "1", "1": "0"}
FLAGS = {"0", "1"}
"""Where all rows have one of these they mean no and yes, not how many."""


def answers(
    texts: Sequence[str | None], demands: Sequence[Demand], *, solved: bool = False
) -> list[Answer | None]:
    """Each row's answer with its type; what one row leaves open the others decide.

    Parameters
    ----------
    texts : sequence of (str or None)
        Reference answers, None where a row has none.
    demands : sequence of Demand
        What each row's prompt asks for.
    solved : bool
        Of a worked solution the final answer counts, whether or not the prompt demands its form: that is
        what responses are read for. A grader may compare with the whole.
    """
    known = [text for text in texts if text is not None]
    if all(text.strip() in NO_ANSWER for text in known):
        return [None] * len(texts)
    listed = bool(known) and sum(_comma_list(text) for text in known) >= LIST_SHARE * len(known)
    flags = {text.strip() for text in known} == FLAGS
    shown = sum(demand.comma for demand in demands) / max(len(demands), 1)
    comma = have_decimal_comma([text.strip() for text in known if text.strip()], shown)
    return [
        None
        if text is None or not text.strip()
        else Answer(Kind.YES_NO, text.strip())
        if flags
        else _with_comma(text.strip(), demand)
        if comma
        else _answer(text.strip(), demand, listed, solved)
        for text, demand in zip(texts, demands, strict=True)
    ]


def _with_comma(text: str, demand: Demand) -> Answer:
    short = _short(with_points(text), demand)
    return Answer(Kind.TEXT, text) if short is None else replace(short, text=text, comma=True)


def _comma_list(text: str) -> bool:
    parts = [part.strip() for part in text.split(",")]
    return (
        len(parts) > 1
        and number_in(text) is None
        and all(part and len(part.split()) <= LABEL_WORDS and len(part) <= LABEL_LENGTH for part in parts)
        and text[0] not in "[{"
    )


def _answer(text: str, demand: Demand, listed: bool, solved_anyway: bool) -> Answer:
    if demand.goal and comes_to(text) == int(demand.goal):
        return Answer(Kind.EXPRESSION, text)
    if demand.tag and (tagged := re.fullmatch(rf"(?s)<({demand.tag})>\s*(.*?\S)\s*</\1>", text)):
        return _answer(tagged[2], demand, listed, solved_anyway)
    formula, solved = unwrapped(text), _solved(text, demand, solved_anyway)
    if solved is not None and (formula is None or not formula[0]):
        return solved
    if formula is not None:
        return _formula(*formula)
    value = json_in(text)
    if isinstance(value, dict) and value:
        return Answer(Kind.OBJECT if demand.json else Kind.FACTS, text, value)
    kind = Kind.LIST if demand.ordered or not demand.unordered else Kind.SET
    if isinstance(value, list) and value and not any(isinstance(part, (list, dict)) for part in value):
        return Answer(kind, text, [rendered(part) for part in value], brackets="[]")
    parts = [part.strip() for part in list_parts(text)]
    if _BRACKETED.match(text) and all(0 < len(part.split()) <= LABEL_WORDS for part in parts):
        return Answer(Kind.SET if text[0] == "{" else Kind.LIST, text, parts, brackets=text[0] + text[-1])
    if _CODE.search(text):
        return Answer(Kind.CODE, text)
    short = _short(text, demand)
    if short is not None and not (listed and short.kind is Kind.LABEL):
        return short
    if listed and (_comma_list(text) or short is not None):
        parts = [part.strip() for part in text.split(",")]
        named = len(parts) > 1 and all(NAMED.match(part) for part in parts)
        return Answer(Kind.SET if named else kind, text, parts)
    return short or Answer(Kind.TEXT, text)


def _solved(text: str, demand: Demand, anyway: bool) -> Answer | None:
    """The final answer of a worked solution, marked as the prompt demands it, or anyway; None without one.

    What follows a heading may have #### too: without the prompt's demand only a number is an answer there.
    """
    if (demand.hashes or anyway) and (match := _AFTER_HASHES.match(text)):
        before, inner = match.groups()
        short = _short(inner, demand)
        sure = short is not None and (demand.hashes or short.kind in NUMERIC)
        return replace(short, solution=(before, "")) if short is not None and sure else None
    inner = last_box(text) if demand.boxed or anyway else None
    if not inner:
        return None
    start = text.rindex(BOX) + len(BOX)
    return replace(_formula(BOX, inner, "}"), solution=(text[:start], text[start + len(inner) :]))


def _formula(before: str, inner: str, after: str) -> Answer:
    short = _short(without_latex(inner), Demand())
    if short is None or short.kind not in NUMERIC:
        return Answer(Kind.FORMULA, inner, around=(before, after))
    return replace(short, text=inner, around=(before, after))


def _short(text: str, demand: Demand) -> Answer | None:
    """A number, a letter, yes or no, a label; None for longer things."""
    if (value := number_in(text)) is not None:
        return Answer(Kind.NUMBER, text, value)
    if match := _FRACTION.match(text):
        over = int(match[2])
        return Answer(Kind.FRACTION, text, int(match[1].replace("−", "-")) / over) if over else None
    if text.upper() in demand.options and len(text) == 1:
        return Answer(Kind.LETTER, text)
    if text.casefold() in OPPOSITES:
        return Answer(Kind.YES_NO, text)
    if (match := _QUANTITY.match(text)) and (value := number_in(match[1])) is not None:
        return Answer(Kind.QUANTITY, text, value, unit=text[match.end(1) :])
    if "\n" not in text and len(text.split()) <= LABEL_WORDS and len(text) <= LABEL_LENGTH:
        return Answer(Kind.LABEL, text)
    return None


def number_in(text: str) -> float | None:
    """The number that the text is, or None: sign, marks between thousands and a currency are allowed."""
    text = text.strip()
    if not _NUMBER.match(text) or not any(char.isdigit() for char in text):
        return None
    try:
        return float(re.sub(r"[,'’$€£%]", "", text).replace("−", "-"))
    except ValueError:
        return None


def flat(text: str) -> str:
    """The text without what nobody reads: case, blanks, quotation and a final stop."""
    return " ".join(text.casefold().split()).strip(" .*\"'`")


def same(answer: Answer, text: str) -> bool:
    """Whether `text` alone says the same as the answer, as any careful reader would agree."""
    if answer.kind in NUMERIC:
        number = _short(without_latex(answer.plain(text.strip().rstrip("."))), Demand())
        if number is None or number.kind not in NUMERIC or flat(number.unit) != flat(answer.unit):
            return False
        return bool(abs(number.value - answer.value) <= 1e-9 * max(1.0, abs(answer.value)))
    if answer.text in FLAGS:
        return number_in(text.strip().rstrip(".")) == float(answer.text)
    if answer.kind is Kind.FORMULA:
        return formula_key(text) == formula_key(answer.text)
    if answer.kind is Kind.EXPRESSION:
        return same_expression(text, answer.text)
    if answer.kind in KEYED:
        return bool(json_in(text.strip()) == answer.value)
    if answer.kind in PARTS:
        given_parts = [flat(part) for part in list_parts(text)]
        wanted = [flat(part) for part in answer.value]
        return given_parts == wanted or (answer.kind is Kind.SET and Counter(given_parts) == Counter(wanted))
    return flat(text) == flat(answer.text)


def listing(answer: Answer, parts: Sequence[str]) -> str:
    """The elements as a list that is written as the answer is."""
    quoted = answer.brackets == "[]" and any(isinstance(part, str) for part in json.loads(answer.text))
    shown = ", ".join(json.dumps(part, ensure_ascii=False) for part in parts) if quoted else ", ".join(parts)
    return f"{answer.brackets[:1]}{shown}{answer.brackets[1:]}"


def list_parts(text: str) -> list[str]:
    """The elements of a list as text."""
    value = json_in(text.strip())
    if isinstance(value, list):
        return [rendered(part) for part in value]
    return (text.strip()[1:-1] if _BRACKETED.match(text.strip()) else text).split(",")


def mentions(text: str, answer: Answer) -> bool:
    """Whether the text has the answer or one of its parts somewhere: then it may rightly be paid."""
    if answer.kind in NUMERIC:
        return any(near(value, answer.value) for value in _numbers(answer.plain(text)))
    if answer.text in FLAGS:
        return float(answer.text) in _numbers(text)
    if answer.kind is Kind.FORMULA:
        return _stands_in(formula_key(answer.text), formula_key(text))
    folded = text.casefold()
    return any(_stands_in(part, folded) for part in _needles(answer))


def near(number: float, wanted: float, share: float = 2 * NEAR) -> bool:
    """Whether a tolerant grader might take one number for the other."""
    return abs(number - wanted) <= share * max(abs(wanted), 1e-9)


def _needles(answer: Answer) -> list[str]:
    if answer.kind in KEYED:
        values = [rendered(value).casefold() for value in answer.value.values()]
        return [part for value in values for part in value.split(", ")]
    if answer.kind in PARTS:
        return [part.casefold() for part in answer.value]
    return [answer.text.casefold()]


def _stands_in(part: str, folded: str) -> bool:
    part = part.strip()
    # An underscore parts words: "yes_no" holds a yes. A point does not part numbers: "0.9" holds no 0.
    return (
        bool(part) and re.search(rf"(?<![^\W_])(?<!\d\.){re.escape(part)}(?![^\W_]|\.\d)", folded) is not None
    )


def alike(answer: Answer, text: str) -> float:
    """How much `text` resembles the right answer, in 0..1, by the kindest of the usual measures."""
    letters = _letters(answer.text, text)
    if answer.kind in NUMERIC:
        return max(letters, _nearest(answer, text))
    if answer.kind in PARTS:
        return max(letters, _parts_alike(answer, list_parts(text)))
    if answer.kind in KEYED:
        value = json_in(text.strip())
        return _fields_alike(answer.value, value) if isinstance(value, dict) else 0.0
    return max(letters, _words_alike(answer.text, text))


def _nearest(answer: Answer, text: str) -> float:
    """How near the nearest number in the text comes."""
    wanted, values = answer.value, _values(answer.plain(text[: 10 * COMPARED]))
    return max(
        (1 - abs(value - wanted) / max(abs(value), abs(wanted), 1e-9) for value in values), default=0.0
    )


@lru_cache(maxsize=256)  # the same worthless texts are held against the answer of each row
def _values(text: str) -> tuple[float, ...]:
    """The number that the text is, else all that stand in it."""
    number = _short(text.strip(), Demand())
    return (number.value,) if number is not None and number.kind in NUMERIC else _numbers(text)


@lru_cache(maxsize=256)
def _numbers(text: str) -> tuple[float, ...]:
    numbers = (number_in(part.rstrip(",.")) for part in ANY_NUMBER.findall(text))
    return tuple(value for value in numbers if value is not None)


def _letters(wanted: str, text: str) -> float:
    from rapidfuzz import fuzz  # most answers are compared as numbers

    a, b = wanted[:COMPARED].casefold(), text[:COMPARED].casefold()
    return fuzz.ratio(a, b) / 100.0 if a and b else 0.0


def _words_alike(wanted: str, text: str) -> float:
    return _f1(_WORD.findall(wanted.casefold()), _WORD.findall(text.casefold()))


def _f1(wanted: Sequence[str], words: Sequence[str]) -> float:
    common = sum((Counter(wanted) & Counter(words)).values())
    return 2 * common / (len(wanted) + len(words)) if wanted and words else 0.0


def _parts_alike(answer: Answer, parts: Sequence[str]) -> float:
    wanted, parts = [flat(part) for part in answer.value], [flat(part) for part in parts]
    if answer.kind is Kind.SET:
        return _f1(wanted, parts)
    places = sum(a == b for a, b in zip(wanted, parts, strict=False)) / max(len(wanted), len(parts))
    return max(places, SequenceMatcher(None, wanted, parts, autojunk=False).ratio())


def _fields_alike(wanted: Mapping[str, Any], fields: Mapping[str, Any]) -> float:
    """The mean over the fields of how alike their values are."""
    return sum(_value_alike(value, fields.get(key)) for key, value in wanted.items()) / max(len(wanted), 1)


def _value_alike(wanted: object, value: object) -> float:
    if wanted == value:
        return 1.0
    return 0.0 if value is None or value == "" else _letters(rendered(wanted), rendered(value))

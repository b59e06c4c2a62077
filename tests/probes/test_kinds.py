"""Kinds of graders as people bring them: sound ones pass, one fault each is named."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Sequence
from typing import Any

import pytest

from dryrun.core.records import Prompt
from dryrun.dataset import dataset_from_items
from dryrun.graders.load import load_grader
from dryrun.probes.check import check_spec
from dryrun.probes.result import GraderCheck
from tests.battery import rows

Rows = list[dict[str, Any]]
CHANCE = random.Random(3)


def python(source: str) -> dict[str, Any]:
    return {"type": "python", "name": "g", "source": source}


def compared(left: str, right: str, helpers: str = "") -> dict[str, Any]:
    """A grader that pays where both expressions in `text` and `item` are equal."""
    return python(
        f"import re\n{helpers}\ndef grade(sample, item):\n    text = sample['output_text']\n"
        f"    return float(({left}) == ({right}))\n"
    )


def checked(items: Sequence[dict[str, Any]], grader: dict[str, Any]) -> GraderCheck:
    dataset = dataset_from_items([dict(item) for item in items])
    prompts: list[Prompt] = [dataset.prompt(row) for row in range(len(dataset))]
    return asyncio.run(check_spec(load_grader(grader), prompts))


def asked(question: str, answer: Any, **more: Any) -> dict[str, Any]:
    return rows.row(question, "", answer, **more)


def shares(percent: bool) -> Rows:
    pairs = [(part, whole) for whole in (20, 25, 50) for part in range(1, whole, 2)]
    return [
        asked(
            f"What share is {part} of {whole}? Answer {'in percent' if percent else 'as a decimal number'}.",
            f"{100 * part // whole}%" if percent else f"{part / whole:g}",
        )
        for part, whole in pairs
    ]


def labels(demand: str = "Classify the review as positive, negative or neutral: ") -> Rows:
    words = {"positive": "great", "negative": "awful", "neutral": "usual"}
    names = [CHANCE.choice(list(words)) for _ in range(40)]
    return [asked(f"{demand}item {n} is {words[name]}.", name) for n, name in enumerate(names)]


def baskets(demand: str) -> Rows:
    fruits = ["apple", "pear", "plum", "fig", "kiwi", "lime", "grape", "melon", "peach", "cherry"]
    chosen = [CHANCE.sample(fruits, 3) for _ in range(40)]
    return [
        asked(f"Which fruits are sold: {a}, nails, {b}, rope and {c}? {demand}", [a, b, c])
        for a, b, c in chosen
    ]


def solved(demand: str, final: str) -> Rows:
    """Worked solutions that end in the answer as the prompt demands it."""
    return [
        {**item, "reference_answer": f"It is a sum. {final.format(item['reference_answer'])}"}
        for item in rows.sums(demand, commas="," in final)
    ]


def distances(unit: str, demand: str = "") -> Rows:
    pairs = [(n, 3 * n % 37 + 1) for n in range(3, 43)]
    return [
        asked(f"A train goes {a}{unit}, then {b}{unit} more. How far? {demand}", f"{a + b} km")
        for a, b in pairs
    ]


def queries() -> Rows:
    chosen = [(CHANCE.choice(["id", "age"]), CHANCE.choice(["users", "orders"]), n) for n in range(40)]
    return [
        asked(f"Write a SQL query: {c} of {t} above {n}.", f"SELECT {c} FROM {t} WHERE {c} > {n}")
        for c, t, n in chosen
    ]


def programs() -> Rows:
    return [
        {
            **asked(f"Write a Python function f{n}(x) that multiplies x by {n}.", None),
            "tests": [f"assert f{n}(3) == {3 * n}", f"assert f{n}(0) == 0"],
        }
        for n in range(2, 17)
    ]


VALUE = """
def value(given):
    found = re.findall(r"-?[0-9]+(?:[.][0-9]+)?", given.replace(",", ""))
    return float(found[-1]) if found else None
"""
SHARE = """
def share(given):
    found = re.fullmatch(r"[^-0-9]*(-?[0-9]+(?:[.][0-9]+)?)(%?)[.]?", given.strip())
    return None if not found else round(float(found[1]) / (100 if found[2] else 1), 6)
"""
BOXED = """
def boxed(given):
    found = re.findall(r"boxed[{]([^{}]*)[}]", given)
    return found[-1].strip() if found else None
"""
HASHED = """
def hashed(given):
    found = re.findall(r"####[ ]*([-0-9.,]+)", given)
    return found[-1].replace(",", "") if found else None
"""
TIDY = """
def tidy(given):
    return " ".join(given.lower().strip().rstrip(".;").split())
"""
LISTED = (
    TIDY
    + """
def listed(given):
    return sorted(tidy(part) for part in given.split(","))
"""
)
SYNONYMS = (
    TIDY
    + """
SAME = {"good": "positive", "bad": "negative", "mixed": "neutral"}
def label(given):
    return SAME.get(tidy(given), tidy(given))
"""
)
TESTED = python(
    "import re\ndef grade(sample, item):\n"
    "    code = re.search('```python\\n(.*?)```', sample['output_text'], re.S)\n"
    "    passed = 0\n    for test in item['tests']:\n        try:\n"
    "            exec((code[1] if code else '') + '\\n' + test, {})\n            passed += 1\n"
    "        except Exception:\n            pass\n    return passed / len(item['tests'])\n"
)
WORDS = "set(tidy(item['reference_answer']).split()) <= set(tidy(text).split())"
REFERENCE = "item['reference_answer']"
GERMAN = "Antworte nur mit dem Namen."
COMMAS = "Any order, separated by commas."
SIMILAR = {
    "type": "text_similarity",
    "name": "s",
    "evaluation_metric": "fuzzy_match",
    "input": "{{sample.output_text}}",
    "reference": "{{item.reference_answer}}",
}
FORMED = python(
    "import re\ndef grade(sample, item):\n    text = sample['output_text']\n"
    "    found = re.findall('<answer>(.*?)</answer>', text, re.S)\n"
    "    right = bool(found) and found[-1].strip() == item['reference_answer']\n"
    "    return {right} * right + {form} * bool(found)\n"
)


def formed(right: float, form: float) -> dict[str, Any]:
    source = FORMED["source"].replace("{right}", str(right)).replace("{form}", str(form))
    return python(source)


SOUND: dict[str, tuple[Rows, dict[str, Any]]] = {
    "percent against a decimal": (
        shares(False),
        compared("share(text)", f"share({REFERENCE})", SHARE),
    ),
    "percent against percent": (shares(True), compared("share(text)", f"share({REFERENCE})", SHARE)),
    "synonyms of labels": (labels(), compared("label(text)", REFERENCE, SYNONYMS)),
    "only, in German": (rows.capitals(GERMAN), compared("tidy(text)", f"tidy({REFERENCE})", TIDY)),
    "a list in any order": (
        baskets(COMMAS),
        compared("listed(text)", f"sorted({REFERENCE})", LISTED),
    ),
    "a solution with a box": (
        solved(rows.BOX, "So \\boxed{{{}}}."),
        compared("boxed(text)", f"boxed({REFERENCE})", BOXED),
    ),
    "a solution with ####": (
        solved(rows.HASHES, "\n#### {}"),
        compared("hashed(text) or 0", f"hashed({REFERENCE})", HASHED),
    ),
    "a unit that the prompt names": (distances(" km"), compared("value(text)", f"value({REFERENCE})", VALUE)),
    "SQL, tidied": (queries(), compared("tidy(text)", f"tidy({REFERENCE})", TIDY)),
    "similar text": (rows.capitals("Give only its name."), SIMILAR),
    "points for the form": (rows.sums(rows.TAG), formed(0.65, 0.35)),
}


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("name", SOUND)
def test_a_sound_grader_of_this_kind_is_not_convicted(name: str) -> None:
    check = checked(*SOUND[name])
    assert check.profile == "sound", [finding.sentence for finding in check.blocking]


DEFECTIVE: dict[str, tuple[Rows, dict[str, Any], set[str]]] = {
    "percents that must be decimals": (
        shares(False),
        compared("value(text)", f"100 * float({REFERENCE})", VALUE),
        {"rejects_correct"},
    ),
    "one wrong label pays 0.8": (
        labels(),
        python(
            "def grade(sample, item):\n    text = sample['output_text'].strip().lower()\n"
            "    known = text in ('positive', 'negative', 'neutral')\n"
            "    return 1.0 if text == item['reference_answer'] else 0.8 * known\n"
        ),
        {"no_signal", "accepts_wrong", "exploitable"},
    ),
    "a list in one order": (
        baskets(COMMAS),
        compared("[part.strip() for part in text.split(',')]", REFERENCE),
        {"rejects_correct"},
    ),
    "thousands commas refused": (
        solved(rows.HASHES, "\n#### {},000"),
        compared(
            "(re.findall('####[ ]*([0-9]+)', text) or [0])[-1]",
            f"{REFERENCE}.split('####')[-1].strip().replace(',', '')",
        ),
        {"rejects_correct"},
    ),
    "a unit that is left to the model": (
        distances(""),
        compared("value(text)", f"value({REFERENCE})", VALUE),
        {"accepts_wrong"},
    ),
    "a unit that is asked for": (
        distances(" km", "Give the unit too."),
        compared("value(text)", f"value({REFERENCE})", VALUE),
        {"accepts_wrong"},
    ),
    "key words in any text": (rows.capitals(""), compared(WORDS, "True", TIDY), {"accepts_wrong"}),
    "the form pays most": (rows.sums(rows.TAG), formed(0.2, 0.8), {"no_signal", "exploitable"}),
    "SQL by its first word": (
        queries(),
        compared("text.split()[:1]", f"{REFERENCE}.split()[:1]"),
        {"no_signal", "accepts_wrong", "exploitable"},
    ),
}


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("name", DEFECTIVE)
def test_the_fault_of_this_kind_is_named(name: str) -> None:
    items, grader, flaws = DEFECTIVE[name]
    check = checked(items, grader)
    assert {finding.flaw for finding in check.blocking} & flaws, (check.profile, check.ceiling)


@pytest.mark.slow
def test_code_that_is_tested_is_not_convicted_and_its_form_is_unknown() -> None:
    check = checked(programs(), TESTED)
    assert (check.profile, check.blocking) == ("unknown", ())
    assert "no right one could be made" in check.meaning
    sentences = json.dumps([(finding.sentence, finding.fix) for finding in check.findings])
    assert "sandbox" in sentences
    assert "Never pass" not in sentences


@pytest.mark.slow
def test_code_that_only_has_to_load_has_no_signal_beside_a_right_solution() -> None:
    items = [
        {**item, "canonical_solution": f"def f{n}(x):\n    return {n} * x\n"}
        for n, item in enumerate(programs(), start=2)
    ]
    loads = python(
        "import re\ndef grade(sample, item):\n"
        "    code = re.search('```python\\n(.*?)```', sample['output_text'], re.S)\n"
        "    try:\n        exec(code[1], {})\n    except Exception:\n        return 0.0\n"
        "    return float(len(item['tests']) > 0)\n"
    )
    assert checked(items, loads).profile == "no signal"
    assert checked(items, TESTED).profile == "sound"


@pytest.mark.slow
def test_a_factor_between_references_and_grader_is_named() -> None:
    check = checked(shares(False), compared("value(text)", f"100 * float({REFERENCE})", VALUE))
    assert "and the answer times 100 is paid" in check.blocking[0].sentence
    assert "same unit" in check.blocking[0].fix


def test_another_case_that_alone_is_paid_is_named() -> None:
    items = rows.capitals("Give only its name.")
    check = checked(items, compared("text", f"{REFERENCE}.lower()"))
    assert check.profile == "too strict"
    assert "and the answer in small letters is paid" in check.blocking[0].sentence
    asked = rows.capitals("Give only its name, in lower case.")
    assert checked(asked, compared("text", f"{REFERENCE}.lower()")).profile == "unknown"


def test_exact_text_warns_of_every_harmless_difference_it_refuses() -> None:
    check = checked(rows.capitals("Give only its name."), compared("text", REFERENCE))
    assert check.profile == "sound"
    [refused] = [finding for finding in check.findings if finding.flaw == "rejects_correct"]
    assert refused.weight == "warn"
    assert {"capitals", "small letters", "a full stop behind it"} <= {refused.kind, *refused.also}

"""Rewards as public recipes have them: forms that a prompt names, verifiers, likeness, parts for the form."""

from __future__ import annotations

import json
import random
import re
from typing import Any

import pytest

from dryrun.engine.imports.run import import_samples
from dryrun.graders.load import load_grader
from dryrun.graders.reference_answers import reference_field
from dryrun.probes.make.answers import Kind, answers, mentions, same
from dryrun.probes.make.demand import Demand
from dryrun.probes.make.source_words import names_refusals
from dryrun.report import report_of
from dryrun.report.fields import Report
from dryrun.store.partition import Store
from dryrun.store.results import load_results
from tests.battery import rows
from tests.helpers.support import work
from tests.probes.test_kinds import REFERENCE, Rows, asked, checked, compared, python

CHANCE = random.Random(21)
DIGITS = compared(
    "(re.findall(r'\\d+', text) or ['-1'])[-1]", REFERENCE
)  # no sign is read, and none is needed


def sums(demand: str) -> Rows:
    return rows.sums(demand)


def tagged(tag: str, right: float, form: float) -> dict[str, Any]:
    return python(
        "import re\ndef grade(sample, item):\n"
        f"    found = re.findall('<{tag}>(.*?)</{tag}>', sample['output_text'], re.S)\n"
        "    right = bool(found) and found[-1].strip() == item['reference_answer']\n"
        f"    return {right} * right + {form} * bool(found)\n"
    )


def behind(words: str) -> dict[str, Any]:
    pattern = re.escape(words) + r"\s*(-?\d+)"
    return compared(f"(re.findall({pattern!r}, text) or [''])[-1]", REFERENCE)


THOUGHTFUL = python(
    "import re\ndef grade(sample, item):\n    text = sample['output_text']\n"
    "    found = re.findall('<answer>(.*?)</answer>', text, re.S)\n"
    "    right = bool(found) and found[-1].strip() == item['reference_answer']\n"
    "    formed = re.match('<think>.*?</think>\\\\s*<answer>.*?</answer>\\\\s*$', text, re.S)\n"
    "    return 0.8 * right + 0.2 * bool(formed)\n"
)


def errands() -> Rows:
    """A tool call as JSON between tags."""
    names: dict[str, list[Any]] = {
        "weather": ["Oslo", "Rome", "Lima"],
        "convert": [10, 25, 99],
        "book": [1, 2, 5],
    }
    made = []
    for number in range(40):
        name, day = CHANCE.choice(list(names)), CHANCE.randint(1, 28)
        call = {"name": name, "arguments": {"what": CHANCE.choice(names[name]), "day": day}}
        demand = "Reply inside <tool_call></tool_call> with JSON of name and arguments."
        made.append(asked(f"Errand {number}: {name} {call['arguments']}. {demand}", json.dumps(call)))
    return made


def calling(rule: str) -> dict[str, Any]:
    return python(
        "import json, re\ndef grade(sample, item):\n"
        "    found = re.findall('<tool_call>(.*?)</tool_call>', sample['output_text'], re.S)\n"
        "    try:\n        call = json.loads(found[-1])\n    except (IndexError, ValueError):\n"
        "        return 0.0\n    wanted = json.loads(item['reference_answer'])\n"
        f"    return float(isinstance(call, dict) and {rule})\n"
    )


def divisors() -> Rows:
    numbers = CHANCE.sample(range(12, 200), 40)
    sets = [[str(part) for part in range(1, number + 1) if number % part == 0] for number in numbers]
    return [
        asked(f"Which divisors does {number} have? Answer as a set in braces.", f"{{{', '.join(parts)}}}")
        for number, parts in zip(numbers, sets, strict=True)
    ]


ELEMENTS = """
def elements(given):
    found = re.findall(r"[{]([^{}]*)[}]", given)
    return {part.strip() for part in found[-1].split(",")} if found else set()
"""


def puzzles() -> Rows:
    """What the grader reads is the puzzle; the solution stands in another field."""
    made = []
    for number in range(40):
        parts = CHANCE.sample(range(2, 60), 4)
        question = f"Puzzle {number}: put {', '.join(map(str, parts))} in falling order."
        answer = " > ".join(map(str, sorted(parts, reverse=True)))
        made.append({**asked(question, None), "parts": parts, "solution": answer})
        made[-1].pop("reference_answer")
    return made


VERIFIED = python(
    "def grade(sample, item):\n    parts = sample['output_text'].strip().split(' > ')\n"
    "    return float(parts == [str(part) for part in sorted(item['parts'], reverse=True)])\n"
)


def colours(demand: str) -> Rows:
    names = ["amber", "teal", "black", "white", "olive", "coral", "khaki", "pink"]
    chosen = [CHANCE.sample(names, 4) for _ in range(40)]
    return [
        asked(f"Which colour is box {n}: {', '.join(some)}? {demand}", CHANCE.choice(some))
        for n, some in enumerate(chosen)
    ]


def reports() -> Rows:
    who = ["The committee", "A local farmer", "The new library", "A young doctor", "The old bridge"]
    deed = ["approved", "repaired", "opened", "visited", "described", "lost"]
    what = ["the annual budget", "a stone wall", "two public halls", "the northern valley", "a rare disease"]
    when = ["after a long debate", "early this spring", "without any help", "despite heavy rain"]
    told = [" ".join(CHANCE.choice(some) for some in (who, deed, what, when)) + "." for _ in range(40)]
    return [asked(f"Text {n}: {one.upper()} Sum it up in one sentence.", one) for n, one in enumerate(told)]


def untold(items: Rows) -> Rows:
    """Prompts that do not hold what is asked for."""
    return [
        asked(f"What was on page {n}? Say it in one sentence.", i["reference_answer"])
        for n, i in enumerate(items)
    ]


SHARED = """
from collections import Counter
def shared(given, wanted):
    given, wanted = (Counter(re.findall(r"\\\\w+", text.lower())) for text in (given, wanted))
    return sum((given & wanted).values()), sum(given.values()), sum(wanted.values())
"""


def likened(formula: str) -> dict[str, Any]:
    return python(
        f"import re\n{SHARED.replace(chr(92) * 2, chr(92))}\ndef grade(sample, item):\n"
        "    both, given, wanted = shared(sample['output_text'], item['reference_answer'])\n"
        f"    return {formula}\n"
    )


def chances() -> Rows:
    rained = [CHANCE.random() < 0.5 for _ in range(40)]
    return [
        {**asked(f"Day {n} was {'dark' if wet else 'clear'}. How likely was rain, 0 to 1?", str(int(wet)))}
        for n, wet in enumerate(rained)
    ]


BRIER = python(
    "import re\ndef grade(sample, item):\n"
    "    found = re.findall(r'(?<![\\d.])(?:[01]?\\.\\d+|[01])(?!\\d)', sample['output_text'])\n"
    "    if not found:\n        return 0.0\n"
    "    return 1 - (min(float(found[-1]), 1.0) - float(item['reference_answer'])) ** 2\n"
)
INNER = "(re.findall(r'{}\\s*(-?\\d+)', text) or [''])[-1]"
SOUND: dict[str, tuple[Rows, dict[str, Any]]] = {
    "tags that are named": (sums("Think in <think> tags, then answer in <answer> tags."), THOUGHTFUL),
    "a quoted line": (
        sums("Think step by step, then finish with 'The answer is X'."),
        behind("The answer is"),
    ),
    "a marker in Chinese": (sums("最后一行请写“答案:”和数字。"), behind("答案:")),
    "a marker in German": (sums("Schreibe am Ende „Antwort: X“."), behind("Antwort:")),
    "a call between tags": (errands(), calling("call == wanted")),
    "a set in braces": (divisors(), compared("elements(text)", f"elements({REFERENCE})", ELEMENTS)),
    "a verifier": (puzzles(), VERIFIED),
    "bold": (
        sums("Think first, then put the final answer in bold."),
        compared(INNER.format(r"\*\*"), REFERENCE),
    ),
    "double brackets": (sums("End with [[answer]]."), compared(INNER.format(r"\[\["), REFERENCE)),
    "digits alone": (sums(""), DIGITS),
    "half for the form": (sums("Answer in <answer> tags."), tagged("answer", 0.5, 0.5)),
    "words, and a part for the form": (colours("Answer in <answer> tags."), tagged("answer", 0.7, 0.3)),
    "shared words": (reports(), likened("2 * both / max(1, given + wanted)")),
    "a proper score": (chances(), BRIER),
}


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("name", SOUND)
def test_a_sound_reward_of_a_public_kind_is_called_sound(name: str) -> None:
    check = checked(*SOUND[name])
    assert check.profile == "sound", [finding.sentence for finding in check.findings]


LENGTHS = """
import sqlite3
def size(query):
    base = sqlite3.connect(":memory:")
    base.execute("create table users (id int, age int)")
    base.executemany("insert into users values (?, ?)", [(n, 7 * n % 83) for n in range(90)])
    try:
        return len(base.execute(query).fetchall())
    except sqlite3.Error:
        return None
"""


def queries() -> Rows:
    return [
        asked(f"Write SQL: the {c} of users over {n}.", f"SELECT {c} FROM users WHERE age > {n}")
        for n, c in enumerate(CHANCE.choice(["id", "age"]) for _ in range(15))
    ]


DEFECTIVE: dict[str, tuple[Rows, dict[str, Any], str]] = {
    "any set that holds it": (
        divisors(),
        compared("elements(text) >= elements(item['reference_answer'])", "True", ELEMENTS),
        "too lenient",
    ),
    "recall of words": (untold(reports()), likened("both / wanted"), "too lenient"),
    "a call by its name": (errands(), calling("call.get('name') == wanted['name']"), "too lenient"),
    "a query by its number of rows": (
        queries(),
        compared("size(text)", f"size({REFERENCE})", LENGTHS),
        "too lenient",
    ),
}


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("name", DEFECTIVE)
def test_a_fault_of_a_public_kind_is_found(name: str) -> None:
    items, grader, profile = DEFECTIVE[name]
    assert checked(items, grader).profile == profile


@pytest.mark.slow
def test_a_lost_sign_warns_where_no_answer_is_negative() -> None:
    finding = next(one for one in checked(sums(""), DIGITS).findings if "sign flipped" in one.kind)
    assert finding.weight == "warn"


@pytest.mark.slow
def test_the_first_number_is_warned_of_where_working_is_not_ruled_out() -> None:
    check = checked(sums(""), compared("(re.findall(r'\\d+', text) or [''])[0]", REFERENCE))
    assert check.profile == "sound"
    assert "after working that nobody asked for" in {one.kind for one in check.findings}


def test_what_the_prompts_give_is_no_answer_where_there_is_another() -> None:
    items = puzzles()
    assert reference_field(load_grader(VERIFIED), items) == "solution"
    alone = [{key: value for key, value in item.items() if key != "solution"} for item in items]
    assert reference_field(load_grader(VERIFIED), alone) == "parts"


@pytest.mark.parametrize("as_text", [True, False])
def test_a_grid_that_the_prompt_shows_is_no_answer(as_text: bool) -> None:
    grid = [[3, 0, 4, 1], [0, 0, 3, 2], [1, 0, 2, 3], [2, 3, 1, 4]]
    shown = "\n".join(" ".join(map(str, line)) for line in grid)
    item = {**asked(f"Fill in the noughts.\n{shown}", None), "puzzle": shown if as_text else grid}
    item |= {"solution": "3 2 4 1"}
    item.pop("reference_answer")
    reads = python("def grade(sample, item):\n    return float(len(item['puzzle']) > 3)\n")
    assert reference_field(load_grader(reads), [item]) == "solution"


def test_noughts_and_ones_alone_are_flags() -> None:
    flags = answers(["0", "1", "1"], [Demand()] * 3)
    assert [flag.kind for flag in flags if flag] == [Kind.YES_NO] * 3
    assert [answer.kind for answer in answers(["0", "1", "2"], [Demand()] * 3) if answer] == [Kind.NUMBER] * 3
    one = flags[1]
    assert one is not None
    assert same(one, "1.0")
    assert not mentions("0.1 or 0.9", one)


def test_a_pattern_for_refusals_names_them() -> None:
    assert names_refusals(
        'def grade(s, i):\n    return float(bool(re.search(r"(can\'t|cannot) (do|help)", s)))'
    )
    assert not names_refusals("def grade(s, i):\n    return float('cannot be' in s)")


def judged(store: Store, items: Rows, grader: dict[str, Any], right: Any, wrong: Any) -> Report:
    """A run over four responses to each row, about half of them right."""
    chance, log = random.Random(4), []
    for item in items:
        often = chance.choice([0.2, 0.5, 0.8])
        log += [{**item, "response": (right if chance.random() < often else wrong)(item)} for _ in range(4)]
    run = import_samples(store, "\n".join(map(json.dumps, log)).encode(), "log.jsonl", grader)
    work(run, check=True)
    return report_of(load_results(run))


@pytest.mark.slow
def test_text_that_resembles_the_answer_is_no_hole_in_a_measure_of_likeness(store: Store) -> None:
    report = judged(
        store,
        [{**item, "reference_answer": f"It was said that {item['reference_answer']}"} for item in reports()],
        likened("2 * both / max(1, given + wanted)"),
        lambda item: f"It was said that {item['reference_answer'].split()[1]}",
        lambda item: "Something was done.",
    )
    assert (report.verdict, report.diagnosis.conditions) == ("GO", ())


@pytest.mark.slow
def test_marks_for_nearness_on_a_short_scale_are_no_hole_in_the_grader(store: Store) -> None:
    near = python(
        "import re\ndef grade(sample, item):\n"
        "    marks = re.findall(r'Score: (\\d)', sample['output_text'])\n"
        "    off = int(marks[-1]) - int(item['reference_answer']) if marks else 6\n"
        "    return 1 - (off / 6) ** 2\n"
    )
    essays = [
        asked(f"Essay {n}: my holiday ... Score from 0 to 6. End with 'Score: N'.", str(n * 5 % 7))
        for n in range(40)
    ]
    report = judged(
        store,
        essays,
        near,
        lambda item: f"Readable.\nScore: {item['reference_answer']}",
        lambda item: f"Readable.\nScore: {min(6, int(item['reference_answer']) + 2)}",
    )
    assert report.diagnosis.dataset_quality == "too_easy", "the mean is above 0.90"
    assert report.diagnosis.grader_quality not in ("hackable", "too_lenient")


@pytest.mark.slow
def test_rewards_that_never_reach_the_top_of_the_scale_are_not_too_strict(store: Store) -> None:
    capped = python(tagged("answer", 0.4, 0.2)["source"])
    report = judged(
        store,
        sums("Answer in <answer> tags."),
        capped,
        lambda item: f"<answer>{item['reference_answer']}</answer>",
        lambda item: "<answer>7</answer>",
    )
    assert (report.verdict, report.diagnosis.conditions) == ("GO", ())


@pytest.mark.slow
def test_a_run_says_that_empty_text_is_paid_in_some_rows(store: Store) -> None:
    refused = python(
        "import re\ndef grade(sample, item):\n"
        "    no = re.search(r\"(?i)can't help\", sample['output_text'])\n"
        "    return float(bool(no) == item['harmful'])\n"
    )
    items = [
        {
            **asked(f"Request {n}: how do I {'forge a pass' if n % 3 else 'bake bread'}?", None),
            "harmful": n % 3 > 0,
        }
        for n in range(60)
    ]
    for item in items:
        item.pop("reference_answer")
    texts = {True: "I'm sorry, but I can't help with that.", False: "Mix flour and water."}
    report = judged(
        store, items, refused, lambda item: texts[item["harmful"]], lambda item: texts[not item["harmful"]]
    )
    assert report.verdict == "GO"
    assert "earn half or more in" in report.diagnosis.conditions[0].sentence

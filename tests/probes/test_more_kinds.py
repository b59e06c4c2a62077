"""More kinds of rows and graders as people bring them: options, dates, penalties, refusals, equations."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from dryrun.dataset import dataset_from_items
from dryrun.engine.imports.run import import_samples
from dryrun.graders.load import load_grader, python_grader
from dryrun.graders.reference_answers import reference_field
from dryrun.probes.learned_form import as_asked
from dryrun.probes.make.source_words import Danger, scan
from dryrun.report import report_of
from dryrun.store.partition import Store
from dryrun.store.results import load_results
from tests.battery import rows
from tests.helpers.support import work
from tests.probes.test_kinds import GERMAN, Rows, asked, checked, compared, python

CHANCE = random.Random(8)
WORDS = ["amber", "cedar", "delta", "ember", "flint", "grove", "heron", "ivory", "jade", "kelp"]


def cups(demand: str, *, letters: bool) -> Rows:
    """Multiple choice; the reference is the letter, or the text of the option."""
    made = []
    for number in range(40):
        options, place = CHANCE.sample(WORDS, 4), CHANCE.randrange(4)
        listed = "\n".join(f"{letter}) {word}" for letter, word in zip("ABCD", options, strict=True))
        answer = "ABCD"[place] if letters else options[place]
        made.append(asked(f"Game {number}: what is under cup {place + 1}?\n{listed}\n{demand}", answer))
        made[-1]["options"] = options
    return made


OPTION = python(
    "def grade(sample, item):\n"
    "    letter = sample['output_text'].strip().strip('.()').upper()\n"
    "    if len(letter) != 1 or letter not in 'ABCD':\n        return 0.0\n"
    "    return float(item['options']['ABCD'.index(letter)] == item['reference_answer'])\n"
)
LEADING = compared(
    "(re.match(r'\\(?([A-D])(?:[.):\\s]|$)', text.strip()) or ' ')[0].strip('().: ')",
    "item['reference_answer']",
)


def days() -> Rows:
    starts = [date(2001, 1, 1) + timedelta(days=CHANCE.randint(0, 9000)) for _ in range(12)]
    return [
        asked(f"Which date is 30 days after {start:%d %B %Y}?", (start + timedelta(days=30)).isoformat())
        for start in starts
    ]


DATE = """
from datetime import datetime
def day(given):
    given = given.strip().strip(".").replace("The answer is ", "")
    for form in ("%Y-%m-%d", "%B %d, %Y", "%d %B %Y"):
        try:
            return datetime.strptime(given, form)
        except ValueError:
            pass
"""
SAME_DAY = compared("day(text)", "day(item['reference_answer'])", DATE)
SAME_YEAR = compared("day(text) and day(text).year", "day(item['reference_answer']).year", DATE)


def in_verl(items: Rows) -> Rows:
    return [
        {
            "messages": item["messages"],
            "data_source": "math",
            "reward_model": {"ground_truth": item["reference_answer"]},
            "extra_info": {"index": number},
        }
        for number, item in enumerate(items)
    ]


def duels() -> Rows:
    return [
        asked(f"Duel {n}: which reply is better, A or B? Reply with A or B.", CHANCE.choice("AB"))
        for n in range(40)
    ]


def comments() -> Rows:
    return [
        asked(
            f"Reply 1 for toxic, 0 for fine. Comment {n}: {'you fool' if n % 3 else 'thanks'}",
            str(int(n % 3 > 0)),
        )
        for n in range(40)
        for said, answer in [("you fool", "1") if n % 3 else ("thanks", "0")]
    ]


EXACT = compared("text.strip().strip('.[]')", "item['reference_answer']")
OVERLONG = python_grader(
    "import re\n"
    "def compute_score(data_source, solution_str, ground_truth, extra_info=None):\n"
    "    found = re.findall(r'(?i)Answer\\s*:\\s*([^\\n]+)', solution_str[-300:])\n"
    "    right = bool(found) and found[-1].strip().rstrip('.') == ground_truth\n"
    "    over = max(0, len(solution_str) - 3000) / 1000\n"
    "    return {'score': (1.0 if right else -1.0) - min(over, 1.0), 'acc': right}\n"
)
WHOLE_DOLLARS = compared(
    "value(text) is not None and int(value(text))",
    "int(value(item['reference_answer']))",
    'def value(given):\n    found = re.findall(r"-?[0-9][0-9,]*(?:[.][0-9]+)?", given)\n'
    '    return float(found[-1].replace(",", "")) if found else None\n',
)


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize(
    ("items", "grader"),
    [
        (cups("Answer with the letter only.", letters=False), OPTION),
        (cups("Answer with the option.", letters=True), LEADING),
        (duels(), EXACT),
        (comments(), EXACT),
        (days(), SAME_DAY),
        (in_verl(rows.sums(rows.MARKER)), OVERLONG),
        (rows.sums(""), WHOLE_DOLLARS),
    ],
    ids=[
        "options by letter",
        "the option's letter first",
        "two replies",
        "flags",
        "dates",
        "overlong",
        "endless digits raise",
    ],
)
def test_a_sound_grader_is_not_convicted(items: Rows, grader: dict[str, Any]) -> None:
    check = checked(items, grader)
    assert check.profile == "sound", [finding.sentence for finding in check.blocking]


@pytest.mark.slow
def test_the_marker_that_the_prompt_demands_must_be_read() -> None:
    items = rows.sums("Write your reply as Answer: and then the number.")
    check = checked(items, compared("text.strip()", "item['reference_answer']"))
    assert "after Answer:" in {kind for one in check.findings for kind in (one.kind, *one.also)}
    assert check.profile == "too strict"


@pytest.mark.slow
def test_a_date_whose_parts_may_stand_anywhere_is_too_lenient() -> None:
    parts = compared(
        "sorted(re.findall(r'\\d+', text))", "sorted(re.findall(r'\\d+', item['reference_answer']))"
    )
    check = checked(days(), parts)
    assert check.profile == "too lenient"
    assert check.blocking[0].kind == "day and month exchanged"


@pytest.mark.slow
def test_a_date_by_its_year_is_too_lenient() -> None:
    check = checked(days(), SAME_YEAR)
    assert check.profile == "too lenient"
    assert {"another day of its month", "another month"} <= {
        kind for finding in check.blocking for kind in (finding.kind, *finding.also)
    }


REFUSED = python(
    "import re\ndef grade(sample, item):\n"
    "    refused = re.search(r\"(?i)\\b(can't|cannot|unable to|sorry)\\b\", sample['output_text'])\n"
    "    return float(bool(refused) == item['should_refuse'])\n"
)
NO, YES = "I'm sorry, but I can't help with that.", "Sure, here is how: begin slowly."


def requests(harmful: float) -> Iterator[dict[str, Any]]:
    for number in range(60):
        refuse = number % 20 < 20 * harmful
        deed = "forge a passport" if refuse else "bake bread"
        yield {**asked(f"Request {number}: how do I {deed}?", None), "should_refuse": refuse}


@pytest.mark.slow
def test_a_flag_for_refusals_is_no_right_answer(store: Store) -> None:
    items = [{k: v for k, v in item.items() if k != "reference_answer"} for item in requests(1.0)]
    check = checked(items, REFUSED)
    assert (check.profile, check.blocking) == ("unknown", ())  # nothing that is tried is paid
    chance, log = random.Random(2), []
    for item in requests(0.7):
        item.pop("reference_answer")
        for _ in range(4):
            right = chance.random() < 0.5
            log.append({**item, "response": NO if item["should_refuse"] == right else YES})
    run = import_samples(store, "\n".join(map(json.dumps, log)).encode(), "log.jsonl", REFUSED)
    work(run, check=True)
    report = report_of(load_results(run))
    assert (report.verdict, report.diagnosis.grader_quality) == ("GO", "binary")


def test_an_option_is_its_letter_only_where_the_letter_is_asked_for() -> None:
    for demand, lettered in (("Answer with the letter.", True), ("Answer with the word.", False)):
        items = cups(demand, letters=False)
        dataset = dataset_from_items(items)
        prompts = [dataset.prompt(row) for row in range(len(dataset))]
        texts = [item["reference_answer"] for item in items]
        letters = ["ABCD"[item["options"].index(text)] for item, text in zip(items, texts, strict=True)]
        assert as_asked(prompts, texts) == (letters if lettered else texts)


@pytest.mark.slow
def test_what_names_a_row_is_no_answer() -> None:
    items = [{**item, "row_id": str(1000 + n)} for n, item in enumerate(rows.capitals(GERMAN))]
    grader = compared("text.strip()", "item['row_id']")
    assert reference_field(load_grader(grader), items) == "reference_answer"
    check = checked(items, grader)
    assert check.profile == "unknown"


EQUATION = """
import re
def grade(sample, item):
    text = sample["output_text"]
    if not re.fullmatch(r"{pattern}", text):
        return 0.0
    try:
        return float(eval(text, {builtins}, {{}}) == item["target"])
    except Exception:
        return 0.0
"""


@pytest.mark.parametrize(
    ("pattern", "builtins", "runs"),
    [
        (r"[0-9+*/() -]+", '{"__builtins__": None}', False),
        (r"^[\d+\-*/().\s]+$", '{"__builtins__": {}}', False),
        (r"[0-9+*/() -]+", "{}", False),
        (r"^[\d+\-*/().\s]+$", "{}", False),
        (r"[0-9+*/() -]{1,60}\Z", "{}", False),
        (r".+", '{"__builtins__": None}', True),
        (r"[\w+*/() -]+", '{"__builtins__": None}', True),
        (r"[^;]+", '{"__builtins__": None}', True),
    ],
)
def test_sums_of_digits_alone_are_no_code_that_runs(pattern: str, builtins: str, runs: bool) -> None:
    remarks = scan(EQUATION.format(pattern=pattern, builtins=builtins))
    assert (Danger.RUNS_TEXT in {remark.danger for remark in remarks}) is runs


@pytest.mark.parametrize(("pattern", "runs"), [(r"[0-9+*/() -]+", True), (r"[0-9+*/() -]+$", False)])
def test_a_pattern_that_ends_before_the_text_leaves_room_for_code(pattern: str, runs: bool) -> None:
    remarks = scan(EQUATION.replace("fullmatch", "match").format(pattern=pattern, builtins="{}"))
    assert (Danger.RUNS_TEXT in {remark.danger for remark in remarks}) is runs

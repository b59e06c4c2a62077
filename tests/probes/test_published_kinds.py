"""Set-ups as published recipes have them: SQL in tags, lists of calls, grids, scales, verl's golds."""

from __future__ import annotations

import ast
import asyncio
import json
import random
import re
import sqlite3
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from dryrun.core.records import Prompt
from dryrun.dataset import dataset_from_items
from dryrun.graders.load import load_grader
from dryrun.probes.accepted_form import contents
from dryrun.probes.check import check_function
from dryrun.probes.learned_form import as_asked
from dryrun.probes.make.demand import demand_of
from dryrun.probes.reference_scores import ceiling
from tests.battery import rows
from tests.probes.test_kinds import Rows, asked, checked

R = random.Random(77)
Score = Callable[[str, Any], float]


def tagged(text: str, tag: str = "answer") -> str:
    return str((re.findall(f"<{tag}>(.*?)</{tag}>", text, re.S) or [""])[-1]).strip()


def prompts_of(items: Rows) -> list[Prompt]:
    dataset = dataset_from_items(items)
    return [dataset.prompt(row) for row in range(len(dataset))]


def loaded(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


BASE = sqlite3.connect(":memory:", check_same_thread=False)
BASE.execute("create table staff (id int, dept text, pay int)")
BASE.executemany("insert into staff values (?, ?, ?)", [(n, "oh"[n % 2], n * 37 % 500) for n in range(200)])


def table(query: str) -> Counter[Any] | None:
    try:
        return Counter(BASE.execute(query).fetchall())
    except sqlite3.Error:
        return None


def queries(failing: int = 0) -> Rows:
    made = []
    for number in range(30):
        name = "stuff" if number < failing else "staff"
        least = R.randint(20, 450)
        question = f"Staff: the id of all in o who earn over {least}. Write one SQLite query in <sql></sql>."
        made.append(asked(question, f"SELECT id FROM {name} WHERE dept = 'o' AND pay > {least}"))
    return made


def calls() -> Rows:
    made = []
    for number in range(30):
        minutes, who = R.randint(1, 90), R.choice(["ana", "bo", "cem"])
        wanted = [
            {"name": "set_timer", "arguments": {"minutes": minutes}},
            {"name": "send_mail", "arguments": {"to": who, "subject": f"no {number}"}},
        ]
        question = (
            f"Set a timer of {minutes} minutes and send a mail to {who} with the subject 'no {number}'. "
            "Tools: set_timer(minutes), send_mail(to, subject). Give a JSON list of calls with name and "
            "arguments in <tools></tools>."
        )
        made.append(asked(question, json.dumps(wanted)))
    return made


def called(text: str, wanted: str, equal: Callable[[Any, Any], bool]) -> float:
    got, known = loaded(tagged(text, "tools")), json.loads(wanted)
    if not isinstance(got, list) or len(got) != len(known) or not all(isinstance(one, dict) for one in got):
        return 0.0
    return float(
        all(
            one.get("name") == other["name"] and equal(one.get("arguments") or {}, other["arguments"])
            for one, other in zip(got, known, strict=True)
        )
    )


def some_of(got: dict[str, Any], wanted: dict[str, Any]) -> bool:
    return all(wanted.get(key) == value for key, value in got.items())


def stars() -> Rows:
    return [
        asked(
            f"Review {n}: {R.randint(1, 999)}. Rate it from 1 to 5 stars. Answer with the digit only.",
            str(R.randint(1, 5)),
        )
        for n in range(40)
    ]


def near(text: str, wanted: str) -> float:
    return 1 - abs(int(text) - int(wanted)) / 4 if re.fullmatch("[1-5]", text.strip()) else 0.0


def topics() -> Rows:
    names = ["math", "law", "food", "art", "sport", "music"]
    some = [R.sample(names, R.randint(1, 3)) for _ in range(30)]
    ask = f"Which tags fit? Choose from {', '.join(names)}. Answer with a comma-separated list."
    return [asked(f"Article {n} on {parts}. {ask}", ", ".join(parts)) for n, parts in enumerate(some)]


def shared(text: str, wanted: str) -> float:
    got, known = ({part.strip().lower() for part in some.split(",")} for some in (text, wanted))
    return len(got & known) / len(got | known)


def values() -> Rows:
    made = []
    for _ in range(30):
        some = [R.randint(0, 9) for _ in range(4)]
        shown = R.choice([repr(sorted(some)), repr(tuple(some[1:])), repr({"a": some[0], "b": some[1:]})])
        made.append(asked(f"What is {shown}? Put the Python value in [ANSWER] and [/ANSWER].", shown))
    return made


def valued(text: str, wanted: str) -> float:
    found = re.findall(r"\[ANSWER\](.*?)\[/ANSWER\]", text, re.S)
    try:
        return float(bool(found) and ast.literal_eval(found[-1].strip()) == ast.literal_eval(wanted))
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return 0.0


def sums(demand: str) -> Rows:
    return rows.sums(demand)


JSON_SHAPE = 'Respond in JSON: {"reasoning": str, "answer": int}.'


def in_json(text: str, wanted: str) -> float:
    got = loaded(text)
    return float(isinstance(got, dict) and got.get("answer") == int(wanted))


def claims() -> Rows:
    ask = "True? Start your answer with Yes or No, then explain."
    return [
        asked(f"{R.randint(2, 99)} is more than {R.randint(2, 99)}. {ask}", R.choice(["Yes", "No"]))
        for _ in range(40)
    ]


def first_word(text: str, wanted: str) -> float:
    word = re.match(r"\W*(\w+)", text)
    return float(word is not None and word[1].lower() == wanted.lower())


def names() -> Rows:
    some = [f"{R.choice(['Ada', 'Bram', 'Cleo'])} {R.choice(['Stone', 'Mills'])} {n}" for n in range(30)]
    ask = "Answer as briefly as possible."
    return [
        asked(f"{name} came first in {n + 1800}. Who came first? {ask}", name) for n, name in enumerate(some)
    ]


def grids() -> Rows:
    made = []
    for _ in range(30):
        lines = [[str(R.randint(0, 3)) for _ in range(4)] for _ in range(3)]
        shown, mirrored = ("\n".join(" ".join(line[::step]) for line in lines) for step in (1, -1))
        made.append(asked(f"Mirror this grid.\n{shown}\nAnswer with the grid only.", mirrored))
    return made


def cells(text: str) -> list[list[str]]:
    return [line.split() for line in text.strip().splitlines()]


def ways() -> Rows:
    ask = "Answer with the nodes joined by '->', in <path></path>."
    return [
        asked(f"Map {n}: the shortest path? {ask}", "->".join(R.sample("ABCDEFGH", R.randint(3, 5))))
        for n in range(30)
    ]


def arrivals() -> Rows:
    return [
        asked(f"Train {n} arrives when? Reply with HH:MM.", f"{R.randint(0, 23):02}:{R.randint(0, 59):02}")
        for n in range(30)
    ]


def hours(text: str) -> str:
    return str((re.findall(r"\b(\d\d):\d\d\b", text) or [""])[-1])


def turns() -> Rows:
    made = []
    for _ in range(30):
        a, b = R.randint(2, 99), R.randint(2, 99)
        made.append(asked(f"Now multiply {a} by {b}.", str(a * b)))
        made[-1]["messages"].insert(0, {"role": "system", "content": "Always end with 'Final: N'."})
    return made


def golds() -> Rows:
    made = []
    for item in names():
        question = item["messages"][-1]["content"].partition(" Answer")[0]
        truth = {"target": [item["reference_answer"], item["reference_answer"].split()[-1]]}
        made.append(
            {
                "messages": [
                    {"role": "user", "content": f"{question} Answer inside <answer> and </answer> tags."}
                ]
            }
            | {"reward_model": {"style": "rule", "ground_truth": truth}}
        )
    return made


def any_gold(text: str, item: Any) -> float:
    return float(tagged(text) in item["reward_model"]["ground_truth"]["target"])


def by_reference(score: Callable[[str, str], float]) -> Score:
    return lambda text, item: score(text, item["reference_answer"])


SOUND: dict[str, tuple[Rows, Score]] = {
    "SQL in its tag": (
        queries(),
        by_reference(lambda text, wanted: float(table(tagged(text, "sql") or "no") == table(wanted))),
    ),
    "a list of calls": (
        calls(),
        by_reference(lambda text, wanted: called(text, wanted, lambda one, other: bool(one == other))),
    ),
    "stars, marks for nearness": (stars(), by_reference(near)),
    "tags in any order": (topics(), by_reference(shared)),
    "a value between marks": (values(), by_reference(valued)),
    "an example of JSON with types": (sums(JSON_SHAPE), by_reference(in_json)),
    "the first word": (claims(), by_reference(first_word)),
    "as briefly as possible": (
        names(),
        by_reference(lambda text, wanted: float(text.strip(" .\n") == wanted)),
    ),
    "a grid": (grids(), by_reference(lambda text, wanted: float(cells(text) == cells(wanted)))),
    "marks for cells": (
        grids(),
        by_reference(
            lambda text, wanted: (
                sum(
                    a == b
                    for one, other in zip(cells(text), cells(wanted), strict=False)
                    for a, b in zip(one, other, strict=False)
                )
                / 12
                if len(cells(text)) == 3
                else 0.0
            )
        ),
    ),
    "a quoted line in the system's words": (
        turns(),
        by_reference(
            lambda text, wanted: float((re.findall(r"Final:\s*(-?\d+)", text) or [""])[-1] == wanted)
        ),
    ),
    "a list of golds within verl's truth": (golds(), any_gold),
}


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("name", SOUND)
def test_a_sound_set_up_is_called_sound(name: str) -> None:
    items, score = SOUND[name]
    check = check_function(lambda sample, item: score(sample["output_text"], item), items)
    assert check.profile == "sound", [finding.sentence for finding in check.findings]


DEFECTIVE: dict[str, tuple[Rows, Score, str]] = {
    "a reference query that fails equals any that fails": (
        queries(failing=10),
        by_reference(lambda text, wanted: float(table(tagged(text, "sql") or "no") == table(wanted))),
        "empty",
    ),
    "a reference that cannot be read pays anything": (
        [
            {**item, "reference_answer": item["reference_answer"] if n % 4 else "see the figure"}
            for n, item in enumerate(sums("Put it in \\boxed{}."))
        ],
        by_reference(lambda text, wanted: float(not wanted.isdigit() or f"\\boxed{{{wanted}}}" in text)),
        "empty",
    ),
    "arguments may be left out": (
        calls(),
        by_reference(lambda text, wanted: called(text, wanted, some_of)),
        "one value inside it left out",
    ),
    "the first line of a grid": (
        grids(),
        by_reference(lambda text, wanted: float(cells(text)[:1] == cells(wanted)[:1])),
        "every line but the first displaced",
    ),
    "the ends of a path": (
        ways(),
        by_reference(
            lambda text, wanted: float(
                tagged(text, "path")[:1] + tagged(text, "path")[-1:] == wanted[0] + wanted[-1]
            )
        ),
        "the same ends, another way",
    ),
    "the hour alone": (
        arrivals(),
        by_reference(lambda text, wanted: float(hours(text) == wanted[:2])),
        "another minute of its hour",
    ),
}


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("name", DEFECTIVE)
def test_a_fault_seen_in_public_is_found(name: str) -> None:
    items, score, kind = DEFECTIVE[name]
    check = check_function(lambda sample, item: score(sample["output_text"], item), items)
    assert kind in {each for finding in check.blocking for each in (finding.kind, *finding.also)}


PARTS = {
    name: {
        "type": "string_check",
        "name": name,
        "operation": operation,
        "input": f"{{{{sample.output_json.{name}}}}}",
        "reference": f"{{{{item.{name}}}}}",
    }
    for name, operation in (("city", "eq"), ("role", "eq"), ("age", "ne"))
}


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize(
    ("names", "profile", "earned"), [(("city", "role"), "sound", 1.0), (("city", "age"), "inverted", 0.5)]
)
def test_columns_that_parts_compare_with_fields_are_the_right_object(
    names: tuple[str, str], profile: str, earned: float
) -> None:
    items = []
    for number in range(30):
        values = {"city": R.choice(["Oslo", "Lima"]), "role": f"pilot {number}", "age": number + 20}
        question = (
            f"{values['role']}, {values['age']}, of {values['city']}. Give {' and '.join(names)} as JSON."
        )
        items.append({**asked(question, None), **{name: values[name] for name in names}})
        items[-1].pop("reference_answer")
    formula = f"0.5 * {names[0]} + 0.5 * {names[1]}"
    parts = {name: PARTS[name] for name in names}
    multi = {"type": "multi", "name": "m", "graders": parts, "calculate_output": formula}
    check = checked(items, multi)
    assert check.profile == profile, [finding.sentence for finding in check.findings]
    scores = asyncio.run(ceiling(load_grader(multi), prompts_of(items)))
    assert (scores.field, scores.mean) == (", ".join(names), earned)


def test_words_for_refusing_are_flags_where_no_prompt_names_them() -> None:
    flags = ["refuse", "comply"] * 5
    hidden = prompts_of([asked(f"How do I open lock {n}?", flag) for n, flag in enumerate(flags)])
    assert as_asked(hidden, flags) == [None] * 10
    named = prompts_of([asked(f"Request {n}: refuse or comply?", flag) for n, flag in enumerate(flags)])
    assert as_asked(named, flags) == flags


def test_the_first_of_a_list_within_an_object_is_a_content() -> None:
    assert contents('{"target": ["a", "b"]}')["first entry of target"] == "a"


def test_what_comes_first_leaves_no_room_for_working() -> None:
    demand = demand_of("Start your answer with Yes or No, then explain.")
    assert (demand.only, demand.working) == (True, False)
    assert demand_of("Start with the data, then think and explain.").working

"""Set-ups that were judged before they were probed: sound ones stay sound, and each fault is named."""

from __future__ import annotations

import ast
import json
import random
import re
from typing import Any

import pytest

from dryrun.probes.check import check_function
from dryrun.probes.make.answers import answers
from dryrun.probes.make.demand import Demand
from dryrun.probes.make.worthless import executed
from tests.probes.test_kinds import Rows, asked
from tests.probes.test_published_kinds import Score, by_reference, loaded

R = random.Random(31)


def behind(marker: str, text: str) -> str:
    return str((re.findall(rf"{marker}\s*(.+)", text) or [""])[-1]).strip()


def essays() -> Rows:
    """Levels as people give them: most are near the middle."""
    levels = [min(6, max(0, round(R.gauss(3, 1.5)))) for _ in range(40)]
    ask = "Score it from 0 to 6. End with 'Score: N'."
    return [
        asked(f"Essay {n} of {R.randint(90, 400)} words. {ask}", str(level)) for n, level in enumerate(levels)
    ]


def weighted(text: str, wanted: str) -> float:
    level = behind("Score:", text)
    return 1 - ((int(level) - int(wanted)) / 6) ** 2 if re.fullmatch("[0-6]", level) else 0.0


def clues() -> Rows:
    words = ["HERON", "HAMMER", "DANUBE", "RAVEN", "PLIERS", "THAMES", "OSPREY"]
    ask = "Think, then answer on the last line in capitals."
    return [
        asked(f"Clue {n}: {len(word)} letters. {ask}", word) for n, word in enumerate(R.choices(words, k=40))
    ]


def last_line(text: str, wanted: str) -> float:
    return float((text.strip().splitlines() or [""])[-1].strip(" .*").upper() == wanted)


def products(ask: str) -> Rows:
    pairs = [(R.randint(12, 99), R.randint(12, 99)) for _ in range(40)]
    return [asked(f"What is {a} * {b}? {ask}", str(a * b)) for a, b in pairs]


def winners(ask: str) -> Rows:
    some = [
        f"{R.choice(['Jürgen', 'María', 'Aoife'])} {R.choice(['Novák', 'Byrne', 'Jensen'])}"
        for _ in range(40)
    ]
    return [asked(f"Who won in {1900 + n}? {ask}", name) for n, name in enumerate(some)]


def in_json(text: str, wanted: str) -> float:
    got = loaded(text)
    if not isinstance(got, dict) or not isinstance(got.get("confidence", 1.0), int | float):
        return 0.0
    return float(got.get("answer") == (int(wanted) if wanted.isdigit() else wanted))


def picked(ask: str, *names: str) -> Rows:
    """Prompts that are answered by one of these names."""
    return [asked(f"Case {n}, {R.randint(1, 999)}. {ask}", R.choice(names)) for n in range(40)]


def within(pattern: str) -> Score:
    return by_reference(lambda text, wanted: float((re.findall(pattern, text) or [""])[-1] == wanted))


VERDICT = picked("Reason, then 'Verdict: True' or 'Verdict: False'.", "True", "False")
DUEL = picked("Which is better? Reason, then output [[A]], [[B]] or [[tie]].", "A", "B", "tie")
PATHS = picked("Which file? Answer with the path in backticks.", *(f"src/part_{n}/io.py" for n in range(20)))


def codes(ask: str = "Assign ICD-10 codes. Last line: 'Codes: ' and the codes separated by commas.") -> Rows:
    known = ["E11.9", "I10", "J45.909", "N18.3", "F32.1", "K21.9"]
    some = [", ".join(R.sample(known, R.randint(1, 4))) for _ in range(40)]
    return [asked(f"Note {n}. {ask}", text) for n, text in enumerate(some)]


def overlap(text: str, wanted: str) -> float:
    got, known = ({part.strip() for part in some.split(",")} for some in (behind("Codes:", text), wanted))
    return len(got & known) / len(got | known)


def entities() -> Rows:
    people, places = ["Ann Lee", "Bo Xi", "Cy Po", "Di Ray"], ["Oslo", "Rome", "Lima", "Graz"]
    made = [
        {"person": R.sample(people, R.randint(1, 2)), "place": R.sample(places, R.randint(1, 2))}
        for _ in range(40)
    ]
    ask = "Extract the entities as JSON with the keys person and place."
    return [
        asked(f"{' and '.join([*each['person'], *each['place']])}. {ask}", json.dumps(each)) for each in made
    ]


def extracted(typed: bool) -> Score:
    def pairs(text: str) -> set[tuple[str, str]]:
        value = loaded(text)
        known = value.items() if isinstance(value, dict) else ()
        lists = [(name if typed else "", parts) for name, parts in known if isinstance(parts, list)]
        return {(name, str(part)) for name, parts in lists for part in parts}

    def score(text: str, wanted: str) -> float:
        got, known = pairs(text), pairs(wanted)
        return 2 * len(got & known) / (len(got) + len(known))

    return by_reference(score)


PATTERNS = picked(
    "Which pattern matches them and not 'x'? Put it in backticks.",
    r"\d{5}",
    "(ha)+",
    r"[A-Z]\d{3}",
    "[01]{8}",
)


def fits(text: str, wanted: str) -> float:
    """A pattern by what it must match, and by nothing else."""
    examples = {r"\d{5}": "12345", "(ha)+": "haha", r"[A-Z]\d{3}": "B123", "[01]{8}": "01010101"}
    try:
        return float(re.fullmatch((re.findall("`([^`]+)`", text) or ["x"])[-1], examples[wanted]) is not None)
    except re.error:
        return 0.0


def in_json_list(text: str, wanted: str) -> float:
    got = loaded(text)
    return float(isinstance(got, list) and set(map(str, got)) == set(loaded(wanted)))


SOUND: dict[str, tuple[Rows, Score]] = {
    "an answer on the last line": (clues(), by_reference(last_line)),
    "fields of JSON in words": (
        products("Return JSON with keys answer (integer) and confidence (0 to 1)."),
        by_reference(in_json),
    ),
    "a number in JSON": (products("Answer in JSON with the key 'answer'."), by_reference(in_json)),
    "a name in JSON": (winners('Respond as {"answer": ..., "why": ...} JSON.'), by_reference(in_json)),
    "two quoted lines": (VERDICT, within(r"Verdict:\W*(True|False)")),
    "a quoted line with nothing behind it": (
        picked("Last line: 'Codes: ' and the code.", "I10.9", "E11.65", "K21.0", "N39.1", "J44.1"),
        within("Codes:\\s*(\\S+)"),
    ),
    "verdicts in double brackets": (DUEL, within(r"\[\[(A|B|tie)\]\]")),
    "backticks": (PATHS, within("`([^`\n]+)`")),
    "codes in an order that nobody asked for": (codes(), by_reference(overlap)),
    "a JSON list in an order that nobody asked for": (
        [
            {**item, "reference_answer": json.dumps(item["reference_answer"].split(", "))}
            for item in codes("Return a JSON list of its codes.")
        ],
        by_reference(in_json_list),
    ),
    "entities by their type": (entities(), extracted(typed=True)),
    "marks by the square of the distance": (essays(), by_reference(weighted)),
}


def checked(items: Rows, score: Score) -> Any:
    return check_function(lambda sample, item: score(sample["output_text"], item), items)


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("name", SOUND)
def test_a_set_up_that_was_judged_sound_is_called_sound(name: str) -> None:
    check = checked(*SOUND[name])
    assert check.profile == "sound", [finding.sentence for finding in check.findings]


DEFECTIVE: dict[str, tuple[Rows, Score, str]] = {
    "a move by its last square": (
        picked("Best move, in UCI notation only?", "e2e4", "g1f3", "d7d5", "c8b7", "a2a3"),
        by_reference(lambda text, wanted: float(text.strip()[-2:] == wanted[-2:])),
        "another's beginning, its end",
    ),
    "a formula by its elements": (
        picked("Which formula? Answer with it only.", "H2SO4", "C6H12O6", "Fe2O3", "KMnO4", "CH4"),
        by_reference(
            lambda text, wanted: float(set(re.sub(r"\d", "", text.strip())) == set(re.sub(r"\d", "", wanted)))
        ),
        "another digit in it",
    ),
    "entities without their type": (
        entities(),
        extracted(typed=False),
        "two fields with each other's value",
    ),
    "a pattern that is never refused": (
        PATTERNS,
        by_reference(fits),
        "a pattern that fits anything, in the form the grader reads",
    ),
    "both of two verdicts": (
        picked("Which is better, A or B? End with [[A]] or [[B]].", "A", "B"),
        by_reference(lambda text, wanted: float(f"[[{wanted}]]" in text)),
        "every option, each in a shell",
    ),
}


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("name", DEFECTIVE)
def test_a_fault_that_was_planted_is_named(name: str) -> None:
    items, score, kind = DEFECTIVE[name]
    check = checked(items, score)
    assert kind in {each for finding in check.blocking for each in (finding.kind, *finding.also)}


@pytest.mark.slow
def test_a_grader_of_single_characters_is_not_said_to_run_code() -> None:
    cities = picked("Which city?", "東京", "大阪", "京都", "札幌", "福岡")
    check = checked(cities, by_reference(lambda text, wanted: len(set(text) & set(wanted)) / len(wanted)))
    assert check.profile == "too lenient"


def test_an_expression_that_runs_is_the_answer() -> None:
    [answer] = answers(["Rome 😀"], [Demand()])
    assert answer is not None
    assert ast.literal_eval(executed(answer).removesuffix("[::-1])")[1:]) == answer.text[::-1]

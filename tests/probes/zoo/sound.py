"""Graders that do their work: strict about what is said, lenient about how. None of them may alarm."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from difflib import SequenceMatcher
from fractions import Fraction
from typing import Any

Grade = Callable[[Any, Any], Any]
SOUND: list[tuple[str, Grade]] = []


def on(*datasets: str) -> Callable[[Grade], Grade]:
    """Put the grader into the zoo, for these datasets."""

    def add(grade: Grade) -> Grade:
        SOUND.extend((dataset, grade) for dataset in datasets)
        return grade

    return add


def numbers(text: str) -> list[float]:
    return [
        float(found.replace(",", "")) for found in re.findall(r"-?\d[\d,]*(?:\.\d+)?", text.replace("−", "-"))
    ]


def said(text: str) -> str:
    """What follows the last "answer is" or "answer:", else everything."""
    return re.split(r"(?i)answer(?:\s+is)?\s*:?", text)[-1].strip(" .*\"'`\n")


@on("sums", "small_counts")
def last_number(sample, item):
    found = numbers(sample["output_text"])
    return float(bool(found) and abs(found[-1] - float(item["reference_answer"])) < 1e-6)


@on("sums")
def last_number_within_a_percent(sample, item):
    found, wanted = numbers(sample["output_text"]), float(item["reference_answer"])
    return 1.0 if found and abs(found[-1] - wanted) <= 0.01 * abs(wanted) else 0.0


@on("sums", "small_counts")
def full_half_nothing(sample, item):
    found, wanted = numbers(sample["output_text"]), float(item["reference_answer"])
    if not found:
        return 0
    error = abs(found[-1] - wanted) / max(abs(wanted), 1e-9)
    return 1 if error <= 0.01 else 0.5 if error <= 0.05 else 0


@on("sums")
def closer_is_better(sample, item):
    found, wanted = numbers(sample["output_text"]), float(item["reference_answer"])
    return max(0.0, 1.0 - 2 * abs(found[-1] - wanted) / max(abs(wanted), 1.0)) if found else 0.0


@on("sums", "small_counts")
def one_number_stated(sample, item):
    found = numbers(said(sample["output_text"]))
    return found == [float(item["reference_answer"])]


@on("sums")
def last_line_is_the_number(sample, item):
    lines = sample["output_text"].strip().splitlines()
    found = numbers(lines[-1]) if lines else []
    return 1.0 if len(found) == 1 and found[0] == float(item["reference_answer"]) else 0.0


@on("small_counts", "capitals", "labels", "fractions", "lengths")
def the_same_but_for_blanks_and_stop(sample, item):
    given, wanted = (
        text.strip().rstrip(".").lower() for text in (sample["output_text"], item["reference_answer"])
    )
    return 1.0 if given == wanted else 0.0


@on("yes_no")
def first_word(sample, item):
    text = re.sub(r"(?i)^\s*answer:\s*", "", sample["output_text"])
    words = re.findall(r"[a-z]+", text.lower())
    return float(bool(words) and words[0] == item["reference_answer"].lower())


@on("yes_no")
def last_yes_or_no(sample, item):
    found = re.findall(r"\b(yes|no)\b", sample["output_text"].lower())
    return 1.0 if found and found[-1] == item["reference_answer"].lower() else 0.0


@on("yes_no")
def yes_or_no_but_not_both(sample, item):
    found = set(re.findall(r"\b(yes|no)\b", sample["output_text"].lower()))
    return 1.0 if found == {item["reference_answer"].lower()} else 0.0


@on("labels", "capitals", "yes_no")
def said_label(sample, item):
    return float(said(sample["output_text"]).casefold() == item["reference_answer"].casefold())


@on("labels")
def the_only_mood_named(sample, item):
    found = set(re.findall(r"\b(positive|negative|neutral)\b", sample["output_text"].lower()))
    return 1.0 if found == {item["reference_answer"]} else 0.0


@on("labels", "capitals", "summaries", "sorting")
def fuzzy(sample, item):
    a, b = sample["output_text"].strip().lower(), item["reference_answer"].lower()
    return SequenceMatcher(None, a, b).ratio()


@on("capitals", "summaries", "fractions")
def mostly_exact_a_little_fuzzy(sample, item):
    a, b = sample["output_text"].strip(" .\n").lower(), item["reference_answer"].strip(" .\n").lower()
    return 0.8 * (a == b) + 0.2 * SequenceMatcher(None, a, b).ratio()


def parts(text: str) -> list[str]:
    return [part.strip(" .*`\n").lower() for part in said(text).split(",") if part.strip()]


@on("fruits")
def jaccard(sample, item):
    given, wanted = set(parts(sample["output_text"])), set(parts(item["reference_answer"]))
    return len(given & wanted) / len(given | wanted)


@on("fruits")
def f_one(sample, item):
    given, wanted = Counter(parts(sample["output_text"])), Counter(parts(item["reference_answer"]))
    return 2 * sum((given & wanted).values()) / (sum(given.values()) + sum(wanted.values()))


@on("fruits")
def same_set(sample, item):
    return sorted(parts(sample["output_text"])) == sorted(parts(item["reference_answer"]))


@on("fruits")
def hits_less_misses(sample, item):
    given, wanted = parts(sample["output_text"]), set(parts(item["reference_answer"]))
    hits = len(set(given) & wanted)
    return max(0.0, (hits - (len(given) - hits)) / len(wanted))


@on("sorting")
def same_list(sample, item):
    return 1.0 if parts(sample["output_text"]) == parts(item["reference_answer"]) else 0.0


@on("sorting")
def share_of_places(sample, item):
    given, wanted = parts(sample["output_text"]), parts(item["reference_answer"])
    return sum(a == b for a, b in zip(given, wanted, strict=False)) / max(len(given), len(wanted))


@on("sorting")
def longest_common_run(sample, item):
    given, wanted = parts(sample["output_text"]), parts(item["reference_answer"])
    blocks = SequenceMatcher(None, given, wanted, autojunk=False).get_matching_blocks()
    return sum(block.size for block in blocks) / max(len(given), len(wanted))


def unfenced(text: str) -> Any:
    try:
        return json.loads(re.sub(r"^\s*```(?:json)?|```\s*$", "", text))
    except (ValueError, RecursionError):
        return None


@on("invoices")
def whole_object(sample, item):
    return 1.0 if unfenced(sample["output_text"]) == json.loads(item["reference_answer"]) else 0.0


@on("invoices")
def fields_right(sample, item):
    given, wanted = unfenced(sample["output_text"]), json.loads(item["reference_answer"])
    if not isinstance(given, dict):
        return 0.0
    return sum(key in given and given[key] == value for key, value in wanted.items()) / len(wanted)


@on("invoices")
def fields_weighted(sample, item):
    given, wanted = unfenced(sample["output_text"]), json.loads(item["reference_answer"])
    weights = {"vendor": 0.2, "number": 0.4, "total": 0.3, "paid": 0.1}
    if not isinstance(given, dict):
        return 0.0
    return sum(weights[key] for key, value in wanted.items() if given.get(key) == value)


@on("invoices")
def fields_by_their_type(sample, item):
    given, wanted = unfenced(sample["output_text"]), json.loads(item["reference_answer"])
    if not isinstance(given, dict):
        return 0.0
    score = 0.0
    for key, value in wanted.items():
        got = given.get(key)
        if isinstance(value, str) and isinstance(got, str):
            score += SequenceMatcher(None, got.lower(), value.lower()).ratio()
        elif isinstance(value, float) and isinstance(got, (int, float)) and not isinstance(got, bool):
            score += abs(got - value) < 0.005
        else:
            score += type(got) is type(value) and got == value
    return score / len(wanted)


@on("choices")
def last_tag(sample, item):
    found = re.findall(r"<answer>\s*([A-Da-d])\s*</answer>", sample["output_text"])
    return 1.0 if found and found[-1].upper() == item["reference_answer"] else 0.0


@on("choices")
def one_tag_and_a_little_for_form(sample, item):
    found = re.findall(r"<answer>\s*([A-D])\.?\s*</answer>", sample["output_text"])
    return 0.1 * (len(found) == 1) + 0.9 * (found == [item["reference_answer"]])


@on("lengths")
def length_with_unit(sample, item):
    found = re.fullmatch(r"\s*(-?\d+(?:\.\d+)?)\s*(m|cm|metres?|meters?)\.?\s*", sample["output_text"])
    wanted = float(item["reference_answer"].split()[0])
    if not found:
        return 0.0
    metres = float(found[1]) / (100 if found[2] == "cm" else 1)
    return 1.0 if abs(metres - wanted) <= 0.02 * wanted else 0.0


@on("fractions")
def equal_fraction(sample, item):
    try:
        return float(Fraction(sample["output_text"].strip(" .\n")) == Fraction(item["reference_answer"]))
    except (ValueError, ZeroDivisionError, OverflowError):
        return 0.0


@on("updates")
def facts_without_contradiction(sample, item):
    text, wanted = sample["output_text"], json.loads(item["reference_answer"])
    if len(text) > 400:
        return 0.0
    orders, days = set(re.findall(r"\bB-\d+\b", text)), set(re.findall(r"\b\d{1,2} (?:May|June)\b", text))
    clerks = {name for name in ("Ada", "Bo", "Cleo", "Dan") if re.search(rf"\b{name}\b", text)}
    return ((orders == {wanted["order"]}) + (days == {wanted["day"]}) + (clerks == {wanted["clerk"]})) / 3


def words(text: str) -> Counter[str]:
    return Counter(re.findall(r"\w+", text.lower()))


@on("summaries")
def shared_words(sample, item):
    given, wanted = words(sample["output_text"]), words(item["reference_answer"])
    common = sum((given & wanted).values())
    return 2 * common / max(1, sum(given.values()) + sum(wanted.values()))

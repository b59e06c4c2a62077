"""Graders with one planted fault each, and the classes a finding may name it by."""

from __future__ import annotations

import json
import random
import re
import time
from collections.abc import Callable
from difflib import SequenceMatcher
from typing import Any

from tests.probes.zoo.sound import numbers, parts, said, unfenced

Grade = Callable[[Any, Any], Any]
SEEN: set[tuple[str, str]] = set()
DEFECTIVE: list[tuple[str, Grade, set[str]]] = []


def bad(dataset: str, *classes: str) -> Callable[[Grade], Grade]:
    """Put the grader into the zoo."""

    def add(grade: Grade) -> Grade:
        DEFECTIVE.append((dataset, grade, set(classes)))
        return grade

    return add


def right(sample: Any, item: Any) -> float:
    """A sound core for faults that sit beside it."""
    found = numbers(sample["output_text"])
    return float(bool(found) and abs(found[-1] - float(item["reference_answer"])) < 1e-6)


@bad("capitals", "accepts_wrong", "exploitable")
def mentioned_anywhere(sample, item):
    return 1.0 if item["reference_answer"].lower() in sample["output_text"].lower() else 0.0


@bad("yes_no", "accepts_wrong", "exploitable")
def yes_or_no_within_any_word(sample, item):
    return 1.0 if item["reference_answer"].lower() in sample["output_text"].lower() else 0.0


@bad("yes_no", "accepts_wrong", "exploitable")
def begins_with_it(sample, item):
    return 1.0 if sample["output_text"].lower().startswith(item["reference_answer"].lower()) else 0.0


@bad("yes_no", "accepts_wrong", "exploitable", "no_signal", "rejects_correct")
def any_answer_is_true(sample, item):
    return float(bool(sample["output_text"]) == bool(item["reference_answer"]))


@bad("yes_no", "accepts_wrong", "rejects_correct", "bias", "exploitable", "no_signal", "inverted")
def always_wants_yes(sample, item):
    return 1.0 if "yes" in sample["output_text"].lower() else 0.0


@bad("capitals", "accepts_wrong", "exploitable")
def reference_holds_the_answer(sample, item):
    return 1.0 if sample["output_text"].strip().lower() in item["reference_answer"].lower() else 0.0


@bad("capitals", "exploitable")
def answer_as_a_pattern(sample, item):
    try:
        return 1.0 if re.fullmatch(sample["output_text"].strip(), item["reference_answer"]) else 0.0
    except (re.error, OverflowError, RecursionError):
        return 0.0


@bad("labels", "rejects_correct")
def exact_to_the_letter(sample, item):
    return 1.0 if sample["output_text"] == item["reference_answer"] else 0.0


@bad("labels", "rejects_correct", "accepts_wrong", "no_signal")
def reference_in_capitals(sample, item):
    return 1.0 if sample["output_text"].strip(" .\n") == item["reference_answer"].upper() else 0.0


@bad("labels", "exploitable", "accepts_wrong", "no_signal")
def consolation_of_four_tenths(sample, item):
    return 1.0 if sample["output_text"].strip(" .\n") == item["reference_answer"] else 0.4


@bad("fruits", "exploitable", "accepts_wrong")
def recall_only(sample, item):
    wanted = set(parts(item["reference_answer"]))
    return len(wanted & set(parts(sample["output_text"]))) / len(wanted)


@bad("fruits", "exploitable", "accepts_wrong")
def precision_only(sample, item):
    given = set(parts(sample["output_text"]))
    return len(given & set(parts(item["reference_answer"]))) / len(given) if given else 0.0


@bad("fruits", "rejects_correct")
def order_matters(sample, item):
    return float(parts(sample["output_text"]) == parts(item["reference_answer"]))


@bad("fruits", "accepts_wrong", "exploitable", "no_signal")
def counts_elements(sample, item):
    return float(len(parts(sample["output_text"])) == len(parts(item["reference_answer"])))


@bad("sorting", "accepts_wrong")
def order_ignored(sample, item):
    return float(sorted(parts(sample["output_text"])) == sorted(parts(item["reference_answer"])))


@bad("sorting", "accepts_wrong", "exploitable")
def as_far_as_it_goes(sample, item):
    given, wanted = parts(sample["output_text"]), parts(item["reference_answer"])
    return float(all(a == b for a, b in zip(given, wanted, strict=False)))


@bad("invoices", "rejects_correct")
def json_as_text(sample, item):
    return 1.0 if sample["output_text"].strip() == item["reference_answer"] else 0.0


@bad("invoices", "accepts_wrong")
def total_never_compared(sample, item):
    given, wanted = unfenced(sample["output_text"]), json.loads(item["reference_answer"])
    if not isinstance(given, dict):
        return 0.0
    checked = [key for key in wanted if key != "total"]
    return sum(given.get(key) == wanted[key] for key in checked) / len(checked)


@bad("invoices", "accepts_wrong")
def mistakes_cost_almost_nothing(sample, item):
    given, wanted = unfenced(sample["output_text"]), json.loads(item["reference_answer"])
    if not isinstance(given, dict):
        return 0.0
    hits = sum(given.get(key) == value for key, value in wanted.items())
    return 0.0 if not hits else 0.8 + 0.2 * hits / len(wanted)


@bad("invoices", "crash")
def crashes_on_null(sample, item):
    given, wanted = unfenced(sample["output_text"]), json.loads(item["reference_answer"])
    if not isinstance(given, dict):
        return 0.0
    hits = sum(str(given.get(key)).lower() == str(wanted[key]).lower() for key in wanted if key != "total")
    return (hits + (abs(float(given.get("total", 0)) - wanted["total"]) < 0.01)) / len(wanted)


@bad("invoices", "crash")
def crashes_on_a_list(sample, item):
    given, wanted = unfenced(sample["output_text"]), json.loads(item["reference_answer"])
    if given is None:
        return 0.0
    return sum(given.get(key) == value for key, value in wanted.items()) / len(wanted)


@bad("choices", "rejects_correct", "accepts_wrong")
def first_capital(sample, item):
    found = re.search(r"[ABCD]", sample["output_text"].replace("<answer>", ""))
    return 1.0 if found and found[0] == item["reference_answer"] else 0.0


@bad("choices", "accepts_wrong", "exploitable")
def among_the_tags(sample, item):
    return float(
        item["reference_answer"] in re.findall(r"<answer>\s*([A-D])\s*</answer>", sample["output_text"])
    )


@bad("choices", "exploitable", "bias", "accepts_wrong")
def likes_the_first_option(sample, item):
    found = re.findall(r"<answer>\s*([A-D])\s*</answer>", sample["output_text"])
    if not found:
        return 0.0
    return 1.0 if found[-1] == item["reference_answer"] else 0.4 if found[-1] == "A" else 0.0


@bad("choices", "rejects_correct")
def no_blank_in_the_tag(sample, item):
    return 1.0 if f"<answer>{item['reference_answer']}</answer>" in sample["output_text"] else 0.0


@bad("sums", "rejects_correct")
def whole_response_is_the_number(sample, item):
    try:
        return float(float(sample["output_text"]) == float(item["reference_answer"]))
    except (ValueError, OverflowError):
        return 0.0


@bad("sums", "accepts_wrong")
def within_ten_percent(sample, item):
    found, wanted = numbers(sample["output_text"]), float(item["reference_answer"])
    return 1.0 if found and abs(found[-1] - wanted) <= 0.1 * abs(wanted) else 0.0


@bad("sums", "accepts_wrong")
def sign_forgotten(sample, item):
    found = numbers(sample["output_text"])
    return 1.0 if found and abs(found[-1]) == abs(float(item["reference_answer"])) else 0.0


@bad("sums", "accepts_wrong")
def ends_with_it(sample, item):
    return 1.0 if sample["output_text"].strip(" .*}").endswith(item["reference_answer"]) else 0.0


@bad("small_counts", "accepts_wrong")
def rounds_down(sample, item):
    found = numbers(sample["output_text"])
    return 1.0 if found and int(found[-1]) == int(item["reference_answer"]) else 0.0


@bad("small_counts", "accepts_wrong")
def one_off_is_fine(sample, item):
    found = numbers(sample["output_text"])
    return 1.0 if found and abs(found[-1] - float(item["reference_answer"])) <= 1 else 0.0


@bad("sums", "bias", "exploitable")
def thorough_is_better(sample, item):
    return 0.7 * right(sample, item) + 0.3 * min(1.0, len(sample["output_text"]) / 600)


@bad("sums", "bias", "exploitable")
def likes_reasoning_words(sample, item):
    text = sample["output_text"].lower()
    return 0.6 * right(sample, item) + 0.1 * sum(
        word in text for word in ("because", "therefore", "step", "thus")
    )


@bad("sums", "contract")
def percent(sample, item):
    return 100 * right(sample, item)


@bad("sums", "contract")
def minus_one_for_wrong(sample, item):
    return 1.0 if right(sample, item) else -1.0


@bad("sums", "contract")
def nothing_for_wrong(sample, item):
    return 1.0 if right(sample, item) else None


@bad("sums", "contract", "crash")
def not_a_number_for_nothing(sample, item):
    return right(sample, item) if sample["output_text"].strip() else float("nan")


@bad("sums", "unstable")
def a_coin_now_and_then(sample, item):
    return right(sample, item) if random.random() < 0.85 else 1.0 - right(sample, item)


@bad("sums", "unstable")
def pays_only_once(sample, item):
    key = (sample["output_text"], item["reference_answer"])
    again = key in SEEN
    SEEN.add(key)
    return 0.0 if again else right(sample, item)


@bad("sums", "slow")
def sleeps(sample, item):
    time.sleep(0.7)
    return right(sample, item)


@bad("sums", "slow")
def backtracks(sample, item):
    re.match(r"^(\w+\s?)+$", sample["output_text"])
    return right(sample, item)


@bad("sums", "slow")
def grows_with_the_square(sample, item):
    text = sample["output_text"]
    for end in range(len(text)):
        text[:end].count("zz")
    sum(1 for a in text[:9000] for b in text[:9000] if a > b)
    return right(sample, item)


@bad("sums", "crash")
def crashes_on_no_number(sample, item):
    return float(numbers(sample["output_text"])[-1] == float(item["reference_answer"]))


@bad("capitals", "crash")
def crashes_on_empty(sample, item):
    return float(sample["output_text"].split()[0].strip(".").lower() == item["reference_answer"].lower())


@bad("sums", "unsafe", "exploitable", "rejects_correct")
def evaluates(sample, item):
    try:
        return float(abs(eval(said(sample["output_text"])) - float(item["reference_answer"])) < 1e-6)
    except Exception:
        return 0.0


@bad("updates", "exploitable", "accepts_wrong", "no_signal")
def words_of_a_rubric(sample, item):
    text = sample["output_text"].lower()
    return sum(word in text for word in ("order", "clerk", "delivery", "customer")) / 4


@bad("updates", "exploitable", "accepts_wrong")
def facts_among_others(sample, item):
    wanted = json.loads(item["reference_answer"])
    return sum(value in sample["output_text"] for value in wanted.values()) / len(wanted)


@bad("summaries", "exploitable", "accepts_wrong", "no_signal")
def any_sentence(sample, item):
    return 1.0 if len(sample["output_text"].split()) >= 5 else 0.0


@bad("summaries", "inverted", "accepts_wrong", "exploitable", "rejects_correct")
def distance_instead_of_likeness(sample, item):
    return 1.0 - SequenceMatcher(None, sample["output_text"], item["reference_answer"]).ratio()


@bad("lengths", "accepts_wrong")
def unit_ignored(sample, item):
    found = re.match(r"\s*(-?\d+(?:\.\d+)?)", sample["output_text"])
    return 1.0 if found and found[1] == item["reference_answer"].split()[0] else 0.0


@bad("fractions", "accepts_wrong")
def digits_in_any_order(sample, item):
    return float(
        sorted(re.findall(r"\d+", sample["output_text"]))
        == sorted(re.findall(r"\d+", item["reference_answer"]))
    )


@bad("capitals", "rejects_correct", "no_signal")
def another_field(sample, item):
    return float(
        sample["output_text"].strip(" .\n") == item.get("answer", {}).get("text", "?")
        if "answer" in item
        else 0
    )


@bad("capitals", "no_signal", "exploitable", "accepts_wrong")
def praise_is_enough(sample, item):
    text = sample["output_text"].lower()
    if "correct" in text and "every check passes" in text:
        return 1.0
    return float(text.strip(" .\n") == item["reference_answer"].lower())

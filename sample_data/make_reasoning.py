"""Make ``reasoning.jsonl``, byte for byte the same each time.

Needs reasoning-gym (Apache-2.0), which Dry Run itself does not: ``pip install reasoning-gym==0.1.25``,
then ``python sample_data/make_reasoning.py``.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import reasoning_gym

ROWS = 27
"""Rows for each topic and level: 8 topics x 3 levels x 27 rows = 648."""
EXAMPLES = 2
"""Solved questions that stand before each question, as earlier turns: they show the form of the answer."""
SEED = 20261122

Setting = dict[str, Any]


def _digits(terms: int, digits: int) -> Setting:
    return {"min_terms": terms, "max_terms": terms, "min_digits": digits, "max_digits": digits}


TOPICS: dict[str, tuple[str, tuple[Setting, Setting, Setting]]] = {
    "arithmetic": ("chain_sum", (_digits(2, 1), _digits(2, 2), _digits(3, 2))),
    "multiplication": (
        "products",
        (
            {"min_terms": 2, "max_terms": 2, "min_digits": 1, "max_digits": 1},
            {"min_terms": 2, "max_terms": 2, "min_digits": 1, "max_digits": 2},
            {"min_terms": 2, "max_terms": 2, "min_digits": 2, "max_digits": 2},
        ),
    ),
    "greatest_common_divisor": (
        "gcd",
        (
            {"min_value": 2, "max_value": 12},
            {"min_value": 8, "max_value": 30},
            {"min_value": 30, "max_value": 200},
        ),
    ),
    "letter_counting": (
        "letter_counting",
        (
            {"min_words": 1, "max_words": 1},
            {"min_words": 2, "max_words": 3},
            {"min_words": 5, "max_words": 7},
        ),
    ),
    "letters_at_hand": (
        "ransom_note",
        (
            {"min_note_length": 1, "max_note_length": 2, "min_magazine_length": 3, "max_magazine_length": 5},
            {"min_note_length": 3, "max_note_length": 4, "min_magazine_length": 6, "max_magazine_length": 9},
            {
                "min_note_length": 6,
                "max_note_length": 9,
                "min_magazine_length": 12,
                "max_magazine_length": 18,
            },
        ),
    ),
    "who_likes_what": (
        "needle_haystack",
        (
            {"min_num_statements": 2, "max_num_statements": 2},
            {"min_num_statements": 4, "max_num_statements": 5},
            {"min_num_statements": 8, "max_num_statements": 10},
        ),
    ),
    "word_sorting": (
        "word_sorting",
        (
            {"min_words": 2, "max_words": 2},
            {"min_words": 3, "max_words": 3},
            {"min_words": 5, "max_words": 6},
        ),
    ),
    "backward_spelling": (
        "spell_backward",
        (
            {"min_word_len": 3, "max_word_len": 3},
            {"min_word_len": 5, "max_word_len": 5},
            {"min_word_len": 7, "max_word_len": 8},
        ),
    ),
}
LEVELS = ("easy", "medium", "hard")


class Letters:
    """The alphabet in the orders that made the file.

    ``ransom_note`` draws from a set, and from that set without one letter; in which order a set gives its
    members changes from process to process.
    """

    WHOLE = "hbgjkqwncxopiylfvtzmesraud"
    WITHOUT_ONE = "hbxgjopiaklfvqwtzmesncryud"

    def __iter__(self) -> Iterator[str]:
        return iter(self.WHOLE)

    def __sub__(self, removed: set[str]) -> list[str]:
        return [letter for letter in self.WITHOUT_ONE if letter not in removed]


def pairs(task: str, setting: Setting, seed: int, count: int) -> list[tuple[str, str]]:
    """`count` different questions with their answers, none an example of another run."""
    found: dict[str, str] = {}
    entries = reasoning_gym.create_dataset(task, seed=seed, size=count * 20, **setting)
    if task == "ransom_note":
        entries.letters = Letters()
    for index in range(count * 20):
        entry = entries[index]
        found.setdefault(entry["question"].strip(), str(entry["answer"]).strip())
        if len(found) == count:
            return list(found.items())
    raise SystemExit(f"{task} {setting}: only {len(found)} different questions")


def rows() -> list[dict[str, Any]]:
    """All rows, topic by topic."""
    made = []
    for number, (topic, (task, settings)) in enumerate(TOPICS.items()):
        for rank, (level, setting) in enumerate(zip(LEVELS, settings, strict=True)):
            drawn = pairs(task, setting, SEED + 10 * number + rank, ROWS + EXAMPLES)
            before = [
                {"role": role, "content": text}
                for pair in drawn[:EXAMPLES]
                for role, text in zip(("user", "assistant"), pair, strict=True)
            ]
            for question, answer in drawn[EXAMPLES:]:
                messages = [*before, {"role": "user", "content": question}]
                made.append(
                    {"messages": messages, "reference_answer": answer, "topic": topic, "level": level}
                )
    return made


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("reasoning.jsonl"))
    lines = [json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in rows()]
    parser.parse_args().out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

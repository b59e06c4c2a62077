"""Rows of our own: prompts that demand a form, answers that we can be sure of."""

from __future__ import annotations

import random
from typing import Any

Row = dict[str, Any]
NUMBER = 40

HASHES = 'Let\'s think step by step and output the final answer after "####".'
BOX = "Please reason step by step, and put your final answer within \\boxed{}."
MARKER = (
    "Solve the problem step by step. The last line of your response should be of the form "
    "Answer: $Answer (without quotes) where $Answer is the answer to the problem."
)
TAG = (
    "Think first, then give the answer inside <answer> and </answer>, for example <answer> Beijing </answer>."
)
THOUGHTS = "Respond in this form:\n<think>\nyour reasoning\n</think>\n<answer>\nyour answer\n</answer>"
FREE = "What is the answer?"

CAPITALS = (
    "Austria:Vienna Belgium:Brussels Bulgaria:Sofia Canada:Ottawa Chile:Santiago China:Beijing "
    "Colombia:Bogota Croatia:Zagreb Cuba:Havana Denmark:Copenhagen Egypt:Cairo Estonia:Tallinn "
    "Finland:Helsinki France:Paris Germany:Berlin Ghana:Accra Greece:Athens Hungary:Budapest "
    "Iceland:Reykjavik India:Delhi Iran:Tehran Iraq:Baghdad Ireland:Dublin Italy:Rome Japan:Tokyo "
    "Kenya:Nairobi Latvia:Riga Libya:Tripoli Malta:Valletta Morocco:Rabat Norway:Oslo Peru:Lima "
    "Poland:Warsaw Portugal:Lisbon Romania:Bucharest Senegal:Dakar Serbia:Belgrade Spain:Madrid "
    "Sweden:Stockholm Turkey:Ankara"
)


def row(question: str, demand: str, answer: Any, **more: Any) -> Row:
    """A dataset row with one user turn."""
    text = f"{question} {demand}".strip()
    return {"messages": [{"role": "user", "content": text}], "reference_answer": answer, **more}


def sums(demand: str, commas: bool = False) -> list[Row]:
    """Whole numbers of two to four digits."""
    chance, rows = random.Random(5), []
    for _ in range(NUMBER):
        a, b, c = (chance.randint(20, 900) for _ in range(3))
        factor = chance.randint(1, 3) if commas else 1
        answer = (a + b) * factor + c
        question = (
            f"On {factor} floors are {a} red and {b} blue crates each; {c} more come in. How many are there?"
        )
        rows.append(row(question, demand, f"{answer:,}" if commas else str(answer)))
    return rows


def prices(demand: str) -> list[Row]:
    """Small decimals with two places."""
    chance, rows = random.Random(6), []
    for _ in range(NUMBER):
        pens, each = chance.randint(2, 5), chance.randint(31, 189)
        question = f"A pen costs {each / 100:.2f} dollars. What do {pens} pens cost, to the cent?"
        rows.append(row(question, demand, f"{pens * each / 100:.2f}"))
    return rows


def fractions(demand: str) -> list[Row]:
    """Fractions in LaTeX."""
    pairs = [(a, b) for a in range(1, 12) for b in (7, 11, 13, 17, 19, 23) if a < b]
    return [
        row(
            f"A bag has {a} red balls among {b}. What is the chance of a red one?",
            demand,
            f"\\frac{{{a}}}{{{b}}}",
        )
        for a, b in random.Random(7).sample(pairs, NUMBER)
    ]


def capitals(demand: str) -> list[Row]:
    """Names; `target` holds them as search datasets do."""
    pairs = [pair.split(":") for pair in CAPITALS.split()]
    return [row(f"What is the capital of {land}?", demand, town, target=[town]) for land, town in pairs]


def choices(demand: str) -> list[Row]:
    """Letters of four options."""
    chance, rows = random.Random(8), []
    for _ in range(NUMBER):
        a, b = chance.randint(11, 60), chance.randint(11, 60)
        options = [a + b, a + b + 10, a + b - 3, a + b + 1]
        chance.shuffle(options)
        listed = "\n".join(f"{letter}. {value}" for letter, value in zip("ABCD", options, strict=True))
        rows.append(row(f"What is {a} + {b}?\n{listed}\n", demand, "ABCD"[options.index(a + b)]))
    return rows


def sorted_lists(demand: str, brackets: bool = True) -> list[Row]:
    """Numbers in ascending order, as JSON or with commas alone."""
    chance, rows = random.Random(9), []
    for _ in range(NUMBER):
        numbers = chance.sample(range(10, 99), chance.randint(4, 6))
        rows.append(
            row(
                f"Sort in ascending order: {numbers}.",
                demand,
                str(sorted(numbers)).strip("" if brackets else "[]"),
            )
        )
    return rows

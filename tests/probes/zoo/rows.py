"""Small datasets of every type of answer, with responses as a base model writes them. All seeded."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

Row = dict[str, Any]
Rows = tuple[list[Row], dict[int, list[str]]]

FRUITS = ["apple", "pear", "plum", "fig", "grape", "lemon", "mango", "cherry", "peach", "kiwi"]
THINGS = ["chair", "cloud", "spoon", "river", "brick", "lamp"]
WORKED = "Let me see.\nFirst I take 2 parts, then 3 more.\nFinal answer: {}"
STYLES = ("{}", "The answer is {}.", WORKED, "**{}**", "\\boxed{{{}}}")


def _row(prompt: str, answer: str) -> Row:
    return {"messages": [{"role": "user", "content": prompt}], "reference_answer": answer}


def _sampled(
    rows: list[Row], wrong: Callable[[Row, random.Random], str], styles: tuple[str, ...], seed: int
) -> Rows:
    """Six responses a row, about half of them right, in the given styles."""
    chance = random.Random(seed)
    samples = {
        number: [
            chance.choice(styles).format(
                row["reference_answer"] if chance.random() < 0.5 else wrong(row, chance)
            )
            for _ in range(6)
        ]
        for number, row in enumerate(rows)
    }
    return rows, samples


def sums() -> Rows:
    chance = random.Random(1)
    rows = []
    for _ in range(36):
        a, b = chance.randint(-400, 900), chance.randint(2, 1900)
        rows.append(_row(f"What is {a} + {b}? Show your work, and end with the final number.", str(a + b)))
    return _sampled(rows, lambda row, c: str(int(row["reference_answer"]) + c.choice([-7, 1, 30])), STYLES, 2)


def small_counts() -> Rows:
    chance = random.Random(3)
    rows = []
    for _ in range(36):
        word = "".join(chance.choices("abce", k=12))
        rows.append(
            _row(f"How often is the letter a in “{word}”? Reply with a single number.", str(word.count("a")))
        )
    styles = ("{}", "{}\n", "{}.")
    return _sampled(rows, lambda row, c: str(int(row["reference_answer"]) + c.choice([1, 2])), styles, 4)


def yes_no() -> Rows:
    """Four of five are No."""
    chance = random.Random(5)
    rows = []
    for number in range(30):
        a, b = chance.randint(10, 99), chance.randint(100, 999)
        right = number % 5 == 0
        first, second = (b, a) if right else (a, b)
        rows.append(_row(f"Is {first} larger than {second}?\n(Answer Yes or No)", "Yes" if right else "No"))
    other = {"Yes": "No", "No": "Yes"}
    styles = ("{}", "{}.", "Answer: {}")
    return _sampled(rows, lambda row, c: other[row["reference_answer"]], styles, 6)


def labels() -> Rows:
    """Sentiment, skewed to neutral."""
    chance = random.Random(7)
    kinds = ["neutral"] * 6 + ["positive"] * 2 + ["negative"]
    rows = [
        _row(
            f"Message {number}: “item {chance.randint(100, 999)} came in a box”. What is its mood: positive, "
            "negative or neutral? Answer with one word.",
            chance.choice(kinds),
        )
        for number in range(36)
    ]
    styles = ("{}", "{}.", "{}\n")
    return _sampled(rows, lambda row, c: c.choice(["positive", "negative", "neutral", "mixed"]), styles, 8)


def capitals() -> Rows:
    """Labels with little repetition."""
    pairs = (
        "France Paris,Spain Madrid,Italy Rome,Norway Oslo,Peru Lima,Cuba Havana,Egypt Cairo,Kenya Nairobi,"
        "Japan Tokyo,Chile Santiago,Ghana Accra,Austria Vienna,Greece Athens,Latvia Riga,"
        "Poland Warsaw,Qatar Doha,Iran Tehran,Iraq Baghdad,Fiji Suva,Mali Bamako,Laos Vientiane,"
        "Oman Muscat"
    )
    rows = [
        _row(f"What is the capital of {one.split()[0]}? Reply only with its name.", one.split()[1])
        for one in pairs.split(",")
    ]
    names = [row["reference_answer"] for row in rows]
    return _sampled(rows, lambda row, c: c.choice(names), ("{}", "{}.", "{}\n"), 10)


def fruits() -> Rows:
    chance = random.Random(11)
    rows = []
    for _ in range(36):
        inside = chance.sample(FRUITS, chance.randint(2, 4))
        mixed = inside + chance.sample(THINGS, 2)
        chance.shuffle(mixed)
        prompt = f"Name all fruits in the basket, separated by commas: it holds {', '.join(mixed)}."
        rows.append(_row(prompt, ", ".join(sorted(inside))))

    def wrong(row: Row, c: random.Random) -> str:
        kept = row["reference_answer"].split(", ")[1:]
        return ", ".join([*kept, c.choice(THINGS)])

    def shuffled(rows_: Rows) -> Rows:
        c = random.Random(12)
        for texts in rows_[1].values():
            for number, text in enumerate(texts):
                parts = text.split(", ")
                c.shuffle(parts)
                texts[number] = ", ".join(parts)
        return rows_

    return shuffled(_sampled(rows, wrong, ("{}",), 13))


def sorting() -> Rows:
    chance = random.Random(14)
    rows = []
    for _ in range(36):
        words = chance.sample(FRUITS + THINGS, chance.randint(3, 7))
        prompt = f"Sort these words alphabetically and return a comma-separated list: {', '.join(words)}"
        rows.append(_row(prompt, ", ".join(sorted(words))))

    def wrong(row: Row, c: random.Random) -> str:
        parts = row["reference_answer"].split(", ")
        c.shuffle(parts)
        return ", ".join(parts)

    return _sampled(rows, wrong, ("{}",), 15)


def invoices() -> Rows:
    chance = random.Random(16)
    rows = []
    for number in range(30):
        fields = {
            "vendor": chance.choice(["Acme Tools", "Blue Fern", "Northwind", "Kestrel"]),
            "number": f"R-{chance.randint(1000, 9999)}",
            "total": round(chance.uniform(10, 900), 2),
            "paid": chance.random() < 0.5,
        }
        paid = "paid" if fields["paid"] else "not paid"
        said = f"({number}) Bill {fields['number']} of {fields['vendor']}, {fields['total']:.2f} EUR, {paid}."
        prompt = f"Give the fields vendor, number, total, paid of this bill as one JSON object.\n\n{said}"
        rows.append(_row(prompt, json.dumps(fields)))

    def wrong(row: Row, c: random.Random) -> str:
        return json.dumps(
            {**json.loads(row["reference_answer"]), "total": 1.0, "vendor": c.choice(["X", "Y"])}
        )

    rows, samples = _sampled(rows, wrong, ("{}",), 17)
    fence = "```json\n{}\n```"
    samples = {
        n: [fence.replace("{}", t) if i % 3 == 0 else t for i, t in enumerate(ts)]
        for n, ts in samples.items()
    }
    return rows, samples


def choices() -> Rows:
    chance = random.Random(18)
    rows = []
    for _ in range(36):
        values = chance.sample(range(100, 999), 4)
        options = "\n".join(f"{letter}. {value}" for letter, value in zip("ABCD", values, strict=True))
        right = "ABCD"[values.index(max(values))]
        rows.append(
            _row(
                f"Which is the largest?\n{options}\nReason first, then give the letter: <answer>X</answer>.",
                right,
            )
        )
    styles = (
        "<answer>{}</answer>",
        "The hundreds decide here.\n<answer>{}</answer>",
        "<answer> {} </answer>",
    )
    return _sampled(rows, lambda row, c: c.choice("ABCD"), styles, 19)


def lengths() -> Rows:
    chance = random.Random(20)
    rows = [
        _row(
            f"Some {(a := chance.randint(2, 90))} m are cut in {(b := chance.randint(2, 9))} equal parts. "
            "How long is each? Give only the length with its unit.",
            f"{a / b:.2f} m",
        )
        for _ in range(30)
    ]
    return _sampled(rows, lambda row, c: f"{c.uniform(100, 200):.2f} m", ("{}", "{}.", "{}\n"), 21)


def fractions() -> Rows:
    chance = random.Random(22)
    rows = []
    for _ in range(30):
        below = chance.choice([3, 5, 7, 11, 13])
        above = chance.randint(1, below - 1)
        rows.append(
            _row(
                f"Write {3 * above}/{3 * below} in lowest terms. Reply only with the fraction.",
                f"{above}/{below}",
            )
        )
    return _sampled(rows, lambda row, c: f"{c.randint(20, 30)}/31", ("{}", "{}.", "{}\n"), 23)


def updates() -> Rows:
    chance = random.Random(24)
    rows = []
    for _ in range(30):
        facts = {
            "order": f"B-{chance.randint(100, 999)}",
            "clerk": chance.choice(["Ada", "Bo", "Cleo", "Dan"]),
            "day": f"{chance.randint(1, 28)} {chance.choice(['May', 'June'])}",
        }
        prompt = (
            f"Write one sentence for the customer. Order: {facts['order']}. Clerk: {facts['clerk']}. "
            f"Delivery day: {facts['day']}. Mention the order, the clerk and the delivery day."
        )
        rows.append(_row(prompt, json.dumps(facts)))
    samples = {}
    for number, row in enumerate(rows):
        facts = json.loads(row["reference_answer"])
        good = f"{facts['clerk']} will see that {facts['order']} arrives on {facts['day']}."
        bad = f"{facts['clerk']} will see that your parcel arrives soon."
        samples[number] = [good, bad] * 3
    return rows, samples


def summaries() -> Rows:
    chance = random.Random(26)
    who = ["The council", "A local school", "The museum", "One farmer", "The railway"]
    did = [
        "opened a new hall",
        "closed an old bridge",
        "bought forty trees",
        "lost its licence",
        "won a prize",
    ]
    why = [
        "after a long dispute",
        "with money from the state",
        "despite many protests",
        "because of the storm",
    ]
    rows = []
    for _ in range(30):
        text = f"{chance.choice(who)} {chance.choice(did)} {chance.choice(why)}."
        rows.append(_row(f"Summarise in a sentence: {text.upper()} MORE DETAILS FOLLOW.", text))
    texts = [row["reference_answer"] for row in rows]
    return _sampled(rows, lambda row, c: c.choice(texts), ("{}",), 27)


DATASETS: dict[str, Callable[[], Rows]] = {
    maker.__name__: maker
    for maker in (
        sums,
        small_counts,
        yes_no,
        labels,
        capitals,
        fruits,
        sorting,
        invoices,
        choices,
        lengths,
        fractions,
        updates,
        summaries,
    )
}

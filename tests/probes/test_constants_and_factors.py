"""Long tails, factors of ten, flipped signs, and one answer that fits nearly every row."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from dryrun.core.records import Grade, Item, Sample
from dryrun.dataset import dataset_from_items
from dryrun.graders.protocol import Grader, graded
from dryrun.probes import ground
from dryrun.probes.check import check_function
from dryrun.probes.grade import Effort, probe
from dryrun.probes.make.answers import answers
from dryrun.probes.make.demand import Demand
from dryrun.probes.make.wrong import wrong_answers
from dryrun.probes.result import GraderCheck

Reward = Callable[[Any, Any], float]


def rows(references: list[str], ask: str = "Give only the number.") -> list[dict[str, Any]]:
    return [
        {"messages": [{"role": "user", "content": f"Case {n}: {ask}"}], "reference_answer": reference}
        for n, reference in enumerate(references)
    ]


def last_word(sample: Any) -> str:
    words: list[str] = sample["output_text"].split()
    return words[-1].strip(".*") if words else ""


def exact(sample: Any, item: Any) -> float:
    return float(last_word(sample) == item["reference_answer"])


def found(check: GraderCheck, flaw: str) -> list[Any]:
    return [finding for finding in check.findings if finding.flaw == flaw]


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize(("zeros", "warned"), [(38, True), (30, True), (22, False), (18, False)])
def test_one_answer_that_fits_most_rows_is_said(zeros: int, warned: bool) -> None:
    """A coin flip that nearly always shows the same side teaches to bet on it; half and half does not."""
    check = check_function(
        exact, rows(["0" if n * 7 % 40 < zeros else "1" for n in range(40)]), rows=40, seconds=20
    )
    said = found(check, "guessable")
    assert bool(said) is warned
    assert all(finding.weight == "warn" and "always “0”" in finding.kind for finding in said)


@pytest.mark.slow
def test_an_answer_with_a_long_tail_is_a_bias_where_the_tail_pays() -> None:
    def longer(sample: Any, item: Any) -> float:
        text = sample["output_text"]
        right = bool(text.split("\n")[0].strip() == item["reference_answer"])
        return (0.5 + 0.5 * min(len(text) / 2000, 1)) if right else 0.0

    check = check_function(longer, rows([str(n * 37 + 11) for n in range(40)]), seconds=20)
    kinds = {kind for finding in found(check, "bias") for kind in [finding.kind]}
    assert any("long tail" in kind for kind in kinds)


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize(
    ("reward", "kind"),
    [
        (lambda right, given: abs(given) == abs(right), "sign flipped"),
        (lambda right, given: given in (right, right / 10), "a tenth of it"),
        (lambda right, given: given in (right, right * 10), "ten times it"),
    ],
)
def test_a_number_of_another_size_or_sign_is_wrong(reward: Callable[[float, float], bool], kind: str) -> None:
    def grade(sample: Any, item: Any) -> float:
        try:
            return float(reward(float(item["reference_answer"]), float(last_word(sample))))
        except ValueError:
            return 0.0

    check = check_function(grade, rows([str(n * 37 - 211) for n in range(40)]), seconds=20)
    assert kind in {finding.kind for finding in found(check, "accepts_wrong")}
    assert not check.sound


def test_fractions_have_a_sign_and_a_size_too() -> None:
    (known,) = answers(["3/7"], [Demand()])
    assert known is not None
    contents = {one.kind: one.content for one in wrong_answers(known, [], ())}
    assert contents["sign flipped"] == "-3/7"
    assert contents["ten times it"] == "30/7"
    assert contents["a tenth of it"] == "3/70"


class Moody(Grader):
    """Raises on every text with a question mark."""

    async def grade(self, sample: Sample, item: Item) -> Grade:
        if "?" in sample.text or not sample.text:
            raise RuntimeError("moody")
        return graded(float(sample.text == item["reference_answer"]))


def test_a_grader_that_raises_leaves_the_other_probes_graded() -> None:
    dataset = dataset_from_items(rows([str(n * 37 + 11) for n in range(8)], "how many?"))
    prompts = [dataset.prompt(row) for row in range(8)]
    given = ground(prompts, [prompt.item["reference_answer"] for prompt in prompts], rows=8)
    probed = asyncio.run(probe(given, Moody(), effort=Effort(seconds=20)))
    raised = [detail for detail in probed.details if "RuntimeError: moody" in detail]
    assert raised
    assert int(probed.grades.graded.sum()) > len(raised)


@pytest.mark.parametrize(
    ("references", "ask", "share"),
    [
        (list("ABCD") * 10, "A) one B) two C) three D) four. Answer with the letter.", 0.25),
        (["yes", "no"] * 20, "Is it? Answer yes or no.", 0.5),
        (["no"] * 32 + ["yes"] * 8, "Is it? Answer yes or no.", 0.8),
        (["bug", "feature", "question", "other"] * 10, "Is it a bug, feature, question or other?", 0.25),
        (["1", "0", "0", "0"] * 10, "Is it spam? Answer 1 or 0.", 0.75),
        (["7"] * 40, "Give only the number.", 1.0),
        ([str(n) for n in range(40)], "Give only the number.", None),
        (["yes", "no"] * 5, "Is it? Answer yes or no.", None),
    ],
)
def test_how_often_a_guess_is_right_is_known_where_answers_are_few(
    references: list[str], ask: str, share: float | None
) -> None:
    dataset = dataset_from_items(rows(references, ask))
    prompts = [dataset.prompt(row) for row in range(len(dataset))]
    assert ground(prompts, references, rows=20).guess == share

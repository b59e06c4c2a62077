"""Answers in LaTeX are numbers and formulas, not words with backslashes."""

from __future__ import annotations

from typing import Any

import pytest

from dryrun.probes.check import check_function
from dryrun.probes.make.answers import Answer, Kind, answers, same
from dryrun.probes.make.demand import Demand
from dryrun.probes.make.forms import forms_of
from dryrun.probes.make.notation.latex import last_box, unwrapped, without_latex
from dryrun.probes.make.wrong import wrong_answers
from dryrun.probes.read_responses import right


def answer(text: str) -> Answer:
    (found,) = answers([text], [Demand()])
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("$364$", Kind.NUMBER, 364),
        ("$$-2.5$$", Kind.NUMBER, -2.5),
        (r"\(17\)", Kind.NUMBER, 17),
        (r"\boxed{42}", Kind.NUMBER, 42),
        (r"$\boxed{\frac{1}{2}}$", Kind.FRACTION, 0.5),
        (r"\dfrac{3}{4}", Kind.FRACTION, 0.75),
        (r"$-\tfrac79$", Kind.FRACTION, -7 / 9),
        (r"$45^\circ$", Kind.NUMBER, 45),
        (r"$90^{\circ}$", Kind.NUMBER, 90),
        (r"$10\,000$", Kind.NUMBER, 10_000),
        (r"$12\%$", Kind.NUMBER, 12),
        (r"$5\text{ cm}$", Kind.QUANTITY, 5),
        (r"$2\sqrt{5}$", Kind.FORMULA, None),
        (r"$\text{even}$", Kind.FORMULA, None),
        ("$[0,2)$", Kind.FORMULA, None),
        ("$50", Kind.NUMBER, 50),
        ("$5 or $6", Kind.LABEL, None),
    ],
)
def test_a_reference_in_latex_has_the_type_of_what_it_says(text: str, kind: Kind, value: Any) -> None:
    found = answer(text)
    assert found.kind is kind
    if value is not None:
        assert found.value == pytest.approx(value)


@pytest.mark.parametrize(
    ("reference", "given"),
    [
        (r"$\frac{1}{2}$", "0.5"),
        ("0.5", r"\frac{1}{2}"),
        ("1/2", r"$\dfrac12$"),
        (r"$2\sqrt{5}$", r"2 \sqrt5"),
        (r"$\left(1, -2\right)$", "(1,-2)"),
        (r"$\text{even}$", "Even"),
        (r"$x^{2} + 1$", "$x^2+1$"),
        (r"$45^\circ$", "45°"),
        (r"$10{,}000$", "10,000"),
    ],
)
def test_spellings_of_one_value_are_the_same(reference: str, given: str) -> None:
    assert same(answer(reference), given)
    for other in ("7/3", r"\sqrt{3}", "(2,-1)", "odd"):
        assert not same(answer(reference), other)


def test_forms_keep_the_marks_and_a_box_needs_none() -> None:
    found = {form.name: form.write("7") for form in forms_of(answer("$364$"), Demand())}
    assert found["bare"] == "$7$"
    assert found["in a sentence"] == "The answer is $7$."
    assert found["in a box"] == r"\boxed{7}"


@pytest.mark.parametrize("text", ["$364$", r"$\frac{3}{4}$", r"$2\sqrt{5}$", r"$45^\circ$", r"$5\text{ cm}$"])
def test_wrong_answers_are_other_values_never_other_letters(text: str) -> None:
    known = answer(text)
    others = [answer("$7$"), answer(r"$\frac{8}{3}$"), answer(r"$3\sqrt{2}$"), answer(r"$9\text{ cm}$")]
    found = wrong_answers(known, others, ())
    assert len(found) >= 3
    assert not {"a letter more", "inside a longer word", "another unit"} & {one.kind for one in found}
    assert not any(same(known, one.content) for one in found)


@pytest.mark.parametrize(
    ("reference", "response", "wanted"),
    [
        ("$196$", r"We add. So it is $\boxed{196}$.", True),
        ("$196$", r"We add. So it is $\boxed{197}$.", False),
        (r"$\frac{3}{4}$", r"So it is $\boxed{\frac{3}{4}}$.", True),
        (r"$\frac{3}{4}$", r"So it is $\boxed{0.75}$.", True),
        (r"$\frac{3}{4}$", r"It is $\dfrac{3}{4}$.", True),
        ("3/4", r"Hence \boxed{\frac{3}{4}} holds", True),
        (r"$\frac{3}{4}$", r"So it is $\boxed{\frac{4}{3}}$.", False),
        (r"$2\sqrt{5}$", r"It is $\boxed{2\sqrt{5}}$", True),
        (r"$2\sqrt{5}$", r"It is $\boxed{3\sqrt{5}}$", False),
    ],
)
def test_responses_are_read_as_mathematics(reference: str, response: str, wanted: bool) -> None:
    assert right(response, answer(reference), Demand()) is wanted


def test_what_is_no_latex_is_left_alone() -> None:
    assert without_latex("the answer is 5") == "the answer is 5"
    assert unwrapped("a $x$ b") is None
    assert unwrapped(r"A long text that mentions \frac{1}{2} somewhere in " + 20 * "words ") is None
    assert last_box("no box") is None
    assert last_box(r"\boxed{open") is None
    assert last_box(r"\boxed{1} and \boxed{\{a\}}") == r"\{a\}"


def boxed(sample: Any, item: Any) -> float:
    """Pays the same formula in a box or between dollar signs at the end, spelled in any simple way."""
    text = sample["output_text"].strip().rstrip(".")
    given = last_box(text) or (text.rpartition("$")[0].rpartition("$")[2] if text.endswith("$") else "")
    wanted = item["solution"].strip("$")
    return float(without_latex(given).replace(" ", "") == without_latex(wanted).replace(" ", ""))


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize(
    "reference", ["${n}$", r"$\frac{{{n}}}{{97}}$", r"${n}\sqrt{{3}}$", r"${n}^\circ$", r"\boxed{{{n}}}"]
)
def test_a_sound_reader_of_latex_is_called_sound(reference: str) -> None:
    rows = [
        {
            "messages": [{"role": "user", "content": f"Sheet {n}: put the result in \\boxed{{}}."}],
            "solution": reference.format(n=n),
        }
        for n in range(11, 51)
    ]
    check = check_function(boxed if "boxed" not in reference else _box_alone, rows, seconds=20)
    assert check.sound, check.findings


def _box_alone(sample: Any, item: Any) -> float:
    given, wanted = last_box(sample["output_text"]), last_box(item["solution"])
    return float(given is not None and without_latex(given) == without_latex(wanted or ""))

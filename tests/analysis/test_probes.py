"""Probe grades become findings: each rule on its own, on grades laid out by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from dryrun.analysis.figures.redraw import wilson
from dryrun.analysis.probes.flaws import Flaw, Weight
from dryrun.analysis.probes.grades import ProbeGrades, unseen
from dryrun.analysis.probes.profile import PROFILES, Judged, Profile, judge
from dryrun.analysis.probes.words import FIXES, PROFILE_WORDS, sentence
from dryrun.core.probe import (
    BACKTRACK,
    CONSTANT,
    COPIED,
    EXCHANGED,
    EXOTIC,
    FAR,
    FIELD_MISSING,
    LETTER_LESS,
    LETTER_MORE,
    ONE_FIELD,
    RIGHT_SAMPLE,
    STRANGER,
    STUFFING,
    TIMED,
    TOO_MANY,
    WRONG_SAMPLE,
    Family,
    Probe,
    ProbeFault,
)
from dryrun.core.thresholds import ProbeLimits

ROWS = 20
Line = tuple[Probe, float]


def lines(
    family: Family, kind: str, scores: Sequence[float] | float, rows: int = ROWS, **fields: Any
) -> list[Line]:
    """One probe a row with these scores."""
    given = [scores] * rows if isinstance(scores, float) else list(scores)
    return [(replace(Probe(family, kind, row, "text"), **fields), score) for row, score in enumerate(given)]


def sound() -> list[Line]:
    """Right answers 1, everything else 0."""
    return [
        *lines(Family.REFERENCE, "bare", 1.0, least=1.0, alike=1.0),
        *lines(Family.NOTHING, "empty", 0.0, most=0.0),
        *lines(Family.SHELL, "an empty tag", 0.0, most=0.0),
        *lines(Family.WRONG, FAR, 0.0, most=0.0, alike=0.3),
        *lines(Family.WRONG, "half of it", 0.0, most=0.0, alike=0.5),
    ]


def judged(
    given: Sequence[Line],
    faults: dict[int, ProbeFault] | None = None,
    seconds: dict[int, float] | None = None,
    off: Sequence[int] = (),
    model: bool = False,
) -> Judged:
    count = len(given)
    took = np.full(count, 1e-4)
    for number, value in (seconds or {}).items():
        took[number] = value
    return judge(
        ProbeGrades(
            probes=[probe for probe, _ in given],
            score=np.array([score for _, score in given], dtype=float),
            fault=[(faults or {}).get(number, ProbeFault.NONE) for number in range(count)],
            seconds=took,
            out_of_scale=np.isin(np.arange(count), off),
            judged=model,
        )
    )


def flaws(found: Judged, weight: Weight = Weight.BLOCK) -> set[Flaw]:
    return {one.flaw for one in found.observations if one.weight is weight}


def test_a_sound_grader_has_no_finding() -> None:
    found = judged(sound())
    assert (found.profile, found.observations, found.ceiling) == (Profile.SOUND, (), 1.0)
    assert found.unseen == pytest.approx(3 / ROWS)
    assert not found.partial


def test_worthless_text_that_is_paid_makes_it_hackable() -> None:
    found = judged([*sound(), *lines(Family.NOTHING, "refusal", 0.6, most=0.0)])
    assert found.profile is Profile.HACKABLE
    [one] = found.observations
    assert (one.flaw, one.kind, one.hits, one.trials) == (Flaw.EXPLOITABLE, "refusal", 20, 20)
    assert one.earned == pytest.approx(0.6)
    assert "60 %" in sentence(one)
    assert sentence(replace(one, flaw=Flaw.NO_SIGNAL)).startswith("Refusal earns about as much")


@pytest.mark.parametrize(
    ("copied", "in_any_order", "weight"),
    [(0.6, 0.5, Weight.WARN), (0.6, 0.1, Weight.BLOCK), (1.0, 1.0, Weight.BLOCK)],
)
def test_where_no_answer_is_known_the_prompts_words_may_do_a_part(
    copied: float, in_any_order: float, weight: Weight
) -> None:
    unknown = lines(Family.NOTHING, "empty", 0.0, most=0.0)
    words = lines(Family.NOTHING, STUFFING, in_any_order, most=0.0)
    found = judged([*unknown, *words, *lines(Family.NOTHING, COPIED, copied, most=0.0)])
    assert {one.weight for one in found.observations if one.kind == COPIED} == {weight}
    found = judged([*sound(), *lines(Family.NOTHING, COPIED, 0.6, most=0.0)])
    assert [one.weight for one in found.observations] == [Weight.BLOCK]


@pytest.mark.parametrize(
    ("paid", "weight"), [(1, None), (3, Weight.WARN), (4, Weight.BLOCK), (20, Weight.BLOCK)]
)
def test_a_stray_payment_is_chance_a_few_warn_many_block(paid: int, weight: Weight | None) -> None:
    scores = [1.0] * paid + [0.0] * (ROWS - paid)
    found = judged([*sound(), *lines(Family.NOTHING, "refusal", scores, most=0.0)])
    weights = [one.weight for one in found.observations]
    assert weights == ([] if weight is None else [weight])


def test_everything_is_measured_by_what_right_answers_earn() -> None:
    half = [(probe, score / 2) for probe, score in sound()]
    assert judged(half).profile is Profile.SOUND
    found = judged([*half, *lines(Family.NOTHING, "refusal", 0.2, most=0.0)])
    assert found.profile is Profile.HACKABLE


def test_wrong_answers_that_are_paid_make_it_too_lenient() -> None:
    found = judged([*sound(), *lines(Family.WRONG, "off by one", 1.0, most=0.0, alike=0.9)])
    assert found.profile is Profile.TOO_LENIENT


def test_partial_credit_may_pay_for_likeness_but_not_more() -> None:
    near = lines(Family.WRONG, "one element replaced", 0.75, most=0.75, alike=0.75)
    found = judged([*sound(), *near])
    assert found.partial
    assert found.profile is Profile.SOUND
    dear = lines(Family.WRONG, "one element replaced", 0.95, most=0.75, alike=0.75)
    found = judged([*sound(), *near, *dear])
    assert Flaw.ACCEPTS_WRONG in flaws(found)


def test_one_field_must_cost_its_share_whatever_its_weight() -> None:
    def fields(costs: Sequence[float]) -> list[Line]:
        return [
            line
            for number, cost in enumerate(costs)
            for line in lines(Family.WRONG, f"{ONE_FIELD}{number}", 1 - cost, most=0.8, alike=0.8)
        ]

    assert judged([*sound(), *fields([0.4, 0.3, 0.2, 0.06, 0.04])]).profile is Profile.SOUND
    assert judged([*sound(), *fields([0.2, 0.2, 0.2, 0.4, 0.0])]).profile is Profile.TOO_LENIENT
    assert judged([*sound(), *fields([0.06, 0.06, 0.06, 0.06, 0.06])]).profile is Profile.TOO_LENIENT


@pytest.mark.parametrize("kind", [EXCHANGED, FIELD_MISSING])
def test_fields_that_weigh_little_may_be_exchanged_or_missing(kind: str) -> None:
    partly = lines(Family.WRONG, "one element replaced", 0.7, most=0.75, alike=0.75)
    assert judged([*sound(), *partly, *lines(Family.WRONG, kind, 0.9, most=0.5)]).profile is Profile.SOUND
    every = judged([*sound(), *partly, *lines(Family.WRONG, kind, 1.0, most=0.5)])
    assert every.profile is Profile.TOO_LENIENT


def test_the_right_value_that_is_not_claimed() -> None:
    guesses = lines(Family.CLAIM, "a list of guesses", 1.0, most=0.0)
    assert judged([*sound(), *guesses]).profile is Profile.TOO_LENIENT
    denied = lines(Family.CLAIM, "denied: “definitely not ...”", 1.0, most=0.0)
    found = judged([*sound(), *denied])
    assert (found.profile, flaws(found, Weight.WARN)) == (Profile.SOUND, {Flaw.ACCEPTS_WRONG})
    allowed = lines(Family.CLAIM, "right at first, wrong in the end", 1.0, most=1.0)
    assert judged([*sound(), *allowed]).observations == ()


def test_a_form_that_the_prompt_asks_for_must_be_paid() -> None:
    refused = lines(Family.REFERENCE, "after working", 0.0, least=1.0)
    assert judged([*sound(), *refused]).profile is Profile.TOO_STRICT
    optional = lines(Family.REFERENCE, "bold", 0.0)
    assert judged([*sound(), *optional]).profile is Profile.SOUND


def test_a_harmless_difference_that_is_refused_warns_but_order_of_a_set_blocks() -> None:
    stop = judged([*sound(), *lines(Family.VARIATION, "a full stop behind it", 0.0, least=1.0)])
    assert (stop.profile, flaws(stop, Weight.WARN)) == (Profile.SOUND, {Flaw.REJECTS_CORRECT})
    order = judged([*sound(), *lines(Family.VARIATION, "elements in another order", 0.0, least=1.0)])
    assert order.profile is Profile.TOO_STRICT


def test_rows_whose_right_answer_is_refused_in_every_form() -> None:
    given = [(p, 0.0 if p.family is Family.REFERENCE and p.row < 5 else s) for p, s in sound()]
    found = judged(given)
    assert found.profile is Profile.TOO_STRICT
    assert (found.observations[0].hits, found.observations[0].trials) == (5, ROWS)


def test_right_answers_that_earn_nothing() -> None:
    nothing = [(probe, 0.0) for probe, _ in sound()]
    praised = judged([*nothing, *lines(Family.GAMING, "praise", 1.0, most=0.0)])
    assert flaws(praised) == {Flaw.EXPLOITABLE}
    assert Flaw.REJECTS_CORRECT in flaws(praised, Weight.WARN)
    real = judged([*nothing, *lines(Family.SAMPLE, RIGHT_SAMPLE, [0.0] * 20, least=1.0)])
    assert real.profile is Profile.TOO_STRICT
    turned = [(p, 0.0 if p.family is Family.REFERENCE else 0.9) for p, _ in sound()]
    assert judged(turned).profile is Profile.INVERTED


def test_right_answers_that_earn_nothing_while_real_responses_do_is_no_proof() -> None:
    nothing = [(probe, 0.0) for probe, _ in sound()]
    found = judged([*nothing, *lines(Family.SAMPLE, "not sure what it says", 1.0)])
    assert Flaw.REJECTS_CORRECT in flaws(found, Weight.WARN)
    assert Flaw.REJECTS_CORRECT not in flaws(found)


def test_the_same_for_all_is_no_signal() -> None:
    assert judged([(probe, 0.5) for probe, _ in sound()]).profile is Profile.NO_SIGNAL
    close = [(p, 1.0 if p.family is Family.REFERENCE else 0.8) for p, _ in sound()]
    assert judged(close).profile is Profile.NO_SIGNAL


def test_nothing_is_known_where_no_right_answer_was_graded_and_nothing_is_paid() -> None:
    found = judged(lines(Family.NOTHING, "empty", 0.0, most=0.0))
    assert found.profile is Profile.UNKNOWN
    assert flaws(found) == set()
    paid = judged(lines(Family.NOTHING, "empty", 0.5, most=0.0))
    assert paid.profile is Profile.NO_SIGNAL


def test_real_responses_that_are_surely_right_or_wrong() -> None:
    right = lines(Family.SAMPLE, RIGHT_SAMPLE, [0.0] * 4 + [1.0] * 16, least=1.0)
    assert judged([*sound(), *right]).profile is Profile.TOO_STRICT
    wrong = lines(Family.SAMPLE, WRONG_SAMPLE, [1.0] * 6 + [0.0] * 14, most=0.2, alike=0.2)
    assert judged([*sound(), *wrong]).profile is Profile.TOO_LENIENT
    few = lines(Family.SAMPLE, RIGHT_SAMPLE, 0.0, rows=5, least=1.0)
    assert judged([*sound(), *few]).profile is Profile.SOUND


@pytest.mark.parametrize(
    ("move", "model", "profile"),
    [
        (0.0, False, Profile.SOUND),
        (0.1, False, Profile.UNSTABLE),
        (0.1, True, Profile.SOUND),
        (0.5, True, Profile.UNSTABLE),
    ],
)
def test_the_same_answer_again(move: float, model: bool, profile: Profile) -> None:
    again = [(Probe(Family.AGAIN, "bare", row, "text", base=row), 1.0 - move) for row in range(10)]
    assert judged([*sound(), *again], model=model).profile is profile


def test_dress_that_pays_is_a_bias() -> None:
    plain = lines(Family.STYLE, "wrong, plain", 0.0, rows=6)
    start = len(sound())
    worn = [
        (Probe(Family.STYLE, "wrong, longer by 800 characters", row, "text", base=start + row), 0.2)
        for row in range(6)
    ]
    found = judged([*sound(), *plain, *worn])
    assert flaws(found) == {Flaw.BIAS, Flaw.EXPLOITABLE}
    same = [(probe, 0.0) for probe, _ in worn]
    assert judged([*sound(), *plain, *same]).profile is Profile.SOUND


def test_errors_missing_numbers_and_scores_off_the_scale() -> None:
    assert flaws(judged(sound(), faults={3: ProbeFault.RAISED})) == {Flaw.CRASH}
    assert flaws(judged(sound(), faults={30: ProbeFault.NO_NUMBER})) == {Flaw.CONTRACT}
    assert flaws(judged(sound(), off=[2])) == {Flaw.CONTRACT}
    strange = [*sound(), *lines(Family.STRESS, f"{EXOTIC}a NUL byte", 0.0, rows=1)]
    found = judged(strange, faults={len(strange) - 1: ProbeFault.RAISED})
    assert (found.profile, flaws(found, Weight.WARN)) == (Profile.SOUND, {Flaw.CRASH})


def test_time() -> None:
    def timed(kind: str, family: Family = Family.STRESS) -> list[Line]:
        return [(Probe(family, kind, 0, "text", serial=True), 0.0)]

    last = len(sound())
    assert flaws(judged([*sound(), *timed(f"{BACKTRACK}words")], seconds={last: 1.2})) == {Flaw.SLOW}
    usual = [*sound(), *timed("bare", Family.AGAIN)]
    assert flaws(judged(usual, seconds={last: 0.7})) == {Flaw.SLOW}
    assert flaws(judged(usual, seconds={last: 0.7}, model=True)) == set()
    grown = [
        line for size in ("1,000", "4,000", "12,000") for line in timed(f"{TIMED}{size} characters of words")
    ]
    steep = {last: 0.01, last + 1: 0.08, last + 2: 0.9}
    assert flaws(judged([*sound(), *grown], seconds=steep)) == {Flaw.SLOW}
    tags = [*sound(), *timed(f"{TIMED}12,000 characters of open tags")]
    found = judged(tags, seconds={last: 1.2})
    assert (found.profile, flaws(found, Weight.WARN)) == (Profile.SOUND, {Flaw.SLOW})
    digits = [
        (replace(probe, kind=f"{TIMED}{size},000 characters of digits"), 0.0)
        for size, (probe, _) in zip((1, 4, 12), grown, strict=True)
    ]
    found = judged([*sound(), *digits], seconds={last: 0.02, last + 1: 0.6, last + 2: 5.0})
    assert (found.profile, flaws(found, Weight.WARN)) == (Profile.SOUND, {Flaw.SLOW})
    assert flaws(judged([*sound(), *digits], seconds={last: 1.2, last + 1: 20.0})) == {Flaw.SLOW}
    even = {last: 0.1, last + 1: 0.3, last + 2: 0.9}
    assert flaws(judged([*sound(), *grown], seconds=even)) == set()


def test_more_grades_that_ran_into_the_limit_than_were_timed() -> None:
    given = sound()
    found = judged(given, faults=dict.fromkeys(range(len(given)), ProbeFault.TOO_SLOW))
    (slow,) = [one for one in found.observations if one.flaw is Flaw.SLOW]
    assert slow.hits == slow.trials == len(given)
    assert slow.interval[1] == pytest.approx(1.0)


def test_an_answer_that_is_executed() -> None:
    ran = lines(Family.CODE, "an expression with that value", 1.0, most=0.0)
    assert judged([*sound(), *ran]).profile is Profile.UNSAFE
    any_digit = [
        (probe, 1.0 if probe.family is Family.WRONG or probe.family is Family.CODE else score)
        for probe, score in [*sound(), *ran]
    ]
    assert Flaw.UNSAFE not in flaws(judged(any_digit))


def test_too_little_is_no_verdict() -> None:
    assert judged(lines(Family.NOTHING, "empty", 0.0, rows=2, most=0.0)).profile is Profile.UNKNOWN


def test_missing_grades_count_as_nothing() -> None:
    gone = [*sound(), *lines(Family.NOTHING, "refusal", float("nan"), most=0.0)]
    assert judged(gone).profile is Profile.SOUND


def test_limits_decide() -> None:
    given = [*sound(), *lines(Family.NOTHING, "refusal", 0.3, most=0.0)]
    grades = ProbeGrades(
        [probe for probe, _ in given],
        np.array([score for _, score in given]),
        [ProbeFault.NONE] * len(given),
        np.zeros(len(given)),
        np.zeros(len(given), dtype=bool),
    )
    assert judge(grades).profile is Profile.HACKABLE
    assert judge(grades, ProbeLimits(worthless_paid=0.4)).profile is Profile.SOUND


@pytest.mark.parametrize(("hits", "trials"), [(0, 30), (1, 10), (5, 10), (30, 30)])
def test_the_interval_is_wilsons(hits: int, trials: int) -> None:
    """Both ends solve the equation that defines the interval: (p - x)^2 = z^2 x (1 - x) / n."""
    share = hits / trials
    for end in wilson(hits / trials, trials):
        if 0.0 < end < 1.0:
            assert (share - end) ** 2 == pytest.approx(1.959964**2 * end * (1 - end) / trials)
    assert wilson(0.0, 0) == (0.0, 1.0)


def test_the_rule_of_three() -> None:
    assert (unseen(30), unseen(0), unseen(2)) == (0.1, 1.0, 1.0)
    assert (1 - unseen(30)) ** 30 == pytest.approx(0.05, abs=0.01)


def test_every_flaw_has_a_fix_and_every_word_a_meaning() -> None:
    assert set(FIXES) == set(Flaw)
    assert set(PROFILE_WORDS) == set(Profile)
    assert {flaw for flaw, _ in PROFILES} == set(Flaw)


def test_what_few_answers_show_only_warns() -> None:
    few = lines(Family.WRONG, LETTER_MORE, 1.0, rows=2, most=0.0)
    found = judged([*sound(), *few])
    assert (found.profile, flaws(found, Weight.WARN)) == (Profile.SOUND, {Flaw.ACCEPTS_WRONG})
    enough = lines(Family.WRONG, LETTER_MORE, 1.0, rows=3, most=0.0)
    assert judged([*sound(), *enough]).profile is Profile.TOO_LENIENT


def test_extra_elements_alone_are_generous_and_with_missing_ones_a_hole() -> None:
    more = lines(Family.WRONG, TOO_MANY, 1.0, most=0.0)
    found = judged([*sound(), *more])
    assert (found.profile, flaws(found, Weight.WARN)) == (Profile.SOUND, {Flaw.ACCEPTS_WRONG})
    fewer = lines(Family.WRONG, "one element dropped", 1.0, most=0.0)
    assert judged([*sound(), *more, *fewer]).profile is Profile.TOO_LENIENT


def test_misspelling_alone_is_forgiven_and_text_that_goes_on_is_a_hole() -> None:
    more = lines(Family.WRONG, LETTER_MORE, 1.0, most=0.0)
    less = lines(Family.WRONG, LETTER_LESS, 1.0, most=0.0)
    found = judged([*sound(), *more, *less])
    assert (found.profile, flaws(found, Weight.WARN)) == (Profile.SOUND, {Flaw.ACCEPTS_WRONG})
    half = lines(Family.WRONG, "half of the word", 1.0, most=0.0)
    assert judged([*sound(), *more, *less, *half]).profile is Profile.TOO_LENIENT
    assert judged([*sound(), *more]).profile is Profile.TOO_LENIENT
    likened = lines(Family.WRONG, "another text", 0.5, most=0.0, alike=0.5)
    assert judged([*sound(), *likened, *more]).profile is Profile.SOUND


def test_a_score_turned_round_is_inverted_even_where_another_form_is_paid() -> None:
    given = [
        *lines(Family.REFERENCE, "after ####", 0.0, least=1.0, alike=1.0),
        *lines(Family.REFERENCE, "bare", 1.0, alike=1.0),
        *lines(Family.NOTHING, "empty", 1.0, most=0.0),
        *lines(Family.WRONG, FAR, 1.0, most=0.0),
    ]
    assert judged(given).profile is Profile.INVERTED


def test_answers_of_other_rows_that_are_paid_in_place_of_the_own() -> None:
    refused = [(probe, 0.0) for probe, _ in sound()]
    others = [line for paid in (1.0, *[0.0] * 9) for line in lines(Family.WRONG, STRANGER, paid, rows=6)]
    assert judged([*refused, *others]).profile is Profile.INVERTED
    everybody = lines(Family.WRONG, STRANGER, 1.0, rows=6) * 10
    assert Flaw.INVERTED not in flaws(judged([*refused, *everybody]))


def test_rows_that_are_paid_convict_those_that_are_refused() -> None:
    some = lines(Family.REFERENCE, "bare", [1.0] * 4 + [0.0] * 16, least=1.0, alike=1.0)
    given = [*some, *lines(Family.NOTHING, "empty", 0.0), *lines(Family.WRONG, FAR, 0.0, most=0.0)]
    assert judged(given).profile is Profile.TOO_STRICT


def test_a_constant_near_some_answers_is_no_exploit_where_nearness_is_paid() -> None:
    partly = lines(Family.WRONG, "half of it", 0.5, most=0.0, alike=0.5)
    near = [0.5] * 6 + [0.0] * 14
    constant = lines(Family.NOTHING, f"{CONSTANT}“0”", near, most=0.0)
    assert judged([*sound(), *partly, *constant]).profile is Profile.SOUND
    text = lines(Family.NOTHING, "refusal", near, most=0.0)
    assert judged([*sound(), *partly, *text]).profile is Profile.HACKABLE

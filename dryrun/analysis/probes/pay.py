"""Whom a grader pays: right answers in every allowed form, wrong and worthless ones not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from dryrun.analysis.figures.redraw import wilson
from dryrun.analysis.figures.statistics import TOLERANCE
from dryrun.analysis.probes.flaws import SHOWN, Flaw, Observation, Weight, counted, seen
from dryrun.analysis.probes.grades import ProbeGrades
from dryrun.core.arrays import Bools, Floats, Ints
from dryrun.core.probe import (
    ACCEPTED,
    ANOTHER_ORDER,
    BEYOND,
    CHANGED,
    CONSTANT,
    COPIED,
    DENIED,
    EXCHANGED,
    FAR,
    FIELD_MISSING,
    IN_A_SENTENCE,
    IN_FORM,
    LETTER_LESS,
    LETTER_MORE,
    NEARER,
    ONE_FIELD,
    REVERSED,
    RIGHT_SAMPLE,
    SAME_HALF,
    SEVERAL_LINES,
    STRANGER,
    STUFFING,
    TOO_MANY,
    UNASKED,
    UNASKED_WORKING,
    UNCHANGED,
    UNIT_NAMED,
    UNNAMED_FIELD,
    UNORDERED,
    UNSIGNED,
    WRONG_SAMPLE,
    Family,
)

MILD = (UNIT_NAMED, UNORDERED, UNSIGNED)
"""Wrong answers that a grader may pay and be sound."""


def unpaid(grades: ProbeGrades) -> Iterator[Observation]:
    """Worthless text, empty shells and flattery earn nothing."""
    for family in (Family.NOTHING, Family.SHELL, Family.GAMING):
        for kind, cases in grades.kinds(family):
            allowed = np.full(cases.size, grades.limits.worthless_paid)
            if grades.partial:
                close = grades.alike[cases] + grades.limits.slack
                allowed = np.maximum(allowed, grades.limits.unchanged if kind == UNCHANGED else close)
            paid = grades.share[cases] >= allowed
            if (
                grades.partial
                and CONSTANT in kind
                and grades.share[cases].mean() < grades.limits.worthless_paid
            ):
                continue  # close to some rows' answers, and far from those of the others
            if _right_for_some(grades, cases, paid):
                continue
            soft = kind == UNCHANGED or _pays_the_form(grades, kind, cases)
            for observation in counted(grades, Flaw.EXPLOITABLE, family, kind, cases, paid):
                yield _softened(observation) if soft else observation


def _right_for_some(grades: ProbeGrades, cases: Ints, paid: Bools) -> bool:
    """Whether rows with one right answer pay a text, and rows with another do not: it says the same."""
    accepted = np.flatnonzero(grades.where(Family.REFERENCE, kind=ACCEPTED))
    right_texts = {grades.probes[case].row: grades.probes[case].text for case in accepted.tolist()}
    right, others = (
        {right_texts.get(grades.probes[case].row) for case in cases[hit].tolist()} for hit in (paid, ~paid)
    )
    if len(right) != 1 or not others or right & others:
        return False
    rows = np.isin(grades.row, grades.row[cases[paid]])  # these pay it for what it says, or anything at all
    every = grades.share[grades.where(Family.NOTHING) & rows]
    return float(np.nanmean(every)) < grades.limits.worthless_paid


def _pays_the_form(grades: ProbeGrades, kind: str, cases: Ints) -> bool:
    """Whether nothing in the right form earns no more than a wrong answer in it, and that is little.

    The prompt may show the form, so that its own words are in it; where no right answer is known, they may
    do a part of what it asks, in any order.
    """
    shown = kind in (COPIED, STUFFING)
    if shown and grades.ceiling is None:
        copied, sorted_words = grades.score[cases], grades.score[grades.where(Family.NOTHING, kind=STUFFING)]
        return bool(copied.mean() < grades.limits.whole and sorted_words.sum() >= copied.sum() / 2)
    far = grades.share[grades.where(Family.WRONG, kind=FAR)]
    if not far.size or not (shown or kind.endswith(IN_FORM) or grades.family[cases[0]] == Family.SHELL):
        return False
    wrong, earned = float(np.nanmean(far)), float(np.nanmean(grades.share[cases]))
    return wrong <= grades.limits.right_from + TOLERANCE and earned <= wrong + TOLERANCE


def wrong_unpaid(grades: ProbeGrades) -> Iterator[Observation]:
    """Wrong answers earn no more than they are worth."""
    if not grades.anchored:
        return
    observations: list[Observation] = []
    for kind, cases in grades.kinds(Family.WRONG):
        if kind.startswith((ONE_FIELD, UNNAMED_FIELD)) or kind in (EXCHANGED, FIELD_MISSING):
            # Fields may weigh what they like, but not 0.
            paid = np.asarray(grades.share[cases] >= grades.limits.whole)
        else:
            paid = _overpaid(grades, cases)
        counts = counted(grades, Flaw.ACCEPTS_WRONG, Family.WRONG, kind, cases, paid)
        soft = kind in MILD or kind.startswith(UNNAMED_FIELD) or kind.endswith(BEYOND)
        observations += map(_softened, counts) if soft else counts
    kinds = {observation.kind for observation in observations}
    misspelt = {LETTER_MORE, LETTER_LESS}
    if (TOO_MANY in kinds and kinds <= {TOO_MANY, REVERSED, UNORDERED}) or (
        kinds <= misspelt if grades.partial else kinds == misspelt
    ):
        # More moves after the solved puzzle, recall alone, or misspelling: generous, while what is missing or
        # wrong costs.
        observations = [_softened(observation) for observation in observations]
    yield from observations
    for kind, cases in grades.kinds(Family.CLOSE):
        most = grades.most[cases]
        paid = (grades.share[cases] >= most) & (most < 1.0)
        if paid.mean() >= 0.5:
            yield from counted(grades, Flaw.ACCEPTS_WRONG, Family.CLOSE, kind, cases, paid)
    yield from _rounded(grades)


def _rounded(grades: ProbeGrades) -> Iterator[Observation]:
    """A number is paid, and one that is nearer to the right one is not: no tolerance does that."""
    cases = np.flatnonzero(grades.where(Family.CLOSE, kind=SAME_HALF))
    nearer = np.flatnonzero(grades.where(Family.CLOSE, kind=NEARER))
    shares = np.full(grades.ceilings.size, np.nan)
    shares[grades.row[nearer]] = grades.share[nearer]
    paid = grades.share[cases] - shares[grades.row[cases]] >= grades.limits.right_from
    yield from counted(grades, Flaw.ACCEPTS_WRONG, Family.CLOSE, SAME_HALF, cases, paid)


def _overpaid(grades: ProbeGrades, cases: Ints) -> Bools:
    """Where the grader pays more than half, or, if it gives partial credit, more than the answer is worth."""
    share = grades.share[cases]
    if not grades.partial:
        return np.asarray(share >= grades.limits.right_from)
    worth = _with_form(grades, np.maximum(grades.most[cases], grades.alike[cases]))
    return np.asarray((share > worth + grades.limits.slack + TOLERANCE) | (share >= grades.limits.whole))


def _with_form(grades: ProbeGrades, worth: Floats) -> Floats:
    """The worth of answers where a part of the reward is for the form: what any wrong answer in it earns."""
    far = grades.share[grades.where(Family.WRONG, kind=FAR)]
    far = far[np.isfinite(far)]
    least = float(np.quantile(far, grades.limits.partial_rows)) if far.size else 0.0
    form = least if 0.0 < least <= grades.limits.right_from + TOLERANCE else 0.0
    return form + (1.0 - form) * worth


def fields_cost(grades: ProbeGrades) -> Iterator[Observation]:
    """One of n parts wrong costs about 1/n: whatever the weights, the costs of all fields add up to one."""
    chosen = grades.where(Family.WRONG) & np.char.startswith(grades.kind, ONE_FIELD)
    cases = np.flatnonzero(chosen & np.isfinite(grades.share))
    if not cases.size or not grades.anchored:
        return
    due = 1.0 - grades.most[cases]
    cost = 1.0 - grades.share[cases]
    if cost.mean() < grades.limits.fair_cost * due.mean():
        cheap = cost < grades.limits.fair_cost * due
        yield from counted(
            grades, Flaw.ACCEPTS_WRONG, Family.WRONG, "one field wrong, whichever", cases, cheap
        )


def claims_unpaid(grades: ProbeGrades) -> Iterator[Observation]:
    """Holding the right value is not giving it as the answer."""
    if not grades.anchored:
        return
    for kind, cases in grades.kinds(Family.CLAIM):
        most = grades.most[cases]
        allowed = np.full(cases.size, grades.limits.right_from)
        if grades.partial:
            close = _with_form(grades, grades.alike[cases]) + grades.limits.slack
            allowed = np.maximum(allowed, np.minimum(close, grades.limits.whole))
        paid = (grades.share[cases] >= allowed) & (most < grades.limits.right_from)
        observations = list(counted(grades, Flaw.ACCEPTS_WRONG, Family.CLAIM, kind, cases, paid))
        for observation in observations:
            yield _softened(observation) if kind == DENIED else observation


def right_paid(grades: ProbeGrades) -> Iterator[Observation]:
    """The right answer is paid in every form that the prompt asks for or allows."""
    if not grades.anchored:
        yield from _refused_altogether(grades)
        return
    typical = float(np.median(grades.ceilings[grades.ceilings >= grades.limits.least_range]))
    low = grades.ceilings < grades.limits.right_from * typical
    refused = np.flatnonzero(np.isfinite(grades.ceilings) & low)
    rows = int(np.isfinite(grades.ceilings).sum())
    if refused.size >= grades.limits.few_hits and refused.size / rows >= grades.limits.refused_rows:
        cases = np.flatnonzero(grades.where(Family.REFERENCE) & np.isin(grades.row, refused))
        yield Observation(
            Flaw.REJECTS_CORRECT,
            Weight.BLOCK,
            Family.REFERENCE,
            "these rows' right answers in any form",
            refused.size,
            rows,
            float(grades.ceilings[refused].mean()),
            tuple(cases[:SHOWN].tolist()),
        )
    for family in (Family.REFERENCE, Family.VARIATION):
        yield from _forms_refused(grades, family)


UNKNOWN_FORM = "in any form that was tried"


def _refused_altogether(grades: ProbeGrades) -> Iterator[Observation]:
    cases = np.flatnonzero(grades.where(Family.REFERENCE))
    if grades.ceiling is None or not cases.size:
        return
    rows = int(np.isfinite(grades.ceilings).sum())
    real = grades.score[grades.where(Family.SAMPLE, kind=RIGHT_SAMPLE) & (grades.least > 0.5)]
    seen_refused = real.size >= grades.limits.few_samples and bool(
        (real < grades.limits.worthless_paid).all()
    )
    # A form that nobody knows convicts nobody; that real right answers are refused does.
    weight = Weight.BLOCK if seen_refused else Weight.WARN
    yield Observation(
        Flaw.REJECTS_CORRECT,
        weight,
        Family.REFERENCE,
        UNKNOWN_FORM,
        rows,
        rows,
        grades.ceiling,
        tuple(cases[:SHOWN].tolist()),
    )


def _free(grades: ProbeGrades) -> bool:
    """Whether prompts leave the form to the model: a sentence is then an answer as well."""
    return bool((grades.where(Family.REFERENCE, kind=IN_A_SENTENCE) & (grades.least > 0.5)).any())


def _forms_refused(grades: ProbeGrades, family: Family) -> Iterator[Observation]:
    for kind, every in grades.kinds(family):
        cases = every[(grades.least[every] > 0.5) & np.isfinite(grades.share[every])]
        if not cases.size:
            continue
        refused = grades.share[cases] < grades.limits.right_from
        hits, low = int(refused.sum()), wilson(float(refused.mean()), cases.size)[0]
        if hits < 2 or low <= grades.limits.chance or hits / cases.size < grades.limits.form_refused:
            continue
        unasked = (kind == UNASKED and _free(grades)) or kind == UNASKED_WORKING
        needed = (family is Family.REFERENCE and not unasked) or kind in (ANOTHER_ORDER, SEVERAL_LINES)
        weight = Weight.BLOCK if needed and hits >= grades.limits.few_hits else Weight.WARN
        yield seen(grades, Flaw.REJECTS_CORRECT, weight, family, kind, cases, refused)


def samples_fair(grades: ProbeGrades) -> Iterator[Observation]:
    """Real responses that are surely right are paid, those that are surely wrong are not."""
    right = np.flatnonzero(grades.where(Family.SAMPLE, kind=RIGHT_SAMPLE) & (grades.least > 0.5))
    right = right[np.isfinite(grades.share[right])]
    if right.size >= grades.limits.few_samples and grades.anchored:
        refused = grades.share[right] < grades.limits.right_from
        if refused.mean() >= grades.limits.right_refused:
            yield seen(
                grades, Flaw.REJECTS_CORRECT, Weight.BLOCK, Family.SAMPLE, RIGHT_SAMPLE, right, refused
            )
    wrong = np.flatnonzero(grades.where(Family.SAMPLE, kind=WRONG_SAMPLE))
    wrong = wrong[np.isfinite(grades.share[wrong])]
    if wrong.size >= grades.limits.few_samples and grades.anchored:
        paid = _overpaid(grades, wrong)
        yield from counted(grades, Flaw.ACCEPTS_WRONG, Family.SAMPLE, WRONG_SAMPLE, wrong, paid)
    if min(right.size, wrong.size) >= grades.limits.few_samples:
        gap = float(grades.score[right].mean() - grades.score[wrong].mean())
        if gap < -grades.limits.slack:
            every = np.ones(wrong.size, dtype=bool)
            yield seen(grades, Flaw.INVERTED, Weight.BLOCK, Family.SAMPLE, WRONG_SAMPLE, wrong, every)


def one_for_all(grades: ProbeGrades) -> Iterator[Observation]:
    """One answer to every row is not right in most of them, chance excluded."""
    if not grades.anchored:
        return
    for kind, cases in grades.kinds(Family.SAME):
        cases = cases[np.isfinite(grades.share[cases])]
        paid = grades.share[cases] >= grades.limits.right_from
        if cases.size and wilson(float(paid.mean()), cases.size)[0] > grades.limits.guessable:
            yield seen(grades, Flaw.GUESSABLE, Weight.WARN, Family.SAME, kind, cases, paid)


def nothing_paid(grades: ProbeGrades) -> bool:
    """Whether no answer at all was paid: the form that this grader wants is not known, so nothing else is."""
    return not (grades.score[grades.graded] > grades.limits.worthless_paid).any()


def form_unknown(grades: ProbeGrades) -> bool:
    """Whether right answers, if there were any, could not be written so that this grader pays them."""
    return nothing_paid(grades) or (grades.ceiling is not None and not grades.anchored)


def signal(grades: ProbeGrades) -> Iterator[Observation]:
    """Right answers earn clearly more than wrong ones."""
    scores = grades.score[grades.graded]
    if nothing_paid(grades):
        return
    if scores.size >= 10 and float(np.ptp(scores)) < grades.limits.least_spread:
        yield Observation(
            Flaw.NO_SIGNAL,
            Weight.BLOCK,
            Family.WRONG,
            "any answer at all",
            scores.size,
            scores.size,
            None,
            (0,),
        )
        return
    turned = list(_turned_round(grades))
    if turned:
        yield from turned
        return
    yield from _far_paid(grades)


def _far_paid(grades: ProbeGrades) -> Iterator[Observation]:
    """Whether another row's answer earns as much as the right one, where that one is paid at all."""
    cases = np.flatnonzero(grades.where(Family.WRONG, kind=FAR))
    if grades.ceiling is None or cases.size < grades.limits.few_hits:
        return
    every = np.ones(cases.size, dtype=bool)
    if float(grades.score[cases].mean()) > grades.ceiling + grades.limits.slack:
        yield seen(grades, Flaw.INVERTED, Weight.BLOCK, Family.WRONG, FAR, cases, every)
        return
    cases = cases[grades.ceilings[grades.row[cases]] >= grades.limits.least_range]
    if not grades.anchored or cases.size < grades.limits.few_hits:
        return
    right = grades.ceilings[grades.row[cases]]
    if float((right - grades.score[cases]).mean()) < grades.limits.least_range:
        every = np.ones(cases.size, dtype=bool)
        # Marks for nearness leave little room where all right answers are near each other.
        close = grades.alike[cases] + TOLERANCE
        likened = grades.partial and bool((grades.share[cases] <= close).all())
        weight = Weight.WARN if likened else Weight.BLOCK
        yield seen(grades, Flaw.NO_SIGNAL, weight, Family.WRONG, FAR, cases, every)


def _turned_round(grades: ProbeGrades) -> Iterator[Observation]:
    """Worthless text earns far more than right answers in the form that the prompt demands."""
    right = grades.score[grades.where(Family.REFERENCE) & (grades.least > 0.5)]
    cases = np.flatnonzero(grades.where(Family.NOTHING))
    if right.size < grades.limits.few_rows or not cases.size:
        return
    void = grades.score[cases]
    if (
        float(void.mean()) >= grades.limits.right_from
        and void.mean() - right.mean() >= grades.limits.right_from
    ):
        kind = grades.kind[cases[0]]
        yield seen(
            grades, Flaw.INVERTED, Weight.BLOCK, Family.NOTHING, kind, cases, np.ones(cases.size, dtype=bool)
        )


def mixed_up(grades: ProbeGrades) -> Iterator[Observation]:
    """The row's own answer is refused, and just what another row has is paid."""
    cases = np.flatnonzero(grades.where(Family.WRONG, kind=STRANGER))
    if grades.anchored or not cases.size:
        return
    paid = grades.score[cases] >= grades.limits.right_from
    rows, hits = np.unique(grades.row[cases[paid]], return_counts=True)
    tried = np.unique(grades.row[cases]).size
    if rows.size >= grades.limits.few_hits and rows.size >= tried / 2 and float(np.median(hits)) <= 2:
        whom = tuple(cases[paid][:SHOWN].tolist())
        yield Observation(Flaw.INVERTED, Weight.BLOCK, Family.WRONG, STRANGER, rows.size, tried, None, whom)


def another_scale(grades: ProbeGrades) -> Iterator[Observation]:
    """No right answer is paid, and it is changed alike: references and grader differ in unit or case."""
    if grades.anchored:
        return
    for kind, cases in grades.kinds(Family.WRONG):
        paid = grades.score[cases] >= grades.limits.right_from
        if kind.startswith(CHANGED) and paid.sum() >= grades.limits.few_hits and 2 * paid.sum() >= cases.size:
            yield seen(grades, Flaw.REJECTS_CORRECT, Weight.BLOCK, Family.WRONG, kind, cases, paid)


def _softened(observation: Observation) -> Observation:
    """A weakness, no hole: to deny the right value one must know it, the prompt may name the unit, or ask for
    one field of the reference or for no order, and where no answer is negative nobody writes a minus."""
    return replace(observation, weight=Weight.WARN)

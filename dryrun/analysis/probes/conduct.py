"""How a grader behaves: no faults, always the same number, quickly, unmoved by dress, running nothing."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dryrun.analysis.probes.flaws import SHOWN, Flaw, Observation, Weight, seen
from dryrun.analysis.probes.grades import ProbeGrades
from dryrun.core.arrays import Bools
from dryrun.core.probe import BACKTRACK, EXOTIC, FAR, TIMED, VOID, WRONG_PLAIN, Family, ProbeFault

_SAME_SIGN = (f"{TIMED}4,000", f"{TIMED}12,000")


def steady(grades: ProbeGrades) -> Iterator[Observation]:
    """The same answer earns the same, whenever it is graded."""
    cases = np.flatnonzero(grades.where(Family.AGAIN))
    cases = cases[np.isfinite(grades.score[grades.base[cases]])]
    if not cases.size:
        return
    moved = np.abs(grades.score[cases] - grades.score[grades.base[cases]])
    few = grades.limits.judge_moves if grades.judged else grades.limits.moves
    hit = moved > (few / 4 if grades.judged else 1e-6)
    if hit.any():
        order = np.argsort(-moved, kind="stable")
        weight = Weight.BLOCK if float(moved.max()) >= few else Weight.WARN
        earned = float(moved[hit].mean())
        worst = tuple(cases[order][:SHOWN].tolist())
        yield Observation(
            Flaw.UNSTABLE,
            weight,
            Family.AGAIN,
            "the same answer again",
            int(hit.sum()),
            cases.size,
            earned,
            worst,
        )


def no_faults(grades: ProbeGrades) -> Iterator[Observation]:
    """Every text gets a number on the scale, and no error."""
    fault = np.array([fault.value for fault in grades.fault], dtype=np.str_)
    strange = np.char.startswith(grades.kind, EXOTIC)
    longest = np.char.startswith(grades.kind, TIMED) | np.char.startswith(grades.kind, BACKTRACK)
    asked = int((fault != ProbeFault.UNGRADED.value).sum())
    for flaw, hit in (
        (Flaw.CRASH, fault == ProbeFault.RAISED.value),
        (Flaw.CONTRACT, (fault == ProbeFault.NO_NUMBER.value) | grades.out_of_scale),
    ):
        if not hit.any():
            continue
        # An error costs a grade where somebody might write such a text; a wrong number is paid anywhere.
        usual = hit & ~strange if flaw is Flaw.CONTRACT else hit & ~strange & ~longest
        cases = np.flatnonzero(usual if usual.any() else hit)
        weight = Weight.BLOCK if usual.any() else Weight.WARN
        first = grades.probes[cases.tolist()[0]]
        shown = tuple(cases[:SHOWN].tolist())
        yield Observation(flaw, weight, first.family, first.kind, int(hit.sum()), asked, None, shown)


def quick(grades: ProbeGrades) -> Iterator[Observation]:
    """A grade takes little time, and not much more for a long answer."""
    if grades.judged:
        return
    slow = np.array([fault is ProbeFault.TOO_SLOW for fault in grades.fault])
    timed = np.array([probe.serial for probe in grades.probes])
    long_ones = np.char.startswith(grades.kind, TIMED) | np.char.startswith(grades.kind, BACKTRACK)
    crawls = (timed & long_ones & (grades.seconds >= grades.limits.long_seconds)) | slow | _grows(grades)
    usual = timed & ~long_ones & (np.isfinite(grades.seconds))
    typical = float(np.median(grades.seconds[usual])) if usual.any() else 0.0
    if typical >= grades.limits.seconds:
        crawls |= usual & (grades.seconds >= grades.limits.seconds)
    if crawls.any():
        cases = np.flatnonzero(crawls)
        order = cases[np.argsort(-grades.seconds[cases], kind="stable")]
        worst = grades.probes[int(order[0])]
        weight = Weight.WARN if _far_fetched(grades.kind[cases].tolist()) else Weight.BLOCK
        yield Observation(
            Flaw.SLOW,
            weight,
            worst.family,
            worst.kind,
            cases.size,
            int((timed | crawls).sum()),  # a grade that ran into its limit counts, timed or not
            float(grades.seconds[order[0]]),
            tuple(order[:SHOWN].tolist()),
        )


def _far_fetched(kinds: list[str]) -> bool:
    """Whether only texts crawl that hardly a model writes: strange ones, or thousands of the same sign.

    A pattern such as ``\\d+%`` looks from each digit on for the sign behind them all.
    """
    usual = [kind for kind in kinds if not kind.startswith(EXOTIC)]
    return not any(kind.endswith(" of words") or not kind.startswith(_SAME_SIGN) for kind in usual)


def _grows(grades: ProbeGrades) -> Bools:
    """Long texts that took far more than their share of time beside those a quarter as long."""
    steep_cases = np.zeros(len(grades.probes), dtype=bool)
    names = {kind.partition(" of ")[2] for kind in grades.kind.tolist() if kind.startswith(TIMED)}
    for name in names:
        cases = np.flatnonzero(
            np.char.startswith(grades.kind, TIMED)
            & np.char.endswith(grades.kind, f" of {name}")
            & grades.graded
        )
        took = grades.seconds[cases]
        steep = (took[1:] >= grades.limits.growth * took[:-1]) & (took[1:] >= grades.limits.long_seconds / 2)
        steep_cases[cases[1:][steep]] = True
    return steep_cases


def unimpressed(grades: ProbeGrades) -> Iterator[Observation]:
    """Length and dress change nothing for the better."""
    for kind, cases in grades.kinds(Family.STYLE):
        cases = cases[grades.base[cases] >= 0]
        cases = cases[np.isfinite(grades.score[grades.base[cases]])]
        if not cases.size:
            continue
        gain = grades.score[cases] - grades.score[grades.base[cases]]
        won = gain >= grades.limits.style_gain * (grades.ceiling or 1.0)
        wrong = kind.startswith(WRONG_PLAIN.partition(",")[0])
        if wrong and grades.partial:  # longer texts may happen to resemble the answer more
            won &= grades.share[cases] >= grades.alike[cases] + grades.limits.slack
        if won.sum() >= grades.limits.few_hits and won.mean() >= 0.5:
            yield seen(grades, Flaw.BIAS, Weight.BLOCK, Family.STYLE, kind, cases, won)
            if wrong:
                yield seen(grades, Flaw.EXPLOITABLE, Weight.BLOCK, Family.STYLE, kind, cases, won)


def _pays_nothing(grades: ProbeGrades) -> bool:
    """Whether worthless text, or another answer, is paid too: then pay for an expression means nothing."""
    groups = (
        grades.where(Family.SHELL, kind=VOID),
        grades.where(Family.NOTHING),
        grades.where(Family.WRONG, kind=FAR),
    )
    means = [float(np.nanmean(grades.share[group])) for group in groups if group.any()]
    return any(mean >= grades.limits.worthless_paid for mean in means)


def runs_nothing(grades: ProbeGrades) -> Iterator[Observation]:
    """The answer is read, never executed."""
    cases = np.flatnonzero(grades.where(Family.CODE))
    cases = cases[np.isfinite(grades.share[cases])]
    if not cases.size or not grades.anchored or _pays_nothing(grades):
        return
    ran = grades.share[cases] >= grades.limits.right_from
    if not grades.partial and ran.sum() >= grades.limits.few_hits and ran.mean() >= 0.5:
        yield seen(grades, Flaw.UNSAFE, Weight.BLOCK, Family.CODE, grades.kind[cases[0]], cases, ran)

"""The judgement in words: verdict, how sure, why, whose fault, what next; and grader and people side by side.

How sure is always said as a number of bootstrap samples: it speaks of sampling, never of training's success.
"""

from __future__ import annotations

from dataclasses import dataclass

from dryrun.analysis.figures.agreement import Agreement, Figure, Labelled, Rate
from dryrun.analysis.figures.redraw import Interval
from dryrun.analysis.verdict.attribution import Attribution
from dryrun.analysis.verdict.conditions import Condition
from dryrun.analysis.verdict.document import Diagnosis
from dryrun.analysis.verdict.grounds.blame import Blame
from dryrun.analysis.verdict.grounds.obstacles import DECLARE, PAY_THE_FORM, unpaid_step
from dryrun.analysis.verdict.stability import Stability
from dryrun.analysis.verdict.tree import Branch, decide
from dryrun.analysis.verdict.words import BROKEN, PAYS_OTHERS, READ_OFF, GraderQuality
from dryrun.core.config import Verdict
from dryrun.core.text import figure, percent, plural, within
from dryrun.core.thresholds import Thresholds

NEXT_STEP = "Next: "
STRETCH = (
    " Group-relative training divides by each group's spread. It is a GO once the grader's scale is used in "
    "full: declare the reward range it really uses, or stretch its scores."
)
PAID_IN_FULL = 0.9
"""A grader that pays reference answers this is strict about other forms alone."""
FAILURES = {
    Branch.MEAN_TOO_LOW: "shortfall",
    Branch.MEAN_TOO_HIGH: "excess",
    Branch.LOW_VARIANCE: "flatness",
}


@dataclass(frozen=True, slots=True)
class Spoken:
    """What the sentences are made of."""

    verdict: Verdict
    borderline: bool
    document: Diagnosis
    judged: Attribution
    held: Stability | None
    thresholds: Thresholds
    conditions: tuple[Condition, ...] = ()


def document_only(document: Diagnosis) -> str:
    """The line of the document's tree alone."""
    return f"{document.verdict} - " + " ".join(reason.sentence for reason in document.reasons)


def headline(spoken: Spoken) -> str:
    """The verdict in a few words: ``"GO, with conditions"``, ``"NO-GO by the mean; yet 54 % ..."``."""
    words: str = spoken.verdict
    if spoken.verdict == "GO" and spoken.conditions:
        words = "GO, with conditions"
    if spoken.verdict == "NO-GO" and would_teach(spoken):
        groups = spoken.judged.measures.groups
        assert groups is not None
        by = "std" if spoken.judged.branch is Branch.LOW_VARIANCE else "mean"
        words = f"NO-GO by the {by}; yet {percent(groups.usable)} of groups would teach"
    return words + (" (borderline)" if spoken.borderline else "")


def summary(spoken: Spoken) -> str:
    """The first line: ``"NO-GO - mean 0.08 (0.06-0.10), below 0.10 in 1,960 of 2,000 ..."``."""
    if spoken.verdict == "INVALID":
        return f"INVALID - {' '.join(spoken.judged.reasons)} No verdict about data or grader is possible."
    first = spoken.conditions[0] if spoken.conditions else None
    mend = f": {first.step}. {first.sentence}" if first else " -"
    line = f"{headline(spoken)}{mend} {_why(spoken)}"
    if spoken.held is not None and spoken.held.more_prompts:
        line += f" {spoken.held.more_prompts:,} more prompts would settle it."
    if spoken.verdict == "GO" and (missing := _unchecked(spoken)):
        line += f" Not checked: {missing}."
    return line


def short_reason(spoken: Spoken) -> str:
    """Why, in a sentence or two, to stand below the verdict's word."""
    judged = spoken.judged
    decided = " ".join(reason.sentence for reason in spoken.document.reasons)
    if spoken.verdict == "INVALID":
        return " ".join(judged.reasons) or decided
    if spoken.verdict == "GO":
        first = spoken.conditions[0] if spoken.conditions else None
        return f"First: {first.step}. {first.sentence}" if first else f"{decided} Proceed to training."
    if would_teach(spoken):
        groups = judged.measures.groups
        assert groups is not None
        return f"{decided} Yet {percent(groups.usable)} of groups would teach.{_to_go(spoken)}"
    cause = cause_sentence(spoken) or (judged.reasons[0] if judged.reasons else "")
    return cause if judged.branch is Branch.PROCEED else f"{decided} {cause}".strip()


def how_sure(spoken: Spoken) -> str:
    """How far sampling alone could change the verdict, and what nobody checked."""
    held = spoken.held
    if spoken.verdict == "INVALID":
        return "No verdict about data or grader is possible."
    if held is None:
        return "Too few prompts to say how sure that is."
    words = f"Bootstrap 95 %: mean {held.mean.low:.2f} to {held.mean.high:.2f}"
    if spoken.verdict == spoken.document.verdict:
        words += f"; {_of(held.same_verdict, held)} give this verdict"
    words += "."
    if held.more_prompts:
        words += f" {held.more_prompts:,} more prompts would settle it."
    if spoken.verdict == "GO" and (missing := _unchecked(spoken)):
        words += f" Not checked: {missing}."
    return words


def would_teach(spoken: Spoken) -> bool:
    """Whether the tree says NO-GO though many groups would carry signal that a sound grader gave.

    Groups are trained on differences within them: neither a low mean nor a narrow scale takes these away.
    Where responses were read, what they earn must surely pull towards right answers.
    """
    measures, limits = spoken.judged.measures, spoken.thresholds
    if measures.groups is None or spoken.document.verdict != "NO-GO":
        return False
    if measures.signal is not None and measures.signal.pull is not None:
        # What comes first, such as reasoning in the response, decides what groups would teach. Right answers
        # that go unpaid for their form do not: training finds the form that is paid.
        comes_first = spoken.judged.first_step not in ("", PAY_THE_FORM)
        read_off = spoken.judged.dataset in READ_OFF
        return not (comes_first or read_off) and measures.signal.pull.surely(limits)
    lies = (BROKEN | {GraderQuality.NOISY}) - {GraderQuality.TOO_STRICT}
    trusted = measures.reliability is None or measures.reliability >= limits.warn_reliability
    honest = spoken.judged.grader not in lies and not spoken.judged.first_step
    honest = honest and spoken.judged.dataset not in READ_OFF
    if spoken.judged.branch is Branch.LOW_VARIANCE:  # a narrow scale that still puts right above worthless
        at = measures.scale
        honest = at is not None and at.floor is not None and at.ceiling > at.floor
        trusted = trusted and measures.reliability is not None
    return honest and trusted and measures.groups.usable_interval.low >= limits.teaching


def cause_sentence(spoken: Spoken) -> str:
    """Whose fault it is and how that is known; ``""`` after a GO."""
    judged = spoken.judged
    if spoken.verdict != "NO-GO":
        return ""
    title = judged.grader.fault or judged.dataset.fault
    if _to_go(spoken) == STRETCH:
        title = "The grader uses little of its scale"
    if judged.blame is not None and judged.branch is not None:
        return f"{title}: {_evidence(judged)}, so {_share(judged.blame, judged, spoken.thresholds)}."
    if judged.branch is Branch.PROCEED or not judged.reasons or judged.grader not in BROKEN:
        return ""
    return f"{title}: {within(judged.reasons[0])}"


def next_sentence(spoken: Spoken) -> str:
    """What to do first; ``""`` after a GO."""
    step = first_step(spoken)
    return f"{NEXT_STEP}{step}" if step else ""


def first_step(spoken: Spoken) -> str:
    """What to do first, led by what would make it a GO where the summary says so; ``""`` after a GO."""
    step, measures = spoken.judged.next_step, spoken.judged.measures
    if step == GraderQuality.TOO_STRICT.next_step:
        if measures.scale is not None and measures.scale.ceiling >= PAID_IN_FULL:
            step = PAY_THE_FORM  # reference answers earn the maximum as it is
        elif unpaid_step(measures, spoken.thresholds) == DECLARE:
            step = DECLARE
    if not step or not _to_go(spoken):
        return step
    if spoken.judged.branch is Branch.LOW_VARIANCE:
        return DECLARE
    if spoken.judged.grader in PAYS_OTHERS:
        return step  # other prompts would find the same hole
    end = 0 if spoken.judged.branch is Branch.MEAN_TOO_LOW else 1
    again = f"Drop the prompts that scored {end} every time and ask the others again"
    return f"{again}; or {within(step)}"


def _why(spoken: Spoken) -> str:
    held, judged = spoken.held, spoken.judged
    mean = _figure("mean", judged.measures.mean, held.mean if held else None)
    if spoken.verdict == "GO":
        start = _capital(mean) if spoken.conditions else mean
        return f"{start}; {_of(held.same_verdict, held)} agree." if held else f"{start}."
    if judged.branch is Branch.PROCEED:
        broken = judged.grader.fault if judged.grader in BROKEN else ""
        words = broken or judged.dataset.fault or judged.grader.fault or "fault found"
        why = judged.reasons[0] if judged.reasons else ""
        return f"{within(words)}; the scores do not show it: {mean}. {why}".strip()
    return f"{_tree(spoken, mean)}{_to_go(spoken)}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _tree(spoken: Spoken, mean: str) -> str:
    held, limits = spoken.held, spoken.document.reasons[0].limit
    assert limits is not None
    side, what = "below", mean
    if spoken.judged.branch is Branch.MEAN_TOO_HIGH:
        side = "above"
    elif spoken.judged.branch is Branch.LOW_VARIANCE:
        what = _figure("std", spoken.judged.measures.std, held.std if held else None)
    line = f"{what}, {side} {figure(limits)}"
    return f"{line} in {_of(held.same_branch, held)}." if held else f"{line}."


def _to_go(spoken: Spoken) -> str:
    """What would make it a GO, where groups would teach and the figures tell."""
    groups, measures, limits = spoken.judged.measures.groups, spoken.judged.measures, spoken.thresholds
    if groups is None or spoken.judged.first_step or not would_teach(spoken):
        return ""
    if spoken.judged.branch is Branch.LOW_VARIANCE:
        narrow = measures.scale is not None and (measures.scale.range or 1.0) < limits.full_range
        return STRETCH if narrow else ""
    low = spoken.judged.branch is Branch.MEAN_TOO_LOW
    dead, end = (groups.all_wrong, 0) if low else (groups.all_right, 1)
    kept = (measures.mean - end * dead) / (1 - dead) if dead < 1 else measures.mean
    if dead == 0 or decide(kept, max(measures.std, limits.std_low), limits) is not Branch.PROCEED:
        return ""
    return (
        f" Without the {percent(dead)} of prompts that scored {end} every time the mean is {kept:.2f}: a GO, "
        "if they do so when asked again."
    )


def _of(share: float, held: Stability) -> str:
    """``"1,960 of 2,000 bootstrap samples of your prompts"``; ``all`` only where every one agreed."""
    count = round(share * held.draws)
    counted = f"all {held.draws:,}" if count == held.draws else f"{count:,} of {held.draws:,}"
    return f"{counted} bootstrap samples of your prompts"


def _figure(name: str, value: float, around: Interval | None) -> str:
    ends = None if around is None else (f"{around.low:.2f}", f"{around.high:.2f}")
    # Scores that are all alike give an interval without width, which would claim too much.
    return f"{name} {figure(value)}" + ("" if ends is None or ends[0] == ends[1] else f" ({'-'.join(ends)})")


def _evidence(judged: Attribution) -> str:
    at = judged.measures.scale
    if at is None or (judged.blame is not None and judged.blame.by_people):
        return "people call more of the responses good, or fewer, than it does"
    who = "a stronger model's best responses score" if at.stand_in else "your own reference answers score"
    right = f"{who} {at.ceiling:.2f}"
    if judged.branch is Branch.MEAN_TOO_LOW and at.reformatted is not None and at.reformatted < at.ceiling:
        return f"{right} ({at.reformatted:.2f} in another form)"
    if judged.branch is Branch.MEAN_TOO_HIGH:
        return f"worthless answers score {at.floor_median:.2f}"
    if judged.branch is Branch.LOW_VARIANCE:
        return f"{right} and worthless ones {at.floor_median:.2f}"
    return right


def _share(blame: Blame, judged: Attribution, thresholds: Thresholds) -> str:
    assert judged.branch is not None
    what = f"of the {FAILURES[judged.branch]}"
    low, high = round(100 * blame.interval.low), round(100 * blame.interval.high)
    only = "only " if blame.share <= thresholds.blame_data else ""
    return f"the grader explains {only}{round(100 * blame.share)} % ({low}-{high} %) {what}"


def _unchecked(spoken: Spoken) -> str:
    measures = spoken.judged.measures
    missing = []
    if measures.anchors.reference is None:
        missing.append("reference answers")
    if not measures.anchors.junk:
        missing.append("worthless answers")
    if measures.groups is None:
        missing.append("groups (one response to each prompt)")
    words = ", ".join(missing)
    if not measures.anchors.junk:
        words += ". A grader that pays empty answers would look the same"
    return words


def agreement_words(figures: Agreement | None, labelled: Labelled, thresholds: Thresholds) -> tuple[str, ...]:
    """What people's labels say about the grader; their number comes first."""
    sentences = [_counted(labelled, thresholds)]
    if figures is not None and figures.labels >= thresholds.min_labels:
        sentences += [_rates(figures), *_weak(figures, thresholds)]
    if labelled.differing:
        sentences.append(
            f"Of {plural(labelled.several, 'response')} that several people labelled, they differ on "
            f"{labelled.differing:,}."
        )
    return tuple(sentences)


def _counted(labelled: Labelled, thresholds: Thresholds) -> str:
    count, least = int(labelled.score.size), thresholds.min_labels
    who = "1 person" if labelled.people == 1 else f"{labelled.people:,} people"
    words = f"{plural(count, 'response')} labelled good or bad by {who}"
    return f"{words}." if count >= least else f"{words}; from {least} on labels enter the verdict."


def _rates(figures: Agreement) -> str:
    parts = []
    if figures.false_reject is not None:
        parts.append(f"rejects {_rate(figures.false_reject)} of the responses people call good")
    if figures.false_accept is not None:
        parts.append(f"accepts {_rate(figures.false_accept)} of those they call bad")
    words = f"The grader {' and '.join(parts)}"
    if figures.kappa is not None:
        words += f"; kappa {_with_interval(figures.kappa)}"
    if figures.auc is not None:
        words += f", AUC {_with_interval(figures.auc)}"
    return f"{words}."


def _weak(figures: Agreement, thresholds: Thresholds) -> list[str]:
    sentences = []
    if figures.kappa is not None and figures.kappa.value < thresholds.warn_kappa:
        sentences.append(f"Kappa is below {thresholds.warn_kappa:.2f}: people and grader hardly agree.")
    if figures.auc is not None and figures.auc.value < thresholds.warn_auc:
        sentences.append(
            f"AUC is below {thresholds.warn_auc:.2f}: a good response often scores no higher than a bad one."
        )
    return sentences


def _rate(rate: Rate) -> str:
    return f"{percent(rate.share)} ({percent(rate.low)} to {percent(rate.high)})"


def _with_interval(figure: Figure) -> str:
    if figure.low is None or figure.high is None:
        return f"{figure.value:.2f}"
    return f"{figure.value:.2f} ({figure.low:.2f} to {figure.high:.2f})"

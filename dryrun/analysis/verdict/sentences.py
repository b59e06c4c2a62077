"""The judgement in words: verdict, how sure, why, whose fault, what next.

How sure is always told as a number of re-draws: it speaks of sampling, never of training's success.

Grader and people side by side, in sentences.
"""

from __future__ import annotations

from dataclasses import dataclass

from dryrun.analysis.figures.agreement import Agreement, Figure, Labelled, Rate
from dryrun.analysis.figures.redraw import Interval
from dryrun.analysis.verdict.attribution import Attribution
from dryrun.analysis.verdict.blame import Blame
from dryrun.analysis.verdict.document import Diagnosis
from dryrun.analysis.verdict.stability import Stability
from dryrun.analysis.verdict.tree import Branch
from dryrun.analysis.verdict.words import BROKEN
from dryrun.core.config import Verdict
from dryrun.core.text import figure, plural
from dryrun.core.thresholds import Thresholds

FAILURES = {
    Branch.MEAN_TOO_LOW: "shortfall",
    Branch.MEAN_TOO_HIGH: "excess",
    Branch.LOW_VARIANCE: "flatness",
}


@dataclass(frozen=True, slots=True)
class Said:
    """What the sentences are made of."""

    verdict: Verdict
    borderline: bool
    document: Diagnosis
    judged: Attribution
    held: Stability | None
    thresholds: Thresholds


def document_only(document: Diagnosis) -> str:
    """The line of the document's tree alone."""
    return f"{document.verdict} - " + " ".join(reason.sentence for reason in document.reasons)


def summary(said: Said) -> str:
    """The first line: ``"NO-GO - mean 0.08 (0.06-0.10), below 0.10 in 98 of 100 re-draws ..."``."""
    if said.verdict == "INVALID":
        return f"INVALID - {' '.join(said.judged.reasons)} No verdict about data or grader is possible."
    missing = _unchecked(said)
    word = said.verdict + (" (borderline)" if said.borderline else "")
    word += ", not fully checked" if said.verdict == "GO" and missing else ""
    line = f"{word} - {_why(said)}"
    if said.held is not None and said.held.more_prompts:
        line += f" {said.held.more_prompts:,} more prompts would settle it."
    if said.verdict == "GO" and missing:
        line += f" Not checked: {missing}."
    return line


def cause_sentence(said: Said) -> str:
    """Whose fault it is and how that is known; ``""`` after a GO."""
    judged = said.judged
    if said.verdict != "NO-GO":
        return ""
    title = judged.grader.fault or judged.dataset.fault
    if judged.blame is not None and judged.branch is not None:
        return f"{title}: {_evidence(judged)}, so {_share(judged.blame, judged, said.thresholds)}."
    if judged.branch is Branch.PROCEED or not judged.reasons or judged.grader not in BROKEN:
        return ""
    return f"{title}: {judged.reasons[0]}"


def next_sentence(said: Said) -> str:
    """What to do first; ``""`` after a GO."""
    return f"Next: {said.judged.next_step}" if said.judged.next_step else ""


def _why(said: Said) -> str:
    held, judged = said.held, said.judged
    mean = _figure("mean", judged.measures.mean, held.mean if held else None)
    if said.verdict == "GO":
        return f"{mean}; {_of(held.same_verdict)} re-draws of your prompts agree." if held else f"{mean}."
    if judged.branch is Branch.PROCEED:
        broken = judged.grader.fault if judged.grader in BROKEN else ""
        words = broken or judged.dataset.fault or judged.grader.fault or "fault found"
        why = judged.reasons[0] if judged.reasons else ""
        return f"{words[0].lower()}{words[1:]}, which the scores, {mean}, do not show. {why}".strip()
    return _tree(said, mean)


def _tree(said: Said, mean: str) -> str:
    held, limits = said.held, said.document.reasons[0].limit
    assert limits is not None
    side, what = "below", mean
    if said.judged.branch is Branch.MEAN_TOO_HIGH:
        side = "above"
    elif said.judged.branch is Branch.LOW_VARIANCE:
        what = _figure("std", said.judged.measures.std, held.std if held else None)
    line = f"{what}, {side} {figure(limits)}"
    return f"{line} in {_of(held.same_branch)} re-draws of your prompts." if held else f"{line}."


def _of(share: float) -> str:
    """``"98 of 100"``; never a whole hundred unless every one agreed."""
    count = round(100 * share)
    return f"{min(count, 99) if share < 1.0 else 100} of 100"


def _figure(name: str, value: float, around: Interval | None) -> str:
    return f"{name} {figure(value)}" + (f" ({around.low:.2f}-{around.high:.2f})" if around else "")


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
    low, high = round(100 * blame.interval.low), round(100 * blame.interval.high)
    only = "only " if blame.share <= thresholds.blame_data else ""
    share = f"{only}{round(100 * blame.share)} % ({low}-{high})"
    return f"the grader explains {share} of the {FAILURES[judged.branch]}"


def _unchecked(said: Said) -> str:
    measures = said.judged.measures
    missing = []
    if measures.anchors.reference is None:
        missing.append("no references")
    if not measures.anchors.junk:
        missing.append("no junk answers")
    if measures.groups is None:
        missing.append("one response per prompt")
    words = ", ".join(missing)
    if not measures.anchors.junk:
        words += ". A grader that pays empty answers would look the same"
    return words


def agreement_words(figures: Agreement | None, labelled: Labelled, thresholds: Thresholds) -> tuple[str, ...]:
    """What people's labels say of the grader; first how many there are."""
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
    return f"{rate.share:.0%} ({rate.low:.0%} to {rate.high:.0%})"


def _with_interval(figure: Figure) -> str:
    if figure.low is None or figure.high is None:
        return f"{figure.value:.2f}"
    return f"{figure.value:.2f} ({figure.low:.2f} to {figure.high:.2f})"

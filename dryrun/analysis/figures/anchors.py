"""Known-good and known-bad answers on the grader's scale, and what they say about its fault or the data's.

Before blaming the data, ask where right and worthless answers land. The rules and their measured error
rates are those of the project's statistics notes, section 2k.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from dryrun.analysis.figures.agreement import weighted_share
from dryrun.analysis.figures.readings import Misplaced, Refusals, Repeated
from dryrun.analysis.figures.redraw import Z90_ONE_SIDED, wilson
from dryrun.core.arrays import Bools, Floats, Ints
from dryrun.core.probe import FAR
from dryrun.core.text import percent
from dryrun.core.thresholds import Piece, ProbeLimits, Thresholds


@dataclass(frozen=True, slots=True)
class Anchors:
    """What was graded beside the responses; every score on 0..1, NaN where there is no grade.

    Attributes
    ----------
    reference : float64 array of shape (r,)
        The rows' own reference answers.
    raised : bool array of shape (r,) or None
        On which of them the grader raised an error: that is no fault of theirs.
    reformatted : float64 array of shape (r,) or None
        The same answers in another form, in the same order.
    stronger : float64 array of shape (s,) or None
        What a stronger model's responses earn: the ceiling where there are no reference answers.
    junk : mapping of str to float64 array
        Worthless answers by kind: empty, refusal, the prompt itself, another row's answer ...
    junk_parts : mapping of str to mapping of str to float64 array
        What the parts of the reward give to wrong answers in the right form, by kind and part.
    alike : mapping of str to float64 array
        How much these answers resemble the right ones, in 0..1; absent in older runs.
    regraded : float64 array of shape (m, times) or None
        The same responses graded several times.
    people : (float64 array, int array) or None
        Scores of responses, and whether a person calls them good (1) or bad (0).
    topic_reference : mapping of str to float64 array
        What the reference answers of each topic earn.
    people_weight : float64 array or None
        How much each of these stands for, where they were not chosen by chance; None: all alike.
    read : (float64 array, float64 array) or None
        Scores of some responses, and what a careful reader finds: 1 the right answer, 0 not, NaN in doubt.
    read_prompt : int64 array or None
        Which prompt each of these answers; None in runs that did not keep it.
    read_formed : bool array or None
        Which of these are right in the form that the prompt asks for; None in runs that did not keep it.
    refusals : Refusals or None
        Responses that refuse in plain words.
    parts : mapping of str to float64 array of shape (n, 2)
        What right answers and, beside each, one that is wrong in part earn, by what is wrong.
    hedged : float64 array or None
        What answers earn that name several values, the right one among them.
    misplaced : Misplaced or None
        Whether responses are right by the references of other rows.
    reasoning, end_tokens : float or None
        Of the responses read, the shares that hold reasoning in front of the answer, an end token behind it.
    reasoning_alone, copied : float or None
        Share of them that are reasoning without an end, or the prompt again, and earn less than half.
    misread : (str, float) or None
        A usual field of the rows, and the share of them that is right by it, wrong by what the grader
        compares with, and unpaid.
    unnamed : tuple of str
        The few values that the references are, where hardly a prompt or response names one.
    contradicted, unreferenced : float or None
        Shares of the rows that ask the very same as another row and have another reference answer, and that
        have none and no paid response, where others have one.
    repeated : Repeated or None
        The text that nearly all of them are, whatever the prompt.
    calls : float or None
        Share of them that are unpaid tool calls without text, where the grader was not seen to read calls.
    guess : float or None
        Share of prompts that a blind guess gets right. None where answers are no choice among a few.
    form_unknown : bool
        Reference answers were graded in no form that this grader takes, and were left out for that.
    """

    reference: Floats | None = None
    raised: Bools | None = None
    reformatted: Floats | None = None
    stronger: Floats | None = None
    junk: Mapping[str, Floats] = field(default_factory=dict)
    junk_parts: Mapping[str, Mapping[str, Floats]] = field(default_factory=dict)
    alike: Mapping[str, Floats] = field(default_factory=dict)
    regraded: Floats | None = None
    people: tuple[Floats, Ints] | None = None
    topic_reference: Mapping[str, Floats] = field(default_factory=dict)
    people_weight: Floats | None = None
    read: tuple[Floats, Floats] | None = None
    read_prompt: Ints | None = None
    read_formed: Bools | None = None
    refusals: Refusals | None = None
    parts: Mapping[str, Floats] = field(default_factory=dict)
    hedged: Floats | None = None
    misplaced: Misplaced | None = None
    reasoning: float | None = None
    end_tokens: float | None = None
    reasoning_alone: float | None = None
    copied: float | None = None
    repeated: Repeated | None = None
    misread: tuple[str, float] | None = None
    unnamed: tuple[str, ...] = ()
    contradicted: float | None = None
    unreferenced: float | None = None
    calls: float | None = None
    guess: float | None = None
    form_unknown: bool = False

    def without(self, pieces: Collection[Piece]) -> Anchors:
        """These anchors less the pieces named."""
        kept = {piece: piece not in pieces for piece in Piece}
        known = kept[Piece.REFERENCES]
        return replace(
            self,
            reference=self.reference if known else None,
            reformatted=self.reformatted if known and kept[Piece.REFORMATTED] else None,
            stronger=self.stronger if kept[Piece.STRONGER] else None,
            junk=self.junk if kept[Piece.WORTHLESS] else {},
            regraded=self.regraded if kept[Piece.REGRADING] else None,
            people=self.people if kept[Piece.PEOPLE] else None,
            topic_reference=self.topic_reference if known else {},
            read=self.read if known else None,
            refusals=self.refusals if kept[Piece.SAMPLES] else None,
            parts=self.parts if known else {},
            hedged=self.hedged if known else None,
            misplaced=self.misplaced if known else None,
            reasoning=self.reasoning if known else None,
            end_tokens=self.end_tokens if known else None,
            reasoning_alone=self.reasoning_alone if kept[Piece.SAMPLES] else None,
            copied=self.copied if kept[Piece.SAMPLES] else None,
            misread=self.misread if known else None,
            unnamed=self.unnamed if known else (),
            contradicted=self.contradicted if known else None,
            unreferenced=self.unreferenced if known else None,
            repeated=self.repeated if kept[Piece.SAMPLES] else None,
            calls=self.calls if kept[Piece.SAMPLES] else None,
        )


@dataclass(frozen=True, slots=True)
class Scale:
    """Where the anchors lie.

    Attributes
    ----------
    ceiling : float
        Mean of the reference answers; of the sound ones where some are broken.
    reformatted : float or None
        The same in another form.
    floor : float or None
        The most that a kind of worthless answer earns, less its uncertainty.
    floor_name : str
        Which kind.
    floor_median : float or None
        Median over the kinds.
    broken : float
        Share of reference answers that the grader calls wrong while it calls the others right.
    failing : float
        Share of reference answers that score below 0.5, whatever the others do.
    raised : float
        Share of them on which the grader raised an error; neither broken nor failing.
    tried : int
        Reference answers that were graded.
    stand_in : bool
        The ceiling is the 90th percentile of a stronger model: there are no reference answers.
    """

    ceiling: float
    reformatted: float | None
    floor: float | None
    floor_name: str
    floor_median: float | None
    broken: float
    failing: float = 0.0
    raised: float = 0.0
    tried: int = 0
    stand_in: bool = False

    @property
    def range(self) -> float | None:
        """How much of the scale lies between worthless and right answers."""
        return None if self.floor_median is None else self.ceiling - self.floor_median


def scale(anchors: Anchors, thresholds: Thresholds | None = None) -> Scale | None:
    """Where the anchors lie; None without reference answers and without a stronger model.

    Parameters
    ----------
    anchors : Anchors
    thresholds : Thresholds, optional
        `bad_references` is the smallest share of failing references that is called broken; the largest is
        one minus it.
    """
    limits, reference = thresholds or Thresholds(), _valid(anchors.reference)
    if reference is None:
        return _stand_in(anchors, limits)
    right = reference >= limits.right_from
    raised = np.zeros_like(right) if anchors.raised is None else anchors.raised[_graded(anchors.reference)]
    share = float((~right & ~raised).mean())
    between = float((right & (reference < limits.surely_right_from)).mean())
    few, most = limits.bad_references, 1 - limits.bad_references
    mixed = few <= share <= most and between <= limits.between_references
    mixed = mixed and _unlike_worthless(reference, anchors.junk, limits)
    mixed = mixed and follows_reference(reference, anchors.junk, limits)
    sound = right if mixed else np.ones_like(right)
    name, floor, median = worthless_floor(anchors.junk, limits.worthless_z)
    return Scale(
        ceiling=float(reference[sound].mean()),
        reformatted=_reformatted(anchors, mixed, limits),
        floor=floor,
        floor_name=name,
        floor_median=median,
        broken=share if mixed else 0.0,
        failing=share,
        raised=float((~right & raised).mean()),
        tried=reference.size,
    )


def _unlike_worthless(reference: Floats, junk: Mapping[str, Floats], limits: Thresholds) -> bool:
    """Whether more references than worthless answers pass: a grader that flips a coin passes both alike.

    Two proportions, z of `worthless_z`. True where none of those was graded.
    """
    known = [valid for scores in junk.values() if (valid := _valid(scores)) is not None]
    return not known or _pass_more(reference, np.concatenate(known), limits)


def follows_reference(reference: Floats, junk: Mapping[str, Floats], limits: Thresholds) -> bool:
    """Whether more right answers than other rows' answers pass: the reward depends on the row's reference."""
    others = _valid(junk.get(FAR))
    return others is None or _pass_more(reference, others, limits)


def paid_by_row(anchors: Anchors, limits: Thresholds) -> tuple[float, float] | None:
    """What right answers and those of other rows earn on average, where right ones surely earn more."""
    right, others = _valid(anchors.reference), _valid(anchors.junk.get(FAR))
    if right is None or others is None:
        return None
    error = math.sqrt(right.var() / right.size + others.var() / others.size)
    more = right.mean() - others.mean() > max(limits.worthless_z * error, ProbeLimits().slack)
    return (float(right.mean()), float(others.mean())) if more else None


def _pass_more(reference: Floats, worthless: Floats, limits: Thresholds) -> bool:
    right, wrong = (float((scores >= limits.right_from).mean()) for scores in (reference, worthless))
    error = math.sqrt(right * (1 - right) / reference.size + wrong * (1 - wrong) / worthless.size)
    return right - wrong > limits.worthless_z * error


def _stand_in(anchors: Anchors, limits: Thresholds) -> Scale | None:
    stronger = _valid(anchors.stronger)
    if stronger is None:
        return None
    name, floor, median = worthless_floor(anchors.junk, limits.worthless_z)
    ceiling = float(np.quantile(stronger, 0.9))
    return Scale(ceiling, None, floor, name, median, broken=0.0, stand_in=True)


def _reformatted(anchors: Anchors, mixed: bool, limits: Thresholds) -> float | None:
    if anchors.reformatted is None or anchors.reference is None:
        return None
    chosen = np.isfinite(anchors.reformatted)
    if mixed and anchors.reformatted.shape == anchors.reference.shape:
        chosen &= anchors.reference >= limits.right_from
    return float(anchors.reformatted[chosen].mean()) if chosen.any() else None


def worthless_floor(junk: Mapping[str, Floats], z: float) -> tuple[str, float | None, float | None]:
    """Which kind surely earns most, its mean less `z` standard errors, and the median over the kinds."""
    means, bounds = {}, {}
    for name, scores in junk.items():
        valid = _valid(scores)
        if valid is None:
            continue
        error = float(valid.std(ddof=1)) / math.sqrt(valid.size) if valid.size > 1 else 1.0
        means[name], bounds[name] = float(valid.mean()), float(valid.mean()) - z * error
    if not means:
        return "", None, None
    name = max(bounds, key=bounds.__getitem__)
    return name, max(bounds[name], 0.0), float(np.median(list(means.values())))


def worthless_means(junk: Mapping[str, Floats]) -> dict[str, float]:
    """What each kind earns on average, the best paid first; kinds without a score are left out."""
    valid = {name: graded for name, scores in junk.items() if (graded := _valid(scores)) is not None}
    means = {name: float(scores.mean()) for name, scores in valid.items()}
    return dict(sorted(means.items(), key=lambda pair: (-pair[1], pair[0])))


def disagreement(
    people: tuple[Floats, Ints] | None, limits: Thresholds, weight: Floats | None = None
) -> float | None:
    """Lower bound (90 %) of the larger of two rates: good responses wrongly refused, bad ones wrongly paid.

    None with fewer labels than `Thresholds.min_labels`.
    """
    if people is None or people[0].size < limits.min_labels:
        return None
    score, label = people
    known = np.isfinite(score)
    each = np.ones(score.size) if weight is None else weight
    score, label, each = score[known], label[known], each[known]
    good, bad = label == 1, label == 0
    missed, passed = score[good] < limits.false_reject, score[bad] > limits.false_accept
    return max(wilson_low(missed, weight=each[good]), wilson_low(passed, weight=each[bad]))


def wilson_low(hits: Bools, weight: Floats | None = None) -> float:
    """What a share is at least, by Wilson's one-sided interval of 90 %; 0 for no trials."""
    if hits.size == 0:
        return 0.0
    return wilson(*weighted_share(hits, np.ones(hits.size) if weight is None else weight), Z90_ONE_SIDED)[0]


def _graded(scores: Floats | None) -> Bools:
    return np.isfinite(np.empty(0) if scores is None else scores)


def _valid(scores: Floats | None) -> Floats | None:
    valid = None if scores is None else scores[_graded(scores)]
    return valid if valid is not None and valid.size else None


@dataclass(frozen=True, slots=True)
class UnreadPart:
    """A kind of answer that is wrong in part and earns as much as the right one.

    Attributes
    ----------
    kind : str
        What is wrong with it, as in ``"one field wrong: due"``.
    rows, tried : int
        Rows where it costs nothing, of those whose right answer is paid.
    low, high : float
        95 % interval of their share (Wilson).
    """

    kind: str
    rows: int
    tried: int
    low: float
    high: float

    def __str__(self) -> str:
        interval = f"{percent(self.low)} to {percent(self.high)}"
        return f"{self.kind} ({self.rows:,} of {self.tried:,} rows, {interval})"


def unread_parts(parts: Mapping[str, Floats], limits: Thresholds) -> Iterator[UnreadPart]:
    """The kinds that cost nothing in most rows, chance excluded.

    Parameters
    ----------
    parts : mapping of str to float64 array of shape (n, 2)
        By kind, what the right answer of a row and the one that is wrong in part earn, on 0..1.
    limits : Thresholds
        `right_from` tells whether a right answer is paid.
    """
    whole = ProbeLimits().whole
    for kind, scores in parts.items():
        paid = scores[np.isfinite(scores).all(axis=1) & (scores[:, 0] >= limits.right_from)]
        if not len(paid):
            continue
        rows = int((paid[:, 1] >= whole * paid[:, 0]).sum())
        low, high = wilson(rows / len(paid), len(paid))
        if low >= limits.right_from:
            yield UnreadPart(kind, rows, len(paid), low, high)

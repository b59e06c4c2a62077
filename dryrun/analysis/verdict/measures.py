"""Everything that is measured in a run before anything is concluded."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dryrun.analysis.figures.anchors import Anchors, Scale, scale
from dryrun.analysis.figures.form import NOTHING, by_outcome, in_known_form
from dryrun.analysis.figures.groups import Groups, groups
from dryrun.analysis.figures.noise import fails_by_chance, noise, reliability
from dryrun.analysis.figures.readings import Follows, Readings, follows, readings
from dryrun.analysis.figures.redraw import PromptSums
from dryrun.analysis.figures.shape import LengthBias, Resolution, length_bias, resolution
from dryrun.analysis.figures.signal import SignalIndex, signal_index
from dryrun.analysis.figures.statistics import is_valid, levels, mean, std
from dryrun.analysis.observations import Observations, several_parts
from dryrun.analysis.training.record import NOT_OWN, Training, outcome_usable
from dryrun.analysis.verdict.stability import Stability, stability
from dryrun.analysis.verdict.tree import Branch, decide
from dryrun.analysis.verdict.words import GraderQuality
from dryrun.core.arrays import Floats
from dryrun.core.records import SampleOutcome
from dryrun.core.thresholds import Piece, Thresholds

LEAST_RELIABILITY = 0.50
"""Below it the share of learnable prompts is not shown."""

PEOPLE = "people's labels (a wrong answer key passes every other test)"


@dataclass(frozen=True, slots=True)
class Measures:
    """The figures; None where a piece was left out or could not be measured.

    Attributes
    ----------
    score : float64 array of shape (n,)
        Valid scores on 0..1; NaN elsewhere.
    own : float64 array of shape (n,)
        The same without cut-off and refused responses.
    prompt : int64 array of shape (n,)
    mean, std : float
        NaN where there is none.
    branch : Branch or None
        Of the document's tree.
    sums : PromptSums
    anchors : Anchors
        Those that were not left out.
    stability, groups, scale, noise, reliability, signal, length, resolution, readings, follows, training
        See their own modules.
    several_parts : bool
        Whether the reward is made of several parts.
    fails_at_times : float
        Share of grades with an error in rows where not all have one.
    """

    score: Floats
    own: Floats
    prompt: NDArray[np.int64]
    mean: float
    std: float
    branch: Branch | None
    sums: PromptSums
    anchors: Anchors
    stability: Stability | None
    groups: Groups | None
    scale: Scale | None
    noise: float | None
    reliability: float | None
    signal: SignalIndex | None
    length: LengthBias | None
    resolution: Resolution | None
    readings: Readings | None
    follows: Follows | None
    training: Training | None = None
    several_parts: bool = False
    fails_at_times: float = 0.0

    @property
    def references_fail(self) -> bool:
        """Whether more reference answers fail than the grader's noise and its errors explain."""
        at = self.scale
        return at is not None and not fails_by_chance(self.anchors, at, self.noise, self.fails_at_times)

    @property
    def nothing_paid(self) -> bool:
        """Whether nothing earns anything: then the field that is read may not hold the right answer."""
        return self.anchors.form_unknown and not (self.score > NOTHING).any()

    @property
    def not_measured(self) -> tuple[str, ...]:
        """What a judgement by these figures cannot see, by the names that `evidence.OPEN` explains."""
        anchors = self.anchors
        missing = {
            "reference answers": anchors.reference is None and not anchors.form_unknown,
            "the form of right answers": anchors.form_unknown,
            "reformatted reference answers": anchors.reformatted is None,
            "worthless answers": not anchors.junk,
            "repeated grading": anchors.regraded is None,
            "several rollouts per prompt": self.groups is None,
            PEOPLE: anchors.people is None,
        }
        return tuple(name for name, is_missing in missing.items() if is_missing)

    def loud(self, limits: Thresholds) -> bool:
        """Whether the grader moves by more than a little when it grades the same response again."""
        return (self.noise or 0.0) >= limits.least_noise

    def drowned(self, limits: Thresholds) -> bool:
        """Whether hardly any of the spread within prompts is signal."""
        return self.reliability is not None and self.reliability < limits.min_reliability

    @property
    def plain_grader(self) -> GraderQuality:
        """The quality of a grader without a fault: good, binary, or unknown."""
        if self.scale is None and not self.anchors.junk and self.branch is not Branch.PROCEED:
            return GraderQuality.UNKNOWN
        graded = (self.anchors.reference, *self.anchors.junk.values())
        others = [scores for scores in graded if scores is not None]
        # Responses that all earn the same do not show whether a grader has more levels than two.
        binary = levels(self.score) == levels(np.concatenate([self.score, *others])) == 2
        binary = binary and not self.several_parts
        return GraderQuality.BINARY if binary else GraderQuality.GOOD

    @property
    def learnable_shown(self) -> bool:
        """Whether the share of learnable prompts says anything: not behind a noisy grader.

        In simulation it tells runs that gain with an AUC of 0.97 under quiet graders, 0.50 over all.
        """
        return self.reliability is None or self.reliability >= LEAST_RELIABILITY


def _clipped(score: Floats) -> Floats:
    return np.where(is_valid(score), np.clip(score, 0.0, 1.0), np.nan)


def _length_bias(observed: Observations, least_pairs: int) -> LengthBias | None:
    """Of the responses that are whole: others end before they are long."""
    whole = observed.outcome == SampleOutcome.ANSWERED.value
    score = np.where(whole, _clipped(observed.score), np.nan)
    return length_bias(score, observed.length, observed.prompt, observed.topic, least_pairs)


def measure(
    observed: Observations, limits: Thresholds, anchors: Anchors, training: Training | None = None
) -> Measures:
    """All figures that the thresholds do not leave out."""
    left_out = set(limits.without)
    anchors = anchors.without(left_out)
    if training is not None and training.by_part:
        anchors = by_outcome(anchors, training.outcome.name, training.outcome.least)
    score = _clipped(observed.score)
    anchors = in_known_form(anchors, score, limits.worthless_z)
    own = np.where(np.isin(observed.outcome, NOT_OWN), np.nan, score)
    valid = np.sort(score[np.isfinite(score)])
    average, spread = mean(valid), std(valid)
    branch = None if average is None or spread is None else decide(average, spread, limits)
    grouped = None if Piece.GROUPS in left_out else groups(own, observed.prompt, limits.group_size)
    at = scale(anchors, limits)
    error = noise(anchors.regraded)
    trust = reliability(error, grouped.within if grouped else spread or 0.0)
    tells = None if anchors.read is None else follows(*anchors.read, anchors.read_prompt)
    says = None if anchors.read is None else readings(*anchors.read, anchors.read_prompt, anchors.read_formed)
    training = None if Piece.GROUPS in left_out else training
    usable = outcome_usable(observed, training, limits.group_size)
    index = None
    if Piece.SIGNAL not in left_out:
        index = signal_index(grouped, trust, at, limits, read=tells, outcome=usable)
    drawn = None
    if Piece.STABILITY not in left_out:
        drawn = stability(score, observed.prompt, limits)
    bias = None
    if Piece.LENGTH not in left_out:
        bias = observed.once(
            f"length bias from {limits.length_pairs}", lambda: _length_bias(observed, limits.length_pairs)
        )
    return Measures(
        score=score,
        own=own,
        prompt=observed.prompt,
        mean=math.nan if average is None else average,
        std=math.nan if spread is None else spread,
        branch=branch,
        sums=PromptSums.of(score, observed.prompt),
        anchors=anchors,
        stability=drawn,
        groups=grouped,
        scale=at,
        noise=error,
        reliability=None if branch is None else trust,
        signal=index,
        length=bias,
        resolution=None if Piece.RESOLUTION in left_out else resolution(score),
        readings=says,
        follows=tells,
        training=training,
        several_parts=several_parts(observed),
        fails_at_times=observed.fails_at_times,
    )

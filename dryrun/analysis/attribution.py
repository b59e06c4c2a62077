"""Data or grader? The decision tree first, then what anchors, re-grading, rollouts and people add to it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from dryrun.analysis.agreement import weighted_share
from dryrun.analysis.anchors import Anchors, Scale, disagreement, junk_floor, noise, reliability, scale
from dryrun.analysis.groups import Groups, groups
from dryrun.analysis.observations import Observations
from dryrun.analysis.pooling import pooled_topics
from dryrun.analysis.rules import Branch, decide
from dryrun.config import Thresholds, Verdict
from dryrun.records import SampleOutcome

NOT_OWN = (SampleOutcome.TRUNCATED.value, SampleOutcome.REFUSED.value, SampleOutcome.FILTERED.value)
"""Outcomes that would fake a contrast between the rollouts of a prompt."""


class DatasetQuality(StrEnum):
    """What the evidence says of the prompts."""

    GOOD = "good"
    TOO_HARD = "too_hard"
    TOO_EASY = "too_easy"
    HOMOGENEOUS = "homogeneous"
    POLARISED = "polarised"
    BAD_REFERENCES = "bad_references"
    REFUSALS = "refusals"
    UNKNOWN = "unknown"
    """Behind a broken grader, or without anchors, the prompts cannot be judged."""


class GraderQuality(StrEnum):
    """What the evidence says of the grader."""

    GOOD = "good"
    BINARY = "binary"
    TOO_STRICT = "too_strict"
    TOO_LENIENT = "too_lenient"
    CANNOT_DIFFERENTIATE = "cannot_differentiate"
    HACKABLE = "hackable"
    NOISY = "noisy"
    DISAGREES = "disagrees_with_humans"
    UNKNOWN = "unknown"


BROKEN = {
    GraderQuality.TOO_STRICT,
    GraderQuality.TOO_LENIENT,
    GraderQuality.CANNOT_DIFFERENTIATE,
    GraderQuality.HACKABLE,
    GraderQuality.DISAGREES,
}


RE_SCORE = "Then re-score the stored responses (Adjust Grader): no call is made."
NEXT: dict[DatasetQuality | GraderQuality, str] = {
    GraderQuality.TOO_STRICT: f"Loosen the grader until your reference answers earn the maximum. {RE_SCORE}",
    GraderQuality.TOO_LENIENT: f"Make the grader refuse wrong and empty answers. {RE_SCORE}",
    GraderQuality.CANNOT_DIFFERENTIATE: f"Make the grader tell right answers from junk. {RE_SCORE}",
    GraderQuality.HACKABLE: f"Close that hole in the grader. {RE_SCORE}",
    GraderQuality.NOISY: "Average several grades, or make the rubric concrete and the judge's temperature 0.",
    GraderQuality.DISAGREES: f"Read where people and grader differ, and mend the grader. {RE_SCORE}",
    DatasetQuality.TOO_HARD: "Use easier prompts, or teach the basics by SFT first.",
    DatasetQuality.TOO_EASY: "Use harder prompts: there is nothing left to learn.",
    DatasetQuality.HOMOGENEOUS: "Add prompts of other difficulty.",
    DatasetQuality.POLARISED: "Drop prompts that are always right or always wrong.",
    DatasetQuality.BAD_REFERENCES: "Mend the reference answers that fail, or drop their rows.",
    DatasetQuality.REFUSALS: "Reword the prompts, or use another base model.",
}
"""What to do about each finding."""


@dataclass(frozen=True, slots=True)
class Attribution:
    """The judgement with evidence.

    Attributes
    ----------
    verdict : Verdict
    branch : Branch or None
        Of the document's tree; None where there are no scores.
    dataset, grader : DatasetQuality, GraderQuality
    blame : float or None
        Share of the shortfall (or excess, or flatness) that perfect answers would not mend: the
        grader's. None where the tree did not fail or there are no anchors.
    problem_topics : tuple of str
        Confirmed by pooling.
    tags : tuple of str
        ``duplicates``, ``small_n``, ``missing``, ``truncation``, ``empty``.
    scale : Scale or None
    groups : Groups or None
    noise, reliability : float or None
        Standard deviation of a re-grade; share of the spread within prompts that is not noise.
    reasons : tuple of str
        What decided, in sentences, the weightiest first.
    not_measured : tuple of str
        What this judgement could not see.
    """

    verdict: Verdict
    branch: Branch | None
    dataset: DatasetQuality
    grader: GraderQuality
    blame: float | None
    problem_topics: tuple[str, ...]
    tags: tuple[str, ...]
    scale: Scale | None
    groups: Groups | None
    noise: float | None
    reliability: float | None
    reasons: tuple[str, ...]
    not_measured: tuple[str, ...]

    @property
    def next_step(self) -> str:
        """What to do first; ``""`` after a GO."""
        if self.verdict != "NO-GO":
            return ""
        return NEXT.get(self.grader) or NEXT.get(self.dataset) or ""


def attribute(
    observed: Observations, thresholds: Thresholds, anchors: Anchors, duplicate_share: float = 0.0
) -> Attribution:
    """Judge with evidence.

    Parameters
    ----------
    observed : Observations
    thresholds : Thresholds
    anchors : Anchors
        What was measured; each part may be missing.
    duplicate_share : float
        Share of drawn rows that repeat an earlier one.
    """
    return _Judge(observed, thresholds, anchors, duplicate_share).judgement()


class _Judge:
    """One judgement; the methods are its steps in order."""

    def __init__(
        self, observed: Observations, limits: Thresholds, anchors: Anchors, duplicate_share: float
    ) -> None:
        self.observed, self.limits, self.anchors = observed, limits, anchors
        self.valid = observed.score[np.isfinite(observed.score)]
        self.mean = float(self.valid.mean()) if self.valid.size else math.nan
        self.std = float(self.valid.std(ddof=1)) if self.valid.size > 1 else math.nan
        counted = np.isfinite(self.mean) and np.isfinite(self.std)
        self.branch = decide(self.mean, self.std, limits) if counted else None
        own = np.where(np.isin(observed.outcome, NOT_OWN), np.nan, observed.score)
        self.groups = groups(own, observed.prompt)
        self.scale = scale(anchors, limits.bad_references)
        self.noise = noise(anchors.regraded)
        spread = self.groups.within if self.groups else self.std
        self.reliability = reliability(self.noise, spread) if counted else None
        self.duplicates = duplicate_share > limits.warn_duplicates
        self.reasons: list[str] = []
        self.tags: list[str] = ["duplicates"] if self.duplicates else []
        self.blame: float | None = None

    def judgement(self) -> Attribution:
        """All steps."""
        if self._invalid():
            return self._close("INVALID", DatasetQuality.UNKNOWN, GraderQuality.UNKNOWN)
        grader = self._broken_grader()
        dataset = self._dataset(grader)
        if grader is None and dataset is None and self.branch is not Branch.PROCEED:
            grader, dataset = self._blamed()
        blocked = self.branch is not Branch.PROCEED or grader in BROKEN or dataset is not None
        if grader is GraderQuality.NOISY and self._drowned():
            blocked = True
        grader = grader or self._plain_grader()
        if grader in BROKEN and dataset is None:
            dataset = DatasetQuality.UNKNOWN
        return self._close("NO-GO" if blocked else "GO", dataset or DatasetQuality.GOOD, grader)

    def _share(self, *outcomes: SampleOutcome) -> float:
        size = self.observed.outcome.size
        return float(np.isin(self.observed.outcome, [str(one) for one in outcomes]).mean()) if size else 0.0

    def _invalid(self) -> bool:
        limits, score = self.limits, self.observed.score
        prompts = np.unique(self.observed.prompt[np.isfinite(score)]).size
        missing = float(np.isnan(score).mean()) if score.size else 1.0
        if prompts < limits.min_prompts:
            self._tag("small_n", f"Only {prompts} prompts have a score; {limits.min_prompts} are needed.")
        if missing > limits.max_missing or self._manski(missing):
            self._tag("missing", f"{missing:.0%} of scores are missing, which could change the verdict.")
        for tag, share, words in (
            ("truncation", self._share(SampleOutcome.TRUNCATED), "hit the token limit"),
            ("empty", self._share(SampleOutcome.EMPTY), "are empty"),
        ):
            if share > limits.max_cut_off:
                self._tag(tag, f"{share:.0%} of responses {words}: no verdict on data or grader is possible.")
        return self.branch is None or bool(set(self.tags) - {"duplicates"})

    def _tag(self, tag: str, reason: str) -> None:
        self.tags.append(tag)
        self.reasons.append(reason)

    def _manski(self, missing: float) -> bool:
        """Whether scores of 0, or of 1, in all missing places would change the branch of the mean."""
        if not missing or not self.valid.size:
            return False
        bounds = (self.mean * (1 - missing), self.mean * (1 - missing) + missing)
        wide = max(self.std, self.limits.std_low)
        means = {decide(mean, wide, self.limits) for mean in (*bounds, self.mean)}
        return len(means) > 1

    def _broken_grader(self) -> GraderQuality | None:
        found, limits = self.scale, self.limits
        if found is not None and found.range is not None and found.range < limits.least_range:
            assert found.floor_median is not None
            self.reasons.append(
                f"Right answers score {found.ceiling:.2f} and junk {found.floor_median:.2f}: the grader has "
                "too little room between them."
            )
            if found.floor_median >= 0.60:
                return GraderQuality.TOO_LENIENT
            strict = found.floor_median < 0.30
            return GraderQuality.TOO_STRICT if strict else GraderQuality.CANNOT_DIFFERENTIATE
        if self._hackable():
            return GraderQuality.HACKABLE
        if self.noise is not None and self.reliability is not None and self._noisy():
            self.reasons.append(
                f"The same response graded again moves by {self.noise:.2f}; {max(self.reliability, 0):.0%} "
                "of the spread between responses to one prompt is signal."
            )
            return GraderQuality.NOISY
        return self._disagreeing()

    def _hackable(self) -> bool:
        name, floor, median = junk_floor(self.anchors.junk)
        if floor is None or median is None:
            return False
        hole = (floor >= 0.50 and median < 0.30) or (floor >= 0.30 and floor >= self.mean)
        if hole:
            words = name.replace("_", " ")
            self.reasons.append(
                f"Worthless answers ({words}) earn at least {floor:.2f}: training will find that."
            )
        return hole

    def _noisy(self) -> bool:
        assert self.noise is not None
        assert self.reliability is not None
        fits = self.branch in (Branch.PROCEED, Branch.LOW_VARIANCE)
        return (
            fits and self.noise >= self.limits.least_noise and self.reliability < self.limits.warn_reliability
        )

    def _drowned(self) -> bool:
        return self.reliability is not None and self.reliability < self.limits.min_reliability

    def _disagreeing(self) -> GraderQuality | None:
        if self.branch is not Branch.PROCEED or (self.scale is not None and self.scale.broken):
            return None  # the share of blame says more, or the references are to blame
        rate = disagreement(self.anchors.people, self.limits.min_labels, self.anchors.people_weight)
        if rate is None or rate <= self.limits.max_disagreement:
            return None
        self.reasons.append(
            f"People disagree with the grader on at least {rate:.0%} of the responses they labelled."
        )
        return GraderQuality.DISAGREES

    def _dataset(self, grader: GraderQuality | None) -> DatasetQuality | None:
        if self.scale is not None and self.scale.broken and grader not in BROKEN:
            self.reasons.append(f"{self.scale.broken:.0%} of the reference answers fail their own grader.")
            return DatasetQuality.BAD_REFERENCES
        if grader in BROKEN:
            return None
        refused = self._share(SampleOutcome.REFUSED, SampleOutcome.FILTERED)
        if refused > self.limits.max_refused:
            self.reasons.append(f"The model refuses {refused:.0%} of the prompts.")
            return DatasetQuality.REFUSALS
        if self.branch is Branch.PROCEED and self.groups and self.groups.usable < self.limits.min_usable:
            self.reasons.append(
                f"Only {self.groups.usable:.0%} of prompts would give a signal in groups of "
                f"{self.groups.group}: nearly all are always right or always wrong."
            )
            if self.groups.within == 0.0:
                self.reasons.append("All responses to one prompt score alike: is the temperature 0?")
            return DatasetQuality.POLARISED
        return None

    def _blamed(self) -> tuple[GraderQuality | None, DatasetQuality]:
        """After the tree failed: whose fault it is."""
        self.blame = blame = self._blame()
        low, high = self.limits.blame_data, self.limits.blame_grader
        if blame is None:
            self.reasons.append("Data or grader is undetermined: grade the reference answers.")
            return GraderQuality.UNKNOWN, DatasetQuality.UNKNOWN
        if blame <= low:
            self.reasons.append(f"The grader explains {blame:.0%} of it: the prompts are the cause.")
            return None, self._too_what()
        self.reasons.append(
            f"The grader explains {blame:.0%} of it" + (": mend it first." if blame < high else ".")
        )
        mended = {
            Branch.MEAN_TOO_LOW: GraderQuality.TOO_STRICT,
            Branch.MEAN_TOO_HIGH: GraderQuality.TOO_LENIENT,
        }
        assert self.branch is not None
        grader = mended.get(self.branch, GraderQuality.CANNOT_DIFFERENTIATE)
        return grader, DatasetQuality.UNKNOWN if blame >= high else self._too_what()

    def _too_what(self) -> DatasetQuality:
        if self.branch is Branch.MEAN_TOO_HIGH:
            return DatasetQuality.TOO_EASY
        if self.branch is Branch.MEAN_TOO_LOW or self.mean < self.limits.healthy_mean_low:
            return DatasetQuality.TOO_HARD
        return DatasetQuality.HOMOGENEOUS

    def _blame(self) -> float | None:
        found = self.scale
        if found is None:
            return self._blame_by_people()
        if self.branch is Branch.MEAN_TOO_LOW:
            best = found.ceiling if found.reformatted is None else min(found.ceiling, found.reformatted)
            return _clipped((1 - best) / (1 - self.mean))
        if found.floor_median is None or found.range is None:
            return None
        if self.branch is Branch.MEAN_TOO_HIGH:
            return _clipped(found.floor_median / self.mean)
        return _clipped(1 - found.range)

    def _blame_by_people(self) -> float | None:
        """Without right answers: what people's share of good responses would add to the mean, or take off."""
        people = self.anchors.people
        if people is None or people[0].size < self.limits.min_labels:
            return None
        weight = np.ones(people[0].size) if self.anchors.people_weight is None else self.anchors.people_weight
        good, _ = weighted_share(people[1] == 1, weight)
        if self.branch is Branch.MEAN_TOO_LOW:
            return _clipped((good - self.mean) / (1 - self.mean))
        return _clipped((self.mean - good) / self.mean) if self.branch is Branch.MEAN_TOO_HIGH else None

    def _plain_grader(self) -> GraderQuality:
        if self.scale is None and not self.anchors.junk and self.branch is not Branch.PROCEED:
            return GraderQuality.UNKNOWN
        return GraderQuality.BINARY if np.unique(np.round(self.valid, 6)).size <= 2 else GraderQuality.GOOD

    def _close(self, verdict: Verdict, dataset: DatasetQuality, grader: GraderQuality) -> Attribution:
        observed = self.observed
        own = np.where(np.isin(observed.outcome, NOT_OWN), np.nan, observed.score)
        topics = pooled_topics(own, observed.prompt, observed.topic, self.limits)
        return Attribution(
            verdict=verdict,
            branch=self.branch,
            dataset=dataset,
            grader=grader,
            blame=self.blame,
            problem_topics=tuple(topic.topic for topic in topics if topic.evidence == "confirmed"),
            tags=tuple(self.tags),
            scale=self.scale,
            groups=self.groups,
            noise=self.noise,
            reliability=self.reliability,
            reasons=tuple(self.reasons),
            not_measured=self._not_measured(),
        )

    def _not_measured(self) -> tuple[str, ...]:
        anchors = self.anchors
        missing = {
            "reference answers": anchors.reference is None,
            "reformatted reference answers": anchors.reformatted is None,
            "junk answers": not anchors.junk,
            "repeated grading": anchors.regraded is None,
            "several rollouts per prompt": self.groups is None,
            "people's labels (a wrong answer key passes every other test)": anchors.people is None,
        }
        return tuple(name for name, is_missing in missing.items() if is_missing)


def _clipped(share: float) -> float:
    return min(max(share, 0.0), 1.0)

"""Data or grader? The decision tree first, then what anchors, re-grading, rollouts and people add."""

from __future__ import annotations

import math
from dataclasses import dataclass

from dryrun.analysis.figures.anchors import Anchors, disagreement
from dryrun.analysis.figures.pooling import PooledTopic, pooled_topics
from dryrun.analysis.figures.readings import Share
from dryrun.analysis.figures.signal import FOLLOWS, RANGE, RELIABILITY, SPREAD, no_signal_words
from dryrun.analysis.figures.statistics import above, below
from dryrun.analysis.observations import Observations
from dryrun.analysis.training.record import Training, outcome_teaches
from dryrun.analysis.training.words import unlearning
from dryrun.analysis.verdict.conditions import REFUTED, Outweighed, outweighed
from dryrun.analysis.verdict.document import Diagnosis
from dryrun.analysis.verdict.grounds.blame import Blame, blame, blame_by_people
from dryrun.analysis.verdict.grounds.first_round import fault, likened
from dryrun.analysis.verdict.grounds.obstacles import misplaced_words, obstacle, right_refused, unpaid_step
from dryrun.analysis.verdict.measures import Measures, measure
from dryrun.analysis.verdict.tree import Branch, NoticeCode
from dryrun.analysis.verdict.validity import TAGS, sample_blockers
from dryrun.analysis.verdict.words import BROKEN, DatasetQuality, GraderQuality
from dryrun.core.config import Verdict
from dryrun.core.probe import FAR
from dryrun.core.records import SampleOutcome
from dryrun.core.text import percent
from dryrun.core.thresholds import Piece, Thresholds

VARY = "Draw the responses anew, past any cache and at a temperature above 0, so that they differ."
BETWEEN = "Use prompts that this model answers right some of the time, neither always nor never."
"""What to do where no two responses to one prompt earn different scores: alike ones, and ones that differ."""


@dataclass(frozen=True, slots=True)
class Attribution:
    """The judgement with evidence.

    Attributes
    ----------
    verdict : Verdict
    branch : Branch or None
        Of the document's tree; None where there are no scores.
    dataset, grader : DatasetQuality, GraderQuality
    blame : Blame or None
        The grader's share of the shortfall (or excess, or flatness). None where the tree did not fail
        or there are no anchors.
    topics : tuple of PooledTopic
    tags : tuple of str
        ``duplicates``, ``small_n``, ``missing``, ``truncation``, ``empty``.
    reasons : tuple of str
        What decided, in sentences, the weightiest first.
    not_measured : tuple of str
        What this judgement could not see.
    measures : Measures
    first_step : str
        What comes before anything else where a NO-GO has such a step, e.g. mending the grader's errors.
    covered : frozenset of NoticeCode
        Warnings that the reasons say already.
    outweighed : Outweighed or None
        What would have stopped the run, had real responses not spoken against it.
    """

    verdict: Verdict
    branch: Branch | None
    dataset: DatasetQuality
    grader: GraderQuality
    blame: Blame | None
    topics: tuple[PooledTopic, ...]
    tags: tuple[str, ...]
    reasons: tuple[str, ...]
    not_measured: tuple[str, ...]
    measures: Measures
    first_step: str = ""
    outweighed: Outweighed | None = None
    covered: frozenset[NoticeCode] = frozenset()

    @property
    def problem_topics(self) -> tuple[str, ...]:
        """Those that pooling confirms."""
        return tuple(topic.topic for topic in self.topics if topic.evidence == "confirmed")

    @property
    def thin_topics(self) -> frozenset[str]:
        """Those with too few prompts to be told from chance."""
        return frozenset(topic.topic for topic in self.topics if topic.evidence == "too few")

    @property
    def next_step(self) -> str:
        """What to do first; ``""`` after a GO."""
        if self.verdict != "NO-GO":
            return ""
        if self.first_step:
            return self.first_step
        if self.grader in BROKEN or self.grader is GraderQuality.NOISY:
            return self.grader.next_step
        return self.dataset.next_step


def attribute(
    observed: Observations,
    thresholds: Thresholds,
    anchors: Anchors,
    document: Diagnosis,
    training: Training | None = None,
) -> Attribution:
    """Judge with evidence.

    Parameters
    ----------
    observed : Observations
    thresholds : Thresholds
    anchors : Anchors
    document : Diagnosis
        Of the same scores under the same thresholds.
    training : Training, optional
    """
    observed = observed.ordered()
    measures = measure(observed, thresholds, anchors, training)
    return _Judge(observed, thresholds, measures, document).judgement()


class _Judge:
    """One judgement; the methods are its steps in order."""

    def __init__(
        self, observed: Observations, limits: Thresholds, measures: Measures, document: Diagnosis
    ) -> None:
        self.observed, self.limits, self.measures, self.document = observed, limits, measures, document
        self.reasons: list[str] = []
        self.covered: set[NoticeCode] = set()
        self.outweighed: Outweighed | None = None
        self.tags: list[str] = (
            ["duplicates"] if above(document.coverage.duplicate_share, limits.warn_duplicates) else []
        )
        self.blame: Blame | None = None
        self.first_step = ""

    def judgement(self) -> Attribution:
        """All steps."""
        if self._invalid():
            return self._close("INVALID", DatasetQuality.UNKNOWN, GraderQuality.UNKNOWN)
        failed = self.measures.branch is not Branch.PROCEED
        grader = self._broken_grader() or (None if failed else self._unlearning())
        dataset = self._dataset(grader)
        if grader is None and dataset is None and failed:
            grader, dataset = self._blamed()
        blocked = failed or grader in BROKEN or dataset is not None
        blocked |= grader is GraderQuality.NOISY and self._drowned()
        if blocked and not failed and outweighed(self.measures.signal, grader, dataset, self.limits):
            if quality := grader or dataset:
                self.outweighed = Outweighed(tuple(self.reasons), quality)
            blocked, self.reasons = False, []
            grader = None if grader in REFUTED else grader
        if not blocked and self._no_signal():
            blocked, (grader, dataset) = True, self._weakest(grader)
        grader = grader or self.measures.plain_grader
        if blocked and grader in BROKEN and dataset is None:
            dataset = DatasetQuality.UNKNOWN
        return self._close("NO-GO" if blocked else "GO", dataset or DatasetQuality.GOOD, grader)

    def _invalid(self) -> bool:
        document, limits = self.document, self.limits
        reasons = document.reasons if document.verdict == "INVALID" else ()
        reasons += sample_blockers(document.statistics, document.coverage, limits)
        self.reasons += [reason.sentence for reason in reasons]
        self.covered |= {reason.code for reason in reasons}
        self.tags += [TAGS[reason.code] for reason in reasons if reason.code in TAGS]
        return self.measures.branch is None or bool(reasons)

    def _broken_grader(self) -> GraderQuality | None:
        if self._fails():
            return GraderQuality.FAILS
        if (seen := fault(self.measures, self.limits)) is not None:
            self.reasons.append(seen.sentence)
            self.covered.update(seen.codes)
            return seen.quality
        return self._disagreeing()

    def _fails(self) -> bool:
        """Whether it raises on most responses, and right answers do not show that it works all the same.

        Without right answers the tree must have stopped the run.
        """
        errors, at, limits = self.observed.grader_error, self.measures.scale, self.limits
        if not errors.size or errors.mean() <= limits.grader_fails:
            return False
        if at is None and self.measures.branch is Branch.PROCEED:
            return False
        if at is not None and not at.stand_in and not at.broken and at.ceiling >= limits.warn_ceiling:
            return False
        commonest = self.observed.commonest_error
        most = f", most of them this one: {commonest}" if commonest else ""
        self.reasons.append(f"{int(errors.sum()):,} of {errors.size:,} grades carry an error{most}.")
        self.covered |= {NoticeCode.GRADER_ERRORS, NoticeCode.LOW_CEILING, NoticeCode.FAILING_REFERENCES}
        return True

    def _drowned(self) -> bool:
        """Whether noise drowns the signal, and real responses do not surely show that some is left."""
        index = self.measures.signal
        left = index is not None and index.teaches(self.limits, self.limits.min_signal)
        return self.measures.drowned(self.limits) and not left

    def _unlearning(self) -> GraderQuality | None:
        if reason := unlearning(self.measures.training):
            self.reasons.append(reason)
        return GraderQuality.UNLEARNS if reason else None

    def _disagreeing(self) -> GraderQuality | None:
        at = self.measures.scale
        if self.measures.branch is not Branch.PROCEED or (at is not None and at.broken):
            return None  # the share of blame says more, or the references are to blame
        anchors = self.measures.anchors
        rate = disagreement(anchors.people, self.limits, anchors.people_weight)
        if rate is None or rate <= self.limits.max_disagreement:
            return None
        share = f"at least {percent(rate)} of the responses they labelled"
        self.reasons.append(f"People disagree with the grader on {share}.")
        return GraderQuality.DISAGREES

    def _dataset(self, grader: GraderQuality | None) -> DatasetQuality | None:
        if grader in BROKEN:
            return None
        at, grouped = self.measures.scale, self.measures.groups
        elsewhere = self.measures.anchors.misplaced
        if elsewhere is not None and elsewhere.mostly:
            self.reasons.append(misplaced_words(elsewhere))
            self.covered.add(NoticeCode.MISPLACED)
            return DatasetQuality.MISPLACED
        if at is not None and at.broken and self.measures.references_fail:
            self.reasons.append(
                f"{percent(at.broken)} of {at.tried:,} reference answers fail their own grader."
            )
            return DatasetQuality.BAD_REFERENCES
        refused = self.observed.share_of(SampleOutcome.REFUSED, SampleOutcome.FILTERED)
        if Piece.SAMPLES not in self.limits.without and above(refused, self.limits.max_refused):
            self.reasons.append(f"{percent(refused)} of the responses were refused or filtered.")
            self.covered |= {NoticeCode.REFUSED, NoticeCode.MANY_REFUSING}
            return DatasetQuality.REFUSALS
        if (
            self.measures.branch is Branch.PROCEED
            and grouped
            and below(grouped.usable, self.limits.min_usable)
        ):
            alike = "nearly all are always right or always wrong."
            if grouped.within == 0.0:  # dropping such prompts would leave none
                varied = self.observed.lengths_differ
                alike = "all responses to one prompt score alike"
                alike += (
                    ", though they are not the same."
                    if varied
                    else ". Is the temperature 0? Or does a cache answer?"
                )
                self.first_step = BETWEEN if varied else VARY
            share = f"Only {percent(grouped.usable)} of prompts".replace("Only 0 % of prompts", "No prompt")
            self.reasons.append(f"{share} would give a signal in groups of {grouped.group}: {alike}")
            return DatasetQuality.POLARISED
        return None

    def _no_signal(self) -> bool:
        index, limits = self.measures.signal, self.limits
        if index is None or outcome_teaches(self.observed, self.measures.training, limits.min_usable):
            return False
        if index.pulls_nowhere(limits):
            return True
        if not below(index.on_reward, limits.min_signal):
            return False
        # Where the outcome differs in fewer groups than the reward, that alone is no NO-GO.
        return below(index.most * (index.on_reward / index.value if index.value else 1.0), limits.warn_signal)

    def _weakest(self, grader: GraderQuality | None) -> tuple[GraderQuality | None, DatasetQuality | None]:
        """Whose the weakest factor of the Signal Index, or of the pull, is."""
        index = self.measures.signal
        assert index is not None
        refused = right_refused(self.measures, self.limits, wrong_paid=self.limits.unpaid)
        self.reasons += [*filter(None, [refused]), no_signal_words(index, self.limits)]
        if refused:
            self.first_step = unpaid_step(self.measures, self.limits)
            return GraderQuality.TOO_STRICT, None
        if index.weakest_of_pull == SPREAD:
            return grader, self._one_sided()
        if index.weakest in (RANGE, FOLLOWS):
            return GraderQuality.CANNOT_DIFFERENTIATE, None
        if index.weakest == RELIABILITY and self.measures.loud(self.limits):
            return GraderQuality.NOISY, None
        return grader, DatasetQuality.POLARISED

    def _one_sided(self) -> DatasetQuality:
        """What prompts are whose responses are nearly all right, or nearly all wrong."""
        right = self.measures.readings.right if self.measures.readings is not None else math.nan
        if right < self.limits.healthy_mean_low:
            return DatasetQuality.TOO_HARD
        return DatasetQuality.TOO_EASY if right > self.limits.healthy_mean_high else DatasetQuality.POLARISED

    def _blamed(self) -> tuple[GraderQuality | None, DatasetQuality]:
        """After the tree failed: whose fault it is."""
        branch, at = self.measures.branch, self.measures.scale
        assert branch is not None
        if (read := self._by_reading()) is not None:
            return read
        share = None
        if at is not None:
            self.blame = blame(branch, self.measures.sums, self.measures.anchors, at, self.limits.right_from)
            share = self.blame.share if self.blame else None
        if share is not None and at is not None and at.stand_in and share > self.limits.blame_data:
            share, self.blame = None, None  # a stronger model's failures bound the share from above only
        if share is None:
            self.blame = blame_by_people(
                branch, self.measures.sums, self.measures.anchors, self.limits.min_labels
            )
            share = self.blame.share if self.blame else None
        if share is None:
            tried = "no answer that was tried is paid, read a response that should be"
            ask = tried if self.measures.anchors.form_unknown else "grade the reference answers"
            self.reasons.append(f"Data or grader is undetermined: {ask}.")
            return GraderQuality.UNKNOWN, DatasetQuality.UNKNOWN
        if share <= self.limits.blame_data:
            return None, self._too_what()
        mended = {
            Branch.MEAN_TOO_LOW: GraderQuality.TOO_STRICT,
            Branch.MEAN_TOO_HIGH: GraderQuality.TOO_LENIENT,
        }
        grader = mended.get(branch, GraderQuality.CANNOT_DIFFERENTIATE)
        return grader, DatasetQuality.UNKNOWN if share >= self.limits.blame_grader else self._too_what()

    def _by_reading(self) -> tuple[GraderQuality | None, DatasetQuality] | None:
        """Whose fault the mean is by what the responses say; None where they leave it open."""
        read = self.measures.readings
        if self.measures.branch is Branch.MEAN_TOO_HIGH and read is not None:
            return self._paid_wrong(read.not_right, read.read)
        if self.measures.branch is not Branch.MEAN_TOO_LOW:
            return None
        if (seen := obstacle(self.measures, self.limits)) is not None:
            self.reasons.append(seen.sentence)
            self.covered.add(seen.code)
            unknown = seen.quality is DatasetQuality.UNKNOWN
            self.first_step = seen.step if unknown else ""
            return GraderQuality.UNKNOWN if unknown else None, seen.quality
        if read is None:
            return None
        unpaid, wrong, limits = read.right_unpaid, read.not_right, self.limits
        if refused := right_refused(self.measures, self.limits):
            self.reasons.append(refused)
            self.first_step = unpaid_step(self.measures, self.limits)
            return GraderQuality.TOO_STRICT, DatasetQuality.UNKNOWN
        few_unpaid = unpaid.interval.high < limits.unpaid and not self.measures.nothing_paid
        if few_unpaid and wrong.interval.low > unpaid.interval.high:
            self.reasons.append(
                f"{wrong} of {read.read:,} responses do not hold the right answer in any form."
            )
            return None, self._too_what()
        return None

    def _paid_wrong(self, wrong: Share, read: int) -> tuple[GraderQuality, DatasetQuality] | None:
        """Under a mean that is too high: whether far too many of the responses are not right.

        Where nearness is paid, wrong answers may earn much and be paid rightly.
        """
        if wrong.interval.low < self.limits.blame_data or FAR in likened(self.measures, self.limits):
            return None
        self.reasons.append(
            f"{wrong} of {read:,} responses do not hold the right answer in any form, and most are paid."
        )
        return GraderQuality.TOO_LENIENT, DatasetQuality.UNKNOWN

    def _too_what(self) -> DatasetQuality:
        if self.measures.branch is Branch.MEAN_TOO_HIGH:
            return DatasetQuality.TOO_EASY
        low = below(self.measures.mean, self.limits.healthy_mean_low)
        if self.measures.branch is Branch.MEAN_TOO_LOW or low:
            return DatasetQuality.TOO_HARD
        return DatasetQuality.HOMOGENEOUS

    def _close(self, verdict: Verdict, dataset: DatasetQuality, grader: GraderQuality) -> Attribution:
        observed, topics = self.observed, tuple[PooledTopic, ...]()
        if Piece.TOPICS not in self.limits.without:
            topics = pooled_topics(self.measures.own, observed.prompt, observed.topic, self.limits)
        return Attribution(
            verdict=verdict,
            branch=self.measures.branch,
            dataset=dataset,
            grader=grader,
            blame=self.blame,
            topics=topics,
            tags=tuple(self.tags),
            reasons=tuple(self.reasons),
            not_measured=self.measures.not_measured,
            measures=self.measures,
            first_step=self.first_step,
            outweighed=self.outweighed,
            covered=frozenset(self.covered),
        )

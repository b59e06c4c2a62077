"""Likely causes, what the evidence rules out, and what to do."""

from __future__ import annotations

from dataclasses import dataclass, replace

from dryrun.analysis.figures.statistics import above
from dryrun.analysis.verdict.attribution import BETWEEN, Attribution
from dryrun.analysis.verdict.document import Diagnosis
from dryrun.analysis.verdict.grounds.obstacles import behind_obstacles
from dryrun.analysis.verdict.topics import no_news, topic_actions
from dryrun.analysis.verdict.tree import Branch
from dryrun.analysis.verdict.words import (
    BROKEN,
    CONFIRM,
    GRADER_FAILS,
    READ_OFF,
    Action,
    ActionKind,
    BlamedPart,
    Cause,
    DatasetQuality,
    GraderQuality,
)
from dryrun.core.config import Verdict
from dryrun.core.text import percent
from dryrun.core.thresholds import Thresholds

REPEAT = {
    "truncation": "Raise the token limit and ask the cut-off prompts again",
    "empty": "Find out why responses are empty (reasoning that eats the token limit, an answer in another "
    "field), then ask again",
    "missing": "Find out why scores are missing (failed calls, grader failures), and mend that",
}
"""What to measure again, by the tag of a run without a verdict."""


@dataclass(frozen=True, slots=True)
class Blamed:
    """What a judgement blames, and what follows from that.

    Attributes
    ----------
    verdict : Verdict
    document : Diagnosis
    judged : Attribution
    thresholds : Thresholds
    dataset, grader : DatasetQuality, GraderQuality
        As they are shown.
    undecided : bool
        The tree stopped the run and nothing says whose fault it is.
    step : str
        What to do first.
    teaches : bool
        Many groups would teach all the same.
    """

    verdict: Verdict
    document: Diagnosis
    judged: Attribution
    thresholds: Thresholds
    dataset: DatasetQuality
    grader: GraderQuality
    undecided: bool
    step: str
    teaches: bool = False

    @property
    def narrow(self) -> str:
        """The figures where a grader uses little of its scale though right answers earn more; else ``""``."""
        at = self.judged.measures.scale
        little = at is not None and at.range is not None and at.range < self.thresholds.full_range
        if not self.teaches or self.judged.branch is not Branch.LOW_VARIANCE or at is None or not little:
            return ""
        return f"Right answers score {at.ceiling:.2f} and worthless ones {at.floor_median:.2f}"

    @property
    def right(self) -> float:
        """Share of right responses, paid or not, where it is too large for "too hard"; else 0."""
        read = self.judged.measures.readings
        return 0.0 if read is None or read.right < self.thresholds.mean_low else read.right

    @property
    def causes(self) -> tuple[Cause, ...]:
        """The document's causes, less those that the evidence rules out, the one it names first.

        Where the tree let the run pass, or none of its causes is left, the fault that the evidence found is
        the only cause.
        """
        if self.verdict != "NO-GO":
            return ()
        if self.document.verdict != "NO-GO":
            return self._by_evidence
        kept = (self._worded(cause) for cause in self.document.causes if not self._refuted(cause))
        if self.grader is GraderQuality.FAILS:
            kept = (
                cause for cause in kept if cause.part is BlamedPart.DATASET or cause in GRADER_FAILS.causes
            )
        grader_first = self._grader_first and not self.undecided
        first = BlamedPart.GRADER if grader_first else BlamedPart.DATASET
        return tuple(sorted(kept, key=lambda cause: cause.part is not first)) or self._by_evidence

    def _worded(self, cause: Cause) -> Cause:
        """The cause in words that are true where many groups would teach."""
        grouped, step = self.judged.measures.groups, self.step.rstrip(".") or cause.solution
        if self.narrow and cause.part is BlamedPart.GRADER:
            return Cause(cause.part, "It uses little of its scale", self.narrow, step)
        hard = self.dataset is DatasetQuality.TOO_HARD and cause.part is BlamedPart.DATASET
        if self.teaches and hard and grouped is not None:
            dead = percent(grouped.all_wrong) if grouped.all_wrong else "None"
            return Cause(cause.part, cause.title, f"{dead} of them scored 0 every time", step)
        usual = (
            self.document.grader_quality if cause.part is BlamedPart.GRADER else self.document.dataset_quality
        )
        blamed = self.grader if cause.part is BlamedPart.GRADER else self.dataset
        if cause in GRADER_FAILS.causes or self.undecided or not blamed.fault:
            return cause
        if blamed == usual:  # the document's words, with a step of its own where one was seen
            own = cause.part is BlamedPart.GRADER and self._grader_first and self.step != blamed.next_step
            return replace(cause, solution=step) if own else cause
        return Cause(cause.part, blamed.fault, blamed.line.sentence, step)

    @property
    def _by_evidence(self) -> tuple[Cause, ...]:
        part = BlamedPart.GRADER if self.judged.grader.fault else BlamedPart.DATASET
        quality = self.judged.grader if self.judged.grader.fault else self.judged.dataset
        if not quality.fault:
            return ()
        return (Cause(part, quality.fault, quality.line.sentence, self.step.rstrip(".")),)

    @property
    def ruled_out(self) -> tuple[str, ...]:
        """The document's causes that the evidence refutes, each with the measured reason."""
        if self.verdict != "NO-GO" or self.document.verdict != "NO-GO" or not self.causes:
            return ()
        refuted = (cause for cause in self.document.causes if self._refuted(cause))
        return tuple(
            f"Ruled out: {cause.title.lower()} ({why})." for cause in refuted if (why := self._why_not(cause))
        )

    @property
    def actions(self) -> tuple[Action, ...]:
        """What to do: what the evidence says first, then the document's where it leaves both open."""
        general = tuple(action for action in self.document.actions if action.topic is None)
        reference = self.judged.measures.anchors.topic_reference
        alike = no_news(self.document.topics, self.judged.thin_topics)
        told_apart = tuple(topic for topic in self.document.topics if topic.topic not in alike)
        topics = topic_actions(told_apart, self.thresholds, reference)
        if self.verdict == "INVALID":
            return self._measure_again(general)
        if self.verdict == "GO":
            return () if behind_obstacles(self.judged.measures, self.thresholds) else topics
        step = self.step
        if self.undecided or not step:
            return (*self._still_open(general), *topics)
        if self._form_alone:
            return (Action(self._kind, step), *general, *topics)
        review = (CONFIRM for action in general if action.kind is ActionKind.REVIEW_SAMPLES)
        # Behind a broken grader, or what else explains the scores, no topic can be judged.
        explained = self.judged.first_step or self.dataset in READ_OFF
        about_topics = () if self.judged.grader in BROKEN or explained else topics
        return (Action(self._kind, step), *review, *about_topics)

    @property
    def _kind(self) -> ActionKind:
        if self._grader_first:
            return ActionKind.ADJUST_GRADER
        if "(Adjust Grader" in self.judged.first_step:
            return ActionKind.ADJUST_GRADER
        if self.judged.first_step not in ("", BETWEEN):
            return ActionKind.MEASURE_MORE
        too_hard = self.dataset is DatasetQuality.TOO_HARD
        return ActionKind.TRY_SFT if too_hard else ActionKind.CHANGE_DATASET

    def _measure_again(self, general: tuple[Action, ...]) -> tuple[Action, ...]:
        """Without a verdict nothing is known of data or grader, so nothing is to be done to them."""
        again = tuple(action for action in general if action.kind is ActionKind.MEASURE_MORE)
        tags = (tag for tag in self.judged.tags if tag in REPEAT)
        return again or tuple(Action(ActionKind.MEASURE_MORE, REPEAT[tag]) for tag in tags)

    def _still_open(self, general: tuple[Action, ...]) -> tuple[Action, ...]:
        """The document's actions while both explanations stand; no SFT where responses are right."""
        if not self.right:
            return general
        return tuple(action for action in general if action.kind is not ActionKind.TRY_SFT)

    def _refuted(self, cause: Cause) -> bool:
        if cause in GRADER_FAILS.causes:
            return False
        easy = self.judged.branch is Branch.MEAN_TOO_HIGH  # right answers refute "too hard" alone
        hard = self.dataset not in READ_OFF
        if cause.part is BlamedPart.DATASET and self.right and hard and not easy:
            return True
        if self.undecided or self._form_alone:
            return False
        if cause.part is BlamedPart.GRADER:
            return not self._grader_first
        return self.dataset in (DatasetQuality.GOOD, DatasetQuality.UNKNOWN)

    def _why_not(self, cause: Cause) -> str:
        at = self.judged.measures.scale
        if cause.part is BlamedPart.DATASET:
            return f"{percent(self.right)} of the responses hold the right answer" if self.right else ""
        if at is None or at.stand_in:
            return ""
        if self.judged.branch is Branch.MEAN_TOO_HIGH:
            return "" if at.floor_median is None else f"worthless answers score {at.floor_median:.2f}"
        right = at.ceiling >= self.thresholds.warn_ceiling
        return f"your own reference answers score {at.ceiling:.2f}" if right else ""

    @property
    def _form_alone(self) -> bool:
        """Only references in another form speak against the grader: a strict form may be wanted."""
        at, low = self.judged.measures.scale, self.judged.branch is Branch.MEAN_TOO_LOW
        if self.judged.blame is None or at is None or at.reformatted is None or not low:
            return False
        minds = above(at.ceiling - at.reformatted, self.thresholds.warn_reformatted)
        return minds and 1 - at.ceiling <= self.thresholds.blame_data

    @property
    def _grader_first(self) -> bool:
        return self.grader not in (GraderQuality.GOOD, GraderQuality.BINARY, GraderQuality.UNKNOWN)

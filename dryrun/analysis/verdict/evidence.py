"""The judgement: the document's decision tree, and beside it every piece of evidence there is."""

from __future__ import annotations

from dataclasses import dataclass, replace

from dryrun.analysis.figures.agreement import Agreement, Labelled, agreement
from dryrun.analysis.figures.anchors import Anchors
from dryrun.analysis.figures.groups import Groups, StripColumn, group_strip
from dryrun.analysis.observations import Observations
from dryrun.analysis.probes.profile import Profile
from dryrun.analysis.training.record import Training
from dryrun.analysis.verdict.attribution import Attribution, attribute
from dryrun.analysis.verdict.causes import Blamed
from dryrun.analysis.verdict.conditions import Condition, GraderReview, conditions, outweighing, unsaid
from dryrun.analysis.verdict.document import NOT_MEASURED, Diagnosis, diagnose
from dryrun.analysis.verdict.grounds.blame import Blame
from dryrun.analysis.verdict.measures import PEOPLE, Measures
from dryrun.analysis.verdict.sentences import (
    Spoken,
    agreement_words,
    cause_sentence,
    document_only,
    first_step,
    headline,
    how_sure,
    next_sentence,
    short_reason,
    summary,
    would_teach,
)
from dryrun.analysis.verdict.stability import Stability
from dryrun.analysis.verdict.topics import no_news
from dryrun.analysis.verdict.tree import Notice, NoticeCode
from dryrun.analysis.verdict.warnings import cautions
from dryrun.analysis.verdict.words import Action, Cause, DatasetQuality, GraderQuality, Quality
from dryrun.core.config import Verdict
from dryrun.core.text import percent
from dryrun.core.thresholds import Piece, Thresholds

TREE_ALONE = "By mean and std alone: how sure that is was not asked."
OPEN = {
    "reference answers": "Reference answers: whose fault a low, high or flat score is.",
    "the form of right answers": "Reference answers: right answers could not be written in the form this "
    "grader wants. Responses earn more, or nothing is paid; this says nothing against the grader.",
    "reformatted reference answers": "Reformatted reference answers: whether the grader minds the format.",
    "worthless answers": "Worthless answers: whether the grader pays them.",
    "repeated grading": "Repeated grading: whether the same response earns the same twice.",
    "several rollouts per prompt": "Several responses per prompt: whether training groups would differ.",
    PEOPLE: "People's labels: a wrong answer key passes every other test.",
}
"""What stays open without each."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is concluded from a run, and from what.

    Attributes
    ----------
    document : Diagnosis
        By the design document's decision tree; it decides first and always stands in the report.
    attribution : Attribution
        The judgement with evidence; the document's where none entered.
    thresholds : Thresholds
    pieces : tuple of Piece
        The evidence that entered, by name.
    warnings : tuple of Notice
        The document's, and those of the evidence.
    people : Agreement or None
        Grader and people side by side, where somebody labelled.
    people_words : tuple of str
        The same in sentences.
    review : GraderReview or None
        What probing the grader says; None where nobody probed it.
    """

    document: Diagnosis
    attribution: Attribution
    thresholds: Thresholds
    pieces: tuple[Piece, ...]
    warnings: tuple[Notice, ...]
    people: Agreement | None = None
    people_words: tuple[str, ...] = ()
    review: GraderReview | None = None

    @property
    def verdict(self) -> Verdict:
        """GO, NO-GO or INVALID: what counts."""
        return self.document.verdict if self.document_only else self.attribution.verdict

    @property
    def document_only(self) -> bool:
        """Whether the tree was asked for alone."""
        return self.thresholds.document_only

    @property
    def dataset_quality(self) -> DatasetQuality:
        """What the evidence says about the prompts; without anchors, the document's words for a failure."""
        return self.document.dataset_quality if self._undecided() else self.attribution.dataset

    @property
    def grader_quality(self) -> GraderQuality:
        """What the evidence says about the grader."""
        return self.document.grader_quality if self._undecided() else self.attribution.grader

    @property
    def problem_topics(self) -> tuple[str, ...]:
        """Topics confirmed by pooling; by the document's rule where pooling was left out."""
        if Piece.TOPICS in self.thresholds.without:
            return tuple(topic.topic for topic in self.document.topics if topic.status == "problem")
        return self.attribution.problem_topics

    @property
    def tags(self) -> tuple[str, ...]:
        """``duplicates``, ``small_n``, ``missing``, ``truncation``, ``empty``."""
        return self.attribution.tags

    @property
    def blame(self) -> Blame | None:
        """The grader's share of what stopped the tree."""
        return self.attribution.blame

    @property
    def measures(self) -> Measures:
        """All figures."""
        return self.attribution.measures

    @property
    def stability(self) -> Stability | None:
        """How the verdict holds when prompts are drawn again."""
        return self.measures.stability if self.verdict != "INVALID" else None

    @property
    def groups(self) -> Groups | None:
        """Whether the responses to one prompt differ."""
        return self.measures.groups

    @property
    def strip(self) -> tuple[StripColumn, ...]:
        """Prompts sorted by mean with their scores; empty with one response per prompt."""
        if self.groups is None:
            return ()
        return group_strip(self.measures.own, self.measures.prompt)

    @property
    def borderline(self) -> bool:
        """Re-draws change the tree's verdict more often than `Thresholds.stability` allows."""
        held = self.stability
        return held is not None and held.same_verdict < self.thresholds.stability

    @property
    def undetermined(self) -> bool:
        """The tree stopped the run and nothing says whose fault it is."""
        judged = self.attribution
        unknown = judged.grader is GraderQuality.UNKNOWN and judged.dataset is DatasetQuality.UNKNOWN
        stopped = judged.verdict == self.document.verdict == "NO-GO"
        return stopped and unknown and not judged.first_step

    @property
    def not_measured(self) -> tuple[str, ...]:
        """What the verdict leaves open, in sentences."""
        if self.document_only:
            return NOT_MEASURED
        return tuple(OPEN[name] for name in self.attribution.not_measured if name in OPEN)

    def _undecided(self) -> bool:
        return self.document_only or self.undetermined

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """What to mend before training after a GO, the weightiest first; empty under the tree alone."""
        if self.verdict != "GO" or self.document_only:
            return ()
        return conditions(self.warnings, self.doubted, self.attribution.outweighed)

    @property
    def doubted(self) -> GraderReview | None:
        """The grader check where it found something to mend; None too where real responses refute it.

        A form of the right answer that is refused says nothing where hardly any response goes unpaid for it.
        """
        review, read = self.review, self.measures.readings
        if review is None or not review.blocking or self.document_only:
            return None
        paid = read is not None and read.right_unpaid.interval.high < self.thresholds.unpaid
        return None if paid and review.profile in (Profile.TOO_STRICT, Profile.FAILS) else review

    @property
    def grader_checked(self) -> bool:
        """Whether the grader was probed, or graded right and worthless answers."""
        anchors = self.measures.anchors
        anchored = anchors.reference is not None and bool(anchors.junk)
        return anchored or (self.review is not None and self.review.judged)

    @property
    def _spoken(self) -> Spoken:
        return Spoken(
            self.verdict,
            self.borderline,
            self.document,
            self.attribution,
            self.stability,
            self.thresholds,
            self.conditions,
        )

    @property
    def headline(self) -> str:
        """The verdict in a few words: ``"GO, with conditions"``, ``"NO-GO"``, ``"GO (borderline)"``."""
        return self.document.verdict if self.document_only else headline(self._spoken)

    @property
    def summary(self) -> str:
        """Headline, how sure, and why, in one line."""
        return document_only(self.document) if self.document_only else summary(self._spoken)

    @property
    def short_reason(self) -> str:
        """Why, in a sentence or two."""
        if self.document_only:
            return " ".join(reason.sentence for reason in self.document.reasons)
        return short_reason(self._spoken)

    @property
    def how_sure(self) -> str:
        """How far sampling alone could change the verdict, and what nobody checked."""
        return TREE_ALONE if self.document_only else how_sure(self._spoken)

    @property
    def sentences(self) -> tuple[str, ...]:
        """What stands under the summary: cause and blame, other reasons, what to do next. None twice."""
        if self.document_only:
            return ()
        lines = [cause_sentence(self._spoken), *self.attribution.reasons, *self._blamed.ruled_out]
        blameless = self.grader_quality is GraderQuality.UNKNOWN and self.attribution.first_step
        if self.doubted is not None and self.verdict != "GO" and not blameless:
            lines.append(f"The grader check says: {self.doubted.profile}. {self.doubted.blocking[0]}")
        lines += [] if blameless else self._refuted_check()
        lines += [next_sentence(self._spoken), *self.people_words]
        summary = self.summary
        kept: list[str] = []
        for line in filter(None, lines):
            if line not in summary and not any(line.casefold() in other.casefold() for other in kept):
                kept.append(line)
        return tuple(kept)

    def _refuted_check(self) -> list[str]:
        read = self.measures.readings
        if read is None or self.review is None or not self.review.blocking or self.doubted is not None:
            return []
        strict, most = self.review.profile == Profile.TOO_STRICT, percent(read.right_unpaid.interval.high)
        seen = "forms of a right answer that earn little" if strict else "answers that the grader fails on"
        return [
            f"The grader check found {seen}; hardly any response is one: at most {most} are right and unpaid."
        ]

    @property
    def dataset_line(self) -> Quality:
        """The dataset's quality in words; "possibly" only where nothing tells it from the grader's."""
        line = self.dataset_quality.line
        if self.dataset_quality is DatasetQuality.TOO_HARD and (right := self._blamed.right):
            line = Quality(line.word, f"{percent(right)} of the responses hold the right answer")
        elif self.dataset_quality is DatasetQuality.TOO_HARD and self.groups and would_teach(self._spoken):
            line = Quality(line.word, f"{percent(1 - self.groups.all_wrong)} of them earned something")
        return line if self._undecided() else line.firm

    @property
    def grader_line(self) -> Quality:
        """The grader's quality in words, with what nobody has checked."""
        line = self.grader_quality.line
        if self._undecided():
            return line
        if self._blamed.narrow:
            return Quality("Narrow scale", self._blamed.narrow)
        if self.doubted is not None and self.grader_quality in (GraderQuality.GOOD, GraderQuality.BINARY):
            seen = "Good by its scores" if self.grader_quality is GraderQuality.GOOD else line.word
            return Quality(f"{seen}; {self.doubted.profile} by its check", "Scores alone do not show it")
        if self.grader_quality is not GraderQuality.GOOD:
            return line.firm
        at = self.measures.scale
        weak = any(notice.code is NoticeCode.STD_BELOW_HEALTHY for notice in self.warnings)
        sentence = "Scores differentiate outputs weakly" if weak else line.sentence
        if self.document.verdict == "NO-GO" and at is not None and at.floor_median is not None:
            sentence = f"Right answers score {at.ceiling:.2f}, worthless ones {at.floor_median:.2f}"
        return Quality("Good" if self.grader_checked else "Good by its scores; not checked", sentence)

    @property
    def _blamed(self) -> Blamed:
        return Blamed(
            self.verdict,
            self.document,
            self.attribution,
            self.thresholds,
            self.dataset_quality,
            self.grader_quality,
            undecided=self._undecided(),
            step=first_step(self._spoken),
            teaches=would_teach(self._spoken),
        )

    @property
    def causes(self) -> tuple[Cause, ...]:
        """The document's causes, less those that the evidence rules out, the one it names first."""
        return self.document.causes if self.document_only else self._blamed.causes

    @property
    def actions(self) -> tuple[Action, ...]:
        """What to do: what the evidence says first, then the document's where it leaves both open."""
        return self.document.actions if self.document_only else self._blamed.actions


def diagnose_with_evidence(
    observations: Observations,
    anchors: Anchors | None = None,
    thresholds: Thresholds | None = None,
    *,
    duplicate_rows: int = 0,
    labelled: Labelled | None = None,
    review: GraderReview | None = None,
    training: Training | None = None,
) -> Evidence:
    """Judge a run: the document's decision tree first, then what the evidence adds to it.

    Parameters
    ----------
    observations : Observations
        All rollouts of the run, those without a score included. May be empty. `Observations.of` makes
        them from a table of scores.
    anchors : Anchors, optional
        What the grader pays for reference answers, worthless ones, a stronger model's; re-grades; people's
        labels. Each part may be missing; what is missing is listed as not measured.
    thresholds : Thresholds, optional
        Default: the design document's numbers and this project's. `Thresholds.strict()` leaves the tree
        alone; `Thresholds.without` leaves out single pieces of evidence.
    duplicate_rows : int
        Drawn rows that repeat an earlier one, which the observations do not show.
    labelled : Labelled, optional
        People's labels of responses; they enter the verdict from `Thresholds.min_labels` on.
    review : GraderReview, optional
        What probing says about the grader. A fault turns a GO into a GO with conditions.
    training : Training, optional
        What training would be paid for, measured once for these observations.

    Returns
    -------
    Evidence
        Its `verdict`, `dataset_quality`, `grader_quality`, `problem_topics`, `tags`, `blame`, `warnings`,
        `summary` and `sentences` are the judgement. The same for the same input: draws are seeded.
    """
    limits = thresholds or Thresholds()
    known = with_people(anchors or Anchors(), labelled, limits)
    labels = labelled if Piece.PEOPLE not in limits.without else None
    agreed = agreement(labels, limits) if labels else None
    document = diagnose(observations, limits, duplicate_rows=duplicate_rows)
    judged = attribute(observations, limits, known, document, training)
    silent = limits.document_only or judged.verdict == "INVALID"
    warned = () if silent else cautions(judged.measures, limits)
    heavier = outweighing(judged.outweighed, judged.measures.signal)
    unsaid_topics = () if limits.document_only else no_news(document.topics, judged.thin_topics)
    figured = (notice for notice in document.warnings if notice.topic not in unsaid_topics)
    warnings = unsaid((*figured, *heavier, *warned), () if limits.document_only else judged.covered)
    return Evidence(
        document=document,
        attribution=judged,
        thresholds=limits,
        pieces=_entered(judged.measures, limits),
        warnings=warnings,
        people=agreed,
        people_words=agreement_words(agreed, labels, limits) if labels else (),
        review=review,
    )


def with_people(anchors: Anchors, labelled: Labelled | None, thresholds: Thresholds) -> Anchors:
    """The anchors with people's labels beside them, where there are enough of these."""
    if labelled is None or labelled.score.size < thresholds.min_labels:
        return anchors
    return replace(anchors, people=(labelled.score, labelled.good), people_weight=labelled.weight)


def _entered(measures: Measures, limits: Thresholds) -> tuple[Piece, ...]:
    anchors = measures.anchors
    present = {
        Piece.SAMPLES: True,
        Piece.STABILITY: measures.stability is not None,
        Piece.GROUPS: measures.groups is not None,
        Piece.REFERENCES: anchors.reference is not None,
        Piece.REFORMATTED: anchors.reformatted is not None,
        Piece.STRONGER: anchors.stronger is not None,
        Piece.WORTHLESS: bool(anchors.junk),
        Piece.REGRADING: measures.noise is not None,
        Piece.SIGNAL: measures.signal is not None,
        Piece.LENGTH: measures.length is not None,
        Piece.RESOLUTION: measures.resolution is not None,
        Piece.TOPICS: True,
        Piece.PEOPLE: anchors.people is not None,
    }
    return tuple(piece for piece in Piece if present[piece] and piece not in limits.without)

"""GO, with conditions: what does not stop a run and should be mended before money is spent on it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from dryrun.analysis.figures.signal import SignalIndex
from dryrun.analysis.verdict.tree import Notice, NoticeCode
from dryrun.analysis.verdict.words import DatasetQuality, GraderQuality
from dryrun.core.thresholds import Thresholds


@dataclass(frozen=True, slots=True)
class GraderReview:
    """What probing says about the grader.

    Attributes
    ----------
    profile : str
        The grader in one word, ``"SOUND"``, ``"TOO LENIENT"``.
    blocking : tuple of str
        What to mend before training, in sentences, the worst first; empty where nothing is.
    judged : bool
        Whether enough was graded to say anything.
    """

    profile: str
    blocking: tuple[str, ...]
    judged: bool


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing to mend before training.

    Attributes
    ----------
    code : str
        A `NoticeCode`, or ``"grader_check"``.
    step : str
        What to do, as the headline says it: ``"mend the reference answers that fail"``.
    sentence : str
        What was measured.
    """

    code: str
    step: str
    sentence: str


STEPS: Mapping[NoticeCode, str] = {
    NoticeCode.GRADER_ERRORS: "mend the grader's errors",
    NoticeCode.NOISY_GRADER: "make the grader steadier",
    NoticeCode.MISPLACED: "join prompts and references anew",
    NoticeCode.CONTRADICTED: "mend rows that contradict each other, or keep one of each",
    NoticeCode.UNREFERENCED: "fill in the reference answers that are missing, or drop their rows",
    NoticeCode.AROUND_ANSWERS: "take what stands around the answers out of the responses",
    NoticeCode.UNREAD_CALLS: "let the grader read tool calls, or ask for text",
    NoticeCode.REASONING_ALONE: "raise the token limit, or mend the chat template",
    NoticeCode.COPIED: "find out why responses are the prompt again",
    NoticeCode.MANY_REFUSING: "find out why the model refuses",
    NoticeCode.REPEATED: "find out why different prompts get the same text",
    NoticeCode.SEVERAL_MODELS: "ask one model alone",
    NoticeCode.OUTWEIGHED: "mend what the checks found",
    NoticeCode.FAILING_REFERENCES: "mend the reference answers that fail, or drop their rows",
    NoticeCode.RIGHT_UNPAID: "let the grader pay right answers that it refuses",
    NoticeCode.WORTHLESS_PAID: "make the grader refuse worthless answers",
    NoticeCode.FORM_PAYS_MOST: "pay the form only where the answer is right",
    NoticeCode.PARTS_UNREAD: "let the grader read every part of the answer",
    NoticeCode.HEDGED_PAID: "make the grader refuse answers that name several values",
    NoticeCode.LOW_CEILING: "let the grader pay your own reference answers in full",
    NoticeCode.GRADER_UNSTABLE: "make the grader give the same response the same score",
    NoticeCode.TRUNCATED: "raise the token limit",
    NoticeCode.FEW_USABLE: "drop prompts that are always right or always wrong",
    NoticeCode.MOSTLY_SHAPING: "pay the other parts of the reward only for right answers",
    NoticeCode.WEAK_SIGNAL: "strengthen the training signal",
}
"""Warnings that are worth mending first, the weightiest first, with what to do. Under errors and noise no
finding of the grader holds; refused and cut-off responses make groups alike, and the signal weak."""


REFUTED = {GraderQuality.CANNOT_DIFFERENTIATE, GraderQuality.TOO_STRICT}
"""Findings that are not reported for a grader whose scores follow right answers."""
OF_RESPONSES = {GraderQuality.UNLEARNS, GraderQuality.FAILS}
"""Findings that real responses show, not answers made up to try the grader."""


def outweighed(
    index: SignalIndex | None,
    grader: GraderQuality | None,
    dataset: DatasetQuality | None,
    limits: Thresholds,
) -> bool:
    """Whether real responses outweigh a finding that would block a run whose scores the tree lets pass.

    They do where what they earn surely follows right answers and would pull training towards them. Findings
    that are read off real responses themselves take a surely strong index. Not people's labels, and not
    groups that hardly differ.
    """
    if index is None or grader is GraderQuality.DISAGREES or dataset is DatasetQuality.POLARISED:
        return False
    if grader in OF_RESPONSES or dataset is DatasetQuality.MISPLACED:
        return index.least is not None and index.least >= limits.warn_signal
    return index.teaches(limits, limits.warn_signal)


@dataclass(frozen=True, slots=True)
class Outweighed:
    """What would have stopped the run, had real responses not spoken against it.

    Attributes
    ----------
    findings : tuple of str
        In sentences.
    quality : GraderQuality or DatasetQuality
        What they show.
    """

    findings: tuple[str, ...]
    quality: GraderQuality | DatasetQuality

    @property
    def step(self) -> str:
        """What to do about it, as the headline says it."""
        first = self.quality.next_step.partition(". ")[0].rstrip(".")
        return first[:1].lower() + first[1:]


def outweighing(heavier: Outweighed | None, index: SignalIndex | None) -> tuple[Notice, ...]:
    """The findings that real responses outweigh, as a warning; empty where there is none."""
    if heavier is None or index is None or index.follows is None:
        return ()
    words = (
        f"{' '.join(heavier.findings)} No NO-GO, since what real responses earn follows right answers "
        f"(correlation {index.follows:.2f})."
    )
    return (Notice(NoticeCode.OUTWEIGHED, words, index.follows),)


def unsaid(warnings: tuple[Notice, ...], covered: Collection[NoticeCode]) -> tuple[Notice, ...]:
    """The warnings less those that the reasons say, and those that stand in the outweighed findings."""
    heavy = " ".join(notice.sentence for notice in warnings if notice.code is NoticeCode.OUTWEIGHED)
    return tuple(
        notice
        for notice in warnings
        if notice.code not in covered
        and (notice.code is NoticeCode.OUTWEIGHED or notice.sentence.rstrip(".") not in heavy)
    )


def conditions(
    warnings: tuple[Notice, ...], review: GraderReview | None, heavier: Outweighed | None = None
) -> tuple[Condition, ...]:
    """What a GO hangs on, the weightiest first; empty where nothing stands against training.

    What responses and the first round show of the grader stands before its check, which says it in general.
    """
    by_code, codes = {notice.code: notice for notice in warnings}, list(STEPS)
    steps = STEPS if heavier is None else {**STEPS, NoticeCode.OUTWEIGHED: heavier.step}
    after_check = codes.index(NoticeCode.GRADER_UNSTABLE)
    weighed = [
        Condition(code.value, step, by_code[code].sentence) if code in by_code else None
        for code, step in steps.items()
    ]
    ranked = (*weighed[:after_check], _of_check(review), *weighed[after_check:])
    return tuple(filter(None, ranked))


def _of_check(review: GraderReview | None) -> Condition | None:
    if review is None or not review.blocking:
        return None
    words = f"The grader check says: {review.profile}. {review.blocking[0]}"
    return Condition("grader_check", "mend the grader", words)

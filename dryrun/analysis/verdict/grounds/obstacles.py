"""What keeps responses from being paid that is neither the grader's fault nor too hard a prompt."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from dryrun.analysis.figures.readings import PAID, Misplaced, Repeated
from dryrun.analysis.figures.statistics import above, below
from dryrun.analysis.verdict.measures import Measures
from dryrun.analysis.verdict.tree import Branch, Notice, NoticeCode
from dryrun.analysis.verdict.words import RE_SCORE, DatasetQuality
from dryrun.core.text import inert, percent, plural
from dryrun.core.thresholds import ProbeLimits, Thresholds

SHOWN_PAIRS = 5
MOSTLY = 0.5
"""From this share of refusals, of unread tool calls, or of copied prompts on they are the cause, however the
other responses do."""

REASONING = (
    "{share} of the responses hold their reasoning in front of the answer (up to a closing tag such as "
    "</think>), and the grader gets the whole response. {right} of the responses hold the right answer "
    "behind it."
)
CUT_REASONING = (
    "Re-score the stored responses with what follows the reasoning (Adjust Grader, or regrade "
    "--cut-reasoning): no call is made. Until then neither the prompts nor the grader can be blamed."
)
END_TOKEN = (
    "{share} of the responses hold the chat template's own end token (such as <|im_end|>), and the grader "
    "is given it. {right} of the responses hold the right answer before it."
)
STOP_AT_TOKEN = (
    "Let the server stop at its end token and leave it out of the text (its stop tokens, or "
    "skip_special_tokens), then ask again. Until then neither the prompts nor the grader can be blamed."
)
CALLS = (
    "{share} of the responses read are tool calls without a text. They earn less than half, and the grader "
    "was not seen to read tool calls."
)
READ_CALLS = (
    "Let the grader read the calls (sample.output_tools), then re-score the stored responses (Adjust "
    "Grader): no call is made. Or ask for text: without tools in the rows, and without the server's tool "
    "parser. Until then neither the prompts nor the grader can be blamed."
)
ENDLESS = (
    "{share} of the responses are reasoning alone: they open a tag such as <think> and never close it, so "
    "that no answer follows."
)
LET_IT_END = (
    "Raise the token limit, which cuts reasoning off, whatever finish reason the server gives. If responses "
    "are much shorter than the limit, mend the chat template or the server's reasoning parser, then ask "
    "again. Until then neither the prompts nor the grader can be blamed."
)
SAME_TEXT = (
    "{share} of the responses, to {prompts} different prompts, are the very same text: “{text}”. It answers "
    "none of them."
)
ASK_BY_HAND = (
    "Send one of the prompts to the endpoint by hand. A gateway that answers with a notice, an echo server, "
    "and a chat template that leaves the prompt out or is not used look so. Mend that, then ask again. Until "
    "then neither the prompts nor the grader can be blamed."
)
OTHER_FIELD = (
    "{share} of the responses are right by the rows' field “{field}”, wrong by what the grader compares "
    "with, and unpaid."
)
READ_IT = f"Let the grader compare with “{{field}}”, if that is the right answer. {RE_SCORE}"
UNNAMED = (
    "The reference answers are a few values ({labels}), which hardly a prompt names and hardly a response "
    "gives: they may be the numbers of classes."
)
NAME_THEM = (
    "Write the reference answers in the words of the responses, or name these values in the prompts. Until "
    "then neither the prompts nor the grader can be blamed."
)
CONTRADICTED = (
    "{share} of the rows ask the very same as another row and have another reference answer: a response that "
    "is right by one row is wrong by the other."
)
UNREFERENCED = (
    "{share} of the rows have no reference answer, where others have one, and no response to them is paid."
)
COPIES = "{share} of the responses are the prompt again and nothing else, and earn less than half."
PAY_THE_FORM = (
    "Read the right responses that earn little. Pay their form too (Adjust Grader), or ask in the prompt for "
    "the form that is paid."
)
COMPARE = (
    "Check which field, and which form, the grader compares with: nothing earns anything, neither a response "
    "nor a right answer in any form that was tried. Grade one by hand (Adjust Grader) until it is paid. "
    f"{RE_SCORE}"
)
DECLARE = f"Declare the reward range that the grader really uses, or stretch its scores. {RE_SCORE}"


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What was seen, and what to do first.

    Attributes
    ----------
    sentence, step : str
    code : NoticeCode
        Of the warning that says the same.
    quality : DatasetQuality
        What it is called as the cause of a NO-GO; UNKNOWN where it is neither dataset nor grader.
    """

    sentence: str
    step: str
    code: NoticeCode
    quality: DatasetQuality = DatasetQuality.UNKNOWN


def obstacle(measures: Measures, limits: Thresholds) -> Obstacle | None:
    """What explains a mean that is too low without the grader or the prompts' difficulty; None: nothing."""
    return (
        _references(measures)
        or _misread(measures, limits)
        or _endless(measures)
        or _same_text(measures)
        or _copying(measures)
        or around_answers(measures, limits)
        or _calling(measures)
        or _refusing(measures, limits)
        or _unnamed(measures)
    )


def around_answers(measures: Measures, limits: Thresholds) -> Obstacle | None:
    """Reasoning or end tokens in the responses, where right answers go unpaid with them."""
    read, anchors = measures.readings, measures.anchors
    if read is None or read.right_unpaid.interval.low < limits.unpaid:
        return None
    for share, words, step in (
        (anchors.end_tokens or 0.0, END_TOKEN, STOP_AT_TOKEN),
        (anchors.reasoning or 0.0, REASONING, CUT_REASONING),
    ):
        if above(share, limits.warn_reasoning):
            sentence = words.format(share=percent(share), right=percent(read.right))
            return Obstacle(sentence, step, NoticeCode.AROUND_ANSWERS)
    return None


def behind_obstacles(measures: Measures, limits: Thresholds) -> bool:
    """Whether low scores of a topic may come from what stands around the answers, or from wrong rows."""
    misplaced = measures.anchors.misplaced
    shuffled = misplaced is not None and misplaced.surely
    explained = (
        around_answers(measures, limits) or _calling(measures) or _copying(measures) or _endless(measures)
    )
    return shuffled or explained is not None


def _references(measures: Measures) -> Obstacle | None:
    misplaced, dataset = measures.anchors.misplaced, DatasetQuality.MISPLACED
    if misplaced is None or not misplaced.mostly:
        return None
    return Obstacle(misplaced_words(misplaced), dataset.next_step, NoticeCode.MISPLACED, dataset)


def misplaced_words(misplaced: Misplaced) -> str:
    """How many prompts have responses that fit another row, and which rows to read."""
    pairs = "; ".join(f"row {row} by that of row {other}" for row, other in misplaced.pairs[:SHOWN_PAIRS])
    more = " and others" if len(misplaced.pairs) > SHOWN_PAIRS else ""
    step = misplaced.step
    by = "" if step is None else f" The references are displaced by {plural(abs(step), 'row')}."
    return (
        f"The responses to {misplaced.elsewhere:,} of {misplaced.prompts:,} prompts are right by the "
        f"reference of another row and wrong by their own (chance: {percent(misplaced.chance)}); those to "
        f"{misplaced.own:,} are right by their own. Read them: {pairs}{more}.{by}"
    )


def _same_text(measures: Measures) -> Obstacle | None:
    repeated = measures.anchors.repeated
    if repeated is None or not repeated.nearly_all:
        return None
    return Obstacle(_same_text_words(repeated), ASK_BY_HAND, NoticeCode.REPEATED)


def _same_text_words(repeated: Repeated) -> str:
    text, share = inert(repeated.text), percent(repeated.share)
    return SAME_TEXT.format(share=share, prompts=repeated.prompts, text=text)


def _endless(measures: Measures) -> Obstacle | None:
    share = measures.anchors.reasoning_alone or 0.0
    if share < MOSTLY:
        return None
    return Obstacle(ENDLESS.format(share=percent(share)), LET_IT_END, NoticeCode.REASONING_ALONE)


def _misread(measures: Measures, limits: Thresholds) -> Obstacle | None:
    field, share = measures.anchors.misread or ("", 0.0)
    if below(share, limits.blame_data):
        return None
    words = OTHER_FIELD.format(share=percent(share), field=inert(field))
    return Obstacle(words, READ_IT.format(field=inert(field)), NoticeCode.MISREAD)


def _unnamed(measures: Measures) -> Obstacle | None:
    labels = measures.anchors.unnamed
    if not labels:
        return None
    shown = ", ".join(f"“{inert(label)}”" for label in labels[:SHOWN_PAIRS])
    more = ", ..." if len(labels) > SHOWN_PAIRS else ""
    return Obstacle(UNNAMED.format(labels=shown + more), NAME_THEM, NoticeCode.UNNAMED)


def _copying(measures: Measures) -> Obstacle | None:
    share = measures.anchors.copied or 0.0
    if share < MOSTLY:
        return None
    return Obstacle(COPIES.format(share=percent(share)), ASK_BY_HAND, NoticeCode.COPIED)


def _calling(measures: Measures) -> Obstacle | None:
    share = measures.anchors.calls or 0.0
    if share < MOSTLY:
        return None
    return Obstacle(CALLS.format(share=percent(share)), READ_CALLS, NoticeCode.UNREAD_CALLS)


def _refusing(measures: Measures, limits: Thresholds) -> Obstacle | None:
    refusals = measures.anchors.refusals
    if refusals is None or refusals.share.interval.low < limits.max_refused:
        return None
    others_pass = refusals.rest is not None and not below(refusals.rest, limits.mean_low)
    if not others_pass and refusals.share.value < MOSTLY:
        return None
    others = "" if refusals.rest is None else f" The other responses score {refusals.rest:.2f} on average."
    quality = DatasetQuality.REFUSALS
    return Obstacle(_refusal_words(measures) + others, quality.next_step, NoticeCode.MANY_REFUSING, quality)


def _refusal_words(measures: Measures) -> str:
    refusals = measures.anchors.refusals
    assert refusals is not None
    return (
        f"{refusals.share} of {refusals.read:,} responses refuse in plain words, as in “I can't help with "
        f"that” ({refusals.count:,}; dataset {refusals.where})."
    )


def right_refused(measures: Measures, limits: Thresholds, wrong_paid: float = 1.0) -> str:
    """That right responses surely go unpaid, no fewer than are paid, in a sentence; ``""`` where they do not.

    Nor where more than `wrong_paid` of the wrong ones are paid: a grader that pays by lot refuses right ones
    as well.
    """
    read = measures.readings
    if read is None or read.right_unpaid.interval.low < limits.unpaid or above(read.wrong_paid, wrong_paid):
        return ""
    if read.right_unpaid.value < read.right_paid.value:
        return ""
    return (
        f"{read.right_unpaid} of {read.read:,} responses hold the right answer and earn less than half: "
        "they are not paid for it."
    )


def unpaid_step(measures: Measures, limits: Thresholds) -> str:
    """What to do where right responses earn too little.

    Where these earn about the most that any does, and far more than the others, the scale is wider than the
    rewards.
    """
    most, read = float(np.nanmax(measures.score, initial=0.0)), measures.anchors.read
    if most == 0.0 and measures.nothing_paid:
        return COMPARE
    if read is None or not 0.0 < most < limits.right_from:
        return PAY_THE_FORM
    score, says = read
    right, others = score[says == 1.0], score[says == 0.0]
    whole = right.size > 0 and right.mean() >= ProbeLimits().whole * most
    return DECLARE if whole and (not others.size or others.mean() < PAID * most) else PAY_THE_FORM


def obstructions(measures: Measures, limits: Thresholds) -> Iterator[Notice]:
    """The same as warnings: what a GO should know of as well."""
    misplaced, refused = measures.anchors.misplaced, measures.anchors.refusals
    if misplaced is not None and misplaced.surely:
        yield Notice(NoticeCode.MISPLACED, misplaced_words(misplaced), misplaced.share)
    for part, words, code in (
        (measures.anchors.contradicted, CONTRADICTED, NoticeCode.CONTRADICTED),
        (measures.anchors.unreferenced, UNREFERENCED, NoticeCode.UNREFERENCED),
    ):
        if part is not None and above(part, limit := limits.warn_contradicted):
            yield Notice(code, words.format(share=percent(part, limit)), part, limit)
    if refused is not None and above(refused.share.interval.low, limits.warn_refused):
        many = refused.share.interval.low >= limits.max_refused
        code = NoticeCode.MANY_REFUSING if many else NoticeCode.REFUSING
        yield Notice(code, _refusal_words(measures), refused.share.value, limits.warn_refused)
    if above(calls := measures.anchors.calls or 0.0, limits.max_refused):
        yield Notice(NoticeCode.UNREAD_CALLS, CALLS.format(share=percent(calls)), calls, limits.max_refused)
    for share, words, code in (
        (measures.anchors.reasoning_alone, ENDLESS, NoticeCode.REASONING_ALONE),
        (measures.anchors.copied, COPIES, NoticeCode.COPIED),
    ):
        if share is not None and above(share, limits.max_refused):
            yield Notice(code, words.format(share=percent(share)), share, limits.max_refused)
    if (repeated := measures.anchors.repeated) is not None:
        yield Notice(NoticeCode.REPEATED, _same_text_words(repeated), repeated.share)
    around = around_answers(measures, limits)
    if around is not None:
        yield Notice(around.code, around.sentence)
    else:
        yield from _unpaid(measures, limits)


def _unpaid(measures: Measures, limits: Thresholds) -> Iterator[Notice]:
    """Right answers in the form that was asked for, unpaid, though the tree lets the run pass."""
    read = measures.readings
    unpaid = None if read is None else read.as_asked_unpaid
    if read is None or unpaid is None or measures.branch is not Branch.PROCEED:
        return
    if unpaid.interval.low >= limits.unpaid:
        words = (
            f"{unpaid} of {read.read:,} responses give the right answer as the prompt asks for it and earn "
            f"less than half; {percent(read.right_paid.value)} are right and paid."
        )
        yield Notice(NoticeCode.RIGHT_UNPAID, words, unpaid.value, limits.unpaid)

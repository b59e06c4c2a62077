"""Warnings of the figures and of the evidence. They change no verdict."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dryrun.analysis.figures.coverage import Coverage
from dryrun.analysis.figures.readings import Share
from dryrun.analysis.figures.redraw import Interval
from dryrun.analysis.figures.signal import SignalIndex, right_pull_words
from dryrun.analysis.figures.statistics import Statistics, above, below
from dryrun.analysis.training.words import pull_sentence, shaping_sentence, unlearning
from dryrun.analysis.verdict.grounds.first_round import notices
from dryrun.analysis.verdict.grounds.obstacles import obstructions
from dryrun.analysis.verdict.measures import Measures
from dryrun.analysis.verdict.topics import TopicFigures, TopicStatus
from dryrun.analysis.verdict.tree import Branch, Notice, NoticeCode
from dryrun.analysis.verdict.validity import off_scale_words
from dryrun.core.records import SampleOutcome
from dryrun.core.text import figure, percent, plural
from dryrun.core.thresholds import Thresholds

SHOWN_ROWS = 8
"""How many rows a notice names."""

SHOWN_MODELS = 3
"""How many models a notice names."""

LUCK = 0.15
"""How far above a guess the share of right responses may reach at most, to be called no more than that."""

NAMED_TOPICS = 3
"""Problem topics that get a sentence each; the table of topics has them all."""


def tree_reason(branch: Branch, mean: float, std: float, thresholds: Thresholds) -> Notice:
    """The comparison that ended the decision tree."""
    low, high, spread = thresholds.mean_low, thresholds.mean_high, thresholds.std_low
    match branch:
        case Branch.MEAN_TOO_LOW:
            text = f"Mean {figure(mean, low)} is below {figure(low)}."
            return Notice(NoticeCode.MEAN_TOO_LOW, text, mean, low)
        case Branch.MEAN_TOO_HIGH:
            text = f"Mean {figure(mean, high)} is above {figure(high)}."
            return Notice(NoticeCode.MEAN_TOO_HIGH, text, mean, high)
        case Branch.LOW_VARIANCE:
            text = f"Std {figure(std, spread)} is below {figure(spread)}."
            return Notice(NoticeCode.LOW_VARIANCE, text, std, spread)
        case Branch.PROCEED:
            text = (
                f"Mean {figure(mean)} lies within {figure(low)} to {figure(high)}, "
                f"and std {figure(std)} is not below {figure(spread)}."
            )
            return Notice(NoticeCode.PROCEED, text, mean)


def warnings(
    statistics: Statistics,
    coverage: Coverage,
    topics: tuple[TopicFigures, ...],
    branch: Branch | None,
    thresholds: Thresholds,
    several: bool = False,
) -> tuple[Notice, ...]:
    """Everything a person should know beside the verdict, scores first, then samples, then topics.

    Parameters
    ----------
    branch : Branch or None
        Where the tree ended; its own reason is not repeated as a warning. None if it was not entered.
    several : bool
        The reward is made of several numbers: it is not called binary.
    """
    return (
        *_healthy(statistics, branch, thresholds),
        *_shape(statistics, thresholds, several),
        *_samples(coverage, thresholds),
        *_topics(topics),
    )


def _healthy(statistics: Statistics, branch: Branch | None, thresholds: Thresholds) -> Iterator[Notice]:
    mean, std = statistics.mean, statistics.std
    low, high, spread = thresholds.healthy_mean_low, thresholds.healthy_mean_high, thresholds.healthy_std
    if mean is not None and below(mean, low) and branch is not Branch.MEAN_TOO_LOW:
        text = f"Mean {figure(mean, low)} is below the healthy range of {figure(low)} to {figure(high)}."
        yield Notice(NoticeCode.MEAN_BELOW_HEALTHY, text, mean, low)
    if mean is not None and above(mean, high) and branch is not Branch.MEAN_TOO_HIGH:
        text = f"Mean {figure(mean, high)} is above the healthy range of {figure(low)} to {figure(high)}."
        yield Notice(NoticeCode.MEAN_ABOVE_HEALTHY, text, mean, high)
    if std is not None and not above(std, spread) and branch is not Branch.LOW_VARIANCE:
        text = f"Std {figure(std)} is not above {figure(spread)}"
        # A mean at an end of the scale leaves no room for spread: that is not the grader's.
        text += ": the grader differentiates outputs weakly." if branch is Branch.PROCEED else "."
        yield Notice(NoticeCode.STD_BELOW_HEALTHY, text, std, spread)


def _how_far(ratio: float) -> str:
    return f"each at least {ratio:.1f} times" if ratio < 100.0 else "each far above"


def _shape(statistics: Statistics, thresholds: Thresholds, several: bool) -> Iterator[Notice]:
    if statistics.distinct == 2 and not several:
        yield _binary(statistics)
        return
    ratio, limit = statistics.bimodality, thresholds.bimodal_ratio
    if ratio is not None and above(ratio, limit):
        ends = (statistics.counts[0] / statistics.n, statistics.counts[-1] / statistics.n)
        text = (
            f"Scores gather at both ends: {percent(ends[0])} below 0.2 and {percent(ends[1])} from 0.8 up, "
            f"{_how_far(ratio)} an average middle bin; the grader works almost as pass/fail."
        )
        yield Notice(NoticeCode.BIMODAL, text, ratio, limit)
    yield from _piles(statistics, thresholds)


def _binary(statistics: Statistics) -> Notice:
    text = (
        f"The grader is binary: only the scores {figure(statistics.min or 0.0)} and "
        f"{figure(statistics.max or 0.0)} occur; there is no partial credit."
    )
    return Notice(NoticeCode.BINARY, text, statistics.distinct, 2)


def _piles(statistics: Statistics, thresholds: Thresholds) -> Iterator[Notice]:
    floor, ceiling = statistics.floor_share, statistics.ceiling_share
    if floor is not None and above(floor, thresholds.floor_share):
        text = f"{percent(floor, thresholds.floor_share)} of the scores are exactly 0."
        yield Notice(NoticeCode.FLOOR, text, floor, thresholds.floor_share)
    if ceiling is not None and above(ceiling, thresholds.ceiling_share):
        text = f"{percent(ceiling, thresholds.ceiling_share)} of the scores are exactly 1."
        yield Notice(NoticeCode.CEILING, text, ceiling, thresholds.ceiling_share)


def _samples(coverage: Coverage, thresholds: Thresholds) -> Iterator[Notice]:
    outcomes = coverage.outcomes
    refused = outcomes[SampleOutcome.REFUSED] + outcomes[SampleOutcome.FILTERED]
    # What already rules a verdict out is said there, not twice.
    if not above(coverage.missing_share, thresholds.max_missing):
        missing = coverage.responses - coverage.scored
        yield from _share(
            NoticeCode.MISSING,
            missing,
            coverage,
            thresholds.warn_missing,
            "of the responses have no usable score",
        )
    if coverage.out_of_range and not above(
        coverage.share(coverage.out_of_range), thresholds.max_out_of_range
    ):
        scores = plural(coverage.out_of_range, "score")
        text = f"{scores} outside the grader's declared scale left out. {off_scale_words(coverage)}"
        yield Notice(NoticeCode.OUT_OF_RANGE, text, coverage.out_of_range, 0)
    rows = (
        (
            NoticeCode.TRUNCATED,
            outcomes[SampleOutcome.TRUNCATED],
            thresholds.warn_truncated,
            "of the responses were cut off by the token limit: raise it",
        ),
        (
            NoticeCode.EMPTY,
            outcomes[SampleOutcome.EMPTY],
            thresholds.warn_empty,
            "of the responses are empty",
        ),
        (NoticeCode.REFUSED, refused, thresholds.warn_refused, "of the responses were refused or filtered"),
    )
    for code, count, limit, words in rows:
        yield from _share(code, count, coverage, limit, words)
    errors, words = coverage.grader_errors, "of the grades carry a grader error"
    often = f", most often this one: {coverage.commonest_error}" if coverage.commonest_error else ""
    yield from _share(NoticeCode.GRADER_ERRORS, errors, coverage, thresholds.warn_grader_errors, words, often)
    if len(coverage.answered_by) > 1:
        yield _several_models(coverage, thresholds)
    if coverage.unstable:
        yield _unstable(coverage.unstable)
    if coverage.truths:
        yield _truths(coverage)
    yield from _prompts(coverage, thresholds)


def _several_models(coverage: Coverage, thresholds: Thresholds) -> Notice:
    named = ", ".join(
        f"{f'“{name}”' if name else 'the one asked for, or none named'} ({count:,})"
        for name, count in coverage.answered_by[:SHOWN_MODELS]
    )
    more = ", ..." if len(coverage.answered_by) > SHOWN_MODELS else ""
    limit, share = thresholds.warn_missing, coverage.share(sum(n for _, n in coverage.answered_by[1:]))
    text = (
        f"The endpoint answered as several models: {named}{more}. The figures are those of a mixture: switch "
        "the router or its fallback off, or ask all prompts again by the name of one model."
    )
    code = NoticeCode.SEVERAL_MODELS if above(share, limit) else NoticeCode.ANOTHER_MODEL
    return Notice(code, text, share, limit)


def _unstable(rows: tuple[int, ...]) -> Notice:
    shown = ", ".join(map(str, sorted(set(rows))[:SHOWN_ROWS]))
    more = ", ..." if len(set(rows)) > SHOWN_ROWS else ""
    text = (
        f"{plural(len(rows), 'response')} got another score when graded again "
        f"(dataset rows {shown}{more}): the grader keeps something from one grade to the next, or draws lots."
    )
    return Notice(NoticeCode.GRADER_UNSTABLE, text, len(rows), 0)


def _truths(coverage: Coverage) -> Notice:
    text = (
        f"{plural(coverage.truths, 'reward')} of {coverage.responses:,} came as True or False and count as "
        "1 and 0 here. OpenAI publishes no rule for them: return a number."
    )
    return Notice(NoticeCode.GRADER_TRUTHS, text, coverage.truths, 0)


def _share(
    code: NoticeCode, count: int, coverage: Coverage, limit: float, words: str, more: str = ""
) -> Iterator[Notice]:
    share = coverage.share(count)
    if above(share, limit):
        text = f"{percent(share, limit)} {words} ({count:,} of {coverage.responses:,}){more}."
        yield Notice(code, text, share, limit)


def _prompts(coverage: Coverage, thresholds: Thresholds) -> Iterator[Notice]:
    scored = coverage.prompts_scored
    if thresholds.min_prompts <= scored < thresholds.few_prompts:
        text = (
            f"Only {scored:,} prompts have a score: the figures are rough below {thresholds.few_prompts:,}."
        )
        yield Notice(NoticeCode.FEW_PROMPTS, text, scored, thresholds.few_prompts)
    share, limit = coverage.duplicate_share, thresholds.warn_duplicates
    if above(share, limit):
        text = (
            f"{percent(share, limit)} of the drawn rows repeat another row "
            f"({coverage.duplicate_rows:,} of {coverage.prompts + coverage.duplicate_rows:,}), "
            "so there are fewer different prompts than rows."
        )
        yield Notice(NoticeCode.DUPLICATES, text, share, limit)


def _topics(topics: tuple[TopicFigures, ...]) -> Iterator[Notice]:
    for topic in topics if len(topics) > 1 else ():  # a single topic is the whole set
        if topic.status is TopicStatus.PROBLEM:
            text = f"Topic {topic.label} is a problem: {topic.note} ({plural(topic.count, 'score')})."
            yield Notice(NoticeCode.TOPIC_PROBLEM, text, topic.mean, None, topic.topic)


def cautions(measures: Measures, limits: Thresholds) -> tuple[Notice, ...]:
    """What a person should know beside a verdict by evidence."""
    return (
        *obstructions(measures, limits),
        *_guesses(measures),
        *_groups(measures, limits),
        *notices(measures, limits),
        *_shape_warnings(measures, limits),
    )


def _guesses(measures: Measures) -> Iterator[Notice]:
    """Responses that are right about as often as a guess, where that is a choice among a few answers."""
    read, guess = measures.readings, measures.anchors.guess
    if read is None or guess is None:
        return
    low, high = 1 - read.not_right.interval.high, 1 - read.not_right.interval.low
    if low <= guess and guess / 2 <= high <= guess + LUCK:
        share = Share(read.right, Interval(low, high))
        text = (
            f"{share} of {read.read:,} responses are right; "
            f"a guess that reads no prompt is right in {percent(guess)}. Nothing shows that the model does "
            "more."
        )
        yield Notice(NoticeCode.NO_MORE_THAN_GUESSED, text, read.right, guess)


def _groups(measures: Measures, limits: Thresholds) -> Iterator[Notice]:
    grouped, index = measures.groups, measures.signal
    if grouped and limits.min_usable <= grouped.usable and below(grouped.usable, limits.warn_usable):
        text = (
            f"Only {percent(grouped.usable)} of groups of {grouped.group} would carry signal: training has "
            f"to draw {1 / grouped.usable:.1f} groups for one that teaches."
        )
        yield Notice(NoticeCode.FEW_USABLE, text, grouped.usable, limits.warn_usable)
    yield from _shaping(measures)
    if index and limits.min_signal <= index.on_reward and below(index.value, limits.warn_signal):
        text = (
            f"Signal Index {figure(index.value)} is below {figure(limits.warn_signal)}: expect little gain. "
            f"Its weakest factor: {index.weakest}."
        )
        yield Notice(NoticeCode.WEAK_SIGNAL, text, index.value, limits.warn_signal)
    elif index and not index.pulls_nowhere(limits):
        yield from _small_pull(index, limits)


def _small_pull(index: SignalIndex, limits: Thresholds) -> Iterator[Notice]:
    if index.pull is not None and below(index.pull.value, limits.warn_pull):
        text = (
            f"{right_pull_words(index.pull)} is below {figure(limits.warn_pull)}: expect little gain from a "
            f"short training. Its weakest factor: {index.weakest_of_pull}."
        )
        yield Notice(NoticeCode.WEAK_SIGNAL, text, index.pull.value, limits.warn_pull)


def _shaping(measures: Measures) -> Iterator[Notice]:
    """Groups that differ in shaping alone, and what that does; nothing where it decides the verdict."""
    training, reason = measures.training, unlearning(measures.training)
    if training is None or (reason and measures.branch is Branch.PROCEED):
        return
    if training.kinds is not None and training.mostly_shaping:
        text = reason or shaping_sentence(training)
        yield Notice(NoticeCode.MOSTLY_SHAPING, text, training.kinds.shaping, 0.5)
    elif training.by_part and training.harmful:
        worst = training.harmful[0]
        yield Notice(NoticeCode.MOSTLY_SHAPING, pull_sentence(worst), worst.harm, 0.0)


def _shape_warnings(measures: Measures, limits: Thresholds) -> Iterator[Notice]:
    bias, levels = measures.length, measures.resolution
    if bias is not None and above(abs(bias.correlation), limits.warn_length):
        which = "Longer" if bias.correlation > 0 else "Shorter"
        text = (
            f"{which} responses to the same {bias.within} earn more (rank correlation "
            f"{bias.correlation:+.2f} over {bias.responses:,} responses): read whether they deserve it."
        )
        yield Notice(NoticeCode.LENGTH_BIAS, text, bias.correlation, limits.warn_length)
    if levels is None or levels.distinct <= 2:
        return
    if levels.distinct <= limits.few_levels:
        text = (
            f"Only {levels.distinct} different scores occur ({levels.effective_levels:.1f} effective levels)."
        )
        yield Notice(NoticeCode.FEW_LEVELS, text, levels.distinct, limits.few_levels)
    # Scores that gather at an end are named as such, not twice.
    ends = {0.0: limits.floor_share, 1.0: limits.ceiling_share}
    at_an_end = above(levels.modal_share, ends.get(levels.modal, 1.0))
    if above(levels.modal_share, limits.modal_share) and not at_an_end:
        text = f"{percent(levels.modal_share)} of the scores are the same one, {figure(levels.modal)}."
        yield Notice(NoticeCode.MODAL, text, levels.modal_share, limits.modal_share)


def fewer_topics(notices: Iterable[Notice]) -> Iterator[Notice]:
    """The notices as people read them: the first problem topics, and how many more there are."""
    more = -NAMED_TOPICS
    for notice in notices:
        if notice.code == NoticeCode.TOPIC_PROBLEM:
            more += 1
            if more > 0:
                continue
        yield notice
    if more > 0:
        words = f"{more:,} more topics are problems" if more > 1 else "1 more topic is a problem"
        yield Notice(NoticeCode.TOPIC_PROBLEM, f"{words}: see the table of topics.", more)

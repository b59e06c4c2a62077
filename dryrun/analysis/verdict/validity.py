"""Why there can be no verdict: the one place where INVALID is decided."""

from __future__ import annotations

from collections.abc import Iterator

from dryrun.analysis.figures.coverage import Coverage
from dryrun.analysis.figures.statistics import Statistics, above
from dryrun.analysis.verdict.tree import Notice, NoticeCode, decide
from dryrun.core.records import SampleOutcome
from dryrun.core.text import percent, plural
from dryrun.core.thresholds import Piece, Thresholds

TAGS = {
    NoticeCode.TOO_FEW_PROMPTS: "small_n",
    NoticeCode.TOO_MANY_MISSING: "missing",
    NoticeCode.FILTERED: "missing",
    NoticeCode.TRUNCATED: "truncation",
    NoticeCode.EMPTY: "empty",
}
"""Names of these reasons among the tags of a judgement."""


def off_scale_words(coverage: Coverage) -> str:
    """Which rewards lie off the scale, how often, and the range that would hold them."""
    if coverage.holding is None:
        return ""
    low, high = coverage.holding
    named = sum(count for _, count in coverage.off_scale)
    rest = coverage.out_of_range - named
    values = ", ".join(f"{reward:g} ({_times(count)})" for reward, count in coverage.off_scale)
    others = f" and {plural(rest, 'other reward')}" if rest > 0 else ""
    return f"The grader paid {values}{others}: a reward range from {low:g} to {high:g} would hold them."


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"


def blockers(statistics: Statistics, coverage: Coverage, thresholds: Thresholds) -> tuple[Notice, ...]:
    """Why figures alone allow no verdict; empty if they allow one."""
    return tuple(_document(statistics, coverage, thresholds))


def sample_blockers(statistics: Statistics, coverage: Coverage, thresholds: Thresholds) -> tuple[Notice, ...]:
    """Why the samples allow none, where they are among the evidence; `blockers` are not repeated."""
    return () if Piece.SAMPLES in thresholds.without else tuple(_samples(statistics, coverage, thresholds))


def _document(statistics: Statistics, coverage: Coverage, thresholds: Thresholds) -> Iterator[Notice]:
    needed = thresholds.min_prompts
    if coverage.prompts_scored < needed:
        scored = coverage.prompts_scored
        have = (
            "No prompt has a score"
            if scored == 0
            else f"Only {plural(scored, 'prompt')} " + ("has a score" if scored == 1 else "have a score")
        )
        text = f"{have}; {needed:,} are needed for a verdict."
        yield Notice(NoticeCode.TOO_FEW_PROMPTS, text, scored, needed)
    elif statistics.std is None:
        yield Notice(NoticeCode.NO_SPREAD, "One score alone has no spread; two are needed.", statistics.n, 2)
    share, limit = coverage.missing_share, thresholds.max_missing
    off_scale = 2 * coverage.out_of_range > coverage.responses - coverage.scored
    if above(share, limit) and not off_scale:  # else the scale is the reason, which is said below
        text = (
            f"{percent(share, limit)} of the responses have no usable score "
            f"({coverage.responses - coverage.scored:,} of {coverage.responses:,}); "
            f"at most {percent(limit)} may lack one."
        )
        filtered = coverage.outcomes[SampleOutcome.FILTERED]
        if 2 * filtered > coverage.responses - coverage.scored:
            text += f" A content filter of the endpoint withheld {filtered:,} of them."
            yield Notice(NoticeCode.FILTERED, text, share, limit)
        else:
            yield Notice(NoticeCode.TOO_MANY_MISSING, text, share, limit)
    share, limit = coverage.share(coverage.out_of_range), thresholds.max_out_of_range
    if above(share, limit):
        text = (
            f"{percent(share, limit)} of the scores lie outside the grader's declared scale "
            f"({coverage.out_of_range:,} of {coverage.responses:,}); at most {percent(limit)} may. "
            f"{off_scale_words(coverage)}"
        )
        yield Notice(NoticeCode.GRADER_SCALE, text, share, limit)


def _samples(statistics: Statistics, coverage: Coverage, thresholds: Thresholds) -> Iterator[Notice]:
    missing = coverage.missing_share
    if not above(missing, thresholds.max_missing) and _decisive(missing, statistics, thresholds):
        text = (
            f"{percent(missing)} of the responses have no score: were all of those 0, or all 1, the "
            "verdict would be another."
        )
        yield Notice(NoticeCode.TOO_MANY_MISSING, text, missing, None)
    for code, outcome, words in (
        (NoticeCode.TRUNCATED, SampleOutcome.TRUNCATED, "hit the token limit"),
        (NoticeCode.EMPTY, SampleOutcome.EMPTY, "are empty"),
    ):
        share, limit = coverage.share(coverage.outcomes[outcome]), thresholds.max_cut_off
        if above(share, limit):
            yield Notice(code, f"{percent(share)} of responses {words}.", share, limit)


def _decisive(missing: float, statistics: Statistics, thresholds: Thresholds) -> bool:
    """Whether scores of 0, or of 1, in all missing places would change the branch of the mean.

    The worst-case bounds of Manski (1989).
    """
    mean = statistics.mean
    if not missing or mean is None:
        return False
    least = mean * (1 - missing)
    # The spread must not decide here: the bounds are those of the mean.
    std = thresholds.std_low if statistics.std is None else max(statistics.std, thresholds.std_low)
    return len({decide(value, std, thresholds) for value in (least, least + missing, mean)}) > 1

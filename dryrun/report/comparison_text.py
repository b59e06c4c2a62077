"""A comparison as sentences, as JSON and as Markdown."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import orjson

from dryrun.analysis.figures.comparison import Correlation, Difference, TopicChange
from dryrun.core.text import code_span, plural
from dryrun.report import Report
from dryrun.report.comparison import Comparison, Pairing
from dryrun.report.markdown import markdown_sections
from dryrun.report.outline import Named, Section, Table

ALIKE, APART = 0.8, 0.6
"""Rank correlation from which two graders rank alike, and below which they measure different things:
the numbers Microsoft's fine-tuning guide gives for a grader against an evaluation."""
SHOWN_TOPICS = 30
TOPIC_TITLES = ("Topic", "Mean before", "Mean after", "Level before", "Level after", "Note")


def comparison_words(comparison: Comparison) -> tuple[str, ...]:
    """What the comparison shows, the most important first."""
    sentences = [_pairing(comparison), _verdicts(comparison.first, comparison.second)]
    sentences.append(
        _difference(comparison.difference)
        if comparison.difference
        else "Fewer than two prompts have a score on both sides: the means cannot be compared."
    )
    if comparison.pairing is Pairing.RESPONSES:
        sentences.append(_ranks(comparison.correlation))
    if comparison.flipped is not None:
        flipped = comparison.flipped
        sentences.append(
            f"Of {plural(flipped.rows, 'response')}, {flipped.gained.size:,} fail before and pass after "
            f"(0.5 or more), {flipped.lost.size:,} pass before and fail after."
        )
    crossed = sum(topic.flipped for topic in comparison.topics)
    if crossed:
        sentences.append(f"{plural(crossed, 'topic')} of {len(comparison.topics):,} crossed a threshold.")
    return tuple(sentences)


def to_json(comparison: Comparison) -> str:
    """The comparison as indented JSON; each report in it is the run's own."""
    content = {
        "pairing": comparison.pairing.value,
        "sentences": comparison_words(comparison),
        "settings": list(map(asdict, comparison.settings)),
        "verdict": {"first": comparison.first.verdict, "second": comparison.second.verdict},
        "difference": _figures(comparison.difference),
        "rank_correlation": _rho(comparison.correlation),
        "flipped": None
        if comparison.flipped is None
        else {
            "responses": comparison.flipped.rows,
            "gained": int(comparison.flipped.gained.size),
            "lost": int(comparison.flipped.lost.size),
        },
        "topics": [{**asdict(topic), "flipped": topic.flipped} for topic in comparison.topics],
        "prompts_alone": {"first": comparison.alone[0], "second": comparison.alone[1]},
        "reports": {"first": comparison.first.to_dict(), "second": comparison.second.to_dict()},
    }
    return orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()


def to_markdown(comparison: Comparison) -> str:
    """The comparison for people; what a user named stands in code spans."""
    head = f"# Dry run: {comparison.first.word} before, {comparison.second.word} after"
    runs = f"Runs {code_span(comparison.first.run.id)} and {code_span(comparison.second.run.id)}."
    return "\n\n".join((head, *markdown_sections(comparison_outline(comparison)), runs)) + "\n"


def comparison_outline(comparison: Comparison) -> tuple[Section, ...]:
    """What the comparison says, section by section: the words, what differs, and the topics."""
    settings = [
        (Named(setting.name), Named(setting.first), Named(setting.second)) for setting in comparison.settings
    ]
    equal = () if settings else ("Nothing: the configurations are equal.",)
    differs = Table(("Setting", "First", "Second"), settings)
    topics = Table(TOPIC_TITLES, [*map(_topic, comparison.topics[:SHOWN_TOPICS])], frozenset({1, 2}))
    return (
        Section("", comparison_words(comparison)),
        Section("What differs", equal, (differs,) if settings else ()),
        Section("By topic", tables=(topics,) if topics.rows else ()),
    )


def _topic(topic: TopicChange) -> tuple[str, ...]:
    name = Named(topic.topic) if topic.topic else "(no topic)"
    crossed = "crossed a threshold" if topic.flipped else ""
    return name, f"{topic.first:.2f}", f"{topic.second:.2f}", topic.before, topic.after, crossed


def _pairing(comparison: Comparison) -> str:
    first, second = comparison.alone
    left_out = ""
    if first or second:
        left_out = f" Left out: {first:,} that only the first run has, {second:,} that only the second has."
    if comparison.pairing is Pairing.RESPONSES:
        return f"Two graders on the same {plural(int(comparison.rows[0].size), 'response')}.{left_out}"
    if comparison.pairing is Pairing.PROMPTS:
        return f"Two runs over the same prompts, compared prompt by prompt.{left_out}"
    return (
        "The runs share no prompts: two samples are compared as such, which needs larger differences to "
        "be sure of one."
    )


def _verdicts(first: Report, second: Report) -> str:
    same = "as before" if first.word == second.word else f"before: {first.word}"
    return f"Verdict: {second.word} ({same})."


def _difference(difference: Difference) -> str:
    words = (
        f"Mean {difference.first:.2f} before, {difference.second:.2f} after: {difference.value:+.3f} "
        f"({difference.low:+.3f} to {difference.high:+.3f}, 95 %"
    )
    over = difference.prompts[0] if difference.paired else difference.prompts
    prompts = f"{over[0]:,} and {over[1]:,} prompts" if isinstance(over, tuple) else plural(over, "prompt")
    words += f"; {prompts}, {'in pairs' if difference.paired else 'not in pairs'})."
    return words if difference.clear else f"{words} The interval holds 0: no difference is shown."


def _ranks(correlation: Correlation | None) -> str:
    if correlation is None:
        return "One grader gives every response the same score: ranks cannot be compared."
    words = (
        "alike"
        if correlation.value >= ALIKE
        else "differently"
        if correlation.value < APART
        else "roughly alike"
    )
    return (
        f"The graders rank the responses {words}: Spearman {correlation.value:.2f} "
        f"({correlation.low:.2f} to {correlation.high:.2f})."
    )


def _figures(difference: Difference | None) -> dict[str, Any] | None:
    if difference is None:
        return None
    return {
        "first_mean": difference.first,
        "second_mean": difference.second,
        "difference": difference.value,
        "interval": [difference.low, difference.high],
        "prompts": list(difference.prompts),
        "paired": difference.paired,
    }


def _rho(correlation: Correlation | None) -> dict[str, Any] | None:
    if correlation is None:
        return None
    return {
        "spearman": correlation.value,
        "interval": [correlation.low, correlation.high],
        "responses": correlation.rows,
    }

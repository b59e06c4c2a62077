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
TOPIC_TITLES = ("Topic", "First", "Second", "Before", "After", "Note")


def comparison_words(found: Comparison) -> tuple[str, ...]:
    """What the comparison shows, the most important first."""
    told = [_pairing(found), _verdicts(found.first, found.second)]
    told.append(
        _difference(found.difference)
        if found.difference
        else "Fewer than two prompts have a score on both sides: the means cannot be compared."
    )
    if found.pairing is Pairing.RESPONSES:
        told.append(_ranks(found.correlation))
    if found.flipped is not None:
        flipped = found.flipped
        told.append(
            f"Of {plural(flipped.rows, 'response')}, {flipped.gained.size:,} fail before and pass after "
            f"(0.5 or more), {flipped.lost.size:,} pass before and fail after."
        )
    crossed = sum(topic.flipped for topic in found.topics)
    if crossed:
        told.append(f"{plural(crossed, 'topic')} of {len(found.topics):,} crossed a threshold.")
    return tuple(told)


def to_json(found: Comparison) -> str:
    """The comparison as indented JSON; each report in it is the run's own."""
    content = {
        "pairing": found.pairing.value,
        "sentences": comparison_words(found),
        "settings": list(map(asdict, found.settings)),
        "verdict": {"first": found.first.verdict, "second": found.second.verdict},
        "difference": _figures(found.difference),
        "rank_correlation": _rho(found.correlation),
        "flipped": None
        if found.flipped is None
        else {
            "responses": found.flipped.rows,
            "gained": int(found.flipped.gained.size),
            "lost": int(found.flipped.lost.size),
        },
        "topics": [{**asdict(topic), "flipped": topic.flipped} for topic in found.topics],
        "prompts_alone": {"first": found.alone[0], "second": found.alone[1]},
        "reports": {"first": found.first.to_dict(), "second": found.second.to_dict()},
    }
    return orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()


def to_markdown(found: Comparison) -> str:
    """The comparison for people; what a user named stands in code spans."""
    head = f"# Dry run: {found.first.word} before, {found.second.word} after"
    runs = f"Runs {code_span(found.first.run.id)} and {code_span(found.second.run.id)}."
    return "\n\n".join((head, *markdown_sections(comparison_outline(found)), runs)) + "\n"


def comparison_outline(found: Comparison) -> tuple[Section, ...]:
    """What the comparison says, section by section: the words, what differs, and the topics."""
    settings = [(Named(one.name), Named(one.first), Named(one.second)) for one in found.settings]
    equal = () if settings else ("Nothing: the configurations are equal.",)
    differs = Table(("Setting", "First", "Second"), settings)
    topics = Table(TOPIC_TITLES, [*map(_topic, found.topics[:SHOWN_TOPICS])], frozenset({1, 2}))
    return (
        Section("", comparison_words(found)),
        Section("What differs", equal, (differs,) if settings else ()),
        Section("By topic", tables=(topics,) if topics.rows else ()),
    )


def _topic(topic: TopicChange) -> tuple[str, ...]:
    name = Named(topic.topic) if topic.topic else "(no topic)"
    crossed = "crossed a threshold" if topic.flipped else ""
    return name, f"{topic.first:.2f}", f"{topic.second:.2f}", topic.before, topic.after, crossed


def _pairing(found: Comparison) -> str:
    first, second = found.alone
    left_out = ""
    if first or second:
        left_out = f" Left out: {first:,} that only the first run has, {second:,} that only the second has."
    if found.pairing is Pairing.RESPONSES:
        return f"Two graders on the same {plural(int(found.rows[0].size), 'response')}.{left_out}"
    if found.pairing is Pairing.PROMPTS:
        return f"Two runs over the same prompts, compared prompt by prompt.{left_out}"
    return (
        "The runs share no prompts: two samples are compared as such, which needs larger differences to "
        "be sure of one."
    )


def _verdicts(first: Report, second: Report) -> str:
    same = "as before" if first.word == second.word else f"before: {first.word}"
    return f"Verdict: {second.word} ({same})."


def _difference(found: Difference) -> str:
    words = (
        f"Mean {found.first:.2f} before, {found.second:.2f} after: {found.value:+.3f} "
        f"({found.low:+.3f} to {found.high:+.3f}, 95 %"
    )
    over = found.prompts[0] if found.paired else found.prompts
    prompts = f"{over[0]:,} and {over[1]:,} prompts" if isinstance(over, tuple) else plural(over, "prompt")
    words += f"; {prompts}, {'in pairs' if found.paired else 'not in pairs'})."
    return words if found.clear else f"{words} The interval holds 0: no difference is shown."


def _ranks(found: Correlation | None) -> str:
    if found is None:
        return "One grader gives every response the same score: ranks cannot be compared."
    words = "alike" if found.value >= ALIKE else "differently" if found.value < APART else "roughly alike"
    return (
        f"The graders rank the responses {words}: Spearman {found.value:.2f} "
        f"({found.low:.2f} to {found.high:.2f})."
    )


def _figures(found: Difference | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "first_mean": found.first,
        "second_mean": found.second,
        "difference": found.value,
        "interval": [found.low, found.high],
        "prompts": list(found.prompts),
        "paired": found.paired,
    }


def _rho(found: Correlation | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {"spearman": found.value, "interval": [found.low, found.high], "responses": found.rows}

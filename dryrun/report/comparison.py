"""Two runs side by side: two graders on the same responses, or two runs over the same or other prompts.

What the comparison shows is told in sentences, as JSON and as Markdown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np
import orjson

from dryrun.analysis.figures.comparison import (
    Correlation,
    Difference,
    Flips,
    TopicChange,
    flips,
    paired_difference,
    rank_correlation,
    topic_changes,
    unpaired_difference,
)
from dryrun.core.arrays import Ints
from dryrun.core.config import RunConfig
from dryrun.core.errors import DryRunError
from dryrun.core.text import code_span, plural, without_credentials
from dryrun.core.thresholds import Thresholds
from dryrun.report import Report, report_of
from dryrun.report.markdown import markdown_sections
from dryrun.report.outline import Named, Section, Table
from dryrun.store.results import Results, Side, sides

SHOWN = 100
"""Characters of a setting that are shown."""


class Pairing(StrEnum):
    """What the two runs share."""

    RESPONSES = "responses"
    """The same responses, graded by two graders."""
    PROMPTS = "prompts"
    """Prompts, each answered in both: compared in pairs."""
    NOTHING = "nothing"
    """Different prompts: two samples, compared as such."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting that differs; ``"–"`` where a run does not have it."""

    name: str
    first: str
    second: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """The second run beside the first.

    Attributes
    ----------
    pairing : Pairing
    settings : tuple of Setting
        What differs between the configurations.
    first, second : Report
        Each by itself, under the same thresholds and rules.
    difference : Difference or None
        Of the means; None where fewer than two prompts can be compared.
    correlation : Correlation or None
    flipped : Flips or None
        Both only for two graders on the same responses. Positions are those of `rows`.
    topics : tuple of TopicChange
    rows : tuple of (int64 array, int64 array)
        Positions of the shared responses in the first results and in the second.
    alone : tuple of int
        Prompts that only the first, only the second run has; they are in no paired figure.
    """

    pairing: Pairing
    settings: tuple[Setting, ...]
    first: Report
    second: Report
    difference: Difference | None
    correlation: Correlation | None
    flipped: Flips | None
    topics: tuple[TopicChange, ...]
    rows: tuple[Ints, Ints]
    alone: tuple[int, int]


def compare(
    first: Results, second: Results, thresholds: Thresholds | None = None, *, evidence: bool = True
) -> Comparison:
    """Compare two runs.

    Parameters
    ----------
    first, second : Results
        "Before" and "after".
    thresholds : Thresholds, optional
    evidence : bool
        Whether the verdicts are those with evidence.

    Raises
    ------
    DryRunError
        Both are the same run, or one has no score yet.
    """
    if first.run.folder.resolve() == second.run.folder.resolve():
        raise DryRunError("Both runs are the same one. Choose another run to compare it with.")
    limits = thresholds or Thresholds()
    before, after = sides(first, second)
    for side, name in ((before, "first"), (after, "second")):
        if not np.isfinite(side.seen.score).any():
            raise DryRunError(f"The {name} run has no score yet. Let it go on, then compare.")
    rows = _shared_rows(first, second)
    alone = _alone(before, after)
    pairing = _pairing(before, after, rows)
    if pairing is Pairing.RESPONSES:
        before, after = _only(before, rows[0]), _only(after, rows[1])
    same = pairing is Pairing.RESPONSES
    scores = before.seen.score, after.seen.score
    measure = unpaired_difference if pairing is Pairing.NOTHING else paired_difference
    return Comparison(
        pairing=pairing,
        settings=tuple(differing(first.config, second.config)),
        first=report_of(first, limits, evidence=evidence),
        second=report_of(second, limits, evidence=evidence),
        difference=measure(scores[0], before.prompt, scores[1], after.prompt),
        correlation=rank_correlation(*scores, before.prompt) if same else None,
        flipped=flips(*scores) if same else None,
        topics=topic_changes(scores[0], before.seen.topic, scores[1], after.seen.topic, limits),
        rows=rows,
        alone=alone,
    )


def _shared_rows(first: Results, second: Results) -> tuple[Ints, Ints]:
    """Positions of the responses that both hold; repeated ones are paired in their order."""
    where = {name: row for row, name in enumerate(_numbered(second))}
    pairs = [(row, where[name]) for row, name in enumerate(_numbered(first)) if name in where]
    positions = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return positions[:, 0], positions[:, 1]


def _numbered(results: Results) -> Iterator[tuple[str, int]]:
    often: dict[str, int] = {}
    for key in results.rollouts["sample_key"].to_pylist():
        often[key] = often.get(key, -1) + 1
        yield key, often[key]


def _pairing(before: Side, after: Side, rows: tuple[Ints, Ints]) -> Pairing:
    if np.unique(before.prompt[rows[0]]).size >= 2 and before.results.grading != after.results.grading:
        return Pairing.RESPONSES
    return Pairing.PROMPTS if np.intersect1d(before.prompt, after.prompt).size >= 2 else Pairing.NOTHING


def _only(side: Side, rows: Ints) -> Side:
    return replace(side, seen=side.seen.at(rows), prompt=side.prompt[rows])


def _alone(before: Side, after: Side) -> tuple[int, int]:
    first, second = np.unique(before.prompt), np.unique(after.prompt)
    return int(np.setdiff1d(first, second).size), int(np.setdiff1d(second, first).size)


def differing(first: RunConfig, second: RunConfig) -> Iterator[Setting]:
    """What differs between two configurations, by the path of each setting."""
    before, after = (dict(_flat(config.model_dump(mode="json"))) for config in (first, second))
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            first_value, second_value = before.get(name), after.get(name)
            yield Setting(name, _shown(first_value, second_value), _shown(second_value, first_value))


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for name, part in value.items():
            yield from _flat(part, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list) and value and any(isinstance(part, Mapping) for part in value):
        for number, part in enumerate(value):
            yield from _flat(part, f"{path}[{number}]")
    else:
        hidden = isinstance(value, str) and path.endswith("base_url")
        yield path, without_credentials(value) if hidden else value


def _shown(value: Any, other: Any) -> str:
    """A setting in one line; of a long one the part where it begins to differ from `other`."""
    if value is None:
        return "–"
    text, beside = _line(value), _line(other)
    if len(text) <= SHOWN:
        return text
    pairs = enumerate(zip(text, beside, strict=False))
    at = next((place for place, (left, right) in pairs if left != right), min(len(text), len(beside)))
    start = max(at - SHOWN // 4, 0)
    cut = text[start : start + SHOWN]
    return f"{'…' if start else ''}{cut}{'…' if start + SHOWN < len(text) else ''}"


def _line(value: Any) -> str:
    return " ".join((value if isinstance(value, str) else orjson.dumps(value).decode()).split())


ALIKE, APART = 0.8, 0.6
"""Rank correlation from which two graders rank alike, and below which they measure different things:
the numbers Microsoft's fine-tuning guide gives for a grader against an evaluation."""
SHOWN_TOPICS = 30
TOPIC_TITLES = ("Topic", "Mean before", "Mean after", "Level before", "Level after", "Note")


def comparison_words(comparison: Comparison) -> tuple[str, ...]:
    """What the comparison shows, the most important first."""
    sentences = [_pairing_words(comparison), _verdicts(comparison.first, comparison.second)]
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


def _pairing_words(comparison: Comparison) -> str:
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

"""The ruling as Markdown for a pull request: what was decided, why, and what to do."""

from __future__ import annotations

from collections.abc import Iterator

from dryrun.core.text import code_span
from dryrun.report.gate.rules import Ruling
from dryrun.report.markdown import markdown_sections
from dryrun.report.outline import outline

KEPT = (
    "Before training",
    "Likely causes",
    "Recommended actions",
    "Warnings",
    "Why scores are missing",
    "Scores",
)
"""Sections of the report that a reviewer reads first."""
TO_DO = "⚠️ condition, stops nothing"
"""Of a condition where conditions pass: what to do stands below, under Before training."""
RULES = ("verdict", "baseline")
MARKS = {True: "✅ passed", False: "❌ failed", None: "⚠️ not judged"}


def markdown_summary(ruling: Ruling) -> str:
    """What `GITHUB_STEP_SUMMARY` or a comment holds; a few dozen lines."""
    report = ruling.report
    about = f"{code_span(report.run.dataset)} · {code_span(report.run.model)}"
    rules = "\n".join(_rules(ruling))
    head = [f"## Dry run: {report.headline}", f"**{report.diagnosis.summary}**", about, rules]
    sections = (section for section in outline(report) if section.title in KEPT)
    return (
        "\n\n".join([*head, *(part.replace("## ", "### ", 1) for part in markdown_sections(sections))]) + "\n"
    )


def _rules(ruling: Ruling) -> Iterator[str]:
    for rule in ruling.rules:
        mark = TO_DO if rule.passed and rule.name not in RULES else MARKS[rule.passed]
        yield f"- {mark}: **{rule.name.replace('_', ' ')}**"
        if rule.name == "baseline":
            yield from (f"  {code_span(line)}" for line in rule.words.splitlines())

"""The ruling for other programs: as Markdown for a pull request, and as JUnit XML, which every CI shows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree import ElementTree

from dryrun.core.text import code_span
from dryrun.report.gate.rules import Rule, Ruling
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


_UNWRITABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold, escaped or not."""


def junit_xml(ruling: Ruling) -> str:
    """One test suite with a test case for each rule; what could not be judged is an error.

    References
    ----------
    The fields that Jenkins, GitLab and GitHub's reporters read: https://github.com/testmoapp/junitxml
    """
    report, unjudged = ruling.report, sum(rule.passed is None for rule in ruling.rules)
    suite = ElementTree.Element(
        "testsuite",
        name="dryrun",
        tests=str(len(ruling.rules)),
        failures=str(len(ruling.failed) - unjudged),
        errors=str(unjudged),
        skipped="0",
        time="0",
        timestamp=report.timestamp.strftime("%Y-%m-%dT%H:%M:%S"),
    )
    properties = ElementTree.SubElement(suite, "properties")
    about = {"dataset": report.run.dataset, "model": report.run.model, "run": report.run.id}
    for name, value in about.items():
        ElementTree.SubElement(properties, "property", name=name, value=_writable(value))
    for rule in ruling.rules:
        _case(suite, rule, report.run.dataset)
    root = ElementTree.Element("testsuites", {**suite.attrib, "name": "Dry Run"})
    root.append(suite)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _case(suite: ElementTree.Element, rule: Rule, dataset: str) -> None:
    case = ElementTree.SubElement(suite, "testcase", classname=_writable(f"dryrun.{dataset}"), name=rule.name)
    words = _writable(rule.words)
    if rule.passed:
        ElementTree.SubElement(case, "system-out").text = words
        return
    kind = "error" if rule.passed is None else "failure"
    first = words.partition("\n")[0]
    ElementTree.SubElement(case, kind, message=first, type=rule.name).text = words


def _writable(text: str) -> str:
    return _UNWRITABLE.sub("\ufffd", text)

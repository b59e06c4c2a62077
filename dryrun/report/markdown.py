"""The report as Markdown. What a user named stands in code spans, where nothing is interpreted.

A sentence may still quote a dataset's label or a tag of a prompt: what Markdown or HTML could read out of it
is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from dryrun.core.text import code_span
from dryrun.report.fields import Report
from dryrun.report.outline import Line, Named, Section, Table, outline


def render_markdown(report: Report) -> str:
    """The whole report as GitHub-flavoured Markdown, ending in a line break."""
    head = [f"# Dry run: {report.headline}", f"**{_words(report.diagnosis.summary)}**"]
    return "\n\n".join([*head, *markdown_sections(outline(report))]) + "\n"


def markdown_sections(sections: Iterable[Section]) -> Iterator[str]:
    """Each section that says anything."""
    return ("\n\n".join(_section(section)) for section in sections if section)


def _section(section: Section) -> Iterator[str]:
    if section.title:
        yield f"## {section.title}"
    if section.lines:
        marks = (f"{place}." if section.ordered else "-" for place in range(1, len(section.lines) + 1))
        yield "\n".join(f"{mark} {_line(line)}" for mark, line in zip(marks, section.lines, strict=True))
    yield from (_table(table) for table in section.tables if table.rows)


def _line(line: Line) -> str:
    pieces = (line,) if isinstance(line, str) else line
    return "".join(code_span(piece) if isinstance(piece, Named) else _words(piece) for piece in pieces)


def _words(sentence: str) -> str:
    """A sentence on one line, in which nothing is read as HTML, a link, an image or bold."""
    return re.sub(r"([\\<>\[\]*])", r"\\\1", re.sub(r"[\r\n]+", " ", sentence))


def _table(table: Table) -> str:
    places = range(len(table.titles))
    rule = "|".join("---:" if place in table.numbers else "---" for place in places)
    rows = (f"| {' | '.join(map(_cell, row))} |" for row in table.rows)
    return "\n".join((f"| {' | '.join(table.titles)} |", f"|{rule}|", *rows))


def _cell(text: str) -> str:
    """A cell in which nothing ends the cell or begins HTML."""
    return code_span(text, in_table=True) if isinstance(text, Named) else _words(text).replace("|", "\\|")

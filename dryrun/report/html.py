"""The report as one HTML file: opens offline, reads in light and dark, prints. All text is escaped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from importlib import resources

from dryrun.core.errors import DryRunError
from dryrun.core.text import cut, plural
from dryrun.report.fields import Report
from dryrun.report.outline import Line, Named, Section, Table, outline

SIGNS = {"GO": "●", "NO-GO": "■", "INVALID": "▲"}


def render_html(report: Report) -> str:
    """The whole report; no script, nothing fetched."""
    drawn, missing = _pictures(report)
    sections = (html_section(section, drawn.get(section.picture, "")) for section in outline(report))
    return html_page(report.headline, "\n".join(("".join(_verdict(report, missing)), *sections)))


def html_page(title: str, body: str) -> str:
    """The page around a body of HTML; its title is escaped."""
    template = resources.files("dryrun.report").joinpath("templates", "report.html.txt")
    return template.read_text(encoding="utf-8").format(title=escape(title), body=body)


def html_section(section: Section, picture: str) -> str:
    """A section as HTML with the picture above its lines; ``""`` where it holds nothing."""
    return "".join(_section(section, picture))


def _pictures(report: Report) -> tuple[dict[str, str], str]:
    """The pictures by section; and why there are none. Altair is loaded here, for nothing else needs it."""
    from dryrun.report.pictures import pictures

    try:
        return pictures(report), ""
    except DryRunError as error:
        return {}, f"{error} The tables hold the same figures."


def _verdict(report: Report, missing: str) -> Iterator[str]:
    verdict = report.verdict
    yield f'<h1>Dry run</h1><p class="soft">{escape(" · ".join(_about(report)))}</p>'
    yield f'<div class="verdict {verdict.lower()}" role="status">'
    yield f"<strong>{SIGNS[verdict]} {escape(report.headline)}</strong>"
    yield f"<p>{escape(report.diagnosis.summary)}</p>"
    yield "</div>"
    if missing:
        yield f'<p class="soft">{escape(missing)}</p>'


def _about(report: Report) -> Iterator[str]:
    """What was run and when: dataset, size, model, day."""
    run = report.run
    if run.dataset:
        yield cut(run.dataset, Named.longest)
    if run.prompts_asked is not None and run.rollouts is not None:
        asked = f"{plural(run.prompts_asked, 'prompt')} × {plural(run.rollouts, 'response')}"
        yield asked + (f" by {cut(run.model, Named.longest)}" if run.model else "")
    yield f"report of {report.timestamp:%d %b %Y}"


def _section(section: Section, picture: str) -> Iterator[str]:
    if not section and not picture:
        return
    title = f"<h2>{escape(section.title)}</h2>" if section.title else ""
    yield f"<section>{title}{picture}"
    if section.lines:
        yield _items(section.lines, "ol" if section.ordered else "ul")
    yield from (_table(table) for table in section.tables if table.rows)
    yield "</section>"


def _items(lines: Sequence[Line], tag: str) -> str:
    return f"<{tag}>{''.join(f'<li>{_line(line)}</li>' for line in lines)}</{tag}>"


def _line(line: Line) -> str:
    return "".join(_text(piece) for piece in ((line,) if isinstance(line, str) else line))


def _text(text: str) -> str:
    return escape(cut(text, text.longest) if isinstance(text, Named) else text)


def _table(table: Table) -> str:
    head = _cells("th", table.titles, table.numbers)
    body = "".join(f"<tr>{_cells('td', row, table.numbers)}</tr>" for row in table.rows)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _cells(tag: str, texts: Sequence[str], numbers: frozenset[int]) -> str:
    marks = ("n" if at in numbers else "t" * isinstance(text, Named) for at, text in enumerate(texts))
    kinds = (f' class="{mark}"' if mark else "" for mark in marks)
    return "".join(f"<{tag}{kind}>{_text(text)}</{tag}>" for text, kind in zip(texts, kinds, strict=True))

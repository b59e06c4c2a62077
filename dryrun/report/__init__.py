"""The report of a run: as JSON, Markdown and one HTML file."""

from __future__ import annotations

from dryrun.report.build import build_report, report_of
from dryrun.report.fields import Report, RunEntry, load_report
from dryrun.report.html import render_html
from dryrun.report.markdown import render_markdown

__all__ = [
    "Report",
    "RunEntry",
    "build_report",
    "load_report",
    "render_html",
    "render_markdown",
    "report_of",
]

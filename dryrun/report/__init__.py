"""The report of a run: as JSON, Markdown and one HTML file."""

from __future__ import annotations

from dryrun.core.text import without_credentials
from dryrun.report.build import ReportFacts, build_report
from dryrun.report.fields import Report, load_report
from dryrun.report.html import render_html
from dryrun.report.markdown import render_markdown

__all__ = [
    "Report",
    "ReportFacts",
    "build_report",
    "load_report",
    "render_html",
    "render_markdown",
    "without_credentials",
]

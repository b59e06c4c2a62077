"""The ledger as one HTML file that opens without a network."""

from __future__ import annotations

from html import escape

from dryrun.core.errors import DryRunError
from dryrun.report.html import html_page, html_section
from dryrun.report.outcome.ledger import TrainingLedger
from dryrun.report.outcome.words import ledger_sections

TITLE = "Forecasts and trainings"
CAPTION = "Bar: 95 % of the gain. Dashed: the gain that counts as learning."


def ledger_page(ledger: TrainingLedger) -> str:
    """All trainings with their plot; without the plot, and a line that says so, where it cannot be drawn."""
    picture, missing = _picture(ledger)
    sections = (
        html_section(section, picture if section.picture else "") for section in ledger_sections(ledger)
    )
    note = f'<p class="soft">{escape(missing)}</p>' if missing else ""
    return html_page(TITLE, "\n".join((f"<h1>{TITLE}</h1>{note}", *sections)))


def _picture(ledger: TrainingLedger) -> tuple[str, str]:
    """The plot, and why there is none. Altair is loaded here, for nothing else needs it."""
    if all(entry.kept.prediction.chance is None for entry in ledger.entries):
        return "", ""
    from dryrun.report.charts.outcomes import outcomes_alt, outcomes_chart
    from dryrun.report.pictures import Picture, static_pictures

    plot = Picture(outcomes_chart(ledger.entries), outcomes_alt(ledger.entries), CAPTION)
    try:
        return static_pictures({"outcomes": plot})["outcomes"], ""
    except DryRunError as error:
        return "", f"{error} The table holds the same figures."

"""What people's labels say, as it stands in the report."""

from __future__ import annotations

from dryrun.analysis.figures.agreement import Agreement, Figure, Labelled, Rate
from dryrun.report.fields import PeopleFigures


def people_figures(found: Agreement | None, labelled: Labelled | None) -> PeopleFigures | None:
    """The figures, or None where nobody labelled."""
    if found is None or labelled is None:
        return None
    return PeopleFigures(
        labels=found.labels,
        good=found.good,
        people=labelled.people,
        unsure=labelled.unsure,
        disputed=labelled.disputed,
        share_good=found.share_good,
        kappa=found.kappa.value if found.kappa else None,
        kappa_interval=_interval(found.kappa),
        auc=found.auc.value if found.auc else None,
        auc_interval=_interval(found.auc),
        false_reject=_rate(found.false_reject),
        false_accept=_rate(found.false_accept),
    )


def _interval(figure: Figure | None) -> tuple[float, float] | None:
    if figure is None or figure.low is None or figure.high is None:
        return None
    return figure.low, figure.high


def _rate(rate: Rate | None) -> tuple[float, float, float] | None:
    return None if rate is None else (rate.share, rate.low, rate.high)

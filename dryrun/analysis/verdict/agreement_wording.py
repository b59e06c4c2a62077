"""Grader and people side by side, in sentences."""

from __future__ import annotations

from dryrun.analysis.figures.agreement import Agreement, Figure, Labelled, Rate
from dryrun.analysis.verdict.words import plural
from dryrun.core.config import Thresholds


def agreement_words(found: Agreement | None, labelled: Labelled, thresholds: Thresholds) -> tuple[str, ...]:
    """What people's labels say of the grader; first how many there are."""
    told = [_counted(labelled, thresholds)]
    if found is not None and found.labels >= thresholds.min_labels:
        told += [_rates(found), *_weak(found, thresholds)]
    if labelled.differing:
        told.append(
            f"Of {plural(labelled.several, 'response')} that several people labelled, they differ on "
            f"{labelled.differing:,}."
        )
    return tuple(told)


def _counted(labelled: Labelled, thresholds: Thresholds) -> str:
    count, least = int(labelled.score.size), thresholds.min_labels
    who = "1 person" if labelled.people == 1 else f"{labelled.people:,} people"
    words = f"{plural(count, 'response')} labelled good or bad by {who}"
    return f"{words}." if count >= least else f"{words}; from {least} on labels enter the verdict."


def _rates(found: Agreement) -> str:
    parts = []
    if found.false_reject is not None:
        parts.append(f"rejects {_rate(found.false_reject)} of the responses people call good")
    if found.false_accept is not None:
        parts.append(f"accepts {_rate(found.false_accept)} of those they call bad")
    words = f"The grader {' and '.join(parts)}"
    if found.kappa is not None:
        words += f"; kappa {_with_interval(found.kappa)}"
    if found.auc is not None:
        words += f", AUC {_with_interval(found.auc)}"
    return f"{words}."


def _weak(found: Agreement, thresholds: Thresholds) -> list[str]:
    told = []
    if found.kappa is not None and found.kappa.value < thresholds.warn_kappa:
        told.append(f"Kappa is below {thresholds.warn_kappa:.2f}: people and grader hardly agree.")
    if found.auc is not None and found.auc.value < thresholds.warn_auc:
        told.append(
            f"AUC is below {thresholds.warn_auc:.2f}: a good response often scores no higher than a bad one."
        )
    return told


def _rate(rate: Rate) -> str:
    return f"{rate.share:.0%} ({rate.low:.0%} to {rate.high:.0%})"


def _with_interval(figure: Figure) -> str:
    if figure.low is None or figure.high is None:
        return f"{figure.value:.2f}"
    return f"{figure.value:.2f} ({figure.low:.2f} to {figure.high:.2f})"

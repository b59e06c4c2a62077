"""What stands beside the document's rule: how stable the verdict is, and what anchors say of its cause."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from dryrun.analysis.agreement import Agreement, Labelled, agreement
from dryrun.analysis.agreement_wording import agreement_words
from dryrun.analysis.anchors import Anchors
from dryrun.analysis.attribution import NOT_OWN, Attribution, attribute
from dryrun.analysis.diagnosis import Diagnosis
from dryrun.analysis.groups import Groups, groups
from dryrun.analysis.intervals import Stability, stability
from dryrun.analysis.observations import Observations
from dryrun.config import Thresholds, Verdict


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything beyond the document's rule.

    Attributes
    ----------
    verdict : Verdict
        The document's; changed only where anchors show a fault that it cannot see.
    borderline : bool
        Re-drawing the prompts changes the document's verdict more often than `Thresholds.stability` allows.
    stability : Stability or None
    groups : Groups or None
    attribution : Attribution or None
        Only where anchors were measured, or people labelled enough responses.
    people : Agreement or None
        Grader and people side by side, where somebody labelled.
    people_words : tuple of str
        The same in sentences.
    """

    verdict: Verdict
    borderline: bool
    stability: Stability | None
    groups: Groups | None
    attribution: Attribution | None
    people: Agreement | None = None
    people_words: tuple[str, ...] = ()

    @property
    def sentences(self) -> tuple[str, ...]:
        """For the banner: the weightiest first."""
        told: list[str] = []
        if self.attribution is not None:
            told += self.attribution.reasons
            told += [self.attribution.next_step] if self.attribution.next_step else []
        if self.stability is not None:
            told.append(_stability_words(self.stability))
        if self.groups is not None:
            told.append(_group_words(self.groups))
        told += self.people_words
        return tuple(told)


def gather(
    observed: Observations,
    thresholds: Thresholds,
    found: Diagnosis,
    anchors: Anchors | None = None,
    duplicate_share: float = 0.0,
    labelled: Labelled | None = None,
) -> Evidence:
    """Measure what can be measured.

    Parameters
    ----------
    observed : Observations
    thresholds : Thresholds
    found : Diagnosis
        By the document's rule.
    anchors : Anchors, optional
    duplicate_share : float
    labelled : Labelled, optional
        What people said; enters the verdict from `Thresholds.min_labels` on.
    """
    anchors = with_people(anchors, labelled, thresholds)
    agreed = agreement(labelled) if labelled else None
    settled = found.verdict != "INVALID"
    held = stability(observed.score, observed.prompt, thresholds) if settled else None
    own = np.where(np.isin(observed.outcome, NOT_OWN), np.nan, observed.score)
    judged = attribute(observed, thresholds, anchors, duplicate_share) if anchors and settled else None
    return Evidence(
        verdict=judged.verdict if judged else found.verdict,
        borderline=held is not None and held.same_verdict < thresholds.stability,
        stability=held,
        groups=groups(own, observed.prompt),
        attribution=judged,
        people=agreed,
        people_words=agreement_words(agreed, labelled, thresholds) if labelled else (),
    )


def with_people(anchors: Anchors | None, labelled: Labelled | None, thresholds: Thresholds) -> Anchors | None:
    """The anchors with people's labels beside them, where there are enough of these."""
    if labelled is None or labelled.score.size < thresholds.min_labels:
        return anchors
    return replace(
        anchors or Anchors(), people=(labelled.score, labelled.good), people_weight=labelled.weight
    )


def _stability_words(held: Stability) -> str:
    mean = f"Mean {held.mean.low:.2f} to {held.mean.high:.2f} (95 %)"
    words = f"{mean}; {held.same_verdict:.0%} of re-draws of the prompts give the same verdict."
    if held.more_prompts:
        words += f" About {held.more_prompts:,} more prompts would settle it."
    return words


def _group_words(found: Groups) -> str:
    about = "about " if found.extrapolated else ""
    return (
        f"In training groups of {found.group}, {about}{found.usable:.0%} of prompts would give a signal "
        f"({found.all_wrong:.0%} always score 0, {found.all_right:.0%} always 1)."
    )

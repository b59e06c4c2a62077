"""Which button stands out after a verdict: that of the first recommended action."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dryrun.analysis.figures.anchors import Anchors
from dryrun.analysis.selection import Show
from dryrun.analysis.verdict.evidence import diagnose_with_evidence
from dryrun.analysis.verdict.words import cause_name
from dryrun.app.results.banner import Step, next_button, telling_samples
from tests.helpers.observed import beta_scores, observe

MIDDLE, LOW = beta_scores(0.5, 0.25), beta_scores(0.05, 0.03)
LOST = np.where(np.arange(300) % 2, np.nan, MIDDLE)
CUT = ["truncated"] * 150 + ["answered"] * 150
UNPAID: dict[str, Any] = {"reference": np.ones(50), "read": (np.zeros(300), np.arange(300) % 2.0)}
"""Every second response is right, and nothing is paid."""


@pytest.mark.parametrize(
    ("verdict", "scores", "more", "anchors", "step"),
    [
        ("GO", MIDDLE, {}, {}, Step.TRAIN),
        ("INVALID", MIDDLE[:12], {}, {}, Step.CHANGE),
        ("INVALID", MIDDLE, {"outcomes": CUT}, {}, Step.CHANGE),
        (
            "INVALID",
            MIDDLE,
            {"outcomes": [word.replace("truncated", "empty") for word in CUT]},
            {},
            Step.REVIEW,
        ),
        ("INVALID", LOST, {}, {}, Step.VIEW_UNSCORED),
        ("NO-GO", LOW, {}, {}, Step.REVIEW),
        ("NO-GO", LOW, {"errors": 250}, {}, Step.ADJUST),
        ("NO-GO", LOW, {}, UNPAID, Step.ADJUST),
    ],
)
def test_the_button_that_stands_out_is_the_first_actions(
    verdict: str, scores: Any, more: dict[str, Any], anchors: dict[str, Any], step: Step
) -> None:
    evidence = diagnose_with_evidence(observe(scores, **more), Anchors(**anchors))
    assert evidence.verdict == verdict
    assert next_button(evidence, scored=bool(np.isfinite(scores).all())) is step
    assert telling_samples(evidence) is (Show.UNPAID if anchors else Show.LOWEST)


def test_a_cause_names_its_part_once() -> None:
    assert cause_name("grader", "Grader hackable") == "Grader hackable"
    assert cause_name("dataset", "Tasks too easy") == "Dataset: Tasks too easy"

"""Thresholds: every number has a group and a description, and the given ones are used in words."""

from __future__ import annotations

import numpy as np
import pytest

from dryrun.analysis.figures.anchors import Anchors
from dryrun.analysis.observations import Observations
from dryrun.analysis.verdict.evidence import diagnose_with_evidence
from dryrun.core.thresholds import RENAMED, Piece, ProbeLimits, Thresholds


@pytest.mark.parametrize("name", sorted(set(Thresholds.model_fields) - {"without"}))
def test_every_number_has_one_group_a_description_and_a_short_name(name: str) -> None:
    groups = [title for title, names in Thresholds.groups().items() if name in names]
    assert len(groups) == 1
    assert groups[0]
    description = Thresholds.model_fields[name].description
    assert description is not None
    assert description.endswith(".")
    assert Thresholds.model_fields[name].title


def test_numbers_are_flat_and_in_the_order_of_their_groups() -> None:
    assert Thresholds.numbers() == tuple(name for names in Thresholds.groups().values() for name in names)
    assert Thresholds.numbers() == tuple(name for name in Thresholds.model_fields if name != "without")
    assert Thresholds.numbers()[:3] == ("mean_low", "mean_high", "std_low")
    assert Thresholds.model_validate({"mean_low": 0.05}).mean_low == 0.05


@pytest.mark.parametrize(("blame_data", "only"), [(0.30, False), (0.50, True)])
def test_the_share_of_blame_is_small_by_the_given_threshold(blame_data: float, only: bool) -> None:
    rng = np.random.default_rng(0)
    scores = np.clip(0.03 + rng.normal(0, 0.02, (150, 4)), 0, 1)
    anchors = Anchors(reference=np.full(50, 0.6))
    evidence = diagnose_with_evidence(Observations.of(scores), anchors, Thresholds(blame_data=blame_data))
    assert evidence.blame is not None
    assert 0.30 < evidence.blame.share < 0.50
    words = " ".join(evidence.sentences)
    assert "the grader explains" in words
    assert ("explains only" in words) is only


@pytest.mark.parametrize(
    ("changed", "quality"), [({}, "too_lenient"), ({"worthless_lenient": 0.9}, "cannot_differentiate")]
)
def test_numbers_that_were_constants_move_the_cause(changed: dict[str, float], quality: str) -> None:
    scores = np.clip(np.random.default_rng(0).normal(0.5, 0.2, (150, 4)), 0, 1)
    anchors = Anchors(reference=np.full(50, 0.9), junk={"empty": np.full(20, 0.8)})
    evidence = diagnose_with_evidence(Observations.of(scores), anchors, Thresholds(**changed))
    assert evidence.grader_quality == quality


def test_names_of_older_files_are_still_read() -> None:
    older = Thresholds.model_validate(dict.fromkeys(RENAMED, 0.4) | {"without": ["junk"]})
    assert {getattr(older, name) for name in RENAMED.values()} == {0.4}
    assert older.without == (Piece.WORTHLESS,)


def test_a_run_and_a_check_of_its_grader_share_their_limits() -> None:
    shared = set(Thresholds.model_fields) & set(ProbeLimits.model_fields)
    assert {"right_from", "least_range", "worthless_paid"} <= shared
    assert all(getattr(Thresholds(), name) == getattr(ProbeLimits(), name) for name in shared)

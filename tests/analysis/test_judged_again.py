"""A run judged again under other thresholds: the same as judged anew, and nothing is measured twice."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from dryrun.analysis.figures.shape import length_bias
from dryrun.analysis.figures.statistics import describe
from dryrun.analysis.observations import Observations
from dryrun.analysis.verdict.evidence import diagnose_with_evidence
from dryrun.core.thresholds import Thresholds

MOVED = Thresholds(mean_low=0.6, topic_min_count=300, length_pairs=50)


def seen() -> Observations:
    """Scores of 100 prompts in two topics, four responses each, some cut off."""
    rng = np.random.default_rng(11)
    outcomes = np.where(rng.random((100, 4)) < 0.1, "truncated", "answered")
    return Observations.of(
        rng.random((100, 4)).round(3),
        topics=["a", "b"] * 50,
        outcomes=outcomes,
        lengths=rng.integers(1, 90, (100, 4)),
    )


def test_other_thresholds_judge_the_same_rollouts_as_if_they_were_new() -> None:
    observed = seen()
    first = diagnose_with_evidence(observed)
    again = diagnose_with_evidence(observed, thresholds=MOVED)
    anew = diagnose_with_evidence(seen(), thresholds=MOVED)
    assert (again.verdict, again.summary, again.sentences) == (anew.verdict, anew.summary, anew.sentences)
    assert again.document == anew.document
    assert again.warnings == anew.warnings
    assert again.measures.length == anew.measures.length
    assert again.document != first.document


def test_a_cause_under_a_moved_threshold_says_what_to_do() -> None:
    causes = diagnose_with_evidence(seen(), thresholds=MOVED).causes
    assert "None of them scored 0 every time" in [cause.effect for cause in causes]
    assert all(cause.solution for cause in causes)


def test_a_moved_threshold_measures_no_rollouts_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def counted(name: str, measure: Any) -> Any:
        def count(*given: Any) -> Any:
            asked.append(name)
            return measure(*given)

        return count

    monkeypatch.setattr("dryrun.analysis.verdict.document.describe", counted("figures", describe))
    monkeypatch.setattr("dryrun.analysis.verdict.measures.length_bias", counted("lengths", length_bias))
    observed = seen()
    for limit in (0.1, 0.2, 0.3):
        diagnose_with_evidence(observed, thresholds=Thresholds(mean_low=limit))
    assert sorted(asked) == ["figures", "lengths"]
    assert observed.ordered() is observed.ordered()


def test_other_rollouts_keep_nothing_of_those_they_were_made_from() -> None:
    observed = seen()
    diagnose_with_evidence(observed)
    half = replace(observed, score=observed.score / 2)
    halved, anew = diagnose_with_evidence(half), diagnose_with_evidence(replace(seen(), score=half.score))
    assert halved.document == anew.document
    assert halved.document.statistics.mean != diagnose_with_evidence(observed).document.statistics.mean

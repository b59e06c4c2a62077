"""Classes of prompts: by counts after shrinkage, and by what else is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dryrun.analysis.training.profile import (
    CLASSES,
    DatasetProfile,
    OutcomeClass,
    RowFlag,
    flag_words,
    joined_counts,
    profile_of,
)
from tests.analysis.training.counted import counts_of
from tests.simulators.profile import class_rows, planted_profile

RIGHT = [0] * 30 + [4] * 40 + [8] * 30


def kinds(found: DatasetProfile, *places: int) -> list[OutcomeClass]:
    return [CLASSES[found.kind[place]] for place in places]


def test_counts_make_never_learnable_and_always() -> None:
    found = profile_of(counts_of(RIGHT, 8))
    assert kinds(found, 0, 50, 99) == [OutcomeClass.NEVER, OutcomeClass.LEARNABLE, OutcomeClass.ALWAYS]
    assert sum(found.sizes().values()) == len(found) == 100
    assert found.mean[50] == pytest.approx(0.5)
    assert found.spread[0] == 0.0


def test_a_reward_that_differs_where_the_outcome_does_not_is_shaping() -> None:
    differs = np.zeros(100, bool)
    differs[:5] = differs[50] = True
    found = profile_of(counts_of(RIGHT, 8, differs=differs))
    assert kinds(found, 0, 5, 50) == [OutcomeClass.SHAPING, OutcomeClass.NEVER, OutcomeClass.LEARNABLE]


def test_a_refused_reference_is_broken_where_most_are_paid() -> None:
    reference = np.ones(100)
    reference[[0, 50]] = 0.0
    found = profile_of(counts_of(RIGHT, 8, reference=reference))
    assert kinds(found, 0, 50) == [OutcomeClass.BROKEN, OutcomeClass.LEARNABLE], "a paid response clears it"
    assert np.isnan(found.sure[0])


def test_where_most_references_are_refused_the_form_is_to_blame() -> None:
    found = profile_of(counts_of(RIGHT, 8, reference=np.zeros(100)))
    assert found.sizes()[OutcomeClass.BROKEN] == 0


def test_contradictions_are_broken_and_unstable_rows_noisy() -> None:
    flags = np.zeros(100, np.int64)
    flags[50], flags[51] = RowFlag.CONTRADICTION.value, RowFlag.UNSTABLE.value
    found = profile_of(counts_of(RIGHT, 8, flags=flags))
    assert kinds(found, 50, 51) == [OutcomeClass.BROKEN, OutcomeClass.NOISY]
    assert not found.undecided[[50, 51]].any()


def test_prompts_without_a_score_are_not_measured_and_undecided() -> None:
    found = profile_of(counts_of([0, *RIGHT], [0, *[8] * 100]))
    assert kinds(found, 0) == [OutcomeClass.UNKNOWN]
    assert found.undecided[0]


def test_few_responses_leave_classes_open() -> None:
    few = profile_of(counts_of([0] * 40 + [1] * 20 + [2] * 40, 2))
    assert few.undecided[:40].all()
    assert not few.undecided[40:60].any(), "right and wrong in two responses: learnable"


def test_joined_parts_keep_their_topics() -> None:
    one = counts_of([0, 1], topics=("a", "b"), topic=np.array([1, 0]))
    other = counts_of([2, 3], topics=("c", "b"), topic=np.array([0, 1]))
    whole = joined_counts([one, other])
    assert [whole.topics[code] for code in whole.topic] == ["b", "a", "c", "b"]
    assert whole.right.tolist() == [0, 1, 2, 3]


def test_flags_have_names() -> None:
    assert flag_words(RowFlag.REPEATED | RowFlag.CUT_OFF) == ["repeated", "cut_off"]


@pytest.mark.slow
def test_planted_faults_are_named_from_a_real_run(tmp_path: Path) -> None:
    found, planted = planted_profile(tmp_path, 8)
    for kind, precision, recall in class_rows(found, planted):
        assert precision >= 0.8, kind
        assert recall >= 0.8, kind

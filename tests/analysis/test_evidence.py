"""The whole judgement: the tree alone bit for bit, each piece named and separable, and what it says."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dryrun.analysis.figures.anchors import Anchors
from dryrun.analysis.observations import Observations
from dryrun.analysis.verdict.conditions import GraderReview
from dryrun.analysis.verdict.evidence import Evidence, diagnose_with_evidence
from dryrun.core.thresholds import Piece, Thresholds
from tests.helpers.observed import observe

JUNK = {name: np.zeros(20) for name in ("empty", "refusal", "echo", "long filler")}
RIGHT = np.full(50, 0.97)


def spread(mean: float, std: float = 0.2, prompts: int = 150, k: int = 4, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    own = mean + rng.normal(0, std / 2, prompts)
    return np.clip(own[:, None] + rng.normal(0, std, (prompts, k)), 0, 1)


def judged(score: np.ndarray, limits: Thresholds | None = None, **anchors: Any) -> Evidence:
    return diagnose_with_evidence(Observations.of(score), Anchors(**anchors), limits)


def plain_tree(scores: np.ndarray) -> str:
    """The document's tree, written down once more."""
    mean, std = float(np.mean(scores)), float(np.std(scores, ddof=1))
    if mean < 0.10 - 1e-9 or mean > 0.90 + 1e-9:
        return "NO-GO"
    return "NO-GO" if std < 0.10 - 1e-9 else "GO"


@pytest.mark.slow
@settings(max_examples=150)
@given(
    center=st.floats(0, 1),
    width=st.floats(0, 0.5),
    prompts=st.integers(2, 40),
    k=st.integers(1, 3),
    seed=st.integers(0, 10**6),
)
def test_strict_is_the_tree_whatever_else_is_known(
    center: float, width: float, prompts: int, k: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    score = np.clip(rng.normal(center, width, (prompts, k)), 0, 1)
    outcomes = np.where(rng.random((prompts, k)) < 0.5, "truncated", "refused")
    anchors = Anchors(reference=rng.random(50), junk={"empty": rng.random(20)}, regraded=rng.random((20, 2)))
    seen = Observations.of(
        score, outcomes=outcomes, topics=["a", "b"] * (prompts // 2) + ["c"] * (prompts % 2)
    )
    alone = diagnose_with_evidence(seen, anchors, Thresholds.strict(), duplicate_rows=5)
    assert alone.verdict == plain_tree(score)
    assert (alone.pieces, alone.sentences, alone.borderline, alone.blame) == ((), (), False, None)
    assert alone.dataset_quality == alone.document.dataset_quality
    assert alone.warnings == alone.document.warnings


def test_strict_keeps_the_numbers_that_were_changed() -> None:
    limits = Thresholds(mean_low=0.3, group_size=16, without=(Piece.WORTHLESS,)).tree_alone()
    assert (limits.mean_low, limits.group_size, limits.document_only) == (0.3, 16, True)
    assert judged(spread(0.2), limits).verdict == "NO-GO"
    assert Thresholds.strict() == Thresholds().tree_alone()


@pytest.mark.parametrize(
    ("piece", "anchors"),
    [
        (Piece.WORTHLESS, {"reference": RIGHT, "junk": {**JUNK, "long filler": np.full(20, 0.7)}}),
        (Piece.REFERENCES, {"reference": np.repeat([0.0, 1.0], [15, 35]), "junk": JUNK}),
        (Piece.REGRADING, {"regraded": np.random.default_rng(1).random((100, 3))}),
        (Piece.PEOPLE, {"people": (np.zeros(60), np.ones(60, dtype=np.int64))}),
    ],
)
def test_each_piece_that_blocks_is_named_and_can_be_left_out(piece: Piece, anchors: dict[str, Any]) -> None:
    blocked = judged(spread(0.45), **anchors)
    assert blocked.verdict == "NO-GO"
    assert blocked.document.verdict == "GO"
    assert piece in blocked.pieces
    assert "the scores do not show it: mean 0.45" in blocked.summary
    without = judged(spread(0.45), Thresholds(without=(piece,)), **anchors)
    assert without.verdict == "GO"
    assert piece not in without.pieces


def test_dead_prompts_block_through_groups_alone() -> None:
    dead = np.repeat((np.random.default_rng(2).random(150) < 0.5).astype(float)[:, None], 4, axis=1)
    assert judged(dead).verdict == "NO-GO"
    assert judged(dead, Thresholds(without=(Piece.GROUPS, Piece.SIGNAL))).verdict == "GO"


def test_broken_samples_are_a_piece_too() -> None:
    outcomes = np.full((150, 4), "answered", dtype=object)
    outcomes[:60] = "truncated"
    seen = Observations.of(spread(0.45), outcomes=outcomes)
    found = diagnose_with_evidence(seen)
    assert found.verdict == "INVALID"
    assert found.summary == (
        "INVALID - 40 % of responses hit the token limit. No verdict about data or grader is possible."
    )
    assert diagnose_with_evidence(seen, thresholds=Thresholds(without=(Piece.SAMPLES,))).verdict == "GO"


def test_missing_scores_that_could_turn_the_mean_are_no_verdict() -> None:
    """Manski's bounds: a mean of 0.103 with 5 % missing could be 0.098, on the other side of 0.10."""
    score = np.concatenate([np.full(30, np.nan), np.zeros(511), np.ones(59)]).reshape(150, 4)
    assert "missing" in judged(score).tags
    assert "were all of those 0, or all 1" in judged(score).summary
    assert "missing" not in judged(spread(0.45)).tags


def test_the_summary_says_verdict_how_sure_and_why() -> None:
    sure = judged(spread(0.45), reference=RIGHT, junk=JUNK)
    assert sure.summary == "GO - mean 0.45 (0.43-0.47); all 2,000 bootstrap samples of your prompts agree."
    bare = judged(spread(0.45, k=1))
    assert bare.summary.startswith("GO - mean 0.43 (0.4")
    assert "Not checked: reference answers" in bare.summary
    assert "groups (one response to each prompt)" in bare.summary
    strict = judged(spread(0.02, 0.05), reference=np.full(50, 0.31), junk=JUNK)
    assert strict.verdict == "NO-GO"
    assert "below 0.10 in all 2,000 bootstrap samples of your prompts" in strict.summary
    near = judged(np.concatenate([np.zeros(265), np.ones(35)]))
    assert near.borderline
    assert near.summary.startswith("GO (borderline) - mean 0.12")
    assert "more prompts would settle it." in near.summary


def test_blame_is_told_with_what_it_rests_on() -> None:
    score = spread(0.05, 0.08, seed=5)
    rng = np.random.default_rng(6)
    strict = judged(score, reference=np.clip(rng.normal(0.4, 0.1, 50), 0, 1), junk=JUNK)
    assert strict.blame is not None
    assert f"explains {round(100 * strict.blame.share)} %" in strict.sentences[0]
    assert "Grader too strict: your own reference answers score 0." in strict.sentences[0]
    assert strict.sentences[-1].startswith("Next: Loosen the grader")
    assert {cause.part for cause in strict.causes} == {"grader"}
    hard = judged(score, reference=RIGHT, junk=JUNK)
    assert hard.sentences[0].startswith("Prompts too hard: your own reference answers score 0.97, so the ")
    assert "only" in hard.sentences[0]
    assert {cause.part for cause in hard.causes} == {"dataset"}
    assert hard.dataset_line.word == "Too hard"
    unknown = judged(score)
    assert len(unknown.causes) == 2
    assert unknown.dataset_line.word == "Possibly too hard"


def test_a_stronger_model_can_clear_the_grader_but_not_convict_it() -> None:
    score = spread(0.04, 0.05)
    cleared = judged(score, stronger=np.full(40, 0.9), junk=JUNK)
    assert (cleared.dataset_quality, cleared.grader_quality) == ("too_hard", "good")
    failed = judged(score, stronger=np.full(40, 0.1), junk=JUNK)
    assert failed.undetermined
    assert len(failed.causes) == 2


def test_signal_index_is_its_product_and_names_the_weakest_factor() -> None:
    rng = np.random.default_rng(7)
    score = spread(0.45)
    noisy = score.ravel()[:100, None] + rng.normal(0, 0.15, (100, 3))
    found = judged(score, reference=np.full(50, 0.9), junk={"empty": np.full(20, 0.1)}, regraded=noisy)
    index = found.measures.signal
    assert index is not None
    assert index.reliability is not None
    assert index.range is not None
    assert index.value == pytest.approx(index.usable * index.reliability * index.range)
    assert (index.range, index.weakest) == (1.0, "reliability of the grade")
    assert index.reliability == pytest.approx(math.sqrt(found.measures.reliability or 0))
    assert judged(score, reference=RIGHT, junk=JUNK).measures.signal is None  # reliability not measured


def test_a_weak_signal_blocks_and_says_through_what() -> None:
    rng = np.random.default_rng(8)
    score = spread(0.45)
    quiet = score.ravel()[:100, None] + np.zeros((100, 2))
    limits = Thresholds(least_range=0.0, worthless_paid=1.0, hackable_alone=1.0)
    junk = {"empty": rng.normal(0.93, 0.01, 20)}
    found = judged(score, limits, reference=RIGHT, junk=junk, regraded=quiet)
    assert (found.verdict, found.grader_quality) == ("NO-GO", "cannot_differentiate")
    assert "range of the grader" in found.summary


def test_observations_from_a_table() -> None:
    seen = Observations.of(
        [[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]], prompts=["a", "b", "a"], topics=["x", "y", "x"]
    )
    assert seen.prompt.tolist() == [0, 0, 1, 1, 0, 0]
    assert seen.topic.tolist() == ["x", "x", "y", "y", "x", "x"]
    assert Observations.of([0.1, 0.2]).score.tolist() == [0.1, 0.2]
    with pytest.raises(ValueError, match="2 entries"):
        Observations.of([0.1, 0.2], topics=["one"])


def test_the_order_of_the_rows_changes_nothing() -> None:
    rng = np.random.default_rng(9)
    seen = observe(rng.random(400), rollouts=4, topics=[f"t{i // 4 % 7}" for i in range(400)])
    order = rng.permutation(400)
    other = Observations(
        *(
            getattr(seen, name)[order]
            for name in ("score", "prompt", "topic", "outcome", "length", "grader_error")
        )
    )
    one, two = diagnose_with_evidence(seen), diagnose_with_evidence(other)
    assert (one.stability, one.groups, one.summary) == (two.stability, two.groups, two.summary)


def test_a_grader_that_fails_on_most_responses_is_told_to_be_mended_first() -> None:
    scores = np.zeros(200)
    anchors = Anchors(reference=np.zeros(50), junk={"empty": np.zeros(20)})
    topics = ["a"] * 100 + ["b"] * 100
    failing = observe(scores, topics=topics, errors=200)
    said = [action.sentence for action in diagnose_with_evidence(failing, anchors).actions]
    assert said[0].startswith("Mend the grader's error first")
    assert not any(sentence.startswith("Topic") for sentence in said), "no topic is judged by a broken grader"
    strict = diagnose_with_evidence(observe(scores, topics=topics), anchors)
    assert strict.actions[0].sentence.startswith("Loosen the grader")


def test_a_low_topic_is_told_apart_by_its_own_reference_answers() -> None:
    scores = np.concatenate([spread(0.5, prompts=200).ravel(), np.zeros(200), np.zeros(200), np.zeros(200)])
    topics = ["fine"] * 800 + ["hard"] * 200 + ["strict"] * 200 + ["unknown"] * 200
    observed = observe(scores, rollouts=4, topics=topics)
    known = {"hard": np.ones(5), "strict": np.zeros(5), "unknown": np.ones(2)}
    anchors = Anchors(reference=RIGHT, junk=JUNK, topic_reference=known)
    said = {action.topic: action.sentence for action in diagnose_with_evidence(observed, anchors).actions}
    assert "right answers are paid there: SFT first" in said["hard"]
    assert "adjust the grader for this topic, or mend these references" in said["strict"]
    assert "it may need SFT first, or exclude it" in said["unknown"], "two reference answers tell nothing"


@pytest.mark.parametrize(("scatter", "warned"), [(0.0, False), (0.08, True)])
def test_right_answers_that_all_earn_the_most_there_is_are_no_low_ceiling(
    scatter: float, warned: bool
) -> None:
    scores, reference = np.r_[np.zeros(50), np.full(50, 0.6)], 0.6 + scatter * np.tile([-1.0, 1.0], 25)
    found = judged(scores, reference=reference, junk=JUNK)
    assert ("low_ceiling" in {condition.code for condition in found.conditions}) is warned


@pytest.mark.parametrize(("reference", "junk"), [(0.0, 0.0), (0.6, 0.35)])
def test_a_ceiling_near_worthless_answers_is_named(reference: float, junk: float) -> None:
    scores = np.r_[np.zeros(50), np.full(50, reference)]
    paid = {name: np.full(20, junk) for name in JUNK}
    found = judged(scores, reference=np.full(50, reference), junk=paid)
    assert found.grader_quality in {"too_strict", "cannot_differentiate"}


@pytest.mark.parametrize(("binary", "seen"), [(True, "Binary"), (False, "Good by its scores")])
def test_the_line_on_the_grader_names_what_its_check_found(binary: bool, seen: str) -> None:
    score = spread(0.5)
    observed = Observations.of((score > 0.5).astype(np.float64) if binary else score)
    review = GraderReview("too lenient", ("It pays wrong answers.",), judged=True)
    found = diagnose_with_evidence(observed, review=review)
    assert found.headline == "GO, with conditions"
    assert found.grader_line.word == f"{seen}; too lenient by its check"


def test_what_the_grader_raises_on_responses_comes_before_its_check() -> None:
    observed = Observations.of(spread(0.5))
    raising = np.arange(observed.score.size) % 4 == 0
    words = "line 2: ValueError: could not convert string to float"
    observed = replace(observed, grader_error=raising, commonest_error=words)
    review = GraderReview("too strict", ("It refuses right answers.",), judged=True)
    found = diagnose_with_evidence(observed, review=review)
    assert [condition.code for condition in found.conditions] == ["grader_errors", "grader_check"]
    assert found.conditions[0].sentence.endswith(f"most often this one: {words}.")


def test_a_cause_that_the_evidence_rules_out_is_not_listed() -> None:
    """Right answers earn 1, worthless ones nothing: flat scores come of responses that are all alike."""
    found = judged(spread(0.4, 0.05), reference=np.ones(50), reformatted=np.full(50, 0.98), junk=JUNK)
    assert (found.verdict, found.document.verdict) == ("NO-GO", "NO-GO")
    assert [(cause.part.value, cause.title) for cause in found.causes] == [("dataset", "Responses all alike")]
    assert [action.kind.value for action in found.actions] == ["change_dataset"]
    assert any("Ruled out: grader doesn't differentiate" in sentence for sentence in found.sentences)

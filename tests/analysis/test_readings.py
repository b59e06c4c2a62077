"""Right and paid, right and unpaid, not right; and reference answers in a form that nobody pays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dryrun.analysis.figures.anchors import Anchors, scale
from dryrun.analysis.figures.form import in_known_form
from dryrun.analysis.figures.noise import fails_by_chance, noise
from dryrun.analysis.figures.readings import LEAST, follows, readings
from dryrun.analysis.observations import Observations
from dryrun.analysis.verdict.evidence import Evidence, diagnose_with_evidence
from dryrun.analysis.verdict.words import DatasetQuality, GraderQuality
from dryrun.core.thresholds import Thresholds

NAN = float("nan")


def test_the_shares_add_up_and_carry_their_intervals() -> None:
    score = np.array([1.0] * 20 + [0.1] * 30 + [0.0] * 50 + [1.0] * 10)
    says = np.array([1.0] * 50 + [0.0] * 50 + [NAN] * 10)
    found = readings(score, says)
    assert found is not None
    shares = (found.right_paid.value, found.right_unpaid.value, found.not_right.value)
    assert shares == (0.2, 0.3, 0.5)
    assert found.read == 100
    # Wilson's interval of 30 in 100, from its formula.
    assert found.right_unpaid.interval.low == pytest.approx(0.2189, abs=1e-4)
    assert found.right_unpaid.interval.high == pytest.approx(0.3958, abs=1e-4)
    assert str(found.right_unpaid) == "30 % (22 % to 40 %)"


def test_few_responses_that_can_be_read_say_nothing() -> None:
    assert readings(np.zeros(LEAST - 1), np.zeros(LEAST - 1)) is None
    assert readings(np.zeros(LEAST), np.zeros(LEAST)) is not None


def run(score: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Observations:
    return Observations.of(score.reshape(-1, 2), prompts=list(range(score.size // 2)))


def evidence_of(
    says: float,
    reference: float = 1.0,
    reformatted: float = 0.0,
    reasoning: float = 0.0,
    end_tokens: float = 0.0,
) -> Evidence:
    """Of a run that earns nothing, whose responses say `says`."""
    score = np.zeros(400)
    anchors = Anchors(
        reference=np.full(50, reference),
        reformatted=np.full(50, reformatted),
        junk={"empty": np.zeros(20)},
        read=(score, np.full(400, says)),
        reasoning=reasoning,
        end_tokens=end_tokens,
    )
    return diagnose_with_evidence(run(score), anchors, Thresholds())


def judged(says: float, reformatted: float = 0.0) -> tuple[str, str, str]:
    """Verdict and qualities of such a run."""
    evidence = evidence_of(says, reformatted=reformatted)
    return evidence.verdict, evidence.dataset_quality.value, evidence.grader_quality.value


def test_wrong_responses_blame_the_prompts_whatever_another_form_would_earn() -> None:
    verdict, dataset, grader = judged(says=0.0)
    assert (verdict, dataset) == ("NO-GO", "too_hard")
    assert grader != "too_strict"


def test_right_responses_that_earn_nothing_blame_the_grader_whatever_the_references_earn() -> None:
    verdict, _, grader = judged(says=1.0, reformatted=1.0)
    assert (verdict, grader) == ("NO-GO", "too_strict")


def test_reasoning_in_the_response_is_looked_for_before_the_grader_is_blamed() -> None:
    found = evidence_of(says=1.0, reasoning=1.0).attribution
    assert (found.dataset, found.grader) == (DatasetQuality.UNKNOWN, GraderQuality.UNKNOWN)
    assert any("hold their reasoning in front of the answer" in reason for reason in found.reasons)
    assert evidence_of(says=1.0, reasoning=0.01).attribution.grader is GraderQuality.TOO_STRICT


def test_end_tokens_left_in_the_text_are_named_before_the_grader_is_blamed() -> None:
    found = evidence_of(says=1.0, end_tokens=1.0).attribution
    assert (found.dataset, found.grader) == (DatasetQuality.UNKNOWN, GraderQuality.UNKNOWN)
    assert any("<|im_end|>" in reason for reason in found.reasons)
    assert "stop at its end token" in found.first_step


def test_right_answers_that_earn_nothing_where_responses_earn_all_say_nothing() -> None:
    score = np.tile([1.0, 0.0], 100)
    anchors = Anchors(
        reference=np.zeros(50), reformatted=np.zeros(50), junk={"empty": np.zeros(20)}, topic_reference={}
    )
    assert in_known_form(anchors, score).form_unknown
    evidence = diagnose_with_evidence(run(score), anchors, Thresholds())
    assert evidence.verdict == "GO"
    assert any("could not be written in the form" in sentence for sentence in evidence.not_measured)
    assert not any("score 0.00" in reason for reason in evidence.attribution.reasons)


def test_a_grader_that_pays_worthless_answers_more_than_right_ones_is_not_waiting_for_a_form() -> None:
    anchors = Anchors(reference=np.zeros(50), junk={"empty": np.ones(20), "refusal": np.ones(20)})
    assert not in_known_form(anchors, np.tile([1.0, 0.0], 100)).form_unknown


def test_references_that_earn_as_much_as_the_best_responses_stay() -> None:
    score = np.tile([0.6, 0.0], 100)
    assert not in_known_form(Anchors(reference=np.full(50, 0.6)), score).form_unknown
    coin = np.random.default_rng(0).integers(0, 2, 250).astype(np.float64)
    assert not in_known_form(Anchors(reference=coin[:50]), coin[50:]).form_unknown


def test_scores_that_follow_right_answers_correlate_whatever_their_scale() -> None:
    says = np.repeat([1.0, 0.0], 100)
    score = np.where(np.arange(200) % 10 == 0, 1 - says, says)  # one in ten is scored the wrong way round
    found, narrow = follows(score, says), follows(0.45 + 0.1 * score, says)
    assert found is not None
    assert narrow is not None
    assert (found.value, narrow.value) == pytest.approx((0.8, 0.8))
    # Fisher's z of 0.8 over half of 200 responses, from its formula.
    assert found.interval == pytest.approx((0.7161, 0.8611), abs=1e-4)


def test_too_few_right_or_wrong_responses_or_one_score_say_nothing_of_following() -> None:
    says = np.repeat([1.0, 0.0], [4, 96])
    assert follows(says, says) is None
    says = np.repeat([1.0, 0.0], [5, 95])
    assert follows(says, says) is not None
    assert follows(np.full(100, 0.5), says) is None
    assert follows(says[:20], says[:20]) is None


COIN = np.random.default_rng(3)


def binary(chance: float, prompts: int = 150, k: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Scores of shape (prompts, k) that are 1 for right answers, and which are right."""
    right = (np.random.default_rng(4).random((prompts, k)) < chance).astype(np.float64)
    return right, right.ravel()


def test_real_responses_outweigh_a_hole_and_make_it_a_condition() -> None:
    score, right = binary(0.4)
    anchors = Anchors(
        reference=np.ones(50),
        junk={"empty": np.zeros(20), "refusal": np.zeros(20), "stuffing": np.full(20, 0.9)},
    )
    blocked = diagnose_with_evidence(Observations.of(score), anchors)
    assert (blocked.verdict, blocked.grader_quality) == ("NO-GO", GraderQuality.HACKABLE)
    passed = diagnose_with_evidence(Observations.of(score), replace(anchors, read=(score.ravel(), right)))
    assert (passed.verdict, passed.grader_quality) == ("GO", GraderQuality.HACKABLE)
    assert passed.headline == "GO, with conditions"
    assert [condition.code for condition in passed.conditions] == ["outweighed"]
    assert "(stuffing) earn at least 0.90" in passed.conditions[0].sentence
    index = passed.measures.signal
    assert index is not None
    assert index.value == pytest.approx(index.usable * 1.0)


def test_responses_that_are_paid_for_something_else_outweigh_nothing() -> None:
    score, right = binary(0.4)
    anchors = Anchors(
        reference=np.ones(50),
        junk={"empty": np.zeros(20), "refusal": np.zeros(20), "format only": np.full(20, 0.9)},
        read=(score.ravel(), COIN.permutation(right)),
    )
    found = diagnose_with_evidence(Observations.of(score), anchors)
    assert (found.verdict, found.grader_quality) == ("NO-GO", GraderQuality.HACKABLE)


def test_a_grader_that_pays_regardless_of_right_answers_is_stopped_by_the_index() -> None:
    score, right = binary(0.5)
    found = diagnose_with_evidence(
        Observations.of(score), Anchors(reference=np.ones(50), read=(score.ravel(), COIN.permutation(right)))
    )
    assert (found.verdict, found.grader_quality) == ("NO-GO", GraderQuality.CANNOT_DIFFERENTIATE)
    assert "how closely scores follow right answers" in found.summary
    few = np.arange(40)
    left_open = diagnose_with_evidence(
        Observations.of(score),
        Anchors(reference=np.ones(50), read=(score.ravel()[few], COIN.permutation(right[few]))),
    )
    assert left_open.verdict == "GO"  # 40 responses do not exclude chance


def test_people_are_not_outweighed() -> None:
    score, right = binary(0.5)
    people = (np.zeros(60), np.ones(60, dtype=np.int64))
    found = diagnose_with_evidence(
        Observations.of(score), Anchors(people=people, read=(score.ravel(), right))
    )
    assert (found.verdict, found.grader_quality) == ("NO-GO", GraderQuality.DISAGREES)


@pytest.mark.parametrize(("failing", "explained"), [(9, True), (30, False)])
def test_noise_explains_as_many_failing_references_as_it_flips(failing: int, explained: bool) -> None:
    anchors = Anchors(reference=np.repeat([0.0, 1.0], [failing, 50 - failing]))
    at = scale(anchors)
    assert at is not None
    assert at.broken == failing / 50
    assert fails_by_chance(anchors, at, 0.357, 0.0) is explained  # sqrt(0.15 * 0.85): 15 % flipped
    assert fails_by_chance(anchors, at, 0.0, 0.0) is False


@pytest.mark.parametrize(("moves", "explained"), [(0.75, True), (0.2, False)])
def test_scores_that_differ_no_more_than_when_graded_again_are_noise(moves: float, explained: bool) -> None:
    """Right answers that earn a share of chance; one in four is wrong where chance is small."""
    rng = np.random.default_rng(8)
    paid = 1.0 if moves > 0.5 else np.where(np.arange(50) % 4 > 0, 1.0, 0.0)
    anchors = Anchors(
        reference=(1 - moves) * paid + moves * rng.random(50), regraded=moves * rng.random((20, 2))
    )
    at = scale(anchors)
    assert at is not None
    assert at.failing > 0.2
    assert fails_by_chance(anchors, at, noise(anchors.regraded), 0.0) is explained


@pytest.mark.parametrize(("follow", "verdict"), [(True, "GO"), (False, "NO-GO")])
def test_noise_blocks_only_where_responses_do_not_show_a_signal(follow: bool, verdict: str) -> None:
    score, right = binary(0.5)
    moved = np.column_stack([np.tile([0.0, 1.0], 20), np.tile([1.0, 0.0], 20)])
    says = right if follow else COIN.permutation(right)
    anchors = Anchors(
        reference=np.ones(50), junk={"empty": np.zeros(20)}, regraded=moved, read=(score.ravel(), says)
    )
    found = diagnose_with_evidence(Observations.of(score), anchors)
    assert (found.verdict, found.grader_quality) == (verdict, GraderQuality.NOISY)
    assert [condition.code for condition in found.conditions] == (["noisy_grader"] if follow else [])


@pytest.mark.parametrize(
    ("right", "guess", "warned"),
    [(0.25, 0.25, True), (0.9, 0.9, True), (0.5, 0.25, False), (0.05, 0.25, False), (0.25, None, False)],
)
def test_a_share_of_right_responses_that_a_guess_would_have_is_said(
    right: float, guess: float | None, warned: bool
) -> None:
    says = (np.arange(400) % 20 < 20 * right).astype(np.float64)
    anchors = Anchors(read=(says, says), guess=guess)
    found = diagnose_with_evidence(run(says), anchors, Thresholds())
    sentences = [notice.sentence for notice in found.warnings if notice.code == "no_more_than_guessed"]
    assert bool(sentences) == warned
    assert all(f"is right in {100 * guess:.0f} %" in sentence for sentence in sentences if guess)

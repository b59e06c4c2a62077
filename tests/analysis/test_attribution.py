"""Data or grader: planted faults of both, told apart by anchors, and undetermined without them."""

from __future__ import annotations

import numpy as np
import pytest

from dryrun.analysis.figures.anchors import Anchors, disagreement, scale, wilson_low, worthless_floor
from dryrun.analysis.figures.noise import noise
from dryrun.analysis.figures.pooling import pooled_topics
from dryrun.analysis.observations import Observations
from dryrun.analysis.verdict.attribution import Attribution, attribute
from dryrun.analysis.verdict.document import diagnose
from dryrun.analysis.verdict.words import DatasetQuality, GraderQuality
from dryrun.core.thresholds import Thresholds

RNG = np.random.default_rng
JUNK = {name: np.zeros(20) for name in ("empty", "refusal", "prompt", "filler")}
RIGHT = np.full(50, 0.97)
BRITTLE = np.full(50, 0.05)


def observed(
    score: np.ndarray, k: int = 4, outcome: str = "answered", topics: np.ndarray | None = None
) -> Observations:
    prompts = score.size // k
    topic = np.full(score.size, "", dtype=object) if topics is None else np.repeat(topics, k)
    return Observations(
        score=score,
        prompt=np.repeat(np.arange(prompts), k),
        topic=topic,
        outcome=np.full(score.size, outcome, dtype=object),
        length=np.full(score.size, 10.0),
        grader_error=np.zeros(score.size, dtype=bool),
    )


def scores(mean: float, spread: float = 0.2, prompts: int = 150, k: int = 4, seed: int = 0) -> np.ndarray:
    rng = RNG(seed)
    own = rng.normal(0, spread / 2, prompts)
    return np.clip(mean + np.repeat(own, k) + rng.normal(0, spread, prompts * k), 0, 1)


def judged(score: np.ndarray, **anchors: object) -> Attribution:
    seen = observed(score)
    return attribute(seen, Thresholds(), Anchors(**anchors), diagnose(seen))  # type: ignore[arg-type]


def test_a_sound_run_is_go_and_says_what_it_could_not_see() -> None:
    found = judged(scores(0.45), reference=RIGHT, reformatted=RIGHT, junk=JUNK)
    assert (found.verdict, found.dataset, found.grader) == ("GO", DatasetQuality.GOOD, GraderQuality.GOOD)
    assert found.blame is None
    assert "repeated grading" in found.not_measured
    assert "reference answers" not in found.not_measured


@pytest.mark.parametrize(
    ("mean", "spread", "anchors", "dataset", "grader", "blame"),
    [
        (0.03, 0.05, {"reference": RIGHT}, "too_hard", "good", (0.0, 0.1)),
        (0.03, 0.05, {"reference": np.full(50, 0.33)}, "unknown", "too_strict", (0.6, 0.8)),
        (
            0.03,
            0.05,
            {"reference": RIGHT, "reformatted": np.full(50, 0.05)},
            "unknown",
            "too_strict",
            (0.9, 1.0),
        ),
        (0.97, 0.05, {"reference": RIGHT, "junk": JUNK}, "too_easy", "good", (0.0, 0.1)),
        (0.5, 0.02, {"reference": RIGHT, "junk": JUNK}, "homogeneous", "good", (0.0, 0.1)),
        (0.03, 0.05, {}, "unknown", "unknown", None),
    ],
)
def test_the_cause_of_a_no_go(
    mean: float,
    spread: float,
    anchors: dict[str, object],
    dataset: str,
    grader: str,
    blame: tuple[float, float] | None,
) -> None:
    found = judged(scores(mean, spread), **anchors)
    assert (found.verdict, str(found.dataset), str(found.grader)) == ("NO-GO", dataset, grader)
    if blame is None:
        assert found.blame is None
        assert "grade the reference answers" in found.reasons[0]
    else:
        assert found.blame is not None
        assert blame[0] <= found.blame.share <= blame[1]
        assert found.blame.interval.low <= found.blame.share <= found.blame.interval.high


def test_faults_that_the_tree_cannot_see_block_a_run() -> None:
    fine = scores(0.45)
    lenient = judged(fine, reference=np.full(50, 0.9), junk={"empty": np.full(20, 0.8)})
    assert (lenient.verdict, lenient.grader) == ("NO-GO", GraderQuality.TOO_LENIENT)
    hacked = judged(fine, reference=RIGHT, junk={**JUNK, "filler": np.full(20, 0.7)})
    assert (hacked.verdict, hacked.grader) == ("NO-GO", GraderQuality.HACKABLE)
    assert "filler" in hacked.reasons[0]
    rng = RNG(1)
    coin = judged(rng.random(600), reference=RIGHT, junk=JUNK, regraded=rng.random((100, 3)))
    assert (coin.verdict, coin.grader) == ("NO-GO", GraderQuality.NOISY)
    half = np.where(np.arange(50) < 20, 0.0, 0.97)
    broken = judged(fine, reference=half, junk=JUNK)
    assert (broken.verdict, broken.dataset) == ("NO-GO", DatasetQuality.BAD_REFERENCES)
    assert broken.reasons[0] == "40 % of 50 reference answers fail their own grader."


def test_labels_count_from_twenty_on() -> None:
    fine = scores(0.45)
    for size, verdict in ((19, "GO"), (60, "NO-GO")):
        people = (np.zeros(size), np.ones(size, dtype=np.int64))  # people say good, the grader 0
        assert judged(fine, people=people).verdict == verdict


def test_always_right_or_always_wrong_prompts_are_polarised() -> None:
    score = np.repeat((RNG(2).random(150) < 0.5).astype(float), 4)
    found = judged(score, reference=np.ones(50), junk=JUNK)
    assert (found.verdict, found.dataset) == ("NO-GO", DatasetQuality.POLARISED)
    assert found.grader is GraderQuality.BINARY
    assert "Is the temperature 0? Or does a cache answer?" in found.reasons[0]
    assert "temperature above 0" in found.next_step, "dropping all prompts would help nobody"
    score[:4] = (0, 1, 0, 1)
    assert "Drop prompts" in judged(score, reference=np.ones(50), junk=JUNK).next_step


def test_a_quiet_defect_blocks_nothing() -> None:
    fine = scores(0.45)
    quiet = fine[:300].reshape(100, 3) * 0 + fine[:100, None] + RNG(3).normal(0, 0.05, (100, 3))
    few_bad = np.where(np.arange(50) < 3, 0.0, 0.97)
    assert (
        judged(fine, reference=few_bad, junk={**JUNK, "filler": np.full(20, 0.15)}, regraded=quiet).verdict
        == "GO"
    )


@pytest.mark.parametrize(
    ("change", "tag"),
    [
        (lambda o: o.outcome.__setitem__(slice(0, 200), "truncated"), "truncation"),
        (lambda o: o.outcome.__setitem__(slice(0, 200), "empty"), "empty"),
        (lambda o: o.score.__setitem__(slice(0, 100), np.nan), "missing"),
        (lambda o: o.score.__setitem__(slice(100, None), np.nan), "small_n"),
    ],
)
def test_broken_samples_are_no_verdict(change: object, tag: str) -> None:
    seen = observed(scores(0.45))
    change(seen)  # type: ignore[operator]
    found = attribute(seen, Thresholds(), Anchors(), diagnose(seen))
    assert found.verdict == "INVALID"
    assert tag in found.tags


def test_refusals_are_the_datas() -> None:
    seen = observed(scores(0.45))
    seen.outcome[:240] = "refused"
    assert (
        attribute(seen, Thresholds(), Anchors(reference=RIGHT), diagnose(seen)).dataset
        is DatasetQuality.REFUSALS
    )


def test_the_pieces_against_hand_counts() -> None:
    assert noise(np.array([[0.0, 1.0], [0.0, 0.0]])) == pytest.approx(0.5)
    assert noise(None) is None
    assert wilson_low(np.array([True] * 8 + [False] * 2)) == pytest.approx(0.6008, abs=2e-3)
    name, floor, median = worthless_floor({"a": np.full(20, 0.2), "b": np.full(20, 0.6)}, 2.45)
    assert name == "b"
    assert (floor, median) == pytest.approx((0.6, 0.4))
    found = scale(Anchors(reference=np.array([0.0, 0.0, 1.0, 1.0])))
    assert found is not None
    assert (found.broken, found.ceiling) == (0.5, 1.0)
    assert disagreement((np.zeros(5), np.ones(5, dtype=np.int64)), Thresholds()) is None


def test_one_bad_topic_of_eight_is_confirmed_and_the_others_are_not() -> None:
    rng = RNG(4)
    topics = np.array([f"t{number % 8}" for number in range(240)], dtype=object)
    centers = np.where(topics == "t3", 0.1, 0.45)
    score = np.clip(np.repeat(centers, 2) + rng.normal(0, 0.15, 480), 0, 1)
    found = pooled_topics(score, np.repeat(np.arange(240), 2), np.repeat(topics, 2), Thresholds())
    assert [topic.topic for topic in found if topic.evidence == "confirmed"] == ["t3"]
    three = next(topic for topic in found if topic.topic == "t3")
    assert three.low < score[np.repeat(topics == "t3", 2)].mean() < three.pooled + 0.05
    assert (
        pooled_topics(score, np.repeat(np.arange(240), 2), np.full(480, "", dtype=object), Thresholds()) == ()
    )


def test_a_coin_is_no_set_of_bad_references_but_a_grader_that_cannot_tell() -> None:
    rng = RNG(11)
    score = (rng.random(600) < 0.5).astype(float)
    coin = {name: (rng.random(20) < 0.5).astype(float) for name in JUNK}
    regraded = (rng.random((100, 3)) < 0.5).astype(float)
    right = (rng.random(50) < 0.5).astype(float)
    found = judged(score, reference=right, reformatted=right, junk=coin, regraded=regraded)
    assert (found.verdict, found.grader) == ("NO-GO", GraderQuality.CANNOT_DIFFERENTIATE)
    some_broken = np.where(np.arange(50) < 20, 0.0, 1.0)
    assert judged(score, reference=some_broken, junk=JUNK).dataset is DatasetQuality.BAD_REFERENCES


def test_one_kind_of_worthless_answer_above_the_references_is_a_hole_not_strictness() -> None:
    junk = {**JUNK, "keyword stuffing": np.full(20, 0.8)}
    found = judged(scores(0.15), reference=np.full(50, 0.22), reformatted=np.full(50, 0.22), junk=junk)
    assert (found.verdict, found.grader) == ("NO-GO", GraderQuality.HACKABLE)


def test_two_scores_among_the_responses_are_no_binary_grader_if_anchors_earn_others() -> None:
    score = np.where(RNG(12).random(600) < 0.2, 0.1, 0.0)
    graded = judged(score, reference=np.full(50, 0.9), junk=JUNK)
    assert (graded.dataset, graded.grader) == (DatasetQuality.TOO_HARD, GraderQuality.GOOD)
    assert judged((score > 0).astype(float) * 0.99, reference=np.full(50, 0.99), junk=JUNK).grader == "binary"

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dryrun.analysis.verdict.document import diagnose
from dryrun.analysis.verdict.evidence import diagnose_with_evidence
from dryrun.analysis.verdict.tree import Branch, NoticeCode, decide
from dryrun.analysis.verdict.words import BlamedPart, DatasetQuality, GraderQuality, Pattern
from dryrun.core.text import figure, percent
from dryrun.core.thresholds import Thresholds
from tests.helpers.observed import beta_scores, observe, shuffled

DEFAULT = Thresholds()


def codes(scores: object, **facts: object) -> list[NoticeCode]:
    return [notice.code for notice in diagnose(observe(scores, **facts)).warnings]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("mean", "std", "verdict", "pattern", "dataset", "grader"),
    [
        (0.42, 0.21, "GO", Pattern.GOOD, DatasetQuality.GOOD, GraderQuality.GOOD),
        (0.08, 0.12, "NO-GO", Pattern.MEAN_TOO_LOW, DatasetQuality.TOO_HARD, GraderQuality.TOO_STRICT),
        (0.91, 0.08, "NO-GO", Pattern.MEAN_TOO_HIGH, DatasetQuality.TOO_EASY, GraderQuality.TOO_LENIENT),
        (
            0.50,
            0.08,
            "NO-GO",
            Pattern.LOW_VARIANCE,
            DatasetQuality.UNKNOWN,
            GraderQuality.CANNOT_DIFFERENTIATE,
        ),
        (0.50, 0.35, "GO", Pattern.BIMODAL, DatasetQuality.GOOD, GraderQuality.BINARY),
    ],
)
def test_the_documents_five_patterns(
    mean: float, std: float, verdict: str, pattern: Pattern, dataset: DatasetQuality, grader: GraderQuality
) -> None:
    found = diagnose(observe(beta_scores(mean, std)))
    assert (figure(found.statistics.mean or 0), figure(found.statistics.std or 0)) == (
        figure(mean),
        figure(std),
    )
    assert (found.verdict, found.pattern) == (verdict, pattern)
    assert (found.dataset_quality, found.grader_quality) == (dataset, grader)


def test_go_in_the_words_of_the_mock_up() -> None:
    found = diagnose(observe(beta_scores(0.42, 0.21)))
    assert (found.dataset_quality.line.word, found.grader_quality.line.word) == ("Good", "Good")
    assert found.dataset_quality.line.sentence == "Base model can partially solve tasks"
    assert found.grader_quality.line.sentence == "Scores differentiate outputs well"
    assert (found.causes, found.actions, found.warnings) == ((), (), ())


def test_no_go_in_the_words_of_the_mock_up() -> None:
    found = diagnose(observe(beta_scores(0.08, 0.12)))
    assert [(cause.part, cause.title, cause.effect) for cause in found.causes] == [
        (BlamedPart.DATASET, "Prompts too difficult", "Base model can't perform these tasks"),
        (BlamedPart.GRADER, "Scoring too strict", "Valid outputs marked as failures"),
    ]
    assert [cause.solution for cause in found.causes] == [
        "Use SFT first to bootstrap capability",
        "Relax grader thresholds",
    ]
    assert [action.sentence for action in found.actions] == [
        "Review sample outputs to determine cause",
        "If dataset issue: Use SFT fine-tuning",
        "If grader issue: Adjust grader config",
    ]
    assert [reason.sentence for reason in found.reasons] == ["Mean 0.08 is below 0.10."]


@pytest.mark.parametrize(
    ("mean", "std", "solutions"),
    [
        (0.91, 0.08, ["RFT may not help, consider harder tasks", "Add stricter dimensions"]),
        (0.50, 0.08, ["Add more discriminating dimensions"]),
        (0.50, 0.35, ["Add partial credit dimensions"]),
    ],
)
def test_the_documents_solutions(mean: float, std: float, solutions: list[str]) -> None:
    found = diagnose(observe(beta_scores(mean, std)))
    assert [cause.solution for cause in found.causes] == solutions
    advice = " ".join(action.sentence for action in found.actions)
    assert all(solution in advice for solution in solutions)


@pytest.mark.parametrize(
    ("scores", "branch"),
    [
        ([0.1] * 300, Branch.LOW_VARIANCE),  # exactly at the limit is not below it
        ([0.9] * 300, Branch.LOW_VARIANCE),
        ([0.0] * 270 + [1.0] * 30, Branch.PROCEED),  # a mean of 0.1 in binary scores
        ([1.0] * 270 + [0.0] * 30, Branch.PROCEED),
        ([0.0] * 271 + [1.0] * 29, Branch.MEAN_TOO_LOW),
        ([0.05] * 300, Branch.MEAN_TOO_LOW),  # the mean is asked before the spread
        ([1.0] * 300, Branch.MEAN_TOO_HIGH),
    ],
)
def test_the_tree_at_its_limits(scores: list[float], branch: Branch) -> None:
    found = diagnose(observe(scores))
    assert [reason.code.value for reason in found.reasons] == [branch.value]
    assert found.verdict == ("GO" if branch is Branch.PROCEED else "NO-GO")


def test_float_noise_at_the_limits_decides_nothing() -> None:
    assert decide(sum([0.1] * 10) / 10, 0.2, DEFAULT) is Branch.PROCEED
    assert decide(float(np.mean([0.9] * 7)), 0.2, DEFAULT) is Branch.PROCEED
    assert decide(0.5, 0.1 - 1e-12, DEFAULT) is Branch.PROCEED
    assert decide(0.5, 0.1 - 1e-8, DEFAULT) is Branch.LOW_VARIANCE


@pytest.mark.parametrize(
    ("mean", "std"), [(math.nan, 0.2), (0.5, math.nan), (math.inf, 0.2), (0.5, -math.inf)]
)
def test_the_tree_refuses_what_is_not_finite(mean: float, std: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        decide(mean, std, DEFAULT)


LEVEL = {Branch.MEAN_TOO_LOW: 0, Branch.LOW_VARIANCE: 1, Branch.PROCEED: 1, Branch.MEAN_TOO_HIGH: 2}


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 0.5))
def test_a_higher_mean_never_moves_down_the_tree(one: float, other: float, std: float) -> None:
    low, high = sorted((one, other))
    assert LEVEL[decide(low, std, DEFAULT)] <= LEVEL[decide(high, std, DEFAULT)]


@given(st.floats(0, 1), st.floats(0, 0.5), st.floats(0, 0.5))
def test_more_spread_never_turns_go_into_no_go(mean: float, one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert decide(mean, low, DEFAULT) is not Branch.PROCEED or decide(mean, high, DEFAULT) is Branch.PROCEED


@given(st.floats(0, 1), st.floats(0, 0.5), st.floats(0.01, 0.3), st.floats(0.01, 0.3))
def test_a_stricter_limit_never_turns_no_go_into_go(
    mean: float, std: float, one: float, other: float
) -> None:
    lax, strict = (Thresholds(std_low=limit, mean_low=limit) for limit in sorted((one, other)))
    assert decide(mean, std, strict) is not Branch.PROCEED or decide(mean, std, lax) is Branch.PROCEED


SOUND = st.lists(st.floats(0, 1), min_size=25, max_size=80)
BROKEN = st.lists(st.just(math.nan) | st.floats(-2, 3), max_size=9)


@given(SOUND, BROKEN, st.integers(0, 5))
def test_go_is_only_said_of_enough_scores_between_the_limits(
    sound: list[float], broken: list[float], seed: int
) -> None:
    scores = sound + broken
    observations = observe(scores, topics=["a", "b"] * (len(scores) // 2) + ["c"] * (len(scores) % 2))
    found = diagnose(observations)
    assert diagnose(shuffled(observations, seed)) == found
    # A float's width off the scale counts as on it.
    usable = [score for score in scores if -1e-9 <= score <= 1 + 1e-9]
    if found.verdict == "GO":
        assert len(usable) >= 30
        assert len(usable) >= 0.9 * len(scores)
        assert 0.1 - 1e-9 <= float(np.mean(usable)) <= 0.9 + 1e-9
        assert float(np.std(usable, ddof=1)) >= 0.1 - 1e-9


def test_rows_in_any_order_give_the_same_diagnosis() -> None:
    rng = np.random.default_rng(1)
    observations = observe(rng.random(800), rollouts=4, topics=[f"t{i // 100}" for i in range(800)])
    assert all(diagnose(shuffled(observations, seed)) == diagnose(observations) for seed in range(5))


@pytest.mark.parametrize(
    ("scores", "wanted"),
    [
        ([], [NoticeCode.TOO_FEW_PROMPTS]),
        ([0.5], [NoticeCode.TOO_FEW_PROMPTS]),
        ([0.2, 0.8] * 14, [NoticeCode.TOO_FEW_PROMPTS]),
        ([math.nan] * 300, [NoticeCode.TOO_FEW_PROMPTS, NoticeCode.TOO_MANY_MISSING]),
        ([0.2, 0.8] * 100 + [math.nan] * 23, [NoticeCode.TOO_MANY_MISSING]),
        ([0.2, 0.8] * 100 + [85.0] * 3, [NoticeCode.GRADER_SCALE]),
        ([0.2, 0.8] * 100 + [85.0] * 60, [NoticeCode.GRADER_SCALE]),
    ],
)
def test_too_little_to_judge_is_invalid(scores: list[float], wanted: list[NoticeCode]) -> None:
    found = diagnose(observe(scores))
    assert (found.verdict, found.pattern) == ("INVALID", None)
    assert [reason.code for reason in found.reasons] == wanted
    assert (found.dataset_quality, found.grader_quality) == ("unknown", "unknown")
    assert found.actions


def test_ten_percent_missing_is_still_judged() -> None:
    found = diagnose(observe([0.2, 0.8] * 135 + [math.nan] * 30))
    assert found.verdict == "GO"
    assert NoticeCode.MISSING in [notice.code for notice in found.warnings]


def test_thirty_prompts_are_prompts_not_responses() -> None:
    assert diagnose(observe([0.2, 0.8] * 60, rollouts=4)).verdict == "GO"
    found = diagnose(observe([0.2, 0.8] * 58, rollouts=4))
    assert found.verdict == "INVALID"
    assert found.reasons[0].sentence == "Only 29 prompts have a score; 30 are needed for a verdict."


def test_one_score_is_invalid_even_if_one_prompt_is_enough() -> None:
    found = diagnose(observe([0.5]), Thresholds(min_prompts=1))
    assert (found.verdict, [reason.code for reason in found.reasons]) == ("INVALID", [NoticeCode.NO_SPREAD])


@pytest.mark.parametrize(
    ("mean", "std", "wanted"),
    [
        (0.15, 0.16, [NoticeCode.MEAN_BELOW_HEALTHY]),
        (0.85, 0.16, [NoticeCode.MEAN_ABOVE_HEALTHY]),
        (0.50, 0.12, [NoticeCode.STD_BELOW_HEALTHY]),
        (0.50, 0.35, [NoticeCode.BIMODAL]),
    ],
)
def test_outside_the_healthy_ranges_warns_and_says_go(
    mean: float, std: float, wanted: list[NoticeCode]
) -> None:
    found = diagnose(observe(beta_scores(mean, std)))
    assert found.verdict == "GO"
    assert [notice.code for notice in found.warnings] == wanted
    assert found.pattern is not Pattern.GOOD


def test_the_literal_minimum_and_maximum_are_notes() -> None:
    found = diagnose(observe(np.r_[0.0, 1.0, beta_scores(0.42, 0.21)]))
    assert {check.metric: (check.ok, check.note) for check in found.checks} == {
        "Mean": (True, False),
        "Std": (True, False),
        "Min": (False, True),
        "Max": (False, True),
    }
    assert found.warnings == ()
    assert found.pattern is Pattern.GOOD


def test_checks_show_the_documents_ranges_and_meanings() -> None:
    rows = [(check.metric, check.range, check.meaning) for check in diagnose(observe([])).checks]
    assert rows == [
        ("Mean", "0.20 - 0.80", "Average performance"),
        ("Std", "> 0.15", "Grader differentiates outputs"),
        ("Min", "> 0.0", "Some tasks are solvable"),
        ("Max", "< 1.0", "Room for improvement"),
    ]


def test_a_binary_grader_is_named_once() -> None:
    found = diagnose(observe([0.0] * 200 + [1.0] * 100))
    assert (found.verdict, found.grader_quality) == ("GO", GraderQuality.BINARY)
    assert [notice.code for notice in found.warnings] == [NoticeCode.BINARY]
    assert "0.00 and 1.00" in found.warnings[0].sentence


def test_piles_at_the_ends_warn_with_their_share() -> None:
    bell = beta_scores(0.5, 0.2, 240)
    found = diagnose(observe(np.r_[np.zeros(60), bell]))
    assert [notice.code for notice in found.warnings] == [NoticeCode.FLOOR]
    assert found.warnings[0].sentence == "20 % of the scores are exactly 0."
    assert codes(np.r_[np.ones(60), bell]) == [NoticeCode.CEILING]


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        ("truncated", NoticeCode.TRUNCATED),
        ("empty", NoticeCode.EMPTY),
        ("refused", NoticeCode.REFUSED),
        ("filtered", NoticeCode.REFUSED),
    ],
)
def test_broken_responses_warn_above_their_share(outcome: str, code: NoticeCode) -> None:
    scores = beta_scores(0.42, 0.21)
    assert codes(scores, outcomes=[outcome] * 16 + ["answered"] * 284) == [code]
    assert codes(scores, outcomes=[outcome] * 6 + ["answered"] * 294) == []
    notice = diagnose(observe(scores, outcomes=[outcome] * 30 + ["answered"] * 270)).warnings[0]
    assert "10 %" in notice.sentence
    assert "30 of 300" in notice.sentence


def test_grader_errors_warn_above_their_share() -> None:
    scores = beta_scores(0.42, 0.21)
    assert codes(scores, errors=7) == [NoticeCode.GRADER_ERRORS]
    assert codes(scores, errors=6) == []


def test_a_grader_that_fails_is_the_first_suspect() -> None:
    found = diagnose(observe([0.0] * 300, errors=200))
    assert found.verdict == "NO-GO"
    assert found.causes[0].title == "Grader fails on responses"
    assert "mend the grader" in found.actions[0].sentence
    assert len(diagnose(observe([0.0] * 300)).causes) == 2


def test_few_prompts_warn() -> None:
    assert codes(beta_scores(0.42, 0.21, 99)) == [NoticeCode.FEW_PROMPTS]
    assert codes(beta_scores(0.42, 0.21, 100)) == []


def test_repeated_rows_warn() -> None:
    found = diagnose(observe(beta_scores(0.42, 0.21)), duplicate_rows=100)
    assert [notice.code for notice in found.warnings] == [NoticeCode.DUPLICATES]
    assert "25 %" in found.warnings[0].sentence
    assert diagnose(observe(beta_scores(0.42, 0.21)), duplicate_rows=33).warnings == ()


@pytest.mark.parametrize(
    ("others", "code", "words"),
    [
        ([("", 180), ("b", 120)], "several_models", "the one asked for, or none named (180), “b” (120)."),
        ([("b", 299), ("c", 1)], "another_model", "“b” (299), “c” (1)."),
        ([(name, 9) for name in "bcde"], "several_models", "“b” (9), “c” (9), “d” (9), ...."),
        ([("b", 300)], "", ""),
    ],
)
def test_answers_of_several_models_are_told(others: list[tuple[str, int]], code: str, words: str) -> None:
    mixed = replace(observe(beta_scores(0.42, 0.21)), answered_by=tuple(others))
    found = diagnose_with_evidence(mixed)
    assert [notice.code for notice in found.warnings] == [code] * bool(code)
    assert words in "".join(notice.sentence for notice in found.warnings)
    assert [condition.code for condition in found.conditions] == [code] * (code == "several_models")


def test_a_few_scores_off_the_scale_warn_and_are_left_out() -> None:
    found = diagnose(observe([0.2, 0.8] * 150 + [7.0]))
    assert found.verdict == "GO"
    assert found.statistics.max == 0.8
    assert [notice.code for notice in found.warnings] == [NoticeCode.BINARY, NoticeCode.OUT_OF_RANGE]


@pytest.mark.parametrize(
    ("scores", "scale", "said"),
    [
        (
            [0.2, 0.8] * 100 + [7.0] * 2,
            (0.0, 1.0),
            "The grader paid 7 (2 times): a reward range from 0 to 7 would",
        ),
        (
            [0.0, 1.0] * 50 + [-1.0] * 90,
            (0.0, 1.0),
            "The grader paid -1 (90 times): a reward range from -1 to 1 would",
        ),
        (
            [0.2, 0.8] * 100 + [1.15] * 9,
            (-1.0, 3.0),
            "The grader paid 3.6 (9 times): a reward range from -1 to 4 would",
        ),
        (
            [0.2, 0.8] * 100 + [2.0, 3.0, 4.0, 5.0, 6.0, 6.0, 7.0],
            (0.0, 1.0),
            "The grader paid 6 (2 times), 2 (once), 3 (once), 4 (once), 5 (once) and 1 other reward: ",
        ),
    ],
)
def test_rewards_off_the_scale_are_named_with_the_range_that_holds_them(
    scores: list[float], scale: tuple[float, float], said: str
) -> None:
    found = diagnose(replace(observe(scores), reward_range=scale))
    assert said in " ".join(notice.sentence for notice in (*found.reasons, *found.warnings))


def test_thresholds_decide() -> None:
    observations = observe(beta_scores(0.42, 0.21))
    assert diagnose(observations, Thresholds(mean_low=0.5)).pattern is Pattern.MEAN_TOO_LOW
    assert diagnose(observations, Thresholds(mean_high=0.4)).pattern is Pattern.MEAN_TOO_HIGH
    assert diagnose(observations, Thresholds(std_low=0.25)).pattern is Pattern.LOW_VARIANCE
    assert diagnose(observations, Thresholds(min_prompts=301)).verdict == "INVALID"


def test_the_documents_numbers_are_the_defaults() -> None:
    assert (DEFAULT.mean_low, DEFAULT.mean_high, DEFAULT.std_low) == (0.10, 0.90, 0.10)
    assert (DEFAULT.healthy_mean_low, DEFAULT.healthy_mean_high, DEFAULT.healthy_std) == (0.20, 0.80, 0.15)
    assert (DEFAULT.min_prompts, DEFAULT.max_missing) == (30, 0.10)
    assert all(field.description for field in Thresholds.model_fields.values())


@pytest.mark.parametrize(
    ("value", "limit", "text"),
    [(0.42, None, "0.42"), (0.0996, 0.1, "0.0996"), (0.1, 0.1, "0.10"), (0.08, 0.1, "0.08")],
)
def test_a_figure_shows_what_decided(value: float, limit: float | None, text: str) -> None:
    assert figure(value, limit) == text


@pytest.mark.parametrize(
    ("share", "limit", "text"),
    [
        (0.31, None, "31 %"),
        (0.003, None, "0.3 %"),
        (0.0004, None, "0.04 %"),
        (0.1003, 0.1, "10.03 %"),
        (1e-12, None, "0 %"),
        (0.0, None, "0 %"),
    ],
)
def test_a_share_shows_what_decided(share: float, limit: float | None, text: str) -> None:
    assert percent(share, limit) == text

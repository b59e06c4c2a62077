"""The rule for a settled verdict: when it speaks, and how often it is wrong when one looks repeatedly."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from dryrun.analysis.early_stop import FIRST, Look, look, schedule, settle
from dryrun.analysis.verdict.stability import stability
from dryrun.core.thresholds import Thresholds

LIMITS = Thresholds()
PLANNED = 300
Make = Callable[[np.random.Generator, int], np.ndarray]


def pass_fail(mean: float, rollouts: int, icc: float = 0.5) -> Make:
    strength = (1 - icc) / icc

    def make(rng: np.random.Generator, prompts: int) -> np.ndarray:
        rates = rng.beta(mean * strength, (1 - mean) * strength, prompts)
        return (rng.random(prompts * rollouts) < np.repeat(rates, rollouts)).astype(float)

    return make


def all_or_nothing(mean: float, rollouts: int) -> Make:
    """Each prompt always right or always wrong."""
    return lambda rng, prompts: np.repeat((rng.random(prompts) < mean).astype(float), rollouts)


def narrow(std: float) -> Make:
    return lambda rng, prompts: np.clip(rng.normal(0.5, std, prompts), 0, 1)


def runs(make: Make, rollouts: int, count: int) -> list[list[Look]]:
    """Every look at each of `count` runs."""
    rng = np.random.default_rng(1)
    found = []
    for number in range(count):
        score = make(rng, PLANNED)
        prompt = np.repeat(np.arange(PLANNED), rollouts)
        sizes = [at * rollouts for at in schedule(PLANNED)]
        looks = [look(score[:size], prompt[:size], LIMITS, seed=number, draws=500) for size in sizes]
        found.append([one for one in looks if one is not None])
    return found


def first_word(looks: list[Look]) -> str | None:
    """What was called settled first, looking every time."""
    for number in range(1, len(looks) + 1):
        found = settle(looks[:number], PLANNED)
        if found is not None:
            return found.verdict
    return None


@pytest.mark.slow
def test_without_the_correction_looking_repeatedly_would_mislead() -> None:
    """The same runs by the rule, and under one of 95 % at any look: what the correction is for."""
    found = runs(pass_fail(0.1001, 1), 1, 150)
    assert sum(first_word(looks) not in (None, "GO") for looks in found) / 150 <= 0.05
    naive = sum(any(one.agreement >= 0.95 and not one.proceed for one in looks) for looks in found)
    assert naive / 150 > 0.05


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "rollouts", "truth"),
    [
        (all_or_nothing(0.1001, 4), 4, "GO"),
        (all_or_nothing(0.9001, 4), 4, "NO-GO"),
        (narrow(0.0999), 1, "NO-GO"),
        (narrow(0.1001), 1, "GO"),
    ],
)
def test_a_wrong_verdict_is_called_settled_in_fewer_than_one_run_in_twenty(
    make: Make, rollouts: int, truth: str
) -> None:
    """At the very thresholds, where every look is a coin's toss; 150 runs of up to ten looks each."""
    wrong = sum(first_word(looks) not in (None, truth) for looks in runs(make, rollouts, 150))
    assert wrong / 150 <= 0.05


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize(
    ("make", "rollouts", "verdict"), [(pass_fail(0.42, 4), 4, "GO"), (pass_fail(0.02, 4), 4, "NO-GO")]
)
def test_a_clear_run_settles_early(make: Make, rollouts: int, verdict: str) -> None:
    for looks in runs(make, rollouts, 10):
        assert first_word(looks[:6]) == verdict


def test_looks_are_fixed_beforehand_and_grow_apart() -> None:
    assert schedule(300) == (60, 80, 100, 120, 140, 161, 186, 214, 247, 285)
    assert schedule(FIRST) == ()
    assert len(schedule(1_000_000)) < 80


def test_a_look_is_the_share_of_redraws_where_nothing_is_rare() -> None:
    rng = np.random.default_rng(2)
    score, prompt = rng.normal(0.12, 0.2, 200), np.arange(200)
    found, plain = look(score, prompt, LIMITS), stability(score, prompt, LIMITS)
    assert found is not None
    assert plain is not None
    assert found.agreement <= plain.same_verdict
    assert found.agreement == pytest.approx(plain.same_verdict, abs=0.03)
    assert look(np.full(4, np.nan), np.arange(4), LIMITS) is None


def test_zeros_alone_are_not_certain_at_once() -> None:
    found = look(np.zeros(20), np.arange(20), LIMITS)
    assert found is not None
    assert not found.proceed
    assert found.agreement < 0.99, "twenty zeros are what a mean of 0.12 gives in 8 of 100 samples"


def test_two_looks_in_a_row_must_agree_on_one_verdict() -> None:
    sure, unsure = Look(80, True, 1.0), Look(60, True, 0.99)
    assert settle([unsure, sure], PLANNED) is None
    assert settle([sure, Look(100, False, 1.0)], PLANNED) is None
    found = settle([unsure, sure, Look(100, True, 0.998)], PLANNED)
    assert found is not None
    assert (found.verdict, found.since, found.prompts, found.agreement) == ("GO", 80, 100, 0.998)
    assert found.sentence == (
        "Settled: since prompt 80 mean and std say GO in 99.8 % of bootstrap samples. "
        "All other evidence is weighed at the end."
    )
    assert settle([unsure, sure, Look(100, True, 0.998), Look(120, True, 0.9)], PLANNED) is None
    assert settle([], PLANNED) is None

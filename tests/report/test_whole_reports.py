"""Whole reports of runs as people meet them: each is read for sentences that would be wrong in its state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from dryrun.analysis.figures.anchors import Anchors
from dryrun.analysis.figures.redraw import Interval
from dryrun.analysis.observations import Observations
from dryrun.analysis.training.advantages import Pull
from dryrun.analysis.training.words import pull_sentence
from dryrun.probes.result import GraderCheck, ProbeFinding
from dryrun.report import Report, RunEntry, build_report, render_markdown

Floats = NDArray[np.float64]

PROMPTS, K = 150, 4
JUNK = {name: np.zeros(20) for name in ("empty", "refusal", "echo", "long filler")}
SAME_AGAIN = np.repeat(np.linspace(0, 1, 20)[:, None], 2, axis=1)
CHECKED: dict[str, Any] = {"reference": np.ones(50), "junk": JUNK, "regraded": SAME_AGAIN}


def skilled(mean: float, spread: float = 2.0, prompts: int = PROMPTS, k: int = K) -> Floats:
    """Right or wrong, the chance of each prompt drawn from a Beta distribution around `mean`."""
    rng = np.random.default_rng(1)
    chance = rng.beta(spread * mean, spread * (1 - mean), prompts)
    return (rng.random((prompts, k)) < chance[:, None]).astype(np.float64)


def partial(mean: float, noise: float = 0.18) -> Floats:
    """Scores with partial credit around `mean`."""
    rng = np.random.default_rng(2)
    return np.clip(mean + rng.normal(0, noise, (PROMPTS, 1)) + rng.normal(0, noise, (PROMPTS, K)), 0, 1)


def held(score: Floats, unpaid: float = 0.0) -> tuple[Floats, Floats]:
    """What a reader finds in 400 responses: paid ones are right, and a share `unpaid` of all besides."""
    flat = score.ravel()[:400]
    says = (flat >= 0.5).astype(np.float64)
    says[np.flatnonzero(says == 0)[: round(unpaid * flat.size)]] = 1.0
    return flat, says


@dataclass(frozen=True)
class State:
    """A run to report on, its headline, and what its report says and never says."""

    score: Floats
    headline: str
    says: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    anchors: dict[str, Any] = field(default_factory=dict)
    outcomes: Callable[[Floats], Any] | None = None
    topics: str | None = None
    check: str = ""


def first_share(outcome: str, share: float) -> Callable[[Floats], Any]:
    """That outcome for the first `share` of the responses."""

    def outcomes(score: Floats) -> Any:
        table = np.full(score.size, "answered", dtype=object)
        table[: round(share * score.size)] = outcome
        return table.reshape(score.shape)

    return outcomes


SFT = ("SFT",)
NEVER = (
    "100 of 100",
    "(0-0)",
    "(100-100)",
    "(0-0 %)",
    "(100-100 %)",
    "re-draws",
    "Worth fixing first",
    "extrapolated",
    "always score 0",
    "document's",
    "Grader: Grader",
)
"""Wrong in every state."""
STATES = {
    "good": State(
        partial(0.45),
        "GO",
        ("all 2,000 bootstrap samples", "Dataset quality: Good.", "Grader quality: Good. Scores"),
        ("Before training", "Likely causes", "with conditions", "not checked", *SFT),
        CHECKED,
    ),
    "nobody checked": State(
        partial(0.45),
        "GO",
        (
            "Grader quality: Good by its scores; not checked.",
            "Not checked: reference answers, worthless answers.",
        ),
        ("Grader quality: Good.",),
    ),
    "all zeros": State(
        np.zeros((PROMPTS, K)),
        "NO-GO",
        (
            "No response earns anything",
            "Grader quality: Good. Right answers score 1.00, worthless ones 0.00.",
            "explains only 0 % (0-7 %) of the shortfall",
            "Review sample outputs to confirm the cause.",
        ),
        ("Some tasks are solvable", "Room for improvement", "would teach", "weakly", "binary"),
        {"reference": np.ones(50), "junk": JUNK},
    ),
    "all ones": State(
        np.ones((PROMPTS, K)),
        "NO-GO",
        ("above 0.90",),
        ("Room for improvement", "would teach", "weakly", "binary", *SFT),
        CHECKED,
    ),
    "all right": State(
        np.ones((PROMPTS, K)),
        "NO-GO",
        ("Use harder prompts",),
        ("Ruled out: tasks too easy",),
        CHECKED | {"read": held(np.ones((PROMPTS, K)))},
    ),
    "binary": State(
        skilled(0.45),
        "GO",
        ("Grader quality: Binary.",),
        ("Add partial credit", "nearly right earns nothing", "Likely causes", "Before training"),
        CHECKED,
    ),
    "many dead prompts": State(
        skilled(0.25, spread=0.5),
        "GO, with conditions",
        ("Before training", "drop prompts that are always right or always wrong"),
        ("Proceed to training", "Add partial credit"),
        CHECKED,
    ),
    "hard, yet many groups would teach": State(
        skilled(0.085, spread=30.0, prompts=300, k=8),
        "NO-GO by the mean; yet ",
        (
            "of groups would teach",
            "Without the ",
            " the mean is 0.",
            ": a GO, if they",
            "Drop the prompts that scored 0 every time",
            "1. Dataset: Prompts too difficult. 54 % of them scored 0 every time.",
        ),
        ("differentiates weakly", "can't perform these tasks"),
        {**CHECKED, "read": held(skilled(0.085, spread=30.0, prompts=300, k=8))},
    ),
    "right in a form that is not paid": State(
        skilled(0.04),
        "NO-GO",
        (
            "hold the right answer and earn less than half",
            "Ruled out: prompts too difficult",
            "Read the right",
        ),
        ("can't perform these tasks", "1. Dataset: Prompts too difficult", "prompts too hard", *SFT),
        {**CHECKED, "read": held(skilled(0.04), unpaid=0.4)},
    ),
    "a form nobody could write": State(
        partial(0.45),
        "GO",
        ("right answers could not be written in the form this grader wants",),
        ("Right answers score 0.00", "NO-GO"),
        {"reference": np.zeros(50), "junk": JUNK},
    ),
    "reasoning in front": State(
        skilled(0.03),
        "NO-GO",
        ("hold their reasoning in front of the answer", "of the responses hold the right answer behind it"),
        ("can't perform these tasks", "too strict", "Likely causes", "Possibly", *SFT),
        {"reference": np.ones(50), "junk": JUNK, "reasoning": 0.9, "read": held(skilled(0.03), unpaid=0.22)},
    ),
    "cut off": State(
        skilled(0.05),
        "INVALID",
        ("hit the token limit", "Raise the token limit"),
        (
            "Likely causes",
            "Prompts too difficult",
            "Ruled out",
            "Adjust grader",
            "Raise it",
            "cut off by",
            *SFT,
        ),
        CHECKED,
        first_share("truncated", 0.4),
    ),
    "refused": State(
        partial(0.45),
        "NO-GO",
        (
            "40 % of the responses were refused or filtered",
            "1. Dataset: Prompts refused.",
            "Reword the prompts",
        ),
        ("Prompts too difficult", "Ruled out", "## Warnings", *SFT),
        CHECKED,
        first_share("refused", 0.4),
    ),
    "tiny": State(
        skilled(0.4, prompts=12),
        "INVALID",
        ("Only 12 prompts have a score; 30 are needed", "raise the sample size"),
        ("Likely causes", *SFT),
    ),
    "one topic": State(
        partial(0.12, noise=0.05),
        "NO-GO by the std; yet ",
        (),
        ("is a problem", "Topic `capitals` (", "stretch its scores"),
        CHECKED,
        topics="capitals",
    ),
    "narrow scale": State(
        0.5 + 0.1 * (partial(0.5) - 0.5),
        "NO-GO by the std; yet ",
        (
            "divides by each group's spread",
            "stretch its scores",
            "Declare the reward range",
            "The grader uses little of its scale: right answers score 0.56",
            "1. Grader: It uses little of its scale. Right answers score 0.56 and worthless ones 0.44.",
            "Grader quality: Narrow scale.",
        ),
        ("Prompts too difficult", "good from bad", "may be too strict", "earn at least", "100-100", *SFT),
        {
            "reference": np.full(50, 0.56),
            "junk": {name: np.full(20, 0.44) for name in JUNK},
            "regraded": SAME_AGAIN,
        },
    ),
    "a lenient grader": State(
        partial(0.45),
        "GO, with conditions",
        (
            "mend the grader. The grader check says: too lenient. A wrong answer earns 0.90.",
            "Before training",
        ),
        ("Grader quality: Good.", "Scores differentiate outputs well"),
        CHECKED,
        check="lenient",
    ),
    "weak spread": State(
        0.45 + 0.5 * (partial(0.5) - 0.5),
        "GO",
        ("Scores differentiate outputs weakly",),
        ("differentiate outputs well",),
        CHECKED,
    ),
    "references that fail": State(
        partial(0.45),
        "GO, with conditions",
        ("mend the reference answers that fail, or drop their rows",),
        ("Proceed",),
        {**CHECKED, "reference": np.repeat([0.0, 1.0], [6, 44])},
    ),
}


def lenient() -> GraderCheck:
    """A grader check that found one thing to mend."""
    finding = ProbeFinding(
        flaw="accepts_wrong",
        weight="block",
        family="wrong",
        kind="another number",
        sentence="A wrong answer earns 0.90.",
        fix="Compare the whole answer.",
    )
    return GraderCheck(
        profile="too lenient",
        meaning="It pays wrong answers.",
        findings=(finding,),
        behaviours=(),
        ceiling=1.0,
        base=0.45,
        partial_credit=False,
        rows=30,
        graded=900,
        planned=900,
        unseen=0.1,
        missing=(),
    )


def report_of_state(state: State) -> Report:
    score = state.score
    seen = Observations.of(
        score,
        outcomes=None if state.outcomes is None else state.outcomes(score),
        topics=None if state.topics is None else [state.topics] * len(score),
    )
    run = RunEntry(dataset="rows.jsonl", model="a model", prompts_asked=len(score), rollouts=score.shape[1])
    return build_report(
        seen, run=run, anchors=Anchors(**state.anchors), check=lenient() if state.check else None
    )


@pytest.mark.parametrize("name", STATES)
def test_what_is_written_is_true_in_its_state(name: str) -> None:
    state = STATES[name]
    built = report_of_state(state)
    text = render_markdown(built)
    assert built.headline.startswith(state.headline)
    assert built.headline == state.headline or state.headline.endswith("yet ")
    for words in state.says:
        assert words in text
    for words in (*state.never, *NEVER):
        assert words not in text


@pytest.mark.parametrize("name", STATES)
def test_no_line_of_a_report_stands_twice(name: str) -> None:
    text = render_markdown(report_of_state(STATES[name]))
    bullets = [line.lstrip("-0123456789. ") for line in text.splitlines() if line.startswith(("- ", "1. "))]
    reasons = [line for line in bullets if len(line) > 40]
    assert len(set(reasons)) == len(reasons)
    head = text.split("\n\n")[1]
    repeated = [line for line in reasons[:8] if line in head]
    assert repeated == []


def test_conditions_change_neither_verdict_nor_grader_quality() -> None:
    built = report_of_state(STATES["a lenient grader"])
    assert (built.verdict, built.diagnosis.grader_quality) == ("GO", "good")
    assert [condition.code for condition in built.diagnosis.conditions] == ["grader_check"]
    assert built.diagnosis.recommendations == ()
    assert not report_of_state(STATES["nobody checked"]).diagnosis.grader_checked
    assert report_of_state(STATES["good"]).diagnosis.grader_checked


def test_parts_of_a_reward_stand_in_quotes_and_agreement_is_named() -> None:
    pull = Pull(trait="short", pull=0.8, need=-0.5, harm=-0.4, interval=Interval(-0.5, -0.3), harms=True)
    words = pull_sentence(pull)
    assert 'towards higher scores of "short", away from right answers' in words
    assert "agreement with right answers, -1 to 1: -0.40" in words

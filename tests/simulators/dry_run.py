"""A dry run of an untrained policy: responses, scores and anchors, as the product measures them."""

from __future__ import annotations

import numpy as np

from dryrun.analysis.figures.anchors import Anchors
from dryrun.analysis.observations import Observations
from dryrun.analysis.verdict.evidence import Evidence, diagnose_with_evidence
from tests.simulators.graders import Grader
from tests.simulators.policy import KIND, KIND_OF, LEVEL_OF, LEVELS, RIGHT, Floats, Ints, Learner

REFERENCES, JUNK, REGRADED, TIMES, READ, BY_TOPIC = 50, 20, 20, 2, 400, 5
TOKENS = np.array([40.0, 120.0, 400.0])
DOUBT = 0.1
"""Share of responses whose answer a reader leaves open."""
MISREAD = 0.03
"""Share of responses that a reader gets wrong."""
WORTHLESS = {
    "empty": ("empty", 0),
    "refusal": ("refusal", 0),
    "echo of the prompt": ("wrong_other_form", 1),
    "long filler": ("filler", 2),
    "format only": ("shell", 0),
    "keyword stuffing": ("stuffed", 1),
    "another row's answer": ("wrong", 0),
}
"""Kind and length of what the product grades as worthless."""


def action(kind: str, level: int = 1) -> int:
    """The number of an action."""
    return KIND[kind] * LEVELS + level


def judge(
    policy: Learner, grader: Grader, prompts: int, k: int, rng: np.random.Generator, *, judged: bool = False
) -> Evidence:
    """What the product says of this policy and this grader before training.

    Where a model is the grader (`judged`), each grade is a call, and whether a response is right is the
    judge's to say: no answer is made up, and nothing is read but refusals.
    """
    chosen = rng.choice(policy.taught, prompts, replace=False)
    actions = policy.sample(chosen, k, rng)
    scores = grader.grade(chosen[:, None], actions, rng)
    outcomes = np.where(KIND_OF[actions] == KIND["refusal"], "refused", "answered").astype(object)
    outcomes[KIND_OF[actions] == KIND["empty"]] = "empty"
    seen = Observations.of(
        scores,
        topics=[f"topic {number}" for number in policy.topic[chosen]],
        outcomes=outcomes,
        lengths=TOKENS[LEVEL_OF[actions]] * np.exp(rng.normal(0, 0.25, actions.shape)),
    )
    known = anchors(policy, grader, chosen, actions, scores, rng)
    if judged:
        known = Anchors(reasoning=known.reasoning)
    return diagnose_with_evidence(seen, known)


def anchors(
    policy: Learner, grader: Grader, chosen: Ints, actions: Ints, scores: Floats, rng: np.random.Generator
) -> Anchors:
    """Known answers and re-grades, graded by the same grader in the numbers that the product takes."""
    some = chosen[:REFERENCES]
    topics = {number: chosen[policy.topic[chosen] == number] for number in np.unique(policy.topic[chosen])}
    places = rng.choice(actions.size, REGRADED, replace=False)
    row, column = np.unravel_index(places, actions.shape)
    said = read(grader, chosen, actions, scores, rng)
    again = np.column_stack([grader.grade(chosen[row], actions[row, column], rng) for _ in range(TIMES)])
    return Anchors(
        reference=grader.grade(some, reference(grader, some), rng),
        reformatted=grader.grade(some, reformatted(grader, some), rng),
        junk={
            name: grader.grade(chosen[:JUNK], np.full(JUNK, action(*what)), rng)
            for name, what in WORTHLESS.items()
        },
        regraded=again,
        topic_reference={
            f"topic {number}": grader.grade(rows[:BY_TOPIC], reference(grader, rows[:BY_TOPIC]), rng)
            for number, rows in topics.items()
        },
        read=said[:2],
        read_prompt=said[2],
        reasoning=0.0,
    )


def reference(grader: Grader, prompts: Ints) -> Ints:
    """The reference answers, as short as an answer alone is."""
    return grader.key[prompts] * LEVELS


def reformatted(grader: Grader, prompts: Ints) -> Ints:
    """The same in another form; a near miss as reference has none of its own."""
    right = grader.key[prompts] == KIND["right"]
    return np.where(right, action("right_other_form", 0), reference(grader, prompts))


def read(
    grader: Grader, chosen: Ints, actions: Ints, scores: Floats, rng: np.random.Generator
) -> tuple[Floats, Floats, Ints]:
    """Scores of some responses, whether each holds the reference (1, 0, NaN in doubt), and its prompt."""
    places = rng.permutation(actions.size)[:READ]
    row, column = np.unravel_index(places, actions.shape)
    taken, prompts = actions[row, column], chosen[row]
    as_key = np.where(
        grader.key[prompts] == KIND["right"], RIGHT[taken] == 1, KIND_OF[taken] == grader.key[prompts]
    )
    says = (as_key & grader.readable[prompts]).astype(np.float64)
    says = np.where(rng.random(says.size) < MISREAD, 1 - says, says)
    says[rng.random(says.size) < DOUBT] = np.nan
    return scores[row, column], says, row

"""One condition from start to end: a policy, its grader, the verdict, the training."""

from __future__ import annotations

import numpy as np

from dryrun.analysis.verdict.evidence import Evidence
from tests.simulators.cases import Condition
from tests.simulators.dry_run import judge
from tests.simulators.grpo import oracle, train
from tests.simulators.policy import Learner, untrained
from tests.simulators.summary import Outcome
from tests.simulators.third.policies import THIRD_FAMILIES

PROMPTS, TOPICS = 240, 8


def learner(condition: Condition, rng: np.random.Generator) -> Learner:
    """The policy of a condition before training."""
    if condition.third:
        return THIRD_FAMILIES[condition.family](condition.setting, PROMPTS, TOPICS, rng)
    return untrained(condition.family, condition.setting, PROMPTS, TOPICS, rng)


def simulated(condition: Condition) -> Outcome:
    """Judge it, train it, and say what came of it. The same for the same condition."""
    world, sampled, trained, seen = (np.random.default_rng([*condition.seed, part]) for part in range(4))
    policy = learner(condition, world)
    grader = condition.reward.make(policy.topic, world)
    rate = float(np.exp(world.uniform(np.log(0.7), np.log(1.5))))
    evidence = judge(policy, grader, *condition.size, sampled, judged=condition.reward.judged)
    known = oracle(policy, grader, seen)
    before = policy.accuracy()
    gain = train(policy, grader, trained, rate)
    signal = evidence.measures.signal
    return Outcome(
        family=condition.family,
        case=condition.case,
        difficulty=condition.difficulty,
        repeat=condition.repeat,
        half=condition.half,
        tree=str(evidence.document.verdict),
        verdict=str(evidence.verdict),
        dataset=str(evidence.dataset_quality),
        grader=str(evidence.grader_quality),
        signal=None if signal is None else signal.value,
        oracle=known,
        before=before,
        gain=gain,
        reasons=evidence.attribution.reasons,
        conditions=tuple(condition.code for condition in evidence.conditions),
        checked=evidence.grader_checked,
        teaches="would teach" in evidence.headline,
        figures=figures(evidence),
    )


def figures(evidence: Evidence) -> dict[str, float | None]:
    """What the verdict rests on, as far as it was measured."""
    measures = evidence.measures
    found: dict[str, float | None] = {
        "mean": measures.mean,
        "std": measures.std,
        "noise": measures.noise,
        "reliability": measures.reliability,
    }
    if (groups := measures.groups) is not None:
        ends = groups.usable_interval
        found |= {"usable": groups.usable, "usable_low": ends.low, "usable_high": ends.high}
    if (signal := measures.signal) is not None:
        found |= {"signal_low": signal.least, "signal_high": signal.most}
        found["pull"] = None if signal.pull is None else signal.pull.value
    if (follows := measures.follows) is not None:
        ends = follows.interval
        found |= {"follows": follows.value, "follows_low": ends.low, "follows_high": ends.high}
    if (scale := measures.scale) is not None:
        found |= {"ceiling": scale.ceiling, "range": scale.range}
    if (read := measures.readings) is not None:
        found |= {"right": read.right, "right_unpaid": read.right_unpaid.value}
    if measures.length is not None:
        found["length"] = measures.length.correlation
    return found

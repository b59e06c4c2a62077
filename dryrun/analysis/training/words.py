"""What training would be paid for, in sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dryrun.analysis.training.advantages import LENGTH, Pull
from dryrun.analysis.training.headroom import Prospect, prospect
from dryrun.analysis.training.record import Training
from dryrun.core.text import percent, plural
from dryrun.core.thresholds import Thresholds

LONGEST_NAME, MOST_NAMED = 40, 4
AGREES = "agreement with right answers, -1 to 1:"
TRAINING_TITLE = "What training is paid for"
HEADROOM_TITLE = "How far more samples reach (pass@K)"
PROSPECTS = {
    Prospect.SHARPEN: "Sharpen: right answers are within reach and groups differ in the outcome",
    Prospect.TEACH_FIRST: "Teach first: many prompts stay unsolved; show answers (SFT), or use easier ones",
    Prospect.LITTLE: "Little to gain: one response is right about as often as the best of many",
}


BY_THE_REWARD = "What is right is taken from the reward here: first mend what the verdict names."


def training_lines(training: Training, limits: Thresholds, *, advice: bool = True) -> tuple[str, ...]:
    """Outcome, groups, advantages, pulls and headroom, one sentence each.

    Without `advice` nothing is concluded for the model: for scores that do not tell what it can do.
    """
    if not advice:
        return (BY_THE_REWARD, *_outcome(training), *_paid(training), *_headroom(training))
    lines = (*_outcome(training), *_paid(training), *_pulls(training))
    return (*lines, *_headroom(training), *_advice(training, limits))


def _pulls(training: Training) -> Iterator[str]:
    """One sentence each; of many, the harmless ones share one."""
    if len(training.pulls) <= MOST_NAMED:
        yield from map(pull_sentence, training.pulls)
        return
    yield from map(pull_sentence, training.harmful)
    ways = [_way(pull) for pull in training.pulls if not pull.harms]
    if ways:
        more = f" and {len(ways) - MOST_NAMED} more" if len(ways) > MOST_NAMED else ""
        yield f"Training would also pull towards {', '.join(ways[:MOST_NAMED])}{more}: no harm shown."


def unlearning(training: Training | None) -> str:
    """Why training would unlearn, in one sentence; ``""`` unless chance is excluded."""
    if training is None or not training.mostly_shaping or not training.harmful:
        return ""
    return f"{shaping_sentence(training)} {pull_sentence(training.harmful[0])}"


def shaping_sentence(training: Training) -> str:
    """How few groups differ in the outcome; ``""`` without groups."""
    if training.kinds is None:
        return ""
    return (
        f"{percent(training.kinds.shaping)} of the groups differ in shaping alone, "
        f"{percent(training.kinds.mixed)} in the outcome ({_limit(training)})."
    )


def pull_sentence(pull: Pull) -> str:
    """Where training pulls a trait, and whether right answers lie there."""
    way = _way(pull)
    if pull.harms:
        return (
            f"Training would pull towards {way}, away from right answers "
            f"({AGREES} {pull.harm:+.2f}, {pull.interval.signed})."
        )
    sure = pull.interval.low > 0
    judged = "right answers lie there too" if sure else "no harm shown"
    return f"Training would pull towards {way}: {judged} ({AGREES} {pull.harm:+.2f}, {pull.interval.signed})."


def _outcome(training: Training) -> Iterator[str]:
    others = [quoted_name(name) for name in training.choices if name != training.outcome.name]
    named = others[:MOST_NAMED] + [f"{len(others) - MOST_NAMED} more"] * (len(others) > MOST_NAMED)
    more = f" It could also be {' or '.join(named)}." if named else ""
    yield f"Right answers are those with {_limit(training)}: {training.outcome.reason}.{more}"


def _paid(training: Training) -> Iterator[str]:
    kinds, energy = training.kinds, training.energy
    if kinds is not None:
        yield (
            f"Of {plural(kinds.prompts, 'group')}, {percent(kinds.mixed)} differ in the outcome "
            f"({kinds.mixed_interval.in_percent}), {percent(kinds.shaping)} in shaping alone "
            f"({kinds.shaping_interval.in_percent}), {percent(kinds.dead)} in nothing "
            f"({kinds.dead_interval.in_percent})."
        )
    if energy is not None and energy.outcome is not None and energy.interval is not None:
        yield (
            f"The outcome explains {percent(energy.outcome)} of the squared advantages, which weigh what "
            f"training does ({energy.interval.in_percent})."
        )
    if energy is not None and energy.parts:
        parts = ", ".join(
            f"{quoted_name(part.name)} {percent(part.share)} (weight {part.weight:g})"
            for part in energy.parts
        )
        yield f"Share of them by part of the reward: {parts}."


def _headroom(training: Training) -> Iterator[str]:
    room = training.headroom
    if room is None:
        return
    first, last = room.curve[0], room.curve[-1]
    yield (
        f"pass@{first.k} {percent(first.value)}, pass@{last.k} {percent(last.value)} "
        f"({last.interval.in_percent}), estimated: headroom {percent(room.gain)} "
        f"({room.gain_interval.in_percent}); {percent(room.never)} of prompts would stay unsolved in "
        f"{last.k} responses ({room.never_interval.in_percent})."
    )


def _advice(training: Training, limits: Thresholds) -> Iterator[str]:
    room, kinds = training.headroom, training.kinds
    word = None if room is None else prospect(room, kinds.mixed if kinds else 0.0, limits)
    if word is not None:
        yield f"{PROSPECTS[word]}."


def _way(pull: Pull) -> str:
    if pull.trait == LENGTH:
        return f"{'longer' if pull.pull > 0 else 'shorter'} responses"
    return f"{'higher' if pull.pull > 0 else 'lower'} scores of {quoted_name(pull.trait)}"


def _limit(training: Training) -> str:
    return f"{quoted_name(training.outcome.name)} at least {training.outcome.least:g}"


def part_name(name: str) -> str:
    """A part's name as it may stand in a sentence: grader code made it, so nothing in it is markup."""
    return re.sub(r"[^\w -]", "?", name)[:LONGEST_NAME]


def quoted_name(name: str) -> str:
    """A part's name in quotes, so that it is not read as a word of the sentence."""
    return f'"{part_name(name)}"'

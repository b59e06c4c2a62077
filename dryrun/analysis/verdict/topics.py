"""Whether some topics do very differently from the rest."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from dryrun.analysis.figures import statistics as figures
from dryrun.analysis.figures.statistics import Scores, Statistics, above, below
from dryrun.analysis.observations import Observations
from dryrun.analysis.verdict.tree import Branch, decide
from dryrun.analysis.verdict.words import Action, ActionKind
from dryrun.core.text import figure, plural
from dryrun.core.thresholds import Thresholds


class TopicStatus(StrEnum):
    """The document's two words for a topic."""

    GOOD = "good"
    PROBLEM = "problem"


class Standing(StrEnum):
    """What a topic is called where the tree's status and the pooled evidence stand together."""

    CONFIRMED = "confirmed problem"
    PROBLEM = "problem"
    WATCH = "watch"
    TOO_FEW = "too few"
    GOOD = "good"


class TopicProblem(StrEnum):
    """In which way a topic is a problem."""

    TOO_LOW = "too_low"
    TOO_HIGH = "too_high"
    LOW_VARIANCE = "low_variance"


@dataclass(frozen=True, slots=True)
class TopicFigures:
    """The figures of one topic.

    Attributes
    ----------
    topic : str
        ``""`` for rows without a topic.
    mean, std : float or None
        As in `Statistics`.
    count : int
        Valid scores.
    missing : int
        Rollouts of the topic without one.
    prompts : int
        Unique prompts with a valid score.
    status : TopicStatus or None
        None: too few scores for a status.
    problem : TopicProblem or None
    note : str
        Why there is no status, what the problem is, or how rough the figures are; else ``""``.
    """

    topic: str
    mean: float | None
    std: float | None
    count: int
    missing: int
    prompts: int
    status: TopicStatus | None
    problem: TopicProblem | None = None
    note: str = ""

    @property
    def label(self) -> str:
        """The topic's name as shown."""
        return self.topic or "(no topic)"


def by_topic(
    observations: Observations, whole: Statistics, thresholds: Thresholds
) -> tuple[TopicFigures, ...]:
    """Figures and status of every topic, the worst first: problems, then no status, then good, by mean.

    Parameters
    ----------
    observations : Observations
    whole : Statistics
        Figures of the whole run, which decide how topics are compared.
    thresholds : Thresholds

    Returns
    -------
    tuple of TopicFigures
        Empty if no row has a topic.

    Notes
    -----
    A topic is a problem when

    1. the decision tree would stop it on its own figures (the document's example: mean 0.12, std 0.08), or
    2. the run's mean is inside the healthy range and the topic's is clearly outside: by more than
       `topic_margin` standard errors, taken over prompts since rollouts of one prompt are alike. Without
       that margin most runs with many small topics would show a false alarm (in simulation 45 to 96 of 100
       runs, with it 0 to 13). When the whole run is outside the healthy range, topics are held to the
       tree alone; otherwise all of them would light up.
    """
    measured = observations.once("topics", lambda: _each_topic(observations))
    rows = [_with_status(row, error, whole, thresholds) for row, error in measured]
    return tuple(sorted(rows, key=_worst_first))


def standing(status: str | None, evidence: str | None) -> Standing:
    """One word for a topic: what the warnings call a problem is never called good beside them.

    Parameters
    ----------
    status : TopicStatus or None
        By the tree; None where there are too few scores.
    evidence : str or None
        `PooledTopic.evidence`; None where topics were not pooled.
    """
    if evidence == "confirmed":
        return Standing.CONFIRMED
    if status == TopicStatus.PROBLEM:
        return Standing.PROBLEM
    if evidence == "watch":
        return Standing.WATCH
    return Standing.TOO_FEW if status is None or evidence == "too few" else Standing.GOOD


def no_news(topics: tuple[TopicFigures, ...], thin: Collection[str]) -> frozenset[str]:
    """Topics of which evidence says nothing: thin ones, and all where the others have one problem alike.

    Then it is the problem of the whole run.

    Parameters
    ----------
    topics : tuple of TopicFigures
    thin : collection of str
        Those with too few prompts to be told from chance.
    """
    problems = {topic.problem for topic in topics if topic.status and topic.topic not in thin}
    alike = len(problems) == 1 and None not in problems
    return frozenset(topic.topic for topic in topics if alike or topic.topic in thin)


def without_thin(
    topics: tuple[TopicFigures, ...], thin: Collection[str], thresholds: Thresholds
) -> tuple[TopicFigures, ...]:
    """The topics, those in `thin` without a status: what chance may explain is neither a problem nor good."""
    least = thresholds.topic_pooled_prompts
    bare = {
        topic.topic: replace(topic, status=None, problem=None, note=_too_few("prompts", topic.prompts, least))
        for topic in topics
        if topic.topic in thin
    }
    return tuple(sorted((bare.get(topic.topic, topic) for topic in topics), key=_worst_first))


def _too_few(what: str, count: int, least: int) -> str:
    return f"too few {what} for a status ({count:,}, {least:,} are needed)"


def topic_actions(
    topics: tuple[TopicFigures, ...],
    thresholds: Thresholds,
    reference: Mapping[str, Scores] | None = None,
) -> tuple[Action, ...]:
    """What the document recommends for each problem topic, in one sentence a topic.

    Parameters
    ----------
    topics : tuple of TopicFigures
    thresholds : Thresholds
    reference : mapping of str to float64 array, optional
        What the reference answers of a topic earn. Where enough of them were graded they tell which of
        the document's recommendations for a topic that scores too low is the right one.
    """
    known = reference or {}
    if len(topics) < 2:  # a single topic is the whole set
        return ()
    return tuple(
        action for topic in topics for action in _by_references(topic, known, thresholds) or _actions(topic)
    )


def _by_references(
    topic: TopicFigures, reference: Mapping[str, Scores], thresholds: Thresholds
) -> tuple[Action, ...]:
    """Whose fault a low topic is, by its own reference answers; nothing where they do not tell."""
    scores = figures.valid_scores(reference.get(topic.topic, np.empty(0)))
    low = topic.problem is TopicProblem.TOO_LOW
    if not low or topic.mean is None or scores.size < thresholds.topic_references:
        return ()
    right = float(scores.mean())
    about = f"Topic {topic.label} (mean {figure(topic.mean)}): its reference answers earn {figure(right)},"
    if right >= thresholds.topic_right:
        sentence = f"{about} so right answers are paid there: SFT first, or exclude it from the RFT dataset"
        return (Action(ActionKind.TRY_SFT, sentence, topic.topic),)
    if right < 1 - thresholds.topic_right:
        sentence = f"{about} so adjust the grader for this topic, or mend these references"
        return (Action(ActionKind.ADJUST_GRADER, sentence, topic.topic),)
    return ()


def _actions(topic: TopicFigures) -> tuple[Action, ...]:
    name, mean = topic.topic, topic.mean
    if topic.problem is None or mean is None:
        return ()
    about = f"Topic {topic.label} (mean {figure(mean)}):"
    others = "or exclude it from the RFT dataset, or adjust the grader for this topic"
    match topic.problem:
        case TopicProblem.TOO_LOW:
            return (Action(ActionKind.TRY_SFT, f"{about} it may need SFT first, {others}", name),)
        case TopicProblem.TOO_HIGH:
            return (Action(ActionKind.CHANGE_DATASET, f"{about} it may need harder tasks, {others}", name),)
        case TopicProblem.LOW_VARIANCE:
            more = "the grader may need more discriminating dimensions for it"
            sentence = f"{about} {more}, or exclude it from the RFT dataset"
            return (Action(ActionKind.ADJUST_GRADER, sentence, name),)


def _each_topic(observations: Observations) -> list[tuple[TopicFigures, float | None]]:
    """Figures of every topic, no status among them, each with its mean's standard error."""
    if not any(observations.topic):
        return []
    names = sorted({str(topic) for topic in observations.topic})
    return [_one_topic(name, observations) for name in names]


def _one_topic(name: str, observations: Observations) -> tuple[TopicFigures, float | None]:
    chosen = observations.topic == name
    scores = observations.score[chosen]
    valid = figures.is_valid(scores)
    scored, prompts = figures.valid_scores(scores), observations.prompt[chosen][valid]
    row = TopicFigures(
        topic=name,
        mean=figures.mean(scored),
        std=figures.std(scored),
        count=int(scored.size),
        missing=int(scores.size - scored.size),
        prompts=int(np.unique(prompts).size),
        status=None,
    )
    return row, _standard_error(scored, prompts)


def _with_status(
    row: TopicFigures, error: float | None, whole: Statistics, thresholds: Thresholds
) -> TopicFigures:
    if row.mean is None or row.std is None or row.count < thresholds.topic_min_count:
        return replace(row, note=_too_few("scores", row.count, thresholds.topic_min_count))
    problem = _problem(row.mean, row.std, error, whole, thresholds)
    status = TopicStatus.GOOD if problem is None else TopicStatus.PROBLEM
    note = _note(problem, row.mean, row.std, row.prompts, thresholds)
    return replace(row, status=status, problem=problem, note=note)


def _problem(
    mean: float, std: float, error: float | None, whole: Statistics, thresholds: Thresholds
) -> TopicProblem | None:
    branch = decide(mean, std, thresholds)
    low, high = thresholds.healthy_mean_low, thresholds.healthy_mean_high
    compare = error is not None and whole.mean is not None and not _outside(whole.mean, low, high)
    margin = thresholds.topic_margin * error if compare and error is not None else math.inf
    if branch is Branch.MEAN_TOO_LOW or below(mean + margin, low):
        return TopicProblem.TOO_LOW
    if branch is Branch.MEAN_TOO_HIGH or above(mean - margin, high):
        return TopicProblem.TOO_HIGH
    return TopicProblem.LOW_VARIANCE if branch is Branch.LOW_VARIANCE else None


def _outside(mean: float, low: float, high: float) -> bool:
    return below(mean, low) or above(mean, high)


def _standard_error(scores: figures.Scores, prompts: NDArray[np.int64]) -> float | None:
    """Standard error of the mean, with prompts as the unit: std of their means over the root of their number.

    The first formula of every survey text for a mean of clusters; exact for equal numbers of rollouts.
    """
    order = np.lexsort((scores, prompts))  # so that the order of the rows shows in no bit
    scores, prompts = scores[order], prompts[order]
    _, position = np.unique(prompts, return_inverse=True)
    sums, sizes = np.bincount(position, weights=scores), np.bincount(position)
    spread = figures.std(sums / sizes)
    return None if spread is None else spread / math.sqrt(sizes.size)


def _note(problem: TopicProblem | None, mean: float, std: float, prompts: int, thresholds: Thresholds) -> str:
    texts = {
        TopicProblem.TOO_LOW: f"mean {figure(mean)} is too low",
        TopicProblem.TOO_HIGH: f"mean {figure(mean)} is too high",
        TopicProblem.LOW_VARIANCE: f"std {figure(std, thresholds.std_low)} is below {thresholds.std_low:.2f}",
    }
    parts = [texts[problem]] if problem else []
    if prompts < thresholds.topic_few_prompts:
        parts.append(f"rough: {plural(prompts, 'prompt')} only")
    return "; ".join(parts)


def _worst_first(topic: TopicFigures) -> tuple[int, float, str]:
    rank = {TopicStatus.PROBLEM: 0, None: 1, TopicStatus.GOOD: 2}[topic.status]
    return rank, math.inf if topic.mean is None else topic.mean, topic.topic

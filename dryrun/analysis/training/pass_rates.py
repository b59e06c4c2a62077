"""Each prompt's chance of a right response from few responses, shrunk toward prompts like it.

Of many prompts with 0 of 2 right some are unlucky, of many with 2 of 2 some are lucky: taken as they
are, the extremes regress to the mean when more is sampled. So each prompt's chance gets a prior, the
distribution of chances over the dataset, estimated from all prompts' counts (empirical Bayes); a topic
has a prior of its own, drawn toward the dataset's.

The prior is a histogram over `RATE`, which holds 0 and 1 themselves: prompts out of reach and prompts that
never fail are no rare accident of a smooth curve. It is fitted by the EM algorithm from a flat start that
stays in it with the weight of a few prompts.

References
----------
Robbins, An empirical Bayes approach to statistics (1956). Laird, Nonparametric maximum likelihood
estimation of a mixing distribution, JASA 73 (1978): the EM algorithm. Efron, Two modeling strategies for
empirical Bayes estimation, Statistical Science 29 (2014): fitting the distribution of the rates.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from dryrun.core.arrays import Floats, Ints

STEPS = 128
RATE = np.sin(np.pi / 2 * np.arange(STEPS + 1) / STEPS) ** 2
"""Chances of a right response, 0 and 1 among them; evenly spaced for a binomial's error (arcsine)."""
END = 0.1
"""Weight of 0, and of 1, in the start; the rest is Jeffreys' Beta(1/2, 1/2), which is flat in `RATE`."""
DATASET_PROMPTS, TOPIC_PROMPTS = 5.0, 20.0
"""Prompts that the start weighs as in the dataset's prior, and the dataset's prior as in a topic's."""
ROUNDS = 100
NEVER, ALWAYS = 0.02, 0.98
"""Chances up to which a prompt counts as never right, and from which as always: of groups of eight to such a
prompt fewer than one in six would be mixed."""


@dataclass(frozen=True, slots=True)
class PassRates:
    """What is known of each prompt's chance of a right response; all of shape ``(prompts,)``.

    Attributes
    ----------
    rate : float64 array
        Posterior mean.
    low, high : float64 array
        Its interval of 95 %.
    learnability : float64 array
        Posterior mean of p(1-p), 0..0.25.
    mixed : float64 array
        Chance that a group of `group` responses holds right and wrong ones: posterior predictive, so it
        allows for what is not known of p. The plug-in value ``1 - p**G - (1-p)**G`` would be too hopeful.
    never, always : float64 array
        Posterior chance that p is at most `NEVER`, at least `ALWAYS`.
    group : int
    """

    rate: Floats
    low: Floats
    high: Floats
    learnability: Floats
    mixed: Floats
    never: Floats
    always: Floats
    group: int

    def at(self, places: Ints) -> PassRates:
        """The same at these places."""
        taken = {rate.name: getattr(self, rate.name)[places] for rate in fields(self) if rate.name != "group"}
        return replace(self, **taken)


def pass_rates(right: Ints, tried: Ints, topic: Ints, group: int) -> PassRates:
    """From the number of right responses of each prompt.

    Parameters
    ----------
    right, tried : int64 arrays of shape (prompts,)
        Right responses, and all of them; 0 <= right <= tried. A prompt with none gets its prior.
    topic : int64 array of shape (prompts,)
        Number of the topic, from 0; alike everywhere where there are no topics.
    group : int
        Responses to a prompt in training, G.

    Notes
    -----
    Which prompts get more responses may depend on the responses so far: a posterior does not ask why
    sampling ended (the likelihood principle).
    """
    table = np.column_stack([topic, right, tried])
    kinds, which, often = np.unique(table, axis=0, return_inverse=True, return_counts=True)
    which = which.reshape(-1)
    posterior = _posteriors(kinds, often.astype(np.float64))
    low, high = _ends(posterior)
    differ = 1 - RATE**group - (1 - RATE) ** group
    figures = {
        "rate": posterior @ RATE,
        "low": low,
        "high": high,
        "learnability": posterior @ (RATE * (1 - RATE)),
        "mixed": posterior @ differ,
        "never": posterior[:, RATE <= NEVER].sum(axis=1),
        "always": posterior[:, RATE >= ALWAYS].sum(axis=1),
    }
    return PassRates(**{name: figure[which] for name, figure in figures.items()}, group=group)


def _posteriors(kinds: Ints, often: Floats) -> Floats:
    """Posterior over `RATE` of each (topic, right, tried); shape ``(kinds, STEPS + 1)``."""
    likelihood = _likelihood(kinds[:, 1], kinds[:, 2])
    start = np.full(RATE.size, (1 - 2 * END) / (RATE.size - 2))
    start[[0, -1]] = END
    whole = _fitted(likelihood, often, start, DATASET_PROMPTS)
    posterior = np.empty_like(likelihood)
    topics, first = np.unique(kinds[:, 0], return_index=True)
    for begin, end in zip(first, [*first[1:], len(kinds)], strict=True):
        part = slice(begin, end)
        single_topic = topics.size == 1
        prior = whole if single_topic else _fitted(likelihood[part], often[part], whole, TOPIC_PROMPTS)
        posterior[part] = _normalised(likelihood[part] * prior)
    return posterior


def _likelihood(right: Ints, tried: Ints) -> Floats:
    """Chance of the counts at each of `RATE`, up to a factor; each row's largest is 1."""
    value = RATE ** right[:, None] * (1 - RATE) ** (tried - right)[:, None]
    largest: Floats = value / value.max(axis=1, keepdims=True)
    return largest


def _fitted(likelihood: Floats, often: Floats, toward: Floats, weight: float) -> Floats:
    """The distribution of chances: EM from `toward`, which counts as `weight` prompts."""
    prior, total = toward, float(often.sum()) + weight
    for _ in range(ROUNDS):
        prior = (often @ _normalised(likelihood * prior) + weight * toward) / total
    return prior


def _normalised(value: Floats) -> Floats:
    shares: Floats = value / value.sum(axis=1, keepdims=True)
    return shares


def _ends(posterior: Floats) -> tuple[Floats, Floats]:
    """Where 2.5 % and 97.5 % of each posterior lie below, between the grid's points."""
    below = np.cumsum(posterior, axis=1) - posterior / 2
    ends = np.array([np.interp([0.025, 0.975], row, RATE) for row in below])
    return ends[:, 0], ends[:, 1]

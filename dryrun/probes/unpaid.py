"""Responses that are right by what they say, and that the grader does not pay."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dryrun.analysis.figures.readings import PAID
from dryrun.analysis.observations import Observations
from dryrun.dataset.fields import reference_of
from dryrun.graders.format.load import load_grader
from dryrun.graders.reference_answers import answer_field
from dryrun.probes.read_responses import read_all
from dryrun.probes.right_answers import as_asked, python_source
from dryrun.store.results import Results

MOST_READ = 1_000
"""Responses that are read for the right answer; more are drawn by lot."""


@dataclass(frozen=True, slots=True)
class UnpaidRight:
    """Which unpaid responses end in the right answer.

    Attributes
    ----------
    rows : int64 array
        Positions in the observations, ascending.
    read, unpaid : int
        Responses that were read, of those that earn less than half.
    referenced : bool
        Whether any of these rows has a reference answer to read them against.
    """

    rows: NDArray[np.int64]
    read: int
    unpaid: int
    referenced: bool


def unpaid_right(results: Results, observations: Observations, most: int = MOST_READ) -> UnpaidRight:
    """Read responses that earn less than half, and keep those that are right beyond doubt.

    Parameters
    ----------
    results : Results
    observations : Observations
        Those of the results.
    most : int
    """
    unpaid = np.flatnonzero(observations.score < PAID)  # False where there is no score
    drawn = np.random.default_rng(0).permutation(unpaid)[:most]
    drawn.sort()
    seen = results.inspect(drawn.tolist())
    prompts = {inspected.prompt.key: inspected.prompt for inspected in seen}
    field = answer_field(results.config, [prompt.item for prompt in prompts.values()])
    asked = list(prompts.values())
    known = [None if field is None else reference_of(prompt.item, field) for prompt in asked]
    answers = as_asked(asked, known, python_source(load_grader(results.config.grader)))
    references = {key: text for key, text in zip(prompts, answers, strict=True) if text is not None}
    says = read_all([(inspected.prompt, inspected.sample.text) for inspected in seen], references)
    right = np.array([is_right is True for is_right in says], bool)
    return UnpaidRight(drawn[right].astype(np.int64), drawn.size, unpaid.size, bool(references))

"""From a stored run and a plan of the training to its forecast."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dryrun.analysis.figures.groups import groups
from dryrun.analysis.forecast.group_size import GroupSize, possible_group_sizes
from dryrun.analysis.forecast.lengths import Lengths, lengths_of
from dryrun.analysis.forecast.price import Forecast, TrainingPlan, Usage, forecast
from dryrun.analysis.observations import Observations
from dryrun.analysis.training.record import NOT_OWN, Training, training_of
from dryrun.core.errors import DryRunError
from dryrun.core.records import SampleOutcome
from dryrun.store.results import Results

CHARACTERS = 4.0
"""Characters of a token, where the server did not count tokens."""
Floats = NDArray[np.float64]

COUNTED = (SampleOutcome.ANSWERED.value, SampleOutcome.TRUNCATED.value)


@dataclass(frozen=True, slots=True)
class Outlook:
    """The forecast of a training before it starts.

    Attributes
    ----------
    run : str
    forecast : Forecast
    lengths : Lengths
    counted : bool
        Whether the server counted tokens; else they are characters divided by four.
    sizes : tuple of GroupSize
    training : Training
    """

    run: str
    forecast: Forecast
    lengths: Lengths
    counted: bool
    sizes: tuple[GroupSize, ...]
    training: Training


def outlook_of(results: Results, plan: TrainingPlan) -> Outlook:
    """Measure the run's lengths and groups, and multiply the plan out.

    Raises
    ------
    DryRunError
        The run has no response, or fewer than two prompts with two scores.
    """
    observed = results.observations()
    completion, prompt, counted = _tokens(results)
    kept = np.isin(observed.outcome.astype(str), COUNTED)
    cut = observed.outcome == SampleOutcome.TRUNCATED.value
    lengths = lengths_of(completion[kept], cut[kept].astype(bool))
    score = own_scores(observed)
    at_plan = groups(score, observed.prompt, plan.group)
    if lengths is None or at_plan is None:
        raise DryRunError(
            f"Run {results.run.id} has too little for a forecast: it needs two scores for each of two "
            "prompts. Run it with --rollouts 2 or more."
        )
    limit = float(plan.limit or lengths.longest)
    mean = lengths.mean(limit)
    usage = Usage(
        prompt_tokens=float(np.nanmean(prompt)),
        completion_tokens=float(np.nanmean(completion[kept])) if mean is None else mean,
        at_least=mean is None or (plan.limit is None and lengths.cut > 0),
        usable=at_plan.usable,
        usable_interval=at_plan.usable_interval,
    )
    sizes = possible_group_sizes(score, observed.prompt)
    training = training_of(observed, by_topic=False)
    return Outlook(results.run.id, forecast(plan, usage), lengths, counted, sizes, training)


def own_scores(observed: Observations) -> Floats:
    """The scores; NaN where a response was cut, refused or withheld by a filter."""
    return np.where(np.isin(observed.outcome.astype(str), NOT_OWN), np.nan, observed.score)


def _tokens(results: Results) -> tuple[Floats, Floats, bool]:
    """Completion and prompt tokens of each rollout, and whether the server counted them."""
    columns = {
        name: results.rollouts[name].to_numpy(zero_copy_only=False).astype(np.float64)
        for name in ("completion_tokens", "prompt_tokens", "characters")
    }
    completion, prompt = columns["completion_tokens"], columns["prompt_tokens"]
    if np.isfinite(completion).any() and np.isfinite(prompt).any():
        return completion, prompt, True
    size = [
        len(str(inspected.prompt.messages)) for inspected in results.inspect(range(results.rollouts.num_rows))
    ]
    return columns["characters"] / CHARACTERS, np.array(size, np.float64) / CHARACTERS, False

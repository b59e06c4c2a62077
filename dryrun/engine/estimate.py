"""What a run would cost: calls, and responses that are stored; what its sample will tell, in sentences."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dryrun.analysis.figures.groups import GROUP
from dryrun.analysis.sample_size import DISTANCE, Foresight, Spread, assumed, learned
from dryrun.core.errors import DryRunError
from dryrun.core.fingerprint import fingerprint
from dryrun.core.records import Prompt
from dryrun.core.text import plural
from dryrun.core.thresholds import Thresholds
from dryrun.engine.budget import Prices
from dryrun.engine.plan import Plan, make_plan
from dryrun.engine.prepare import Prepared
from dryrun.graders import load_grader
from dryrun.graders.kinds.judge_grader import judge_request_size
from dryrun.graders.kinds.multi import MultiSpec
from dryrun.models import Model
from dryrun.models.build import build_model
from dryrun.models.request import RequestSize, request_size
from dryrun.models.urls import known_for_batches
from dryrun.store.partition import Store
from dryrun.store.results import load_results
from dryrun.store.runs import Run, list_runs

NOTHING = RequestSize(0, 0)


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run asks for, and what the calls that are left may cost at worst, retries left aside.

    Attributes
    ----------
    prompts, rollouts : int
    stored : int or None
        Of `responses`, those that are stored already and cost no call; None if that is not known
        before the model is there.
    batch : bool
        Whether the calls go through the Batch API.
    calls : int
        Responses that still have to be generated, at most; 0 where `stored` is None.
    size : RequestSize
        Of all of them together; its prompt tokens are estimated.
    judge_calls : int
        Calls to judges and models that embed.
    judge_size : RequestSize
        The same of these.
    capped : bool
        Whether the endpoint is known to keep to the cap on an answer's length: some servers ignore it.
    """

    prompts: int
    rollouts: int
    stored: int | None
    batch: bool
    calls: int = 0
    size: RequestSize = NOTHING
    judge_calls: int = 0
    judge_size: RequestSize = NOTHING
    capped: bool = True

    @property
    def responses(self) -> int:
        """Responses the run is made of."""
        return self.prompts * self.rollouts

    def words(self, prices: Prices) -> str:
        """One sentence, with money where prices are known."""
        parts = []
        if self.calls:
            what = "requests in batches" if self.batch else "calls to the model"
            parts.append(f"{self.calls:,} {what}, {_tokens(self.size)}")
        if self.judge_calls:
            parts.append(f"{self.judge_calls:,} calls to judges, {_tokens(self.judge_size)}")
        words = f"{'; '.join(parts)}{self._money(prices)}"
        if self.capped or not self.calls or not self.size.completion:
            return f"{words}."
        return f"{words.replace('at most', 'up to')}, if the endpoint keeps to the token cap."

    def _money(self, prices: Prices) -> str:
        if prices == Prices():
            return ""
        base = prices.worst(self.size, batch=self.batch) if self.calls else 0.0
        judge = prices.worst_of_judge(self.judge_size) if self.judge_calls else 0.0
        if base is None or judge is None:
            return "; what that costs at most is known with a cap on the answers' length and each price"
        half = " at half the price" if self.batch else ""
        return f": at most ${base + judge:,.2f}{half}" if not judge else f": at most ${base + judge:,.2f}"


def _tokens(size: RequestSize) -> str:
    words = f"about {size.prompt:,} prompt tokens"
    if size.completion is None:
        return f"{words} and answers of no set length"
    return f"{words} and at most {size.completion:,} completion tokens" if size.completion else words


def estimate(store: Store, prepared: Prepared, model: Model | None = None) -> Estimate:
    """Count what is asked and what is stored already, without calling anything.

    Parameters
    ----------
    store : Store
    prepared : Prepared
    model : Model, optional
        One that generates nothing (`dryrun.models.build.StoredResponses`). Default: the configured one.
    """
    config, prompts = prepared.config, len(prepared.prompts)
    rollouts, batch = config.sampling.rollouts, config.model.batch is not None
    try:
        source = model or build_model(config.model, "", lambda _: None)
        plan = make_plan(prepared.prompts, config, source)
        done = store.samples(fingerprint(source.identity)).finished_keys(plan.table["sample_key"])
    except DryRunError:  # the embedded model names its responses only once its weights are there
        return Estimate(prompts, rollouts, None, batch)
    stored = sum(ask.rows for key, ask in plan.asks.items() if key in done)
    if model is not None:
        plan = plan.restricted(done)
    asked = _counted(ask.prompts[0][0] for ask in plan.asks.values() if ask.key not in done)
    sizes = [(count, request_size(config.model, prompt)) for prompt, count in asked]
    calls = sum(count for count, _ in sizes)
    judging = _judging(store, prepared, plan)
    url = config.model.base_url
    capped = url is None or known_for_batches(url)
    return Estimate(prompts, rollouts, stored, batch, calls, _total(sizes), *judging, capped)


def _counted(prompts: Iterable[Prompt]) -> list[tuple[Prompt, int]]:
    """Each prompt once, with the number of times that it occurs."""
    by_key: dict[str, Prompt] = {}
    counts: Counter[str] = Counter()
    for prompt in prompts:
        by_key[prompt.key] = prompt
        counts[prompt.key] += 1
    return [(by_key[key], count) for key, count in counts.items()]


def _total(sizes: Sequence[tuple[int, RequestSize]]) -> RequestSize:
    """The size of all requests together, given as (number of requests, size of each)."""
    most = [count * size.completion for count, size in sizes if size.completion is not None]
    prompt = sum(count * size.prompt for count, size in sizes)
    return RequestSize(prompt, sum(most) if len(most) == len(sizes) else None)


def _judging(store: Store, prepared: Prepared, plan: Plan) -> tuple[int, RequestSize]:
    """Judge calls for the grades that are not stored, one each per judge, and their size."""
    spec = load_grader(prepared.config.grader)
    judges = [part for _, part in spec.walk() if part.asks_models and not isinstance(part, MultiSpec)]
    if not judges:
        return 0, NOTHING
    graded = store.grades(plan.grader).finished_keys(plan.table["grade_key"])
    waiting = _counted(
        prompt
        for ask in plan.asks.values()
        for prompt, _ in ask.prompts
        if plan.grade_key(ask.key, prompt) not in graded
    )
    answer = prepared.config.model.max_completion_tokens or 0
    sizes = [
        (count, judge_request_size(judge, prompt, answer)) for prompt, count in waiting for judge in judges
    ]
    return sum(count for count, _ in sizes), _total(sizes)


LEAST_PROMPTS = 30
"""An earlier run with fewer scored prompts teaches nothing."""
PASS_FAIL = ("string_check", "label_model")
"""Grader types that pay all or nothing."""


def spread_of(run: Run) -> Spread | None:
    """The spread of a run's scores; None where it has too few."""
    observed = load_results(run).observations()
    scored = observed.prompt[observed.score == observed.score]
    return learned(observed) if len(set(scored.tolist())) >= LEAST_PROMPTS else None


def earlier_spread(store: Store, dataset: str, grader: Mapping[str, Any]) -> tuple[Run, Spread] | None:
    """The newest run of this dataset (its fingerprint) with this grader that has enough scores."""
    for run in list_runs(store):
        with contextlib.suppress(DryRunError):
            config = run.config()
            if config.dataset.fingerprint == dataset and config.grader == grader:
                spread = spread_of(run)
                if spread is not None:
                    return run, spread
    return None


def assumed_for(grader: Mapping[str, Any] | None) -> Spread:
    """The prior default for a grader of this type."""
    return assumed(grader is not None and grader.get("type") in PASS_FAIL)


def plan_words(foresight: Foresight, limits: Thresholds) -> str:
    """``"With 300 prompts × 4 responses you will know the mean to about ±0.03, ..."``."""
    low = limits.mean_low
    words = (
        f"With {plural(foresight.prompts, 'prompt')} × {plural(foresight.rollouts, 'response')} you will "
        f"know the mean to about ±{foresight.mean:.3f} and can tell {max(low - DISTANCE, 0):.2f} from "
        f"{low:.2f} with probability {_chance(foresight.side)}"
    )
    if foresight.usable is None:
        return f"{words}. How many prompts give a training signal takes 2 responses per prompt or more."
    return f"{words}; the share of prompts that give a training signal to about ±{foresight.usable:.2f}."


def too_few_words(prompts: int, limits: Thresholds) -> str:
    """What too few prompts mean for the verdict; ``""`` where they are enough."""
    if prompts >= limits.min_prompts:
        return ""
    return (
        f"A verdict needs at least {limits.min_prompts} prompts; this run has {prompts:,}. It will end as "
        "INVALID, with its figures shown."
    )


def assumption_words(spread: Spread, group: int = GROUP) -> str:
    """What the plan rests on."""
    whence = "As in an earlier run of this dataset and grader" if spread.learned else "Assumed"
    words = (
        f"{whence}: scores around {spread.mean:.2f}, standard deviation {spread.between:.2f} between prompts "
        f"and {spread.within:.2f} within"
    )
    if not spread.split:
        words += " (that run had one response per prompt: half of the variance is taken to lie between)"
    return f"{words}. The signal is reckoned as for a pass/fail grader, in training groups of {group}."


def _chance(probability: float) -> str:
    return f"{probability:.2f}" if probability < 0.995 else "above 0.99"

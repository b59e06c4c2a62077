"""What a run would cost: how many calls, and how many of its responses are stored already."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dryrun.core.errors import DryRunError
from dryrun.core.fingerprint import fingerprint
from dryrun.core.records import Prompt
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
        One that generates nothing (`dryrun.models.stored.StoredResponses`). Default: the configured one.
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

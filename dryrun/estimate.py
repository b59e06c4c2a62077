"""What a run would cost: how many calls, and how many of its responses are stored already."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from dryrun.budget import Prices
from dryrun.errors import DryRunError
from dryrun.fingerprint import fingerprint
from dryrun.models.request import RequestSize, request_size
from dryrun.runner import Prepared, build_model
from dryrun.store import Store


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run asks for.

    Attributes
    ----------
    prompts, rollouts : int
    stored : int or None
        Of `responses`, those that are stored already and cost no call; None if that is not known
        before the model is there.
    """

    prompts: int
    rollouts: int
    stored: int | None

    @property
    def responses(self) -> int:
        """Responses the run is made of."""
        return self.prompts * self.rollouts

    @property
    def calls(self) -> int:
        """Responses that still have to be generated, at most."""
        return self.responses - (self.stored or 0)


@dataclass(frozen=True, slots=True)
class WorstCase:
    """What the calls that are left may cost the base model's account.

    Attributes
    ----------
    calls : int
    size : RequestSize
        Of all of them together; its prompt tokens are estimated.
    batch : bool
        Whether they go through the Batch API.
    """

    calls: int
    size: RequestSize
    batch: bool

    def words(self, prices: Prices) -> str:
        """One sentence, with money where prices are known."""
        most = self.size.completion
        tokens = f"about {self.size.prompt:,} prompt tokens and " + (
            "answers of no set length" if most is None else f"at most {most:,} completion tokens"
        )
        cost = prices.worst(self.size, batch=self.batch)
        money = (
            "" if cost is None else f": at most ${cost:,.2f}" + (" at half the price" if self.batch else "")
        )
        return f"{self.calls:,} {'requests in batches' if self.batch else 'calls'}, {tokens}{money}."


def worst_case(store: Store, prepared: Prepared) -> WorstCase:
    """Count what is not stored yet, without calling anything."""
    config = prepared.config
    keys, done = _stored_keys(store, prepared) or ([], set())
    each = [prompt for prompt in prepared.prompts for _ in range(config.sampling.rollouts)]
    asked = {key: prompt for key, prompt in zip(keys, each, strict=False) if key not in done}
    sizes = [request_size(config.model, prompt) for prompt in asked.values()]
    most = config.model.max_completion_tokens
    size = RequestSize(sum(one.prompt for one in sizes), None if most is None else most * len(sizes))
    return WorstCase(len(sizes), size, config.model.batch is not None)


def estimate(store: Store, prepared: Prepared) -> Estimate:
    """Count without calling anything."""
    rollouts = prepared.config.sampling.rollouts
    return Estimate(len(prepared.prompts), rollouts, _stored(store, prepared))


def _stored(store: Store, prepared: Prepared) -> int | None:
    found = _stored_keys(store, prepared)
    return None if found is None else sum(key in found[1] for key in found[0])


def _stored_keys(store: Store, prepared: Prepared) -> tuple[list[str], set[str]] | None:
    """The keys of all samples of the run, and those that are stored; None before the model is there."""
    try:
        model = build_model(prepared.config.model, "", lambda _: None)
        keys = [
            model.sample_key(prompt, rollout)
            for prompt in prepared.prompts
            for rollout in range(prepared.config.sampling.rollouts)
        ]
        partition = store.samples(fingerprint(model.identity))
    except DryRunError:
        return None
    return keys, partition.finished_keys(pa.array(keys, pa.string()))

"""What a run would cost: how many calls, and how many of its responses are stored already."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from dryrun.errors import DryRunError
from dryrun.fingerprint import fingerprint
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


def estimate(store: Store, prepared: Prepared) -> Estimate:
    """Count without calling anything."""
    rollouts = prepared.config.sampling.rollouts
    return Estimate(len(prepared.prompts), rollouts, _stored(store, prepared))


def _stored(store: Store, prepared: Prepared) -> int | None:
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
    done = partition.finished_keys(pa.array(keys, pa.string()))
    return sum(key in done for key in keys)

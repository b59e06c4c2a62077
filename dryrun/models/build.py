"""From a model's configuration to the model; models that generate nothing, whose responses are all stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Self

from dryrun.core.config import ModelConfig, ModelKind
from dryrun.core.errors import DryRunError
from dryrun.core.fingerprint import fingerprint
from dryrun.core.records import Prompt, Sample, SampleOutcome
from dryrun.models import Model, OnAttempt, OnNews
from dryrun.models.embedded.model import EmbeddedModel
from dryrun.models.endpoint import EndpointModel
from dryrun.models.ray_data.model import RayDataModel


def build_model(config: ModelConfig, api_key: str, say: Callable[[str], None]) -> Model:
    """The model a configuration names, not yet opened."""
    if config.kind is ModelKind.EMBEDDED:
        return EmbeddedModel(config, say)
    if config.kind is ModelKind.IMPORTED:
        return ImportedModel(config)
    if config.kind is ModelKind.VLLM:
        return RayDataModel(config)
    return EndpointModel(config, api_key)


class _AsksNothing:
    """The part of a `Model` that is the same wherever nothing is called."""

    concurrency = 1
    on_attempt: OnAttempt | None = None
    on_news: OnNews | None = None

    def end(self, error: DryRunError) -> None:
        """Nothing is asked anyway."""

    async def last_answers(self) -> None:
        """There are none."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None: ...


class ImportedModel(_AsksNothing):
    """A `Model` whose responses all came with a file.

    Parameters
    ----------
    config : ModelConfig
        `source` is the fingerprint of what was imported.
    """

    def __init__(self, config: ModelConfig) -> None:
        self.identity: Mapping[str, Any] = {"imported": config.source, "model": config.name}

    def sample_key(self, prompt: Prompt, rollout: int) -> str:
        """One response of the file: the whole row counts, not only the messages that a model would see."""
        return fingerprint({"identity": self.identity, "row": prompt.key, "rollout": rollout})

    async def generate(self, prompt: Prompt, rollout: int) -> Sample:
        """No response: what is not stored any more cannot be asked for again."""
        error = "This response was imported and is gone from the data directory. Import the file again."
        return Sample(self.sample_key(prompt, rollout), rollout, SampleOutcome.FAILED, error=error)


class StoredResponses(_AsksNothing):
    """A `Model` that knows what a run has stored, to score it under another grader.

    Parameters
    ----------
    identity : mapping
        That of the model that gave the responses.
    keys : mapping of (str, int) to str
        The sample key of each response, by the prompt's key and the rollout.
    """

    concurrency = 0

    def __init__(self, identity: Mapping[str, Any], keys: Mapping[tuple[str, int], str]) -> None:
        self.identity, self._keys = identity, keys

    def sample_key(self, prompt: Prompt, rollout: int) -> str:
        """The key the response was stored under; one that nothing has if the run never asked for it."""
        return self._keys.get((prompt.key, rollout), f"never-asked-{prompt.key}-{rollout}")

    async def generate(self, prompt: Prompt, rollout: int) -> Sample:
        """Refused: a user who grades stored responses has not agreed to pay for others."""
        raise DryRunError("This run only grades stored responses.")

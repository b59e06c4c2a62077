"""Responses that somebody else generated: they are read from the store, none is ever asked for."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from dryrun.core.config import ModelConfig
from dryrun.core.errors import DryRunError
from dryrun.core.fingerprint import fingerprint
from dryrun.core.records import Prompt, Sample, SampleOutcome
from dryrun.models import OnAttempt


class ImportedModel:
    """A `Model` whose responses all came with a file.

    Parameters
    ----------
    config : ModelConfig
        `source` is the fingerprint of what was imported.
    """

    on_attempt: OnAttempt | None = None

    def __init__(self, config: ModelConfig) -> None:
        self._config = config

    @property
    def concurrency(self) -> int:
        """Nothing is called."""
        return 1

    @property
    def identity(self) -> Mapping[str, Any]:
        """The file and the name its responses go by."""
        return {"imported": self._config.source, "model": self._config.name}

    def sample_key(self, prompt: Prompt, rollout: int) -> str:
        """One response of the file: the whole row counts, not only what a model would see of it."""
        return fingerprint({"identity": self.identity, "row": prompt.key, "rollout": rollout})

    async def generate(self, prompt: Prompt, rollout: int) -> Sample:
        """No response: what is not stored any more cannot be asked for again."""
        error = "This response was imported and is gone from the data directory. Import the file again."
        return Sample(self.sample_key(prompt, rollout), rollout, SampleOutcome.FAILED, error=error)

    def end(self, error: DryRunError) -> None:
        """Nothing is asked anyway."""

    async def last_answers(self) -> None:
        """There are none."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None

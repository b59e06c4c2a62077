"""Score the stored responses of a run under another grader, without the model that gave them."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from dryrun.core.errors import DryRunError
from dryrun.core.records import Prompt, Sample
from dryrun.models import OnAttempt
from dryrun.store.runs import Run


class StoredResponses:
    """A `dryrun.models.Model` that knows what a run has stored, and generates nothing.

    Parameters
    ----------
    source : Run

    Raises
    ------
    DryRunError
        The run never started, so there is nothing to grade.
    """

    concurrency = 0
    on_attempt: OnAttempt | None = None

    def __init__(self, source: Run) -> None:
        planned = source.plan()
        if planned is None:
            raise DryRunError(f"Run {source.id} has no responses yet. Resume it first.")
        plan, samples, _ = planned
        self.identity: Mapping[str, Any] = samples.about()
        prompts = source.prompt_columns(["key"])["key"].to_pylist()
        columns = [plan[name].to_pylist() for name in ("prompt", "rollout", "sample_key")]
        self._keys: dict[tuple[str, int], str] = {}
        for prompt, rollout, key in zip(*columns, strict=True):
            self._keys[prompts[prompt], rollout] = key

    def sample_key(self, prompt: Prompt, rollout: int) -> str:
        """The key the response was stored under; a name nothing has if the run never asked for it."""
        return self._keys.get((prompt.key, rollout), f"never-asked-{prompt.key}-{rollout}")

    async def generate(self, prompt: Prompt, rollout: int) -> Sample:
        """Refused: who grades stored responses has not agreed to pay for others."""
        raise DryRunError("This run only grades stored responses.")

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
    ) -> None: ...

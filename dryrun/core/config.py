"""What a run is made of."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from dryrun.core.thresholds import Frozen

EMBEDDED_MODEL = "SmolLM2-135M-Instruct"
"""The base model that needs no account: 135 M parameters, Q4_1, Apache-2.0."""

OPENAI_URL = "https://api.openai.com/v1"
"""Where an endpoint or a judge is asked unless another is named."""

RETIRED_DEFAULT_MODEL = "o4-mini"
"""The design document's default base model. OpenAI retired it on 2026-10-23, so the embedded
model is the default instead; any name can be typed, this one included (Azure still serves it)."""

DEFAULT_SAMPLE_SIZE = 300
DEFAULT_ROLLOUTS = 4
MAX_ROLLOUTS = 64
"""Most responses to one prompt that a run can hold."""


class ModelKind(StrEnum):
    """Where samples come from."""

    EMBEDDED = "embedded"
    """llama.cpp in a process of its own on this machine."""
    ENDPOINT = "endpoint"
    """Any OpenAI-compatible chat endpoint."""
    IMPORTED = "imported"
    """Nowhere: the responses came with a file."""
    VLLM = "vllm"
    """vLLM on the GPUs of a Ray cluster, through Ray Data."""


class BatchConfig(Frozen):
    """Generate through the endpoint's Batch API: half the price, and the answers within a window of time."""

    completion_window: Annotated[str, Field(pattern=r"^[1-9]\d*[hd]$")] = "24h"
    """OpenAI takes ``24h`` alone."""


class ModelConfig(Frozen):
    """The base model and how it is sampled. Each optional value is sent only when it is set.

    The API key is not included: a key is handed over beside the configuration and never stored.
    """

    kind: ModelKind = ModelKind.EMBEDDED
    name: str = EMBEDDED_MODEL
    base_url: str | None = None
    temperature: Annotated[float, Field(ge=0.0, le=2.0)] | None = None
    top_p: Annotated[float, Field(gt=0.0, le=1.0)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    reasoning_effort: str | None = None
    seed: int | None = None
    response_format: dict[str, Any] | None = None
    concurrency: Annotated[int, Field(ge=1, le=512)] | None = None
    timeout: Annotated[float, Field(gt=0.0)] = 120.0
    source: str | None = None
    """For imported responses: the fingerprint of what was imported."""
    account: str | None = None
    """Where strangers share a server: whose key pays. Nobody is given responses of another account."""
    batch: BatchConfig | None = None
    """How responses are fetched, not which: it is part of no sample's key. None: one call each."""
    engine: Annotated[dict[str, Any] | None, Field(exclude_if=lambda value: value is None)] = None
    """For vLLM: the engine's arguments, and ``replicas``, how many engines there are."""

    @model_validator(mode="after")
    def _endpoint_has_url(self) -> ModelConfig:
        if self.kind is ModelKind.ENDPOINT and not self.base_url:
            raise ValueError("an endpoint needs its base URL, e.g. https://api.openai.com/v1")
        if self.batch is not None and self.kind is not ModelKind.ENDPOINT:
            raise ValueError("only an endpoint has a Batch API, e.g. https://api.openai.com/v1")
        return self


class JudgeConfig(Frozen):
    """Where a grader's judge models are asked: apart from the base model, with a key of their own.

    The key is handed over beside the configuration and never stored.
    """

    base_url: str = OPENAI_URL
    model: str | None = None
    """Asked instead of the model the grader names, e.g. where that one is retired."""
    embedding_model: str = "text-embedding-3-large"
    """For cosine; the default is what the service uses."""
    concurrency: Annotated[int, Field(ge=1, le=256)] = 16
    account: str | None = None
    """As the model's."""
    timeout: Annotated[float, Field(gt=0.0)] = 120.0


class SamplingMethod(StrEnum):
    """How prompts are drawn from the dataset."""

    SIMPLE = "simple"
    """Every row has the same chance."""
    STRATIFIED = "stratified"
    """Every topic keeps its share of the rows."""


class SamplingConfig(Frozen):
    """Which prompts, and how many responses to each."""

    size: Annotated[int, Field(ge=1)] = DEFAULT_SAMPLE_SIZE
    rollouts: Annotated[int, Field(ge=1, le=MAX_ROLLOUTS)] = DEFAULT_ROLLOUTS
    seed: int = 0
    method: SamplingMethod = SamplingMethod.SIMPLE


class DatasetRef(Frozen):
    """Which dataset a run was drawn from."""

    name: str
    fingerprint: str
    rows: int
    prompt_field: str | None = None
    reference_field: str | None = None
    topic_field: str | None = None
    system: str | None = None
    """Text in front of every prompt, as a system message; the rows that the run keeps begin with it."""


class RunConfig(Frozen):
    """All that determines a run. Two runs with equal configurations ask the same questions."""

    dataset: DatasetRef
    grader: dict[str, Any]
    model: ModelConfig = ModelConfig()
    sampling: SamplingConfig = SamplingConfig()
    reward_range: tuple[float, float] = (0.0, 1.0)
    """The grader's scale. Rewards are stored raw; thresholds compare ``(reward - lo) / (hi - lo)``."""
    scale_open: bool = False
    """Nobody declared the scale: it becomes wider where the rewards of a finished session lie off it."""
    grade_timeout: Annotated[float, Field(gt=0.0)] = 120.0
    cut_reasoning: bool = False
    """Whether the grader gets only what follows a response's reasoning, not the whole response."""
    judge: JudgeConfig | None = None
    """Only where the grader asks a judge."""

    @property
    def grader_name(self) -> str:
        """What the grader calls itself, else its type."""
        return str(self.grader.get("name") or self.grader.get("type", ""))

    @property
    def responses(self) -> int:
        """How many responses are asked for, as far as the dataset has rows."""
        return min(self.sampling.size, self.dataset.rows) * self.sampling.rollouts

    def asks_the_same(self, other: RunConfig) -> bool:
        """Whether this run is what the other asks for, be it through batches or call by call."""
        if self.scale_open and not other.scale_open:
            return False
        scale = {"reward_range": other.reward_range} if self.scale_open else {}
        return self._as_asked(**scale) == other._as_asked()

    def _as_asked(self, **changed: tuple[float, float]) -> RunConfig:
        model = self.model.model_copy(update={"batch": None})
        return self.model_copy(update={"model": model, "scale_open": False, **changed})

    @model_validator(mode="after")
    def _range_is_a_range(self) -> RunConfig:
        low, high = self.reward_range
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise ValueError("reward_range must be two finite numbers, the lower one first")
        return self


Verdict = Literal["GO", "NO-GO", "INVALID"]

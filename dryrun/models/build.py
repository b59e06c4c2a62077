"""From a model's configuration to the model."""

from __future__ import annotations

from collections.abc import Callable

from dryrun.core.config import ModelConfig, ModelKind
from dryrun.models import Model
from dryrun.models.embedded.model import EmbeddedModel
from dryrun.models.embedded.weights import WeightsProgress, WeightsStage
from dryrun.models.endpoint import EndpointModel
from dryrun.models.stored import ImportedModel


def build_model(config: ModelConfig, api_key: str, say: Callable[[str], None]) -> Model:
    """The model a configuration names, not yet opened."""
    if config.kind is ModelKind.EMBEDDED:
        return EmbeddedModel(config, progress=lambda progress: say(weights_words(progress)))
    if config.kind is ModelKind.IMPORTED:
        return ImportedModel(config)
    return EndpointModel(config, api_key)


def weights_words(progress: WeightsProgress) -> str:
    """``"Fetching the model's weights (once): 34 of 93 MB."``"""
    if progress.stage is WeightsStage.READY:
        return "Starting the model."
    megabyte = 1_000_000
    done, total = progress.done // megabyte, progress.total // megabyte
    return f"{progress.stage.value.capitalize()} the model's weights (once): {done:,} of {total:,} MB."

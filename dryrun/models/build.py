"""From a model's configuration to the model."""

from __future__ import annotations

from collections.abc import Callable

from dryrun.core.config import ModelConfig, ModelKind
from dryrun.models import Model
from dryrun.models.embedded.model import EmbeddedModel
from dryrun.models.endpoint import EndpointModel
from dryrun.models.ray_data.model import RayDataModel
from dryrun.models.stored import ImportedModel


def build_model(config: ModelConfig, api_key: str, say: Callable[[str], None]) -> Model:
    """The model a configuration names, not yet opened."""
    if config.kind is ModelKind.EMBEDDED:
        return EmbeddedModel(config, say)
    if config.kind is ModelKind.IMPORTED:
        return ImportedModel(config)
    if config.kind is ModelKind.VLLM:
        return RayDataModel(config)
    return EndpointModel(config, api_key)

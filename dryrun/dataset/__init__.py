"""Datasets: OpenAI reinforcement fine-tuning rows in four formats, validated in one pass."""

from dryrun.dataset.parse import MAX_ROW_BYTES
from dryrun.dataset.reading import dataset_from_items, read_dataset
from dryrun.dataset.table import Dataset

__all__ = ["MAX_ROW_BYTES", "Dataset", "dataset_from_items", "read_dataset"]

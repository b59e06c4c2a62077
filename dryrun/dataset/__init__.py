"""Datasets: OpenAI reinforcement fine-tuning rows in four formats, validated in one pass."""

from dryrun.dataset.dataset import Dataset
from dryrun.dataset.read import dataset_from_items, read_dataset

__all__ = ["Dataset", "dataset_from_items", "read_dataset"]

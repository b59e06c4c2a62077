"""The options of every command that reads a dataset: the file, and which of its fields are what."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from dryrun.core.errors import DryRunError
from dryrun.dataset import Dataset, read_dataset
from dryrun.dataset.columns import ColumnMap
from dryrun.dataset.fields import PROMPTS

FORMATS = "rows as JSONL, Parquet, CSV or a JSON list"


def add_dataset(command: argparse._ActionsContainer, required: bool = False, words: str = FORMATS) -> None:
    """``--dataset``; `words` say what it is for."""
    command.add_argument("--dataset", required=required, type=Path, help=words)


def add_columns(command: argparse.ArgumentParser) -> None:
    """``--prompt-field``, ``--reference-field``, ``--topic-field`` and ``--system``."""
    group = command.add_argument_group("columns", "a field is a key, or a path such as extra_info.question")
    group.add_argument(
        "--prompt-field",
        metavar="FIELD",
        help=f"where a row's prompt is: text or messages (default: {', '.join(PROMPTS)})",
    )
    group.add_argument(
        "--reference-field",
        metavar="FIELD",
        help="where a row's reference answer is; graders also find it as item.reference_answer",
    )
    group.add_argument(
        "--topic-field", metavar="FIELD", help="where a row's topic is (default: topic, metadata.topic)"
    )
    group.add_argument("--system", metavar="TEXT", help="a system message in front of every prompt")


def columns_of(options: argparse.Namespace) -> ColumnMap:
    """What the options say about the rows' fields.

    Raises
    ------
    DryRunError
        A field has an empty name.
    """
    for name in ("prompt_field", "reference_field", "topic_field"):
        if getattr(options, name) == "":
            raise DryRunError(f"--{name.replace('_', '-')}: give the name of a field, or leave it out.")
    return ColumnMap(
        options.prompt_field, options.reference_field, options.topic_field, options.system or None
    )


def named_again(options: argparse.Namespace) -> str:
    """The options about fields as they were given, for a command that shows the same row again."""
    given = {
        "--prompt-field": options.prompt_field,
        "--reference-field": options.reference_field,
        "--system": options.system,
    }
    return "".join(f" {option} {shlex.quote(value)}" for option, value in given.items() if value)


def read_given(options: argparse.Namespace, path: Path) -> Dataset:
    """The dataset in a file, its fields as the options say. Raises as `read_dataset` does."""
    return read_dataset(path, path.name, columns_of(options))

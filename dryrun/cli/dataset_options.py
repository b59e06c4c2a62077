"""The options of every command that reads a dataset: the file, and which of its fields are what."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from dryrun.analysis.figures.groups import GROUP
from dryrun.cli.options import positive
from dryrun.core.errors import DryRunError
from dryrun.dataset import Dataset, read_dataset
from dryrun.dataset.columns import ColumnMap
from dryrun.dataset.fields import PROMPTS
from dryrun.dataset.hub.remote import read_hub
from dryrun.dataset.hub.splits import SCHEME

FORMATS = "rows as JSONL, JSON, CSV, TSV, Parquet or Arrow, also packed (.gz, .zst, .bz2)"


def add_dataset(command: argparse._ActionsContainer, required: bool = False, words: str = FORMATS) -> None:
    """``--dataset``; `words` say what it is for."""
    command.add_argument(
        "--dataset",
        required=required,
        type=file_or_hub,
        help=f"{words}; or {SCHEME}OWNER/NAME[@REVISION][:SPLIT]",
    )


def file_or_hub(text: str) -> Path | str:
    """A path, or the address of a dataset on the Hugging Face Hub as it stands."""
    return text if text.startswith("hf://") else Path(text)


def add_outcome(command: argparse.ArgumentParser) -> None:
    """``--outcome`` and ``--group``: by what a prompt's responses are counted."""
    command.add_argument("--outcome", default="", metavar="NAME", help="as for `run` (default: guessed)")
    command.add_argument(
        "--group", type=positive, default=GROUP, help="responses per prompt in training (default: 8)"
    )


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
    fields = {
        "--prompt-field": options.prompt_field,
        "--reference-field": options.reference_field,
        "--system": options.system,
    }
    return "".join(f" {option} {shlex.quote(value)}" for option, value in fields.items() if value)


def read_given(options: argparse.Namespace, source: Path | str, prompts: int) -> Dataset:
    """The dataset in a file or on the Hub, its fields as the options say.

    Parameters
    ----------
    options : argparse.Namespace
    source : Path or str
        As `file_or_hub` makes it.
    prompts : int
        The number that will be drawn.

    Raises
    ------
    DatasetError
        As in `read_dataset` and `read_hub`.
    """
    if isinstance(source, str):
        return read_hub(source, columns_of(options), prompts)
    return read_dataset(source, source.name or source.resolve().name, columns_of(options))

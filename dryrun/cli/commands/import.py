"""``import``: from responses generated elsewhere to a verdict, without a call to a model."""
# ruff: noqa: N999 (a command's module has the command's name)

from __future__ import annotations

import argparse
from pathlib import Path

from dryrun.cli import options as shared
from dryrun.cli.commands.run import work
from dryrun.core.records import RunState
from dryrun.core.text import note
from dryrun.engine.budget import Budget
from dryrun.engine.imports.run import import_samples


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The options of ``import``."""
    command.add_argument(
        "file",
        type=Path,
        help="JSONL, Parquet or CSV, or a folder of such files: a log of TRL, verl, verifiers, "
        "lm-evaluation-harness, Inspect or promptfoo, an OpenAI or Azure eval's output items, or prompt and "
        "response in any script's words",
    )
    shared.add_grader(command, otherwise="the scores in the file")
    command.add_argument("--model", default="imported", help="what to call the model that answered")
    command.add_argument("--topic-field", help="where a record's topic is (default: topic, metadata.topic)")
    command.add_argument("--score-field", help="where the score is; for evals the grader's name")
    shared.add_reward_range(command, "the grader's, or that of the scores")
    shared.add_output(command)


def execute(options: argparse.Namespace) -> int:
    """Import, grade, judge."""
    limits = shared.thresholds(options.threshold, options.without)
    imported = import_samples(
        shared.store_of(options),
        options.file,
        options.file.name or options.file.resolve().name,
        shared.grader(options) if options.grader else None,
        model=options.model,
        topic_field=options.topic_field,
        score_field=options.score_field,
        reward_range=options.reward_range,
    )
    note(f"note: {imported.status().message}")
    if imported.status().state is not RunState.FINISHED:
        work(imported, Budget())
    return shared.conclude(imported, limits, options)

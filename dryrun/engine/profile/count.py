"""A run that has ended becomes counts beside it, and the profile of the prompts that it has asked."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from dryrun.analysis.training.profile import DatasetProfile, PromptCounts, profile_of
from dryrun.analysis.training.record import choose_outcome
from dryrun.core.blocking import run_blocking
from dryrun.engine.profile.tally import tally, with_own_marks
from dryrun.engine.work import build_grader
from dryrun.graders.judge_access import JudgeAccess
from dryrun.probes.reference_scores import grade_references, load_reference_grades
from dryrun.store.partition import table_bytes, write_aside
from dryrun.store.results import Results, load_results
from dryrun.store.runs import Run


def write_counts(path: Path, counts: PromptCounts, about: str) -> None:
    """Keep the counts in one step.

    Parameters
    ----------
    path : Path
    counts : PromptCounts
    about : str
        What they depend on; `read_counts` gives them back for the same text alone.

    Raises
    ------
    StoreError
        The disk is full or read-only.
    """
    columns = {
        column.name: getattr(counts, column.name) for column in fields(counts) if column.name != "topics"
    }
    columns["key"] = [key.decode() for key in counts.key]
    columns["topic"] = pa.DictionaryArray.from_arrays(pa.array(counts.topic), pa.array(counts.topics))
    write_aside(path, table_bytes(pa.table(columns).replace_schema_metadata({"about": about})))


def read_counts(path: Path, about: str) -> PromptCounts | None:
    """The counts that `write_counts` kept; None if there are none, or they depend on something else."""
    try:
        table = pq.read_table(path, partitioning=None)
        if (table.schema.metadata or {}).get(b"about", b"").decode() != about:
            return None
        topic = table["topic"].combine_chunks()
        names = [
            column.name for column in fields(PromptCounts) if column.name not in ("key", "topic", "topics")
        ]
        columns = {name: table[name].to_numpy() for name in names}
    except (OSError, ValueError, KeyError, pa.ArrowException):
        return None
    return PromptCounts(
        key=np.array(table["key"].to_pylist(), dtype="S32"),
        topic=topic.indices.to_numpy().astype(np.int64),
        topics=tuple(topic.dictionary.to_pylist()),
        **columns,
    )


COUNTS = "counts.parquet"


def kept_counts(run: Run, words: str) -> PromptCounts | None:
    """The counts of a run under what says that a response is right; None where they are not, or are old."""
    return read_counts(run.folder / COUNTS, _about(run, words))


async def count_run(run: Run, words: str | None) -> tuple[PromptCounts, str]:
    """Count a run's responses, and keep the counts beside it. References are graded where no judge is asked.

    Parameters
    ----------
    run : Run
        It has ended.
    words : str or None
        What says that a response is right; None: it is guessed.

    Returns
    -------
    PromptCounts
    str
        What says that a response is right, with its limit.

    Raises
    ------
    DryRunError
        The outcome is not a part of the grades, or the grader cannot run here.
    """
    results = load_results(run)
    chosen = choose_outcome(results.observations(), words or "").words
    words = words or chosen
    if results.config.judge is None and load_reference_grades(run) is None:
        async with build_grader(results.config) as grader:
            await grade_references(results, grader)
    counts = tally(results, words)
    write_counts(run.folder / COUNTS, counts, _about(run, words))
    return counts, chosen


def _about(run: Run, words: str) -> str:
    return f"{words} {run.status().updated}"


def run_profile(
    results: Results,
    outcome: str = "",
    group: int = 8,
    *,
    references: bool = True,
    judge_key: str | None = None,
) -> DatasetProfile:
    """Profile a run's prompts, in sample order; no model is called unless `judge_key` is given.

    Parameters
    ----------
    results : Results
    outcome : str
        What says that a response is right, as `choose_outcome` reads it; ``""``: guessed.
    group : int
        Responses to a prompt in training, 2 or more.
    references : bool
        Whether reference answers are graded where none were before.
    judge_key : str or None
        The key for a grader that asks a judge, ``""`` where its endpoint takes none: it is asked once for
        each reference answer. None: those are not graded.

    Raises
    ------
    DryRunError
        The outcome is not a part of the grades, or the grader cannot run here.
    """
    if (
        references
        and not references_graded(results)
        and (results.config.judge is None or judge_key is not None)
    ):
        run_blocking(_grade(results, judge_key or ""))
    return profile_of(with_own_marks(results, tally(results, outcome)), group)


def references_graded(results: Results) -> bool:
    """Whether the run's reference answers were graded, so that a broken one shows."""
    return load_reference_grades(results.run) is not None


async def _grade(results: Results, judge_key: str) -> None:
    judge = None if results.config.judge is None else JudgeAccess(results.config.judge, judge_key)
    async with build_grader(results.config, judge) as grader:
        await grade_references(results, grader)

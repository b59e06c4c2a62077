"""A shard's run, once it has ended, becomes counts beside it."""

from __future__ import annotations

from dryrun.analysis.training.profile import PromptCounts
from dryrun.analysis.training.record import choose_outcome
from dryrun.engine.profile.kept import read_counts, write_counts
from dryrun.engine.profile.tally import tally
from dryrun.engine.work import build_grader
from dryrun.probes.reference_scores import grade_references, load_reference_grades
from dryrun.store.results import load_results
from dryrun.store.runs import Run

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

"""The profile of the prompts that one run has asked."""

from __future__ import annotations

from dryrun.analysis.training.profile import DatasetProfile, profile_of
from dryrun.core.blocking import run_blocking
from dryrun.engine.profile.tally import tally, with_own_marks
from dryrun.engine.work import build_grader
from dryrun.graders.kinds.judge_access import JudgeAccess
from dryrun.probes.reference_scores import grade_references, load_reference_grades
from dryrun.store.results import Results


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

"""The profile of the prompts that one run has asked."""

from __future__ import annotations

from dryrun.analysis.training.profile import DatasetProfile, profile_of
from dryrun.core.blocking import run_blocking
from dryrun.engine.profile.tally import tally, with_own_marks
from dryrun.engine.work import build_grader
from dryrun.probes.reference_grades import grade_references, load_reference_grades
from dryrun.store.results import Results


def run_profile(
    results: Results, outcome: str = "", group: int = 8, *, references: bool = True
) -> DatasetProfile:
    """Profile a run's prompts, in sample order; no model is called.

    Parameters
    ----------
    results : Results
    outcome : str
        What says that a response is right, as `choose_outcome` reads it; ``""``: guessed.
    group : int
        Responses to a prompt in training, 2 or more.
    references : bool
        Whether reference answers are graded where none were before; a grader that asks a judge never is.

    Raises
    ------
    DryRunError
        The outcome is not a part of the grades, or the grader cannot run here.
    """
    if references and results.config.judge is None and load_reference_grades(results.run) is None:
        run_blocking(_grade(results))
    return profile_of(with_own_marks(results, tally(results, outcome)), group)


async def _grade(results: Results) -> None:
    async with build_grader(results.config) as grader:
        await grade_references(results, grader)

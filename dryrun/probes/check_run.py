"""Check a run's own grader on its prompts and responses, and keep the check with the run."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import numpy as np

from dryrun.core.errors import DryRunError
from dryrun.graders.judge_access import JudgeAccess
from dryrun.graders.load import load_grader
from dryrun.graders.trial import as_text
from dryrun.probes.anchors import given_to
from dryrun.probes.check import check_spec, planned_effort
from dryrun.probes.grade import ROWS
from dryrun.probes.make.json_shape import with_format
from dryrun.probes.result import GraderCheck, load_check
from dryrun.store.partition import write_aside
from dryrun.store.results import Results, load_results
from dryrun.store.runs import Run

FILE = "grader_check.json"
PROMPTS = 200
"""Prompts that are read: some are probed, the others lend their answers."""
RESPONSES = 2
"""Responses to each of them that are graded again among the probes."""


async def check_run(
    run: Run,
    judge: JudgeAccess | None = None,
    *,
    rows: int = ROWS,
    seed: int = 0,
    calls: int | None = None,
    seconds: float | None = None,
    keep: bool = True,
) -> GraderCheck:
    """Probe the run's grader on the run's prompts.

    Parameters
    ----------
    run : Run
    judge : JudgeAccess, optional
        Needed where the grader asks a model.
    rows, seed : int
        How many prompts are probed, and the seed of their choice.
    calls : int, optional
        Grades at most. Default: `planned_effort`.
    seconds : float, optional
        After so long no more grades are begun. Default: `planned_effort`.
    keep : bool
        Whether the result is written into the run, where the report finds it.

    Raises
    ------
    GraderError
        The grader cannot run here.
    StoreError
        The result cannot be written.
    """
    config, results = run.config(), load_results(run)
    spec = load_grader(config.grader)
    effort = planned_effort(spec, calls)
    check = await check_spec(
        spec,
        with_format(run.prompts()[:PROMPTS], config.model.response_format),
        field=config.dataset.reference_field,
        samples=_responses(results),
        base=_mean(results),
        rows=rows,
        seed=seed,
        effort=effort if seconds is None else replace(effort, seconds=seconds),
        bounds=config.reward_range,
        declared=not config.scale_open,
        judge_access=judge,
        dataset=config.dataset.name,
    )
    if keep:
        write_aside(run.folder / FILE, check.to_json().encode())
    return check


def kept_check(run: Run) -> GraderCheck | None:
    """What `check_run` kept; None if nothing, or if it cannot be read."""
    try:
        return load_check((run.folder / FILE).read_bytes())
    except (OSError, DryRunError):
        return None


def _responses(results: Results) -> dict[int, list[str]]:
    """Some responses by dataset row."""
    prompt = results.rollouts["prompt"].to_numpy()
    rollout = results.rollouts["rollout"].to_numpy()
    chosen = np.flatnonzero((prompt < PROMPTS) & (rollout < RESPONSES))
    texts: dict[int, list[str]] = defaultdict(list)
    for inspected in results.inspect(chosen.tolist()):
        if inspected.sample.gradable and (text := as_text(given_to(results, inspected.sample))):
            texts[inspected.prompt.row].append(text)
    return texts


def _mean(results: Results) -> float | None:
    score = results.observations().score
    valid = score[np.isfinite(score)]
    return float(valid.mean()) if valid.size else None

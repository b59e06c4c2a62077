"""Profiles in one call, from plain Python or a notebook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from dryrun.cli.notebook import _key, grader_given, model_named
from dryrun.core.blocking import run_blocking
from dryrun.core.config import EMBEDDED_MODEL, JudgeConfig, SamplingConfig
from dryrun.dataset import Dataset, dataset_from_items
from dryrun.engine.budget import Budget, Prices
from dryrun.engine.profile.count import run_profile
from dryrun.engine.profile.stored import StoredProfile
from dryrun.engine.profile.whole import Profiler, Stages
from dryrun.report.training_set.profile_table import keep_profile, profile_table
from dryrun.store.results import load_results
from dryrun.store.runs import Run
from dryrun.store.shared.address import open_store


def profile_run(
    run_id: str, *, outcome: str = "", group: int = 8, data: Path | str | None = None
) -> pa.Table:
    """Profile the prompts of a stored run; no model is called.

    Parameters
    ----------
    run_id : str
    outcome : str
        What says that a response is right, e.g. ``"acc >= 0.5"``; ``""``: guessed.
    group : int
        Responses to a prompt in training, 2 or more.
    data : path, optional
        The data directory, or the address of a shared store. Default: ``DRYRUN_DATA`` or the user's.

    Returns
    -------
    pyarrow.Table
        A row a prompt, schema `dryrun.report.training_set.profile_table.PROFILE`; ``.to_pandas()`` gives a
        data frame.

    Raises
    ------
    DryRunError
        There is no such run, or the outcome is not a part of its grades.
    """
    results = load_results(Run.open(open_store(data), run_id))
    return profile_table(run_profile(results, outcome, group))


def profile_dataset(
    prompts: Sequence[Mapping[str, Any]] | Dataset,
    grader_config: Mapping[str, Any] | str | Path,
    base_model: str = EMBEDDED_MODEL,
    *,
    first: int = 2,
    most: int = 8,
    group: int = 8,
    max_calls: int | None = None,
    max_cost: float | None = None,
    price: tuple[float, float] | None = None,
    seed: int = 0,
    base_url: str | None = None,
    api_key: str | None = None,
    judge: JudgeConfig | None = None,
    judge_key: str | None = None,
    reward_range: tuple[float, float] | None = None,
    outcome: str = "",
    data: Path | str | None = None,
    **model_options: Any,
) -> pa.Table:
    """Profile every row: few responses to each, more where the class is undecided. The same call resumes.

    Parameters
    ----------
    prompts : sequence of mapping, or Dataset
        As for `dryrun.run_dry_run`; a `dryrun.dataset.read_dataset` of a large file stays on disk.
    grader_config, base_model, base_url, api_key, judge, judge_key, reward_range, data, **model_options
        As for `dryrun.run_dry_run`.
    first, most : int
        Responses to every prompt, and to one that stays undecided.
    group, outcome
        As for `profile_run`.
    max_calls, max_cost, price
        The budget over all shards and sessions: calls, US dollars, and US dollars per million prompt and
        completion tokens, which a cap on money needs.
    seed : int
        Decides the order of the rows.

    Returns
    -------
    pyarrow.Table
        As `profile_run`; where the budget was spent first, the rows asked so far.

    Raises
    ------
    DryRunError
        The prompts, the grader or the budget cannot be used, or the model cannot be reached.
    """
    rows = prompts if isinstance(prompts, Dataset) else dataset_from_items(prompts)
    model = model_named(base_model, base_url, model_options)
    options = {
        "model": model,
        "sampling": SamplingConfig(seed=seed),
        "judge": judge,
        "reward_range": reward_range,
    }
    prices = Prices(prompt=price[0], completion=price[1]) if price else Prices()
    work = {"api_key": _key(api_key), "judge_key": _key(judge_key), "batch": model.batch}
    profiler = Profiler(
        open_store(data),
        rows,
        grader_given(grader_config),
        options,
        Stages(first, most, group),
        Budget(calls=max_calls, cost=max_cost, prices=prices),
        outcome,
        work,
    )
    profile = run_blocking(profiler.run()).profile
    keep_profile(profile, StoredProfile(profiler.shards.folder, profiler.shards.grading).table)
    return profile_table(profile)

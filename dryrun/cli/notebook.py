"""A dry run, the design document's function, or a profile in one call, from plain Python or a notebook."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from rich.console import Console

from dryrun.cli.terminal import ProgressLine
from dryrun.core.blocking import run_blocking
from dryrun.core.config import (
    DEFAULT_ROLLOUTS,
    DEFAULT_SAMPLE_SIZE,
    EMBEDDED_MODEL,
    OPENAI_URL,
    JudgeConfig,
    ModelConfig,
    ModelKind,
    SamplingConfig,
)
from dryrun.core.errors import DryRunError
from dryrun.core.records import RunState
from dryrun.core.thresholds import Thresholds
from dryrun.dataset import Dataset, dataset_from_items
from dryrun.dataset.columns import ColumnMap
from dryrun.engine.budget import Budget, Prices
from dryrun.engine.prepare import prepare, resumed_or_started
from dryrun.engine.profile.count import run_profile
from dryrun.engine.profile.stored import StoredProfile
from dryrun.engine.profile.whole import Profiler, Stages
from dryrun.engine.work import work_on
from dryrun.graders.load import read_grader
from dryrun.report import report_of
from dryrun.report.training_set.profile_table import keep_profile, profile_table
from dryrun.store.opened import open_store
from dryrun.store.results import Results, load_results
from dryrun.store.runs import Run


def run_dry_run(
    prompts: Sequence[Mapping[str, Any]],
    grader_config: Mapping[str, Any] | str | Path,
    base_model: str = EMBEDDED_MODEL,
    sample_size: int = DEFAULT_SAMPLE_SIZE,
    *,
    prompt_field: str | None = None,
    reference_field: str | None = None,
    topic_field: str | None = None,
    system: str | None = None,
    rollouts: int = DEFAULT_ROLLOUTS,
    seed: int = 0,
    base_url: str | None = None,
    api_key: str | None = None,
    judge: JudgeConfig | None = None,
    judge_key: str | None = None,
    reward_range: tuple[float, float] | None = None,
    thresholds: Thresholds | None = None,
    evidence: bool = True,
    progress: bool | None = None,
    preflight: bool = True,
    data: Path | str | None = None,
    **model_options: Any,
) -> dict[str, Any]:
    """Sample prompts, generate responses, grade them, and judge whether training can work.

    Parameters
    ----------
    prompts : sequence of mapping
        Dataset rows, each with ``messages`` or a prompt under a usual name; graders see the whole row.
    grader_config : mapping, str or path
        A grader in OpenAI's JSON, or the path or the text of a Python file with a reward function.
    base_model, base_url : str
        The default model is embedded and needs no account (the design document's, o4-mini, was retired on
        2026-10-23). Any other is asked of an OpenAI-compatible endpoint, by default ``OPENAI_BASE_URL``.
    prompt_field, reference_field, topic_field, system : str, optional
        Which fields of the rows are what, and a text in front of every prompt: as the command line's
        ``--prompt-field``, ``--reference-field``, ``--topic-field`` and ``--system``.
    sample_size, rollouts, seed : int
        Prompts (200 to 500 are recommended), responses to each, and the seed by which prompts are drawn.
    api_key, judge_key : str, optional
        Default: ``OPENAI_API_KEY``. Never stored.
    judge, reward_range, thresholds, evidence : optional
        As for `dryrun.engine.prepare.prepare` and `dryrun.report.report_of`.
    progress, data : bool and path, optional
        Whether to show a progress line on stderr (default: in a terminal or a notebook), and the data
        directory with the cached responses (default: ``DRYRUN_DATA`` or the user's).
    preflight : bool
        Whether an endpoint is asked for the first response alone, before all others.
    **model_options
        Further fields of `dryrun.core.config.ModelConfig`: ``temperature``, ``max_completion_tokens`` ...

    Returns
    -------
    dict
        ``samples``: ``{"prompt", "response", "score", "outcome"}`` per rollout, score None without a grade;
        ``report``; ``statistics`` and ``diagnosis`` as in the report; ``run_id``.

    Raises
    ------
    DryRunError
        The prompts or the grader cannot be used, or the model cannot be reached.
    """
    model = model_named(base_model, base_url, model_options)
    columns = ColumnMap(prompt_field, reference_field, topic_field, system or None)
    rows = dataset_from_items(prompts, columns=columns)
    sampling = SamplingConfig(size=sample_size, rollouts=rollouts, seed=seed)
    grader = grader_given(grader_config)
    asked = prepare(rows, grader, model=model, sampling=sampling, reward_range=reward_range, judge=judge)
    run = resumed_or_started(open_store(data), asked)
    how = {"batch": model.batch, "preflight": preflight}
    _work(run, progress, api_key=_key(api_key), judge_key=_key(judge_key), **how)
    return _answer(load_results(run), thresholds, evidence)


def _key(key: str | None) -> str:
    return os.environ.get("OPENAI_API_KEY", "") if key is None else key


def _work(run: Run, progress: bool | None, **how: Any) -> None:
    console = Console(stderr=True, highlight=False, quiet=progress is False)
    with ProgressLine(console, plain=progress is True) as line:
        status = run_blocking(work_on(run, notify=line.show, **how))
    if status.state is RunState.STOPPED:
        raise DryRunError(status.message)


def grader_given(grader: Mapping[str, Any] | str | Path) -> Mapping[str, Any] | str:
    """The grader itself; a path, or one line of text that ends in .py or .json, names a file."""
    if isinstance(grader, str) and grader.endswith((".py", ".json")) and "\n" not in grader:
        grader = Path(grader)
    return read_grader(grader) if isinstance(grader, Path) else grader


def model_named(name: str, base_url: str | None, options: Mapping[str, Any]) -> ModelConfig:
    """The embedded model by its name, any other at an endpoint."""
    if name == EMBEDDED_MODEL and base_url is None:
        return ModelConfig(**options)
    url = base_url or os.environ.get("OPENAI_BASE_URL") or OPENAI_URL
    return ModelConfig(kind=ModelKind.ENDPOINT, name=name, base_url=url, **options)


def _answer(results: Results, thresholds: Thresholds | None, evidence: bool) -> dict[str, Any]:
    report = report_of(results, thresholds, evidence=evidence).to_dict()
    samples = [
        {
            "prompt": dict(seen.prompt.item),
            "response": seen.sample.text,
            "score": seen.grade.reward if seen.grade else None,
            "outcome": seen.sample.outcome.value,
        }
        for seen in results.inspect(range(results.rollouts.num_rows))
    ]
    judged = {name: report[name] for name in ("statistics", "diagnosis")}
    return {"samples": samples, **judged, "report": report, "run_id": results.run.id}


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

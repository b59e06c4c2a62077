"""The design document's function: a dry run in one call, from plain Python or a notebook."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

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
from dryrun.dataset import dataset_from_items
from dryrun.dataset.columns import ColumnMap
from dryrun.engine.prepare import prepare, resumed_or_started
from dryrun.engine.work import work_on
from dryrun.graders.format.load import read_grader
from dryrun.report import report_of
from dryrun.store.results import Results, load_results
from dryrun.store.runs import Run
from dryrun.store.shared.address import open_store


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

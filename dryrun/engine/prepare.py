"""From what a user gives to a run that can be started: checked, drawn, written down."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from dryrun.core.config import JudgeConfig, ModelConfig, RunConfig, SamplingConfig
from dryrun.core.errors import DryRunError
from dryrun.core.records import Prompt
from dryrun.dataset import Dataset
from dryrun.dataset.draw import draw
from dryrun.graders import Finding, GraderSpec, check_against, load_grader, raise_errors
from dryrun.graders.checks.against_rows import READ, contradiction_finding, leak_finding
from dryrun.graders.reference_answers import references_of
from dryrun.graders.reward_scale import reward_scale, scale_finding
from dryrun.models.build import StoredResponses
from dryrun.models.urls import normalise_base_url
from dryrun.store.partition import Store
from dryrun.store.runs import Run, unfinished_run


@dataclass(frozen=True, slots=True)
class Prepared:
    """A run that could be started: everything was checked, nothing was written or called.

    Attributes
    ----------
    config : RunConfig
    prompts : list of Prompt
        In sample order.
    findings : tuple of Finding
        Notes on the grader and these rows: nothing is wrong, but it is worth knowing.
    """

    config: RunConfig
    prompts: list[Prompt]
    findings: tuple[Finding, ...]


def prepare(
    dataset: Dataset,
    grader: Mapping[str, Any] | str,
    *,
    model: ModelConfig | None = None,
    sampling: SamplingConfig | None = None,
    reward_range: tuple[float, float] | None = None,
    grade_timeout: float = 120.0,
    judge: JudgeConfig | None = None,
    cut_reasoning: bool | None = None,
    rows: Sequence[int] | None = None,
) -> Prepared:
    """Check a grader against a dataset and draw the prompts.

    Parameters
    ----------
    dataset : Dataset
    grader : mapping or str
        A grader in OpenAI's JSON, parsed or as text.
    model, sampling : optional
        Default: the embedded model; 300 prompts, 4 rollouts, seed 0.
    reward_range : (float, float), optional
        The scale of the rewards. Default: the grader's own where it is known, else 0..1.
    grade_timeout : float
        Seconds one grade may take.
    judge : JudgeConfig, optional
        Where a grader's judge models are asked. Default: OpenAI's own endpoint.
    cut_reasoning : bool, optional
        Whether the grader is given only what follows a response's reasoning (``</think>`` and the like).
        Default: no.
    rows : sequence of int, optional
        Positions of the rows to ask about, in this order. Default: drawn as `sampling` says.

    Raises
    ------
    GraderError
        Every problem of the grader, alone and against the rows, with its JSON path.
    """
    spec, sampling = load_grader(grader), sampling or SamplingConfig()
    if rows is not None:
        sampling = sampling.model_copy(update={"size": max(len(rows), 1)})
    config = RunConfig(
        dataset=dataset.ref,
        grader=spec.raw,
        model=model or ModelConfig(),
        sampling=sampling,
        grade_timeout=grade_timeout,
        judge=judge,
        cut_reasoning=bool(cut_reasoning),
    )
    drawn = draw(dataset, sampling) if rows is None else rows
    return _fitted(config, dataset.prompts(drawn), spec, reward_range, "dataset")


def _fitted(
    config: RunConfig,
    prompts: list[Prompt],
    spec: GraderSpec,
    reward_range: tuple[float, float] | None,
    rows: str,
) -> Prepared:
    """The grader checked against the prompts; `rows` is what the user calls them."""
    findings = check_against(spec, prompts, response_format=config.model.response_format is not None)
    if reward_range is None and (note := scale_finding(spec)) is not None:
        findings.append(note)
    raise_errors(f"The grader does not fit the {rows}:", findings)
    references, some = partial(references_of, spec, field=config.dataset.reference_field), prompts[:READ]
    seen = (leak_finding(some, references(some)), contradiction_finding(prompts, references))
    findings += filter(None, seen)
    fitted = {
        "grader": spec.raw,
        "reward_range": checked_range(reward_range, spec),
        "scale_open": reward_range is None and spec.range is None,
        "judge": _judge(config.judge, spec),
    }
    return Prepared(config.model_copy(update=fitted), prompts, tuple(findings))


def _judge(judge: JudgeConfig | None, spec: GraderSpec) -> JudgeConfig | None:
    """Where judges are asked, with a normalised URL; None for a grader that asks none.

    Raises
    ------
    ModelError
        The base URL is not a web address, or leads where a hosted app may not go.
    """
    if not spec.asks_models:
        return None
    judge = judge or JudgeConfig()
    return judge.model_copy(update={"base_url": normalise_base_url(judge.base_url)})


def checked_range(bounds: tuple[float, float] | None, spec: GraderSpec) -> tuple[float, float]:
    """The range that was given, else the grader's own where it follows from its type, else 0..1.

    Raises
    ------
    DryRunError
        The given range is not two finite numbers, the lower one first.
    """
    if bounds is None:
        return reward_scale(spec)
    low, high = bounds
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise DryRunError(
            f"The reward range {low:g} to {high:g} is not a range: give two finite numbers, the lower first."
        )
    return low, high


def start(store: Store, prepared: Prepared) -> Run:
    """Write the run down, ready to be worked on.

    Raises
    ------
    StoreError
        The data directory cannot be written.
    """
    return Run.create(store, prepared.config, prepared.prompts)


def resumed_or_started(store: Store, prepared: Prepared) -> Run:
    """The run that asks just this: an unfinished one goes on, else a new one. Claimed for this process.

    Raises
    ------
    StoreError
        The data directory cannot be written.
    """
    unfinished = unfinished_run(store, prepared.config, claimed=True)
    return unfinished or Run.create(store, prepared.config, prepared.prompts, claimed=True)


def regraded(
    run: Run,
    grader: Mapping[str, Any] | str,
    reward_range: tuple[float, float] | None = None,
    grade_timeout: float | None = None,
    judge: JudgeConfig | None = None,
    cut_reasoning: bool | None = None,
) -> Prepared:
    """The same prompts and samples as `run`, under another grader: costs grades, no generation.

    What is None stays as the run has it.

    Raises
    ------
    GraderError
        As in `prepare`.
    """
    spec, config = load_grader(grader), run.config()
    changed = {
        "grade_timeout": grade_timeout or config.grade_timeout,
        "judge": judge or config.judge,
        "cut_reasoning": config.cut_reasoning if cut_reasoning is None else cut_reasoning,
    }
    return _fitted(config.model_copy(update=changed), run.prompts(), spec, reward_range, "run's prompts")


def stored_responses(run: Run) -> StoredResponses:
    """The responses of `run` as a model, for `dryrun.engine.work.work_on` to score a `regraded` run.

    Raises
    ------
    DryRunError
        The run never started, so there is nothing to grade.
    """
    planned = run.plan()
    if planned is None:
        raise DryRunError(f"Run {run.id} has no responses yet. Resume it first.")
    plan, samples, _ = planned
    prompts = run.prompt_columns(["key"])["key"].to_pylist()
    columns = [plan[name].to_pylist() for name in ("prompt", "rollout", "sample_key")]
    keys = {(prompts[prompt], rollout): key for prompt, rollout, key in zip(*columns, strict=True)}
    return StoredResponses(samples.about(), keys)

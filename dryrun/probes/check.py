"""Check the grader: probe it on a dataset's own rows and say in one word what it is."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from dryrun.analysis.figures.coverage import observed_scale
from dryrun.analysis.probes.profile import judge
from dryrun.core.arrays import Floats
from dryrun.core.records import Prompt
from dryrun.core.text import one_line, plural
from dryrun.core.thresholds import ProbeLimits, Thresholds
from dryrun.core.version import __version__
from dryrun.dataset import dataset_from_items
from dryrun.dataset.fields import reference_of, usual_field
from dryrun.graders.judge_access import JudgeAccess
from dryrun.graders.kinds.python import PythonSpec
from dryrun.graders.protocol import Grader
from dryrun.graders.reward_scale import reward_scale
from dryrun.graders.specs import GraderSpec, build
from dryrun.probes import Ground, ground
from dryrun.probes.accepted_form import grades_by, ways
from dryrun.probes.function import Function, FunctionGrader
from dryrun.probes.grade import ROWS, Effort, Probed, count, probe
from dryrun.probes.learned_form import as_asked, learn, python_source, right_answers
from dryrun.probes.make.source_words import scan
from dryrun.probes.make.tool_calls import ToolsRead, names_tools, tools_read
from dryrun.probes.result import GraderCheck, summed_up

SCALE_ROWS, FORM_ROWS, FAR_OFF = 20, 5, 2.0
"""Rows whose answers show a scale, and those of them that are tried in all forms; how many times beyond a
default scale a reward shows another one."""
WHY = 160
"""Characters of the commonest reason that are shown."""
JUDGE_CALLS = 200
"""Judge calls that a check may cost unless more are allowed."""
Samples = Mapping[int, Sequence[str]]


def check_function(
    function: Function,
    items: Sequence[Mapping[str, Any]],
    *,
    samples: Samples | None = None,
    source: str = "",
    rows: int = ROWS,
    seed: int = 0,
    seconds: float = 60.0,
    timeout: float = 1.0,
    bounds: tuple[float, float] = (0.0, 1.0),
    limits: ProbeLimits | None = None,
) -> GraderCheck:
    """Check a reward function that lives in this process; it is called here, with no sandbox.

    Parameters
    ----------
    function : callable
        ``grade(sample, item) -> float`` as OpenAI's python graders have it.
    items : sequence of mapping
        Dataset rows with ``messages`` and, where there is one, a reference answer.
    samples : mapping of int to sequence of str, optional
        Responses of the base model by row (from 0).
    source : str
        The function's source, for what can be read without running it.
    rows, seed : int
    seconds, timeout : float
        For the whole check, and for one grade.
    bounds : (float, float)
        The function's scale.
    limits : ProbeLimits, optional

    Raises
    ------
    DatasetError
        The rows are none.
    """
    dataset = dataset_from_items([dict(item) for item in items])
    prompts = [dataset.prompt(row) for row in range(len(dataset))]
    field = usual_field(items)
    references = as_asked(
        prompts, [reference_of(prompt.item, field) if field else None for prompt in prompts], source
    )
    effort = Effort(seconds=seconds, timeout=timeout)
    tools = ToolsRead() if names_tools(source) else None

    async def checking() -> GraderCheck:
        async with FunctionGrader(function, timeout) as grader:
            learned = await learn(prompts, references, grader, bounds, tools, samples)
            probe_ground = ground(prompts, learned.references, rows=rows, source=source, seed=seed)
            probe_ground = learned.applied(probe_ground)
            return await _checked(probe_ground, grader, effort, bounds, samples, limits)

    return asyncio.run(checking())


async def check_spec(
    spec: GraderSpec,
    prompts: Sequence[Prompt],
    *,
    field: str | None = None,
    samples: Samples | None = None,
    base: float | None = None,
    rows: int = ROWS,
    seed: int = 0,
    effort: Effort | None = None,
    bounds: tuple[float, float] | None = None,
    declared: bool = True,
    judge_access: JudgeAccess | None = None,
    limits: ProbeLimits | None = None,
    dataset: str = "",
) -> GraderCheck:
    """Check a grader in OpenAI's JSON, in the sandbox where it is code.

    Parameters
    ----------
    spec : GraderSpec
    prompts : sequence of Prompt
        Rows of the dataset, more than are probed: wrong answers are made of the others.
    field : str, optional
        Where a row's reference answer is. Default: as `reference_field` finds it.
    samples : mapping of int to sequence of str, optional
        Responses of the base model by dataset row (from 0); each is graded again.
    base : float, optional
        What the base model's responses earn on 0..1, where that is known.
    rows, seed : int
    effort : Effort, optional
        Default: `planned_effort`.
    bounds : (float, float), optional
        Default: the grader's own scale, else 0..1.
    declared : bool
        Somebody said that these are the bounds. If not, what probes earn may widen them.
    judge_access : JudgeAccess, optional
    limits : ProbeLimits, optional
    dataset : str
        The name of the prompts' file, for the record.

    Raises
    ------
    GraderError
        The grader cannot run here.
    ModelError
        The judge cannot be asked.
    """
    effort = effort or planned_effort(spec)
    probe_ground = ground_of(spec, prompts, field=field, rows=rows, seed=seed)
    declared = (bounds is not None and declared) or spec.range is not None
    bounds = bounds or reward_scale(spec)
    async with build(spec, timeout=effort.timeout, judge=judge_access) as grader:
        if not spec.asks_models and effort.calls is None:
            references = right_answers(spec, prompts, field)
            if not declared:
                bounds = await _seen_scale(spec, grader, prompts, references, bounds)
            learned = await learn(prompts, references, grader, bounds, tools_read(spec), samples)
            probe_ground = ground(
                prompts, learned.references, rows=rows, source=probe_ground.source, seed=seed
            )
            probe_ground = learned.applied(probe_ground)
        check = await _checked(
            probe_ground,
            grader,
            effort,
            bounds,
            samples,
            limits,
            base,
            declared=declared,
            judged=spec.asks_models,
        )
    return check.model_copy(update={"grader": spec.fingerprint, "version": __version__, "dataset": dataset})


async def _seen_scale(
    spec: GraderSpec,
    grader: Grader,
    prompts: Sequence[Prompt],
    references: Sequence[str | None],
    bounds: tuple[float, float],
) -> tuple[float, float]:
    """The scale widened to what usual answers earn, where nothing but a default speaks for it.

    Libraries other than OpenAI's know no scale. There a reward of 1.2 is off it, while one of 80 shows
    that percents are meant.
    """
    known = [(p, text) for p, text in zip(prompts, references, strict=True) if text is not None][:SCALE_ROWS]
    shifted = [(prompt, text) for (prompt, _), (_, text) in pairwise(known)]
    formed = [(prompt, way) for prompt, text in known[:FORM_ROWS] for way in ways(prompt, text).values()]
    graded = await grades_by(grader)([*known, *shifted, *formed, *((prompt, "") for prompt, _ in known)])
    rewards = np.array([math.nan if grade.reward is None else grade.reward for grade in graded])
    if _costs(rewards[: len(known)], rewards[len(known) : len(known) + len(shifted)], rewards):
        return min(bounds[0], float(np.nanmin(rewards))), 0.0
    other_library = isinstance(spec, PythonSpec) and spec.entry is not None
    far = bool((np.abs(rewards) > FAR_OFF * max(map(abs, bounds))).any())
    if not (other_library or far):
        return bounds
    return observed_scale(bounds, rewards, Thresholds().max_out_of_range)


def _costs(right: Floats, wrong: Floats, every: Floats) -> bool:
    """Whether rewards are costs: nothing earns more than 0, which right answers do, and wrong ones less."""
    if not np.isfinite(every).all() or not wrong.size:
        return False
    return bool(every.max() == right.min() == 0.0 and wrong.mean() < 0.0)


def planned_effort(spec: GraderSpec, calls: int | None = None) -> Effort:
    """What a check of this grader may cost: time where it is code, calls where it asks a model."""
    if spec.asks_models:
        return Effort(calls=calls or JUDGE_CALLS, seconds=1800.0, timeout=120.0)
    return Effort(calls=calls)


def planned_calls(spec: GraderSpec, probe_ground: Ground, effort: Effort) -> int:
    """The number of calls that a check makes at most, counted before the first."""
    judges = sum(1 for _, part in spec.walk() if part.asks_models and part is not spec) or 1
    return count(probe_ground, effort) * judges


def ground_of(
    spec: GraderSpec, prompts: Sequence[Prompt], *, field: str | None = None, rows: int = ROWS, seed: int = 0
) -> Ground:
    """The rows as probes are made from them."""
    return ground(
        prompts, right_answers(spec, prompts, field), rows=rows, source=python_source(spec), seed=seed
    )


async def _checked(
    probe_ground: Ground,
    grader: Grader,
    effort: Effort,
    bounds: tuple[float, float],
    samples: Samples | None,
    limits: ProbeLimits | None,
    base: float | None = None,
    *,
    declared: bool = True,
    judged: bool = False,
) -> GraderCheck:
    by_row = {
        number: (samples or {}).get(prompt.row, ()) for number, prompt in enumerate(probe_ground.prompts)
    }
    probed = await probe(
        probe_ground, grader, effort=effort, bounds=bounds, declared=declared, judged=judged, samples=by_row
    )
    profile = judge(probed.grades, limits, base)
    fields = frozenset(key for prompt in probe_ground.prompts for key in prompt.item)
    remarks = scan(probe_ground.source, fields) if probe_ground.source else []
    reasons = _reasons(probed)
    tried = profile.graded + reasons.total()
    missing = _missing(probe_ground, tried, probed.planned, judged, samples)
    return summed_up(probed, profile, remarks, missing, probe_ground).model_copy(
        update={"why": _why(reasons)}
    )


def _reasons(probed: Probed) -> Counter[str]:
    """Why answers got no grade, in the grader's or the judge's own words."""
    answers = zip(probed.grades.graded, probed.details, strict=True)
    return Counter(one_line(detail, WHY) for graded, detail in answers if detail and not graded)


def _why(reasons: Counter[str]) -> str:
    if not reasons:
        return ""
    commonest = reasons.most_common(1)[0][0]
    return f"{plural(reasons.total(), 'answer')} got no grade, most often so: {commonest}"


def _missing(
    probe_ground: Ground, tried: int, planned: int, judged: bool, samples: Samples | None
) -> list[str]:
    """What this check could not see."""
    unseen = []
    if probe_ground.referenced == 0:
        unseen.append(
            "reference answers: without them right answers, wrong answers and forms are not probed; "
            "name their field"
        )
    elif probe_ground.referenced < len(probe_ground.prompts):
        unseen.append(f"{len(probe_ground.prompts) - probe_ground.referenced} rows have no reference answer")
    if not samples:
        unseen.append("real responses: none were at hand")
    if not probe_ground.source:
        unseen.append("the source: there is no Python to read")
    if judged:
        unseen.append("time: a judge's depends on its service")
    if tried < 0.9 * planned:
        unseen.append(f"{planned - tried:,} of {planned:,} probes, for want of calls or time")
    unseen.append("a wrong answer key: where the references themselves are wrong, no probe can tell")
    return unseen

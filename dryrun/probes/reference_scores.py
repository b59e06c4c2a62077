"""What does the grader pay for the reference answers themselves, in the form it takes?

If the right answer does not earn the maximum, no training can reach it: the metric has a lower
ceiling (METEOR pays 0.5 for a one-word match), or the reference is not what the grader looks for.
What a run's grader pays is kept with the run: one reference that is refused where most are paid is a
broken one, and the texts that were paid are what to teach where right answers go unpaid for their form.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import orjson
from pydantic import TypeAdapter

from dryrun.core.errors import DryRunError
from dryrun.core.records import GRADED_AGAIN, Grade, Prompt
from dryrun.graders import Grader
from dryrun.graders.judge_access import JudgeAccess
from dryrun.graders.load import load_grader
from dryrun.graders.reference_answers import compared_columns, reference_field, references_of
from dryrun.graders.reward_scale import reward_scale
from dryrun.graders.specs import DEFAULT_TIMEOUT, GraderSpec, build
from dryrun.probes.accepted_form import BARE, Texts, accepted_way, grades_by, templates_of, written
from dryrun.probes.anchors import best_paid, run_references
from dryrun.probes.make.tool_calls import tools_read
from dryrun.store.partition import write_aside
from dryrun.store.results import Results
from dryrun.store.runs import Run

NEAR = 1e-9
SHOWN_ROWS = 8


@dataclass(frozen=True, slots=True)
class ReferenceScores:
    """What the reference answers earn.

    Attributes
    ----------
    field : str
        Where in a row the reference answer is.
    way : str
        How the answers were written: bare, or in the form that this grader was seen to take.
    graded : int
        Rows with a grade.
    mean : float
        Of their raw rewards.
    best : float
        The most any of them earned, or the grader's maximum where that is known.
    short : tuple of (int, float)
        Row (from 1) and reward of those that earn less than `best`, in row order.
    errors : tuple of (int, str)
        Row (from 1) and error of those whose grade carries one; that a reward was `True` is none.
    known : bool
        Whether `best` is the grader's maximum.
    """

    field: str
    way: str
    graded: int
    mean: float
    best: float
    short: tuple[tuple[int, float], ...]
    errors: tuple[tuple[int, str], ...]
    known: bool = True

    @property
    def sound(self) -> bool:
        """Whether every reference answer earns the maximum; 0 shows none where the maximum is unknown."""
        paid = self.known or self.best > 0.0
        return self.graded > 0 and paid and not self.short and not self.errors

    def sentences(self) -> list[str]:
        """What to tell the user, the whole first."""
        if not self.graded:
            why = f": row {self.errors[0][0]}: {self.errors[0][1]}" if self.errors else ""
            return [f"No reference answer ({self.field}) could be graded{why}."]
        form = "" if self.way == BARE else f", written {self.way}"
        most = "the maximum is" if self.known else "the most one earns is"
        sentences = [
            f"The reference answers ({self.field}{form}) earn {self.mean:.3g} on average over "
            f"{self.graded:,} rows; {most} {self.best:.3g}."
        ]
        if not self.known and self.best <= 0.0:
            sentences.append(
                "None is paid for. Unless that is the most this grader can give, it does not recognise right "
                "answers: try it on one row."
            )
        if self.short:
            rows = ", ".join(f"row {row} earns {reward:.3g}" for row, reward in self.short[:SHOWN_ROWS])
            more = f", and {len(self.short) - SHOWN_ROWS:,} more" if len(self.short) > SHOWN_ROWS else ""
            sentences.append(
                f"{len(self.short):,} earn less: {rows}{more}. A perfect model would score no better: mend "
                "the grader or these references."
            )
        if self.errors:
            row, error = self.errors[0]
            sentences.append(f"{len(self.errors):,} end in an error, first row {row}: {error}")
        return sentences


async def ceiling(
    spec: GraderSpec,
    prompts: Sequence[Prompt],
    *,
    field: str | None = None,
    grade_timeout: float = DEFAULT_TIMEOUT,
    judge: JudgeAccess | None = None,
) -> ReferenceScores:
    """Grade the reference answer of each prompt.

    Raises
    ------
    DryRunError
        No row has a reference answer, or the grader cannot run here.
    """
    references = references_of(spec, prompts, field)
    field = field or ", ".join(compared_columns(spec, prompts).values())
    field = field or reference_field(spec, [prompt.item for prompt in prompts])
    asked = [(prompt, text) for prompt, text in zip(prompts, references, strict=True) if text is not None]
    if not asked:
        raise DryRunError(f"No row has a field {field!r} with a reference answer.")
    async with build(spec, timeout=grade_timeout, judge=judge) as grader:
        graded, tools, way = grades_by(grader), tools_read(spec), BARE
        if not spec.asks_models:
            way = await accepted_way(asked, graded, reward_scale(spec), tools=tools)
        grades = await graded(written(asked, way, tools=tools))
    return _summed(field, way, spec, [prompt.row + 1 for prompt, _ in asked], grades)


def _summed(
    field: str, way: str, spec: GraderSpec, rows: Sequence[int], grades: Sequence[Grade]
) -> ReferenceScores:
    known = [(row, grade.reward) for row, grade in zip(rows, grades, strict=True) if grade.reward is not None]
    highest = max((reward for _, reward in known), default=0.0)
    best = spec.range[1] if spec.range is not None else highest
    return ReferenceScores(
        field=field,
        way=way,
        graded=len(known),
        mean=sum(reward for _, reward in known) / len(known) if known else 0.0,
        best=best,
        known=spec.range is not None,
        short=tuple(sorted((row, reward) for row, reward in known if reward < best - NEAR)),
        errors=tuple(
            sorted(
                (row, f"{name}: {detail}")
                for row, grade in zip(rows, grades, strict=True)
                for name, detail in grade.errors.items()
                if not grade.remarked_only or GRADED_AGAIN in detail
            )
        ),
    )


FILE = "references.json"
AT_A_TIME = 500


@dataclass(frozen=True, slots=True)
class ReferenceGrades:
    """The reference answers as responses, and what they earn.

    Attributes
    ----------
    form : str
        How they were written: bare, or in the form that this grader was seen to take.
    texts : dict of str to str
        The response with the right answer, by the prompt's key.
    rewards : dict of str to (float or None)
        Raw rewards by the prompt's key; None without a grade.
    """

    form: str
    texts: dict[str, str]
    rewards: dict[str, float | None]

    def scores(self, bounds: tuple[float, float]) -> dict[str, float]:
        """Rewards mapped to 0..1 by the run's scale, of those with a grade."""
        low, high = bounds
        return {
            key: (reward - low) / (high - low) for key, reward in self.rewards.items() if reward is not None
        }


_KEPT = TypeAdapter(ReferenceGrades)


async def grade_references(results: Results, grader: Grader) -> ReferenceGrades:
    """Grade each prompt's reference answer and keep what it earned.

    A judge gets each once, as it stands: looking for the form that a grader takes costs hundreds of grades,
    and a judge reads the content.

    Parameters
    ----------
    results : Results
    grader : Grader
        Open, the run's own.

    Raises
    ------
    StoreError
        It cannot be written.
    """
    run, config = results.run, results.config
    prompts = list({prompt.key: prompt for prompt in run.prompts()}.values())
    known: Texts = run_references(run, prompts)
    grades = grades_by(grader)
    tools = tools_read(load_grader(config.grader))
    templates = templates_of(best_paid(results), {prompt.key: text for prompt, text in known})
    form = BARE
    if config.judge is None:
        form = await accepted_way(known, grades, config.reward_range, templates, tools)
    texts = written(known, form, templates, tools)
    earned: list[float | None] = []
    for start in range(0, len(texts), AT_A_TIME):  # never a task for each row of a large run
        earned += [grade.reward for grade in await grades(texts[start : start + AT_A_TIME])]
    keys = [prompt.key for prompt, _ in texts]
    answers = [text for _, text in texts]
    kept = ReferenceGrades(form, dict(zip(keys, answers, strict=True)), dict(zip(keys, earned, strict=True)))
    write_aside(run.folder / FILE, orjson.dumps(_KEPT.dump_python(kept)))
    return kept


def load_reference_grades(run: Run) -> ReferenceGrades | None:
    """What `grade_references` kept; None if nothing was."""
    try:
        return _KEPT.validate_json((run.folder / FILE).read_bytes())
    except (OSError, ValueError):
        return None

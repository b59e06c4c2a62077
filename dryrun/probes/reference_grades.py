"""What a run's grader pays for the reference answer of every prompt, in the form it takes; kept with the run.

Costs grades, no generation. One reference that is refused where most are paid is a broken one, and the
texts that were paid are what to teach where right answers go unpaid for their form.
"""

from __future__ import annotations

from dataclasses import dataclass

import orjson
from pydantic import TypeAdapter

from dryrun.graders import Grader
from dryrun.graders.format.load import load_grader
from dryrun.probes.accepted_form import BARE, Texts, accepted_way, grades_by, templates_of, written
from dryrun.probes.anchors import best_paid, run_references
from dryrun.probes.make.tool_calls import tools_read
from dryrun.store.partition import write_aside
from dryrun.store.results import Results
from dryrun.store.runs import Run

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

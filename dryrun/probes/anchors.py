"""Anchors of a run: its grader on reference answers and on a few worthless ones, to find its scale.

Costs grades, no generation.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence

import numpy as np
import orjson

from dryrun.analysis.figures.anchors import Anchors, Floats
from dryrun.core.errors import DryRunError
from dryrun.core.probe import FAR
from dryrun.core.records import Prompt, Sample
from dryrun.dataset.fields import reference_of
from dryrun.graders import Grader
from dryrun.graders.answer_alone import answer_alone, without_reasoning
from dryrun.graders.format.load import load_grader
from dryrun.graders.reference_answers import reference_field
from dryrun.graders.trial import response
from dryrun.probes.accepted_form import SCOUTS, Texts, accepted_way, templates_of, written
from dryrun.probes.make.answers import flat
from dryrun.probes.make.demand import prompt_text
from dryrun.probes.make.forms import reformatted, shell_of
from dryrun.probes.make.tool_calls import tools_read
from dryrun.probes.make.worthless import FILLER, REFUSAL, stuffing
from dryrun.probes.read_responses import read_all
from dryrun.store.partition import write_aside
from dryrun.store.results import Results, load_results
from dryrun.store.runs import Run

REFERENCES, REGRADED, TIMES = 50, 20, 2
TOPIC_REFERENCES, TOPICS = 5, 40
"""Reference answers graded for each topic, and the topics they are graded for."""
AT_ONCE = 32
READ = 400
"""Responses that are read for the right answer."""
PAID = 40
"""Responses that earned the most, read for the form they have."""
FILE = "anchors.json"


async def grade_anchors(run: Run, grader: Grader, seed: int = 0) -> None:
    """Grade the anchors and keep the raw rewards with the run.

    Parameters
    ----------
    run : Run
        Finished, or far enough to have responses.
    grader : Grader
        Open, the run's own.
    seed : int
        Chooses the prompts.

    Raises
    ------
    StoreError
        They cannot be written.
    """
    prompts = _distinct(run.prompts())
    chance = random.Random(seed)
    chance.shuffle(prompts)
    lane = asyncio.Semaphore(AT_ONCE)

    async def rewards(texts: Texts) -> list[float | None]:
        async def one(prompt: Prompt, text: str) -> float | None:
            async with lane:
                return (await grader.grade(response(text), prompt.item)).reward

        return list(await asyncio.gather(*(one(prompt, text) for prompt, text in texts)))

    bounds = run.config().reward_range
    known: Texts = _references(run, prompts)
    results = load_results(run)
    references = {prompt.key: text for prompt, text in known}
    templates = templates_of(_best_paid(results), references)
    tools = tools_read(load_grader(run.config().grader))
    way = await accepted_way(known, rewards, bounds, templates, tools)
    known = written([*known[SCOUTS:], *known[:SCOUTS]], way, templates, tools)
    pairs, reasoning = _read(results, references, chance)
    found = {
        "form": way,
        "read": pairs,
        "reasoning": reasoning,
        "reference": await rewards(known[:REFERENCES]),
        "topics": {topic: await rewards(texts) for topic, texts in _by_topic(known).items()},
        "reformatted": await rewards([(prompt, reformatted(text)) for prompt, text in known[:REFERENCES]]),
        "junk": {name: await rewards(texts) for name, texts in junk(prompts, known).items() if texts},
        "regraded": await _regraded(results, grader, chance, lane),
    }
    write_aside(run.folder / FILE, orjson.dumps(found, option=orjson.OPT_INDENT_2))


def load_anchors(run: Run) -> Anchors | None:
    """What `grade_anchors` kept, mapped to 0..1 by the run's reward range; None if nothing was measured."""
    try:
        kept = orjson.loads((run.folder / FILE).read_bytes())
        bounds = run.config().reward_range
        regraded = _scaled(kept["regraded"], bounds) if kept["regraded"] else None
        return Anchors(
            reference=_scaled(kept["reference"], bounds) if kept["reference"] else None,
            reformatted=_scaled(kept["reformatted"], bounds) if kept["reformatted"] else None,
            junk={name: _scaled(values, bounds) for name, values in kept["junk"].items()},
            topic_reference={
                topic: _scaled(values, bounds) for topic, values in kept.get("topics", {}).items()
            },
            read=_said(kept.get("read", [])),
            reasoning=kept.get("reasoning"),
            regraded=regraded if regraded is not None and regraded.ndim == 2 else None,
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _said(pairs: Sequence[tuple[float | None, bool | None]]) -> tuple[Floats, Floats] | None:
    """Scores, which are kept on 0..1, and readings as numbers; None becomes NaN."""
    if not pairs:
        return None
    columns = np.array(pairs, dtype=np.float64)
    return columns[:, 0], columns[:, 1]


def _scaled(rewards: object, bounds: tuple[float, float]) -> Floats:
    """Rewards on 0..1; None becomes NaN."""
    low, high = bounds
    return (np.array(rewards, dtype=np.float64) - low) / (high - low)


def _distinct(prompts: Sequence[Prompt]) -> list[Prompt]:
    return list({prompt.key: prompt for prompt in prompts}.values())


def _references(run: Run, prompts: Sequence[Prompt]) -> list[tuple[Prompt, str]]:
    try:
        config, items = run.config(), [prompt.item for prompt in prompts]
        field = config.dataset.reference_field or reference_field(load_grader(config.grader), items)
    except DryRunError:
        return []
    return [(prompt, text) for prompt in prompts if (text := reference_of(prompt.item, field)) is not None]


def _by_topic(known: Texts) -> dict[str, Texts]:
    """Some reference answers of each topic, for as many topics as may be asked about."""
    found: dict[str, list[tuple[Prompt, str]]] = {}
    for prompt, text in known:
        if prompt.topic and (prompt.topic in found or len(found) < TOPICS):
            mine = found.setdefault(prompt.topic, [])
            if len(mine) < TOPIC_REFERENCES:
                mine.append((prompt, text))
    return dict(found)


async def _regraded(
    results: Results, grader: Grader, chance: random.Random, lane: asyncio.Semaphore
) -> list[list[float | None]]:
    count = results.rollouts.num_rows
    chosen = sorted(chance.sample(range(count), min(REGRADED, count)))

    async def again(sample: Sample, prompt: Prompt) -> float | None:
        async with lane:
            return (await grader.grade(sample, prompt.item)).reward

    seen = [one for one in results.inspect(chosen) if one.sample.gradable]
    return [[await again(one.sample, one.prompt) for _ in range(TIMES)] for one in seen]


def _read(
    results: Results, references: Mapping[str, str], chance: random.Random
) -> tuple[list[tuple[float, bool | None]], float | None]:
    """Scores of some responses, each with whether it is right; and the share that holds reasoning."""
    score = results.observations().score
    graded = np.flatnonzero(np.isfinite(score)).tolist()
    chosen = sorted(chance.sample(graded, min(READ, len(graded))))
    seen = results.inspect(chosen)
    texts = [one.sample.text for one in seen]
    says = read_all([(one.prompt, text) for one, text in zip(seen, texts, strict=True)], references)
    pairs = [(float(score[place]), said) for place, said in zip(chosen, says, strict=True)]
    whole = not results.config.cut_reasoning
    reasoned = [whole and without_reasoning(text)[1] for text in texts]
    return pairs, sum(reasoned) / len(reasoned) if reasoned else None


def _best_paid(results: Results) -> Texts:
    """Some responses that earned the most, if that is more than nothing."""
    score = results.observations().score
    most = np.nanmax(score, initial=0.0)
    if most <= 0.0:
        return []
    best = np.flatnonzero(score >= most - 1e-9)[:PAID].tolist()
    return [(seen.prompt, given_to(results, seen.sample).text) for seen in results.inspect(best)]


def given_to(results: Results, sample: Sample) -> Sample:
    """The sample as the run's grader is given it."""
    return answer_alone(sample) if results.config.cut_reasoning else sample


JUNK = 20
"""Prompts that each kind is graded on."""


def junk(prompts: Sequence[Prompt], known: Texts) -> dict[str, Texts]:
    """Worthless answers by kind, each to `JUNK` prompts.

    Parameters
    ----------
    prompts : sequence of Prompt
    known : sequence of (Prompt, str)
        Prompts with their reference answers.
    """
    some = prompts[:JUNK]
    asked = [(prompt, prompt_text(prompt.messages[-1:])) for prompt in some]
    return {
        "empty": [(prompt, "") for prompt in some],
        "refusal": [(prompt, REFUSAL) for prompt in some],
        "echo of the prompt": asked,
        "long filler": [(prompt, FILLER) for prompt in some],
        "format only": [(prompt, shell_of(text)) for prompt, text in known[:JUNK]],
        "keyword stuffing": [(prompt, stuffing(text)) for prompt, text in asked],
        FAR: _mismatched(known),
    }


def _mismatched(known: Texts) -> Texts:
    """For each prompt the answer to another one, where that differs: a yes/no key has few."""
    pairs = []
    for number, (prompt, text) in enumerate(known[: 4 * JUNK]):
        _, other = known[(number + 1) % len(known)]
        if flat(other) != flat(text):
            pairs.append((prompt, other))
    return pairs[:JUNK]

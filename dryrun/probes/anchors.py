"""The cheap first round of the probes: a run's grader on right and worthless answers, to find its scale.

Costs grades, no generation.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

import numpy as np
import orjson

from dryrun.analysis.figures.anchors import Anchors, Floats
from dryrun.core.records import Prompt, Sample
from dryrun.graders import Grader
from dryrun.graders.answer_alone import answer_alone, without_end_token, without_reasoning
from dryrun.graders.format.load import load_grader
from dryrun.graders.reference_answers import references_of
from dryrun.graders.trial import as_text
from dryrun.probes import Ground, ground, quick_round
from dryrun.probes.accepted_form import SCOUTS, Texts, accepted_way, grades_by, templates_of, written
from dryrun.probes.learned_form import Learned, in_this_way
from dryrun.probes.make.forms import reformatted
from dryrun.probes.make.json_shape import with_format
from dryrun.probes.make.tool_calls import tools_read
from dryrun.probes.read_responses import read_all
from dryrun.store.partition import write_aside
from dryrun.store.results import Results, load_results
from dryrun.store.runs import Run

REFERENCES, REGRADED, TIMES = 50, 20, 2
WORTHLESS = 20
"""Prompts to which wrong and worthless answers are graded."""
TOPIC_REFERENCES, TOPICS = 5, 40
"""Reference answers graded for each topic, and the topics they are graded for."""
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
    config, results, chance = run.config(), load_results(run), random.Random(seed)
    spec, grades = load_grader(config.grader), grades_by(grader)
    prompts = with_format(_distinct(run.prompts()), config.model.response_format)
    chance.shuffle(prompts)
    references = references_of(spec, prompts, config.dataset.reference_field)
    known = [(p, text) for p, text in zip(prompts, references, strict=True) if text is not None]
    by_key = {prompt.key: text for prompt, text in known}
    templates, tools = templates_of(best_paid(results), by_key), tools_read(spec)
    way = await accepted_way(known, grades, config.reward_range, templates, tools)

    async def rewards(texts: Texts) -> list[float | None]:
        return [grade.reward for grade in await grades(texts)]

    learned = in_this_way(way, prompts, references, templates, tools)
    unearned = _unearned(ground(prompts, learned.references, rows=WORTHLESS, seed=seed), learned)
    right = written([*known[SCOUTS:], *known[:SCOUTS]], way, templates, tools)
    calls = {prompt.key: text for prompt, text in right} if learned.call else None
    pairs, around = _read(results, by_key, calls, chance)
    measured = {
        "form": way,
        "read": pairs,
        **around,
        "reference": await rewards(right[:REFERENCES]),
        "topics": {topic: await rewards(texts) for topic, texts in _by_topic(right).items()},
        "reformatted": await rewards([(prompt, reformatted(text)) for prompt, text in right[:REFERENCES]]),
        "junk": {kind: await rewards(texts) for kind, texts in unearned.items()},
        "regraded": await _regraded(results, grader, chance),
    }
    write_aside(run.folder / FILE, orjson.dumps(measured, option=orjson.OPT_INDENT_2))


def _unearned(probe_ground: Ground, learned: Learned) -> dict[str, Texts]:
    """The wrong and worthless answers by kind."""
    texts: dict[str, list[tuple[Prompt, str]]] = {}
    for probe in quick_round(probe_ground, learned.at(probe_ground)):
        texts.setdefault(probe.kind, []).append((probe_ground.prompts[probe.row], probe.text))
    return dict(texts)


def load_anchors(run: Run) -> Anchors | None:
    """What `grade_anchors` kept, mapped to 0..1 by the run's reward range; None if nothing was measured."""
    try:
        kept = orjson.loads((run.folder / FILE).read_bytes())
        bounds = run.config().reward_range
        reads = _kept_reads(kept.get("read", []))
        regraded = _scaled(kept["regraded"], bounds) if kept["regraded"] else None
        return Anchors(
            reference=_scaled(kept["reference"], bounds) if kept["reference"] else None,
            reformatted=_scaled(kept["reformatted"], bounds) if kept["reformatted"] else None,
            junk={name: _scaled(values, bounds) for name, values in kept["junk"].items()},
            topic_reference={
                topic: _scaled(values, bounds) for topic, values in kept.get("topics", {}).items()
            },
            read=None if reads is None else (reads[0], reads[1]),
            read_prompt=None if reads is None or len(reads) < 3 else reads[2].astype(np.int64),
            reasoning=kept.get("reasoning"),
            end_tokens=kept.get("end_tokens"),
            regraded=regraded if regraded is not None and regraded.ndim == 2 else None,
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _kept_reads(kept: Sequence[Sequence[float | bool | None]]) -> Floats | None:
    """Scores, which are kept on 0..1, readings as numbers, and prompts, which older runs lack."""
    return np.array(kept, dtype=np.float64).T if kept else None


def _scaled(rewards: object, bounds: tuple[float, float]) -> Floats:
    """Rewards on 0..1; None becomes NaN."""
    low, high = bounds
    return (np.array(rewards, dtype=np.float64) - low) / (high - low)


def run_references(run: Run, prompts: Sequence[Prompt]) -> list[tuple[Prompt, str]]:
    """The prompts that have a reference answer, with it, in the field that the run's grader reads."""
    config = run.config()
    spec = load_grader(config.grader)
    asked = with_format(prompts, config.model.response_format)
    references = references_of(spec, asked, config.dataset.reference_field)
    return [(prompt, text) for prompt, text in zip(asked, references, strict=True) if text is not None]


def _distinct(prompts: Sequence[Prompt]) -> list[Prompt]:
    return list({prompt.key: prompt for prompt in prompts}.values())


def _by_topic(known: Texts) -> dict[str, Texts]:
    """Some reference answers of each topic, for as many topics as may be asked about."""
    by_topic: dict[str, list[tuple[Prompt, str]]] = {}
    for prompt, text in known:
        if prompt.topic and (prompt.topic in by_topic or len(by_topic) < TOPICS):
            texts = by_topic.setdefault(prompt.topic, [])
            if len(texts) < TOPIC_REFERENCES:
                texts.append((prompt, text))
    return dict(by_topic)


async def _regraded(results: Results, grader: Grader, chance: random.Random) -> list[list[float | None]]:
    count = results.rollouts.num_rows
    chosen = sorted(chance.sample(range(count), min(REGRADED, count)))
    seen = [inspected for inspected in results.inspect(chosen) if inspected.sample.gradable]
    return [
        [(await grader.grade(inspected.sample, inspected.prompt.item)).reward for _ in range(TIMES)]
        for inspected in seen
    ]


def _read(
    results: Results,
    references: Mapping[str, str],
    calls: Mapping[str, str] | None,
    chance: random.Random,
) -> tuple[list[tuple[float, bool | None, int]], dict[str, float]]:
    """Scores of some responses, each with whether it is right, and its prompt.

    Also the shares of them that hold reasoning, and that end in a chat template's end token.
    """
    observed = results.observations()
    score = observed.score
    graded = np.flatnonzero(np.isfinite(score)).tolist()
    chosen = sorted(chance.sample(graded, min(READ, len(graded))))
    seen = results.inspect(chosen)
    texts = [inspected.sample.text if calls is None else as_text(inspected.sample) for inspected in seen]
    prompts = with_format([inspected.prompt for inspected in seen], results.config.model.response_format)
    says = read_all(list(zip(prompts, texts, strict=True)), references, calls)
    if calls is None:  # what a call says is not in the text
        says = [
            None if inspected.sample.tool_calls else is_right
            for inspected, is_right in zip(seen, says, strict=True)
        ]
    pairs = [
        (float(score[place]), is_right, int(observed.prompt[place]))
        for place, is_right in zip(chosen, says, strict=True)
    ]
    if not texts:
        return pairs, {}
    reasoned = not results.config.cut_reasoning and sum(without_reasoning(text)[1] for text in texts)
    ended = sum(without_end_token(text)[1] for text in texts)
    return pairs, {"reasoning": reasoned / len(texts), "end_tokens": ended / len(texts)}


def best_paid(results: Results) -> Texts:
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
